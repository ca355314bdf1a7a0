/** Crypto-shredding: what a key's material hangs on, and that it is gone for good with the key. */
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { call } from '../policy/caller.fixture.ts'
import { uncounted } from '../quota/leased-quota.ts'
import { each } from '../records/each-record.ts'
import { RecordStore } from '../records/record-store.ts'
import { StoreKey } from '../root-key/store-key.ts'
import { MemoryCatalog } from '../storage/memory-catalog.ts'
import { KeyMaterial } from './key-material.ts'
import { KeyRegions } from './key-regions.ts'
import { Kms } from './kms.ts'
import { type KmsKey, keyName, kmsKeyRecord } from './kms-records.ts'
import { MaterialSecretFiles, type MaterialSecrets } from './material-secrets.ts'
import { wrapMaterial } from './wrap-material.fixture.ts'
import { secretsOf } from './wrapped-material.ts'

const DAY_MS = 86_400_000
const CONTEXT = { of: 'this test' }
const EUROPE = 'eu-west-1'
let dir: string
let nowMs: number
let catalog: MemoryCatalog
let storeKey: StoreKey
let secrets: MaterialSecretFiles
let kms: Kms
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'secrets-'))
  nowMs = 1_700_000_000_000
  catalog = new MemoryCatalog()
  storeKey = StoreKey.of(new Uint8Array(32).fill(1))
  secrets = new MaterialSecretFiles(join(dir, 'key-secrets'))
  kms = process()
})
afterEach(() => rm(dir, { recursive: true }))

const records = () => new RecordStore(catalog, storeKey.derive('records'))
const regions = () => new KeyRegions(records(), 'us-east-1', [EUROPE])
/** One that has opened nothing yet. */
function process(by: MaterialSecrets = secrets, region = 'us-east-1'): Kms {
  const clock = { nowMs: () => nowMs }
  const all = regions()
  const observer = { observe: () => undefined }
  const common = { storeKey, secrets: by, clock, observer, quota: uncounted(clock) }
  return new Kms({ ...common, records: all.of(region), regions: all, region })
}
const newKey = (more: object = {}) => kms.keys.createKey(call, { description: '', tags: [], ...more })
const seal = async (keyId: string) =>
  (await kms.encrypt(call, { keyId, plaintext: Buffer.from('x'), encryptionContext: CONTEXT })).ciphertextBlob
const open = async (ciphertextBlob: Uint8Array, by = process()) =>
  Buffer.from((await by.decrypt(call, { ciphertextBlob, encryptionContext: CONTEXT })).plaintext).toString()
async function there(): Promise<string[]> {
  const ids: string[] = []
  for await (const id of secrets.list()) ids.push(id)
  return ids.sort()
}
const stored = async (keyId: string) => (await records().get(kmsKeyRecord, keyName('111111111111', keyId)))!.value
async function end(keyId: string, by = kms) {
  await by.keys.scheduleDeletion(call, keyId, 7)
  nowMs += 7 * DAY_MS
  return (await by.upkeep.pass()).destroyed
}

test('each version of a key has a secret in a file of its own, for its owner only, and needs it', async () => {
  const { keyId } = await newKey()
  const first = await seal(keyId)
  await kms.keys.rotateOnDemand(call, keyId)
  const second = await seal(keyId)
  const ids = secretsOf(await stored(keyId))
  expect(await there()).toEqual([...ids].sort())
  expect(ids).toHaveLength(2)
  const path = join(dir, 'key-secrets', ids[0]!.slice(0, 2), ids[0]!)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect((await readFile(path)).length).toBe(32)
  await secrets.destroy(ids[0]!)
  await expect(open(first)).rejects.toMatchObject({ code: 'Damaged' })
  expect(await open(second)).toBe('x')
})

