/** Multipart uploads through the official SDK: by each method, with every checksum, and what is refused. */
import { createHash, randomBytes } from 'node:crypto'
import {
  AbortMultipartUploadCommand,
  type ChecksumAlgorithm,
  type ChecksumType,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  DeleteBucketCommand,
  GetObjectCommand,
  type GetObjectCommandInput,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { failure, s3Client } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

const MiB = 1024 * 1024
const Bucket = 'multipart'
let server: TestServer
let s3: S3Client
beforeAll(async () => {
  server = await startServer()
  s3 = s3Client(server)
  await s3.send(new CreateBucketCommand({ Bucket }))
})
afterAll(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error/)
  await server.remove()
})

const customer = { SSECustomerAlgorithm: 'AES256', SSECustomerKey: randomBytes(32).toString('base64') }
const METHODS: Record<string, Partial<CreateMultipartUploadCommandInput>> = {
  AES256: {},
  'aws:kms': { ServerSideEncryption: 'aws:kms' },
  'aws:kms:dsse': { ServerSideEncryption: 'aws:kms:dsse' },
  'SSE-C': customer,
}

async function create(Key: string, more: Partial<CreateMultipartUploadCommandInput> = {}) {
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ...more }))
  return { Bucket, Key, UploadId: UploadId! }
}

async function get(Key: string, more: Partial<GetObjectCommandInput> = {}) {
  const reply = await s3.send(new GetObjectCommand({ Bucket, Key, ...more }))
  return { ...reply, bytes: Buffer.from(await reply.Body!.transformToByteArray()) }
}

describe.each(Object.entries(METHODS))('%s', (name, write) => {
  const key = name === 'SSE-C' ? customer : {}

  test('the SDK uploads in parts; whole, by range, by part, and HEAD', async () => {
    const Body = randomBytes(12 * MiB + 5)
    const Key = `${name}/upload`
    const params = { Bucket, Key, Body, Metadata: { colour: 'blue' }, ContentType: 'image/x', ...write }
    const done = await new Upload({ client: s3, params, partSize: 5 * MiB, queueSize: 3 }).done()
    expect(done.ETag).toMatch(/^"[0-9a-f]{32}-3"$/)
    const whole = await get(Key, key)
    expect(whole.bytes.equals(Body)).toBe(true)
    expect(whole).toMatchObject({ ContentType: 'image/x', Metadata: { colour: 'blue' }, ETag: done.ETag })
    const range = await get(Key, { ...key, Range: `bytes=${5 * MiB - 10}-${10 * MiB + 10}` })
    expect(range.bytes.equals(Body.subarray(5 * MiB - 10, 10 * MiB + 11))).toBe(true)
    const part = await get(Key, { ...key, PartNumber: 3 })
    expect(part.bytes.equals(Body.subarray(10 * MiB))).toBe(true)
    expect(part).toMatchObject({
      PartsCount: 3,
      ContentRange: `bytes ${10 * MiB}-${Body.length - 1}/${Body.length}`,
      $metadata: { httpStatusCode: 206 },
    })
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key, PartNumber: 1, ...key }))
    expect(head).toMatchObject({ PartsCount: 3, ContentLength: 5 * MiB, ETag: done.ETag })
    if (name === 'AES256') {
      const md5s = [0, 1, 2].map((i) => createHash('md5').update(Body.subarray(i * 5 * MiB, (i + 1) * 5 * MiB)))
      const md5 = createHash('md5').update(Buffer.concat(md5s.map((hash) => hash.digest())))
      expect(done.ETag).toBe(`"${md5.digest('hex')}-3"`)
    }
    expect(await failure(get(Key, { ...key, PartNumber: 4 }))).toMatchObject({ code: 'InvalidPartNumber', status: 416 })
  })

  test('replies tell the method', async () => {
    const Key = `${name}/replies`
    const created = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ...write }))
    const upload = { Bucket, Key, UploadId: created.UploadId! }
    const part = await s3.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: 'x', ...key }))
    const parts = [{ PartNumber: 1, ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32 }]
    const done = await s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts } }))
    if (name === 'SSE-C') {
      expect(created.SSECustomerAlgorithm).toBe('AES256')
      expect(part.SSECustomerKeyMD5).toBe(created.SSECustomerKeyMD5)
      expect(JSON.stringify(done)).not.toContain('SSECustomer')
    } else {
      for (const reply of [created, part, done]) {
        expect(reply.ServerSideEncryption).toBe(name)
        expect(reply.SSEKMSKeyId).toBe(created.SSEKMSKeyId)
      }
      expect(created.SSEKMSKeyId === undefined).toBe(name === 'AES256')
    }
  })
})

