/**
 * The catalog on LMDB. Several processes may open one folder.
 *
 * `overlappingSync: false` makes a commit's promise wait for its fdatasync; commits that arrive together share one
 * (group commit). Checks run inside LMDB's write transaction, which one process holds at a time.
 * See docs/decisions/0002-catalog-lmdb.md.
 */
import { chmod, mkdir, open as openFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { open, type RootDatabase } from 'lmdb'
import { syncFolder } from '../core/durable-file.ts'
import type { Catalog, CatalogEntry, Check, Mutation, RangeQuery } from './catalog.ts'
import { newEntryVersion } from './entry-version.ts'

/** Told how long each commit took until it was durable, or until it was known that a check had failed. */
export type CommitObserver = (seconds: number) => void

export class LmdbCatalog implements Catalog {
  readonly #db: RootDatabase<Buffer, Buffer>
  readonly #committed: CommitObserver | undefined

  private constructor(db: RootDatabase<Buffer, Buffer>, committed?: CommitObserver) {
    this.#db = db
    this.#committed = committed
  }

  static async open(dir: string, committed?: CommitObserver): Promise<LmdbCatalog> {
    await mkdir(dir, { recursive: true, mode: 0o700 })
    return new LmdbCatalog(open({ path: join(dir, CATALOG_FILE), ...OPTIONS }), committed)
  }

  /** Reads a catalog that nobody else uses, such as a copy, and leaves no trace in its folder. */
  static async read<T>(dir: string, use: (catalog: Catalog) => Promise<T>): Promise<T> {
    const catalog = new LmdbCatalog(open({ path: join(dir, CATALOG_FILE), readOnly: true, ...OPTIONS }))
    try {
      return await use(catalog)
    } finally {
      await catalog.close()
      await rm(join(dir, `${CATALOG_FILE}-lock`), { force: true })
    }
  }

  /**
   * Writes a copy of one moment after the call into a new folder, durably. Commits go on meanwhile. Pages that were freed
   * are left out.
   */
  async copyTo(dir: string): Promise<void> {
    await mkdir(dir, { recursive: true, mode: 0o700 })
    const path = join(dir, CATALOG_FILE)
    // Without compaction LMDB would take the writers' lock for a while.
    await this.#db.backup(path, true)
    await chmod(path, 0o600)
    const file = await openFile(path, 'r+')
    try {
      await file.sync()
    } finally {
      await file.close()
    }
    await syncFolder(dir)
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(CatalogEntry | undefined)[]> {
    // Reads within one turn share LMDB's read transaction, and so one snapshot; a fresh one sees what other processes
    // have committed up to now.
    this.#db.resetReadTxn()
    return keys.map((key) => {
      const entry = entryOf(this.#db, key)
      return entry && { key, value: entry.value, version: entry.version! }
    })
  }

  async range({ gte, lt, limit, reverse }: RangeQuery): Promise<CatalogEntry[]> {
    const [from, to] = [boundOf(gte), boundOf(lt)]
    const bounds = reverse
      ? { start: to.key, exclusiveStart: !to.isCut, end: from.key, inclusiveEnd: !from.isCut, reverse: true }
      : { start: from.key, exclusiveStart: from.isCut, end: to.key, inclusiveEnd: to.isCut }
    const found: CatalogEntry[] = []
    this.#db.resetReadTxn()
    for (const entry of this.#db.getRange({ ...bounds, limit, versions: true, snapshot: true })) {
      found.push({ key: entry.key, value: entry.value, version: entry.version! })
    }
    return found
  }

  async commit(checks: readonly Check[], mutations: readonly Mutation[]): Promise<boolean> {
    const beganMs = performance.now()
    const applied = await this.#apply(checks, mutations)
    this.#committed?.((performance.now() - beganMs) / 1000)
    return applied
  }

  #apply(checks: readonly Check[], mutations: readonly Mutation[]): Promise<boolean> {
    const db = this.#db
    return db.transaction(() => {
      for (const { key, version } of checks) if (entryOf(db, key)?.version !== version) return false
      for (const { key, value } of mutations) {
        if (value === undefined) db.remove(buffer(key))
        else db.put(buffer(key), buffer(value), newEntryVersion())
      }
      return true
    })
  }

  async close(): Promise<void> {
    await this.#db.close()
  }
}

/** No entry has a key that LMDB cannot keep; whoever asks for one may have it from a stranger. */
const entryOf = (db: RootDatabase<Buffer, Buffer>, key: Uint8Array) =>
  key.length > MAX_KEY_BYTES ? undefined : db.getEntry(buffer(key))

/** A key that is too long lies right after the longest one that it begins with. */
const boundOf = (key: Uint8Array) => ({
  key: buffer(key.subarray(0, MAX_KEY_BYTES)),
  isCut: key.length > MAX_KEY_BYTES,
})

/** Of lmdb-js, with its usual pages of 4 KiB. */
const MAX_KEY_BYTES = 1978

export const CATALOG_FILE = 'catalog.mdb'

const OPTIONS = {
  encoding: 'binary',
  keyEncoding: 'binary',
  useVersions: true,
  overlappingSync: false,
  // Values are sealed already and do not compress.
  compression: false,
} as const

const buffer = (bytes: Uint8Array): Buffer =>
  bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
