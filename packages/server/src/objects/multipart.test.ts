/** Multipart uploads on memory: what was sent in parts comes back whole, and what is wrong is refused as S3 does. */
import { createHash, randomBytes } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { fsck } from './fsck.ts'
import type { UploadPage } from './listing.ts'
import type { UploadChecksum } from './records.ts'
import { bodyOf, call, customerKey, getInput, METHODS, makeRoom, putInput, type Room, read } from './room.fixture.ts'
import { sweep } from './sweep.ts'
import type { CustomerKey, RequestedProtection } from './types.ts'
import { readUploadId } from './upload-id.ts'

const MiB = 1024 * 1024
const DEFAULT: UploadChecksum = { algorithm: 'CRC64NVME', type: 'FULL_OBJECT', declared: false }

let room: Room
beforeEach(async () => {
  room = makeRoom()
  await room.buckets.create(call, 'bucket')
})

async function create(protection: RequestedProtection = { kind: 'default' }, checksum = DEFAULT, objectKey = 'k') {
  const input = { bucket: 'bucket', objectKey, headers: {}, userMetadata: [], protection, checksum }
  const { uploadId } = await room.multipart.create(call, input)
  return { bucket: 'bucket', objectKey, uploadId }
}
type Target = Awaited<ReturnType<typeof create>>

const send = (target: Target, partNumber: number, content: Uint8Array, key?: CustomerKey) =>
  room.multipart.uploadPart(call, { ...target, partNumber }, bodyOf(content), key)

const complete = (target: Target, parts: { partNumber: number; etag: string }[], more = {}) =>
  room.multipart.complete(call, {
    ...target,
    parts: parts.map((part) => ({ checksum: undefined, ...part })),
    conditions: {},
    objectSize: undefined,
    checksum: undefined,
    checksumType: undefined,
    ...more,
  })

describe.each(Object.keys(METHODS))('%s', (method) => {
  const key = () => (method === 'SSE-C' ? customerKey() : undefined)

  test('parts in any order, one sent twice, make one object; ranges cross their edges', async () => {
    const target = await create(METHODS[method]!())
    const contents = [5 * MiB, 5 * MiB + 17, 1000].map((size) => randomBytes(size))
    const third = await send(target, 30, contents[2]!, key())
    await send(target, 2, Buffer.from('to be replaced'), key())
    const second = await send(target, 2, contents[1]!, key())
    const first = await send(target, 1, contents[0]!, key())
    const listed = [first, second, third].map(({ etag }, i) => ({ partNumber: [1, 2, 30][i]!, etag }))
    const facts = await complete(target, listed)
    const whole = Buffer.concat(contents)
    expect(facts.plaintextSize).toBe(whole.length)
    const md5 = createHash('md5')
    for (const { etag } of listed) md5.update(etag, 'hex')
    expect(facts.etag).toBe(`${md5.digest('hex')}-3`)
    expect((await read(room, getInput('k', { customerKey: key() }))).equals(whole)).toBe(true)
    for (const [from, last] of [
      [0, 0],
      [5 * MiB - 1, 5 * MiB],
      [5 * MiB - 3, 10 * MiB + 20],
      [10 * MiB + 17, whole.length - 1],
    ] as const) {
      const range = await read(room, getInput('k', { customerKey: key(), range: { first: from, last } }))
      expect(range.equals(whole.subarray(from, last + 1))).toBe(true)
    }
    for (const [i, content] of contents.entries()) {
      const part = await read(room, getInput('k', { customerKey: key(), partNumber: i + 1 }))
      expect(part.equals(content)).toBe(true)
    }
    await expect(room.objects.get(call, getInput('k', { customerKey: key(), partNumber: 4 }))).rejects.toMatchObject({
      code: 'PartNumberNotSatisfiable',
      detail: { partsCount: 3 },
    })
    const problems: string[] = []
    await fsck(room, (problem) => problems.push(problem))
    expect(problems).toEqual([])
  })

  test('one key use to begin, one for each part, none to complete', async () => {
    const target = await create(METHODS[method]!())
    const { etag } = await send(target, 1, Buffer.from('x'), key())
    await complete(target, [{ partNumber: 1, etag }])
    const uses = room.outcomes.filter((operation) => operation === 'GenerateDataKey' || operation === 'Decrypt')
    // What a bucket key serves needs no use for the part.
    const needed = { 'aws:kms with a bucket key': ['GenerateDataKey'], 'aws:kms': BOTH, 'aws:kms:dsse': BOTH }
    expect(uses).toEqual(needed[method as keyof typeof needed] ?? [])
  })
})

const BOTH = ['GenerateDataKey', 'Decrypt']

test('completing again, with the same parts, answers as before; with others there is no such upload', async () => {
  const target = await create()
  const { etag } = await send(target, 1, Buffer.from('x'))
  const first = await complete(target, [{ partNumber: 1, etag }])
  expect(await complete(target, [{ partNumber: 1, etag }])).toEqual(first)
  const other = '0'.repeat(32)
  await expect(complete(target, [{ partNumber: 1, etag: other }])).rejects.toMatchObject({ code: 'UploadNotFound' })
})

