/** Multi-Region keys on memory: one material everywhere, the primary key's rotations, and the order in which they end. */
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import type { CallContext } from '../policy/call.ts'
import { call as home } from '../policy/caller.fixture.ts'
import { RecordStore } from '../records/record-store.ts'
import { StoreKey } from '../root-key/store-key.ts'
import { MemoryCatalog } from '../storage/memory-catalog.ts'
import { materialId } from './key-material.ts'
import { KeyRegions } from './key-regions.ts'
import { rotationSchedule } from './key-rotation.ts'
import { Kms } from './kms.ts'
import type { KmsKey } from './kms-records.ts'
import { MemoryMaterialSecrets } from './memory-secrets.ts'
import { wrapMaterial } from './wrap-material.fixture.ts'

const secrets = new MemoryMaterialSecrets()

const DAY_MS = 86_400_000
const REGIONS = ['us-east-1', 'eu-west-1', 'ap-south-1'] as const
type Region = (typeof REGIONS)[number]
const [OURS, EUROPE, ASIA] = REGIONS
const CONTEXT = { of: 'this test' }
let nowMs: number
let catalog: MemoryCatalog
let regions: KeyRegions
let kms: Record<Region, Kms>
beforeEach(() => {
  nowMs = 1_700_000_000_000
  catalog = new MemoryCatalog()
  regions = new KeyRegions(new RecordStore(catalog, StoreKey.of(new Uint8Array(32).fill(1)).derive('records')), OURS, [
    EUROPE,
    ASIA,
  ])
  const of = (region: Region) =>
    new Kms({
      secrets,
      records: regions.of(region),
      regions,
      storeKey: StoreKey.of(new Uint8Array(32).fill(2)),
      region,
      clock: { nowMs: () => nowMs },
      quota: { take: () => nowMs },
      observer: { observe: () => undefined },
    })
  kms = { [OURS]: of(OURS), [EUROPE]: of(EUROPE), [ASIA]: of(ASIA) }
})

const from = (region: Region): CallContext => ({ ...home, region })
const newKey = (origin: 'AWS_KMS' | 'EXTERNAL' = 'AWS_KMS', region: Region = OURS) =>
  kms[region].keys.createKey(from(region), { description: '', tags: [], multiRegion: true, origin })
const replicate = (keyId: string, region: Region, by: Region = OURS) =>
  kms[by].multiRegion.replicate(from(by), {
    ...{ keyId, region, description: 'replica', tags: [], policy: undefined, bypassesLockoutCheck: false },
  })
const movePrimary = (keyId: string, by: Region, to: Region) => kms[by].multiRegion.movePrimary(from(by), keyId, to)
const found = (keyId: string, region: Region) => kms[region].keys.describeKey(from(region), keyId)
const rotate = (keyId: string, region: Region) => kms[region].keys.rotateOnDemand(from(region), keyId)
const destroyDue = async () =>
  (await Promise.all(REGIONS.map((region) => kms[region].upkeep.pass()))).flatMap(({ destroyed }) => destroyed)
async function sealed(keyId: string, region: Region, text = 'x') {
  const input = { keyId, plaintext: Buffer.from(text), encryptionContext: CONTEXT }
  return (await kms[region].encrypt(from(region), input)).ciphertextBlob
}
async function opened(ciphertextBlob: Uint8Array, region: Region) {
  const done = await kms[region].decrypt(from(region), { ciphertextBlob, encryptionContext: CONTEXT })
  return { text: Buffer.from(done.plaintext).toString(), keyArn: done.keyArn, keyMaterialId: done.keyMaterialId }
}

test('what one key of a set sealed the others open, each by its own name', async () => {
  const primary = await newKey()
  const replica = await replicate(primary.keyId, EUROPE)
  expect(replica).toMatchObject({ keyId: primary.keyId, state: 'Enabled', arn: primary.arn.replace(OURS, EUROPE) })
  expect(primary.keyId).toMatch(/^mrk-[0-9a-f]{32}$/)
  for (const [by, to] of [
    [OURS, EUROPE],
    [EUROPE, OURS],
    [EUROPE, EUROPE],
  ] as const) {
    expect(await opened(await sealed(primary.keyId, by), to)).toEqual({
      text: 'x',
      keyArn: primary.arn.replace(OURS, to),
      keyMaterialId: materialId(primary, 1),
    })
  }
  await expect(opened(await sealed(primary.keyId, OURS), ASIA)).rejects.toMatchObject({ code: 'KmsCiphertextInvalid' })
})

