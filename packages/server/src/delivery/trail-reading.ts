/** What of the journals belongs into a trail's log files: read from one place to another, selected, and laid out by region. */
import { recordTexts } from '../audit/journaled-records.ts'
import { Fault } from '../core/fault.ts'
import type { Position } from '../journal/frame.ts'
import type { JournalReader } from '../journal/journal-reader.ts'
import { type EventRecord, eventFacts, regionInTrail } from '../trails/event-record.ts'
import { selects, wantsDataEvents } from '../trails/event-selectors.ts'
import type { JournalName, JournalPositions, LoggingSpan, Trail } from '../trails/trail-records.ts'
import { LogFile, type LogFileContent } from './log-file.ts'

export type TrailJournals = Readonly<Record<JournalName, Pick<JournalReader, 'frames' | 'segments'>>>

/** What decides on the content of files. */
export interface TrailReading {
  readonly trail: Trail
  readonly spans: readonly LoggingSpan[]
  readonly from: JournalPositions
  /** Absent: as far as there is something, and it fits into one file. */
  readonly until?: JournalPositions
}

export interface TrailContents {
  /** By region. */
  readonly files: ReadonlyMap<string, LogFileContent>
  readonly until: JournalPositions
  /** Whether nothing is left to be read at this moment. */
  readonly isAll: boolean
}

/** How much goes into one delivery's files. */
export interface FileLimits {
  readonly mostRecords: number
  readonly mostBytes: number
}

/** The same reading gives the same files, byte for byte, once it has an end. */
export async function readTrail(
  journals: TrailJournals,
  regions: readonly string[],
  reading: TrailReading,
  limits: FileLimits,
): Promise<TrailContents> {
  const { trail, until } = reading
  const files = new TrailFiles(trail, regions)
  const reached: { management?: Position; data?: Position } = { ...reading.from }
  let isAll = true
  for (const name of wantsDataEvents(trail.selectors) ? JOURNALS : JOURNALS.slice(0, 1)) {
    const fromMs = earliestMs(reading, name)
    const from = later(reading.from[name], await firstSegment(journals[name], fromMs))
    const end = until?.[name]
    if (until && !end) continue
    for await (const { position, next, entries } of journals[name].frames(from, (one) => one.latestMs >= fromMs)) {
      if (end ? !isBefore(position, end) : files.isFull(limits)) {
        isAll = false
        break
      }
      const texts = recordTexts(entries)
      for (const [i, { atMs }] of entries.entries()) {
        if (atMs >= fromMs && isIn(reading.spans, atMs)) await files.take(texts[i]!)
      }
      reached[name] = next
    }
  }
  return { files: await files.finish(), until: reached, isAll }
}

class TrailFiles {
  readonly #trail: Trail
  readonly #regions: readonly string[]
  readonly #byRegion = new Map<string, LogFile>()
  #records = 0
  #bytes = 0

  constructor(trail: Trail, regions: readonly string[]) {
    this.#trail = trail
    this.#regions = regions
  }

  isFull({ mostRecords, mostBytes }: FileLimits): boolean {
    return this.#records >= mostRecords || this.#bytes >= mostBytes
  }

  async take(text: string): Promise<void> {
    const record = parse(text)
    if (record.recipientAccountId !== this.#trail.accountId) return
    const region = regionInTrail(this.#trail, record, this.#regions)
    if (region === undefined || !selects(this.#trail.selectors, eventFacts(record))) return
    let file = this.#byRegion.get(region)
    if (!file) {
      file = new LogFile()
      this.#byRegion.set(region, file)
    }
    const bytes = Buffer.from(text)
    this.#records++
    this.#bytes += bytes.length
    await file.add(bytes, record.eventTime)
  }

  async finish(): Promise<ReadonlyMap<string, LogFileContent>> {
    const contents = new Map<string, LogFileContent>()
    for (const [region, file] of this.#byRegion) contents.set(region, await file.finish())
    return contents
  }
}

function parse(text: string): EventRecord {
  try {
    return JSON.parse(text) as EventRecord
  } catch (error) {
    throw new Fault('Damaged', { what: 'a record of the audit journal is no JSON' }, { cause: error })
  }
}

/** From when on a trail may want something that it has not read. */
function earliestMs({ trail, spans }: TrailReading, name: JournalName): number {
  const loggingMs = spans[0]?.fromMs ?? Number.POSITIVE_INFINITY
  return name === 'data' ? Math.max(loggingMs, trail.dataEventsSinceMs ?? 0) : loggingMs
}

/** The segment before which there is nothing as young as that. Passing over it costs nothing. */
async function firstSegment(journal: TrailJournals[JournalName], fromMs: number): Promise<Position | undefined> {
  for await (const { segment, latestMs } of journal.segments()) {
    if (latestMs === undefined || latestMs >= fromMs) return { segment, offset: 0 }
  }
  return undefined
}

const later = (a: Position | undefined, b: Position | undefined) => (a && b ? (isBefore(a, b) ? b : a) : (a ?? b))

const isBefore = (a: Position, b: Position) => a.segment < b.segment || (a.segment === b.segment && a.offset < b.offset)

const isIn = (spans: readonly LoggingSpan[], atMs: number) =>
  spans.some(({ fromMs, toMs }) => fromMs <= atMs && atMs <= (toMs ?? Number.POSITIVE_INFINITY))

const JOURNALS: readonly JournalName[] = ['management', 'data']
