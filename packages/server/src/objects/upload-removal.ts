/** Giving up uploads in progress: one that is aborted, or all of a bucket that is removed. */
import { prefixEnd } from '../records/names.ts'
import type { RecordStore, Stored } from '../records/record-store.ts'
import type { Mutation } from '../storage/catalog.ts'
import { MAX_PARTS } from './completion.ts'
import type { ContentRecords } from './content-records.ts'
import { names, type UploadPart, type UploadRecord, uploadOfName, uploadPart, uploadRecord } from './records.ts'
import { fromBytes } from './upload-id.ts'
import type { CommitMore } from './version-store.ts'

const BATCH = 100

/** What a commit that gives up an upload and all its parts checks and writes. */
export async function uploadRemoval(
  records: RecordStore,
  contents: ContentRecords,
  upload: Stored<UploadRecord>,
  nowMs: number,
): Promise<CommitMore> {
  const parts = await partsOf(records, fromBytes(uploadOfName(upload.name).uploadId).streamId)
  return {
    checks: [records.unchanged(uploadRecord, upload), ...parts.map((part) => records.unchanged(uploadPart, part))],
    mutations: [
      records.remove(uploadRecord, upload.name),
      ...parts.flatMap((part) => partRemoval(records, contents, part, nowMs)),
    ],
  }
}

/** What a commit that gives up one part writes. */
export function partRemoval(
  records: RecordStore,
  contents: ContentRecords,
  part: Stored<UploadPart>,
  nowMs: number,
): Mutation[] {
  return [records.remove(uploadPart, part.name), ...contents.releaseStream(part.value.stream, nowMs)]
}

/** Gives up the uploads of a bucket to which nothing can be written any more. */
export async function removeUploads(
  records: RecordStore,
  contents: ContentRecords,
  bucketId: string,
  nowMs: number,
): Promise<void> {
  const gte = names.objectKey(bucketId, '')
  for (;;) {
    const uploads = await records.range(uploadRecord, { gte, lt: prefixEnd(gte), limit: BATCH })
    for (const upload of uploads) {
      const { checks, mutations } = await uploadRemoval(records, contents, upload, nowMs)
      // A part that lands meanwhile fails the commit; the next round sees it.
      await records.commit(checks, mutations)
    }
    if (uploads.length === 0) return
  }
}

/** The parts that an upload has now, in the order of their numbers. */
export async function partsOf(records: RecordStore, streamId: string): Promise<readonly Stored<UploadPart>[]> {
  const gte = names.partsOf(streamId)
  return records.range(uploadPart, { gte, lt: prefixEnd(gte), limit: MAX_PARTS })
}
