/**
 * The audit trail's beginning: records of outcomes, on their way to the journals that keep them.
 *
 * Management events, and so every call of the KMS, are durable before their replies. Data events are durable within
 * {@link DATA_WINDOW_MS}, in a journal of their own. There are the events of callers who could not be told as well, or anybody
 * could have the disk wait for him, and push the history of management out of its retention.
 */
import type { Outcome, Trail } from '../core/outcome.ts'
import type { JournalEntry } from '../journal/frame.ts'
import { type EventRecord, eventRecords } from './event-record.ts'
import { wholeRecord } from './journaled-records.ts'
import { ShortRecords, shapeOf } from './short-records.ts'

export const EVENT_JOURNALS = ['management', 'data'] as const
export type EventJournal = (typeof EVENT_JOURNALS)[number]

/** Takes entries of journals. The journals themselves are written by one process. */
export interface JournalSink {
  /** Resolves when the entries are durable; rejects where they could not be kept. */
  keep(journal: EventJournal, entries: readonly Entry[]): Promise<void>
  /** Nobody waits for these. */
  add(journal: EventJournal, entries: readonly Entry[]): void
  /** Which payload of this journal the next entry goes into: those of one payload come to stand in one frame. */
  payloadOf(journal: EventJournal): number
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
  readonly #short = new ShortRecords()

  constructor(options: AuditTrailOptions) {
    this.#options = options
  }

  record(outcome: Outcome): Promise<void> | undefined {
    const { sink, dataEvents } = this.#options
    const category = outcome.audit?.category
    if (category === undefined || (category === 'Data' && !dataEvents)) return undefined
    const journal = category === 'Management' && isKnown(outcome) ? 'management' : 'data'
    const entries = this.#entries(outcome, journal)
    if (journal === 'management') return sink.keep(journal, entries)
    sink.add(journal, entries)
    return undefined
  }

  #entries(outcome: Outcome, journal: EventJournal): readonly Entry[] {
    const { sink, operatorsAccount } = this.#options
    const shape = shapeOf(outcome)
    if (shape === undefined) return eventRecords(outcome, operatorsAccount).map(toEntry)
    const content = this.#short.text(outcome, shape, sink.payloadOf(journal))
    if (content !== undefined) return [{ atMs: outcome.startedAtMs, content }]
    const records = eventRecords(outcome, operatorsAccount)
    this.#short.learn(outcome, shape, records)
    return records.map(toEntry)
  }
}

export const toEntry = ({ atMs, isKeyUse, json }: EventRecord): Entry => ({
  atMs,
  content: wholeRecord(json, isKeyUse),
})

export const toJournalEntry = ({ atMs, content }: Entry): JournalEntry => ({
  atMs,
  bytes: typeof content === 'string' ? Buffer.from(content) : content,
})

/** Whether it is known who called. */
const isKnown = ({ caller }: Outcome) =>
  caller !== undefined && (caller.accessKeyId !== undefined || KNOWN_WITHOUT_KEY.has(caller.principalType))

/** Services, and whom an identity provider vouched for. */
const KNOWN_WITHOUT_KEY: ReadonlySet<string> = new Set(['AWSService', 'WebIdentityUser'])

/** After which data events are durable, unless the disk fails. */
export const DATA_WINDOW_MS = 1_000
