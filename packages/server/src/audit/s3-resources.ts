/** What a request to S3 is about, as CloudTrail names it. */
import type { AuditedResource } from '../core/outcome.ts'

/** `bucket` and `objectKey`: '' where there is none. `accountId`: the bucket's, where it is known. */
export function s3Resources(bucket: string, objectKey: string, accountId: string | undefined): AuditedResource[] {
  if (bucket === '') return []
  const type = 'AWS::S3::Bucket'
  const ARN = `arn:aws:s3:::${bucket}`
  const ofBucket = accountId === undefined ? { type, ARN } : { accountId, type, ARN }
  return objectKey === '' ? [ofBucket] : [{ type: 'AWS::S3::Object', ARN: `${ARN}/${objectKey}` }, ofBucket]
}
