/**
 * The index of events: where in the journals the events of an account are, by what CloudTrail's LookupEvents asks for.
 *
 * It is made from the journals and can be made anew. Its keys hold a code of what is asked for and a time, so that nobody
 * reads from it who did what (docs/formats/event-index.md).
 */
import { createHmac } from 'node:crypto'
import { Recent } from '../core/recent.ts'
import type { Frame, Position } from '../journal/frame.ts'
import { anyBegins } from '../journal/payload.ts'
import type { Catalog, Mutation } from '../storage/catalog.ts'
import { EVENT_JOURNALS, type EventJournal } from './audit-trail.ts'
import type { CloudTrailRecord } from './cloudtrail-record.ts'
import { isKeyUse, isKeyUseFlag, type JournaledRecord, recordsOf } from './journaled-records.ts'
import { attributesOf, type LookupAttribute } from './lookup-attributes.ts'

/** Where an event is. */
export interface EventPlace {
  readonly journal: EventJournal
  readonly position: Position
  readonly index: number
  readonly atMs: number
  /** Its key in the index; the next page begins after it. */
  readonly key: Uint8Array
}

export interface EventQuery {
  readonly attribute: LookupAttribute
  readonly value: string
  /** Both are within. */
  readonly fromMs: number
  readonly toMs: number
  readonly limit: number
  /** Only what is older than this one. */
  readonly before?: Uint8Array | undefined
}

/** Of one account in one region; the uses of a key are of no account. */
export interface EventScope {
  readonly accountId: string
  readonly region: string
}

export class EventIndex {
  readonly #catalog: Catalog
  readonly #codeKey: Uint8Array
  readonly #codes = new Recent<Uint8Array>(MOST_CODES)
  readonly #codesByTemplate = new Recent<readonly Uint8Array[]>(MOST_TEMPLATES)
  #waiting: Mutation[] = []
  #reached = new Map<EventJournal, Position>()

  /** `codeKey`: 32 bytes, the same as long as the index lives. */
  constructor(catalog: Catalog, codeKey: Uint8Array) {
    this.#catalog = catalog
    this.#codeKey = codeKey
  }

  /** Up to where a journal is in the index; undefined: nothing of it. */
  async reached(journal: EventJournal): Promise<Position | undefined> {
    const [entry] = await this.#catalog.getMany([reachedKey(journal)])
    return entry && (JSON.parse(Buffer.from(entry.value).toString()) as Position)
  }

  /** Takes the events of a frame; they are found after `flush`. */
  add(journal: EventJournal, frame: Frame): void {
    const { position, next, payload } = frame
    this.#reached.set(journal, next)
    // Most frames of data events hold nothing that is looked up.
    if (journal === 'data' && payload && !anyBegins(payload, isKeyUseFlag)) return
    const { entries } = frame
    for (const [index, record] of recordsOf(entries).entries()) {
      const { atMs, bytes } = entries[index]!
      const keyUse = isKeyUse(bytes)
      // Of data events only the uses of keys are looked up.
      if (journal === 'data' && !keyUse) continue
      const place = placeBytes(journal, position, index)
      for (const code of this.#codesOf(record, journal, keyUse)) {
        this.#waiting.push({ key: eventKey(code, atMs, place), value: NOTHING })
      }
    }
  }

  /** Under what it is found. What records of one template differ in is nothing that they are looked up by. */
  #codesOf({ template, json }: JournaledRecord, journal: EventJournal, keyUse: boolean): readonly Uint8Array[] {
    const known = template === undefined ? undefined : this.#codesByTemplate.get(template)
    if (known) return known
    const record = JSON.parse(json()) as CloudTrailRecord
    const scope = { accountId: record.recipientAccountId, region: record.awsRegion }
    const codes: Uint8Array[] = []
    for (const [attribute, value] of attributesOf(record, journal, keyUse)) {
      codes.push(this.#code(attribute === 'KeyUse' ? ANYBODYS : scope, attribute, value))
    }
    if (template !== undefined) this.#codesByTemplate.set(template, codes)
    return codes
  }

  async flush(): Promise<void> {
    const events = this.#waiting
    const reached = this.#reached
    if (reached.size === 0) return
    this.#waiting = []
    this.#reached = new Map()
    const ends = [...reached].map(([journal, position]) => ({
      key: reachedKey(journal),
      value: Buffer.from(JSON.stringify(position)),
    }))
    try {
      await this.#catalog.commit([], [...events, ...ends])
    } catch (error) {
      this.#waiting = [...events, ...this.#waiting]
      this.#reached = new Map([...reached, ...this.#reached])
      throw error
    }
  }

