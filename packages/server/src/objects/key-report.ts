/**
 * What a KMS key is needed for: every version and upload whose data key it wraps, by bucket. What stands here can never be
 * read again once the key is deleted. It looks at every object of every bucket, since objects are not kept by key.
 */
import { each } from '../records/each-record.ts'
import type { RecordStore } from '../records/record-store.ts'
import { bucketRecord, currentVersion, names, olderVersion, uploadRecord } from './records.ts'
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
}

/** The buckets that have anything under the key, in order. `onBucket`: told of each that has been looked at. */
export async function bucketsUnderKey(
  records: RecordStore,
  key: { readonly arn: string; readonly keyId: string },
  onBucket: (bucket: string) => void = () => undefined,
): Promise<readonly BucketUse[]> {
  const found: BucketUse[] = []
  const isUnder = (protection: StoredProtection) => 'kmsKeyArn' in protection && protection.kmsKeyArn === key.arn
  for await (const { name, value } of each(records, bucketRecord)) {
    const bucket = Buffer.from(name).toString()
    const all = names.objectKey(value.bucketId, '')
    const use = { currentVersions: 0, olderVersions: 0, bytes: 0, uploads: 0 }
    for await (const { value: version } of each(records, currentVersion, all)) {
      if (!isUnder(version.protection)) continue
      use.currentVersions++
      use.bytes += version.plaintextSize
    }
    for await (const { value: version } of each(records, olderVersion, all)) {
      if (version.kind !== 'object' || !isUnder(version.protection)) continue
      use.olderVersions++
      use.bytes += version.plaintextSize
    }
    for await (const { value: upload } of each(records, uploadRecord, all))
      if (isUnder(upload.protection)) use.uploads++
    const isDefault = [key.arn, key.keyId].includes(value.encryption.kmsKeyId ?? '')
    if (isDefault || use.currentVersions + use.olderVersions + use.uploads > 0) {
      found.push({ bucket, accountId: value.accountId, isDefault, ...use })
    }
    onBucket(bucket)
  }
  return found
}