test('a secret alone opens nothing, nor does the record with the store key', async () => {
  const key = await newKey()
  const other = await newKey()
  const [wrapped] = (await stored(key.keyId)).material
  const [ownId, otherId] = [secretsOf(await stored(key.keyId))[0]!, secretsOf(await stored(other.keyId))[0]!]
  const verify = (material: string, by = storeKey) =>
    new KeyMaterial(by, secrets).verify({ ...key, material: [material] } as KmsKey)
  expect(() => verify(wrapped!)).not.toThrow()
  expect(() => verify(wrapped!.replace(ownId, otherId))).toThrow()
  expect(() => verify(wrapped!, StoreKey.of(new Uint8Array(32).fill(2)))).toThrow()
})

test('the end of a key is the end of its secrets, and of nobody else’s', async () => {
  const [doomed, kept] = [await newKey(), await newKey()]
  const [lost, open2] = [await seal(doomed.keyId), await seal(kept.keyId)]
  const record = await stored(doomed.keyId)
  expect(await end(doomed.keyId)).toEqual([doomed.arn])
  expect(await there()).toEqual([...secretsOf(await stored(kept.keyId))])
  expect(await open(open2)).toBe('x')
  // The record put back, as from a page that was not overwritten yet, opens nothing.
  const at = keyName('111111111111', doomed.keyId)
  await records().commit([], [records().put(kmsKeyRecord, at, { ...record, state: 'Enabled' })])
  await expect(open(lost)).rejects.toMatchObject({ code: 'Damaged' })
})

test('what a crash leaves undestroyed is destroyed by the next pass', async () => {
  const { keyId } = await newKey()
  const crash: MaterialSecrets = {
    make: () => secrets.make(),
    read: (id) => secrets.read(id),
    list: () => secrets.list(),
    destroy: () => Promise.reject(new Error('crash')),
  }
  const crashing = process(crash)
  await crashing.keys.scheduleDeletion(call, keyId, 7)
  nowMs += 7 * DAY_MS
  await expect(crashing.upkeep.pass()).rejects.toThrow('crash')
  expect(await there()).toHaveLength(1)
  expect((await process().upkeep.pass()).destroyed).toEqual([])
  expect(await there()).toEqual([])
})

test('what a crash in another region leaves keeps no pass from its work', async () => {
  const europe = { ...call, region: EUROPE }
  const left = { put: secrets.put.bind(secrets), destroy: () => Promise.reject(new Error('crash')) }
  const crashing = process(Object.assign(Object.create(secrets) as MaterialSecrets, left), EUROPE)
  const { keyId } = await crashing.keys.createKey(europe, { description: '', tags: [] })
  await crashing.keys.scheduleDeletion(europe, keyId, 7)
  nowMs += 7 * DAY_MS
  await expect(crashing.upkeep.pass()).rejects.toThrow('crash')
  await kms.upkeep.pass()
  expect(await there()).toHaveLength(1)
  await process(secrets, EUROPE).upkeep.pass()
  expect(await there()).toEqual([])
})

test('a key that is damaged keeps no other from its end', async () => {
  const [damaged, doomed] = [await newKey(), await newKey()]
  await kms.keys.scheduleDeletion(call, doomed.keyId, 7)
  const { prefix } = kmsKeyRecord
  const key = Buffer.concat([Buffer.from(prefix), keyName('111111111111', damaged.keyId)])
  await catalog.commit([], [{ key, value: Buffer.alloc(80, 7) }])
  nowMs += 7 * DAY_MS
  const { destroyed, problems } = await process().upkeep.pass()
  expect(destroyed).toEqual([doomed.arn])
  expect(problems).toHaveLength(1)
  const found: string[] = []
  expect(await process().upkeep.verifyAll((problem) => found.push(problem))).toBe(0)
  expect(found).toHaveLength(1)
})

test('a deletion that is cancelled leaves them', async () => {
  const { keyId } = await newKey()
  const sealed = await seal(keyId)
  await kms.keys.scheduleDeletion(call, keyId, 7)
  await kms.keys.cancelDeletion(call, keyId)
  await kms.keys.setEnabled(call, keyId, true)
  nowMs += 8 * DAY_MS
  await kms.upkeep.pass()
  expect(await open(sealed)).toBe('x')
})

