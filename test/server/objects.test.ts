/** Objects: what is stored with them, conditions, checksums, ranges, copies. */
import { createHash, randomBytes } from 'node:crypto'
import {
  type ChecksumAlgorithm,
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandInput,
  HeadObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { failure, s3Client } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

const Bucket = 'objects'
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

const put = (Key: string, Body: string | Uint8Array, more: Partial<PutObjectCommandInput> = {}) =>
  s3.send(new PutObjectCommand({ Bucket, Key, Body, ...more }))
const get = (Key: string, more: Partial<GetObjectCommandInput> = {}) =>
  s3.send(new GetObjectCommand({ Bucket, Key, ...more }))
const text = async (reply: ReturnType<typeof get>) => (await reply).Body!.transformToString()

test('headers and user metadata come back as they were sent', async () => {
  const headers = {
    CacheControl: 'max-age=60',
    ContentDisposition: 'attachment; filename="a b.txt"',
    ContentEncoding: 'gzip',
    ContentLanguage: 'de',
    ContentType: 'text/plain; charset=utf-8',
    StorageClass: 'STANDARD_IA' as const,
    WebsiteRedirectLocation: '/elsewhere',
  }
  const Metadata = { plain: 'value', 'with-dash': 'a=b; c', empty: '' }
  await put('headers', 'x', { ...headers, Metadata })
  const reply = await get('headers')
  expect(reply).toMatchObject({ ...headers, Metadata, AcceptRanges: 'bytes', ContentLength: 1 })
  expect(await s3.send(new HeadObjectCommand({ Bucket, Key: 'headers' }))).toMatchObject({ ...headers, Metadata })
})

test('response-* overrides hold for one reply', async () => {
  await put('overrides', 'x', { ContentType: 'text/plain' })
  const reply = await get('overrides', {
    ResponseContentType: 'application/json',
    ResponseCacheControl: 'no-store',
    ResponseContentDisposition: 'inline',
  })
  expect(reply).toMatchObject({
    ContentType: 'application/json',
    CacheControl: 'no-store',
    ContentDisposition: 'inline',
  })
  expect((await get('overrides')).ContentType).toBe('text/plain')
})

test.each(['a b+c', 'ü/ß?=&#', '../up', 'a//b', '/leading', 'x'.repeat(1024), 'quote\'"<>', '\u{1F512}'])(
  'the key %j',
  async (Key) => {
    await put(Key, Key)
    expect(await text(get(Key))).toBe(Key)
    await s3.send(new DeleteObjectCommand({ Bucket, Key }))
    expect(await failure(get(Key))).toMatchObject({ code: 'NoSuchKey', status: 404 })
  },
)

test('a key of 1,025 bytes is too long', async () => {
  expect(await failure(put('x'.repeat(1025), 'x'))).toMatchObject({ code: 'KeyTooLongError', status: 400 })
})

describe('conditions', () => {
  test('of reads', async () => {
    const { ETag } = await put('read-conditions', 'x')
    const { LastModified } = await get('read-conditions')
    const before = new Date(LastModified!.getTime() - 60_000)
    const after = new Date(LastModified!.getTime() + 60_000)
    const rows: [Partial<GetObjectCommandInput>, number][] = [
      [{ IfMatch: ETag }, 200],
      [{ IfMatch: '"other"' }, 412],
      [{ IfNoneMatch: ETag }, 304],
      [{ IfNoneMatch: '"other"' }, 200],
      [{ IfModifiedSince: before }, 200],
      [{ IfModifiedSince: after }, 304],
      [{ IfUnmodifiedSince: after }, 200],
      [{ IfUnmodifiedSince: before }, 412],
      // RFC 9110, 13.2.2: the entity tag decides where both are given.
      [{ IfMatch: ETag, IfUnmodifiedSince: before }, 200],
      [{ IfNoneMatch: ETag, IfModifiedSince: before }, 304],
    ]
    for (const [more, status] of rows) {
      const name = JSON.stringify(more)
      if (status === 200) expect(await text(get('read-conditions', more)), name).toBe('x')
      else expect(await failure(get('read-conditions', more)), name).toMatchObject({ status })
    }
  })

  test('of writes: one of many writers makes the key', async () => {
    const all = await Promise.allSettled(
      Array.from({ length: 12 }, (_, i) => put('made-once', String(i), { IfNoneMatch: '*' })),
    )
    const winners = all.flatMap((one, i) => (one.status === 'fulfilled' ? [i] : []))
    expect(winners).toHaveLength(1)
    expect(await text(get('made-once'))).toBe(String(winners[0]))
    expect(await failure(put('made-once', 'x', { IfNoneMatch: '*' }))).toMatchObject({
      code: 'PreconditionFailed',
      status: 412,
    })
    const { ETag } = await get('made-once')
    await put('made-once', 'replaced', { IfMatch: ETag })
    expect(await failure(put('made-once', 'x', { IfMatch: ETag }))).toMatchObject({ code: 'PreconditionFailed' })
    expect(await failure(put('never-made', 'x', { IfMatch: ETag }))).toMatchObject({ code: 'NoSuchKey', status: 404 })
  })
})

describe('checksums', () => {
  const body = Buffer.from('123456789')

  test.each<[ChecksumAlgorithm, string]>([
    ['CRC32', 'y/Q5Jg=='],
    ['CRC32C', '4waSgw=='],
    ['CRC64NVME', 'rosUhgp5mIg='],
    ['SHA1', createHash('sha1').update(body).digest('base64')],
    ['SHA256', createHash('sha256').update(body).digest('base64')],
  ])('%s is checked, kept and told', async (algorithm, value) => {
    const field = `Checksum${algorithm}` as 'ChecksumCRC32'
    const Key = `checksum/${algorithm}`
    expect((await put(Key, body, { ChecksumAlgorithm: algorithm }))[field]).toBe(value)
    expect((await put(Key, body, { [field]: value }))[field]).toBe(value)
    const reply = await get(Key, { ChecksumMode: 'ENABLED' })
    expect(reply).toMatchObject({ [field]: value, ChecksumType: 'FULL_OBJECT' })
    const wrong = Buffer.from(value, 'base64')
    wrong[0]! ^= 1
    expect(await failure(put(Key, 'other', { [field]: wrong.toString('base64') }))).toMatchObject({
      code: 'BadDigest',
      status: 400,
    })
    expect(await text(get(Key))).toBe('123456789')
  })

  test('Content-MD5', async () => {
    const ContentMD5 = createHash('md5').update(body).digest('base64')
    await put('md5', body, { ContentMD5 })
    expect(await failure(put('md5', 'other', { ContentMD5 }))).toMatchObject({ code: 'BadDigest', status: 400 })
    expect(await failure(put('md5', body, { ContentMD5: 'no' }))).toMatchObject({ code: 'InvalidDigest', status: 400 })
  })
})

test('ranges', async () => {
  const body = randomBytes(200_000)
  await put('ranges', body)
  for (const [Range, start, end] of [
    ['bytes=0-0', 0, 1],
    ['bytes=65530-65545', 65_530, 65_546],
    ['bytes=199999-', 199_999, 200_000],
    ['bytes=199990-300000', 199_990, 200_000],
    ['bytes=-1', 199_999, 200_000],
    ['bytes=-999999', 0, 200_000],
  ] as const) {
    const reply = await get('ranges', { Range })
    expect(Buffer.from(await reply.Body!.transformToByteArray()).equals(body.subarray(start, end)), Range).toBe(true)
    expect(reply).toMatchObject({ ContentRange: `bytes ${start}-${end - 1}/200000`, ContentLength: end - start })
  }
  for (const Range of ['bytes=200000-', 'bytes=200000-200001', 'bytes=-0']) {
    expect(await failure(get('ranges', { Range }))).toMatchObject({ code: 'InvalidRange', status: 416 })
  }
  for (const Range of ['bytes=5-1', 'lines=1-2', 'bytes=0-1,5-6']) {
    expect((await get('ranges', { Range })).ContentLength, Range).toBe(200_000)
  }
})

test('copies take or replace what is stored beside the content', async () => {
  const copy = (more = {}) =>
    s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/copied`, ...more }))
  await put('copied', 'x', { ContentType: 'text/plain', Metadata: { a: '1' } })
  await copy()
  expect(await get('copy')).toMatchObject({ ContentType: 'text/plain', Metadata: { a: '1' } })
  await copy({ MetadataDirective: 'REPLACE', ContentType: 'text/html', Metadata: { b: '2' } })
  expect(await get('copy')).toMatchObject({ ContentType: 'text/html', Metadata: { b: '2' } })
  const inPlace = { Bucket, Key: 'copied', CopySource: `${Bucket}/copied` }
  expect(await failure(s3.send(new CopyObjectCommand(inPlace)))).toMatchObject({ code: 'InvalidRequest', status: 400 })
  await s3.send(new CopyObjectCommand({ ...inPlace, MetadataDirective: 'REPLACE', Metadata: { c: '3' } }))
  expect((await get('copied')).Metadata).toEqual({ c: '3' })
  expect(await failure(copy({ CopySourceIfMatch: '"other"' }))).toMatchObject({ status: 412 })
  expect(await failure(copy({ CopySource: `${Bucket}/absent` }))).toMatchObject({ code: 'NoSuchKey', status: 404 })
})
