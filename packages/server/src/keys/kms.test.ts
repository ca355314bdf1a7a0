/** Keys on memory: their states, and what is left of one that is deleted. */

import { beforeEach, expect, test } from 'vitest'
import { call } from '../policy/caller.fixture.ts'
import { uncounted } from '../quota/leased-quota.ts'
import { RecordStore } from '../records/record-store.ts'
import { StoreKey } from '../root-key/store-key.ts'
import { MemoryCatalog } from '../storage/memory-catalog.ts'
import { Kms } from './kms.ts'
import { MemoryMaterialSecrets } from './memory-secrets.ts'

const secrets = new MemoryMaterialSecrets()

const DAY_MS = 86_400_000
let nowMs: number
let records: RecordStore
let kms: Kms
beforeEach(() => {
  nowMs = 1_700_000_000_000
  records = new RecordStore(new MemoryCatalog(), StoreKey.of(new Uint8Array(32).fill(1)).derive('records'))
  const storeKey = StoreKey.of(new Uint8Array(32).fill(2))
  const observer = { observe: () => undefined }
  const clock = { nowMs: () => nowMs }
  kms = new Kms({ secrets, records, storeKey, region: 'us-east-1', clock, observer, quota: uncounted(clock) })
})

const destroyed = async () => (await kms.upkeep.pass()).destroyed

async function made(alias?: string) {
  const key = await kms.keys.createKey(call, { description: '', tags: [] })
  if (alias) await kms.aliases.createAlias(call, alias, key.keyId)
  const { dataKey, wrapped } = await kms.forS3.generateDataKey(call, { keyId: key.keyId, encryptionContext: {} })
  const open = () => kms.forS3.unwrapDataKey(call, { keyArn: key.arn, wrapped, encryptionContext: {} })
  return { ...key, bytes: Buffer.from(dataKey.bytes()).toString('hex'), open }
}

test('a key that is due is gone with its aliases, and nothing else is', async () => {
  const [due, waiting, kept] = [await made('alias/due'), await made('alias/waiting'), await made('alias/kept')]
  await kms.keys.scheduleDeletion(call, due.keyId, 7)
  await kms.keys.scheduleDeletion(call, waiting.keyId, 30)
  nowMs += 7 * DAY_MS - 1
  expect(await destroyed()).toEqual([])
  nowMs += 1
  // It is over from this moment on, whether the sweep has been there or not.
  await expect(due.open()).rejects.toMatchObject({ code: 'KmsKeyNotFound' })
  expect(await destroyed()).toEqual([due.arn])
  expect(await destroyed()).toEqual([])
  await expect(due.open()).rejects.toMatchObject({ code: 'KmsKeyNotFound' })
  await expect(kms.keys.describeKey(call, 'alias/due')).rejects.toMatchObject({ code: 'KmsKeyNotFound' })
  expect((await kms.keys.describeKey(call, 'alias/waiting')).state).toBe('PendingDeletion')
  expect(Buffer.from((await kept.open()).bytes()).toString('hex')).toBe(kept.bytes)
})

test('a deletion that is cancelled in time leaves the key disabled, and whole', async () => {
  const key = await made()
  await kms.keys.scheduleDeletion(call, key.keyId, 7)
  await expect(key.open()).rejects.toMatchObject({ code: 'KmsKeyStateInvalid' })
  await kms.keys.cancelDeletion(call, key.keyId)
  nowMs += 8 * DAY_MS
  expect(await destroyed()).toEqual([])
  await expect(key.open()).rejects.toMatchObject({ code: 'KmsKeyDisabled' })
  await kms.keys.setEnabled(call, key.keyId, true)
  expect(Buffer.from((await key.open()).bytes()).toString('hex')).toBe(key.bytes)
})
