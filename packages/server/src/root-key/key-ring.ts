/**
 * The key ring of a data folder: makes it at first start, opens it, and changes it a step at a time. Each step is one
 * durable write of the file, so a crash leaves the ring before the step or after it.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { deriveKey } from '@strongroom/crypto/node'
import type { Clock } from '../core/clock.ts'
import { readIfPresent } from '../core/durable-file.ts'
import { OLD_SALT_FILE } from './local-providers.ts'
import { RootKeyError, type RootKeyProvider, type WrapContext } from './provider.ts'
import { FORMAT, type RingFile, type RingVersion, readRing, ringPath, sealingOf, writeRing } from './ring-file.ts'
import { type ExportedStoreKey, StoreKey } from './store-key.ts'

export interface RingOptions {
  readonly dataDir: string
  readonly provider: RootKeyProvider
  readonly clock: Clock
  /** Whether the folder holds records already, so that a ring that is not there is missing and must not be made. */
  readonly hasRecords: boolean
  /** For those who only look: a ring that is not there yet is not written. */
  readonly readOnly?: boolean
  readonly write?: typeof writeRing
}

export class KeyRing {
  readonly #dataDir: string
  readonly #clock: Clock
  readonly #write: typeof writeRing
  #provider: RootKeyProvider
  #file: RingFile
  readonly #opened: Map<number, Uint8Array>

  private constructor(options: RingOptions, file: RingFile, opened: Map<number, Uint8Array>) {
    this.#dataDir = options.dataDir
    this.#clock = options.clock
    this.#write = options.write ?? writeRing
    this.#provider = options.provider
    this.#file = file
    this.#opened = opened
  }

  /**
   * Opens the ring; makes it where the folder is new or of the time before there were rings.
   * Throws RootKeyError and RootKeyUnreachable.
   */
  static async open(options: RingOptions): Promise<KeyRing> {
    const { dataDir, provider, readOnly = false } = options
    const file = await readRing(dataDir)
    if (file) {
      const opened = new Map<number, Uint8Array>()
      for (const entry of file.versions) opened.set(entry.version, await unwrap(provider, file, entry, dataDir))
      if (!readOnly) await removeTracesOfOld(dataDir)
      return new KeyRing(options, file, opened)
    }
    const old = await rootKeyOfOld(dataDir, provider)
    if (!old && options.hasRecords) {
      throw new RootKeyError(`${ringPath(dataDir)} is missing: restore it from a backup`)
    }
    // What was sealed before there were versions names none, and counts as version 1.
    const key = old ?? randomBytes(32)
    const nowMs = options.clock.nowMs()
    const empty: RingFile = {
      format: FORMAT,
      storeId: randomBytes(16).toString('hex'),
      wrappedBy: provider.description,
      versions: [],
    }
    const first = { version: 1, createdAtMs: nowMs, sealsSinceMs: nowMs }
    const ring = new KeyRing(options, empty, new Map([[1, key]]))
    if (readOnly) ring.#file = { ...empty, versions: [{ ...first, wrapped: '' }] }
    else {
      await mkdir(dataDir, { recursive: true, mode: 0o700 })
      await ring.#save({ versions: [{ ...first, wrapped: await wrap(provider, key, contextOf(empty, 1)) }] })
      await removeTracesOfOld(dataDir)
    }
    return ring
  }

  /** What stands in the file. */
  get file(): RingFile {
    return this.#file
  }

