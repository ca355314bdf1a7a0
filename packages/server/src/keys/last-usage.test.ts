/** Last uses on memory: what is noted, what is written, and what is told across processes. */
import { beforeEach, expect, test } from 'vitest'
import { call } from '../policy/caller.fixture.ts'
import { RecordStore } from '../records/record-store.ts'
import { StoreKey } from '../root-key/store-key.ts'
import { MemoryCatalog } from '../storage/memory-catalog.ts'
import { Kms } from './kms.ts'
import type { KeyUsage } from './last-usage.ts'
import { MemoryMaterialSecrets } from './memory-secrets.ts'

const secrets = new MemoryMaterialSecrets()

const DAY_MS = 86_400_000
const REGION = 'us-east-1'
let nowMs: number
let catalog: MemoryCatalog
let commits: number
let kms: Kms
let another: Kms

function process(usageElsewhere?: (keyArn: string) => Promise<readonly KeyUsage[]>): Kms {
  return new Kms({
    secrets,
    records: new RecordStore(catalog, StoreKey.of(new Uint8Array(32).fill(1)).derive('records')),
    storeKey: StoreKey.of(new Uint8Array(32).fill(2)),
    region: REGION,
    clock: { nowMs: () => nowMs },
    quota: { take: () => nowMs },
    observer: { observe: () => undefined },
    ...(usageElsewhere && { usageElsewhere }),
  })
}
beforeEach(() => {
  nowMs = 1_700_000_000_000
  catalog = new MemoryCatalog()
  const commit = catalog.commit.bind(catalog)
  catalog.commit = (...given) => {
    commits++
    return commit(...given)
  }
  const both = async (keyArn: string) => [kms, another].flatMap((one) => one.lastUsage.noted(keyArn) ?? [])
  kms = process(both)
  another = process(both)
  commits = 0
})

const newKey = () => kms.keys.createKey(call, { description: '', tags: [] })

test('uses leave notes, not commits; whoever asks is told by any process; a flush is one commit', async () => {
  const keys = [await newKey(), await newKey(), await newKey()]
  commits = 0
  for (const [index, key] of keys.entries()) {
    for (let i = 0; i < 100; i++) kms.lastUsage.note(key.arn, 'Encrypt', `${index}-${i}`)
  }
  expect(commits).toBe(0)
  const expected = { operation: 'Encrypt', atMs: nowMs, requestId: '1-99' }
  expect((await another.lastUsage.of(keys[1]!)).usage).toEqual(expected)
  await kms.lastUsage.flush()
  expect(commits).toBe(1)
  expect(kms.lastUsage.noted(keys[1]!.arn)).toBeUndefined()
  await kms.lastUsage.flush()
  expect(commits).toBe(1)
  // What is written is told by a process that has noted nothing.
  expect((await process().lastUsage.of(keys[1]!)).usage).toEqual(expected)
})

test('the latest use counts, whichever process it was in and whichever writes first', async () => {
  const key = await newKey()
  for (const order of [
    [kms, another],
    [another, kms],
  ] as const) {
    nowMs += 10
    kms.lastUsage.note(key.arn, 'Encrypt', 'earlier')
    nowMs += 10
    another.lastUsage.note(key.arn, 'Decrypt', 'later')
    for (const one of order) await one.lastUsage.flush()
    expect((await kms.lastUsage.of(key)).usage).toEqual({ operation: 'Decrypt', atMs: nowMs, requestId: 'later' })
  }
})

test('processes that write at once both get it down', async () => {
  const [shared, own] = [await newKey(), await newKey()]
  kms.lastUsage.note(shared.arn, 'Encrypt', 'a')
  kms.lastUsage.note(own.arn, 'Encrypt', 'own')
  nowMs += 1
  another.lastUsage.note(shared.arn, 'Decrypt', 'b')
  await Promise.all([kms.lastUsage.flush(), another.lastUsage.flush()])
  const fresh = process()
  expect((await fresh.lastUsage.of(shared)).usage?.requestId).toBe('b')
  expect((await fresh.lastUsage.of(own)).usage?.requestId).toBe('own')
})

test('a key that ends takes its last use along, and a late note brings nothing back', async () => {
  const key = await newKey()
  kms.lastUsage.note(key.arn, 'Encrypt', 'a')
  await kms.lastUsage.flush()
  const uses = () => catalog.range({ gte: Buffer.from('w'), lt: Buffer.from('x'), limit: 9 })
  expect(await uses()).toHaveLength(1)
  await kms.keys.scheduleDeletion(call, key.keyId, 7)
  nowMs += 7 * DAY_MS
  kms.lastUsage.note(key.arn, 'Decrypt', 'late')
  await kms.upkeep.pass()
  await kms.lastUsage.flush()
  expect(await uses()).toEqual([])
})

test('S3’s calls are uses; what fails is none', async () => {
  const key = await newKey()
  const { wrapped } = await kms.forS3.generateDataKey(call, { keyId: key.keyId, encryptionContext: {} })
  expect((await kms.lastUsage.of(key)).usage?.operation).toBe('GenerateDataKey')
  nowMs += 1
  const opened = (encryptionContext: Record<string, string>) =>
    kms.forS3.unwrapDataKey(call, { keyArn: key.arn, wrapped, encryptionContext })
  await expect(opened({ wrong: '' })).rejects.toMatchObject({ code: 'KmsCiphertextInvalid' })
  expect((await kms.lastUsage.of(key)).usage?.operation).toBe('GenerateDataKey')
  await opened({})
  expect((await kms.lastUsage.of(key)).usage).toMatchObject({ operation: 'Decrypt', atMs: nowMs })
})

test('days without a use count from the last one, else from when it could have been known, and are whole', async () => {
  const older = await newKey()
  nowMs += 100 * DAY_MS
  await kms.lastUsage.begin()
  const start = nowMs
  nowMs += DAY_MS
  await another.lastUsage.begin()
  const newer = await newKey()
  expect((await kms.lastUsage.of(older)).sinceMs).toBe(start)
  expect((await kms.lastUsage.of(newer)).sinceMs).toBe(nowMs)
  nowMs += 3 * DAY_MS - 1
  expect(await Promise.all([older, newer].map((key) => kms.lastUsage.trailingDays(key)))).toEqual([3, 2])
  kms.lastUsage.note(older.arn, 'Encrypt', 'a')
  expect(await kms.lastUsage.trailingDays(older)).toBe(0)
})

test('a policy keeps keys in use from being disabled or deleted', async () => {
  const any = { Principal: { AWS: '*' }, Resource: '*' }
  const policy = JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Action: 'kms:*', ...any },
      {
        ...{ Effect: 'Deny', Action: ['kms:DisableKey', 'kms:ScheduleKeyDeletion'], ...any },
        Condition: { NumericLessThan: { 'kms:TrailingDaysWithoutKeyUsage': '30' } },
      },
    ],
  })
  const key = await kms.keys.createKey(call, { description: '', tags: [], policy })
  const ends = () => [kms.keys.setEnabled(call, key.keyId, false), kms.keys.scheduleDeletion(call, key.keyId, 7)]
  for (const end of ends()) await expect(end).rejects.toMatchObject({ code: 'AccessDenied' })
  nowMs += 29 * DAY_MS
  another.lastUsage.note(key.arn, 'Decrypt', 'a')
  nowMs += 29 * DAY_MS
  for (const end of ends()) await expect(end).rejects.toMatchObject({ code: 'AccessDenied' })
  nowMs += DAY_MS
  await kms.keys.setEnabled(call, key.keyId, false)
  await kms.keys.scheduleDeletion(call, key.keyId, 7)
})
