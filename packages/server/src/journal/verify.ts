/** Verifies a journal: every frame's seal and place, the records of segments against the files, and the head. */
import type { FileHandle } from 'node:fs/promises'
import { isFault } from '../core/fault.ts'
import { eachRecord } from '../records/each-record.ts'
import { name as joined, prefixEnd, ZERO } from '../records/names.ts'
import type { RecordStore } from '../records/record-store.ts'
import { breakOf, type ChainEnd } from './frame.ts'
import { including, isHeadAt } from './recovery.ts'
import { findFrame, opens, type ScanEnd, scanFrames } from './scan.ts'
import { openToRead, placeOf, segmentPath, segmentsOnDisk } from './segment-files.ts'
import {
  chainBefore,
  type HeadRecord,
  isSegmentThere,
  readHead,
  type SegmentFacts,
  type SegmentRecord,
  segmentKey,
  segmentName,
  segmentRecord,
  withNext,
} from './segment-records.ts'

/** What was found to be good. */
export interface JournalSummary {
  readonly frames: number
  readonly entries: number
  readonly segments: number
}

interface Place {
  readonly dir: string
  readonly name: string
  readonly records: RecordStore
}

/** `report` is told the file and the offset of each problem. A journal that is not there at all is none. */
export async function verifyJournal(place: Place, report: (problem: string) => void): Promise<JournalSummary> {
  const { dir, name, records } = place
  // Before the files: they have come at least as far.
  const head = await readHead(records, name).catch((error: unknown) => {
    if (!isFault(error, 'Damaged')) throw error
    report(error.detail.what)
    return undefined
  })
  const onDisk = new Set(await segmentsOnDisk(dir))
  const sum = { frames: 0, entries: 0, segments: 0 }
  let expected: number | undefined
  const range = { gte: segmentName(name, 0), lt: prefixEnd(joined(name, ZERO)) }
  const all = eachRecord(records, segmentRecord, range, report)
  for await (const [{ value: record }, next] of withNext(all)) {
    const { segment } = record
    if (segment !== (expected ?? 1) && !record.pruned)
      report(`${placeOf(name, expected ?? 1)}: its record, or those up to segment ${segment}, are missing`)
    const nextRecord = next?.value.segment === segment + 1 ? next.value : undefined
    const found = await verifySegment(place, record, nextRecord, head, report)
    sum.segments++
    sum.frames += found.frames
    sum.entries += found.entries
    expected = segment + 1
  }
  // Of segments that were begun meanwhile there are records by now.
  for (const segment of onDisk) {
    if (segment < (expected ?? 1) || (await isSegmentThere(records, name, segment))) continue
    report(`${placeOf(name, segment)}: has no record`)
  }
  if (!head && expected !== undefined) report(`journal ${name}: its head record is missing`)
  if (head && (expected === undefined || head.segment >= expected))
    report(`${placeOf(name, head.segment, head.offset)}: the head stands in a segment without a record`)
  return sum
}

async function verifySegment(
  { dir, name, records }: Place,
  record: SegmentRecord,
  next: SegmentRecord | undefined,
  head: HeadRecord | undefined,
  report: (problem: string) => void,
): Promise<{ readonly frames: number; readonly entries: number }> {
  const { segment } = record
  const say = (offset: number | undefined, problem: string) => report(`${placeOf(name, segment, offset)}: ${problem}`)
  const isHeadHere = head?.segment === segment
  const file = await openToRead(segmentPath(dir, segment))
  if (!file) {
    const isUnmade = !next && isHeadHere && head.offset === 0
    if (!isUnmade && (await isSegmentThere(records, name, segment))) say(undefined, 'is missing')
    return { frames: 0, entries: 0 }
  }
  try {
    const { size } = await file.stat()
    const end = next ? (next.previous?.end ?? 0) : size
    if (next && size > end && !next.abandoned) say(end, `goes on after its end, up to ${size}`)
    const walked = await walk(file, record, Math.min(end, size), head, say, !next)
    if (next) {
      if (size < end) say(size, `is cut off; it had ${end} bytes`)
      compare(walked, next, say)
    }
    if (isHeadHere && !walked.isHeadMet) say(head.offset, 'the journal had come this far, otherwise than it is now')
    return { frames: walked.facts.frames, entries: walked.entries }
  } finally {
    await file.close()
  }
}

async function walk(
  file: FileHandle,
  record: SegmentRecord,
  size: number,
  head: HeadRecord | undefined,
  say: (offset: number, problem: string) => void,
  isLast: boolean,
) {
  const key = segmentKey(record)
  const headOffset = head?.segment === record.segment ? head.offset : Number.POSITIVE_INFINITY
  let chain = chainBefore(record)
  let facts: SegmentFacts = { end: 0, frames: 0 }
  let entries = 0
  const isHeadReached = (offset: number) => head?.segment === record.segment && isHeadAt(head, offset, chain)
  let isHeadMet = isHeadReached(0)
  for (let from: number | undefined = 0; from !== undefined; ) {
    const frames = scanFrames(file, from, size)
    let end: ScanEnd | undefined
    let broken: number | undefined
    while (broken === undefined) {
      const { value: frame, done } = await frames.next()
      if (done) {
        end = frame
        break
      }
      if (!opens(key, frame)) {
        say(frame.offset, 'the frame does not open')
        broken = frame.offset
        break
      }
      const problem = breakOf(frame, chain)
      if (problem) say(frame.offset, `the frame ${problem}`)
      chain = { sequence: frame.header.sequence, hash: frame.hash }
      facts = including(facts, frame.header, frame.next)
      entries += frame.header.entryCount
      isHeadMet ||= isHeadReached(frame.next)
    }
    if (end?.state === 'end') break
    if (end?.state === 'bad') say(end.offset, 'no frame begins here')
    const at: number = broken ?? end!.offset
    from = await findFrame(file, key, at + 1, size)
    // What is being written now, or was when its process ended.
    const isTail = isLast && end?.state === 'cut' && from === undefined && at >= headOffset
    if (end?.state === 'cut' && !isTail) say(at, 'the frame is cut off')
  }
  return { chain, facts, entries, isHeadMet }
}

function compare(
  { chain, facts }: { readonly chain: ChainEnd; readonly facts: SegmentFacts },
  next: SegmentRecord,
  say: (offset: number, problem: string) => void,
): void {
  const before = chainBefore(next)
  const isSame =
    chain.sequence === before.sequence &&
    Buffer.from(chain.hash).equals(before.hash) &&
    facts.frames === next.previous?.frames
  if (!isSame) say(facts.end, 'ends otherwise than the record of the next segment tells')
}
