/** What stands in the catalog of a journal: a record of each segment, with its key, and how far the journal had come. */
import { MessageKey } from '@strongroom/crypto/node'
import { eachIn } from '../records/each-record.ts'
import { name, nameAfter, prefixEnd, ZERO } from '../records/names.ts'
import { defineRecord, type RecordStore } from '../records/record-store.ts'
import type { ChainEnd } from './frame.ts'

/** Of a segment that is complete. */
export interface SegmentFacts {
  /** In bytes; what the file has after it does not count. */
  readonly end: number
  readonly frames: number
  /** Of the entries; absent where there are none. */
  readonly earliestMs?: number
  readonly latestMs?: number
}

export interface SegmentRecord {
  readonly journal: string
  readonly segment: number
  readonly createdAtMs: number
  readonly firstSequence: number
  /** Hex. */
  readonly previousHash: string
  /** Base64. */
  readonly dataKey: string
  /** Of the segment before; absent in the first of all. */
  readonly previous?: SegmentFacts
  /** A sync of the segment before failed: its file may have bytes after its end. */
  readonly abandoned?: boolean
  /** In the first one, where those before it were removed by prune. */
  readonly pruned?: { readonly segments: number; readonly atMs: number }
}

/** Everything up to here was durable once. */
export interface HeadRecord {
  readonly segment: number
  readonly offset: number
  readonly sequence: number
  /** Hex. */
  readonly hash: string
}

export const segmentRecord = defineRecord<SegmentRecord>({ label: 'journal segment', prefix: 'j', formatVersion: 1 })
export const headRecord = defineRecord<HeadRecord>({ label: 'journal head', prefix: 'J', formatVersion: 1 })

export const segmentName = (journal: string, segment: number): Uint8Array => {
  const number = Buffer.alloc(4)
  number.writeUInt32BE(segment)
  return name(journal, ZERO, number)
}
/** Whose name a record of a segment has. */
export const segmentOf = (recordName: Uint8Array): { readonly journal: string; readonly segment: number } => {
  const bytes = Buffer.from(recordName)
  return { journal: bytes.toString('utf8', 0, bytes.length - 5), segment: bytes.readUInt32BE(bytes.length - 4) }
}
export const headName = (journal: string): Uint8Array => name(journal)

/** Every segment's record from one on, in order. */
export async function* eachSegment(records: RecordStore, journal: string, from = 0): AsyncGenerator<SegmentRecord> {
  const range = { gte: segmentName(journal, from), lt: prefixEnd(name(journal, ZERO)) }
  for await (const { value } of eachIn(records, segmentRecord, range)) yield value
}

/** Each with the one after it, where there is one. */
export async function* withNext<T>(all: AsyncIterable<T>): AsyncGenerator<readonly [T, T | undefined]> {
  let current: T | undefined
  for await (const next of all) {
    if (current !== undefined) yield [current, next]
    current = next
  }
  if (current !== undefined) yield [current, undefined]
}

export async function isSegmentThere(records: RecordStore, journal: string, segment: number): Promise<boolean> {
  const gte = segmentName(journal, segment)
  return (await records.names(segmentRecord, { gte, lt: nameAfter(gte), limit: 1 })).length > 0
}

export const readHead = async (records: RecordStore, journal: string): Promise<HeadRecord | undefined> =>
  (await records.get(headRecord, headName(journal)))?.value

/** What the segment's first frame follows. */
export const chainBefore = ({ firstSequence, previousHash }: SegmentRecord): ChainEnd => ({
  sequence: firstSequence - 1,
  hash: Buffer.from(previousHash, 'hex'),
})

export function segmentKey({ dataKey }: SegmentRecord): MessageKey {
  const bytes = Buffer.from(dataKey, 'base64')
  const key = new MessageKey(bytes)
  bytes.fill(0)
  return key
}
