/** The rotation of the store key over records in memory and a ring on disk, cut off at every step. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Kms } from '../keys/kms.ts'
import { MemoryMaterialSecrets } from '../keys/memory-secrets.ts'
import { StoredServiceKeys } from '../keys/service-keys.ts'
import { call } from '../policy/caller.fixture.ts'
import { uncounted } from '../quota/leased-quota.ts'
import { name } from '../records/names.ts'
import { defineRecord, RecordStore } from '../records/record-store.ts'
import { KeyRing } from '../root-key/key-ring.ts'
import { environmentProvider } from '../root-key/local-providers.ts'
import { writeRing } from '../root-key/ring-file.ts'
import type { ExportedStoreKey } from '../root-key/store-key.ts'
import type { Check, Mutation } from '../storage/catalog.ts'
import { MemoryCatalog } from '../storage/memory-catalog.ts'
import { RootKeyRotation, type RotationEnd, RotationStopped } from './root-key-rotation.ts'

const secrets = new MemoryMaterialSecrets()

const note = defineRecord<{ readonly text: string }>({ label: 'rotated note', prefix: '1', formatVersion: 3 })
const cached = defineRecord<{ readonly text: string }>({ label: 'cached', prefix: '2', formatVersion: 1, cached: true })
const raw = defineRecord<Uint8Array>({ label: 'raw', prefix: '3', formatVersion: 1, raw: true })
const KINDS = [note, cached]
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const CONTEXT = Buffer.from('an object')
const provider = environmentProvider(Buffer.alloc(32, 7).toString('base64'), 'KEY')

let dataDir: string
let nowMs: number
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'rotation-'))
  nowMs = 1_700_000_000_000
})
afterEach(() => rm(dataDir, { recursive: true }))
const clock = { nowMs: () => nowMs }

/** Fails at the step with this number: a commit, a write of the ring, or the ring's way to the workers. */
class Crashes {
  #left = Number.POSITIVE_INFINITY

  after(steps: number): void {
    this.#left = steps
  }

  step(): void {
    if (this.#left-- <= 0) throw new Error('crash')
  }
}

class CrashingCatalog extends MemoryCatalog {
  readonly crashes = new Crashes()

