/** Begins a segment of a journal: its record with a fresh key, and the head with it, are committed before the file is made. */
import { freshBytes } from '@strongroom/crypto/node'
import type { Clock } from '../core/clock.ts'
import { syncFolder } from '../core/durable-file.ts'
import type { RecordStore } from '../records/record-store.ts'
import type { ChainEnd } from './frame.ts'
import type { JournalEnd } from './recovery.ts'
import { damaged, type OpenJournalFile, segmentPath } from './segment-files.ts'
import {
  type HeadRecord,
  headName,
  headRecord,
  type SegmentRecord,
  segmentKey,
  segmentName,
  segmentRecord,
} from './segment-records.ts'

export interface JournalPlace {
  readonly dir: string
  readonly name: string
  readonly records: RecordStore
  readonly clock: Clock
  readonly openFile: OpenJournalFile
}

/** What an attempt that failed has left is gone on with. */
export async function beginSegment(
  { dir, name, records, clock, openFile }: JournalPlace,
  segment: number,
  chain: ChainEnd,
  after: Pick<SegmentRecord, 'previous' | 'abandoned' | 'pruned'> = {},
): Promise<JournalEnd> {
  const dataKey = freshBytes(32)
  let record: SegmentRecord = {
    journal: name,
    segment,
    createdAtMs: clock.nowMs(),
    firstSequence: chain.sequence + 1,
    previousHash: Buffer.from(chain.hash).toString('hex'),
    dataKey: Buffer.from(dataKey).toString('base64'),
    ...after,
  }
  dataKey.fill(0)
  const head = headOf(segment, 0, chain)
  const at = segmentName(name, segment)
  const isNew = await records.commit(
    [records.still(segmentRecord, at, undefined)],
    [records.put(segmentRecord, at, record), records.put(headRecord, headName(name), head)],
  )
  if (!isNew) {
    const left = (await records.get(segmentRecord, at))!.value
    if (left.previousHash !== record.previousHash || left.previous?.end !== record.previous?.end)
      throw damaged(name, segment, undefined, 'was begun already, with another beginning')
    record = left
  }
  const file = await openFile(segmentPath(dir, segment))
  try {
    if ((await file.size()) > 0) throw damaged(name, segment, undefined, 'has bytes before it was begun')
    await syncFolder(dir)
  } catch (error) {
    await file.close()
    throw error
  }
  return { segment, key: segmentKey(record), file, facts: { end: 0, frames: 0 }, chain, head }
}

export const headOf = (segment: number, offset: number, { sequence, hash }: ChainEnd): HeadRecord => ({
  segment,
  offset,
  sequence,
  hash: Buffer.from(hash).toString('hex'),
})