test('keys of one region stay in it, even where another has a key of the same id', async () => {
  const ofOurs = { account: home.principal.accountId, keyId: 'mrk-00000000000000000000000000000001' }
  for (const region of [OURS, EUROPE] as const) await kms[region].keys.ensureConfiguredKey(ofOurs)
  const blob = await sealed(ofOurs.keyId, OURS)
  expect((await opened(blob, OURS)).text).toBe('x')
  await expect(opened(blob, EUROPE)).rejects.toMatchObject({ code: 'KmsCiphertextInvalid' })
  const plain = await kms[OURS].keys.createKey(home, { description: '', tags: [] })
  await expect(opened(await sealed(plain.keyId, OURS), EUROPE)).rejects.toMatchObject({ code: 'KmsCiphertextInvalid' })
  await expect(replicate(plain.keyId, EUROPE)).rejects.toMatchObject({
    code: 'KmsUnsupported',
    detail: { message: `${plain.arn} is not a multi-region primary key.` },
  })
})

test('everything but what a set shares is each key’s own', async () => {
  const { keyId } = await newKey()
  await replicate(keyId, EUROPE)
  await kms[OURS].keys.tag(home, keyId, [{ TagKey: 'a', TagValue: 'b' }])
  await kms[OURS].aliases.createAlias(home, 'alias/one', keyId)
  await kms[EUROPE].keys.setEnabled(from(EUROPE), keyId, false)
  const grant = {
    keyId,
    granteePrincipal: 'arn:aws:iam::111111111111:root',
    operations: ['Decrypt'] as const,
    dryRun: false,
  }
  await kms[OURS].grants.createGrant(home, grant)
  expect(await found(keyId, EUROPE)).toMatchObject({ tags: [], state: 'Disabled', description: 'replica' })
  expect((await found(keyId, EUROPE)).grants).toBeUndefined()
  expect(await found(keyId, OURS)).toMatchObject({ state: 'Enabled', grants: 1, description: '' })
  await expect(found('alias/one', EUROPE)).rejects.toMatchObject({ code: 'KmsKeyNotFound' })
  expect(await kms[EUROPE].aliases.listAliases(from(EUROPE), undefined, 9, undefined)).toEqual([])
  expect((await kms[OURS].keys.listKeys(home, undefined, 9)).map(({ arn }) => arn)).toHaveLength(1)
  await expect(found(`arn:aws:kms:${OURS}:111111111111:key/${keyId}`, EUROPE)).rejects.toMatchObject({
    detail: { message: `Invalid arn ${OURS}` },
  })
})

test('a rotation of the primary key reaches all at once; a replica has none of its own', async () => {
  const { keyId } = await newKey()
  for (const region of [EUROPE, ASIA] as const) await replicate(keyId, region)
  const before = await sealed(keyId, EUROPE)
  await rotate(keyId, OURS)
  const ids = new Set<string>()
  for (const region of REGIONS) {
    const after = await sealed(keyId, region)
    for (const reader of REGIONS) {
      expect((await opened(before, reader)).text).toBe('x')
      ids.add((await opened(after, reader)).keyMaterialId!)
    }
  }
  expect(ids.size).toBe(1)
  for (const change of [
    () => rotate(keyId, EUROPE),
    () => kms[EUROPE].keys.enableRotation(from(EUROPE), keyId, 90),
    () => kms[EUROPE].keys.disableRotation(from(EUROPE), keyId),
  ]) {
    await expect(change()).rejects.toMatchObject({ code: 'KmsUnsupported' })
  }
  await kms[OURS].keys.enableRotation(home, keyId, 90)
  expect(rotationSchedule(await found(keyId, ASIA))).toEqual({ periodDays: 90, nextAtMs: nowMs + 90 * DAY_MS })
  nowMs += 90 * DAY_MS
  expect((await kms[EUROPE].upkeep.pass()).rotated).toEqual([])
  expect((await kms[OURS].upkeep.pass()).rotated).toHaveLength(1)
  expect((await found(keyId, ASIA)).material).toHaveLength(3)
  await kms[OURS].keys.disableRotation(home, keyId)
  expect(rotationSchedule(await found(keyId, EUROPE))).toBeUndefined()
})

