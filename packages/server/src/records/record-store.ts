/**
 * Records: typed values in the catalog, sealed and bound to their names.
 *
 * A record's catalog key is its type's one-byte prefix followed by its name, in clear, since listing needs the order.
 * Its value is encrypted and authenticated (XAES-256-GCM under a key derived from the root key) with the catalog key
 * and the format version as associated data, so a value moved to another name does not open.
 */
import type { Catalog, CatalogEntry, Check, EntryVersion, Mutation } from '../storage/catalog.ts'

/** Declares one kind of record. Make them with `defineRecord`; the table of all stands in `records/kinds.ts`. */
export interface RecordKind<T> {
  readonly label: string
  /** One ASCII letter, unique among the kinds. */
  readonly prefix: string
  readonly formatVersion: number
  /** From the JSON value of `formatVersion` or an older one, to today's. */
  upgrade(value: unknown, formatVersion: number): T
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

export interface RecordStore {
  /** Throws Fault 'Damaged' where the stored bytes do not authenticate. */
  get<T>(kind: RecordKind<T>, name: Uint8Array): Promise<Stored<T> | undefined>
  /** Several records of possibly different kinds from one snapshot. */
  getMany<T extends readonly RecordKey<unknown>[]>(
    keys: readonly [...T],
  ): Promise<{ [I in keyof T]: T[I] extends RecordKey<infer V> ? Stored<V> | undefined : never }>
  range<T>(kind: RecordKind<T>, range: RecordRange): Promise<Stored<T>[]>

  /** Opaque bytes under a kind's prefix, for values that are sealed already (small sealed bodies). */
  getBytes(kind: RecordKind<Uint8Array>, name: Uint8Array): Promise<Uint8Array | undefined>

  check<T>(kind: RecordKind<T>, stored: Stored<T>): Check
  checkAbsent(kind: RecordKind<never> | RecordKind<unknown>, name: Uint8Array): Check
  put<T>(kind: RecordKind<T>, name: Uint8Array, value: T): Mutation
  putBytes(kind: RecordKind<Uint8Array>, name: Uint8Array, value: Uint8Array): Mutation
  remove(kind: RecordKind<unknown>, name: Uint8Array): Mutation
  /** As {@link Catalog.commit}. */
  commit(checks: readonly Check[], mutations: readonly Mutation[]): Promise<boolean>

  /** Names only, without opening values. */
  names(kind: RecordKind<unknown>, range: RecordRange): Promise<CatalogEntry[]>
  readonly catalog: Catalog
}

export interface RecordKey<T> {
  readonly kind: RecordKind<T>
  readonly name: Uint8Array
}
