/** Every operation on a key, in every state that a key can be in (developer guide, "Key states of AWS KMS keys"). */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import {
  CancelKeyDeletionCommand,
  CreateAliasCommand,
  CreateGrantCommand,
  CreateKeyCommand,
  type CreateKeyCommandInput,
  DecryptCommand,
  DeleteAliasCommand,
  DeleteImportedKeyMaterialCommand,
  DeriveSharedSecretCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  DisableKeyRotationCommand,
  EnableKeyCommand,
  EnableKeyRotationCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateDataKeyPairCommand,
  GenerateDataKeyPairWithoutPlaintextCommand,
  GenerateDataKeyWithoutPlaintextCommand,
  GenerateMacCommand,
  GetKeyLastUsageCommand,
  GetKeyPolicyCommand,
  GetKeyRotationStatusCommand,
  GetParametersForImportCommand,
  GetPublicKeyCommand,
  ImportKeyMaterialCommand,
  type KMSClient,
  ListAliasesCommand,
  ListGrantsCommand,
  ListKeyPoliciesCommand,
  ListKeyRotationsCommand,
  ListResourceTagsCommand,
  PutKeyPolicyCommand,
  ReEncryptCommand,
  ReplicateKeyCommand,
  RetireGrantCommand,
  RevokeGrantCommand,
  RotateKeyOnDemandCommand,
  ScheduleKeyDeletionCommand,
  SignCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateAliasCommand,
  UpdateKeyDescriptionCommand,
  UpdatePrimaryRegionCommand,
  VerifyCommand,
  VerifyMacCommand,
} from '@aws-sdk/client-kms'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { importInto, wrappedFor } from '../support/import.ts'
import { failure, kmsClient } from '../support/sdk.ts'
import { root, startServer, type TestServer } from '../support/server.ts'

const ELSEWHERE = 'eu-west-1'
let server: TestServer
let kms: KMSClient
/** Enabled, for whatever needs a second key. */
let other: string
beforeAll(async () => {
  server = await startServer({ config: { kms: { regions: [ELSEWHERE] } } })
  kms = kmsClient(server)
  other = (await kms.send(new CreateKeyCommand({}))).KeyMetadata!.KeyId!
})
afterAll(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error/)
  await server.remove()
})

type Answer = 'ok' | readonly [code: string, text: string]
const OK = 'ok'
const DISABLED = ['DisabledException', 'is disabled.'] as const
const DELETED = ['KMSInvalidStateException', 'is pending deletion.'] as const
const DELETED_LATER = ['KMSInvalidStateException', 'is pending replica deletion.'] as const
const NOT_DELETED = ['KMSInvalidStateException', 'is not pending deletion.'] as const
const EMPTY = ['KMSInvalidStateException', 'is pending import.'] as const
const EXTERNAL = ['UnsupportedOperationException', 'origin is EXTERNAL which is not valid for this operation.'] as const
const NOT_EXTERNAL = [
  'UnsupportedOperationException',
  'origin is AWS_KMS which is not valid for this operation.',
] as const
const NOTHING_PENDING = ['KMSInvalidStateException', 'No available key material pending rotation for the key:'] as const

interface Subject {
  readonly KeyId: string
  /** What `before` made, while the key could be used. */
  readonly made: unknown
}
interface Operation {
  readonly send: (subject: Subject) => Promise<unknown>
  /** Done while the key is enabled and has its material. */
  readonly before?: (KeyId: string) => Promise<unknown>
  readonly key?: CreateKeyCommandInput
  /** What such a key can have, where it is not 32 bytes. */
  readonly material?: Uint8Array
}
const MULTI_REGION: CreateKeyCommandInput = { MultiRegion: true }
const MAC_KEY: CreateKeyCommandInput = { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' }
const Plaintext = Buffer.from('x')
const Message = Plaintext
const MacAlgorithm = 'HMAC_SHA_256'
const secret = randomBytes(32)
const pair = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
const material = pair.privateKey.export({ type: 'pkcs8', format: 'der' })
const PublicKey = pair.publicKey.export({ type: 'spki', format: 'der' })
const signing = { key: { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }, material } as const
const agreeing = { key: { KeySpec: 'ECC_NIST_P256', KeyUsage: 'KEY_AGREEMENT' }, material } as const
const message = { Message, SigningAlgorithm: 'ECDSA_SHA_256' } as const
const policy = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { AWS: '*' }, Action: 'kms:*', Resource: '*' }],
})
const grant = { GranteePrincipal: 'arn:aws:iam::000000000000:root', Operations: ['Decrypt' as const] }
const aliasOf = (KeyId: string) => `alias/${KeyId}`

