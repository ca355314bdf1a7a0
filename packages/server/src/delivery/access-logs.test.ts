import { mkdtemp, readdir, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Fault } from '../core/fault.ts'
import type { JournalEntry } from '../journal/frame.ts'
import { JournalReader } from '../journal/journal-reader.ts'
import { JournalWriter } from '../journal/journal-writer.ts'
import { ObjectAcls } from '../objects/object-acls.ts'
import type { BucketLogging, BucketRecord } from '../objects/records.ts'
import { call, getInput, makeRoom, type Room, read } from '../objects/room.fixture.ts'
import { cannedAcl } from '../policy/acl.ts'
import { type AccessLogTarget, journaledAccessLog } from './access-log-entry.ts'
import { logObjectKey } from './access-log-key.ts'
import { AccessLogDelivery, type AccessLogDeliveryOptions, type DroppedLogs } from './access-logs.ts'

const OWNER = call.principal.accountId
const NOON = Date.UTC(2026, 1, 6, 12)
const DAY_MS = 86_400_000

let room: Room
let dir: string
let writer: JournalWriter
let dropped: DroppedLogs[]
beforeEach(async () => {
  room = makeRoom()
  dropped = []
  await openJournal()
  await makeTarget('logs')
})

afterEach(() => closeJournal())

/** Begins a journal of the room's, and so a room that has one. */
async function openJournal(): Promise<void> {
  dir = await mkdtemp(join(tmpdir(), 'access-logs-'))
  writer = await JournalWriter.open({ dir, name: 'access', records: room.records, clock: room.clock })
}
async function closeJournal(): Promise<void> {
  await writer.close()
  await rm(dir, { recursive: true })
}

const delivery = (more: Partial<AccessLogDeliveryOptions> = {}) =>
  new AccessLogDelivery({
    records: room.records,
    journal: new JournalReader({ dir, name: 'access', records: room.records }),
    services: { ...room, region: 'us-east-1' },
    deliverySeconds: 300,
    onDropped: (one) => dropped.push(one),
    ...more,
  })

async function makeTarget(bucket: string, more: Partial<BucketRecord> = {}): Promise<void> {
  const statement = {
    Effect: 'Allow',
    Principal: { Service: 'logging.s3.amazonaws.com' },
    Action: 's3:PutObject',
    Resource: `arn:aws:s3:::${bucket}/*`,
    Condition: { ArnLike: { 'aws:SourceArn': 'arn:aws:s3:::source*' }, StringEquals: { 'aws:SourceAccount': OWNER } },
  }
  await room.buckets.create(call, bucket)
  await configure(bucket, { policy: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }), ...more })
}
const configure = (bucket: string, more: Partial<BucketRecord>) =>
  room.buckets.change(call, bucket, (record) => ({ ...record, ...more }))

const target = (more: Partial<BucketLogging> = {}, sourceBucket = 'source'): AccessLogTarget => ({
  sourceBucket,
  sourceAccount: OWNER,
  logging: { targetBucket: 'logs', targetPrefix: 'p/', ...more },
})
/** Each is a frame of its own. */
async function write(line: string, to = target(), atMs = NOON): Promise<void> {
  const entries: JournalEntry[] = []
  journaledAccessLog((entry) => entries.push(entry)).write(to, atMs, line)
  await writer.append(entries)
}

async function objects(bucket = 'logs'): Promise<Record<string, string>> {
  const page = { bucket, prefix: '', delimiter: '', maxKeys: 1000, startAfter: '' }
  const found: Record<string, string> = {}
  for (const { objectKey } of (await room.listing.objects(call, page)).entries) {
    found[objectKey] = String(await read(room, getInput(objectKey, { bucket })))
  }
  return found
}
const contents = async (bucket = 'logs') => Object.values(await objects(bucket)).sort()

test('lines of a bucket become one object, in their order', async () => {
  await write('one')
  await write('two')
  await delivery().run()
  const found = await objects()
  expect(Object.values(found)).toEqual(['one\ntwo\n'])
  expect(Object.keys(found)[0]).toMatch(/^p\/\d{4}(-\d\d){5}-[0-9A-F]{16}$/)
  expect(dropped).toEqual([])
})

