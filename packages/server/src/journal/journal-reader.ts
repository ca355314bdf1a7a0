/**
 * Reads a journal (docs/formats/journal.md), also while its writer, in this process or another, appends to it. What is
 * returned was opened, and stands where the chain says; what does not hold is Fault 'Damaged'.
 */
import type { FileHandle } from 'node:fs/promises'
import { SealError } from '@strongroom/crypto'
import type { MessageKey } from '@strongroom/crypto/node'
import { memoryPasses } from '../core/passing-memory.ts'
import { Recent } from '../core/recent.ts'
import type { RecordStore } from '../records/record-store.ts'
import {
  breakOf,
  type ChainEnd,
  type Frame,
  type FrameHeader,
  type JournalEntry,
  openEntries,
  type Position,
} from './frame.ts'
import { isTornTail } from './recovery.ts'
import { frameAt, type ScanEnd, type ScannedFrame, scanFrames } from './scan.ts'
import { damaged, openToRead, segmentPath } from './segment-files.ts'
import {
  chainBefore,
  eachSegment,
  type HeadRecord,
  isSegmentThere,
  readHead,
  type SegmentRecord,
  segmentKey,
  segmentName,
  segmentRecord,
  withNext,
} from './segment-records.ts'
import { type JournalSummary, verifyJournal } from './verify.ts'

export interface JournalReaderOptions {
  readonly dir: string
  readonly name: string
  readonly records: RecordStore
}

/** Says by its header whether a frame is to be opened. */
export type Wanted = (header: FrameHeader) => boolean

/** A segment, for whoever passes over whole ones. */
export interface SegmentSummary {
  readonly segment: number
  readonly firstSequence: number
  readonly createdAtMs: number
  /** Of its entries; absent while it is written, and where it has none. */
  readonly earliestMs?: number | undefined
  readonly latestMs?: number | undefined
}

/** A part of a segment's file that is gone through. */
interface Stretch {
  readonly record: SegmentRecord
  readonly next: SegmentRecord | undefined
  readonly from: number
  /** Of the frame before `from`; undefined where that was not read. */
  readonly after: ChainEnd | undefined
  readonly wanted: Wanted
}

interface Step {
  readonly frame: ScannedFrame
  /** Where it was wanted. */
  readonly entries: readonly JournalEntry[] | undefined
}

export class JournalReader {
  readonly #options: JournalReaderOptions
  readonly #opened = new Recent<readonly JournalEntry[]>(OPENED_FRAMES)
  readonly #keys = new Recent<MessageKey>(KEYS)

