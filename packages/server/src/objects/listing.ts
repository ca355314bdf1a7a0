/**
 * Listing in key order, in pages. Reads are proportional to the page: a common prefix is skipped over in one step,
 * whatever number of keys it stands for.
 */
import type { CallContext } from '../core/principal.ts'
import { name, nameAfter, prefixEnd } from '../records/names.ts'
import type { RecordKind, RecordStore, Stored } from '../records/record-store.ts'
import type { Buckets } from './buckets.ts'
import {
  currentVersion,
  type DeleteMarker,
  keyOfName,
  keyOfVersionName,
  names,
  type ObjectVersion,
  olderVersion,
} from './records.ts'
import type { Checksum } from './types.ts'

export interface ListedObject {
  readonly objectKey: string
  readonly etag: string
  readonly lastModifiedMs: number
  readonly plaintextSize: number
  readonly storageClass: string
  readonly checksum: Checksum | undefined
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
  /** Absent on delete markers. */
  readonly object: ListedObject | undefined
}

export interface VersionPage {
  readonly entries: readonly ListedVersion[]
  readonly commonPrefixes: readonly string[]
  readonly nextKeyMarker: string | undefined
  readonly nextVersionIdMarker: string | undefined
}

const BATCH = 1000

export class Listing {
  readonly #records: RecordStore
  readonly #buckets: Buckets

  constructor(records: RecordStore, buckets: Buckets) {
    this.#records = records
    this.#buckets = buckets
  }

  /** Objects after `startAfter` (a key, or a common prefix whose keys are then all passed over). */
  async objects(call: CallContext, input: ListInput & { readonly startAfter: string }): Promise<ObjectPage> {
    const { bucketId } = (await this.#buckets.require(call, input.bucket, 's3:ListBucket')).value
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
        entries.push(listed(objectKey, stored.value))
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
    const { bucketId } = (await this.#buckets.require(call, input.bucket, 's3:ListBucketVersions')).value
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
        object: version.kind === 'object' ? listed(objectKey, version) : undefined,
      })
      previousKey = objectKey
      last = { key: objectKey, versionId: version.versionId }
      if (takeCurrent) current.advance()
      else older.advance()
    }
  }
}

/** Goes through a range in batches, and can jump ahead. */
class Cursor<T> {
  readonly #records: RecordStore
  readonly #kind: RecordKind<T>
  readonly #lt: Uint8Array
  readonly #batch: number
  #next: Uint8Array
  #page: Stored<T>[] = []
  #at = 0
  #ended = false

  constructor(records: RecordStore, kind: RecordKind<T>, gte: Uint8Array, lt: Uint8Array, batch: number) {
    this.#records = records
    this.#kind = kind
    this.#next = gte
    this.#lt = lt
    this.#batch = Math.min(batch, BATCH + 1)
  }

  async peek(): Promise<Stored<T> | undefined> {
    if (this.#at === this.#page.length && !this.#ended) {
      const range = { gte: this.#next, lt: this.#lt, limit: this.#batch }
      this.#page = Buffer.compare(this.#next, this.#lt) < 0 ? await this.#records.range(this.#kind, range) : []
      this.#at = 0
      this.#ended = this.#page.length < this.#batch
      const last = this.#page.at(-1)
      if (last) this.#next = nameAfter(last.name)
    }
    return this.#page[this.#at]
  }

  advance(): void {
    this.#at++
  }

  /** On to the first name that is not below `to`. */
  jump(to: Uint8Array): void {
    while (this.#at < this.#page.length && Buffer.compare(this.#page[this.#at]!.name, to) < 0) this.#at++
    if (this.#at === this.#page.length && Buffer.compare(this.#next, to) < 0) this.#next = to
  }
}

function firstName(bucketId: string, prefix: string, delimiter: string, startAfter: string): Uint8Array {
  const from = names.objectKey(bucketId, prefix)
  if (startAfter === '') return from
  const common = commonPrefix(startAfter, prefix, delimiter)
  const marker = names.objectKey(bucketId, startAfter)
  return maxName(from, common === startAfter ? prefixEnd(marker) : nameAfter(marker))
}

const maxName = (a: Uint8Array, b: Uint8Array) => (Buffer.compare(a, b) >= 0 ? a : b)
const compareKeys = (a: string, b: string) => Buffer.compare(name(a), name(b))

/** The part of a key up to and with the first delimiter after the prefix; undefined where it has none. */
function commonPrefix(objectKey: string, prefix: string, delimiter: string): string | undefined {
  if (delimiter === '' || !objectKey.startsWith(prefix)) return undefined
  const at = objectKey.indexOf(delimiter, prefix.length)
  return at < 0 ? undefined : objectKey.slice(0, at + delimiter.length)
}

function listed(objectKey: string, version: ObjectVersion): ListedObject {
  return {
    objectKey,
    etag: version.etag,
    lastModifiedMs: version.lastModifiedMs,
    plaintextSize: version.plaintextSize,
    storageClass: version.headers['x-amz-storage-class'] ?? 'STANDARD',
    checksum: version.checksum,
  }
}
