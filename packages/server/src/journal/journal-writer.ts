/**
 * Appends to a journal (docs/formats/journal.md). One process has the writer, and one at a time.
 *
 * Entries that are given while a sync is under way go together into the next write and sync. After an error nothing is
 * acknowledged until the file is cut back to what was durable; after a failed sync its bytes are not trusted any more, and
 * a new segment is begun.
 */

import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { MessageKey } from '@strongroom/crypto/node'
import type { Clock } from '../core/clock.ts'
import { syncFolder } from '../core/durable-file.ts'
import { memoryPasses } from '../core/passing-memory.ts'
import type { RecordStore } from '../records/record-store.ts'
import { beginSegment, headOf } from './begin-segment.ts'
import {
  type ChainEnd,
  type Frame,
  type FrameHeader,
  type JournalEntry,
  MOST_ENTRY_BYTES,
  NO_FRAME,
  type Position,
  type SealedFrame,
  sealFrame,
} from './frame.ts'
import { entriesOf, inFrames, type Payload, payloadsOf } from './payload.ts'
import { type PruneLimits, prune } from './prune.ts'
import { including, type JournalEnd, recover } from './recovery.ts'
import { type JournalFile, type OpenJournalFile, openJournalFile } from './segment-files.ts'
import { headName, headRecord, type SegmentFacts } from './segment-records.ts'
import { Slab } from './slab.ts'

export interface JournalWriterOptions {
  /** The journal's own folder; made where there is none. */
  readonly dir: string
  readonly name: string
  readonly records: RecordStore
  readonly clock: Clock
  readonly segmentBytes?: number
  /** How long what is given may wait for more to share its sync with, where nobody waits for it. */
  readonly gatherMs?: number
  /** How long what is new may wait for its head record. */
  readonly headEveryMs?: number
  /** Told where the head record could not be committed; it is tried again after the next write, and at the end. */
  readonly onHeadFailed?: (error: unknown) => void
  readonly openFile?: OpenJournalFile
}

interface Waiting {
  readonly payloads: readonly Payload[]
  readonly bytes: number
  resolve(): void
  reject(error: unknown): void
}

export class JournalWriter {
  readonly #options: Required<JournalWriterOptions>
  readonly #listeners: ((frame: Frame) => void)[] = []
  #segment: number
  #key: MessageKey
  #file: JournalFile
  /** Of the segment up to its durable end. */
  #facts: SegmentFacts
  #chain: ChainEnd
  /** The sequence number that the head record has. */
  #headSequence: number
  #isHeadDue = false
  #headTimer: NodeJS.Timeout | undefined
  /** What must be done before anything is written again. */
  #repair: 'none' | 'cut' | 'new segment' = 'none'
  #queue: Waiting[] = []
  #queuedBytes = 0
  readonly #slab = new Slab()
  /** Ends the wait for more. */
  #gathered: (() => void) | undefined
  #running: Promise<void> | undefined
  #pruning: Promise<unknown> = Promise.resolve()
  #isClosed = false

  private constructor(options: Required<JournalWriterOptions>, { segment, key, file, facts, chain, head }: JournalEnd) {
    this.#options = options
    this.#segment = segment
    this.#key = key
    this.#file = file
    this.#facts = facts
    this.#chain = chain
    this.#headSequence = head.sequence
  }

  /** Throws Fault 'Damaged' where the journal is not as it was left, but for a write that was cut off. */
  static async open(given: JournalWriterOptions): Promise<JournalWriter> {
    const options = { ...DEFAULTS, ...given }
    if (!/^[a-z][a-z0-9-]*$/.test(options.name)) throw new RangeError(`no name of a journal: ${options.name}`)
    await makeFolder(options.dir)
    const end = (await recover(options)) ?? (await beginSegment(options, 1, NO_FRAME))
    return new JournalWriter(options, end)
  }

