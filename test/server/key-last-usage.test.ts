/** GetKeyLastUsage from outside: every operation that counts as a use, on every worker, and what a restart leaves of it. */
import { generateKeyPairSync } from 'node:crypto'
import {
  CreateKeyCommand,
  type CreateKeyCommandInput,
  DecryptCommand,
  DeriveSharedSecretCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateDataKeyPairCommand,
  GenerateDataKeyPairWithoutPlaintextCommand,
  GenerateDataKeyWithoutPlaintextCommand,
  GenerateMacCommand,
  GetKeyLastUsageCommand,
  type KMSClient,
  PutKeyPolicyCommand,
  ReEncryptCommand,
  ScheduleKeyDeletionCommand,
  SignCommand,
  VerifyCommand,
  VerifyMacCommand,
} from '@aws-sdk/client-kms'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { failure, kmsClient, s3Client } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

/** As often as both workers are sure to be asked. */
const OFTEN = 8

let server: TestServer
let kms: KMSClient
const other = { accessKeyId: 'AKIAOTHER', secretAccessKey: 'secretother' }
const accounts = [{ id: '222222222222', users: [{ name: 'bob', ...other, root: true }] }]
beforeAll(async () => {
  server = await startServer({ config: { accounts } })
  kms = kmsClient(server)
})
afterAll(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error|not-written/)
  await server.remove()
})

const newKey = async (input: CreateKeyCommandInput = {}) =>
  (await kms.send(new CreateKeyCommand(input))).KeyMetadata!.KeyId!
const last = (KeyId: string, by = kms) => by.send(new GetKeyLastUsageCommand({ KeyId }))
const sealed = async (KeyId: string) =>
  (await kms.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('x') }))).CiphertextBlob!
const Message = Buffer.from('m')
const MacAlgorithm = 'HMAC_SHA_256'
const MAC_KEY: CreateKeyCommandInput = { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' }
const made = async (KeyId: string) => (await kms.send(new GenerateMacCommand({ KeyId, Message, MacAlgorithm }))).Mac!

test('a key that was never used says since when it is known', async () => {
  const KeyId = await newKey()
  const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId }))
  const { KeyId: arn, KeyLastUsage, TrackingStartDate, KeyCreationDate } = await last(KeyId)
  expect(arn).toBe(KeyMetadata!.Arn)
  expect(KeyLastUsage).toEqual({})
  expect([TrackingStartDate, KeyCreationDate]).toEqual([KeyMetadata!.CreationDate, KeyMetadata!.CreationDate])
})

const SIGNING: CreateKeyCommandInput = { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }
const AGREEING: CreateKeyCommandInput = { KeySpec: 'ECC_NIST_P256', KeyUsage: 'KEY_AGREEMENT' }
const toSign = { Message, SigningAlgorithm: 'ECDSA_SHA_256' } as const
const signed = async (KeyId: string) => (await kms.send(new SignCommand({ KeyId, ...toSign }))).Signature!
const theirs = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).publicKey.export({ type: 'spki', format: 'der' })

