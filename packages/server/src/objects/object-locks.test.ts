/** Locks in the room: kept with their version through all that becomes of its key, and never overtaken. */
import { beforeEach, expect, test } from 'vitest'
import type { ObjectLock } from './object-lock.ts'
import { ObjectLocks } from './object-locks.ts'
import { bucketRecord, currentVersion, names } from './records.ts'
import { bodyOf, call, getInput, makeRoom, putInput, type Room, read } from './room.fixture.ts'

const DAY = 86_400_000
const PROTECTED = { code: 'ObjectLockRefused', detail: { refusal: 'Protected' } }

let room: Room
let locks: ObjectLocks
beforeEach(async () => {
  room = makeRoom()
  locks = new ObjectLocks(room.records, room.clock)
  await room.buckets.create(call, 'bucket', () => ({ versioning: 'Enabled', objectLock: {} }))
})

const content = Buffer.from('content')
const governance = (ms = DAY) => ({ mode: 'GOVERNANCE' as const, retainUntilMs: room.clock.nowMs() + ms })
const put = async (lock?: ObjectLock) => (await room.objects.put(call, putInput('k', content, { lock }))).versionId!
const target = (versionId?: string) => ({ bucket: 'bucket', objectKey: 'k', versionId })
const remove = (versionId: string, bypassGovernance = false) =>
  room.objects.delete(call, { ...target(versionId), bypassGovernance })

test('a version is kept until its time has come, current or not', async () => {
  const older = await put({ retention: governance() })
  await expect(remove(older)).rejects.toMatchObject(PROTECTED)
  const newer = await put()
  await expect(remove(older)).rejects.toMatchObject(PROTECTED)
  expect(await remove(newer)).toEqual({ versionId: newer, deleteMarker: false })
  const { versionId: marker } = await room.objects.delete(call, target())
  await expect(remove(older)).rejects.toMatchObject(PROTECTED)
  expect(await remove(marker!)).toMatchObject({ deleteMarker: true })
  expect((await read(room, getInput('k'))).equals(content)).toBe(true)
  room.clock.skip(2 * DAY)
  expect(await remove(older)).toEqual({ versionId: older, deleteMarker: false })
})

test('a lock that comes between look and removal is seen', async () => {
  const versionId = await put()
  const commit = room.catalog.commit.bind(room.catalog)
  let commits = 0
  room.catalog.commit = async (checks, mutations) => {
    if (commits++ === 0) await locks.putLegalHold(call, target(versionId), 'ON')
    return commit(checks, mutations)
  }
  await expect(remove(versionId)).rejects.toMatchObject(PROTECTED)
  expect(commits).toBeGreaterThan(1)
  expect((await locks.read(call, target(versionId))).lock).toEqual({ legalHold: 'ON' })
})

test('bypassing reaches governance mode alone, and no hold', async () => {
  const versionId = await put({ retention: governance(), legalHold: 'ON' })
  await expect(remove(versionId, true)).rejects.toMatchObject(PROTECTED)
  await locks.putLegalHold(call, target(versionId), 'OFF')
  await expect(remove(versionId)).rejects.toMatchObject(PROTECTED)
  await locks.putRetention(call, target(versionId), { ...governance(), mode: 'COMPLIANCE' }, true)
  await expect(remove(versionId, true)).rejects.toMatchObject(PROTECTED)
  await expect(locks.putRetention(call, target(versionId), undefined, true)).rejects.toMatchObject(PROTECTED)
})

test('an upload takes its default when it is completed', async () => {
  await room.buckets.change(call, 'bucket', (record) => ({
    ...record,
    objectLock: { defaultRetention: { mode: 'COMPLIANCE', period: { days: 1 } } },
  }))
  const { uploadId } = await room.multipart.create(call, {
    bucket: 'bucket',
    objectKey: 'k',
    headers: {},
    userMetadata: [],
    protection: { kind: 'default' },
    checksum: { algorithm: 'CRC64NVME', type: 'FULL_OBJECT', declared: false },
  })
  const part = { bucket: 'bucket', objectKey: 'k', uploadId, partNumber: 1 }
  await expect(room.multipart.uploadPart(call, part, bodyOf(content), undefined)).rejects.toMatchObject({
    code: 'ObjectLockRefused',
    detail: { refusal: 'PartPromiseMissing' },
  })
  const body = { ...bodyOf(content), needsMd5: true }
  const { etag } = await room.multipart.uploadPart(call, part, body, undefined)
  room.clock.skip(30 * DAY)
  const parts = [{ partNumber: 1, etag, checksum: undefined }]
  const facts = await room.multipart.complete(call, {
    ...part,
    parts,
    conditions: {},
    objectSize: undefined,
    checksum: undefined,
    checksumType: undefined,
  })
  expect(facts.lock?.retention).toEqual({ mode: 'COMPLIANCE', retainUntilMs: facts.lastModifiedMs + DAY })
})

test('even a null version that something else would replace stays', async () => {
  const at = names.bucket('bucket')
  const unlocked = await room.records.get(bucketRecord, at)
  const { objectLock: _, versioning: __, ...plain } = unlocked!.value
  await room.records.commit([], [room.records.put(bucketRecord, at, plain)])
  await put()
  const { bucketId } = plain
  const key = names.objectKey(bucketId, 'k')
  const { value } = (await room.records.get(currentVersion, key))!
  await room.records.commit([], [room.records.put(currentVersion, key, { ...value, lock: { legalHold: 'ON' } })])
  await expect(put()).rejects.toMatchObject(PROTECTED)
  await expect(room.objects.delete(call, target())).rejects.toMatchObject(PROTECTED)
})