  constructor(options: JournalReaderOptions) {
    this.#options = options
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
      const steps = this.#steps({ record, next, from: start, after, wanted })
      for (;;) {
        const { value, done } = await steps.next()
        if (done) {
          after = value
          break
        }
        if (value.entries) yield frameOf(segment, value.frame, value.entries)
      }
      expected = segment + 1
    }
    if (head && head.segment >= expected) throw damaged(name, expected, undefined, 'its record is missing')
  }

  /** Those before a position, or all that is durable now, newest first. */
  async *backwards(before?: Position, wanted: Wanted = () => true): AsyncGenerator<Frame, void> {
    const { records, name } = this.#options
    const segments: number[] = []
    for await (const { segment } of eachSegment(records, name)) segments.push(segment)
    for (const segment of segments.reverse()) {
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
      for await (const { frame } of this.#steps({ ...stretch, wanted: () => false })) {
        if (frame.offset >= until) break
        end = frame.offset
        if (wanted(frame.header)) offsets.push(frame.offset)
      }
      for (const offset of offsets.reverse()) {
        const found = await this.#frameAt({ segment, offset }).catch(async (error: unknown) => {
          // Nothing after the last frame has said yet whether it is whole.
          if (next || offset < end || !(await this.#isTorn(record.value, offset))) throw error
          return undefined
        })
        if (found) yield found
      }
    }
  }

  /** The bytes of one entry of the frame at a position; undefined where it was pruned. */
  async entryAt(position: Position, index: number): Promise<Uint8Array | undefined> {
    const id = `${position.segment}/${position.offset}`
    let entries = this.#opened.get(id)
    if (!entries) {
      entries = (await this.#frameAt(position))?.entries
      if (!entries) return undefined
      this.#opened.set(id, entries)
    }
    const entry = entries[index]
    if (!entry) throw new RangeError(`the frame has ${entries.length} entries and none with the index ${index}`)
    return entry.bytes
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

  /** The frames of a segment, each where the chain says. Returns what the next one follows, where that is known. */
  async *#steps(stretch: Stretch): AsyncGenerator<Step, ChainEnd | undefined, void> {
    const { record } = stretch
    let { next } = stretch
    const { dir, name, records } = this.#options
    const { segment } = record
    // Before the file: that has come at least as far.
    const head = next ? undefined : await this.#headIn(segment)
    const file = await openToRead(segmentPath(dir, segment))
    if (!file) {
      if (!(await isSegmentThere(records, name, segment))) return undefined
      if (head?.offset === 0) return stretch.after
      throw damaged(name, segment, undefined, 'is missing')
    }
    try {
      let size = next ? endBefore(next) : await durableSize(file)
      // Beyond its end there was something once that a failed sync has left.
      if (stretch.from > size && next) return chainBefore(next)
      let { after } = stretch
      let offset = stretch.from
      for (let isSecondLook = false; ; isSecondLook = true) {
        const frames = scanFrames(file, offset, size)
        let problem: string | undefined
        let end: ScanEnd | undefined
        while (!problem) {
          const { value, done } = await frames.next()
          if (done) {
            end = value
            break
          }
          const step = this.#open(record, value, stretch.wanted)
          problem = (after && breakOf(value, after)) ?? (step ? undefined : 'does not open')
          if (head?.offset === value.next && head.sequence !== value.header.sequence) problem ??= 'is not what was here'
          if (problem || !step) break
          after = { sequence: value.header.sequence, hash: value.hash }
          offset = value.next
          isSecondLook = false
          yield step
        }
        if (end?.state === 'end') break
        const what = problem ?? (end?.state === 'cut' ? 'the frame is cut off' : 'no frame begins here')
        if (next) throw damaged(name, segment, offset, what)
        // The writer may have cut back, and written anew, what was in memory here already; or gone on in another segment.
        if (!isSecondLook) continue
        next = (await records.get(segmentRecord, segmentName(name, segment + 1)))?.value
        if (next) {
          size = Math.max(offset, endBefore(next))
          continue
        }
        if (head && (await isTornTail(file, this.#keyOf(record), { offset, size, headOffset: head.offset }))) break
        throw damaged(name, segment, offset, what)
      }
      if (head && offset < head.offset) throw damaged(name, segment, offset, 'ends, and had come farther')
      if (next && after && !isSame(after, chainBefore(next)))
        throw damaged(name, segment, offset, 'ends before the next segment begins')
      return after
    } finally {
      await file.close()
    }
  }

  /** Undefined where it is wanted and does not open. */
  #open(record: SegmentRecord, frame: ScannedFrame, wanted: Wanted): Step | undefined {
    if (!wanted(frame.header)) return { frame, entries: undefined }
    memoryPasses(frame.header.sealedBytes)
    try {
      return { frame, entries: openEntries(this.#keyOf(record), frame) }
    } catch (error) {
      if (error instanceof SealError) return undefined
      throw error
    }
  }

  /** Undefined where it was pruned. */
  async #frameAt({ segment, offset }: Position): Promise<Frame | undefined> {
    const { dir, name, records } = this.#options
    const record = await records.get(segmentRecord, segmentName(name, segment))
    if (!record) return undefined
    const file = await openToRead(segmentPath(dir, segment))
    if (!file) {
      if (!(await isSegmentThere(records, name, segment))) return undefined
      throw damaged(name, segment, undefined, 'is missing')
    }
    try {
      const frame = await frameAt(file, offset, (await file.stat()).size)
      const step = frame && this.#open(record.value, frame, () => true)
      if (!step) throw damaged(name, segment, offset, 'no frame opens here')
      return frameOf(segment, step.frame, step.entries!)
    } finally {
      await file.close()
    }
  }

  async #isTorn(record: SegmentRecord, offset: number): Promise<boolean> {
    const file = await openToRead(segmentPath(this.#options.dir, record.segment))
    if (!file) return false
    try {
      const { size } = await file.stat()
      const head = await this.#headIn(record.segment)
      return !!head && (await isTornTail(file, this.#keyOf(record), { offset, size, headOffset: head.offset }))
    } finally {
      await file.close()
    }
  }

  #keyOf(record: SegmentRecord): MessageKey {
    const id = String(record.segment)
    let key = this.#keys.get(id)
    if (!key) {
      key = segmentKey(record)
      this.#keys.set(id, key)
    }
    return key
  }

  /** The head, where it stands in this segment: when another is begun, it goes along. */
  async #headIn(segment: number): Promise<HeadRecord | undefined> {
    const head = await readHead(this.#options.records, this.#options.name)
    return head?.segment === segment ? head : undefined
  }
}

/** Whatever counts in this size is on the disk: the writer's own sync may be under way. */
async function durableSize(file: FileHandle): Promise<number> {
  const { size } = await file.stat()
  await file.datasync()
  return size
}

/** Of the segment before. */
const endBefore = (next: SegmentRecord): number => next.previous?.end ?? 0

const frameOf = (segment: number, { offset, next, header }: ScannedFrame, entries: readonly JournalEntry[]): Frame => ({
  position: { segment, offset },
  next: { segment, offset: next },
  header,
  entries,
})

const isSame = (a: ChainEnd, b: ChainEnd) => a.sequence === b.sequence && Buffer.from(a.hash).equals(b.hash)

/** Of at most 256 KiB each, unless an entry is larger. */
const OPENED_FRAMES = 32
const KEYS = 64
