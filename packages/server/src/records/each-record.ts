/** Goes through all records of a kind, a page at a time. */
import { isFault } from '../core/fault.ts'
import { nameAfter } from './names.ts'
import type { RecordKind, RecordStore, Stored } from './record-store.ts'

export const ALL_NAMES = { gte: new Uint8Array(0), lt: new Uint8Array([0xff]) }

/** Every record of a range; one that does not open is reported by its place and passed over. */
export async function* eachRecord<T>(
  records: RecordStore,
  kind: RecordKind<T>,
  range: { readonly gte: Uint8Array; readonly lt: Uint8Array },
  report: (problem: string) => void,
): AsyncIterable<Stored<T>> {
  let gte = range.gte
  for (;;) {
    const page = await records.names(kind, { gte, lt: range.lt, limit: 1000 })
    for (const name of page) {
      try {
        const stored = await records.get(kind, name)
        if (stored) yield stored
      } catch (error) {
        if (!isFault(error, 'Damaged')) throw error
        report(error.detail.what)
      }
    }
    if (page.length < 1000) return
    gte = nameAfter(page.at(-1)!)
  }
}
