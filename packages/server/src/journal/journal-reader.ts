/**
 * Reads a journal (docs/formats/journal.md), also while its writer, in this process or another, appends to it. What is
 * returned was opened, and stands where the chain says; what does not hold is Fault 'Damaged'.
 */
import { Recent } from '../core/recent.ts'
import type { ChainEnd, Frame, JournalEntry, Position } from './frame.ts'
import { damaged } from './segment-files.ts'
import { frameOf, isSame, type JournalReaderOptions, SegmentReader, type Wanted } from './segment-reader.ts'
import { chainBefore, eachSegment, readHead, segmentName, segmentRecord, withNext } from './segment-records.ts'
import { type JournalSummary, verifyJournal } from './verify.ts'

/** A segment, for whoever passes over whole ones. */
export interface SegmentSummary {
  readonly segment: number
  readonly firstSequence: number
  readonly createdAtMs: number
  /** Of its entries; absent while it is written, and where it has none. */
  readonly earliestMs?: number | undefined
  readonly latestMs?: number | undefined
}

export class JournalReader {
  readonly #options: JournalReaderOptions
  readonly #opened = new Recent<readonly JournalEntry[]>(OPENED_FRAMES)
  readonly #segments: SegmentReader

  constructor(options: JournalReaderOptions) {
    this.#options = options
    this.#segments = new SegmentReader(options)
  }

  /** From a position, or the first frame that there is, up to what is durable now. */
  async *frames(from?: Position, wanted: Wanted = () => true): AsyncGenerator<Frame, void> {
    const { records, name } = this.#options
    let expected = from?.segment ?? 1
    // Before the segments: one that it stands in has a record since.
    const head = await readHead(records, name)
    let after: ChainEnd | undefined
    for await (const [record, next] of withNext(eachSegment(records, name, expected))) {
      const { segment } = record
      if (segment !== expected) {
        if (!record.pruned) throw damaged(name, expected, undefined, 'its record is missing')
        after = undefined
      }
      const start = from?.segment === segment ? from.offset : 0
      if (start === 0) {
        const before = chainBefore(record)
        if (after && !isSame(after, before)) throw damaged(name, segment, 0, 'does not follow the segment before it')
        after = before
      }
      const steps = this.#segments.steps({ record, next, from: start, after, wanted })
      try {
        for (;;) {
          const { value, done } = await steps.next()
          if (done) {
            after = value
            break
          }
          if (value.entries) yield frameOf(segment, value.frame, value.entries)
        }
      } finally {
        // Whoever reads no further leaves the file open otherwise.
        await steps.return(undefined)
      }
      expected = segment + 1
    }
    if (head && head.segment >= expected) throw damaged(name, expected, undefined, 'its record is missing')
  }

  /** Those before a position, or all that is durable now, newest first. */
  async *backwards(before?: Position, wanted: Wanted = () => true): AsyncGenerator<Frame, void> {
    const { records, name } = this.#options
    for (const segment of (await this.#allSegments()).reverse()) {
      if (before && segment > before.segment) continue
      const [record, next] = await records.getBoth(
        [segmentRecord, segmentName(name, segment)],
        [segmentRecord, segmentName(name, segment + 1)],
      )
      // Pruned meanwhile, and so are all before it.
      if (!record) return
      const offsets: number[] = []
      let end = 0
      const until = before?.segment === segment ? before.offset : Number.POSITIVE_INFINITY
      const stretch = { record: record.value, next: next?.value, from: 0, after: chainBefore(record.value) }
      for await (const { frame } of this.#segments.steps({ ...stretch, wanted: () => false })) {
        if (frame.offset >= until) break
        end = frame.offset
        if (wanted(frame.header)) offsets.push(frame.offset)
      }
      for (const offset of offsets.reverse()) {
        const found = await this.#segments.frameAt({ segment, offset }).catch(async (error: unknown) => {
          // Nothing after the last frame has said yet whether it is whole.
          if (next || offset < end || !(await this.#segments.isTorn(record.value, offset))) throw error
          return undefined
        })
        if (found) yield found
      }
    }
  }

  /** The entries of the frame at a position; undefined where it was pruned. */
  async entriesAt(position: Position): Promise<readonly JournalEntry[] | undefined> {
    const id = `${position.segment}/${position.offset}`
    let entries = this.#opened.get(id)
    if (!entries) {
      entries = (await this.#segments.frameAt(position))?.entries
      if (entries) this.#opened.set(id, entries)
    }
    return entries
  }

  /** Oldest first. */
  async *segments(): AsyncGenerator<SegmentSummary, void> {
    const { records, name } = this.#options
    for await (const [{ segment, firstSequence, createdAtMs }, next] of withNext(eachSegment(records, name))) {
      const { earliestMs, latestMs } = next?.previous ?? {}
      yield { segment, firstSequence, createdAtMs, earliestMs, latestMs }
    }
  }

  /** Goes through all that there is, and reports by file and offset whatever does not hold. */
  verify(report: (problem: string) => void): Promise<JournalSummary> {
    return verifyJournal(this.#options, report)
  }

  /** Their numbers, which are to have no gaps. */
  async #allSegments(): Promise<number[]> {
    const { records, name } = this.#options
    const head = await readHead(records, name)
    const segments: number[] = []
    for await (const { segment, pruned } of eachSegment(records, name)) {
      const expected = (segments.at(-1) ?? 0) + 1
      if (segment !== expected && !pruned) throw damaged(name, expected, undefined, 'its record is missing')
      segments.push(segment)
    }
    const last = segments.at(-1) ?? 0
    if (head && head.segment > last) throw damaged(name, last + 1, undefined, 'its record is missing')
    return segments
  }
}

/** Of at most FRAME_BYTES each, unless an entry is larger; older ones of 256 KiB. */
const OPENED_FRAMES = 32