  override async commit(checks: readonly Check[], mutations: readonly Mutation[]): Promise<boolean> {
    this.crashes.step()
    return super.commit(checks, mutations)
  }
}

/** What a process has of a store; another one over the same catalog is another worker, or the next start. */
async function open(catalog: CrashingCatalog, workers: Worker[] = []) {
  const ring = await KeyRing.open({
    dataDir,
    provider,
    clock,
    hasRecords: false,
    async write(...args) {
      catalog.crashes.step()
      await writeRing(...args)
      catalog.crashes.step()
    },
  })
  const storeKey = ring.storeKey()
  const records = new RecordStore(catalog, storeKey.derive('records'))
  const kms = new Kms({
    secrets,
    records,
    storeKey,
    region: 'us-east-1',
    clock,
    observer: { observe() {} },
    quota: uncounted(clock),
  })
  const serviceKeys = new StoredServiceKeys(records, storeKey, clock)
  const worker: Worker = { records, kms, serviceKeys, take: (now) => storeKey.update(now) }
  const rotation = new RootKeyRotation({
    ring,
    records,
    rewraps: [kms.rewrap, serviceKeys.rewrap],
    clock,
    async spread(now) {
      catalog.crashes.step()
      for (const each of [worker, ...workers]) {
        each.take(now)
        await each.records.settled()
      }
      catalog.crashes.step()
    },
  })
  return { ...worker, ring, rotation }
}

interface Worker {
  readonly records: RecordStore
  readonly kms: Kms
  readonly serviceKeys: StoredServiceKeys
  take(storeKey: ExportedStoreKey): void
}

/** Everything that a store may hold, and what must come back of it. */
async function fill({ records, kms, serviceKeys }: Worker, texts: readonly string[]) {
  for (const [i, text] of texts.entries()) {
    for (const kind of KINDS) await records.commit([], [records.put(kind, name(String(i)), { text })])
  }
  await records.commit([], [records.putBytes(raw, name('r'), Buffer.from('sealed elsewhere'))])
  const key = await kms.keys.createKey(call, { description: '', tags: [] })
  const blobs = [await kms.encrypt(call, { keyId: key.keyId, plaintext: Buffer.from('p'), encryptionContext: {} })]
  await kms.keys.rotateOnDemand(call, key.keyId)
  blobs.push(await kms.encrypt(call, { keyId: key.keyId, plaintext: Buffer.from('p'), encryptionContext: {} }))
  const { dataKey, wrapped } = await serviceKeys.generate('sse-s3', CONTEXT)
  return { texts, blobs, dataKey: Buffer.from(dataKey.bytes()), wrapped }
}

async function expectAll({ records, kms, serviceKeys }: Worker, filled: Awaited<ReturnType<typeof fill>>) {
  for (const [i, text] of filled.texts.entries()) {
    for (const kind of KINDS) expect((await records.get(kind, name(String(i))))?.value).toEqual({ text })
  }
  expect(Buffer.from((await records.getBytes(raw, name('r')))!).toString()).toBe('sealed elsewhere')
  for (const { ciphertextBlob } of filled.blobs) {
    const { plaintext } = await kms.decrypt(call, { ciphertextBlob, encryptionContext: {} })
    expect(Buffer.from(plaintext).toString()).toBe('p')
  }
  expect(Buffer.from((await serviceKeys.unwrap('sse-s3', filled.wrapped, CONTEXT)).bytes())).toEqual(filled.dataKey)
}

test('whatever there is, all of it comes back after a rotation, with the new version alone', async () => {
  const texts = fc.array(fc.string({ unit: 'binary', maxLength: 50 }), { minLength: 1, maxLength: 200 })
  await fc.assert(
    fc.asyncProperty(texts, async (some) => {
      await rm(join(dataDir, 'root-key.ring'), { force: true })
      const catalog = new CrashingCatalog()
      const first = await open(catalog)
      const filled = await fill(first, some)
      expect(await first.rotation.start({ endSessions: true })).toEqual({ state: 'done', version: 2 })
      await expectAll(first, filled)
      // Another process has no memory of what was open before.
      const next = await open(catalog)
      expect(next.ring.export().versions.map(({ version }) => version)).toEqual([2])
      await expectAll(next, filled)
    }),
    { numRuns: 10 },
  )
})

test('cut off at any step, everything opens at once, and the next start ends it', async () => {
  let ended = 0
  for (let steps = 0; ended === 0; steps++) {
    await rm(join(dataDir, 'root-key.ring'), { force: true })
    const catalog = new CrashingCatalog()
    const first = await open(catalog)
    // More than two batches.
    const filled = await fill(
      first,
      Array.from({ length: 70 }, (_, i) => `text ${i}`),
    )
    catalog.crashes.after(steps)
    const end = await first.rotation.start({ endSessions: true }).catch((error: Error) => error.message)
    if (end !== 'crash') ended = steps
    catalog.crashes.after(Number.POSITIVE_INFINITY)
    const next = await open(catalog)
    await expectAll(next, filled)
    const wasBegun = next.ring.export().versions.length > 1 || next.ring.sealing.version > 1
    expect(await next.rotation.resume()).toEqual({ state: 'done', version: wasBegun ? 2 : 1 })
    await expectAll(await open(catalog), filled)
  }
  // Three writes of the ring and as many ways to the workers, before and after each, and three batches.
  expect(ended).toBe(3 * 2 + 3 * 2 + 3)
})

test('workers that write meanwhile lose nothing, and what they write stays', async () => {
  const catalog = new CrashingCatalog()
  const worker = await open(catalog)
  const filled = await fill(worker, ['a', 'b', 'c'])
  const primary = await open(catalog, [worker])
  let isOver = false
  let written = 0
  const writing = (async () => {
    for (; !isOver; written++) {
      await new Promise(setImmediate)
      await worker.records.commit([], [worker.records.put(note, name(`w${written}`), { text: `${written}` })])
      // Read, then written back: carries material as it was read.
      const [key] = await worker.kms.keys.listKeys(call, undefined, 1)
      await worker.kms.keys.updateDescription(call, key!.keyId, `${written}`)
    }
  })()
  for (let version = 2; version < 8; version++) {
    expect(await primary.rotation.start({ endSessions: true })).toEqual({ state: 'done', version })
  }
  isOver = true
  await writing
  const next = await open(catalog)
  await expectAll(next, filled)
  expect(written).toBeGreaterThan(10)
  for (let i = 0; i < written; i++) {
    expect((await next.records.get(note, name(`w${i}`)))?.value).toEqual({ text: `${i}` })
  }
})

test('a mutation that was made before the new version seals is sealed by it when it is committed', async () => {
  const catalog = new CrashingCatalog()
  const worker = await open(catalog)
  const primary = await open(catalog, [worker])
  const early = worker.records.put(note, name('early'), { text: 'early' })
  await primary.rotation.start({ endSessions: true })
  await worker.records.commit([], [early])
  expect((await (await open(catalog)).records.get(note, name('early')))?.value).toEqual({ text: 'early' })
})

test('the old version stays as long as a session that it sealed may, also over a start', async () => {
  const catalog = new CrashingCatalog()
  const first = await open(catalog)
  const filled = await fill(first, ['a'])
  const waiting: RotationEnd = { state: 'waiting', version: 2, untilMs: nowMs + 36 * HOUR_MS + MINUTE_MS }
  expect(await first.rotation.start({ endSessions: false })).toEqual(waiting)
  expect(first.rotation.isDue).toBe(false)
  nowMs += 36 * HOUR_MS + MINUTE_MS - 1
  const next = await open(catalog)
  expect(await next.rotation.resume()).toEqual(waiting)
  nowMs += 1
  expect(next.rotation.isDue).toBe(true)
  expect(await next.rotation.resume()).toEqual({ state: 'done', version: 2 })
  await expectAll(next, filled)
})

test('a record that does not open keeps the old version, and is named', async () => {
  const catalog = new CrashingCatalog()
  const first = await open(catalog)
  await fill(first, ['a'])
  const [entry] = await catalog.getMany([name('10')])
  const flipped = Uint8Array.from(entry!.value)
  flipped[20]! ^= 1
  await catalog.commit([], [{ key: name('10'), value: flipped }])
  const end = await first.rotation.start({ endSessions: true })
  expect(end).toEqual({ state: 'damaged', version: 2, places: ['rotated note 3130'] })
  await catalog.commit([], [{ key: name('10'), value: undefined }])
  expect(await first.rotation.resume()).toEqual({ state: 'done', version: 2 })
})

test('nobody seals with a version before everybody opens with it, nor misses one that is still used', async () => {
  const catalog = new CrashingCatalog()
  const seen: [sealing: number, versions: number[]][] = []
  const other = await open(catalog)
  const first = await open(catalog, [
    { ...other, take: ({ sealing, versions }) => seen.push([sealing, versions.map(({ version }) => version)]) },
  ])
  await first.rotation.start({ endSessions: true })
  expect(seen).toEqual([
    [1, [1, 2]],
    [2, [1, 2]],
    [2, [2]],
  ])
})

test('a server that stops does not wait for the end, and the next start goes on', async () => {
  const catalog = new CrashingCatalog()
  const first = await open(catalog)
  const filled = await fill(first, ['a'])
  const running = first.rotation.start({ endSessions: true })
  const stopped = first.rotation.stop()
  await expect(running).rejects.toThrow(RotationStopped)
  await stopped
  const next = await open(catalog)
  await expectAll(next, filled)
  expect(await next.rotation.resume()).toEqual({ state: 'done', version: 2 })
})

test('two do not run at once', async () => {
  const first = await open(new CrashingCatalog())
  const running = first.rotation.start({ endSessions: true })
  await expect(first.rotation.start({ endSessions: true })).rejects.toThrow(/under way/)
  expect(await running).toEqual({ state: 'done', version: 2 })
})
