/** Imported material on memory, in two processes: what comes back, what is gone, and when. */
import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { beforeEach, expect, test } from 'vitest'
import { call } from '../policy/caller.fixture.ts'
import { RecordStore } from '../records/record-store.ts'
import { StoreKey } from '../root-key/store-key.ts'
import { MemoryCatalog } from '../storage/memory-catalog.ts'
import type { MaterialImport } from './key-import.ts'
import { materialId } from './key-material.ts'
import type { KeySpec } from './key-specs.ts'
import { Kms } from './kms.ts'
import { keyName, kmsKeyRecord } from './kms-records.ts'
import { MemoryMaterialSecrets } from './memory-secrets.ts'
import { wrapMaterial } from './wrap-material.fixture.ts'

const secrets = new MemoryMaterialSecrets()

const DAY_MS = 86_400_000
const ALGORITHM = 'RSAES_OAEP_SHA_256'
let nowMs: number
let records: RecordStore
let storeKey: StoreKey
let kms: Kms
let another: Kms
beforeEach(() => {
  nowMs = 1_700_000_000_000
  const catalog = new MemoryCatalog()
  storeKey = StoreKey.of(new Uint8Array(32).fill(2))
  const store = () => new RecordStore(catalog, StoreKey.of(new Uint8Array(32).fill(1)).derive('records'))
  const process = (of: RecordStore) =>
    new Kms({
      secrets,
      records: of,
      storeKey,
      region: 'us-east-1',
      clock: { nowMs: () => nowMs },
      quota: { take: () => nowMs },
      observer: { observe: () => undefined },
    })
  records = store()
  kms = process(records)
  another = process(store())
})

const material = [0, 1, 2].map((byte) => Buffer.alloc(32, byte)) as [Buffer, Buffer, Buffer]

async function newKey(keySpec: KeySpec = 'SYMMETRIC_DEFAULT') {
  return kms.keys.createKey(call, { description: '', tags: [], keySpec, origin: 'EXTERNAL' })
}
async function imported(keyId: string, bytes: Uint8Array, more: Partial<MaterialImport> = {}, by = another) {
  const { publicKey, importToken } = await kms.imports.parameters(call, keyId, 'RSA_2048', ALGORITHM)
  const encryptedMaterial = wrapMaterial(publicKey, ALGORITHM, bytes)
  const validToMs = more.validToMs
  return by.imports.importMaterial(call, {
    keyId,
    importToken,
    encryptedMaterial,
    expirationModel: validToMs === undefined ? 'KEY_MATERIAL_DOES_NOT_EXPIRE' : 'KEY_MATERIAL_EXPIRES',
    validToMs,
    importType: undefined,
    description: undefined,
    materialId: undefined,
    ...more,
  })
}
const state = async (keyId: string, by = kms) => (await by.keys.describeKey(call, keyId)).state
const sealed = async (keyId: string, by = kms) =>
  (await by.encrypt(call, { keyId, plaintext: Buffer.from('x'), encryptionContext: {} })).ciphertextBlob
const opened = async (ciphertextBlob: Uint8Array, by = kms) =>
  Buffer.from((await by.decrypt(call, { ciphertextBlob, encryptionContext: {} })).plaintext).toString()
/** As it lies in the catalog, whatever the time says of it. */
const stored = async (keyId: string) =>
  (await records.range(kmsKeyRecord, { gte: Buffer.of(0), lt: Buffer.of(255), limit: 99 })).find(
    ({ value }) => value.keyId === keyId,
  )!.value

test('a ciphertext opens again after its material was deleted and came back, and not between', async () => {
  const { keyId } = await newKey()
  expect(await state(keyId)).toBe('PendingImport')
  const { id } = await imported(keyId, material[0])
  const blob = await sealed(keyId)
  const { key } = await kms.imports.deleteMaterial(call, keyId, undefined)
  expect(key).toMatchObject({ state: 'PendingImport', material: [''] })
  await expect(opened(blob, another)).rejects.toMatchObject({
    code: 'KmsKeyStateInvalid',
    detail: { state: 'pending import' },
  })
  await expect(imported(keyId, material[1])).rejects.toMatchObject({ code: 'KmsMaterialIncorrect' })
  expect((await imported(keyId, material[0])).id).toBe(id)
  expect(await opened(blob, another)).toBe('x')
})

