/** Who owns what is in a bucket, and whether ACLs speak there (AWS S3 user guide, "Controlling ownership of objects"). */
import type { BucketRecord } from './records.ts'
import type { ObjectAccess } from './types.ts'

/** The setting's removal is the same as `ObjectWriter`. */
export const aclsSpeak = ({ objectOwnership }: BucketRecord): boolean => objectOwnership !== 'BucketOwnerEnforced'

/** The account that owns an object or an upload. An enforced owner owns also what others wrote before. */
export function ownerOf(bucket: BucketRecord, access: ObjectAccess | undefined): string {
  return aclsSpeak(bucket) ? (access?.ownerAccountId ?? bucket.accountId) : bucket.accountId
}
