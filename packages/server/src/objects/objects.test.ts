/** The objects room on memory: what was put comes back, by every method, and versions behave as S3's do. */

import { DataKey } from '@strongroom/crypto'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import type { CallContext } from '../core/principal.ts'
import { Kms } from '../keys/kms.ts'
import { RootKey } from '../keys/root-key.ts'
import { StoredServiceKeys } from '../keys/service-keys.ts'
import { RecordStore } from '../records/record-store.ts'
import { MemoryBlobStore } from '../storage/memory-blobs.ts'
import { MemoryCatalog } from '../storage/memory-catalog.ts'
import { Buckets } from './buckets.ts'
import { ContentReader } from './content-reader.ts'
import { ContentWriter } from './content-writer.ts'
import { fsck } from './fsck.ts'
import { Listing } from './listing.ts'
import { Objects } from './objects.ts'
import { Protector } from './protection.ts'
import { inlineContent, names } from './records.ts'
import { sweep } from './sweep.ts'
import type { GetInput, PutInput, RequestedProtection } from './types.ts'

const call: CallContext = {
  principal: {
    accountId: '111111111111',
    arn: 'arn:aws:iam::111111111111:user/a',
    principalId: 'AIDA',
    principalType: 'IAMUser',
    userName: 'a',
    accessKeyId: 'AKIA',
    canonicalId: 'c',
    displayName: 'd',
  },
  requestId: 'R',
  sourceIp: '127.0.0.1',
  userAgent: undefined,
  secureTransport: true,
  signatureVersion: 'v4',
  region: 'us-east-1',
  via: undefined,
}

function make() {
  let nowMs = 1_700_000_000_000
  const clock = {
    nowMs: () => nowMs++,
    skip(ms: number) {
      nowMs += ms
    },
  }
  const records = new RecordStore(new MemoryCatalog(), new Uint8Array(32).fill(1))
  const blobs = new MemoryBlobStore()
  const rootKey = new RootKey(new Uint8Array(32).fill(2))
  const outcomes: string[] = []
  const observer = { observe: ({ operation }: { operation: string }) => void outcomes.push(operation) }
  const kms = new Kms({ records, rootKey, region: 'us-east-1', clock, observer })
  const protector = new Protector(kms, new StoredServiceKeys(records, rootKey))
  const reader = new ContentReader(blobs, (id) => records.getBytes(inlineContent, names.inline(id)))
  const buckets = new Buckets({ records, clock, blockedEncryptionTypes: [] })
  const objects = new Objects({ records, protector, writer: new ContentWriter(blobs), reader, clock })
  return {
    clock,
    records,
    blobs,
    kms,
    protector,
    reader,
    buckets,
    objects,
    listing: new Listing(records, buckets),
    outcomes,
  }
}

function putInput(objectKey: string, content: Uint8Array, more: Partial<PutInput> = {}): PutInput {
  return {
    bucket: 'bucket',
    objectKey,
    headers: {},
    userMetadata: [],
    protection: { kind: 'default' },
    conditions: {},
    body: {
      chunks: (async function* () {
        for (let at = 0; at < content.length; at += 50_000) yield content.subarray(at, at + 50_000)
      })(),
      declaredBytes: content.length,
      checksumAlgorithm: undefined,
      needsMd5: false,
      needsSha256: false,
      expectations: () => ({ contentMd5: undefined, payloadSha256: undefined, checksum: undefined }),
    },
    ...more,
  }
}

const getInput = (objectKey: string, more: Partial<GetInput> = {}): GetInput => ({
  bucket: 'bucket',
  objectKey,
  versionId: undefined,
  range: undefined,
  conditions: {},
  customerKey: undefined,
  ...more,
})

let server: ReturnType<typeof make>
beforeEach(async () => {
  server = make()
  await server.buckets.create(call, 'bucket')
})

async function read(input: GetInput): Promise<Buffer> {
  const { content } = await server.objects.get(call, input)
  const pieces: Uint8Array[] = []
  for await (const chunk of content.chunks()) pieces.push(chunk)
  return Buffer.concat(pieces)
}

const customerKey = () => ({ key: new DataKey(new Uint8Array(32).fill(5)), keyMd5: 'md5' })
const METHODS: Record<string, () => RequestedProtection> = {
  AES256: () => ({ kind: 'AES256' }),
  'aws:kms': () => ({ kind: 'aws:kms', keyId: undefined, encryptionContext: { team: 'x' } }),
  'aws:kms:dsse': () => ({ kind: 'aws:kms:dsse', keyId: undefined, encryptionContext: undefined }),
  'SSE-C': () => ({ kind: 'SSE-C', customerKey: customerKey() }),
}

describe.each(Object.keys(METHODS))('%s', (method) => {
  const key = method === 'SSE-C' ? { customerKey: customerKey() } : {}

  test.each([0, 1, 16_000, 16_384, 65_535, 65_536, 65_537, 2_500_000])(
    '%d bytes come back, whole and by range',
    async (size) => {
      const content = Buffer.alloc(size, 'marked plaintext ')
      await server.objects.put(call, putInput('k', content, { protection: METHODS[method]!() }))
      expect((await read(getInput('k', key))).equals(content)).toBe(true)
      for (const [first, last] of [
        [0, 0],
        [65_530, 65_545],
        [size - 3, size + 9],
        [100, size - 100],
      ] as const) {
        if (first < 0 || first >= size || last < first) continue
        const found = await read(getInput('k', { ...key, range: { first, last } }))
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
  await read(getInput('k'))
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
  await expect(server.buckets.require(call, 'bucket', 's3:ListBucket')).rejects.toMatchObject({
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
      server = make()
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
        if (newest?.body !== undefined) expect((await read(getInput('k'))).toString()).toBe(newest.body)
        else
          await expect(read(getInput('k'))).rejects.toMatchObject({ code: newest ? 'ObjectDeleted' : 'ObjectNotFound' })
      }
    }),
    { numRuns: 60 },
  )
})