test('material expires at its instant in every process, and the sweep takes it out of the record', async () => {
  const { keyId, arn } = await newKey()
  await imported(keyId, material[0], { validToMs: nowMs + DAY_MS })
  const blob = await sealed(keyId)
  const expirations: unknown[] = []
  for await (const one of kms.upkeep.expirations()) expirations.push(one)
  expect(expirations).toEqual([{ accountId: '111111111111', keyId, expiresAtMs: nowMs + DAY_MS }])
  nowMs += DAY_MS - 1
  expect((await kms.upkeep.pass()).expired).toEqual([])
  expect(await opened(blob, another)).toBe('x')
  nowMs += 1
  for (const by of [kms, another]) {
    await expect(opened(blob, by)).rejects.toMatchObject({ code: 'KmsKeyStateInvalid' })
    expect(await state(keyId, by)).toBe('PendingImport')
  }
  expect((await stored(keyId)).material[0]).not.toBe('')
  expect((await kms.upkeep.pass()).expired).toEqual([arn])
  expect((await kms.upkeep.pass()).expired).toEqual([])
  expect(await stored(keyId)).toMatchObject({ state: 'PendingImport', material: [''] })
  await imported(keyId, material[0])
  expect(await opened(blob)).toBe('x')
})

test('any change of a key whose material has expired takes it out as well', async () => {
  const { keyId } = await newKey()
  await imported(keyId, material[0], { validToMs: nowMs + 1 })
  nowMs += 1
  await another.keys.tag(call, keyId, [{ TagKey: 'a', TagValue: 'b' }])
  expect(await stored(keyId)).toMatchObject({ state: 'PendingImport', material: [''] })
})

test('nothing of the bytes stays in the record, and what stays of them is no digest that somebody could try', async () => {
  const { keyId } = await newKey()
  await imported(keyId, material[0])
  const wrapped = (await stored(keyId)).material[0]!
  await kms.imports.deleteMaterial(call, keyId, undefined)
  const text = JSON.stringify(await stored(keyId))
  expect(text).not.toContain(wrapped)
  const twin = await newKey()
  const { id } = await imported(twin.keyId, material[0])
  expect(text).not.toContain(id)
})

test('new material waits for its rotation; then it encrypts, and each ciphertext opens with its own', async () => {
  const { keyId, arn } = await newKey()
  await imported(keyId, material[0], { description: 'first' })
  const before = await sealed(keyId)
  await expect(kms.keys.rotateOnDemand(call, keyId)).rejects.toMatchObject({
    code: 'KmsMaterialStateInvalid',
    detail: { message: `No available key material pending rotation for the key: ${arn}.` },
  })
  const { id } = await imported(keyId, material[1], { importType: 'NEW_KEY_MATERIAL' })
  const stillBefore = await sealed(keyId)
  await expect(imported(keyId, material[2], { importType: 'NEW_KEY_MATERIAL' })).rejects.toMatchObject({
    code: 'KmsMaterialStateInvalid',
    detail: {
      message: expect.stringMatching(
        new RegExp(
          `^New key material \\(id: \\w{64}\\) cannot be imported into KMS key ${arn}, because another key material \\(id: ${id}\\) is pending rotation\\.$`,
        ),
      ),
    },
  })
  const key = await kms.keys.rotateOnDemand(call, keyId)
  expect([key.material.length, materialId(key, 2), key.rotations]).toEqual([
    2,
    id,
    [{ atMs: nowMs, type: 'ON_DEMAND' }],
  ])
  const after = await sealed(keyId, another)
  for (const blob of [before, stillBefore, after]) expect(await opened(blob, another)).toBe('x')
})

test('a key that lacks an old material is of no use until all are back', async () => {
  const { keyId } = await newKey()
  const first = await imported(keyId, material[0], { validToMs: nowMs + DAY_MS })
  const before = await sealed(keyId)
  await imported(keyId, material[1], { importType: 'NEW_KEY_MATERIAL' })
  await kms.keys.rotateOnDemand(call, keyId)
  const after = await sealed(keyId)
  nowMs += DAY_MS
  await kms.imports.deleteMaterial(call, keyId, undefined)
  for (const blob of [before, after]) await expect(opened(blob)).rejects.toMatchObject({ code: 'KmsKeyStateInvalid' })
  await imported(keyId, material[1])
  expect(await state(keyId)).toBe('PendingImport')
  await expect(imported(keyId, material[1], { materialId: first.id })).rejects.toMatchObject({
    code: 'KmsMaterialIncorrect',
  })
  await imported(keyId, material[0], { materialId: first.id })
  expect(await state(keyId)).toBe('Enabled')
  for (const blob of [before, after]) expect(await opened(blob)).toBe('x')
})