const encrypted = async (KeyId: string) => (await kms.send(new EncryptCommand({ KeyId, Plaintext }))).CiphertextBlob!
const granted = async (KeyId: string) => (await kms.send(new CreateGrantCommand({ KeyId, ...grant }))).GrantId!
const named = (KeyId: string) => kms.send(new CreateAliasCommand({ AliasName: aliasOf(KeyId), TargetKeyId: KeyId }))

const replicated = (KeyId: string) => kms.send(new ReplicateKeyCommand({ KeyId, ReplicaRegion: ELSEWHERE }))

const OPERATIONS = {
  Encrypt: { send: ({ KeyId }) => kms.send(new EncryptCommand({ KeyId, Plaintext })) },
  Decrypt: {
    before: encrypted,
    send: ({ made }) => kms.send(new DecryptCommand({ CiphertextBlob: made as Uint8Array })),
  },
  'ReEncrypt from it': {
    before: encrypted,
    send: ({ made }) => kms.send(new ReEncryptCommand({ CiphertextBlob: made as Uint8Array, DestinationKeyId: other })),
  },
  'ReEncrypt to it': {
    send: async ({ KeyId }) =>
      kms.send(new ReEncryptCommand({ CiphertextBlob: await encrypted(other), DestinationKeyId: KeyId })),
  },
  GenerateDataKey: { send: ({ KeyId }) => kms.send(new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256' })) },
  GenerateDataKeyWithoutPlaintext: {
    send: ({ KeyId }) => kms.send(new GenerateDataKeyWithoutPlaintextCommand({ KeyId, KeySpec: 'AES_256' })),
  },
  GenerateMac: {
    key: MAC_KEY,
    send: ({ KeyId }) => kms.send(new GenerateMacCommand({ KeyId, Message, MacAlgorithm })),
  },
  VerifyMac: {
    key: MAC_KEY,
    before: async (KeyId) => (await kms.send(new GenerateMacCommand({ KeyId, Message, MacAlgorithm }))).Mac,
    send: ({ KeyId, made }) =>
      kms.send(new VerifyMacCommand({ KeyId, Message, MacAlgorithm, Mac: made as Uint8Array })),
  },
  GenerateDataKeyPair: {
    send: ({ KeyId }) => kms.send(new GenerateDataKeyPairCommand({ KeyId, KeyPairSpec: 'ECC_NIST_P256' })),
  },
  GenerateDataKeyPairWithoutPlaintext: {
    send: ({ KeyId }) =>
      kms.send(new GenerateDataKeyPairWithoutPlaintextCommand({ KeyId, KeyPairSpec: 'ECC_NIST_P256' })),
  },
  Sign: { ...signing, send: ({ KeyId }) => kms.send(new SignCommand({ KeyId, ...message })) },
  Verify: {
    ...signing,
    before: async (KeyId) => (await kms.send(new SignCommand({ KeyId, ...message }))).Signature,
    send: ({ KeyId, made }) => kms.send(new VerifyCommand({ KeyId, ...message, Signature: made as Uint8Array })),
  },
  GetPublicKey: { ...signing, send: ({ KeyId }) => kms.send(new GetPublicKeyCommand({ KeyId })) },
  DeriveSharedSecret: {
    ...agreeing,
    send: ({ KeyId }) => kms.send(new DeriveSharedSecretCommand({ KeyId, KeyAgreementAlgorithm: 'ECDH', PublicKey })),
  },
  CreateGrant: { send: ({ KeyId }) => granted(KeyId) },
  ListGrants: { send: ({ KeyId }) => kms.send(new ListGrantsCommand({ KeyId })) },
  RevokeGrant: {
    before: granted,
    send: ({ KeyId, made }) => kms.send(new RevokeGrantCommand({ KeyId, GrantId: made as string })),
  },
  RetireGrant: {
    before: granted,
    send: async ({ KeyId, made }) => {
      const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId }))
      return kms.send(new RetireGrantCommand({ KeyId: KeyMetadata!.Arn!, GrantId: made as string }))
    },
  },
  ListAliases: { send: ({ KeyId }) => kms.send(new ListAliasesCommand({ KeyId })) },
  CreateAlias: { send: ({ KeyId }) => named(KeyId) },
  'UpdateAlias to it': {
    send: async ({ KeyId }) => {
      const AliasName = `alias/to-${KeyId}`
      await kms.send(new CreateAliasCommand({ AliasName, TargetKeyId: other }))
      return kms.send(new UpdateAliasCommand({ AliasName, TargetKeyId: KeyId }))
    },
  },
  'UpdateAlias from it': {
    before: named,
    send: ({ KeyId }) => kms.send(new UpdateAliasCommand({ AliasName: aliasOf(KeyId), TargetKeyId: other })),
  },
  DeleteAlias: {
    before: named,
    send: ({ KeyId }) => kms.send(new DeleteAliasCommand({ AliasName: aliasOf(KeyId) })),
  },
  DescribeKey: { send: ({ KeyId }) => kms.send(new DescribeKeyCommand({ KeyId })) },
  GetKeyPolicy: { send: ({ KeyId }) => kms.send(new GetKeyPolicyCommand({ KeyId })) },
  ListKeyPolicies: { send: ({ KeyId }) => kms.send(new ListKeyPoliciesCommand({ KeyId })) },
  PutKeyPolicy: { send: ({ KeyId }) => kms.send(new PutKeyPolicyCommand({ KeyId, Policy: policy })) },
  ListResourceTags: { send: ({ KeyId }) => kms.send(new ListResourceTagsCommand({ KeyId })) },
  TagResource: {
    send: ({ KeyId }) => kms.send(new TagResourceCommand({ KeyId, Tags: [{ TagKey: 'a', TagValue: 'b' }] })),
  },
  UntagResource: { send: ({ KeyId }) => kms.send(new UntagResourceCommand({ KeyId, TagKeys: ['a'] })) },
  UpdateKeyDescription: {
    send: ({ KeyId }) => kms.send(new UpdateKeyDescriptionCommand({ KeyId, Description: 'd' })),
  },
  EnableKey: { send: ({ KeyId }) => kms.send(new EnableKeyCommand({ KeyId })) },
  DisableKey: { send: ({ KeyId }) => kms.send(new DisableKeyCommand({ KeyId })) },
  EnableKeyRotation: { send: ({ KeyId }) => kms.send(new EnableKeyRotationCommand({ KeyId })) },
  DisableKeyRotation: { send: ({ KeyId }) => kms.send(new DisableKeyRotationCommand({ KeyId })) },
  GetKeyRotationStatus: { send: ({ KeyId }) => kms.send(new GetKeyRotationStatusCommand({ KeyId })) },
  RotateKeyOnDemand: { send: ({ KeyId }) => kms.send(new RotateKeyOnDemandCommand({ KeyId })) },
  ListKeyRotations: { send: ({ KeyId }) => kms.send(new ListKeyRotationsCommand({ KeyId })) },
  ScheduleKeyDeletion: { send: ({ KeyId }) => kms.send(new ScheduleKeyDeletionCommand({ KeyId })) },
  CancelKeyDeletion: { send: ({ KeyId }) => kms.send(new CancelKeyDeletionCommand({ KeyId })) },
  GetParametersForImport: {
    send: ({ KeyId }) =>
      kms.send(
        new GetParametersForImportCommand({
          KeyId,
          WrappingAlgorithm: 'RSAES_OAEP_SHA_256',
          WrappingKeySpec: 'RSA_2048',
        }),
      ),
  },
  // Where no token is to be had, one of any bytes will do: the state is looked at first.
  ImportKeyMaterial: {
    send: async ({ KeyId }) => {
      const any = { ImportToken: Plaintext, EncryptedKeyMaterial: Plaintext }
      const wrapped = await wrappedFor(kms, KeyId, secret).catch(() => any)
      const input = { KeyId, ...wrapped, ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' as const }
      return kms.send(new ImportKeyMaterialCommand(input))
    },
  },
  DeleteImportedKeyMaterial: { send: ({ KeyId }) => kms.send(new DeleteImportedKeyMaterialCommand({ KeyId })) },
  GetKeyLastUsage: { send: ({ KeyId }) => kms.send(new GetKeyLastUsageCommand({ KeyId })) },
  ReplicateKey: { key: MULTI_REGION, send: ({ KeyId }) => replicated(KeyId) },
  UpdatePrimaryRegion: {
    key: MULTI_REGION,
    before: replicated,
    send: ({ KeyId }) => kms.send(new UpdatePrimaryRegionCommand({ KeyId, PrimaryRegion: ELSEWHERE })),
  },
} satisfies Readonly<Record<string, Operation>>
type Name = keyof typeof OPERATIONS

