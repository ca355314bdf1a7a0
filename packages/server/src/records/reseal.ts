/**
 * Seals anew, with the version of the store key that seals now, whatever an older version sealed: one pass over all
 * records, in bounded batches, each committed only where its records are still those that were read. Others may write
 * meanwhile; what they write is sealed by the new version already, but may carry material that was read before, so a
 * pass counts what it found, and only one that found nothing says that all is done.
 */
import { SealError } from '@strongroom/crypto'
import type { CatalogEntry, Mutation } from '../storage/catalog.ts'
import { nameAfter } from './names.ts'
import { kindOf, type RecordKind, type RecordStore } from './record-store.ts'

/** A kind whose values hold material that is wrapped under the store key itself. */
export interface RecordRewrap<T> {
  readonly kind: RecordKind<T>
  /** The value with its material wrapped by the version that seals now; the very same value where it is so. */
  rewrapped(value: T, name: Uint8Array): T
}

export interface ResealPass {
  /** Records looked at. */
  seen: number
  /** Those that were not sealed by the version that seals now. */
  stale: number
  /** Places of records that do not open, and so cannot be sealed anew. */
  readonly damaged: string[]
}

const BATCH = 64
const ALL_KEYS: Readonly<Record<'gte' | 'lt', Uint8Array>> = { gte: new Uint8Array([0]), lt: new Uint8Array([0xff]) }

/** `onBatch` is told of the pass as it stands. Throws what the catalog throws. */
export async function resealPass(
  records: RecordStore,
  rewraps: readonly RecordRewrap<unknown>[],
  onBatch: (pass: ResealPass) => void = () => {},
): Promise<ResealPass> {
  const pass: ResealPass = { seen: 0, stale: 0, damaged: [] }
  const byPrefix = new Map(rewraps.map((rewrap) => [rewrap.kind.prefix, rewrap]))
  for (let gte = ALL_KEYS.gte; ; ) {
    const entries = await records.catalog.range({ gte, lt: ALL_KEYS.lt, limit: BATCH })
    const stale: { entry: CatalogEntry; next: Mutation }[] = []
    for (const entry of entries) {
      pass.seen++
      try {
        const next = resealed(records, byPrefix, entry)
        if (next) stale.push({ entry, next })
      } catch (error) {
        if (!(error instanceof SealError)) throw error
        pass.damaged.push(`${kindOf(entry.key)?.label ?? 'unknown'} ${Buffer.from(entry.key).toString('hex')}`)
      }
    }
    pass.stale += stale.length
    if (stale.length > 0 && !(await commit(records, stale))) {
      // Somebody changed one of them meanwhile. One by one, so that only that one waits for the next pass.
      for (const one of stale) await commit(records, [one])
    }
    onBatch(pass)
    if (entries.length < BATCH) return pass
    gte = nameAfter(entries.at(-1)!.key)
  }
}

/** How many records there are, for those who want to see progress. */
export async function countRecords(records: RecordStore): Promise<number> {
  let count = 0
  for (let gte = ALL_KEYS.gte; ; ) {
    const entries = await records.catalog.range({ gte, lt: ALL_KEYS.lt, limit: BATCH })
    count += entries.length
    if (entries.length < BATCH) return count
    gte = nameAfter(entries.at(-1)!.key)
  }
}

function commit(records: RecordStore, stale: readonly { entry: CatalogEntry; next: Mutation }[]): Promise<boolean> {
  return records.commit(
    stale.map(({ entry: { key, version } }) => ({ key, version })),
    stale.map(({ next }) => next),
  )
}

/** Undefined where there is nothing to do. Throws SealError where the record does not open. */
function resealed(
  { sealer }: RecordStore,
  rewraps: ReadonlyMap<string, RecordRewrap<unknown>>,
  { key, value }: CatalogEntry,
): Mutation | undefined {
  const kind = kindOf(key)
  if (!kind) throw new SealError()
  if (kind.raw) return undefined
  const rewrap = rewraps.get(kind.prefix)
  const isNewest = sealer.isNewest(value)
  if (isNewest && !rewrap) return undefined
  // Records of older format versions are for their readers to change; here each stays of its own.
  const formatVersion = value[1]!
  let json = sealer.open(key, formatVersion, value)
  if (rewrap) {
    const read = JSON.parse(Buffer.from(json).toString('utf8')) as unknown
    const next = rewrap.rewrapped(read, key.subarray(1))
    if (isNewest && next === read) return undefined
    json = Buffer.from(JSON.stringify(next))
  }
  return { key, value: sealer.seal(key, formatVersion, json) }
}
