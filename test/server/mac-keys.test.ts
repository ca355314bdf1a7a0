/** HMAC keys from outside: codes made and verified, and what such a key is not for. */
import {
  CreateAliasCommand,
  CreateGrantCommand,
  CreateKeyCommand,
  type CreateKeyCommandInput,
  DecryptCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyRotationCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateMacCommand,
  GetKeyRotationStatusCommand,
  type KMSClient,
  ListKeyRotationsCommand,
  type MacAlgorithmSpec,
  PutKeyPolicyCommand,
  ReEncryptCommand,
  RotateKeyOnDemandCommand,
  ScheduleKeyDeletionCommand,
  UpdateAliasCommand,
  VerifyMacCommand,
} from '@aws-sdk/client-kms'
import { CreateBucketCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { failure, kmsClient, s3Client } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

let server: TestServer
let kms: KMSClient
const user = { name: 'ann', accessKeyId: 'AKIAANN', secretAccessKey: 'secretann' }
const ann = 'arn:aws:iam::000000000000:user/ann'
beforeAll(async () => {
  server = await startServer({ config: { accounts: [{ id: '000000000000', users: [user] }] } })
  kms = kmsClient(server)
})
afterAll(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error/)
  await server.remove()
})

const SPECS = [
  ['HMAC_224', 'HMAC_SHA_224', 28],
  ['HMAC_256', 'HMAC_SHA_256', 32],
  ['HMAC_384', 'HMAC_SHA_384', 48],
  ['HMAC_512', 'HMAC_SHA_512', 64],
] as const
const Message = Buffer.from('pay 10 to bob')
async function newKey(KeySpec: CreateKeyCommandInput['KeySpec'] = 'HMAC_256') {
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({ KeySpec, KeyUsage: 'GENERATE_VERIFY_MAC' }))
  return { KeyId: KeyMetadata!.KeyId!, arn: KeyMetadata!.Arn!, KeyMetadata: KeyMetadata! }
}
async function newSymmetric() {
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}))
  return { KeyId: KeyMetadata!.KeyId!, arn: KeyMetadata!.Arn! }
}
const generate = (KeyId: string, MacAlgorithm: MacAlgorithmSpec = 'HMAC_SHA_256', by = kms) =>
  by.send(new GenerateMacCommand({ KeyId, MacAlgorithm, Message }))
const verify = (KeyId: string, Mac: Uint8Array, MacAlgorithm: MacAlgorithmSpec = 'HMAC_SHA_256', message = Message) =>
  kms.send(new VerifyMacCommand({ KeyId, MacAlgorithm, Message: message, Mac }))

