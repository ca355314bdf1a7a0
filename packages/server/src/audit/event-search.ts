/** Finds events by the index, and reads them from the journals: for LookupEvents, and for whoever asks who used a key. */
import type { JournalReader } from '../journal/journal-reader.ts'
import type { EventJournal } from './audit-trail.ts'
import type { CloudTrailRecord } from './cloudtrail-record.ts'
import { timeOfEventId } from './event-id.ts'
import type { EventIndex, EventPlace, EventQuery, EventScope } from './event-index.ts'
import { recordTexts } from './journaled-records.ts'

export interface FoundEvent {
  readonly record: CloudTrailRecord
  /** As it is delivered. */
  readonly json: string
  readonly place: EventPlace
}

export interface EventPage {
  readonly events: readonly FoundEvent[]
  /** Where the next page begins; undefined: this was the last. */
  readonly next: Uint8Array | undefined
}

export class EventSearch {
  readonly #index: EventIndex
  readonly #readers: Readonly<Record<EventJournal, JournalReader>>

  constructor(index: EventIndex, readers: Readonly<Record<EventJournal, JournalReader>>) {
    this.#index = index
    this.#readers = readers
  }

  /** The newest first. What has been pruned since it was found is left out. */
  async find(scope: EventScope, query: EventQuery): Promise<EventPage> {
    const places = await this.#index.find(scope, { ...query, limit: query.limit + 1 })
    const page = places.slice(0, query.limit)
    const events: FoundEvent[] = []
    for (const place of page) {
      const entries = await this.#readers[place.journal].entriesAt(place.position)
      if (!entries) continue
      const json = recordTexts(entries)[place.index]!
      events.push({ record: JSON.parse(json) as CloudTrailRecord, json, place })
    }
    return { events, next: places.length > query.limit ? page.at(-1)!.key : undefined }
  }

  /** By its id, which tells when it was. */
  async byId(scope: EventScope, id: string): Promise<FoundEvent | undefined> {
    const atMs = timeOfEventId(id)
    if (atMs === undefined) return undefined
    for (let before: Uint8Array | undefined; ; ) {
      const query = { attribute: 'All', value: '', fromMs: atMs, toMs: atMs, limit: 100, before } as const
      const { events, next } = await this.find(scope, query)
      const found = events.find(({ record }) => record.eventID === id.toLowerCase())
      if (found || !next) return found
      before = next
    }
  }
}
