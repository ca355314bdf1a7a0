/**
 * The journals of a data folder as the one process that writes them has them: entries are made durable, then found by the
 * index of events, and go when they have been kept for long enough.
 */
import { join } from 'node:path'
import type { Clock } from '../core/clock.ts'
import type { JournalEntry, Position } from '../journal/frame.ts'
import { JournalReader } from '../journal/journal-reader.ts'
import { JournalWriter } from '../journal/journal-writer.ts'
import type { Payload } from '../journal/payload.ts'
import type { RecordStore } from '../records/record-store.ts'
import { EVENT_JOURNALS, toEntry, toJournalEntry } from './audit-trail.ts'
import type { EventIndex } from './event-index.ts'
import { type ServiceEvent, serviceEventRecord } from './event-record.ts'

export const JOURNAL_NAMES = [...EVENT_JOURNALS, 'access'] as const
export type JournalName = (typeof JOURNAL_NAMES)[number]

export interface Retention {
  /** Whole days. */
  readonly days: number
  readonly maxBytes: number
}

export interface JournalsOptions {
  readonly dir: string
  readonly records: RecordStore
  readonly index: EventIndex
  readonly clock: Clock
  readonly retention: Readonly<Record<JournalName, Retention>>
  /** Told of an index that could not be written; it is tried again. */
  readonly onIndexError: (error: Error) => void
  /** Told of a journal's head that could not be written down; likewise. */
  readonly onHeadFailed: (error: unknown) => void
}

export const journalDir = (dir: string, journal: string) => join(dir, journal)

export class Journals {
  readonly #options: JournalsOptions
  readonly #writers: Readonly<Record<JournalName, JournalWriter>>
  #indexing: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined

  private constructor(options: JournalsOptions, writers: Readonly<Record<JournalName, JournalWriter>>) {
    this.#options = options
    this.#writers = writers
    for (const journal of EVENT_JOURNALS) {
      writers[journal].onWritten((frame) => {
        try {
          options.index.add(journal, frame)
        } catch (error) {
          // What cannot be looked up is on record all the same, and nobody's reply may wait for it.
          options.onIndexError(error as Error)
        }
        this.#timer ??= setTimeout(() => this.#flushIndex(), INDEX_AFTER_MS)
      })
    }
  }

  /** Also brings the index up to what the journals hold. Throws Fault Damaged where a journal is not as it was left. */
  static async open(options: JournalsOptions): Promise<Journals> {
    const { dir, records, clock, index, onHeadFailed } = options
    const writers = {} as Record<JournalName, JournalWriter>
    for (const name of JOURNAL_NAMES) {
      writers[name] = await JournalWriter.open({
        ...{ dir: journalDir(dir, name), name, records, clock, onHeadFailed },
        gatherMs: name === 'management' ? 0 : GATHER_MS,
      })
    }
    for (const name of EVENT_JOURNALS) {
      const reader = new JournalReader({ dir: journalDir(dir, name), name, records })
      for await (const frame of reader.frames(await index.reached(name))) {
        index.add(name, frame)
        await index.flush()
      }
    }
    return new Journals(options, writers)
  }

  /** Resolves when they are durable. */
  append(journal: JournalName, given: readonly JournalEntry[] | Payload): Promise<void> {
    return this.#writers[journal].append(given)
  }

  /** Of what the server does of itself. */
  appendEvent(event: ServiceEvent): Promise<void> {
    return this.append('management', [toJournalEntry(toEntry(serviceEventRecord(event)))])
  }

  end(journal: JournalName): Position {
    return this.#writers[journal].end
  }

  /** Takes away what has been kept for long enough. */
  async prune(): Promise<void> {
    const { retention, clock, index } = this.#options
    const nowMs = clock.nowMs()
    for (const name of JOURNAL_NAMES) {
      const { days, maxBytes } = retention[name]
      await this.#writers[name].prune({ olderThanMs: nowMs - days * DAY_MS, maxBytes })
    }
    const longest = Math.max(...EVENT_JOURNALS.map((name) => retention[name].days))
    while (await index.prune(nowMs - longest * DAY_MS)) await new Promise((resolve) => setImmediate(resolve))
  }

  async close(): Promise<void> {
    for (const writer of Object.values(this.#writers)) await writer.close()
    clearTimeout(this.#timer)
    await this.#indexing
    await this.#options.index.flush()
  }

  #flushIndex(): void {
    this.#timer = undefined
    this.#indexing = this.#indexing
      .then(() => this.#options.index.flush())
      .catch((error: Error) => {
        this.#options.onIndexError(error)
        this.#timer ??= setTimeout(() => this.#flushIndex(), INDEX_AGAIN_MS)
      })
  }
}

/** Nobody waits for data events and lines of access logs; see DATA_WINDOW_MS. */
const GATHER_MS = 200
const INDEX_AFTER_MS = 200
const INDEX_AGAIN_MS = 5_000
const DAY_MS = 86_400_000