test.each([
  ['PartOrderInvalid', [2, 1]],
  ['PartOrderInvalid', [1, 1]],
  ['PartInvalid', [1, 3]],
  ['PartTooSmall', [1, 2]],
])('%s', async (code, numbers) => {
  const target = await create()
  const etags = new Map<number, string>([[3, '0'.repeat(32)]])
  for (const partNumber of [1, 2]) etags.set(partNumber, (await send(target, partNumber, Buffer.from('small'))).etag)
  const parts = numbers.map((partNumber) => ({ partNumber, etag: etags.get(partNumber)! }))
  await expect(complete(target, parts)).rejects.toMatchObject({ code })
})

test('a promised size, checksum or condition that does not hold refuses the object and keeps the upload', async () => {
  const target = await create({ kind: 'default' }, { algorithm: 'CRC32', type: 'FULL_OBJECT', declared: true })
  const { etag } = await send(target, 1, Buffer.from('x'))
  const parts = [{ partNumber: 1, etag }]
  const refused = (more: object) => expect(complete(target, parts, more)).rejects
  await refused({ objectSize: 2 }).toMatchObject({ code: 'UploadSizeMismatch' })
  await refused({ checksum: { algorithm: 'CRC32', value: 'AAAAAA==' } }).toMatchObject({ code: 'DigestMismatch' })
  await refused({ checksum: { algorithm: 'SHA1', value: '' } }).toMatchObject({ code: 'ChecksumTypeMismatch' })
  await refused({ checksumType: 'COMPOSITE' }).toMatchObject({ code: 'ChecksumModeMismatch' })
  await room.objects.put(call, putInput('k', Buffer.from('there')))
  await refused({ conditions: { ifNoneMatch: ['*'] } }).toMatchObject({ code: 'PreconditionFailed' })
  expect((await read(room, getInput('k'))).toString()).toBe('there')
  await complete(target, parts, { objectSize: 1 })
  expect((await read(room, getInput('k'))).toString()).toBe('x')
})

test('an SSE-C upload takes parts under its own key alone', async () => {
  const withKey = await create(METHODS['SSE-C']!())
  const without = await create()
  const refusal = (name: string) => ({ code: 'EncryptionRefused', detail: { refusal: name } })
  const part = Buffer.from('x')
  await expect(send(withKey, 1, part)).rejects.toMatchObject(refusal('UploadEncryptionMismatch'))
  await expect(send(without, 1, part, customerKey())).rejects.toMatchObject(refusal('UploadEncryptionMismatch'))
  const wrong = customerKey()
  wrong.key.bytes()[0]! ^= 1
  await expect(send(withKey, 1, part, wrong)).rejects.toMatchObject(refusal('UploadKeyMismatch'))
})

test('parts can be copied, whole or a range, between methods', async () => {
  const content = randomBytes(6 * MiB)
  await room.objects.put(call, putInput('source', content, { protection: METHODS['aws:kms']!() }))
  const source = { bucket: 'bucket', objectKey: 'source', versionId: undefined, conditions: {}, customerKey: undefined }
  const target = await create(METHODS['aws:kms:dsse']!())
  const copy = (partNumber: number, range?: { first: number; last: number }) =>
    room.multipart.uploadPartCopy(call, { ...target, partNumber }, source, range, undefined)
  const first = await copy(1)
  const second = await copy(2, { first: 100, last: 1_099 })
  await expect(copy(3, { first: 0, last: content.length })).rejects.toMatchObject({ code: 'ArgumentInvalid' })
  await complete(target, [
    { partNumber: 1, etag: first.etag },
    { partNumber: 2, etag: second.etag },
  ])
  const whole = await read(room, getInput('k'))
  expect(whole.equals(Buffer.concat([content, content.subarray(100, 1_100)]))).toBe(true)
})

