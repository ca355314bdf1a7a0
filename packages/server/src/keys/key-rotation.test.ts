/** Rotation on memory: what old material still opens, when the next is due, and what a key's state forbids. */

import fc from 'fast-check'
import { beforeEach, expect, test } from 'vitest'
import { call } from '../policy/caller.fixture.ts'
import { RecordStore } from '../records/record-store.ts'
import { StoreKey } from '../root-key/store-key.ts'
import { MemoryCatalog } from '../storage/memory-catalog.ts'
import { readNames } from './ciphertext.ts'
import { materialId } from './key-material.ts'
import { rotationSchedule } from './key-rotation.ts'
import { Kms } from './kms.ts'
import { MemoryMaterialSecrets } from './memory-secrets.ts'

const secrets = new MemoryMaterialSecrets()

const DAY_MS = 86_400_000
const CONTEXT = { of: 'this test' }
let nowMs: number
let kms: Kms
let another: Kms
beforeEach(() => {
  nowMs = 1_700_000_000_000
  const catalog = new MemoryCatalog()
  const process = () =>
    new Kms({
      secrets,
      records: new RecordStore(catalog, StoreKey.of(new Uint8Array(32).fill(1)).derive('records')),
      storeKey: StoreKey.of(new Uint8Array(32).fill(2)),
      region: 'us-east-1',
      clock: { nowMs: () => nowMs },
      observer: { observe: () => undefined },
      quota: { take: () => nowMs },
    })
  kms = process()
  another = process()
})

const newKey = () => kms.keys.createKey(call, { description: '', tags: [] })
const found = (keyId: string) => kms.keys.describeKey(call, keyId)
async function sealed(keyId: string, text: string, by = kms) {
  const input = { keyId, plaintext: Buffer.from(text), encryptionContext: CONTEXT }
  return (await by.encrypt(call, input)).ciphertextBlob
}
async function opened(ciphertextBlob: Uint8Array, by = kms) {
  const { plaintext, keyMaterialId } = await by.decrypt(call, { ciphertextBlob, encryptionContext: CONTEXT })
  return { text: Buffer.from(plaintext).toString(), keyMaterialId }
}

test('the newest material encrypts, in every process at once, and each ciphertext opens with its own', async () => {
  const { keyId } = await newKey()
  const before = await sealed(keyId, 'before')
  const beforeElsewhere = await sealed(keyId, 'elsewhere', another)
  const key = await kms.keys.rotateOnDemand(call, keyId)
  const after = await sealed(keyId, 'after', another)
  expect([before, beforeElsewhere, after].map((blob) => readNames(blob).materialVersion)).toEqual([1, 1, 2])
  expect(await opened(before, another)).toEqual({ text: 'before', keyMaterialId: materialId(key, 1) })
  expect(await opened(beforeElsewhere)).toEqual({ text: 'elsewhere', keyMaterialId: materialId(key, 1) })
  expect(await opened(after)).toEqual({ text: 'after', keyMaterialId: materialId(key, 2) })
  expect(new Set(key.material).size).toBe(2)
})

test('a ciphertext that names other material than its own does not open', async () => {
  const { keyId } = await newKey()
  const blob = Buffer.from(await sealed(keyId, 'x'))
  await kms.keys.rotateOnDemand(call, keyId)
  for (const version of [0, 2, 3, 2 ** 32 - 1]) {
    blob.writeUInt32BE(version, 1)
    await expect(opened(blob)).rejects.toMatchObject({ code: 'KmsCiphertextInvalid' })
  }
})

test('rotations that race each add a material, and nothing that was sealed is lost', async () => {
  const { keyId } = await newKey()
  const blobs = await Promise.all(
    [kms, another, kms, another].map(async (by, index) => {
      await by.keys.rotateOnDemand(call, keyId)
      return sealed(keyId, String(index), by)
    }),
  )
  expect((await found(keyId)).material).toHaveLength(5)
  expect((await Promise.all(blobs.map((blob) => opened(blob)))).map(({ text }) => text)).toEqual(['0', '1', '2', '3'])
})

test('whatever the order of rotations and uses, everything opens', async () => {
  const step = fc.oneof(fc.constant('rotate' as const), fc.string())
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const { keyId } = await newKey()
      const made: [Uint8Array, string][] = []
      for (const one of steps) {
        if (one === 'rotate') await kms.keys.rotateOnDemand(call, keyId)
        else if (one !== '') made.push([await sealed(keyId, one), one])
      }
      for (const [blob, text] of made) {
        expect((await opened(blob)).text).toBe(Buffer.from(text).toString())
      }
    }),
    { numRuns: 30 },
  )
})

test('a key is rotated on demand 25 times, and by its schedule as often as it says', async () => {
  const { keyId, arn } = await newKey()
  await kms.keys.enableRotation(call, keyId, 90)
  for (let done = 0; done < 25; done++) await kms.keys.rotateOnDemand(call, keyId)
  await expect(kms.keys.rotateOnDemand(call, keyId)).rejects.toMatchObject({
    code: 'KmsLimitExceeded',
    detail: { message: expect.stringMatching(new RegExp(`^The on-demand rotations limit .*this key: ${arn}$`)) },
  })
  nowMs += 90 * DAY_MS
  expect((await kms.upkeep.pass()).rotated).toEqual([arn])
  expect((await found(keyId)).rotations?.at(-1)).toEqual({ atMs: nowMs, type: 'AUTOMATIC' })
})

