/** The server's own keys on memory: each year a new version, and none that anything was wrapped under is lost. */

import { beforeEach, expect, test } from 'vitest'
import { RecordStore } from '../records/record-store.ts'
import { StoreKey } from '../root-key/store-key.ts'
import { MemoryCatalog } from '../storage/memory-catalog.ts'
import { StoredServiceKeys } from './service-keys.ts'

const DAY_MS = 86_400_000
const CONTEXT = Buffer.from('an object')
let nowMs: number
let keys: StoredServiceKeys
let another: StoredServiceKeys
beforeEach(() => {
  nowMs = 1_700_000_000_000
  const catalog = new MemoryCatalog()
  const process = () =>
    new StoredServiceKeys(
      new RecordStore(catalog, StoreKey.of(new Uint8Array(32).fill(1)).derive('records')),
      StoreKey.of(new Uint8Array(32).fill(2)),
      { nowMs: () => nowMs },
    )
  keys = process()
  another = process()
})

const versionOf = (wrapped: Uint8Array) => Buffer.from(wrapped).readUInt32BE(1)
async function wrap(by = keys, purpose: 'sse-s3' | 'dsse-outer' = 'sse-s3') {
  const { dataKey, wrapped } = await by.generate(purpose, CONTEXT)
  return { bytes: Buffer.from(dataKey.bytes()), wrapped, version: versionOf(wrapped) }
}

test('a key that nothing was wrapped under yet is not made by its rotation', async () => {
  nowMs += 1000 * DAY_MS
  expect(await keys.rotateDueKeys()).toEqual([])
})

test('a year after its newest version a key gets another, which wraps in every process', async () => {
  const made = [await wrap(), await wrap(another)]
  nowMs += 100 * DAY_MS
  await wrap(keys, 'dsse-outer')
  nowMs += 265 * DAY_MS - 1
  expect(await keys.rotateDueKeys()).toEqual([])
  nowMs += 1
  expect(await keys.rotateDueKeys()).toEqual(['sse-s3'])
  expect(await another.rotateDueKeys()).toEqual([])
  made.push(await wrap(), await wrap(another))
  expect(made.map(({ version }) => version)).toEqual([1, 1, 2, 2])
  expect((await wrap(keys, 'dsse-outer')).version).toBe(1)
  nowMs += 365 * DAY_MS
  expect(await another.rotateDueKeys()).toEqual(['sse-s3', 'dsse-outer'])
  made.push(await wrap())
  for (const { wrapped, bytes } of made) {
    for (const by of [keys, another]) {
      expect(Buffer.from((await by.unwrap('sse-s3', wrapped, CONTEXT)).bytes())).toEqual(bytes)
    }
  }
})

test('of processes that rotate at once only one does', async () => {
  await wrap()
  nowMs += 365 * DAY_MS
  const rotated = await Promise.all([keys.rotateDueKeys(), another.rotateDueKeys()])
  expect(rotated.flat()).toEqual(['sse-s3'])
  expect((await wrap(another)).version).toBe(2)
})

test('a wrapped key that names another version than its own is damaged', async () => {
  const { wrapped } = await wrap()
  nowMs += 365 * DAY_MS
  await keys.rotateDueKeys()
  for (const version of [0, 2, 3]) {
    const moved = Buffer.from(wrapped)
    moved.writeUInt32BE(version, 1)
    await expect(keys.unwrap('sse-s3', moved, CONTEXT)).rejects.toMatchObject({ code: 'Damaged' })
  }
})