describe('nothing stays behind', () => {
  const big = randomBytes(100_000)

  async function blobsLeft(): Promise<number> {
    room.clock.skip(3_600_000)
    await sweep(room.records, room.blobs, room.clock)
    let count = 0
    for await (const _ of room.blobs.list()) count++
    return count
  }

  test('after an abort', async () => {
    const target = await create()
    await send(target, 1, big)
    await send(target, 1, big)
    expect(await blobsLeft()).toBe(1)
    await room.multipart.abort(call, target)
    await expect(room.multipart.abort(call, target)).rejects.toMatchObject({ code: 'UploadNotFound' })
    await expect(send(target, 2, big)).rejects.toMatchObject({ code: 'UploadNotFound' })
    expect(await blobsLeft()).toBe(0)
  })

  test('of parts that the completed object leaves out, nor of the object once deleted', async () => {
    const target = await create()
    const { etag } = await send(target, 1, big)
    await send(target, 2, big)
    await complete(target, [{ partNumber: 1, etag }])
    expect(await blobsLeft()).toBe(1)
    await room.objects.delete(call, { bucket: 'bucket', objectKey: 'k', versionId: undefined })
    expect(await blobsLeft()).toBe(0)
  })

  test('of the uploads of a removed bucket, also where a crash cut the removal off', async () => {
    await send(await create(), 1, big)
    await room.buckets.delete(call, 'bucket')
    expect(await blobsLeft()).toBe(0)
    await room.buckets.create(call, 'bucket')
    expect((await room.listing.uploads(call, listInput())).entries).toEqual([])
    await send(await create(), 1, big)
    room.catalog.failAfter(1)
    await expect(room.buckets.delete(call, 'bucket')).rejects.toThrow()
    room.catalog.failAfter(undefined)
    await expect(create()).rejects.toMatchObject({ code: 'BucketNotFound' })
    await room.buckets.resumeDeletes()
    expect(await blobsLeft()).toBe(0)
    await room.buckets.create(call, 'bucket')
  })
})

const listInput = (more = {}) => ({
  bucket: 'bucket',
  prefix: '',
  delimiter: '',
  maxKeys: 1000,
  keyMarker: '',
  uploadIdMarker: undefined,
  ...more,
})

test('uploads are listed by key and time of start, in pages, with common prefixes', async () => {
  const targets: Target[] = []
  for (const objectKey of ['b', 'a/1', 'a/2', 'c', 'b', 'b/x'])
    targets.push(await create(undefined, DEFAULT, objectKey))
  const [b1, a1, a2, c, b2, bx] = targets.map(({ uploadId }) => uploadId)
  for (const maxKeys of [1, 2, 3, 1000]) {
    for (const [delimiter, expected] of [
      ['', [a1, a2, b1, b2, bx, c]],
      ['/', ['a/', b1, b2, 'b/', c]],
    ] as const) {
      const seen: string[] = []
      let keyMarker: string | undefined = ''
      let uploadIdMarker: string | undefined
      while (keyMarker !== undefined) {
        const marker = uploadIdMarker === undefined ? undefined : readUploadId(uploadIdMarker)
        const page: UploadPage = await room.listing.uploads(
          call,
          listInput({ delimiter, maxKeys, keyMarker, uploadIdMarker: marker }),
        )
        const entries = page.entries.map((entry) => [entry.objectKey, entry.uploadId] as const)
        const prefixes = page.commonPrefixes.map((prefix) => [prefix, prefix] as const)
        const rows = [...entries, ...prefixes].sort(([x], [y]) => (x < y ? -1 : x > y ? 1 : 0))
        expect(rows.length).toBeLessThanOrEqual(maxKeys)
        seen.push(...rows.map(([, shown]) => shown))
        keyMarker = page.nextKeyMarker
        uploadIdMarker = page.nextUploadIdMarker
      }
      expect(seen).toEqual(expected)
    }
  }
})

test('parts are listed in pages', async () => {
  const target = await create()
  for (const partNumber of [7, 300, 10_000, 1]) await send(target, partNumber, Buffer.alloc(partNumber))
  const page = async (marker: number, limit: number) => {
    const { parts, isTruncated } = await room.multipart.listParts(call, target, marker, limit)
    return [parts.map(({ partNumber, stream }) => [partNumber, stream.plaintextSize]), isTruncated]
  }
  const rows = [1, 7, 300, 10_000].map((number) => [number, number])
  expect(await page(0, 1000)).toEqual([rows, false])
  expect(await page(0, 2)).toEqual([rows.slice(0, 2), true])
  expect(await page(7, 2)).toEqual([rows.slice(2), false])
  expect(await page(10_000, 2)).toEqual([[], false])
})

test('a failure at any commit leaves an upload or an object, whole, and nothing unnamed', async () => {
  const content = randomBytes(100_000)
  for (let commits = 0; commits < 4; commits++) {
    room = makeRoom()
    await room.buckets.create(call, 'bucket')
    // The keys that the first use makes are not what is tested.
    await room.objects.put(call, putInput('before', Buffer.from('x')))
    room.catalog.failAfter(commits)
    const done = await create()
      .then(async (target) => complete(target, [{ partNumber: 1, etag: (await send(target, 1, content)).etag }]))
      .catch((error: Error) => error.message)
    room.catalog.failAfter(undefined)
    if (commits < 3) expect(done).toBe('the catalog has failed')
    else expect((await read(room, getInput('k'))).equals(content)).toBe(true)
    const problems: string[] = []
    await fsck(room, (problem) => problems.push(problem))
    expect(problems).toEqual([])
    room.clock.skip(3_600_000)
    await sweep(room.records, room.blobs, room.clock)
    const blobs = []
    for await (const { id } of room.blobs.list()) blobs.push(id)
    expect(blobs.length).toBe(commits < 2 ? 0 : 1)
  }
})