test('a schedule falls due on its day, once, and runs on from there', async () => {
  const [{ keyId, arn }, never] = [await newKey(), await newKey()]
  await kms.keys.enableRotation(call, keyId, 90)
  nowMs += 90 * DAY_MS - 1
  await kms.keys.rotateOnDemand(call, keyId)
  expect((await kms.upkeep.pass()).rotated).toEqual([])
  nowMs += 1
  expect((await kms.upkeep.pass()).rotated).toEqual([arn])
  expect((await kms.upkeep.pass()).rotated).toEqual([])
  const key = await found(keyId)
  expect(rotationSchedule(key)).toEqual({ periodDays: 90, nextAtMs: nowMs + 90 * DAY_MS })
  expect(key.rotations?.map(({ type }) => type)).toEqual(['ON_DEMAND', 'AUTOMATIC'])
  expect(key.material).toHaveLength(3)
  expect((await found(never.keyId)).material).toHaveLength(1)
})

test('the same period again does not put a rotation off; another one counts from now; without one it ends', async () => {
  const { keyId } = await newKey()
  const startMs = nowMs
  const next = async () => {
    const schedule = rotationSchedule(await found(keyId))
    return schedule && (schedule.nextAtMs - startMs) / DAY_MS
  }
  await kms.keys.enableRotation(call, keyId, undefined)
  nowMs += 10 * DAY_MS
  await kms.keys.enableRotation(call, keyId, undefined)
  expect(await next()).toBe(365)
  await kms.keys.enableRotation(call, keyId, 100)
  expect(await next()).toBe(110)
  await kms.keys.disableRotation(call, keyId)
  expect(await next()).toBeUndefined()
  nowMs += 1000 * DAY_MS
  expect((await kms.upkeep.pass()).rotated).toEqual([])
})

test('a disabled key waits, and is rotated once it is enabled; so is one whose deletion is cancelled', async () => {
  const [disabled, leaving] = [await newKey(), await newKey()]
  for (const { keyId } of [disabled, leaving]) await kms.keys.enableRotation(call, keyId, 90)
  await kms.keys.setEnabled(call, disabled.keyId, false)
  nowMs += 89 * DAY_MS
  await kms.keys.scheduleDeletion(call, leaving.keyId, 7)
  nowMs += 2 * DAY_MS
  expect((await kms.upkeep.pass()).rotated).toEqual([])
  await kms.keys.cancelDeletion(call, leaving.keyId)
  for (const { keyId } of [disabled, leaving]) await kms.keys.setEnabled(call, keyId, true)
  expect((await kms.upkeep.pass()).rotated.toSorted()).toEqual([disabled.arn, leaving.arn].toSorted())
})

test('a managed key is rotated every year, and nobody can say otherwise', async () => {
  const { dataKey, wrapped, keyArn } = await kms.forS3.generateDataKey(call, {
    keyId: undefined,
    encryptionContext: CONTEXT,
  })
  nowMs += 365 * DAY_MS - 1
  expect((await kms.upkeep.pass()).rotated).toEqual([])
  nowMs += 1
  expect((await kms.upkeep.pass()).rotated).toEqual([keyArn])
  expect((await kms.upkeep.pass()).rotated).toEqual([])
  nowMs += 365 * DAY_MS
  expect((await kms.upkeep.pass()).rotated).toEqual([keyArn])
  const again = await kms.forS3.unwrapDataKey(call, { keyArn, wrapped, encryptionContext: CONTEXT })
  expect(Buffer.from(again.bytes())).toEqual(Buffer.from(dataKey.bytes()))
  for (const change of [
    () => kms.keys.enableRotation(call, keyArn, 90),
    () => kms.keys.disableRotation(call, keyArn),
    () => kms.keys.rotateOnDemand(call, keyArn),
  ]) {
    await expect(change()).rejects.toMatchObject({ code: 'AccessDenied' })
  }
})

const STATES = [
  ['disabled', (keyId: string) => kms.keys.setEnabled(call, keyId, false), 'KmsKeyDisabled'],
  ['pending deletion', (keyId: string) => kms.keys.scheduleDeletion(call, keyId, 7), 'KmsKeyStateInvalid'],
] as const
for (const [state, enter, code] of STATES) {
  test(`a key that is ${state} is not rotated, and its schedule stays`, async () => {
    const { keyId } = await newKey()
    await kms.keys.enableRotation(call, keyId, 90)
    await enter(keyId)
    for (const change of [
      () => kms.keys.enableRotation(call, keyId, 91),
      () => kms.keys.disableRotation(call, keyId),
      () => kms.keys.rotateOnDemand(call, keyId),
    ]) {
      await expect(change()).rejects.toMatchObject({ code })
    }
    const key = await found(keyId)
    expect(rotationSchedule(key)?.periodDays).toBe(90)
    expect(key.material).toHaveLength(1)
  })
}