test('each source bucket and each target has objects of its own', async () => {
  await makeTarget('more-logs')
  await write('a', target())
  await write('b', target({}, 'source-2'))
  await write('c', target({ targetPrefix: 'q/' }))
  await write('d', target({ targetBucket: 'more-logs' }))
  await write('e', target())
  await delivery().run()
  expect(await contents()).toEqual(['a\ne\n', 'b\n', 'c\n'])
  expect(await contents('more-logs')).toEqual(['d\n'])
})

test('the objects are sealed by the target’s default, and are the owner’s', async () => {
  await write('one')
  await delivery().run()
  const [objectKey] = Object.keys(await objects())
  const { facts } = await room.objects.head(call, getInput(objectKey!, { bucket: 'logs' }))
  expect(facts.protection.method).toBe('AES256')
  expect(facts.headers['content-type']).toBe('text/plain')
})

test('nothing is delivered before it is time, and nothing twice', async () => {
  const one = delivery()
  await write('one')
  await one.run()
  await write('two')
  await one.run()
  expect(await contents()).toEqual(['one\n'])
  room.clock.skip(300_000)
  await one.run()
  room.clock.skip(300_000)
  await one.run()
  await delivery().run()
  expect(await contents()).toEqual(['one\n', 'two\n'])
})

test('a pass reads no more than it may hold', async () => {
  for (let i = 0; i < 10; i++) await write(`line ${i}`)
  await delivery({ passBytes: 1 }).run()
  expect(await contents()).toEqual(Array.from({ length: 10 }, (_, i) => `line ${i}\n`))
})