  /** Where the next frame goes: all before it is durable. */
  get end(): Position {
    return { segment: this.#segment, offset: this.#facts.end }
  }

  /**
   * Resolves when the entries are durable. Rejects where they may not be; they may be there nevertheless. The bytes of a
   * payload are copied where they have to wait, else they are the journal's until then.
   */
  append(given: readonly JournalEntry[] | Payload): Promise<void> {
    if (this.#isClosed) return Promise.reject(new Error(`the journal ${this.#options.name} is closed`))
    let payloads: readonly Payload[]
    if ('count' in given) {
      if (given.bytes.length > MOST_ENTRY_BYTES || given.count > MOST_ENTRIES)
        return Promise.reject(new RangeError('no payload of a frame'))
      payloads =
        given.count === 0
          ? []
          : [this.#options.gatherMs > 0 ? { ...given, bytes: this.#slab.copy(given.bytes) } : given]
    } else {
      const isEntry = ({ atMs, bytes }: JournalEntry) =>
        bytes.length <= MOST_ENTRY_BYTES && Number.isSafeInteger(atMs) && atMs >= 0
      if (!given.every(isEntry)) return Promise.reject(new RangeError('no entry of a journal'))
      payloads = payloadsOf(given)
    }
    if (payloads.length === 0) return Promise.resolve()
    const bytes = payloads.reduce((sum, payload) => sum + payload.bytes.length, 0)
    return new Promise((resolve, reject) => {
      this.#queue.push({ payloads, bytes, resolve, reject })
      this.#queuedBytes += bytes
      if (this.#queuedBytes >= GROUP_BYTES) this.#gathered?.()
      this.#run()
    })
  }

  /** Called with each frame once it is durable, in order. A listener does not throw, and keeps nothing of the frame. */
  onWritten(listener: (frame: Frame) => void): void {
    this.#listeners.push(listener)
  }

  /** Whole segments, oldest first, never the one that is being written. Resolves to their number. */
  prune(limits: PruneLimits): Promise<number> {
    const pruning = this.#pruning.then(() => prune(this.#options, limits))
    this.#pruning = pruning.catch(() => {})
    return pruning
  }

  /** Waits for what was given, and writes down how far the journal has come. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#gathered?.()
    clearTimeout(this.#headTimer)
    await this.#running
    await this.#pruning
    try {
      if (this.#repair !== 'none') await this.#file.truncate(this.#facts.end)
      await this.#commitHead()
    } finally {
      await this.#file.close()
    }
  }

  #run(): void {
    this.#running ??= this.#work()
  }

  async #work(): Promise<void> {
    // So that whoever began it has it before it can end.
    await undefined
    while (this.#queue.length > 0 || this.#isHeadDue) {
      if (this.#queue.length > 0) await this.#gather()
      if (this.#isHeadDue) await this.#tryHead()
      const group = this.#takeGroup()
      if (group.length > 0) await this.#writeGroup(group)
    }
    // In the turn in which nothing was left: what is given later begins anew.
    this.#running = undefined
  }

  async #writeGroup(group: readonly Waiting[]): Promise<void> {
    let frames: Frame[]
    try {
      frames = await this.#write(group.flatMap(({ payloads }) => payloads))
    } catch (error) {
      // Those that came meanwhile would have to wait for a disk that has just failed.
      for (const waiting of [...group, ...this.#queue.splice(0)]) {
        waiting.reject(error)
        this.#release(waiting)
      }
      this.#queuedBytes = 0
      return
    }
    for (const { resolve } of group) resolve()
    for (const frame of frames) for (const listener of this.#listeners) listener(frame)
    for (const waiting of group) this.#release(waiting)
  }

  #release({ payloads }: Waiting): void {
    for (const { bytes } of payloads) this.#slab.giveBack(bytes)
  }

  #takeGroup(): Waiting[] {
    let bytes = 0
    let count = 0
    for (const waiting of this.#queue) {
      if (count > 0 && bytes + waiting.bytes > GROUP_BYTES) break
      bytes += waiting.bytes
      count++
    }
    this.#queuedBytes -= bytes
    return this.#queue.splice(0, count)
  }

  /** Lets more come: for a while where nobody waits for what there is, else for one turn of the event loop. */
  async #gather(): Promise<void> {
    const { gatherMs } = this.#options
    // Whatever is given in this turn, or lies in a channel already, shares the write.
    if (gatherMs === 0) return new Promise((resolve) => setImmediate(resolve))
    if (this.#isClosed || this.#queuedBytes >= GROUP_BYTES) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, gatherMs)
      this.#gathered = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#gathered = undefined
  }

  async #write(payloads: readonly Payload[]): Promise<Frame[]> {
    await this.#makeWritable()
    const frames: Frame[] = []
    const sealed: SealedFrame[] = []
    let chain = this.#chain
    let facts = this.#facts
    for (const payload of inFrames(payloads)) {
      const frame = sealFrame(this.#key, payload, chain, sealed.length === 0)
      const position = { segment: this.#segment, offset: facts.end }
      chain = { sequence: frame.header.sequence, hash: frame.hash }
      facts = including(facts, frame.header, facts.end + frame.bytes.length)
      sealed.push(frame)
      frames.push(new WrittenFrame(position, { ...position, offset: facts.end }, frame.header, payload.bytes))
    }
    const bytes = sealed.length === 1 ? sealed[0]!.bytes : Buffer.concat(sealed.map((frame) => frame.bytes))
    // Sealed, in its frame, and perhaps beside others.
    memoryPasses(2 * bytes.length)
    this.#repair = 'cut'
    await this.#file.write(bytes, this.#facts.end)
    this.#repair = 'new segment'
    await this.#file.sync()
    this.#repair = 'none'
    this.#chain = chain
    this.#facts = facts
    this.#headTimer ??= setTimeout(() => {
      this.#headTimer = undefined
      this.#isHeadDue = true
      this.#run()
    }, this.#options.headEveryMs).unref()
    return frames
  }

  async #makeWritable(): Promise<void> {
    if (this.#repair === 'cut') {
      await this.#file.truncate(this.#facts.end)
      this.#repair = 'none'
    }
    const isAbandoned = this.#repair === 'new segment'
    if (!isAbandoned && this.#facts.end < this.#options.segmentBytes) return
    const next = await beginSegment(this.#options, this.#segment + 1, this.#chain, {
      previous: this.#facts,
      ...(isAbandoned && { abandoned: true }),
    })
    const former = this.#file
    const { end } = this.#facts
    this.#segment = next.segment
    this.#key = next.key
    this.#file = next.file
    this.#facts = next.facts
    this.#headSequence = next.head.sequence
    this.#repair = 'none'
    // Where the disk refuses this as well, the next opening does it; what counts stands in the record.
    if (isAbandoned) await former.truncate(end).catch(() => {})
    await former.close()
  }

  async #tryHead(): Promise<void> {
    this.#isHeadDue = false
    try {
      await this.#commitHead()
    } catch (error) {
      this.#options.onHeadFailed(error)
    }
  }

  async #commitHead(): Promise<void> {
    const { records, name } = this.#options
    const { sequence } = this.#chain
    if (sequence === this.#headSequence) return
    const head = headOf(this.#segment, this.#facts.end, this.#chain)
    await records.commit([], [records.put(headRecord, headName(name), head)])
    this.#headSequence = sequence
  }
}

/** Its entries are taken apart when somebody looks at them. */
class WrittenFrame implements Frame {
  readonly position: Position
  readonly next: Position
  readonly header: FrameHeader
  readonly payload: Uint8Array

  constructor(position: Position, next: Position, header: FrameHeader, payload: Uint8Array) {
    this.position = position
    this.next = next
    this.header = header
    this.payload = payload
  }

  get entries(): readonly JournalEntry[] {
    return entriesOf(this.payload)!
  }
}

/** Durably, with the folders above it that are missing. */
export async function makeFolder(dir: string): Promise<void> {
  const firstMade = await mkdir(dir, { recursive: true, mode: 0o700 })
  if (firstMade === undefined) return
  for (let made = dir; made.length >= firstMade.length; made = dirname(made)) await syncFolder(dirname(made))
}

const DEFAULTS = {
  segmentBytes: 64 * 1024 * 1024,
  gatherMs: 0,
  headEveryMs: 60_000,
  onHeadFailed: () => {},
  openFile: openJournalFile,
}
/** Of one write, unless a single call gave more. */
const GROUP_BYTES = 4 * 1024 * 1024
/** That the header of a frame can count. */
const MOST_ENTRIES = 0xffff