const STATES = ['Enabled', 'Disabled', 'PendingDeletion', 'PendingImport'] as const
type State = (typeof STATES)[number]

/** Of keys whose material was made here, but for the last column. */
const TABLE: Readonly<Record<Name, readonly [Answer, Answer, Answer, Answer]>> = {
  Encrypt: [OK, DISABLED, DELETED, EMPTY],
  Decrypt: [OK, DISABLED, DELETED, EMPTY],
  'ReEncrypt from it': [OK, DISABLED, DELETED, EMPTY],
  'ReEncrypt to it': [OK, DISABLED, DELETED, EMPTY],
  GenerateDataKey: [OK, DISABLED, DELETED, EMPTY],
  GenerateDataKeyWithoutPlaintext: [OK, DISABLED, DELETED, EMPTY],
  GenerateMac: [OK, DISABLED, DELETED, EMPTY],
  VerifyMac: [OK, DISABLED, DELETED, EMPTY],
  GenerateDataKeyPair: [OK, DISABLED, DELETED, EMPTY],
  GenerateDataKeyPairWithoutPlaintext: [OK, DISABLED, DELETED, EMPTY],
  Sign: [OK, DISABLED, DELETED, EMPTY],
  Verify: [OK, DISABLED, DELETED, EMPTY],
  GetPublicKey: [OK, DISABLED, DELETED, EMPTY],
  DeriveSharedSecret: [OK, DISABLED, DELETED, EMPTY],
  CreateGrant: [OK, DISABLED, DELETED, EMPTY],
  ListGrants: [OK, OK, OK, OK],
  RevokeGrant: [OK, OK, OK, OK],
  RetireGrant: [OK, OK, OK, OK],
  ListAliases: [OK, OK, OK, OK],
  CreateAlias: [OK, OK, DELETED, OK],
  'UpdateAlias to it': [OK, OK, DELETED, OK],
  'UpdateAlias from it': [OK, OK, OK, OK],
  DeleteAlias: [OK, OK, OK, OK],
  DescribeKey: [OK, OK, OK, OK],
  GetKeyPolicy: [OK, OK, OK, OK],
  ListKeyPolicies: [OK, OK, OK, OK],
  PutKeyPolicy: [OK, OK, OK, OK],
  ListResourceTags: [OK, OK, OK, OK],
  TagResource: [OK, OK, DELETED, OK],
  UntagResource: [OK, OK, DELETED, OK],
  UpdateKeyDescription: [OK, OK, DELETED, OK],
  EnableKey: [OK, OK, DELETED, EMPTY],
  DisableKey: [OK, OK, DELETED, EMPTY],
  EnableKeyRotation: [OK, DISABLED, DELETED, EXTERNAL],
  DisableKeyRotation: [OK, DISABLED, DELETED, EXTERNAL],
  GetKeyRotationStatus: [OK, OK, OK, EXTERNAL],
  RotateKeyOnDemand: [OK, DISABLED, DELETED, EMPTY],
  ListKeyRotations: [OK, OK, OK, OK],
  ScheduleKeyDeletion: [OK, OK, DELETED, OK],
  CancelKeyDeletion: [NOT_DELETED, NOT_DELETED, OK, NOT_DELETED],
  GetParametersForImport: [NOT_EXTERNAL, NOT_EXTERNAL, NOT_EXTERNAL, OK],
  ImportKeyMaterial: [NOT_EXTERNAL, NOT_EXTERNAL, NOT_EXTERNAL, OK],
  DeleteImportedKeyMaterial: [NOT_EXTERNAL, NOT_EXTERNAL, NOT_EXTERNAL, OK],
  GetKeyLastUsage: [OK, OK, OK, OK],
  ReplicateKey: [OK, DISABLED, DELETED, EMPTY],
  UpdatePrimaryRegion: [OK, DISABLED, DELETED_LATER, EMPTY],
}

