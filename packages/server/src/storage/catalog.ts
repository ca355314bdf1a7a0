/**
 * The catalog: an ordered key-value space, the only truth of the store.
 *
 * Keys and values are bytes; keys order bytewise (memcmp), are 1 to 1,978 bytes long, and values have no limit below
 * 16 MiB. Every entry has a version that changes with each write of its key and never returns, also not after a remove.
 * All methods may be called concurrently and from several processes over one catalog. No caller code runs inside a
 * transaction. Returned arrays belong to the caller.
 */
export interface Catalog {
  /** Entries in the order of `keys`, `undefined` where there is none; all from one snapshot. */
  getMany(keys: readonly Uint8Array[]): Promise<(CatalogEntry | undefined)[]>

  /** Entries with `gte <= key < lt` in order (or in reverse order), at most `limit`, all from one snapshot. */
  range(query: RangeQuery): Promise<CatalogEntry[]>

  /**
   * Applies all `mutations` or none. Resolves true when every check held and the mutations are durable on disk;
   * false when a check failed, in which case nothing was written. Rejects only when the outcome is unknown or storage failed.
   */
  commit(checks: readonly Check[], mutations: readonly Mutation[]): Promise<boolean>

  /** Waits for commits under way, then frees the catalog. Calls after it reject. */
  close(): Promise<void>
}

export type EntryVersion = number

export interface CatalogEntry {
  readonly key: Uint8Array
  readonly value: Uint8Array
  readonly version: EntryVersion
}

export interface RangeQuery {
  readonly gte: Uint8Array
  readonly lt: Uint8Array
  readonly limit: number
  readonly reverse?: boolean
}

/** Holds while the key's entry has exactly this version; `undefined`: while there is no entry. */
export interface Check {
  readonly key: Uint8Array
  readonly version: EntryVersion | undefined
}

/** `value` undefined removes the key (removing an absent key is no error). */
export interface Mutation {
  readonly key: Uint8Array
  readonly value: Uint8Array | undefined
}