test.each(SPECS)('%s makes codes that every worker verifies, and refuses others', async (spec, algorithm, length) => {
  const { KeyId, arn, KeyMetadata } = await newKey(spec)
  expect(KeyMetadata).toMatchObject({
    KeySpec: spec,
    CustomerMasterKeySpec: spec,
    KeyUsage: 'GENERATE_VERIFY_MAC',
    MacAlgorithms: [algorithm],
  })
  expect(KeyMetadata).not.toHaveProperty('EncryptionAlgorithms')
  expect((await kms.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata).toEqual(KeyMetadata)
  const { Mac, MacAlgorithm, KeyId: of } = await generate(KeyId, algorithm)
  expect([Mac!.length, MacAlgorithm, of]).toEqual([length, algorithm, arn])
  for (let i = 0; i < 8; i++) expect((await verify(KeyId, Mac!, algorithm)).MacValid).toBe(true)
  const flipped = Uint8Array.from(Mac!)
  flipped[0]! ^= 1
  const another = await newKey(spec)
  for (const wrong of [
    () => verify(KeyId, flipped, algorithm),
    () => verify(KeyId, Mac!.subarray(1), algorithm),
    () => verify(KeyId, Mac!, algorithm, Buffer.from('pay 99 to bob')),
    () => verify(another.KeyId, Mac!, algorithm),
  ]) {
    expect(await failure(wrong())).toMatchObject({ code: 'KMSInvalidMacException', status: 400 })
  }
  const [, other] = SPECS.find(([name]) => name !== spec)!
  for (const wrong of [() => generate(KeyId, other), () => verify(KeyId, Mac!, other)]) {
    expect(await failure(wrong())).toMatchObject({
      code: 'InvalidKeyUsageException',
      message: `Algorithm ${other} is incompatible with key spec ${spec}.`,
    })
  }
})

test('a key is for what it was made for', async () => {
  const [mac, symmetric] = [await newKey(), await newSymmetric()]
  const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId: symmetric.KeyId, Plaintext: Message }))
  const uses = {
    Encrypt: () => kms.send(new EncryptCommand({ KeyId: mac.KeyId, Plaintext: Message })),
    Decrypt: () => kms.send(new DecryptCommand({ KeyId: mac.KeyId, CiphertextBlob })),
    GenerateDataKey: () => kms.send(new GenerateDataKeyCommand({ KeyId: mac.KeyId, KeySpec: 'AES_256' })),
    ReEncrypt: () => kms.send(new ReEncryptCommand({ CiphertextBlob, DestinationKeyId: mac.KeyId })),
  }
  for (const [operation, use] of Object.entries(uses)) {
    const refused = await failure(use())
    if (operation === 'Decrypt') expect(refused.code).toBe('IncorrectKeyException')
    else {
      expect(refused).toMatchObject({
        code: 'InvalidKeyUsageException',
        message: `${mac.arn} key usage is GENERATE_VERIFY_MAC which is not valid for ${operation}.`,
      })
    }
  }
  expect(await failure(generate(symmetric.KeyId))).toMatchObject({
    code: 'InvalidKeyUsageException',
    message: `${symmetric.arn} key usage is ENCRYPT_DECRYPT which is not valid for GenerateMac.`,
  })
  expect(await failure(verify(symmetric.KeyId, Message))).toMatchObject({
    message: `${symmetric.arn} key usage is ENCRYPT_DECRYPT which is not valid for VerifyMac.`,
  })
  const input = { KeyId: mac.KeyId }
  for (const rotation of [
    () => kms.send(new EnableKeyRotationCommand(input)),
    () => kms.send(new GetKeyRotationStatusCommand(input)),
    () => kms.send(new ListKeyRotationsCommand(input)),
    () => kms.send(new RotateKeyOnDemandCommand(input)),
  ]) {
    expect(await failure(rotation())).toMatchObject({ code: 'UnsupportedOperationException' })
  }
})

test('S3 refuses such a key, and keeps nothing', async () => {
  const { arn } = await newKey()
  const s3 = s3Client(server)
  await s3.send(new CreateBucketCommand({ Bucket: 'mac' }))
  const put = { Bucket: 'mac', Key: 'x', Body: 'x', ServerSideEncryption: 'aws:kms' as const, SSEKMSKeyId: arn }
  expect(await failure(s3.send(new PutObjectCommand(put)))).toMatchObject({
    code: 'KMS.InvalidKeyUsageException',
    status: 400,
  })
  expect((await s3.send(new ListObjectsV2Command({ Bucket: 'mac' }))).KeyCount).toBe(0)
})

test('what cannot be made is refused as AWS refuses it', async () => {
  const refusals: [CreateKeyCommandInput, string, RegExp][] = [
    [{ KeySpec: 'HMAC_256' }, 'ValidationException', /^You must specify a KeyUsage value for all KMS keys except/],
    [
      { KeySpec: 'HMAC_256', KeyUsage: 'ENCRYPT_DECRYPT' },
      'ValidationException',
      /^KeyUsage ENCRYPT_DECRYPT is not compatible with KeySpec HMAC_256$/,
    ],
    [{ KeyUsage: 'GENERATE_VERIFY_MAC' }, 'ValidationException', /not compatible with KeySpec SYMMETRIC_DEFAULT$/],
    [{ KeySpec: 'HMAC_1' as 'HMAC_256' }, 'ValidationException', /at 'keySpec' failed to satisfy constraint/],
    [{ KeyUsage: 'SIGN' as 'SIGN_VERIFY' }, 'ValidationException', /at 'keyUsage' failed to satisfy constraint/],
    [{ KeySpec: 'SM2', KeyUsage: 'SIGN_VERIFY' }, 'UnsupportedOperationException', /SM2/],
  ]
  for (const [input, code, message] of refusals) {
    expect(await failure(kms.send(new CreateKeyCommand(input)))).toMatchObject({
      code,
      message: expect.stringMatching(message),
    })
  }
  const { KeyId } = await newKey()
  const large = new GenerateMacCommand({ KeyId, MacAlgorithm: 'HMAC_SHA_256', Message: Buffer.alloc(4097) })
  expect(await failure(kms.send(large))).toMatchObject({ code: 'ValidationException' })
  const unknown = new GenerateMacCommand({ KeyId, MacAlgorithm: 'HMAC_MD5' as 'HMAC_SHA_256', Message })
  expect(await failure(kms.send(unknown))).toMatchObject({ code: 'ValidationException' })
})