describe('checksums', () => {
  const bodies = [randomBytes(5 * MiB), randomBytes(1234)]

  test.each<[ChecksumAlgorithm, ChecksumType | undefined, ChecksumType]>([
    ['CRC32', undefined, 'COMPOSITE'],
    ['CRC32', 'FULL_OBJECT', 'FULL_OBJECT'],
    ['CRC32C', 'FULL_OBJECT', 'FULL_OBJECT'],
    ['CRC32C', undefined, 'COMPOSITE'],
    ['CRC64NVME', undefined, 'FULL_OBJECT'],
    ['SHA1', undefined, 'COMPOSITE'],
    ['SHA256', 'COMPOSITE', 'COMPOSITE'],
  ])('%s %s', async (algorithm, asked, type) => {
    const Key = `checksum/${algorithm}/${asked}`
    const upload = await create(Key, { ChecksumAlgorithm: algorithm, ChecksumType: asked })
    const parts: CompletedPart[] = []
    const field = `Checksum${algorithm}` as 'ChecksumCRC32'
    for (const [i, Body] of bodies.entries()) {
      const input = { ...upload, PartNumber: i + 1, Body, ChecksumAlgorithm: algorithm }
      const part = await s3.send(new UploadPartCommand(input))
      expect(part[field]).toBeTypeOf('string')
      parts.push({ PartNumber: i + 1, ETag: part.ETag, [field]: part[field] })
    }
    const listed = await s3.send(new ListPartsCommand(upload))
    expect(listed).toMatchObject({ ChecksumAlgorithm: algorithm, ChecksumType: type })
    expect(listed.Parts?.map((part) => part[field])).toEqual(parts.map((part) => part[field]))
    const MultipartUpload = { Parts: parts }
    const done = await s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload }))
    expect(done.ChecksumType).toBe(type)
    const put = await s3.send(
      new PutObjectCommand({ Bucket, Key: `${Key}/single`, Body: Buffer.concat(bodies), ChecksumAlgorithm: algorithm }),
    )
    if (type === 'FULL_OBJECT') expect(done[field]).toBe(put[field])
    else expect(done[field]).toMatch(/-2$/)
    // The SDK itself verifies what it can.
    expect((await get(Key, { ChecksumMode: 'ENABLED' })).bytes.equals(Buffer.concat(bodies))).toBe(true)
    const part = await s3.send(new HeadObjectCommand({ Bucket, Key, PartNumber: 2, ChecksumMode: 'ENABLED' }))
    expect(part[field]).toBe(type === 'COMPOSITE' ? parts[1]![field] : undefined)
  })

  test.each<[Partial<CreateMultipartUploadCommandInput>, RegExp]>([
    [{ ChecksumType: 'COMPOSITE' }, /can only be used with/],
    [{ ChecksumAlgorithm: 'SHA256', ChecksumType: 'FULL_OBJECT' }, /FULL_OBJECT checksum type cannot be used/],
    [{ ChecksumAlgorithm: 'CRC64NVME', ChecksumType: 'COMPOSITE' }, /COMPOSITE checksum type cannot be used/],
    [{ ChecksumAlgorithm: 'MD4' as ChecksumAlgorithm }, /algorithm provided is unsupported/],
  ])('%j cannot be', async (more, message) => {
    const bare = s3Client(server)
    // Left alone the SDK adds an algorithm of its own.
    bare.config.requestChecksumCalculation = async () => 'WHEN_REQUIRED' as const
    const input = { Bucket, Key: 'k', ...more }
    expect(await failure(bare.send(new CreateMultipartUploadCommand(input)))).toMatchObject({
      code: 'InvalidRequest',
      status: 400,
      message: expect.stringMatching(message),
    })
  })
})