  get sealing(): RingVersion {
    return sealingOf(this.#file)
  }

  /** A version that opens and does not seal yet; undefined: there is none. */
  get coming(): RingVersion | undefined {
    return this.#file.versions.find(({ version }) => version > this.sealing.version)
  }

  /** Versions that only open what they sealed, oldest first. */
  get old(): readonly RingVersion[] {
    return this.#file.versions.filter(({ version }) => version < this.sealing.version)
  }

  export(): ExportedStoreKey {
    const versions = [...this.#opened].map(([version, bytes]) => ({
      version,
      key: Buffer.from(bytes).toString('base64'),
    }))
    return { sealing: this.sealing.version, versions }
  }

  storeKey(): StoreKey {
    return new StoreKey(this.export())
  }

  /**
   * First step of a rotation: a new version, which opens. Where another provider is given, it wraps all versions from
   * now on. Nothing where a new version is there already that does not seal yet, and the provider stays.
   */
  async add({ to, endSessions }: { readonly to?: RootKeyProvider | undefined; readonly endSessions: boolean }) {
    const { versions, storeId } = this.#file
    const provider = to ?? this.#provider
    // Before anything is wrapped anew: that it is still the same root key.
    if (!to) (await unwrap(provider, this.#file, this.sealing, this.#dataDir)).fill(0)
    const keys = new Map(this.#opened)
    const next: Omit<RingVersion, 'wrapped'>[] = [...versions]
    if (!this.coming) {
      const version = this.sealing.version + 1
      keys.set(version, randomBytes(32))
      next.push({ version, createdAtMs: this.#clock.nowMs() })
    }
    const wrapped: RingVersion[] = []
    for (const entry of next) {
      const present = versions.find(({ version }) => version === entry.version)
      const isToBeWrapped = to !== undefined || !present
      wrapped.push({
        ...entry,
        wrapped: isToBeWrapped
          ? await wrap(provider, keys.get(entry.version)!, contextOf({ storeId }, entry.version))
          : present.wrapped,
      })
    }
    await this.#save({
      wrappedBy: provider.description,
      versions: wrapped,
      ...(endSessions && { endSessions: true as const }),
    })
    this.#provider = provider
    for (const [version, bytes] of keys) this.#opened.set(version, bytes)
  }

  /** Second step, once everybody can open with it: the new version seals. */
  async startSealing(): Promise<void> {
    const version = this.coming?.version
    const sealsSinceMs = this.#clock.nowMs()
    await this.#save({
      versions: this.#file.versions.map((entry) => (entry.version === version ? { ...entry, sealsSinceMs } : entry)),
    })
  }

  /** Last step, once nothing is sealed by them: the versions are no more. */
  async remove(gone: readonly RingVersion[]): Promise<void> {
    const numbers = new Set(gone.map(({ version }) => version))
    const { endSessions, ...rest } = this.#file
    const versions = rest.versions.filter(({ version }) => !numbers.has(version))
    const lasts = endSessions && versions.length > 1
    await this.#replace({ ...rest, versions, ...(lasts && { endSessions }) })
    for (const version of numbers) {
      this.#opened.get(version)?.fill(0)
      this.#opened.delete(version)
    }
  }

  async #save(change: Partial<RingFile>): Promise<void> {
    await this.#replace({ ...this.#file, ...change })
  }

  async #replace(file: RingFile): Promise<void> {
    await this.#write(this.#dataDir, file)
    this.#file = file
  }
}

const contextOf = ({ storeId }: Pick<RingFile, 'storeId'>, version: number): WrapContext => ({
  'strongroom:store': storeId,
  'strongroom:version': String(version),
})

/** Wraps, and makes sure that it opens again before anything depends on it. */
async function wrap(provider: RootKeyProvider, key: Uint8Array, context: WrapContext): Promise<string> {
  const wrapped = await provider.wrap(key, context)
  const opened = await provider.unwrap(wrapped, context)
  const isSame = opened.length === key.length && timingSafeEqual(opened, key)
  opened.fill(0)
  if (!isSame) throw new RootKeyError(`${provider.description} does not give back what it wrapped`)
  return Buffer.from(wrapped).toString('base64')
}

async function unwrap(
  provider: RootKeyProvider,
  file: RingFile,
  { version, wrapped }: RingVersion,
  dataDir: string,
): Promise<Uint8Array> {
  try {
    return await provider.unwrap(Buffer.from(wrapped, 'base64'), contextOf(file, version))
  } catch (error) {
    if (!(error instanceof RootKeyError)) throw error
    const was = file.wrappedBy === provider.description ? '' : `, which ${file.wrappedBy} wrapped`
    throw new RootKeyError(
      `${provider.description} does not open the ring of ${dataDir}${was}: this is not the root key that it was made with (${error.message})`,
      { cause: error },
    )
  }
}

/** Data folders of the time before rings hold an HMAC that only the right root key gives. */
const OLD_CHECK_FILE = 'root-key.check'

/** The root key of such a folder; undefined where it is none. */
async function rootKeyOfOld(dataDir: string, provider: RootKeyProvider): Promise<Uint8Array | undefined> {
  const known = await readIfPresent(join(dataDir, OLD_CHECK_FILE))
  if (known === undefined) return undefined
  if (!provider.rootKeyOfOld) {
    throw new RootKeyError(
      `${dataDir} is of a version that knew root keys in a file, a variable or by passphrase only: start it with that once`,
    )
  }
  const rootKey = await provider.rootKeyOfOld(dataDir)
  const check = createHmac('sha256', deriveKey(rootKey, 'strongroom root check')).update('strongroom').digest()
  const expected = Buffer.from(known, 'base64')
  if (expected.length !== check.length || !timingSafeEqual(expected, check)) {
    throw new RootKeyError(`this is not the root key that ${dataDir} was made with`)
  }
  return rootKey
}

async function removeTracesOfOld(dataDir: string): Promise<void> {
  for (const file of [OLD_CHECK_FILE, OLD_SALT_FILE]) await rm(join(dataDir, file), { force: true })
}
