/** The objects room on memory: what was put comes back, by every method, and versions behave as S3's do. */
import { DataKey } from '@strongroom/crypto'

import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { fsck } from './fsck.ts'
import type { Listing } from './listing.ts'
import { call, customerKey, getInput, METHODS, makeRoom, putInput, type Room, read } from './room.fixture.ts'
import { sweep } from './sweep.ts'

let server: Room
beforeEach(async () => {
  server = makeRoom()
  await server.buckets.create(call, 'bucket')
})

describe.each(Object.keys(METHODS))('%s', (method) => {
  const key = method === 'SSE-C' ? { customerKey: customerKey() } : {}

  test.each([0, 1, 16_000, 16_384, 65_535, 65_536, 65_537, 2_500_000])(
    '%d bytes come back, whole and by range',
    async (size) => {
      const content = Buffer.alloc(size, 'marked plaintext ')
      await server.objects.put(call, putInput('k', content, { protection: METHODS[method]!() }))
      expect((await read(server, getInput('k', key))).equals(content)).toBe(true)
      for (const [first, last] of [
        [0, 0],
        [65_530, 65_545],
        [size - 3, size + 9],
        [100, size - 100],
      ] as const) {
        if (first < 0 || first >= size || last < first) continue
        const found = await read(server, getInput('k', { ...key, range: { first, last } }))
        expect(found.equals(content.subarray(first, last + 1))).toBe(true)
      }
      for await (const { id } of server.blobs.list())
        expect(Buffer.from(server.blobs.raw(id)!).includes('marked')).toBe(false)
    },
  )

  test('a flipped bit releases nothing of its segment, and fsck reports it', async () => {
    const content = Buffer.alloc(200_000, 7)
    await server.objects.put(call, putInput('k', content, { protection: METHODS[method]!() }))
    expect((await fsck(server, (problem) => expect.unreachable(problem))).versions).toBe(1)
    for await (const { id, size } of server.blobs.list()) server.blobs.raw(id)![size - 50_000]! ^= 4
    const { content: opened } = await server.objects.get(call, getInput('k', key))
    let released = 0
    await expect(
      (async () => {
        for await (const chunk of opened.chunks()) released += chunk.length
      })(),
    ).rejects.toMatchObject({ code: 'Damaged' })
    expect(released).toBeLessThanOrEqual(131_072)
    const problems: string[] = []
    await fsck(server, (problem) => problems.push(problem))
    expect(problems).toHaveLength(1)
  })
})

test('exactly one GenerateDataKey a PUT and one Decrypt a GET, none for HEAD, LIST and other methods', async () => {
  await server.objects.put(call, putInput('k', Buffer.from('x'), { protection: METHODS['aws:kms']!() }))
  expect(server.outcomes).toEqual(['GenerateDataKey'])
  await read(server, getInput('k'))
  expect(server.outcomes).toEqual(['GenerateDataKey', 'Decrypt'])
  await server.objects.head(call, getInput('k'))
  await server.listing.objects(call, { bucket: 'bucket', prefix: '', delimiter: '', maxKeys: 9, startAfter: '' })
  for (const method of ['AES256', 'SSE-C'])
    await server.objects.put(call, putInput(method, Buffer.from('x'), { protection: METHODS[method]!() }))
  expect(server.outcomes).toHaveLength(2)
})

test('a wrong customer key is refused, a missing one too, and one that does not belong', async () => {
  await server.objects.put(call, putInput('c', Buffer.from('x'), { protection: METHODS['SSE-C']!() }))
  await server.objects.put(call, putInput('s', Buffer.from('x')))
  const wrong = { key: new DataKey(new Uint8Array(32).fill(6)), keyMd5: '' }
  const refusal = (code: string) => ({ code: 'EncryptionRefused', detail: { refusal: code } })
  await expect(server.objects.get(call, getInput('c', { customerKey: wrong }))).rejects.toMatchObject(
    refusal('SseCKeyWrong'),
  )
  await expect(server.objects.head(call, getInput('c', { customerKey: wrong }))).rejects.toMatchObject(
    refusal('SseCKeyWrong'),
  )
  await expect(server.objects.get(call, getInput('c'))).rejects.toMatchObject(refusal('SseCKeyRequired'))
  await expect(server.objects.get(call, getInput('s', { customerKey: wrong }))).rejects.toMatchObject(
    refusal('SseCNotApplicable'),
  )
})

test('a bucket with anything in it is not deleted; what is given up is swept', async () => {
  await server.objects.put(call, putInput('k', Buffer.alloc(100_000)))
  await expect(server.buckets.delete(call, 'bucket')).rejects.toMatchObject({ code: 'BucketNotEmpty' })
  await server.objects.delete(call, { bucket: 'bucket', objectKey: 'k', versionId: undefined })
  await server.buckets.delete(call, 'bucket')
  await expect(server.buckets.require(call, 'bucket')).rejects.toMatchObject({
    code: 'BucketNotFound',
  })
  server.clock.skip(120_000)
  expect((await sweep(server.records, server.blobs, server.clock)).garbage).toBe(1)
  for await (const blob of server.blobs.list()) expect.unreachable(blob.id)
})

test('conditional writes', async () => {
  const once = { conditions: { ifNoneMatch: ['*'] } }
  const { etag } = await server.objects.put(call, putInput('k', Buffer.from('1'), once))
  await expect(server.objects.put(call, putInput('k', Buffer.from('2'), once))).rejects.toMatchObject({
    code: 'PreconditionFailed',
  })
  await server.objects.put(call, putInput('k', Buffer.from('3'), { conditions: { ifMatch: [etag] } }))
  await expect(
    server.objects.put(call, putInput('k', Buffer.from('4'), { conditions: { ifMatch: [etag] } })),
  ).rejects.toMatchObject({ code: 'PreconditionFailed' })
  const both = await Promise.allSettled(
    ['a', 'b'].map((text) => server.objects.put(call, putInput('new', Buffer.from(text), once))),
  )
  expect(both.filter((result) => result.status === 'fulfilled')).toHaveLength(1)
})

