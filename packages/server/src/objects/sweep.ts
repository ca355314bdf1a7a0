/** Removes blobs that nothing names any more. Safe beside running requests, and after a crash at any point. */
import type { Clock } from '../core/clock.ts'
import { eachName } from '../records/each-record.ts'
import { ascending } from '../records/names.ts'
import type { RecordStore } from '../records/record-store.ts'
import type { BlobStore } from '../storage/blobs.ts'
import { blobReference, garbageBlob, names } from './records.ts'

/** A blob is named within moments of being kept; one that still is not after this long never will be. */
const UNREFERENCED_AFTER_MS = 10 * 60_000
const BATCH = 500

export interface Swept {
  readonly garbage: number
  readonly unreferenced: number
}

export async function sweep(records: RecordStore, blobs: BlobStore, clock: Clock): Promise<Swept> {
  return {
    garbage: await sweepGarbage(records, blobs, clock),
    unreferenced: await sweepUnreferenced(records, blobs, clock),
  }
}

/** Deletes what commits have given up, once nobody can be about to read it. */
async function sweepGarbage(records: RecordStore, blobs: BlobStore, clock: Clock): Promise<number> {
  let count = 0
  for (;;) {
    const due = await records.names(garbageBlob, {
      gte: new Uint8Array(0),
      lt: ascending(BigInt(clock.nowMs())),
      limit: BATCH,
    })
    if (due.length === 0 || (await blobs.isHeld())) return count
    for (const recordName of due) await blobs.delete(blobOfGarbage(recordName))
    await records.commit(
      [],
      due.map((recordName) => records.remove(garbageBlob, recordName)),
    )
    count += due.length
  }
}

/** Deletes what a crash between keeping a blob and committing its record has left. */
async function sweepUnreferenced(records: RecordStore, blobs: BlobStore, clock: Clock): Promise<number> {
  const unreferenced = new Set<string>()
  for await (const { id, keptAtMs } of blobs.list()) {
    if (clock.nowMs() - keptAtMs < UNREFERENCED_AFTER_MS) continue
    if (!(await records.get(blobReference, names.blob(id)))) unreferenced.add(id)
  }
  // Read after the blobs, so that one which was given up meanwhile has its time too.
  for await (const recordName of eachName(records.catalog, garbageBlob)) unreferenced.delete(blobOfGarbage(recordName))
  if (unreferenced.size === 0 || (await blobs.isHeld())) return 0
  let count = 0
  for (const id of unreferenced) {
    // Asked again after the hold: whoever keeps blobs longer than moments before naming them has held until it named them.
    if (await records.get(blobReference, names.blob(id))) continue
    await blobs.delete(id)
    count++
  }
  return count
}

const blobOfGarbage = (recordName: Uint8Array) => Buffer.from(recordName.subarray(8)).toString()
