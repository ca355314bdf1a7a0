/**
 * Records: typed values in the catalog, sealed and bound to their names (docs/formats/records.md).
 *
 * A record's catalog key is its kind's one-letter prefix followed by its name, in clear, since listing needs the order.
 * Its value is JSON, encrypted and authenticated with XAES-256-GCM under a key derived from the store key, with the
 * catalog key and the format version as associated data: a value moved to another name does not open.
 */
import { SealError } from '@strongroom/crypto'
import { Fault } from '../core/fault.ts'
import { Recent } from '../core/recent.ts'
import type { SealingKey } from '../root-key/store-key.ts'
import type { Catalog, CatalogEntry, Check, EntryVersion, Mutation } from '../storage/catalog.ts'
import { name as joined } from './names.ts'
import { RecordSealer } from './record-sealer.ts'

/** One kind of record. Made with {@link defineRecord}. `T` is what the JSON holds. */
export interface RecordKind<T> {
  readonly label: string
  /** One ASCII letter, unique among the kinds. */
  readonly prefix: string
  readonly formatVersion: number
  /** Opened values are remembered by entry version; they must not be changed by whoever gets them. */
  readonly cached: boolean
  /** Its values are bytes, stored as they are, and not sealed here. */
  readonly raw: boolean
  /** Only says which type the kind has. */
  readonly value?: T
}

export interface Stored<T> {
  readonly name: Uint8Array
  readonly value: T
  readonly version: EntryVersion
}

export interface RecordRange {
  /** Bounds on names, without the prefix. */
  readonly gte: Uint8Array
  readonly lt: Uint8Array
  readonly limit: number
  readonly reverse?: boolean
}

export type RecordKey<T> = readonly [kind: RecordKind<T>, name: Uint8Array]

/** Throws where another kind has the prefix already. */
export function defineRecord<T>(kind: {
  label: string
  prefix: string
  formatVersion: number
  cached?: boolean
  raw?: boolean
}): RecordKind<T> {
  const taken = kinds.get(kind.prefix)
  if (taken !== undefined)
    throw new Error(`records of ${taken.label} and ${kind.label} share the prefix ${kind.prefix}`)
  const defined = { cached: false, raw: false, ...kind }
  kinds.set(kind.prefix, defined)
  return defined
}

/** The kind of a record by its catalog key; undefined where no kind has the prefix. */
export const kindOf = (catalogKey: Uint8Array): RecordKind<unknown> | undefined =>
  kinds.get(String.fromCharCode(catalogKey[0]!))

const kinds = new Map<string, RecordKind<unknown>>()

export class RecordStore {
  readonly catalog: Catalog
  readonly sealer: RecordSealer
  readonly #cache = new Recent<{ version: EntryVersion; value: unknown }>(CACHED_RECORDS)
  /** Of all places. */
  readonly #committing: Set<Promise<unknown>>
  readonly #place: Uint8Array

  /** `recordKey`: derived from the store key; or a store of which this is another place. */
  constructor(catalog: Catalog, recordKey: SealingKey | RecordStore, place: Uint8Array = NOWHERE) {
    const isPlace = recordKey instanceof RecordStore
    this.catalog = catalog
    this.sealer = isPlace ? recordKey.sealer : new RecordSealer(recordKey)
    this.#committing = isPlace ? recordKey.#committing : new Set()
    this.#place = isPlace ? joined(recordKey.#place, place) : place
  }

  /**
   * The same kinds of records in another place: all names there begin with `place`, which whoever uses them need not know.
   * Checks and mutations of several places may be committed together.
   */
  within(place: Uint8Array): RecordStore {
    return new RecordStore(this.catalog, this, place)
  }

