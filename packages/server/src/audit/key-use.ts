/** What a record says of the use of a key: who, for what, when and from where. */
import type { CloudTrailRecord } from './cloudtrail-record.ts'

export interface KeyUseEvent {
  readonly time: string
  readonly operation: string
  /** The caller's ARN. */
  readonly caller: string | undefined
  readonly accessKeyId: string | undefined
  readonly sourceIp: string
  /** The object or bucket that S3 used the key for; undefined for a direct call. */
  readonly forArn: string | undefined
  readonly encryptionContext: Readonly<Record<string, string>> | undefined
  /** By an S3 Bucket Key, without a call of the KMS. */
  readonly byBucketKey: boolean
  /** Of the request that the caller made: to S3, or to the KMS itself. */
  readonly requestId: string | undefined
  readonly eventId: string
  readonly error: string | undefined
}

export function keyUseOf(record: CloudTrailRecord): KeyUseEvent {
  const { userIdentity, requestParameters, additionalEventData } = record
  const byBucketKey = record.eventSource === 's3.amazonaws.com'
  const context = requestParameters?.encryptionContext as Readonly<Record<string, string>> | undefined
  return {
    time: record.eventTime,
    operation: record.eventName,
    caller: userIdentity.arn,
    accessKeyId: userIdentity.accessKeyId,
    sourceIp: text(additionalEventData?.s3SourceIPAddress) ?? record.sourceIPAddress,
    forArn: byBucketKey ? record.resources?.[0]?.ARN : context?.['aws:s3:arn'],
    encryptionContext: context,
    byBucketKey,
    requestId: text(additionalEventData?.s3RequestID) ?? record.requestID,
    eventId: record.eventID,
    error: record.errorCode,
  }
}

const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