/** Of keys with imported material, where they differ. */
const IMPORTED: Partial<Record<Name, readonly [Answer, Answer, Answer]>> = {
  Decrypt: [OK, DISABLED, DELETED],
  Sign: [OK, DISABLED, DELETED],
  GetPublicKey: [OK, DISABLED, DELETED],
  DeriveSharedSecret: [OK, DISABLED, DELETED],
  EnableKeyRotation: [EXTERNAL, EXTERNAL, EXTERNAL],
  DisableKeyRotation: [EXTERNAL, EXTERNAL, EXTERNAL],
  GetKeyRotationStatus: [EXTERNAL, EXTERNAL, EXTERNAL],
  RotateKeyOnDemand: [NOTHING_PENDING, DISABLED, DELETED],
  ListKeyRotations: [OK, OK, OK],
  GetParametersForImport: [OK, OK, DELETED],
  ImportKeyMaterial: [OK, OK, DELETED],
  DeleteImportedKeyMaterial: [OK, OK, OK],
}

const CHANGES: Readonly<Record<State | 'PendingReplicaDeletion', (KeyId: string) => Promise<unknown>>> = {
  Enabled: async () => undefined,
  Disabled: (KeyId) => kms.send(new DisableKeyCommand({ KeyId })),
  PendingDeletion: (KeyId) => kms.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 })),
  // Where it has a replica already, it need not be made.
  PendingReplicaDeletion: async (KeyId) => {
    await replicated(KeyId).catch(() => undefined)
    const { KeyState } = await kms.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }))
    expect(KeyState).toBe('PendingReplicaDeletion')
  },
  PendingImport: (KeyId) => kms.send(new DeleteImportedKeyMaterialCommand({ KeyId })),
}