  /** Throws Fault 'Damaged' where the stored bytes do not authenticate. */
  async get<T>(kind: RecordKind<T>, name: Uint8Array): Promise<Stored<T> | undefined> {
    const [entry] = await this.catalog.getMany([this.#catalogKey(kind, name)])
    return entry && this.#open(kind, name, entry)
  }

  /** Two records from one snapshot. */
  async getBoth<A, B>(a: RecordKey<A>, b: RecordKey<B>): Promise<[Stored<A> | undefined, Stored<B> | undefined]> {
    const [first, second] = await this.catalog.getMany([this.#catalogKey(...a), this.#catalogKey(...b)])
    return [first && this.#open(a[0], a[1], first), second && this.#open(b[0], b[1], second)]
  }

  async range<T>(kind: RecordKind<T>, range: RecordRange): Promise<Stored<T>[]> {
    const entries = await this.#entries(kind, range)
    return entries.map((entry) => this.#open(kind, this.#nameOf(entry), entry))
  }

  /** Names only, without opening the values. */
  async names(kind: RecordKind<unknown>, range: RecordRange): Promise<Uint8Array[]> {
    return (await this.#entries(kind, range)).map((entry) => this.#nameOf(entry))
  }

  /** Names and versions only, without opening the values. */
  async versions(
    kind: RecordKind<unknown>,
    range: RecordRange,
  ): Promise<{ readonly name: Uint8Array; readonly version: EntryVersion }[]> {
    return (await this.#entries(kind, range)).map((entry) => ({ name: this.#nameOf(entry), version: entry.version }))
  }

  /** Bytes that are sealed already, as `putBytes` stored them. */
  async getBytes(kind: RecordKind<Uint8Array>, name: Uint8Array): Promise<Uint8Array | undefined> {
    const [entry] = await this.catalog.getMany([this.#catalogKey(kind, name)])
    return entry?.value
  }

  /** Holds while the record is still the one that was read. */
  unchanged<T>(kind: RecordKind<T>, stored: Stored<T>): Check {
    return { key: this.#catalogKey(kind, stored.name), version: stored.version }
  }

  /** Holds while what was read (or found absent) under this name is still so. */
  still<T>(kind: RecordKind<T>, name: Uint8Array, stored: Stored<T> | undefined): Check {
    return { key: this.#catalogKey(kind, name), version: stored?.version }
  }

  /** Sealed when it is committed, and so by the version of the store key that seals then. */
  put<T>(kind: RecordKind<T>, name: Uint8Array, value: T): Mutation {
    const key = this.#catalogKey(kind, name)
    const { sealer } = this
    return {
      key,
      get value() {
        return sealer.seal(key, kind.formatVersion, Buffer.from(JSON.stringify(value)))
      },
    }
  }

  putBytes(kind: RecordKind<Uint8Array>, name: Uint8Array, value: Uint8Array): Mutation {
    return { key: this.#catalogKey(kind, name), value }
  }

  remove(kind: RecordKind<unknown>, name: Uint8Array): Mutation {
    return { key: this.#catalogKey(kind, name), value: undefined }
  }

  /** As {@link Catalog.commit}. */
  async commit(checks: readonly Check[], mutations: readonly Mutation[]): Promise<boolean> {
    const sealed = mutations.map(({ key, value }) => ({ key, value }))
    const committing = this.catalog.commit(checks, sealed)
    this.#committing.add(committing)
    try {
      return await committing
    } finally {
      this.#committing.delete(committing)
    }
  }

  /** Waits for the commits under way. What is committed later is sealed later. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#committing])
  }

  #entries(kind: RecordKind<unknown>, { gte, lt, limit, reverse }: RecordRange): Promise<CatalogEntry[]> {
    return this.catalog.range({
      gte: this.#catalogKey(kind, gte),
      lt: this.#catalogKey(kind, lt),
      limit,
      reverse: reverse ?? false,
    })
  }

  #open<T>(kind: RecordKind<T>, name: Uint8Array, entry: CatalogEntry): Stored<T> {
    if (!kind.cached) return { name, value: this.#decode(kind, name, entry), version: entry.version }
    // The entry itself was read just now, so a remembered value of the same version cannot be out of date.
    const id = kind.prefix + Buffer.from(name).toString('latin1')
    const known = this.#cache.get(id)
    if (known?.version === entry.version) return { name, value: known.value as T, version: entry.version }
    const value = this.#decode(kind, name, entry)
    this.#cache.set(id, { version: entry.version, value })
    return { name, value, version: entry.version }
  }

  #decode<T>(kind: RecordKind<T>, name: Uint8Array, { value }: CatalogEntry): T {
    const where = `record ${kind.label} ${Buffer.from(name).toString('hex')}`
    try {
      const opened = this.sealer.open(this.#catalogKey(kind, name), kind.formatVersion, value)
      return JSON.parse(Buffer.from(opened.buffer, opened.byteOffset, opened.length).toString('utf8')) as T
    } catch (error) {
      if (error instanceof SealError) throw new Fault('Damaged', { what: where }, { cause: error })
      throw error
    }
  }

  #catalogKey(kind: RecordKind<unknown>, name: Uint8Array): Uint8Array {
    const nameAt = 1 + this.#place.length
    const key = Buffer.allocUnsafe(nameAt + name.length)
    key[0] = kind.prefix.charCodeAt(0)
    key.set(this.#place, 1)
    key.set(name, nameAt)
    return key
  }

  #nameOf({ key }: CatalogEntry): Uint8Array {
    return key.subarray(1 + this.#place.length)
  }
}

const CACHED_RECORDS = 10_000
const NOWHERE = new Uint8Array(0)
