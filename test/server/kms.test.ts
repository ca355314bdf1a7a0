/** The KMS over its own protocol, and what its keys mean for S3. */
import {
  CancelKeyDeletionCommand,
  CreateAliasCommand,
  CreateKeyCommand,
  DecryptCommand,
  DescribeCustomKeyStoresCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateRandomCommand,
  type KMSClient,
  ListAliasesCommand,
  ListKeysCommand,
  ReEncryptCommand,
  ScheduleKeyDeletionCommand,
} from '@aws-sdk/client-kms'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { failure, kmsClient, s3Client } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

let server: TestServer
let s3: S3Client
let kms: KMSClient
const other = { accessKeyId: 'AKIAOTHER', secretAccessKey: 'secretother' }
const policies = ['arn:aws:iam::aws:policy/AdministratorAccess']
const accounts = [{ id: '222222222222', users: [{ name: 'bob', ...other, policies }] }]
const configuredKey = { account: '000000000000', keyId: '00000000-0000-4000-8000-000000000001', alias: 'alias/test' }
beforeAll(async () => {
  server = await startServer({ config: { accounts, kms: { keys: [configuredKey] } } })
  s3 = s3Client(server)
  kms = kmsClient(server)
})
afterAll(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error/)
  await server.remove()
})

test('encrypt, decrypt, re-encrypt, under an exact context', async () => {
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Description: 'first' }))
  const KeyId = KeyMetadata!.KeyId!
  await kms.send(new CreateAliasCommand({ AliasName: 'alias/mine', TargetKeyId: KeyId }))
  const context = { EncryptionContext: { a: '1', b: '2' } }
  const sealed = await kms.send(
    new EncryptCommand({ KeyId: 'alias/mine', Plaintext: Buffer.from('secret'), ...context }),
  )
  expect(sealed.KeyId).toBe(KeyMetadata!.Arn)
  const { CiphertextBlob } = sealed
  const opened = await kms.send(new DecryptCommand({ CiphertextBlob, EncryptionContext: { b: '2', a: '1' } }))
  expect(Buffer.from(opened.Plaintext!).toString()).toBe('secret')
  const others: (Record<string, string> | undefined)[] = [undefined, { a: '1' }, { a: '1', b: '3' }]
  for (const EncryptionContext of others) {
    const call = kms.send(new DecryptCommand({ CiphertextBlob, EncryptionContext }))
    expect(await failure(call)).toMatchObject({ code: 'InvalidCiphertextException' })
  }
  const moved = await kms.send(
    new ReEncryptCommand({
      CiphertextBlob,
      SourceEncryptionContext: context.EncryptionContext,
      DestinationKeyId: configuredKey.keyId,
    }),
  )
  expect((await kms.send(new DecryptCommand({ CiphertextBlob: moved.CiphertextBlob }))).KeyId).toContain(
    configuredKey.keyId,
  )
  const made = await kms.send(new GenerateDataKeyCommand({ KeyId: 'alias/test', KeySpec: 'AES_256' }))
  const again = await kms.send(new DecryptCommand({ CiphertextBlob: made.CiphertextBlob }))
  expect(Buffer.compare(made.Plaintext!, again.Plaintext!)).toBe(0)
  expect((await kms.send(new ListKeysCommand({ Limit: 1 }))).Truncated).toBe(true)
  expect((await kms.send(new ListAliasesCommand({}))).Aliases?.map(({ AliasName }) => AliasName)).toContain(
    'alias/mine',
  )
  const theirs = kmsClient(server, { credentials: other })
  expect(await failure(theirs.send(new DecryptCommand({ CiphertextBlob, ...context })))).toMatchObject({
    code: 'AccessDeniedException',
  })
})

test('a key’s state holds for S3 at once, on every worker', async () => {
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}))
  const KeyId = KeyMetadata!.KeyId!
  const Bucket = 'held'
  await s3.send(new CreateBucketCommand({ Bucket }))
  const put = { Bucket, Key: 'held', Body: 'x', ServerSideEncryption: 'aws:kms' as const, SSEKMSKeyId: KeyId }
  await s3.send(new PutObjectCommand(put))
  const get = () =>
    s3.send(new GetObjectCommand({ Bucket, Key: 'held' })).then((reply) => reply.Body!.transformToString())
  await kms.send(new DisableKeyCommand({ KeyId }))
  for (let i = 0; i < 8; i++) {
    expect(await failure(get())).toMatchObject({
      code: 'KMS.DisabledException',
      status: 400,
      message: `${KeyMetadata!.Arn} is disabled.`,
    })
  }
  expect(await failure(s3.send(new PutObjectCommand(put)))).toMatchObject({ code: 'KMS.DisabledException' })
  await kms.send(new EnableKeyCommand({ KeyId }))
  for (let i = 0; i < 8; i++) expect(await get()).toBe('x')
  expect(await failure(kms.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 6 })))).toMatchObject({
    code: 'ValidationException',
  })
  await kms.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }))
  expect(await failure(get())).toMatchObject({
    code: 'KMS.KMSInvalidStateException',
    message: `${KeyMetadata!.Arn} is pending deletion.`,
  })
  await kms.send(new CancelKeyDeletionCommand({ KeyId }))
  expect(await failure(get())).toMatchObject({ code: 'KMS.DisabledException' })
})

test('KMS is refused over plain HTTP', async () => {
  expect(await failure(kmsClient(server, { plain: true }).send(new ListKeysCommand({})))).toMatchObject({
    code: 'InvalidRequest',
    status: 400,
  })
})

test('what is not there yet is refused by name', async () => {
  const stores = await failure(kms.send(new DescribeCustomKeyStoresCommand({})))
  expect(stores).toMatchObject({ code: 'UnsupportedOperationException', status: 400 })
  const made = await kms.send(new GenerateDataKeyCommand({ KeyId: 'alias/test', KeySpec: 'AES_256' }))
  const CiphertextBlob = made.CiphertextBlob!
  const Recipient = { AttestationDocument: Buffer.from('x') }
  const DryRunModifiers = ['IGNORE_CIPHERTEXT' as const]
  const refused: readonly (readonly [member: string, call: () => Promise<unknown>])[] = [
    ['Recipient', () => kms.send(new DecryptCommand({ CiphertextBlob, Recipient }))],
    ['Recipient', () => kms.send(new GenerateDataKeyCommand({ KeyId: 'alias/test', KeySpec: 'AES_256', Recipient }))],
    ['Recipient', () => kms.send(new GenerateRandomCommand({ NumberOfBytes: 8, Recipient }))],
    ['CustomKeyStoreId', () => kms.send(new GenerateRandomCommand({ NumberOfBytes: 8, CustomKeyStoreId: 'cks-1' }))],
    ['CustomKeyStoreId', () => kms.send(new CreateKeyCommand({ CustomKeyStoreId: 'cks-1' }))],
    ['XksKeyId', () => kms.send(new CreateKeyCommand({ XksKeyId: 'x' }))],
    ['DryRunModifiers', () => kms.send(new DecryptCommand({ CiphertextBlob, DryRun: true, DryRunModifiers }))],
    [
      'DryRunModifiers',
      () => kms.send(new ReEncryptCommand({ CiphertextBlob, DestinationKeyId: 'alias/test', DryRunModifiers })),
    ],
  ]
  for (const [member, call] of refused) {
    expect(await failure(call())).toMatchObject({
      code: 'UnsupportedOperationException',
      message: `${member} is not supported by this server.`,
    })
  }
})
