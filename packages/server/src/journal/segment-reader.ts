/** Reads the segments of a journal one by one: what it gives was opened, and stands where the chain says. */
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
  type HeadRecord,
  isSegmentThere,
  readHead,
  type SegmentRecord,
  segmentKey,
  segmentName,
  segmentRecord,
} from './segment-records.ts'

export interface JournalReaderOptions {
  readonly dir: string
  readonly name: string
  readonly records: RecordStore
}

/** Says by its header whether a frame is to be opened. */
export type Wanted = (header: FrameHeader) => boolean

/** A part of a segment's file that is gone through. */
export interface Stretch {
  readonly record: SegmentRecord
  readonly next: SegmentRecord | undefined
  readonly from: number
  /** Of the frame before `from`; undefined where that was not read. */
  readonly after: ChainEnd | undefined
  readonly wanted: Wanted
}

export interface Step {
  readonly frame: ScannedFrame
  /** Where it was wanted. */
  readonly entries: readonly JournalEntry[] | undefined
}

export class SegmentReader {
  readonly #options: JournalReaderOptions
  readonly #keys = new Recent<MessageKey>(KEYS)

  constructor(options: JournalReaderOptions) {
    this.#options = options
  }

  /** The frames of a segment, each where the chain says. Returns what the next one follows, where that is known. */
  async *steps(stretch: Stretch): AsyncGenerator<Step, ChainEnd | undefined, void> {
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

  /** The frame at a position; undefined where it was pruned. */
  async frameAt({ segment, offset }: Position): Promise<Frame | undefined> {
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

  /** Whether what stands at an offset of the last segment is no more than a write that was cut off. */
  async isTorn(record: SegmentRecord, offset: number): Promise<boolean> {
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

export const frameOf = (
  segment: number,
  { offset, next, header }: ScannedFrame,
  entries: readonly JournalEntry[],
): Frame => ({
  position: { segment, offset },
  next: { segment, offset: next },
  header,
  entries,
})

export const isSame = (a: ChainEnd, b: ChainEnd) => a.sequence === b.sequence && Buffer.from(a.hash).equals(b.hash)

/** That are kept at hand. */
const KEYS = 64