test('state, grants, policies and aliases hold for it as for every key', async () => {
  const [{ KeyId, arn }, symmetric] = [await newKey(), await newSymmetric()]
  const theirs = kmsClient(server, { credentials: user })
  expect(await failure(generate(arn, 'HMAC_SHA_256', theirs))).toMatchObject({ code: 'AccessDeniedException' })
  const grant = (key: string, operation: 'GenerateMac' | 'Encrypt', more = {}) =>
    kms.send(new CreateGrantCommand({ KeyId: key, GranteePrincipal: ann, Operations: [operation], ...more }))
  await grant(KeyId, 'GenerateMac')
  const { Mac } = await generate(arn, 'HMAC_SHA_256', theirs)
  expect((await verify(KeyId, Mac!)).MacValid).toBe(true)
  const verified = theirs.send(new VerifyMacCommand({ KeyId: arn, MacAlgorithm: 'HMAC_SHA_256', Message, Mac }))
  expect(await failure(verified)).toMatchObject({ code: 'AccessDeniedException' })
  for (const refused of [
    () => grant(KeyId, 'Encrypt'),
    () => grant(symmetric.KeyId, 'GenerateMac'),
    () => grant(KeyId, 'GenerateMac', { Constraints: { EncryptionContextEquals: { a: 'b' } } }),
  ]) {
    expect(await failure(refused())).toMatchObject({ code: 'ValidationException' })
  }

  await kms.send(new CreateAliasCommand({ AliasName: 'alias/mac', TargetKeyId: KeyId }))
  expect((await generate('alias/mac')).KeyId).toBe(arn)
  const moved = kms.send(new UpdateAliasCommand({ AliasName: 'alias/mac', TargetKeyId: symmetric.KeyId }))
  expect(await failure(moved)).toMatchObject({ code: 'ValidationException' })
  expect((await generate('alias/mac')).KeyId).toBe(arn)

  const dry = kms.send(new GenerateMacCommand({ KeyId, MacAlgorithm: 'HMAC_SHA_256', Message, DryRun: true }))
  expect(await failure(dry)).toMatchObject({ code: 'DryRunOperationException' })

  const Policy = JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Principal: { AWS: '*' }, Action: 'kms:*', Resource: '*' },
      {
        Effect: 'Deny',
        Principal: '*',
        Action: 'kms:VerifyMac',
        Resource: '*',
        Condition: { StringEquals: { 'kms:MacAlgorithm': 'HMAC_SHA_256', 'kms:KeySpec': 'HMAC_256' } },
      },
    ],
  })
  await kms.send(new PutKeyPolicyCommand({ KeyId, Policy }))
  expect(await failure(verify(KeyId, Mac!))).toMatchObject({ code: 'AccessDeniedException' })
  await generate(KeyId)

  await kms.send(new DisableKeyCommand({ KeyId }))
  expect(await failure(generate(KeyId))).toMatchObject({ code: 'DisabledException', message: `${arn} is disabled.` })
  await kms.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }))
  expect(await failure(generate(KeyId))).toMatchObject({
    code: 'KMSInvalidStateException',
    message: `${arn} is pending deletion.`,
  })
})

test('codes are the same after a restart', async () => {
  const first = await startServer()
  const before = kmsClient(first)
  const { KeyMetadata } = await before.send(
    new CreateKeyCommand({ KeySpec: 'HMAC_512', KeyUsage: 'GENERATE_VERIFY_MAC' }),
  )
  const input = { KeyId: KeyMetadata!.KeyId!, MacAlgorithm: 'HMAC_SHA_512' as const, Message }
  const { Mac } = await before.send(new GenerateMacCommand(input))
  await first.stop()
  const second = await startServer({ dataDir: first.dataDir })
  try {
    expect((await kmsClient(second).send(new VerifyMacCommand({ ...input, Mac }))).MacValid).toBe(true)
  } finally {
    await second.remove()
  }
})
