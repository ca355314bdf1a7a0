/** Removes the oldest segments of a journal: their records first, and with them the only copies of their keys. */
import { rm } from 'node:fs/promises'
import type { Clock } from '../core/clock.ts'
import { syncFolder } from '../core/durable-file.ts'
import type { RecordStore } from '../records/record-store.ts'
import { segmentPath } from './segment-files.ts'
import { eachSegment, type SegmentRecord, segmentName, segmentRecord, withNext } from './segment-records.ts'

export interface PruneLimits {
  /** A moment: segments go whose entries are all from before it. */
  readonly olderThanMs?: number | undefined
  /** The oldest go until the rest, without the segment that is being written, has no more. */
  readonly maxBytes?: number | undefined
}

/** How many were removed. The last segment always stays. */
export async function prune(
  { dir, name, records, clock }: { dir: string; name: string; records: RecordStore; clock: Clock },
  { olderThanMs = 0, maxBytes = Number.POSITIVE_INFINITY }: PruneLimits,
): Promise<number> {
  const complete: { segment: number; bytes: number; latestMs: number }[] = []
  let bytes = 0
  for await (const [{ segment }, next] of withNext(eachSegment(records, name))) {
    const facts = next?.previous
    if (!facts) continue
    complete.push({ segment, bytes: facts.end, latestMs: facts.latestMs ?? 0 })
    bytes += facts.end
  }
  const gone: number[] = []
  for (const one of complete) {
    if (one.latestMs >= olderThanMs && bytes <= maxBytes) break
    gone.push(one.segment)
    bytes -= one.bytes
  }
  if (gone.length === 0) return 0
  await removeRecords(records, name, gone, clock.nowMs())
  for (const segment of gone) await rm(segmentPath(dir, segment), { force: true })
  await syncFolder(dir)
  return gone.length
}

/** In one commit with the note on the first that is left, so that what is gone otherwise shows. */
async function removeRecords(records: RecordStore, name: string, gone: readonly number[], atMs: number): Promise<void> {
  const first = segmentName(name, gone.at(-1)! + 1)
  for (;;) {
    const left = (await records.get(segmentRecord, first))!
    const noted: SegmentRecord = { ...left.value, pruned: { segments: gone.at(-1)!, atMs } }
    const isDone = await records.commit(
      [records.unchanged(segmentRecord, left)],
      [
        ...gone.map((segment) => records.remove(segmentRecord, segmentName(name, segment))),
        records.put(segmentRecord, first, noted),
      ],
    )
    // Otherwise it was sealed anew meanwhile.
    if (isDone) return
  }
}
