import { nameAfter, prefixEnd } from '../records/names.ts'
import type { RecordKind, RecordStore, Stored } from '../records/record-store.ts'

/** Every record whose name begins with `prefix`, in order, read a batch at a time. */
export async function* each<T>(
  records: RecordStore,
  kind: RecordKind<T>,
  prefix: Uint8Array,
): AsyncGenerator<Stored<T>> {
  const lt = prefix.length === 0 ? EVERY_NAME_IS_BELOW : prefixEnd(prefix)
  for (let gte = prefix; ; ) {
    const page = await records.range(kind, { gte, lt, limit: BATCH })
    yield* page
    if (page.length < BATCH) return
    gte = nameAfter(page.at(-1)!.name)
  }
}

const BATCH = 500
const EVERY_NAME_IS_BELOW = new Uint8Array([0xff])
