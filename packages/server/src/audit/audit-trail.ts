/**
 * The audit trail's beginning: records of outcomes, on their way to the journals that keep them.
 *
 * Management events, and so every call of the KMS, are durable before their replies. Data events are durable within
 * {@link DATA_WINDOW_MS}; so are events of callers who could not be told, or anybody could have the disk wait for him.
 */
import type { Outcome, Trail } from '../core/outcome.ts'
import type { JournalEntry } from '../journal/frame.ts'
import { type EventRecord, eventRecords } from './event-record.ts'

export const EVENT_JOURNALS = ['management', 'data'] as const
export type EventJournal = (typeof EVENT_JOURNALS)[number]

/** Takes entries of journals. The journals themselves are written by one process. */
export interface JournalSink {
  /** Resolves when the entries are durable; rejects where they could not be kept. */
  keep(journal: EventJournal, entries: readonly Entry[]): Promise<void>
  /** Nobody waits for these. */
  add(journal: EventJournal, entries: readonly Entry[]): void
}

/** An entry of a journal before it is bytes: a text becomes UTF-8 where it is put together with others. */
export interface Entry {
  readonly atMs: number
  readonly content: string | Uint8Array
}

export interface AuditTrailOptions {
  readonly sink: JournalSink
  /** Is told of what no other account can be told of, such as requests whose signature is wrong. */
  readonly operatorsAccount: string
  /** Whether events on objects are recorded. */
  readonly dataEvents: boolean
}

export class AuditTrail implements Trail {
  readonly #options: AuditTrailOptions

  constructor(options: AuditTrailOptions) {
    this.#options = options
  }

  record(outcome: Outcome): Promise<void> | undefined {
    const { sink, operatorsAccount, dataEvents } = this.#options
    const category = outcome.audit?.category
    if (category === undefined || (category === 'Data' && !dataEvents)) return undefined
    const entries = eventRecords(outcome, operatorsAccount).map(toEntry)
    const journal = category === 'Management' ? 'management' : 'data'
    if (journal === 'management' && isKnown(outcome)) return sink.keep(journal, entries)
    sink.add(journal, entries)
    return undefined
  }
}

/** One byte of flags, then the record as it is delivered. */
export const toEntry = ({ atMs, isKeyUse, json }: EventRecord): Entry => ({
  atMs,
  content: `${isKeyUse ? KEY_USE : NO_FLAG}${json}`,
})

export const toJournalEntry = ({ atMs, content }: Entry): JournalEntry => ({
  atMs,
  bytes: typeof content === 'string' ? Buffer.from(content) : content,
})

/** Whether the entry stands for a use of a KMS key; of several that tell of one use, one does. */
export const isKeyUse = (entry: Uint8Array): boolean => isKeyUseFlag(entry[0]!)

/** The same by its first byte. */
export const isKeyUseFlag = (flags: number): boolean => (flags & 1) !== 0

/** The record's JSON text. */
export const recordText = (entry: Uint8Array): string =>
  Buffer.from(entry.buffer, entry.byteOffset + 1, entry.length - 1).toString('utf8')

const isKnown = ({ caller }: Outcome) => caller?.accessKeyId !== undefined || caller?.principalType === 'AWSService'

/** Characters of one byte: the flags. */
const NO_FLAG = '\u0000'
const KEY_USE = '\u0001'
/** After which data events are durable, unless the disk fails. */
export const DATA_WINDOW_MS = 1_000