type Origin = 'AWS_KMS' | 'EXTERNAL'
async function check(operation: Operation, state: State | 'PendingReplicaDeletion', origin: Origin, answer: Answer) {
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({ ...operation.key, Origin: origin }))
  const { KeyId, Arn } = KeyMetadata as { KeyId: string; Arn: string }
  // A key that nothing is done with before need not have had material.
  if (origin === 'EXTERNAL' && (state !== 'PendingImport' || operation.before)) {
    await importInto(kms, KeyId, operation.material ?? secret)
  }
  const made = await operation.before?.(KeyId)
  await CHANGES[state](KeyId)
  const sent = operation.send({ KeyId, made })
  if (answer === OK) await sent
  else {
    const [code, text] = answer
    const message = text.endsWith(':') ? `${text} ${Arn}.` : `${Arn} ${text}`
    expect(await failure(sent)).toEqual({ code, message, status: 400 })
  }
}

describe.each(Object.entries(TABLE) as [Name, (typeof TABLE)[Name]][])('%s', (name, answers) => {
  test.each(STATES.map((state, column) => [state, answers[column]!] as const))('%s: %s', async (state, answer) => {
    await check(OPERATIONS[name], state, state === 'PendingImport' ? 'EXTERNAL' : 'AWS_KMS', answer)
  })
})

describe.each(Object.entries(IMPORTED) as [Name, readonly Answer[]][])('%s, imported', (name, answers) => {
  test.each(answers.map((answer, column) => [STATES[column]!, answer] as const))('%s: %s', async (state, answer) => {
    await check(OPERATIONS[name], state, 'EXTERNAL', answer)
  })
})

/** Of primary keys that wait for their replicas: as of those that wait for their end, in other words. */
test.each(Object.keys(OPERATIONS) as Name[])('%s: PendingReplicaDeletion', async (name) => {
  const operation: Operation = OPERATIONS[name]
  const answer = TABLE[name][2]
  const key = { ...operation.key, ...MULTI_REGION }
  await check({ ...operation, key }, 'PendingReplicaDeletion', 'AWS_KMS', answer === DELETED ? DELETED_LATER : answer)
})

test('no operation on a key is missing here', async () => {
  const { KMS_OPERATIONS } = await import(join(root, 'packages/server/dist/kms/operations.js'))
  const aboutNoKey = ['CreateKey', 'ListKeys', 'ListRetirableGrants', 'GenerateRandom']
  const rows = new Set(Object.keys(OPERATIONS).map((name) => name.split(' ')[0]!))
  const all = Object.entries(KMS_OPERATIONS as Record<string, { run?: unknown }>)
  const works = all.filter(([, { run }]) => run !== undefined).map(([name]) => name)
  expect(works.filter((name) => !rows.has(name) && !aboutNoKey.includes(name))).toEqual([])
})