test('pending material that is deleted or expires leaves the key as it was, and room for other', async () => {
  const { keyId } = await newKey()
  await imported(keyId, material[0])
  const deleted = await imported(keyId, material[1], { importType: 'NEW_KEY_MATERIAL' })
  await kms.imports.deleteMaterial(call, keyId, deleted.id)
  await imported(keyId, material[2], { importType: 'NEW_KEY_MATERIAL', validToMs: nowMs + 1 })
  nowMs += 1
  expect(await state(keyId)).toBe('Enabled')
  await expect(kms.keys.rotateOnDemand(call, keyId)).rejects.toMatchObject({ code: 'KmsMaterialStateInvalid' })
  await imported(keyId, material[1], { importType: 'NEW_KEY_MATERIAL' })
  await kms.keys.rotateOnDemand(call, keyId)
  expect(await opened(await sealed(keyId))).toBe('x')
})

test('an import changes the end of material that is there, and keeps its description unless it brings one', async () => {
  const { keyId } = await newKey()
  const facts = async () => (await stored(keyId)).imported!.versions
  const { id } = await imported(keyId, material[0], { validToMs: nowMs + DAY_MS, description: 'from the safe' })
  await imported(keyId, material[0], { validToMs: nowMs + 2 * DAY_MS })
  expect(await facts()).toEqual([{ id, description: 'from the safe', validToMs: nowMs + 2 * DAY_MS }])
  await imported(keyId, material[0], { description: 'for good' })
  expect(await facts()).toEqual([{ id, description: 'for good' }])
})

const WRONG_LENGTHS: readonly [KeySpec, number][] = [
  ['SYMMETRIC_DEFAULT', 16],
  ['SYMMETRIC_DEFAULT', 31],
  ['SYMMETRIC_DEFAULT', 33],
  ['HMAC_224', 32],
  ['HMAC_256', 28],
  ['HMAC_384', 32],
  ['HMAC_512', 63],
]
test.each(WRONG_LENGTHS)('%s is not made of %d bytes', async (keySpec, bytes) => {
  const { keyId } = await newKey(keySpec)
  await expect(imported(keyId, randomBytes(bytes))).rejects.toMatchObject({ code: 'KmsMaterialIncorrect' })
  expect(await state(keyId)).toBe('PendingImport')
})

test.each([
  ['HMAC_224', 28],
  ['HMAC_256', 32],
  ['HMAC_384', 48],
  ['HMAC_512', 64],
] as const)('%s keeps the one material that it was given', async (keySpec, bytes) => {
  const { keyId } = await newKey(keySpec)
  const algorithm = `HMAC_SHA_${keySpec.slice(5)}` as 'HMAC_SHA_224'
  const code = async (by: Kms) => {
    const { mac } = await by.macs.generate(call, { keyId, message: Buffer.from('m'), algorithm, dryRun: false })
    return Buffer.from(mac).toString('hex')
  }
  await imported(keyId, Buffer.alloc(bytes, 7))
  const before = await code(kms)
  await expect(imported(keyId, Buffer.alloc(bytes, 8))).rejects.toMatchObject({ code: 'KmsMaterialIncorrect' })
  await kms.imports.deleteMaterial(call, keyId, undefined)
  await expect(code(another)).rejects.toMatchObject({ code: 'KmsKeyStateInvalid' })
  await imported(keyId, Buffer.alloc(bytes, 7))
  expect(await code(another)).toBe(before)
})

test('an asymmetric key keeps the one private key that it was given, however that is encoded', async () => {
  const { keyId } = await newKey('ECC_NIST_P256')
  const [own, other] = [1, 2].map(() => generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey)
  const pkcs8 = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'der' })
  await imported(keyId, pkcs8(own!))
  const request = {
    keyId,
    algorithm: 'ECDSA_SHA_256',
    messageType: 'RAW',
    message: Buffer.from('m'),
    dryRun: false,
  } as const
  const { signature } = await kms.signing.sign(call, request)
  await kms.imports.deleteMaterial(call, keyId, undefined)
  await expect(another.signing.verify(call, { ...request, signature })).rejects.toMatchObject({
    code: 'KmsKeyStateInvalid',
  })
  await expect(imported(keyId, pkcs8(other!))).rejects.toMatchObject({ code: 'KmsMaterialIncorrect' })
  await imported(keyId, pkcs8(own!))
  await another.signing.verify(call, { ...request, signature })
})