test('listings page through keys and common prefixes in UTF-8 order', async () => {
  const keys = ['a', 'b/1', 'b/2', 'c', '\u{1F600}', '\uFF5E', 'b/sub/x']
  for (const objectKey of keys) await server.objects.put(call, putInput(objectKey, Buffer.from('x')))
  const sorted = [...keys].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)))
  for (const [delimiter, expected] of [
    ['', sorted],
    ['/', ['a', 'b/', 'c', '\uFF5E', '\u{1F600}']],
  ] as const) {
    for (const maxKeys of [1, 2, 1000]) {
      const seen: string[] = []
      let startAfter: string | undefined = ''
      while (startAfter !== undefined) {
        const page: Awaited<ReturnType<Listing['objects']>> = await server.listing.objects(call, {
          bucket: 'bucket',
          prefix: '',
          delimiter,
          maxKeys,
          startAfter,
        })
        seen.push(
          ...[...page.entries.map((entry) => entry.objectKey), ...page.commonPrefixes].sort((x, y) =>
            Buffer.compare(Buffer.from(x), Buffer.from(y)),
          ),
        )
        startAfter = page.next
      }
      expect(seen).toEqual(expected)
    }
  }
})

type Step = { do: 'put' | 'delete' | 'remove' | 'versioning'; n: number }
interface ModelVersion {
  id: string
  body: string | undefined
}

test('versioning behaves like a list of versions', async () => {
  const step: fc.Arbitrary<Step> = fc.record({
    do: fc.constantFrom('put', 'put', 'delete', 'remove', 'versioning'),
    n: fc.nat(9),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
      server = makeRoom()
      await server.buckets.create(call, 'bucket')
      let mode: 'Enabled' | 'Suspended' | undefined
      let model: ModelVersion[] = []
      const add = (version: ModelVersion) => {
        if (mode !== 'Enabled') model = model.filter(({ id }) => id !== 'null')
        model.unshift(version)
      }
      for (const [i, { do: what, n }] of steps.entries()) {
        if (what === 'versioning') {
          mode = n % 2 ? 'Enabled' : 'Suspended'
          await server.buckets.putVersioning(call, 'bucket', mode)
        } else if (what === 'put') {
          const { versionId } = await server.objects.put(call, putInput('k', Buffer.from(`body ${i}`)))
          add({ id: versionId ?? 'null', body: `body ${i}` })
        } else if (what === 'delete') {
          const { versionId } = await server.objects.delete(call, {
            bucket: 'bucket',
            objectKey: 'k',
            versionId: undefined,
          })
          if (mode === undefined) model = model.filter(({ id }) => id !== 'null')
          else add({ id: versionId!, body: undefined })
        } else if (model.length > 0) {
          const { id } = model[n % model.length]!
          await server.objects.delete(call, { bucket: 'bucket', objectKey: 'k', versionId: id })
          model = model.filter((version) => version.id !== id)
        }
        const page = await server.listing.versions(call, {
          bucket: 'bucket',
          prefix: '',
          delimiter: '',
          maxKeys: 100,
          keyMarker: '',
          versionIdMarker: undefined,
        })
        expect(page.entries.map(({ versionId, kind }) => [versionId, kind])).toEqual(
          model.map(({ id, body }) => [id, body === undefined ? 'deleteMarker' : 'object']),
        )
        const newest = model[0]
        if (newest?.body !== undefined) expect((await read(server, getInput('k'))).toString()).toBe(newest.body)
        else
          await expect(read(server, getInput('k'))).rejects.toMatchObject({
            code: newest ? 'ObjectDeleted' : 'ObjectNotFound',
          })
      }
    }),
    { numRuns: 60 },
  )
})

describe('small content that goes between the look at its version and the look at its bytes', () => {
  const put = (text: string) => server.objects.put(call, putInput('k', Buffer.from(text)))
  const copy = async () => {
    const source = { bucket: 'bucket', objectKey: 'k', versionId: undefined, conditions: {}, customerKey: undefined }
    const as = { metadata: 'COPY', storageClass: undefined, checksumAlgorithm: undefined, conditions: {} } as const
    const target = { bucket: 'bucket', objectKey: 'copy', protection: { kind: 'default' } } as const
    await server.objects.copy(call, { ...as, ...target, source })
    return read(server, getInput('copy'))
  }
  const get = () => read(server, getInput('k'))
  /** Does `meanwhile` before the first bytes are looked for. */
  function before(meanwhile: () => Promise<unknown>) {
    const look = server.records.getBytes.bind(server.records)
    let isFirst = true
    server.records.getBytes = async (...args) => {
      if (isFirst) {
        isFirst = false
        await meanwhile()
      }
      return look(...args)
    }
  }
  beforeEach(() => put('old'))

  test.each([
    ['a read', get],
    ['a copy', copy],
  ])('%s gives what has taken its place', async (_, run) => {
    before(() => put('new'))
    expect((await run()).toString()).toBe('new')
  })

  test.each([
    ['a read', get],
    ['a copy', copy],
  ])('%s of what was deleted finds nothing', async (_, run) => {
    before(() => server.objects.delete(call, { bucket: 'bucket', objectKey: 'k', versionId: undefined }))
    await expect(run()).rejects.toMatchObject({ code: 'ObjectNotFound' })
  })

  test('what is missing though nobody has replaced it is damaged', async () => {
    server.records.getBytes = async () => undefined
    await expect(get()).rejects.toMatchObject({ code: 'Damaged' })
  })
})