type Use = (KeyId: string) => Promise<{ $metadata: { requestId?: string } }>
const USES: readonly [string, Use, CreateKeyCommandInput?][] = [
  ['Encrypt', (KeyId) => kms.send(new EncryptCommand({ KeyId, Plaintext: Message }))],
  ['Decrypt', async (KeyId) => kms.send(new DecryptCommand({ CiphertextBlob: await sealed(KeyId) }))],
  ['GenerateDataKey', (KeyId) => kms.send(new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256' }))],
  [
    'GenerateDataKeyWithoutPlaintext',
    (KeyId) => kms.send(new GenerateDataKeyWithoutPlaintextCommand({ KeyId, KeySpec: 'AES_256' })),
  ],
  [
    'ReEncrypt',
    async (KeyId) =>
      kms.send(new ReEncryptCommand({ CiphertextBlob: await sealed(KeyId), DestinationKeyId: await newKey() })),
  ],
  [
    'ReEncrypt',
    async (KeyId) =>
      kms.send(new ReEncryptCommand({ CiphertextBlob: await sealed(await newKey()), DestinationKeyId: KeyId })),
  ],
  ['GenerateMac', (KeyId) => kms.send(new GenerateMacCommand({ KeyId, Message, MacAlgorithm })), MAC_KEY],
  [
    'VerifyMac',
    async (KeyId) => kms.send(new VerifyMacCommand({ KeyId, Message, MacAlgorithm, Mac: await made(KeyId) })),
    MAC_KEY,
  ],
  ['GenerateDataKeyPair', (KeyId) => kms.send(new GenerateDataKeyPairCommand({ KeyId, KeyPairSpec: 'ECC_NIST_P256' }))],
  [
    'GenerateDataKeyPairWithoutPlaintext',
    (KeyId) => kms.send(new GenerateDataKeyPairWithoutPlaintextCommand({ KeyId, KeyPairSpec: 'ECC_NIST_P256' })),
  ],
  ['Sign', (KeyId) => kms.send(new SignCommand({ KeyId, ...toSign })), SIGNING],
  [
    'Verify',
    async (KeyId) => kms.send(new VerifyCommand({ KeyId, ...toSign, Signature: await signed(KeyId) })),
    SIGNING,
  ],
  [
    'DeriveSharedSecret',
    (KeyId) => kms.send(new DeriveSharedSecretCommand({ KeyId, KeyAgreementAlgorithm: 'ECDH', PublicKey: theirs })),
    AGREEING,
  ],
]
test.each(USES)('%s is a use', async (Operation, use, input) => {
  const KeyId = await newKey(input)
  const from = Date.now()
  const { $metadata } = await use(KeyId)
  const to = Date.now()
  for (let i = 0; i < OFTEN; i++) {
    const { KeyLastUsage } = await last(KeyId)
    expect(KeyLastUsage).toMatchObject({ Operation, KmsRequestId: $metadata.requestId })
    expect(KeyLastUsage!.Timestamp!.getTime()).toBeGreaterThanOrEqual(from)
    expect(KeyLastUsage!.Timestamp!.getTime()).toBeLessThanOrEqual(to)
  }
})

const NO_USES: readonly [string, (KeyId: string) => Promise<unknown>][] = [
  [
    'one that is only tried',
    (KeyId) => failure(kms.send(new EncryptCommand({ KeyId, Plaintext: Message, DryRun: true }))),
  ],
  ['one that fails', (KeyId) => failure(kms.send(new GenerateMacCommand({ KeyId, Message, MacAlgorithm })))],
  [
    'one that is not allowed',
    (KeyId) =>
      failure(kmsClient(server, { credentials: other }).send(new EncryptCommand({ KeyId, Plaintext: Message }))),
  ],
  ['a look at the key', (KeyId) => kms.send(new DescribeKeyCommand({ KeyId }))],
]
test.each(NO_USES)('no use: %s', async (_, run) => {
  const KeyId = await newKey()
  await run(KeyId)
  expect((await last(KeyId)).KeyLastUsage).toEqual({})
})

test('S3 uses keys for its callers', async () => {
  const KeyId = await newKey()
  const s3 = s3Client(server)
  const object = { Bucket: 'used', Key: 'k' }
  await s3.send(new CreateBucketCommand({ Bucket: 'used' }))
  await s3.send(new PutObjectCommand({ ...object, Body: 'x', ServerSideEncryption: 'aws:kms', SSEKMSKeyId: KeyId }))
  expect((await last(KeyId)).KeyLastUsage!.Operation).toBe('GenerateDataKey')
  await (await s3.send(new GetObjectCommand(object))).Body!.transformToString()
  expect((await last(KeyId)).KeyLastUsage!.Operation).toBe('Decrypt')
})

const REFUSED: readonly [string, (KeyId: string) => Promise<unknown>, string][] = [
  ['an alias', () => last('alias/x'), 'NotFoundException'],
  ['a key that is not there', () => last('00000000-0000-4000-8000-0000000000ff'), 'NotFoundException'],
  ['no key', () => last(undefined as never), 'ValidationException'],
  [
    'another account',
    async (KeyId) => {
      const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId }))
      return last(KeyMetadata!.Arn!, kmsClient(server, { credentials: other }))
    },
    'AccessDeniedException',
  ],
]
test.each(REFUSED)('refused to %s', async (_, run, code) => {
  expect(await failure(run(await newKey()))).toMatchObject({ code, status: 400 })
})

test('a key policy keeps a key from being ended while it is in use', async () => {
  const KeyId = await newKey()
  const any = { Principal: { AWS: '*' }, Resource: '*' }
  const ending = ['kms:DisableKey', 'kms:ScheduleKeyDeletion']
  const policy = (days: number) =>
    JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Action: 'kms:*', ...any },
        {
          ...{ Effect: 'Deny', Action: ending, ...any },
          Condition: { NumericLessThan: { 'kms:TrailingDaysWithoutKeyUsage': String(days) } },
        },
      ],
    })
  await kms.send(new PutKeyPolicyCommand({ KeyId, Policy: policy(1) }))
  for (const end of [new DisableKeyCommand({ KeyId }), new ScheduleKeyDeletionCommand({ KeyId })] as const) {
    expect(await failure(kms.send(end as DisableKeyCommand))).toMatchObject({ code: 'AccessDeniedException' })
  }
  await kms.send(new PutKeyPolicyCommand({ KeyId, Policy: policy(0) }))
  await kms.send(new DisableKeyCommand({ KeyId }))
})

test('a server that ends in order has written down what it knows; one that is killed is whole', async () => {
  const first = await startServer()
  const before = kmsClient(first)
  const KeyId = (await before.send(new CreateKeyCommand({}))).KeyMetadata!.KeyId!
  await before.send(new EncryptCommand({ KeyId, Plaintext: Message }))
  const known = (await last(KeyId, before)).KeyLastUsage
  expect(known!.Operation).toBe('Encrypt')
  expect(await first.stop()).toBe(0)
  const second = await startServer({ dataDir: first.dataDir })
  const after = kmsClient(second)
  for (let i = 0; i < OFTEN; i++) expect((await last(KeyId, after)).KeyLastUsage).toEqual(known)
  await after.send(new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256' }))
  await second.kill()
  const third = await startServer({ dataDir: first.dataDir })
  try {
    // The last use before the kill may be forgotten, what was written is not.
    expect(['Encrypt', 'GenerateDataKey']).toContain((await last(KeyId, kmsClient(third))).KeyLastUsage!.Operation)
  } finally {
    await third.remove()
  }
})
