/**
 * Listing in key order, in pages. Reads are proportional to the page: a common prefix is skipped over in one step,
 * whatever number of keys it stands for.
 */
import type { CallContext } from '../policy/call.ts'
import { nameAfter, prefixEnd } from '../records/names.ts'
import type { RecordStore } from '../records/record-store.ts'
import type { Buckets } from './buckets.ts'
import { Cursor, commonPrefix, compareKeys, firstName, maxName } from './cursor.ts'
import { ownerOf } from './ownership.ts'
import {
  type BucketRecord,
  currentVersion,
  type DeleteMarker,
  keyOfName,
  keyOfVersionName,
  names,
  type ObjectVersion,
  olderVersion,
  type UploadRecord,
  uploadOfName,
  uploadRecord,
} from './records.ts'
import type { Checksum } from './types.ts'
import { fromBytes, type UploadId } from './upload-id.ts'

export interface ListedObject {
  readonly objectKey: string
  readonly etag: string
  readonly lastModifiedMs: number
  readonly plaintextSize: number
  readonly storageClass: string
  readonly checksum: Checksum | undefined
  readonly ownerAccountId: string
}

export interface ListInput {
  readonly bucket: string
  readonly prefix: string
  readonly delimiter: string
  readonly maxKeys: number
}

export interface ObjectPage {
  readonly entries: readonly ListedObject[]
  readonly commonPrefixes: readonly string[]
  /** The last key or common prefix of the page, where more follows. */
  readonly next: string | undefined
}

export interface ListedVersion {
  readonly kind: 'object' | 'deleteMarker'
  readonly objectKey: string
  readonly versionId: string
  readonly isLatest: boolean
  readonly lastModifiedMs: number
  readonly ownerAccountId: string
  /** Absent on delete markers. */
  readonly object: ListedObject | undefined
}

export interface ListedUpload {
  readonly objectKey: string
  readonly uploadId: string
  readonly ownerAccountId: string
  readonly upload: UploadRecord
}

export interface UploadPage {
  readonly entries: readonly ListedUpload[]
  readonly commonPrefixes: readonly string[]
  /** Set where more follows; the id is undefined after a common prefix. */
  readonly nextKeyMarker: string | undefined
  readonly nextUploadIdMarker: string | undefined
}

export interface VersionPage {
  readonly entries: readonly ListedVersion[]
  readonly commonPrefixes: readonly string[]
  readonly nextKeyMarker: string | undefined
  readonly nextVersionIdMarker: string | undefined
}

export class Listing {
  readonly #records: RecordStore
  readonly #buckets: Buckets

  constructor(records: RecordStore, buckets: Buckets) {
    this.#records = records
    this.#buckets = buckets
  }