test('what is wrong with a part or a list of parts is told as S3 tells it', async () => {
  const upload = await create('refused', { ChecksumAlgorithm: 'CRC32' })
  const send = (PartNumber: number, more = {}) =>
    s3.send(new UploadPartCommand({ ...upload, PartNumber, Body: `${PartNumber}`, ...more }))
  const complete = (Parts: CompletedPart[], more = {}) =>
    s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts }, ...more }))
  const [one, two] = [await send(1), await send(2)]
  const listed = (part: CompletedPart, PartNumber: number) => ({
    PartNumber,
    ETag: part.ETag,
    ChecksumCRC32: part.ChecksumCRC32,
  })
  const rows: [() => Promise<unknown>, string, number][] = [
    [() => send(0), 'InvalidArgument', 400],
    [() => send(10_001), 'InvalidArgument', 400],
    [() => send(1, { UploadId: 'nothing' }), 'NoSuchUpload', 404],
    [() => send(1, { Key: 'another' }), 'NoSuchUpload', 404],
    [() => send(1, { ...customer }), 'InvalidRequest', 400],
    [() => complete([]), 'MalformedXML', 400],
    [() => complete([listed(two, 2), listed(one, 1)]), 'InvalidPartOrder', 400],
    [() => complete([listed(one, 1), listed(two, 3)]), 'InvalidPart', 400],
    [() => complete([listed(one, 1), listed(two, 2)]), 'EntityTooSmall', 400],
    [() => complete([listed(one, 1)], { MpuObjectSize: 2 }), 'InvalidRequest', 400],
    [() => complete([{ PartNumber: 1, ETag: one.ETag }]), 'InvalidRequest', 400],
  ]
  for (const [call, code, status] of rows) expect(await failure(call()), `${call}`).toMatchObject({ code, status })
  const done = await complete([listed(one, 1)])
  expect((await complete([listed(one, 1)])).ETag).toBe(done.ETag)
  expect(await failure(complete([listed(two, 1)]))).toMatchObject({ code: 'NoSuchUpload', status: 404 })
})

test('a KMS upload is refused over HTTP, at every step', async () => {
  const plain = s3Client(server, { plain: true })
  const kms = { ServerSideEncryption: 'aws:kms' } as const
  const create = (client: S3Client) => client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'k', ...kms }))
  const refusal = { code: 'InvalidArgument', status: 400, message: expect.stringMatching(/secure connection/) }
  expect(await failure(create(plain))).toMatchObject(refusal)
  const { UploadId } = await create(s3)
  const part = { Bucket, Key: 'k', UploadId, PartNumber: 1, Body: 'x' }
  expect(await failure(plain.send(new UploadPartCommand(part)))).toMatchObject(refusal)
  const { ETag, ChecksumCRC32 } = await s3.send(new UploadPartCommand(part))
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag, ChecksumCRC32 }] }
  const complete = new CompleteMultipartUploadCommand({ Bucket, Key: 'k', UploadId, MultipartUpload })
  expect(await failure(plain.send(complete))).toMatchObject(refusal)
})

