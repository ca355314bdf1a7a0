/**
 * Verifies everything at rest: every record opens, every version's bytes are there with their length and CRC-32C, and
 * what the server can open without a caller (SSE-S3) authenticates to the last segment.
 */
import { crc32c } from '@node-rs/crc32'
import { isFault } from '../core/fault.ts'
import { ALL_NAMES, eachRecord } from '../records/each-record.ts'
import { prefixEnd } from '../records/names.ts'
import type { RecordStore } from '../records/record-store.ts'
import type { BlobStore } from '../storage/blobs.ts'
import type { ContentReader } from './content-reader.ts'
import { ContentRecords } from './content-records.ts'
import type { Protector } from './protection.ts'
import {
  type BucketRecord,
  blobReference,
  bucketRecord,
  currentVersion,
  inlineContent,
  keyOfName,
  keyOfVersionName,
  names,
  type ObjectVersion,
  olderVersion,
  partNumberOfName,
  uploadOfName,
  uploadPart,
  uploadRecord,
} from './records.ts'
import { type StoredStream, streamIdOf } from './stored-content.ts'
import { fromBytes } from './upload-id.ts'

export interface FsckSummary {
  buckets: number
  versions: number
  bytes: number
  opened: number
}

export interface FsckServices {
  readonly records: RecordStore
  readonly blobs: BlobStore
  readonly protector: Protector
  readonly reader: ContentReader
}

const READ_BYTES = 1024 * 1024

/** Calls `report` for each thing that does not hold. */
export async function fsck(services: FsckServices, report: (problem: string) => void): Promise<FsckSummary> {
  const summary: FsckSummary = { buckets: 0, versions: 0, bytes: 0, opened: 0 }
  for await (const bucket of eachRecord(services.records, bucketRecord, ALL_NAMES, report)) {
    summary.buckets++
    const bucketName = Buffer.from(bucket.name).toString()
    const gte = names.objectKey(bucket.value.bucketId, '')
    const within = { gte, lt: prefixEnd(gte) }
    for await (const stored of eachRecord(services.records, currentVersion, within, report)) {
      await checkVersion(services, bucketName, bucket.value, keyOfName(stored.name), stored.value, summary, report)
    }
    for await (const stored of eachRecord(services.records, olderVersion, within, report)) {
      if (stored.value.kind === 'deleteMarker') continue
      await checkVersion(
        services,
        bucketName,
        bucket.value,
        keyOfVersionName(stored.name),
        stored.value,
        summary,
        report,
      )
    }
    for await (const upload of eachRecord(services.records, uploadRecord, within, report)) {
      const { objectKey, uploadId } = uploadOfName(upload.name)
      const { text, streamId } = fromBytes(uploadId)
      const gteParts = names.partsOf(streamId)
      for await (const part of eachRecord(
        services.records,
        uploadPart,
        { gte: gteParts, lt: prefixEnd(gteParts) },
        report,
      )) {
        const problem = await checkBytes(services, part.value.stream, summary)
        const where = `s3://${bucketName}/${objectKey} upload ${text} part ${partNumberOfName(part.name)}`
        if (problem !== undefined) report(`${where}: ${problem}`)
      }
    }
  }
  return summary
}

async function checkVersion(
  services: FsckServices,
  bucket: string,
  { bucketId }: BucketRecord,
  objectKey: string,
  version: ObjectVersion,
  summary: FsckSummary,
  report: (problem: string) => void,
): Promise<void> {
  const where = `s3://${bucket}/${objectKey} version ${version.versionId}`
  summary.versions++
  try {
    const streams = await new ContentRecords(services.records).streams(version.content)
    const problems: string[] = []
    for (const stream of streams) {
      const problem = await checkBytes(services, stream, summary)
      if (problem !== undefined) problems.push(problem)
    }
    for (const problem of problems) report(`${where}: ${problem}`)
    if (problems.length > 0) return
    const place = { bucket, bucketId, objectKey, streamId: streamIdOf(version.content) }
    const active = await services.protector.resumeForVerification(place, version.protection)
    if (!active) return
    const content = await services.reader.open(streams, active, 0, version.plaintextSize)
    for await (const _ of content.chunks());
    summary.opened++
  } catch (error) {
    if (!isFault(error, 'Damaged')) throw error
    report(`${where}: does not authenticate (${error.detail.what})`)
  }
}

/** What is wrong with the bytes at rest, which needs no key to see; undefined where nothing is. */
async function checkBytes(
  services: FsckServices,
  { place, sealedSize, sealedCrc32c }: StoredStream,
  summary: FsckSummary,
): Promise<string | undefined> {
  let crc = 0
  if (place.kind === 'inline') {
    const bytes = await services.records.getBytes(inlineContent, names.inline(place.id))
    if (!bytes) return 'its bytes are missing'
    if (bytes.length !== sealedSize) return 'its bytes have another length'
    crc = crc32c(Buffer.from(bytes))
  } else {
    const blob = await services.blobs.open(place.id)
    if (!blob) return `blob ${place.id} is missing`
    try {
      if (blob.size !== sealedSize) return `blob ${place.id} has another length`
      for (let at = 0; at < blob.size; at += READ_BYTES) crc = crc32c(Buffer.from(await blob.read(at, READ_BYTES)), crc)
    } finally {
      await blob.close()
    }
    if (!(await services.records.get(blobReference, names.blob(place.id)))) return `blob ${place.id} has no reference`
  }
  summary.bytes += sealedSize
  return crc >>> 0 === sealedCrc32c ? undefined : `${place.kind} ${place.id} has changed at rest`
}