  /** Objects after `startAfter` (a key, or a common prefix whose keys are then all passed over). */
  async objects(call: CallContext, input: ListInput & { readonly startAfter: string }): Promise<ObjectPage> {
    const bucket = (await this.#buckets.require(call, input.bucket)).value
    const { bucketId } = bucket
    const { prefix, delimiter, maxKeys, startAfter } = input
    const entries: ListedObject[] = []
    const commonPrefixes: string[] = []
    const lt = prefixEnd(names.objectKey(bucketId, prefix))
    const cursor = new Cursor(
      this.#records,
      currentVersion,
      firstName(bucketId, prefix, delimiter, startAfter),
      lt,
      maxKeys + 1,
    )
    let last: string | undefined
    for (;;) {
      const stored = await cursor.peek()
      if (!stored) return { entries, commonPrefixes, next: undefined }
      if (entries.length + commonPrefixes.length === maxKeys) return { entries, commonPrefixes, next: last }
      const objectKey = keyOfName(stored.name)
      const common = commonPrefix(objectKey, prefix, delimiter)
      if (common !== undefined) {
        commonPrefixes.push(common)
        last = common
        cursor.jump(prefixEnd(names.objectKey(bucketId, common)))
      } else {
        entries.push(listed(objectKey, stored.value, bucket))
        last = objectKey
        cursor.advance()
      }
    }
  }

  /** Versions and delete markers after `keyMarker`, or after one version of it; newest first within a key. */
  async versions(
    call: CallContext,
    input: ListInput & { readonly keyMarker: string; readonly versionIdMarker: string | undefined },
  ): Promise<VersionPage> {
    const bucket = (await this.#buckets.require(call, input.bucket)).value
    const { bucketId } = bucket
    const { prefix, delimiter, maxKeys, keyMarker, versionIdMarker } = input
    const entries: ListedVersion[] = []
    const commonPrefixes: string[] = []
    const lt = prefixEnd(names.objectKey(bucketId, prefix))
    // With a version id marker the marker's own key is gone through again, up to that version.
    const from =
      versionIdMarker === undefined
        ? firstName(bucketId, prefix, delimiter, keyMarker)
        : maxName(names.objectKey(bucketId, prefix), names.objectKey(bucketId, keyMarker))
    const afterKey =
      versionIdMarker === undefined ? maxName(from, prefixEnd(names.versionsOf(bucketId, keyMarker))) : from
    const current = new Cursor(this.#records, currentVersion, from, lt, maxKeys + 1)
    const older = new Cursor(this.#records, olderVersion, keyMarker === '' ? from : afterKey, lt, maxKeys + 1)
    let skipping = versionIdMarker !== undefined
    let previousKey: string | undefined
    let last: { key: string; versionId: string | undefined } | undefined
    for (;;) {
      const [a, b] = [await current.peek(), await older.peek()]
      if (!a && !b) return { entries, commonPrefixes, nextKeyMarker: undefined, nextVersionIdMarker: undefined }
      const keyA = a && keyOfName(a.name)
      const keyB = b && keyOfVersionName(b.name)
      const takeCurrent = keyA !== undefined && (keyB === undefined || compareKeys(keyA, keyB) <= 0)
      const objectKey = takeCurrent ? keyA : keyB!
      const version: ObjectVersion | DeleteMarker = takeCurrent ? a!.value : b!.value
      if (skipping) {
        if (objectKey !== keyMarker) skipping = false
        else {
          if (version.versionId === versionIdMarker) skipping = false
          previousKey = objectKey
          if (takeCurrent) current.advance()
          else older.advance()
          continue
        }
      }
      if (entries.length + commonPrefixes.length === maxKeys) {
        return { entries, commonPrefixes, nextKeyMarker: last?.key, nextVersionIdMarker: last?.versionId }
      }
      const common = commonPrefix(objectKey, prefix, delimiter)
      if (common !== undefined) {
        commonPrefixes.push(common)
        last = { key: common, versionId: undefined }
        const past = prefixEnd(names.objectKey(bucketId, common))
        current.jump(past)
        older.jump(past)
        continue
      }
      entries.push({
        kind: version.kind,
        objectKey,
        versionId: version.versionId,
        isLatest: objectKey !== previousKey,
        lastModifiedMs: version.lastModifiedMs,
        ownerAccountId: ownerOf(bucket, version.kind === 'object' ? version.access : undefined),
        object: version.kind === 'object' ? listed(objectKey, version, bucket) : undefined,
      })
      previousKey = objectKey
      last = { key: objectKey, versionId: version.versionId }
      if (takeCurrent) current.advance()
      else older.advance()
    }
  }

  /** Uploads in progress after `keyMarker`, or after one upload of it; by key, then by the time of their start. */
  async uploads(
    call: CallContext,
    input: ListInput & { readonly keyMarker: string; readonly uploadIdMarker: UploadId | undefined },
  ): Promise<UploadPage> {
    const bucket = (await this.#buckets.require(call, input.bucket)).value
    const { bucketId } = bucket
    const { prefix, delimiter, maxKeys, keyMarker, uploadIdMarker } = input
    const entries: ListedUpload[] = []
    const commonPrefixes: string[] = []
    const all = names.objectKey(bucketId, prefix)
    const lt = prefixEnd(all)
    let from = firstName(bucketId, prefix, delimiter, keyMarker)
    if (uploadIdMarker) from = maxName(all, nameAfter(names.upload(bucketId, keyMarker, uploadIdMarker.bytes)))
    else if (keyMarker !== '') from = maxName(from, prefixEnd(names.uploadsOf(bucketId, keyMarker)))
    const cursor = new Cursor(this.#records, uploadRecord, from, lt, maxKeys + 1)
    let last: { key: string; uploadId: string | undefined } | undefined
    for (;;) {
      const stored = await cursor.peek()
      if (!stored) return { entries, commonPrefixes, nextKeyMarker: undefined, nextUploadIdMarker: undefined }
      if (entries.length + commonPrefixes.length === maxKeys) {
        return { entries, commonPrefixes, nextKeyMarker: last?.key, nextUploadIdMarker: last?.uploadId }
      }
      const { objectKey, uploadId } = uploadOfName(stored.name)
      const common = commonPrefix(objectKey, prefix, delimiter)
      if (common !== undefined) {
        commonPrefixes.push(common)
        last = { key: common, uploadId: undefined }
        cursor.jump(prefixEnd(names.objectKey(bucketId, common)))
        continue
      }
      const { text } = fromBytes(uploadId)
      const ownerAccountId = ownerOf(bucket, stored.value.access)
      entries.push({ objectKey, uploadId: text, ownerAccountId, upload: stored.value })
      last = { key: objectKey, uploadId: text }
      cursor.advance()
    }
  }
}

function listed(objectKey: string, version: ObjectVersion, bucket: BucketRecord): ListedObject {
  return {
    objectKey,
    etag: version.etag,
    lastModifiedMs: version.lastModifiedMs,
    plaintextSize: version.plaintextSize,
    storageClass: version.headers['x-amz-storage-class'] ?? 'STANDARD',
    checksum: version.checksum,
    ownerAccountId: ownerOf(bucket, version.access),
  }
}