test('a later replica has all the material of its primary key', async () => {
  const { keyId } = await newKey()
  const first = await sealed(keyId, OURS)
  await rotate(keyId, OURS)
  await replicate(keyId, EUROPE)
  for (const blob of [first, await sealed(keyId, OURS)]) expect((await opened(blob, EUROPE)).text).toBe('x')
})

const setOf = ({ multiRegion }: KmsKey) => [multiRegion!.primaryRegion, ...multiRegion!.replicaRegions.toSorted()]

test('the primary key moves, and what it alone may do moves with it', async () => {
  const { keyId, arn } = await newKey()
  for (const region of [EUROPE, ASIA] as const) await replicate(keyId, region)
  await movePrimary(keyId, OURS, EUROPE)
  for (const region of REGIONS) expect(setOf(await found(keyId, region))).toEqual([EUROPE, ASIA, OURS])
  await expect(rotate(keyId, OURS)).rejects.toMatchObject({
    detail: { message: `${arn} is not a multi-region primary key.` },
  })
  await rotate(keyId, EUROPE)
  expect((await found(keyId, OURS)).material).toHaveLength(2)
  await expect(movePrimary(keyId, OURS, ASIA)).rejects.toMatchObject({ code: 'KmsUnsupported' })
  await movePrimary(keyId, EUROPE, OURS)
  expect(setOf(await found(keyId, ASIA))).toEqual([OURS, ASIA, EUROPE])
})

describe('refused', () => {
  const cases: readonly [string, (keyId: string) => Promise<unknown>, string][] = [
    ['a second replica in a region', (keyId) => replicate(keyId, EUROPE), 'KmsReplicaExists'],
    ['a replica beside the primary key', (keyId) => replicate(keyId, OURS), 'KmsReplicaExists'],
    ['a replica of a replica', (keyId) => replicate(keyId, ASIA, EUROPE), 'KmsUnsupported'],
    ['a replica in a region that is not here', (keyId) => replicate(keyId, 'sa-east-1' as Region), 'KmsUnsupported'],
    ['a move to where no replica is', (keyId) => movePrimary(keyId, OURS, ASIA), 'KmsKeyNotFound'],
    ['a move to where it is', (keyId) => movePrimary(keyId, OURS, OURS), 'KmsKeyNotFound'],
    ['a move by a replica', (keyId) => movePrimary(keyId, EUROPE, EUROPE), 'KmsUnsupported'],
  ]
  test.each(cases)('%s', async (_, run, code) => {
    const { keyId } = await newKey()
    await replicate(keyId, EUROPE)
    await expect(run(keyId)).rejects.toMatchObject({ code })
    expect(setOf(await found(keyId, OURS))).toEqual([OURS, EUROPE])
  })

  test.each([
    ['disabled', (keyId: string) => kms[EUROPE].keys.setEnabled(from(EUROPE), keyId, false), 'KmsKeyDisabled'],
    ['leaving', (keyId: string) => kms[EUROPE].keys.scheduleDeletion(from(EUROPE), keyId, 7), 'KmsKeyStateInvalid'],
  ] as const)('a move to a replica that is %s', async (_, change, code) => {
    const { keyId } = await newKey()
    await replicate(keyId, EUROPE)
    await change(keyId)
    await expect(movePrimary(keyId, OURS, EUROPE)).rejects.toMatchObject({ code })
  })
})

test('a primary key waits for its replicas, and only then its time begins', async () => {
  const { keyId, arn } = await newKey()
  for (const region of [EUROPE, ASIA] as const) await replicate(keyId, region)
  const key = await kms[OURS].keys.scheduleDeletion(home, keyId, 10)
  expect(key).toMatchObject({ state: 'PendingReplicaDeletion', pendingWindowDays: 10 })
  expect(key.deletionAtMs).toBeUndefined()
  await expect(sealed(keyId, OURS)).rejects.toMatchObject({ detail: { state: 'pending replica deletion' } })
  for (const [region, days] of [
    [EUROPE, 7],
    [ASIA, 8],
  ] as const) {
    await kms[region].keys.scheduleDeletion(from(region), keyId, days)
  }
  nowMs += 7 * DAY_MS
  expect(await destroyDue()).toEqual([arn.replace(OURS, EUROPE)])
  expect(await found(keyId, OURS)).toMatchObject({ state: 'PendingReplicaDeletion' })
  expect(setOf(await found(keyId, ASIA))).toEqual([OURS, ASIA])
  nowMs += DAY_MS
  expect(await destroyDue()).toEqual([arn.replace(OURS, ASIA)])
  const waiting = await found(keyId, OURS)
  expect(waiting).toMatchObject({ state: 'PendingDeletion', deletionAtMs: nowMs + 10 * DAY_MS })
  expect(waiting.pendingWindowDays).toBeUndefined()
  nowMs += 10 * DAY_MS
  expect(await destroyDue()).toEqual([arn])
  expect(await catalog.range({ gte: Buffer.from('k'), lt: Buffer.from('l'), limit: 9 })).toEqual([])
})

