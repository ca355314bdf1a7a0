/**
 * Where a journal ends, found when its writer opens it. A torn tail, as a crash leaves it, is cut off; whatever else does
 * not hold is refused. Only the last segment is gone through frame by frame: the others are for `verify` to look at.
 */

import type { FileHandle } from 'node:fs/promises'
import { rm } from 'node:fs/promises'
import type { MessageKey } from '@strongroom/crypto/node'
import { syncFolder } from '../core/durable-file.ts'
import { Fault } from '../core/fault.ts'
import type { RecordStore } from '../records/record-store.ts'
import { breakOf, type ChainEnd } from './frame.ts'
import { findFrame, opens, scanFrames } from './scan.ts'
import {
  damaged,
  type JournalFile,
  type OpenJournalFile,
  openToRead,
  segmentPath,
  segmentsOnDisk,
} from './segment-files.ts'
import {
  chainBefore,
  eachSegment,
  type HeadRecord,
  readHead,
  type SegmentFacts,
  type SegmentRecord,
  segmentKey,
} from './segment-records.ts'

/** A journal as it is to be gone on with. */
export interface JournalEnd {
  readonly segment: number
  readonly key: MessageKey
  readonly file: JournalFile
  readonly facts: SegmentFacts
  readonly chain: ChainEnd
  readonly head: HeadRecord
}

/** Undefined where there is no journal yet. Throws Fault 'Damaged'. */
export async function recover(options: {
  readonly dir: string
  readonly name: string
  readonly records: RecordStore
  readonly openFile: OpenJournalFile
}): Promise<JournalEnd | undefined> {
  const { dir, name, records, openFile } = options
  const head = await readHead(records, name)
  const onDisk = await segmentsOnDisk(dir)
  let first: SegmentRecord | undefined
  let last: SegmentRecord | undefined
  for await (const record of eachSegment(records, name)) {
    first ??= record
    if (last) await requireComplete(options, last, record, onDisk)
    last = record
  }
  if (!first || !last || !head) {
    if (!first && !head && onDisk.length === 0) return undefined
    throw new Fault('Damaged', { what: `journal ${name}: the records of its segments or its head are missing` })
  }
  if (first.segment !== 1 && !first.pruned) throw damaged(name, first.segment - 1, undefined, 'its record is missing')
  for (const segment of onDisk) {
    // Prune removes the records first.
    if (segment < first.segment) await rm(segmentPath(dir, segment), { force: true })
    if (segment > last.segment) throw damaged(name, segment, undefined, 'has no record')
  }
  if (head.segment !== last.segment)
    throw damaged(name, head.segment, head.offset, 'the head stands in another segment')
  if (!onDisk.includes(last.segment) && head.offset > 0) throw damaged(name, last.segment, undefined, 'is missing')

  const key = segmentKey(last)
  const file = await openFile(segmentPath(dir, last.segment))
  try {
    const { facts, chain } = await walk(options, last, key, head)
    if ((await file.size()) > facts.end) await file.truncate(facts.end)
    // What is there may have been written and not synced.
    await file.sync()
    await syncFolder(dir)
    return { segment: last.segment, key, file, facts, chain, head }
  } catch (error) {
    await file.close()
    throw error
  }
}

/** Whether what stands at `offset`, where no frame follows, is no more than a write that was cut off. */
export const isTornTail = async (
  file: FileHandle,
  key: MessageKey,
  { offset, size, headOffset }: { readonly offset: number; readonly size: number; readonly headOffset: number },
): Promise<boolean> =>
  offset >= headOffset && (await findFrame(file, key, offset, size, ({ header }) => header.beginsGroup)) === undefined

/** A segment that has another after it. Bytes that a failed sync left behind its end are cut off. */
async function requireComplete(
  { dir, name, openFile }: { readonly dir: string; readonly name: string; readonly openFile: OpenJournalFile },
  { segment }: SegmentRecord,
  next: SegmentRecord,
  onDisk: readonly number[],
): Promise<void> {
  if (next.segment !== segment + 1) throw damaged(name, segment + 1, undefined, 'its record is missing')
  const end = next.previous?.end ?? 0
  if (!onDisk.includes(segment)) throw damaged(name, segment, undefined, 'is missing')
  const file = await openFile(segmentPath(dir, segment))
  try {
    const size = await file.size()
    if (size > end && next.abandoned) await file.truncate(end)
    else if (size !== end) throw damaged(name, segment, Math.min(size, end), `has ${size} bytes, not ${end}`)
  } finally {
    await file.close()
  }
}

async function walk(
  { dir, name }: { readonly dir: string; readonly name: string },
  record: SegmentRecord,
  key: MessageKey,
  head: HeadRecord,
): Promise<{ readonly facts: SegmentFacts; readonly chain: ChainEnd }> {
  const { segment } = record
  const file = (await openToRead(segmentPath(dir, segment)))!
  try {
    const { size } = await file.stat()
    let chain = chainBefore(record)
    let facts: SegmentFacts = { end: 0, frames: 0 }
    let isHeadMet = isHeadAt(head, 0, chain)
    for await (const frame of scanFrames(file, 0, size)) {
      if (breakOf(frame, chain) !== undefined || !opens(key, frame)) break
      chain = { sequence: frame.header.sequence, hash: frame.hash }
      facts = including(facts, frame.header, frame.next)
      isHeadMet ||= isHeadAt(head, frame.next, chain)
    }
    const offset = facts.end
    if (offset < size && !(await isTornTail(file, key, { offset, size, headOffset: head.offset })))
      throw damaged(name, segment, offset, 'no frame follows here, and it is no write that was cut off')
    if (!isHeadMet) throw damaged(name, segment, head.offset, 'the journal had come this far and does not any more')
    return { facts, chain }
  } finally {
    await file.close()
  }
}

export const isHeadAt = (head: HeadRecord, offset: number, { sequence, hash }: ChainEnd): boolean =>
  head.offset === offset && head.sequence === sequence && head.hash === Buffer.from(hash).toString('hex')

/** The facts of a segment with one frame more. */
export const including = (
  facts: SegmentFacts,
  { earliestMs, latestMs }: { readonly earliestMs: number; readonly latestMs: number },
  end: number,
): SegmentFacts => ({
  end,
  frames: facts.frames + 1,
  earliestMs: Math.min(facts.earliestMs ?? earliestMs, earliestMs),
  latestMs: Math.max(facts.latestMs ?? latestMs, latestMs),
})