test('a pass that does not read to the end leaves no file open', async () => {
  for (let i = 0; i < 5; i++) await write(`line ${i}`)
  const opened = async () => {
    const files = await readdir('/proc/self/fd')
    const targets = await Promise.all(files.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')))
    return targets.filter((target) => target.startsWith(dir)).length
  }
  const before = await opened()
  await delivery({ passBytes: 1 }).run()
  expect(await opened()).toBe(before)
})

describe('keys', () => {
  const object = { region: 'eu-west-1', deliveredAtMs: Date.UTC(2026, 1, 7, 1, 2, 3, 4), dayMs: undefined, unique: 'U' }
  const key = (more: Partial<BucketLogging>, dayMs?: number) => logObjectKey({ ...target(more), ...object, dayMs })

  test.each<[Partial<BucketLogging>, number | undefined, string]>([
    [{}, undefined, 'p/2026-02-07-01-02-03-U'],
    [{ keyFormat: { kind: 'SimplePrefix' } }, undefined, 'p/2026-02-07-01-02-03-U'],
    [{ targetPrefix: '' }, undefined, '2026-02-07-01-02-03-U'],
    [
      { keyFormat: { kind: 'PartitionedPrefix', dateSource: 'DeliveryTime' } },
      undefined,
      `p/${OWNER}/eu-west-1/source/2026/02/07/2026-02-07-01-02-03-U`,
    ],
    [
      { keyFormat: { kind: 'PartitionedPrefix', dateSource: 'EventTime' } },
      Date.UTC(2026, 1, 6),
      `p/${OWNER}/eu-west-1/source/2026/02/06/2026-02-06-00-00-00-U`,
    ],
  ])('%j', (logging, dayMs, expected) => {
    expect(key(logging, dayMs)).toBe(expected)
  })

  test('by event time each day has an object of its own', async () => {
    const byDay = target({ keyFormat: { kind: 'PartitionedPrefix', dateSource: 'EventTime' } })
    await write('today', byDay)
    await write('yesterday', byDay, NOON - DAY_MS)
    await write('today, too', byDay, NOON + 1)
    await delivery().run()
    const found = Object.entries(await objects()).sort()
    expect(found.map(([, content]) => content)).toEqual(['yesterday\n', 'today\ntoday, too\n'])
    expect(found[0]![0]).toMatch(/^p\/\d{12}\/us-east-1\/source\/2026\/02\/05\/2026-02-05-00-00-00-[0-9A-F]{16}$/)
    expect(found[1]![0]).toMatch(/\/2026\/02\/06\/2026-02-06-00-00-00-[0-9A-F]{16}$/)
  })
})

describe('what a target does not take is told and dropped, and holds up nobody', () => {
  test.each<[string, () => Promise<unknown>, DroppedLogs['reason']]>([
    ['it is gone', () => room.buckets.delete(call, 'refusing'), 'BucketNotFound'],
    ['its policy says nothing', () => configure('refusing', { policy: undefined }), 'AccessDenied'],
    [
      'its default is a KMS key',
      () =>
        configure('refusing', {
          encryption: {
            algorithm: 'aws:kms',
            kmsKeyId: undefined,
            bucketKeyEnabled: false,
            blockedEncryptionTypes: [],
          },
        }),
      'TargetEncryption',
    ],
    ['it is another account’s', () => configure('refusing', { accountId: '222222222222' }), 'TargetOwnerDiffers'],
  ])('%s', async (_, change, reason) => {
    await makeTarget('refusing')
    await change()
    await write('lost', target({ targetBucket: 'refusing' }))
    await write('lost, too', target({ targetBucket: 'refusing' }))
    await write('kept')
    await delivery().run()
    expect(dropped).toEqual([{ ...target({ targetBucket: 'refusing' }), lines: 2, reason }])
    expect(await contents()).toEqual(['kept\n'])
  })

  test('the policy is asked for each source', async () => {
    await write('no', target({}, 'another'))
    await delivery().run()
    expect(dropped).toMatchObject([{ sourceBucket: 'another', reason: 'AccessDenied' }])
  })
})

test('the log-delivery group may write by the target’s ACL, and grants are given', async () => {
  const acl = cannedAcl('log-delivery-write', { owner: OWNER, bucketOwner: OWNER })
  await makeTarget('by-acl', { policy: undefined, objectOwnership: 'BucketOwnerPreferred', acl })
  const grants = [{ grantee: { accountId: '222222222222' }, permission: 'READ' as const }]
  await write('one', target({ targetBucket: 'by-acl', grants }))
  await delivery().run()
  const [objectKey] = Object.keys(await objects('by-acl'))
  const record = await room.buckets.find('by-acl')
  expect(await new ObjectAcls(room.records, room.clock).find(record, objectKey!, undefined)).toEqual({
    acl: [{ grantee: { accountId: OWNER }, permission: 'FULL_CONTROL' }, ...grants],
  })
})

test('whatever commit is the last before a crash, each line is delivered, and in one object', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 1, max: 200 }), async (commits, passBytes) => {
      await closeJournal()
      room = makeRoom()
      await openJournal()
      await makeTarget('logs')
      const lines = Array.from({ length: 6 }, (_, i) => `line ${i}`)
      for (const [i, line] of lines.entries()) await write(line, target({}, `source-${i % 3}`))
      room.catalog.failAfter(commits)
      await delivery({ passBytes })
        .run()
        .catch(() => undefined)
      room.catalog.failAfter(undefined)
      room.clock.skip(60_000)
      await delivery({ passBytes: 2 * passBytes }).run()
      const delivered = (await contents()).join('').trimEnd().split('\n')
      expect(delivered.sort()).toEqual(lines)
    }),
    { numRuns: 50 },
  )
})

test('a failure that says nothing of the target ends the pass, which is done again', async () => {
  await write('one')
  const objectsOf = room.objects
  const failing = { put: () => Promise.reject(new Fault('Contention', { what: 'k' })) }
  await expect(delivery({ services: { ...room, objects: failing, region: 'us-east-1' } }).run()).rejects.toThrow()
  expect(dropped).toEqual([])
  await delivery({ services: { ...room, objects: objectsOf, region: 'us-east-1' } }).run()
  expect(await contents()).toEqual(['one\n'])
})