test('a deletion of a primary key that is cancelled while it waits leaves it disabled', async () => {
  const { keyId } = await newKey()
  await replicate(keyId, EUROPE)
  await kms[OURS].keys.scheduleDeletion(home, keyId, 10)
  const key = await kms[OURS].keys.cancelDeletion(home, keyId)
  expect([key.state, key.pendingWindowDays]).toEqual(['Disabled', undefined])
  await kms[EUROPE].keys.scheduleDeletion(from(EUROPE), keyId, 7)
  nowMs += 7 * DAY_MS
  await destroyDue()
  expect(await found(keyId, OURS)).toMatchObject({ state: 'Disabled', multiRegion: { replicaRegions: [] } })
  await kms[OURS].keys.setEnabled(home, keyId, true)
  expect((await replicate(keyId, EUROPE)).state).toBe('Enabled')
})

const ALGORITHM = 'RSAES_OAEP_SHA_256'
async function imported(
  keyId: string,
  region: Region,
  byte: number,
  importType?: 'NEW_KEY_MATERIAL',
  validToMs?: number,
) {
  const { imports } = kms[region]
  const { publicKey, importToken } = await imports.parameters(from(region), keyId, 'RSA_2048', ALGORITHM)
  return imports.importMaterial(from(region), {
    keyId,
    importToken,
    encryptedMaterial: wrapMaterial(publicKey, ALGORITHM, Buffer.alloc(32, byte)),
    expirationModel: validToMs === undefined ? 'KEY_MATERIAL_DOES_NOT_EXPIRE' : 'KEY_MATERIAL_EXPIRES',
    validToMs,
    importType,
    description: undefined,
    materialId: undefined,
  })
}
const isReady = async (keyId: string) => kms[OURS].multiRegion.isPendingEverywhere(await found(keyId, OURS))

test('imported material is brought to each key, and is the same in all', async () => {
  const { keyId } = await newKey('EXTERNAL')
  await expect(replicate(keyId, EUROPE)).rejects.toMatchObject({ code: 'KmsKeyStateInvalid' })
  const { id } = await imported(keyId, OURS, 1)
  expect(await replicate(keyId, EUROPE)).toMatchObject({ state: 'PendingImport', material: [''] })
  await expect(imported(keyId, EUROPE, 2)).rejects.toMatchObject({ code: 'KmsMaterialIncorrect' })
  expect((await imported(keyId, EUROPE, 1)).id).toBe(id)
  expect((await opened(await sealed(keyId, OURS), EUROPE)).text).toBe('x')
  // Deleted here, it is still there.
  await kms[EUROPE].imports.deleteMaterial(from(EUROPE), keyId, undefined)
  expect((await found(keyId, OURS)).state).toBe('Enabled')
  await imported(keyId, EUROPE, 1)
  await kms[OURS].imports.deleteMaterial(home, keyId, undefined)
  expect((await found(keyId, EUROPE)).state).toBe('Enabled')
})

test('new material comes to the primary key first, and is rotated in once every replica has it', async () => {
  const { keyId } = await newKey('EXTERNAL')
  await imported(keyId, OURS, 1)
  for (const region of [EUROPE, ASIA] as const) {
    await replicate(keyId, region)
    await imported(keyId, region, 1)
  }
  const before = await sealed(keyId, ASIA)
  await expect(imported(keyId, EUROPE, 2, 'NEW_KEY_MATERIAL')).rejects.toMatchObject({ code: 'KmsUnsupported' })
  await imported(keyId, OURS, 2, 'NEW_KEY_MATERIAL')
  expect(await isReady(keyId)).toBe(false)
  await expect(rotate(keyId, OURS)).rejects.toMatchObject({ code: 'KmsMaterialStateInvalid' })
  await imported(keyId, EUROPE, 2)
  await imported(keyId, ASIA, 2, undefined, nowMs + 1)
  expect(await isReady(keyId)).toBe(true)
  nowMs += 1
  expect(await isReady(keyId)).toBe(false)
  await expect(rotate(keyId, OURS)).rejects.toMatchObject({ code: 'KmsMaterialStateInvalid' })
  await imported(keyId, ASIA, 2)
  await rotate(keyId, OURS)
  const after = await sealed(keyId, EUROPE)
  for (const region of REGIONS) for (const blob of [before, after]) expect((await opened(blob, region)).text).toBe('x')
})

