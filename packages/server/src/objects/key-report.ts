/**
 * What a KMS key is needed for: every version and upload whose data key it wraps, by bucket. What stands here can never be
 * read again once the key is deleted. It looks at every object of every bucket, since objects are not kept by key.
 */
import { each } from '../records/each-record.ts'
import type { RecordStore } from '../records/record-store.ts'
import { isLocked, type ObjectLock } from './object-lock.ts'
import {
  bucketRecord,
  currentVersion,
  keyOfName,
  keyOfVersionName,
  names,
  type ObjectVersion,
  olderVersion,
  uploadRecord,
} from './records.ts'
import type { StoredProtection } from './stored-content.ts'

export interface BucketUse {
  readonly bucket: string
  readonly accountId: string
  /** Whether the bucket's default encryption names the key; as it was put, so an alias does not tell. */
  readonly isDefault: boolean
  readonly currentVersions: number
  readonly olderVersions: number
  /** Of plaintext. */
  readonly bytes: number
  readonly uploads: number
  /** How many of the versions Object Lock keeps from being deleted; the loss of their key would be as good as that. */
  readonly lockedVersions: number
  /** The first of them. */
  readonly locked: readonly LockedVersion[]
}

export interface LockedVersion extends ObjectLock {
  readonly objectKey: string
  readonly versionId: string
}

/** Of one bucket's locked versions. */
const MOST_NAMED = 100

/** The buckets that have anything under the key at this time, in order. `onBucket`: told of each that has been looked at. */
export async function bucketsUnderKey(
  records: RecordStore,
  key: { readonly arn: string; readonly keyId: string },
  nowMs: number,
  onBucket: (bucket: string) => void = () => undefined,
): Promise<readonly BucketUse[]> {
  const found: BucketUse[] = []
  const isUnder = (protection: StoredProtection) => 'kmsKeyArn' in protection && protection.kmsKeyArn === key.arn
  for await (const { name, value } of each(records, bucketRecord)) {
    const bucket = Buffer.from(name).toString()
    const all = names.objectKey(value.bucketId, '')
    const locked: LockedVersion[] = []
    const use = { currentVersions: 0, olderVersions: 0, bytes: 0, uploads: 0, lockedVersions: 0 }
    const count = (version: ObjectVersion, objectKey: () => string) => {
      use.bytes += version.plaintextSize
      if (!isLocked(version.lock, nowMs)) return
      use.lockedVersions++
      const { versionId, lock } = version
      if (locked.length < MOST_NAMED) locked.push({ objectKey: objectKey(), versionId, ...lock })
    }
    for await (const { name: at, value: version } of each(records, currentVersion, all)) {
      if (!isUnder(version.protection)) continue
      use.currentVersions++
      count(version, () => keyOfName(at))
    }
    for await (const { name: at, value: version } of each(records, olderVersion, all)) {
      if (version.kind !== 'object' || !isUnder(version.protection)) continue
      use.olderVersions++
      count(version, () => keyOfVersionName(at))
    }
    for await (const { value: upload } of each(records, uploadRecord, all))
      if (isUnder(upload.protection)) use.uploads++
    const isDefault = [key.arn, key.keyId].includes(value.encryption.kmsKeyId ?? '')
    if (isDefault || use.currentVersions + use.olderVersions + use.uploads > 0) {
      found.push({ bucket, accountId: value.accountId, isDefault, ...use, locked })
    }
    onBucket(bucket)
  }
  return found
}