test('a deletion that is cancelled leaves a key disabled, or pending import where it has no material', async () => {
  const [whole, empty] = [await newKey(), await newKey()]
  await imported(whole.keyId, material[0])
  for (const { keyId } of [whole, empty]) await kms.keys.scheduleDeletion(call, keyId, 7)
  await expect(imported(whole.keyId, material[0])).rejects.toMatchObject({ code: 'KmsKeyStateInvalid' })
  for (const { keyId } of [whole, empty]) await kms.keys.cancelDeletion(call, keyId)
  expect([await state(whole.keyId), await state(empty.keyId)]).toEqual(['Disabled', 'PendingImport'])
})

test('a key that is about to go stays so when its material goes first, and ends on its day', async () => {
  const { keyId, arn } = await newKey()
  await imported(keyId, material[0], { validToMs: nowMs + DAY_MS })
  await kms.keys.scheduleDeletion(call, keyId, 7)
  nowMs += 2 * DAY_MS
  expect(await state(keyId)).toBe('PendingDeletion')
  await kms.upkeep.pass()
  expect((await stored(keyId)).material).toEqual([''])
  nowMs += 5 * DAY_MS
  expect((await kms.upkeep.pass()).destroyed).toEqual([arn])
})

test('a disabled key that gets its own material again stays disabled', async () => {
  const { keyId } = await newKey()
  await imported(keyId, material[0])
  await kms.keys.setEnabled(call, keyId, false)
  await imported(keyId, material[0], { validToMs: nowMs + DAY_MS })
  expect(await state(keyId)).toBe('Disabled')
})

test('imports and rotations that race lose nothing', async () => {
  const { keyId } = await newKey()
  await imported(keyId, material[0])
  const before = await sealed(keyId)
  const results = await Promise.allSettled([
    imported(keyId, material[1], { importType: 'NEW_KEY_MATERIAL' }, kms),
    imported(keyId, material[2], { importType: 'NEW_KEY_MATERIAL' }, another),
  ])
  // One of them is pending, and the other is told so.
  expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  const rotations = await Promise.allSettled([
    kms.keys.rotateOnDemand(call, keyId),
    another.keys.rotateOnDemand(call, keyId),
  ])
  expect(rotations.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  expect(await opened(before)).toBe('x')
  expect(await opened(await sealed(keyId))).toBe('x')
})

test('all that is wrapped in a record is wrapped anew with the store key, pending material too, and what is gone stays so', async () => {
  const { keyId } = await newKey()
  const first = await imported(keyId, material[0])
  const before = await sealed(keyId)
  await imported(keyId, material[1], { importType: 'NEW_KEY_MATERIAL' })
  await kms.keys.rotateOnDemand(call, keyId)
  await imported(keyId, material[2], { importType: 'NEW_KEY_MATERIAL' })
  await kms.imports.deleteMaterial(call, keyId, first.id)
  const old = storeKey.export().versions[0]!
  const fresh = { version: 2, key: Buffer.alloc(32, 9).toString('base64') }
  storeKey.update({ sealing: 2, versions: [old, fresh] })
  const key = await stored(keyId)
  const next = kms.rewrap.rewrapped(key, keyName(key.accountId, keyId))
  expect(next.material[0]).toBe('')
  expect([next.material[1], next.imported!.pending!.wrapped]).not.toContain(key.material[1])
  expect(next.imported!.pending!.wrapped).not.toBe(key.imported!.pending!.wrapped)
  expect(kms.rewrap.rewrapped(next, keyName(key.accountId, keyId))).toBe(next)
  await records.commit([], [records.put(kmsKeyRecord, keyName(key.accountId, keyId), next)])
  storeKey.update({ sealing: 2, versions: [fresh] })
  await imported(keyId, material[0])
  expect(await opened(before)).toBe('x')
  await kms.keys.rotateOnDemand(call, keyId)
  expect(await opened(await sealed(keyId))).toBe('x')
})