test('pending material that leaves the primary key leaves its replicas, but not the other way round', async () => {
  const { keyId } = await newKey('EXTERNAL')
  await imported(keyId, OURS, 1)
  await replicate(keyId, EUROPE)
  await imported(keyId, EUROPE, 1)
  const { id } = await imported(keyId, OURS, 2, 'NEW_KEY_MATERIAL')
  await imported(keyId, EUROPE, 2)
  await kms[EUROPE].imports.deleteMaterial(from(EUROPE), keyId, id)
  expect((await found(keyId, EUROPE)).imported?.pending).toEqual({ id, wrapped: '' })
  await imported(keyId, EUROPE, 2)
  await kms[OURS].imports.deleteMaterial(home, keyId, id)
  expect((await found(keyId, EUROPE)).imported?.pending).toBeUndefined()
  await imported(keyId, OURS, 3, 'NEW_KEY_MATERIAL', nowMs + 1)
  await imported(keyId, EUROPE, 3)
  nowMs += 1
  expect((await kms[OURS].upkeep.pass()).expired).toHaveLength(1)
  expect((await found(keyId, EUROPE)).imported?.pending).toBeUndefined()
})

test('whatever the order of rotations, replications, moves and uses, everything opens wherever the key is', async () => {
  const region = fc.constantFrom(...REGIONS)
  const step = fc.oneof(
    fc.record({ do: fc.constant('rotate' as const), region }),
    fc.record({ do: fc.constant('replicate' as const), region }),
    fc.record({ do: fc.constant('move' as const), region }),
    fc.record({ do: fc.constant('seal' as const), region }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const { keyId } = await newKey()
      const blobs: Uint8Array[] = []
      let [primary, others]: [Region, Region[]] = [OURS, []]
      for (const one of steps) {
        if (one.do === 'rotate') await rotate(keyId, primary)
        else if (one.do === 'seal' && [primary, ...others].includes(one.region))
          blobs.push(await sealed(keyId, one.region))
        else if (one.do === 'replicate' && ![primary, ...others].includes(one.region)) {
          await replicate(keyId, one.region, primary)
          others.push(one.region)
        } else if (one.do === 'move' && others.includes(one.region)) {
          await movePrimary(keyId, primary, one.region)
          ;[primary, others] = [one.region, [...others.filter((other) => other !== one.region), primary]]
        }
      }
      for (const reader of [primary, ...others]) {
        for (const blob of blobs) expect((await opened(blob, reader)).text).toBe('x')
        expect(setOf(await found(keyId, reader))).toEqual([primary, ...others.toSorted()])
      }
    }),
    { numRuns: 40 },
  )
})

test('replications that race make one replica each, and lose no rotation', async () => {
  const { keyId } = await newKey()
  const done = await Promise.allSettled([
    replicate(keyId, EUROPE),
    replicate(keyId, EUROPE),
    replicate(keyId, ASIA),
    rotate(keyId, OURS),
  ])
  expect(done.filter(({ status }) => status === 'rejected')).toHaveLength(1)
  for (const region of REGIONS) expect((await found(keyId, region)).material).toHaveLength(2)
  expect(setOf(await found(keyId, ASIA))).toEqual([OURS, ASIA, EUROPE])
})

test('the keys of the server’s own region stand under the names that they always had', async () => {
  const { keyId } = await newKey()
  await replicate(keyId, EUROPE)
  const names = (await catalog.range({ gte: Buffer.from('k'), lt: Buffer.from('l'), limit: 9 })).map(({ key }) =>
    Buffer.from(key).toString(),
  )
  expect(names).toEqual([`k111111111111\u0000${keyId}`, `keu-west-1\u0000111111111111\u0000${keyId}`])
})
