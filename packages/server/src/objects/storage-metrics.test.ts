import { beforeEach, expect, test } from 'vitest'
import { SeriesStore } from '../metrics/series-store.ts'
import { MemoryCatalog } from '../storage/memory-catalog.ts'
import { bodyOf, call, makeRoom, putInput, type Room } from './room.fixture.ts'
import { StorageMetrics } from './storage-metrics.ts'
import { type BucketUsage, storageUsage } from './storage-usage.ts'

let room: Room
beforeEach(async () => {
  room = makeRoom()
  await room.buckets.create(call, 'bucket')
})

async function usage(): Promise<BucketUsage[]> {
  const found: BucketUsage[] = []
  const fail = (problem: string) => expect.fail(problem)
  for await (const one of storageUsage(room.records, fail)) found.push(one)
  return found
}
const put = (objectKey: string, bytes: number) => room.objects.put(call, putInput(objectKey, Buffer.alloc(bytes)))
const counted = async () => {
  const [{ bytes, objects } = { bytes: undefined, objects: undefined }] = await usage()
  return { bytes, objects }
}

test('current versions count', async () => {
  expect(await counted()).toEqual({ bytes: 0, objects: 0 })
  await put('a', 10)
  await put('b', 70_000)
  await put('a', 5)
  expect(await counted()).toEqual({ bytes: 70_005, objects: 2 })
})

test('noncurrent versions and delete markers count', async () => {
  await room.buckets.putVersioning(call, 'bucket', 'Enabled')
  await put('a', 10)
  await put('a', 20)
  await room.objects.delete(call, { bucket: 'bucket', objectKey: 'a', versionId: undefined })
  expect(await counted()).toEqual({ bytes: 30, objects: 3 })
})

test('parts of uploads in progress count, and once only when they are completed', async () => {
  const upload = async (objectKey: string) =>
    room.multipart.create(call, {
      bucket: 'bucket',
      objectKey,
      headers: {},
      userMetadata: [],
      protection: { kind: 'default' },
      checksum: { algorithm: 'CRC64NVME', type: 'FULL_OBJECT', declared: false },
    })
  const { uploadId } = await upload('a')
  const target = { bucket: 'bucket', objectKey: 'a', uploadId }
  const part = (partNumber: number, bytes: number) =>
    room.multipart.uploadPart(call, { ...target, partNumber }, bodyOf(Buffer.alloc(bytes)), undefined)
  const first = await part(1, 5 * 1024 * 1024)
  await part(2, 7)
  await upload('empty')
  expect(await counted()).toEqual({ bytes: 5 * 1024 * 1024 + 7, objects: 2 })
  await room.multipart.complete(call, {
    ...target,
    parts: [{ partNumber: 1, etag: first.etag, checksum: undefined }],
    conditions: {},
    objectSize: undefined,
    checksum: undefined,
    checksumType: undefined,
  })
  expect(await counted()).toEqual({ bytes: 5 * 1024 * 1024, objects: 1 })
})

test('each bucket by itself, for its owner', async () => {
  await room.buckets.create(call, 'another')
  await put('a', 10)
  expect(await usage()).toEqual([
    { bucket: 'another', accountId: call.principal.accountId, bytes: 0, objects: 0 },
    { bucket: 'bucket', accountId: call.principal.accountId, bytes: 10, objects: 1 },
  ])
})

test('they are measured once in each day, at its beginning, also over a restart', async () => {
  const store = new SeriesStore({ catalog: new MemoryCatalog(), clock: room.clock })
  const metrics = () =>
    new StorageMetrics({
      records: room.records,
      clock: room.clock,
      region: 'us-east-1',
      everySeconds: DAY_MS / 1000,
      store,
      report: (problem) => expect.fail(problem),
    })
  const read = async (name: string, storageType: string) => {
    const dimensions = [
      { name: 'BucketName', value: 'bucket' },
      { name: 'StorageType', value: storageType },
    ]
    const metric = { namespace: 'AWS/S3', name, dimensions }
    const periods = await store.read(
      { accountId: call.principal.accountId, region: 'us-east-1' },
      { metric, startMs: firstDayMs, endMs: firstDayMs + 3 * DAY_MS, periodSeconds: DAY_MS / 1000 },
    )
    return periods.map(({ fromMs, sampleCount, sum, unit }) => [fromMs, sampleCount, sum, unit])
  }
  const firstDayMs = Math.floor(room.clock.nowMs() / DAY_MS) * DAY_MS
  await put('a', 10)
  const first = metrics()
  await first.run()
  await first.run()
  await metrics().run()
  expect(await read('BucketSizeBytes', 'StandardStorage')).toEqual([[firstDayMs, 1, 10, 'Bytes']])
  expect(await read('NumberOfObjects', 'AllStorageTypes')).toEqual([[firstDayMs, 1, 1, 'Count']])
  room.clock.skip(DAY_MS)
  await put('b', 1)
  await metrics().run()
  expect(await read('BucketSizeBytes', 'StandardStorage')).toEqual([
    [firstDayMs, 1, 10, 'Bytes'],
    [firstDayMs + DAY_MS, 1, 11, 'Bytes'],
  ])
})

const DAY_MS = 86_400_000