test('parts copied from objects, by range, of any method', async () => {
  const Body = randomBytes(6 * MiB)
  await s3.send(new PutObjectCommand({ Bucket, Key: 'a source, ü', Body, ...customer }))
  const upload = await create('copied', { ServerSideEncryption: 'aws:kms' })
  const source = {
    CopySource: `${Bucket}/${encodeURIComponent('a source, ü')}`,
    CopySourceSSECustomerAlgorithm: 'AES256',
    CopySourceSSECustomerKey: customer.SSECustomerKey,
  }
  const parts: CompletedPart[] = []
  for (const [PartNumber, CopySourceRange] of [
    [1, undefined],
    [2, 'bytes=10-19'],
  ] as const) {
    const { CopyPartResult } = await s3.send(
      new UploadPartCopyCommand({ ...upload, PartNumber, CopySourceRange, ...source }),
    )
    parts.push({ PartNumber, ETag: CopyPartResult?.ETag, ChecksumCRC32: CopyPartResult?.ChecksumCRC32 })
  }
  const bad = { ...upload, PartNumber: 3, ...source }
  for (const CopySourceRange of ['bytes=-5', 'bytes=5-', 'bytes=9-5', `bytes=0-${Body.length}`]) {
    expect(await failure(s3.send(new UploadPartCopyCommand({ ...bad, CopySourceRange })))).toMatchObject({
      code: 'InvalidArgument',
      status: 400,
    })
  }
  await s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts } }))
  const { bytes, ServerSideEncryption } = await get('copied')
  expect(bytes.equals(Buffer.concat([Body, Body.subarray(10, 20)]))).toBe(true)
  expect(ServerSideEncryption).toBe('aws:kms')
})

test('uploads in progress are listed and aborted, and go with their bucket', async () => {
  const bucket = 'uploads-in-progress'
  await s3.send(new CreateBucketCommand({ Bucket: bucket }))
  for (const Key of ['a/1', 'a/2', 'b', 'b'])
    await s3.send(
      new CreateMultipartUploadCommand({
        Bucket: bucket,
        Key,
        StorageClass: 'STANDARD_IA',
        ChecksumAlgorithm: 'CRC32',
      }),
    )
  const first = await s3.send(new ListMultipartUploadsCommand({ Bucket: bucket, MaxUploads: 3 }))
  expect(first.Uploads?.map(({ Key }) => Key)).toEqual(['a/1', 'a/2', 'b'])
  expect(first).toMatchObject({ IsTruncated: true, NextKeyMarker: 'b', MaxUploads: 3 })
  expect(first.Uploads?.[0]).toMatchObject({ StorageClass: 'STANDARD_IA', ChecksumAlgorithm: 'CRC32' })
  const rest = await s3.send(
    new ListMultipartUploadsCommand({
      Bucket: bucket,
      KeyMarker: first.NextKeyMarker,
      UploadIdMarker: first.NextUploadIdMarker,
    }),
  )
  expect(rest.Uploads?.map(({ Key }) => Key)).toEqual(['b'])
  const folders = await s3.send(new ListMultipartUploadsCommand({ Bucket: bucket, Delimiter: '/' }))
  expect(folders.CommonPrefixes).toEqual([{ Prefix: 'a/' }])
  const { Key, UploadId } = rest.Uploads![0]!
  await s3.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }))
  expect(await failure(s3.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId })))).toMatchObject({
    code: 'NoSuchUpload',
    status: 404,
  })
  await s3.send(new DeleteBucketCommand({ Bucket: bucket }))
})

test('completing makes one version among others', async () => {
  const bucket = 'versions-of-uploads'
  await s3.send(new CreateBucketCommand({ Bucket: bucket }))
  const VersioningConfiguration = { Status: 'Enabled' } as const
  await s3.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }))
  const versions: string[] = []
  for (const Body of ['one', 'two']) {
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: 'k' }))
    const upload = { Bucket: bucket, Key: 'k', UploadId }
    const { ETag, ChecksumCRC32 } = await s3.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body }))
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag, ChecksumCRC32 }] }
    const { VersionId } = await s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload }))
    versions.push(VersionId!)
  }
  for (const [i, VersionId] of versions.entries()) {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'k', VersionId }))
    expect(await Body!.transformToString()).toBe(['one', 'two'][i])
  }
})
