/** Buckets, versions and listings, and the KMS over its own protocol. */
import {
  CancelKeyDeletionCommand,
  CreateAliasCommand,
  CreateKeyCommand,
  DecryptCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  type KMSClient,
  ListAliasesCommand,
  ListKeysCommand,
  ReEncryptCommand,
  ScheduleKeyDeletionCommand,
  SignCommand,
} from '@aws-sdk/client-kms'
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { failure, kmsClient, s3Client } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

let server: TestServer
let s3: S3Client
let kms: KMSClient
const other = { accessKeyId: 'AKIAOTHER', secretAccessKey: 'secretother' }
const accounts = [{ id: '222222222222', users: [{ name: 'bob', ...other }] }]
const configuredKey = { account: '000000000000', keyId: '00000000-0000-4000-8000-000000000001', alias: 'alias/test' }
beforeAll(async () => {
  server = await startServer({ config: { accounts, kms: { keys: [configuredKey] } } })
  s3 = s3Client(server)
  kms = kmsClient(server)
})
afterAll(() => server.remove())

test('a bucket is made, found, listed, and removed only when empty', async () => {
  const Bucket = 'lifecycle'
  await s3.send(new CreateBucketCommand({ Bucket }))
  expect((await s3.send(new HeadBucketCommand({ Bucket }))).BucketRegion).toBe('us-east-1')
  expect((await s3.send(new ListBucketsCommand({}))).Buckets?.map(({ Name }) => Name)).toContain(Bucket)
  await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }))
  expect(await failure(s3.send(new DeleteBucketCommand({ Bucket })))).toMatchObject({
    code: 'BucketNotEmpty',
    status: 409,
  })
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'k' }))
  await s3.send(new DeleteBucketCommand({ Bucket }))
  expect(await failure(s3.send(new ListObjectsV2Command({ Bucket })))).toMatchObject({
    code: 'NoSuchBucket',
    status: 404,
  })
  expect(await failure(s3.send(new CreateBucketCommand({ Bucket: 'No_Good' })))).toMatchObject({
    code: 'InvalidBucketName',
  })
})

test('another account is kept out, and may not take the name', async () => {
  const Bucket = 'ours'
  await s3.send(new CreateBucketCommand({ Bucket }))
  const theirs = s3Client(server, { credentials: other })
  expect(await failure(theirs.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' })))).toMatchObject({
    code: 'AccessDenied',
    status: 403,
  })
  expect(await failure(theirs.send(new CreateBucketCommand({ Bucket })))).toMatchObject({
    code: 'BucketAlreadyExists',
    status: 409,
  })
  const unknown = s3Client(server, { credentials: { ...other, accessKeyId: 'AKIANOBODY' } })
  expect(await failure(unknown.send(new ListBucketsCommand({})))).toMatchObject({
    code: 'InvalidAccessKeyId',
    status: 403,
  })
  const forged = s3Client(server, { credentials: { ...other, secretAccessKey: 'wrong' } })
  expect(await failure(forged.send(new ListBucketsCommand({})))).toMatchObject({
    code: 'SignatureDoesNotMatch',
    status: 403,
  })
})

test('versions, delete markers and their listing', async () => {
  const Bucket = 'versions'
  await s3.send(new CreateBucketCommand({ Bucket }))
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
  const first = await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'one' }))
  await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'two' }))
  const marker = await s3.send(new DeleteObjectCommand({ Bucket, Key: 'k' }))
  expect(marker.DeleteMarker).toBe(true)
  expect(await failure(s3.send(new GetObjectCommand({ Bucket, Key: 'k' })))).toMatchObject({
    code: 'NoSuchKey',
    status: 404,
  })
  const old = await s3.send(new GetObjectCommand({ Bucket, Key: 'k', VersionId: first.VersionId }))
  expect(await old.Body?.transformToString()).toBe('one')
  const page = await s3.send(new ListObjectVersionsCommand({ Bucket, MaxKeys: 1 }))
  expect(page.DeleteMarkers?.[0]).toMatchObject({ VersionId: marker.VersionId, IsLatest: true })
  const rest = await s3.send(
    new ListObjectVersionsCommand({ Bucket, KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker }),
  )
  expect(rest.Versions?.map(({ IsLatest, Size }) => [IsLatest, Size])).toEqual([
    [false, 3],
    [false, 3],
  ])
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'k', VersionId: marker.VersionId }))
  expect(await (await s3.send(new GetObjectCommand({ Bucket, Key: 'k' }))).Body?.transformToString()).toBe('two')
})

test('listings page, and many objects are deleted at once', async () => {
  const Bucket = 'many'
  await s3.send(new CreateBucketCommand({ Bucket }))
  const keys = Array.from({ length: 25 }, (_, i) => `folder ${i % 3}/ü&<${String(i).padStart(2, '0')}>`)
  await Promise.all(keys.map((Key) => s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }))))
  const folders = await s3.send(new ListObjectsV2Command({ Bucket, Delimiter: '/' }))
  expect(folders.CommonPrefixes?.map(({ Prefix }) => Prefix)).toEqual(['folder 0/', 'folder 1/', 'folder 2/'])
  const seen: string[] = []
  let ContinuationToken: string | undefined
  do {
    const page: { Contents?: { Key?: string }[]; NextContinuationToken?: string } = await s3.send(
      new ListObjectsV2Command({ Bucket, MaxKeys: 7, EncodingType: 'url', ContinuationToken }),
    )
    seen.push(...(page.Contents ?? []).map(({ Key }) => decodeURIComponent(Key!.replaceAll('+', ' '))))
    ContinuationToken = page.NextContinuationToken
  } while (ContinuationToken)
  expect(seen).toEqual([...keys].sort())
  const Objects = keys.map((Key) => ({ Key }))
  expect((await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))).Deleted).toHaveLength(25)
  await s3.send(new DeleteBucketCommand({ Bucket }))
})

test('what is not there yet is refused by name', async () => {
  const tagging = await failure(s3.send(new GetObjectTaggingCommand({ Bucket: 'ours', Key: 'k' })))
  expect(tagging).toMatchObject({
    code: 'NotImplemented',
    status: 501,
    message: expect.stringContaining('GetObjectTagging'),
  })
  const sign = await failure(
    kms.send(new SignCommand({ KeyId: 'x', Message: Buffer.from('m'), SigningAlgorithm: 'ECDSA_SHA_256' })),
  )
  expect(sign).toMatchObject({ code: 'UnsupportedOperationException', status: 400 })
})

test('KMS: encrypt, decrypt, re-encrypt, under an exact context', async () => {
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

test('KMS: a key’s state holds for S3 at once, on every worker', async () => {
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}))
  const KeyId = KeyMetadata!.KeyId!
  const Bucket = 'ours'
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