  /** The newest first. */
  async find(scope: EventScope, query: EventQuery): Promise<EventPlace[]> {
    const { attribute, value, fromMs, toMs, limit, before } = query
    const code = this.#code(attribute === 'KeyUse' ? ANYBODYS : scope, attribute, value)
    const found: EventPlace[] = []
    for (let day = dayOf(toMs); day >= dayOf(fromMs) && found.length < limit; day--) {
      const gte = boundKey(code, Math.max(fromMs, day * DAY_MS))
      const end = boundKey(code, Math.min(toMs + 1, (day + 1) * DAY_MS), day)
      const lt = before && Buffer.compare(before, end) < 0 ? before : end
      if (Buffer.compare(gte, lt) >= 0) continue
      const entries = await this.#catalog.range({ gte, lt, limit: limit - found.length, reverse: true })
      found.push(...entries.map(({ key }) => placeOf(key)))
    }
    return found
  }

  /** Removes a part of what is older; false where that was all. */
  async prune(olderThanMs: number): Promise<boolean> {
    const lt = Buffer.alloc(3)
    lt[0] = EVENT
    lt.writeUInt16BE(dayOf(olderThanMs), 1)
    const entries = await this.#catalog.range({ gte: Buffer.of(EVENT), lt, limit: PRUNED_AT_ONCE })
    if (entries.length > 0)
      await this.#catalog.commit(
        [],
        entries.map(({ key }) => ({ key, value: undefined })),
      )
    return entries.length === PRUNED_AT_ONCE
  }

  #code({ accountId, region }: EventScope, attribute: LookupAttribute, value: string): Uint8Array {
    const text = JSON.stringify([accountId, region, attribute, value])
    let code = this.#codes.get(text)
    if (!code) {
      code = createHmac('sha256', this.#codeKey).update(text).digest().subarray(0, CODE_BYTES)
      this.#codes.set(text, code)
    }
    return code
  }
}

function eventKey(code: Uint8Array, atMs: number, place: Uint8Array): Uint8Array {
  const key = Buffer.allocUnsafe(KEY_BYTES)
  writeBound(key, code, atMs, dayOf(atMs))
  key.set(place, BOUND_BYTES)
  return key
}

function boundKey(code: Uint8Array, atMs: number, day = dayOf(atMs)): Buffer {
  const key = Buffer.allocUnsafe(BOUND_BYTES)
  writeBound(key, code, atMs, day)
  return key
}

function writeBound(key: Buffer, code: Uint8Array, atMs: number, day: number): void {
  key[0] = EVENT
  key.writeUInt16BE(day, 1)
  key.set(code, 3)
  key.writeUInt32BE(atMs - day * DAY_MS, 3 + CODE_BYTES)
}

function placeBytes(journal: EventJournal, { segment, offset }: Position, index: number): Uint8Array {
  const place = Buffer.allocUnsafe(PLACE_BYTES)
  place.writeUInt32BE(segment, 0)
  place.writeUInt32BE(offset, 4)
  place.writeUInt32BE(index, 8)
  place[12] = EVENT_JOURNALS.indexOf(journal)
  return place
}

function placeOf(key: Uint8Array): EventPlace {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.length)
  const at = BOUND_BYTES
  return {
    journal: EVENT_JOURNALS[bytes[at + 12]!]!,
    position: { segment: bytes.readUInt32BE(at), offset: bytes.readUInt32BE(at + 4) },
    index: bytes.readUInt32BE(at + 8),
    atMs: bytes.readUInt16BE(1) * DAY_MS + bytes.readUInt32BE(3 + CODE_BYTES),
    key,
  }
}

const dayOf = (ms: number) => Math.floor(ms / DAY_MS)
const reachedKey = (journal: EventJournal) => Buffer.from([REACHED, EVENT_JOURNALS.indexOf(journal)])

const ANYBODYS: EventScope = { accountId: '', region: '' }
const REACHED = 0
const EVENT = 1
const CODE_BYTES = 16
/** Kind, day, code, milliseconds of the day. */
const BOUND_BYTES = 1 + 2 + CODE_BYTES + 4
const PLACE_BYTES = 13
const KEY_BYTES = BOUND_BYTES + PLACE_BYTES
const NOTHING = Buffer.of(0)
const DAY_MS = 86_400_000
const MOST_CODES = 10_000
const MOST_TEMPLATES = 4_000
const PRUNED_AT_ONCE = 1_000
