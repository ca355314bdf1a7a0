/** Goes through a journal of events from the newest backwards, for questions that no index answers. */
import type { Position } from '../journal/frame.ts'
import type { JournalReader } from '../journal/journal-reader.ts'
import type { CloudTrailRecord } from './cloudtrail-record.ts'
import { recordTexts } from './journaled-records.ts'

export interface EventFilter {
  readonly accountId: string
  readonly fromMs: number
  readonly toMs: number
  readonly bucket?: string | undefined
  readonly objectKey?: string | undefined
  readonly keyPrefix?: string | undefined
  /** Of an ARN, a user's name or an access key id. */
  readonly caller?: string | undefined
  readonly eventName?: string | undefined
  readonly errorsOnly?: boolean | undefined
}

/** An entry of a frame. */
export type EntryPosition = Position & { readonly index: number }

export interface ScannedPage {
  readonly events: readonly CloudTrailRecord[]
  /** Whence to go on; undefined: there is no more. */
  readonly next: EntryPosition | undefined
}

/** Resolves after `limit` events, or after having looked at {@link MOST_SCANNED}. `before`: the one where the last page ended. */
export async function scanEvents(
  reader: JournalReader,
  filter: EventFilter,
  limit: number,
  before?: EntryPosition,
): Promise<ScannedPage> {
  const events: CloudTrailRecord[] = []
  let scanned = 0
  // The frame of `before` may hold more, and is looked at again.
  const from = before && { segment: before.segment, offset: before.offset + 1 }
  const inTime = ({ earliestMs, latestMs }: { readonly earliestMs: number; readonly latestMs: number }) =>
    latestMs >= filter.fromMs && earliestMs <= filter.toMs
  for await (const { position, entries } of reader.backwards(from, inTime)) {
    const texts = recordTexts(entries)
    const isResumed = before?.segment === position.segment && before.offset === position.offset
    for (let index = (isResumed ? before.index : entries.length) - 1; index >= 0; index--) {
      const { atMs } = entries[index]!
      scanned++
      if (atMs < filter.fromMs || atMs > filter.toMs) continue
      const text = texts[index]!
      if (!mayFit(text, filter)) continue
      const record = JSON.parse(text) as CloudTrailRecord
      if (!fits(record, filter)) continue
      events.push(record)
      if (events.length === limit) return { events, next: { ...position, index } }
    }
    if (scanned >= MOST_SCANNED) return { events, next: { ...position, index: 0 } }
  }
  return { events, next: undefined }
}

/** Whether a text can be of a record that fits: cheaper than to read it. */
function mayFit(text: string, { accountId, bucket, eventName }: EventFilter): boolean {
  return (
    text.includes(accountId) &&
    (bucket === undefined || text.includes(`"${bucket}"`)) &&
    (eventName === undefined || text.includes(`"${eventName}"`))
  )
}

function fits(record: CloudTrailRecord, filter: EventFilter): boolean {
  const { requestParameters, userIdentity } = record
  const key = requestParameters?.key
  const { bucket, objectKey, keyPrefix, caller, eventName, errorsOnly } = filter
  return (
    record.recipientAccountId === filter.accountId &&
    (bucket === undefined || requestParameters?.bucketName === bucket) &&
    (objectKey === undefined || key === objectKey) &&
    (keyPrefix === undefined || (typeof key === 'string' && key.startsWith(keyPrefix))) &&
    (caller === undefined || [userIdentity.arn, userIdentity.userName, userIdentity.accessKeyId].includes(caller)) &&
    (eventName === undefined || record.eventName === eventName) &&
    (!errorsOnly || record.errorCode !== undefined)
  )
}

/** In one call. */
export const MOST_SCANNED = 100_000
