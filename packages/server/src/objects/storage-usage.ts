/**
 * How much each bucket holds, counted as CloudWatch's storage metrics count (AWS S3 user guide, "Metrics and dimensions"):
 * noncurrent versions, delete markers and the parts of uploads in progress as well. It reads every record, a page at a time,
 * and lets others have their turn in between.
 */
import { setImmediate as othersTurn } from 'node:timers/promises'
import { ALL_NAMES, eachRecord } from '../records/each-record.ts'
import { prefixEnd } from '../records/names.ts'
import type { RecordStore } from '../records/record-store.ts'
import {
  type BucketRecord,
  bucketRecord,
  currentVersion,
  names,
  olderVersion,
  uploadOfName,
  uploadPart,
  uploadRecord,
} from './records.ts'
import { fromBytes } from './upload-id.ts'

export interface BucketUsage {
  readonly bucket: string
  readonly accountId: string
  /** Of plaintext. */
  readonly bytes: number
  readonly objects: number
}

/** Buckets by name. A record that does not open is reported by its place and not counted. */
export async function* storageUsage(
  records: RecordStore,
  report: (problem: string) => void,
): AsyncGenerator<BucketUsage> {
  for await (const { name, value } of eachRecord(records, bucketRecord, ALL_NAMES, report)) {
    if (value.deleting) continue
    const { accountId } = value
    let bytes = 0
    let objects = 0
    for await (const size of sizesIn(records, value, report)) {
      bytes += size
      objects++
      if (objects % TURN === 0) await othersTurn()
    }
    yield { bucket: Buffer.from(name).toString(), accountId, bytes, objects }
  }
}

/** Of each thing that counts; a delete marker has none. */
async function* sizesIn(
  records: RecordStore,
  { bucketId }: BucketRecord,
  report: (problem: string) => void,
): AsyncGenerator<number> {
  const gte = names.objectKey(bucketId, '')
  const within = { gte, lt: prefixEnd(gte) }
  for await (const { value } of eachRecord(records, currentVersion, within, report)) yield value.plaintextSize
  for await (const { value } of eachRecord(records, olderVersion, within, report)) {
    yield value.kind === 'object' ? value.plaintextSize : 0
  }
  for await (const upload of eachRecord(records, uploadRecord, within, report)) {
    const parts = names.partsOf(fromBytes(uploadOfName(upload.name).uploadId).streamId)
    for await (const { value } of eachRecord(records, uploadPart, { gte: parts, lt: prefixEnd(parts) }, report)) {
      yield value.stream.plaintextSize
    }
  }
}

const TURN = 200
