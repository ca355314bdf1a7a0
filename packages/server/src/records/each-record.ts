/** Goes through all records of a kind, a page at a time. */
import { isFault } from '../core/fault.ts'
import type { Catalog } from '../storage/catalog.ts'
import { name, nameAfter, prefixEnd } from './names.ts'
import type { RecordKind, RecordRange, RecordStore, Stored } from './record-store.ts'

/** Every record whose name begins with `prefix`, in order; all of the kind without one. */
export async function* each<T>(
  records: RecordStore,
  kind: RecordKind<T>,
  prefix: Uint8Array = ALL_NAMES.gte,
): AsyncGenerator<Stored<T>> {
  yield* eachIn(records, kind, { gte: prefix, lt: prefix.length === 0 ? ALL_NAMES.lt : prefixEnd(prefix) })
}

/** Every record whose name is in a range, in order. */
export async function* eachIn<T>(
  records: RecordStore,
  kind: RecordKind<T>,
  { gte, lt }: Pick<RecordRange, 'gte' | 'lt'>,
): AsyncGenerator<Stored<T>> {
  for (let from = gte; ; ) {
    const page = await records.range(kind, { gte: from, lt, limit: PAGE })
    yield* page
    if (page.length < PAGE) return
    from = nameAfter(page.at(-1)!.name)
  }
}

/** As `each`, of a range; a record that does not open is reported by its place and passed over. */
export async function* eachRecord<T>(
  records: RecordStore,
  kind: RecordKind<T>,
  range: { readonly gte: Uint8Array; readonly lt: Uint8Array },
  report: (problem: string) => void,
): AsyncIterable<Stored<T>> {
  let gte = range.gte
  for (;;) {
    const page = await records.names(kind, { gte, lt: range.lt, limit: PAGE })
    for (const name of page) {
      try {
        const stored = await records.get(kind, name)
        if (stored) yield stored
      } catch (error) {
        if (!isFault(error, 'Damaged')) throw error
        report(error.detail.what)
      }
    }
    if (page.length < PAGE) return
    gte = nameAfter(page.at(-1)!)
  }
}

/** The names of all records of a kind that stand in no place of their own, in order. They are in clear: no key is needed. */
export async function* eachName(catalog: Catalog, { prefix }: RecordKind<unknown>): AsyncGenerator<Uint8Array> {
  const all = name(prefix)
  for (let gte = all; ; ) {
    const page = await catalog.range({ gte, lt: prefixEnd(all), limit: PAGE })
    for (const { key } of page) yield key.subarray(1)
    if (page.length < PAGE) return
    gte = nameAfter(page.at(-1)!.key)
  }
}

/** Of kinds whose names begin with text, in which no byte is 0xff. */
export const ALL_NAMES = { gte: new Uint8Array(0), lt: new Uint8Array([0xff]) }
const PAGE = 500