test('keys of a set have theirs in common until the last of them ends', async () => {
  const europe = { ...call, region: EUROPE }
  const primary = await newKey({ multiRegion: true })
  const input = { keyId: primary.keyId, region: EUROPE, description: '', tags: [], policy: undefined }
  await kms.multiRegion.replicate(call, { ...input, bypassesLockoutCheck: false })
  const there2 = process(secrets, EUROPE)
  const before = await there()
  await there2.keys.scheduleDeletion(europe, primary.keyId, 7)
  nowMs += 7 * DAY_MS
  expect((await there2.upkeep.pass()).destroyed).toHaveLength(1)
  expect(await there()).toEqual(before)
  await end(primary.keyId)
  expect(await there()).toEqual([])
})

test('imported material that is deleted or expires is gone, and the same can be imported again', async () => {
  const { keyId } = await newKey({ origin: 'EXTERNAL' })
  const material = Buffer.alloc(32, 7)
  const importIt = async (more: object = {}) => {
    const parameters = await kms.imports.parameters(call, keyId, 'RSA_2048', 'RSAES_OAEP_SHA_256')
    await kms.imports.importMaterial(call, {
      ...{
        keyId,
        importToken: parameters.importToken,
        importType: undefined,
        description: undefined,
        materialId: undefined,
      },
      encryptedMaterial: wrapMaterial(parameters.publicKey, 'RSAES_OAEP_SHA_256', material),
      ...{ expirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE', validToMs: undefined, ...more },
    })
  }
  await importIt()
  const sealed = await seal(keyId)
  const [first] = await there()
  await kms.imports.deleteMaterial(call, keyId, undefined)
  expect(await there()).toEqual([])
  await importIt({ expirationModel: 'KEY_MATERIAL_EXPIRES', validToMs: nowMs + DAY_MS })
  expect(await there()).not.toContain(first)
  expect(await open(sealed)).toBe('x')
  nowMs += DAY_MS
  await kms.upkeep.pass()
  expect(await there()).toEqual([])
})

test('a new version of the store key leaves them; material of the time before has one from the first pass on', async () => {
  const { keyId } = await newKey()
  const sealed = await seal(keyId)
  const before = await there()
  storeKey.update({
    sealing: 2,
    versions: [...storeKey.export().versions, { version: 2, key: Buffer.alloc(32, 9).toString('base64') }],
  })
  const at = keyName('111111111111', keyId)
  const put = async (next: KmsKey) => records().commit([], [records().put(kmsKeyRecord, at, next)])
  await put(kms.rewrap.rewrapped(await stored(keyId), at))
  storeKey.update({ sealing: 2, versions: storeKey.export().versions.filter(({ version }) => version === 2) })
  expect(await there()).toEqual(before)
  expect(await open(sealed)).toBe('x')

  const bare = storeKey
    .derive('KMS key material')
    .wrap(Buffer.alloc(32, 3), Buffer.from(`${(await stored(keyId)).arn} material 1`))
  await put({ ...(await stored(keyId)), material: [bare] })
  const old = await seal(keyId)
  expect(await kms.upkeep.secureAll()).toBe(1)
  expect(await kms.upkeep.secureAll()).toBe(0)
  expect(secretsOf(await stored(keyId))).toHaveLength(1)
  expect(await open(old)).toBe('x')
})

test('no file of the folder is left behind by a secret that goes', async () => {
  const { keyId } = await newKey()
  await end(keyId)
  const folders = await readdir(join(dir, 'key-secrets'))
  for (const folder of folders) expect(await readdir(join(dir, 'key-secrets', folder))).toEqual([])
  let doomed = 0
  for await (const _ of each(records(), kmsKeyRecord)) doomed++
  expect(doomed).toBe(0)
})
