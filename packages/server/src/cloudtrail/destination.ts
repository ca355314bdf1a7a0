/**
 * Whether a trail can deliver to where it is told to: tried as `cloudtrail.amazonaws.com`, with the bucket's policy and the
 * key's, before anything is written down (user guide, "Amazon S3 bucket policy for CloudTrail", "Configure AWS KMS key
 * policies for CloudTrail").
 */
import { isFault } from '../core/fault.ts'
import { requireServiceAccess, requireServicePut, serviceCall } from '../delivery/service-call.ts'
import { logFilePut } from '../delivery/trail-bucket.ts'
import { isBucketName } from '../objects/bucket-name.ts'
import type { CallContext } from '../policy/call.ts'
import { logFolder } from '../trails/log-file-name.ts'
import type { Trail } from '../trails/trail-records.ts'
import { trailError } from './errors.ts'
import type { TrailServices } from './services.ts'

type Destined = Pick<Trail, 'arn' | 'accountId' | 's3BucketName' | 's3KeyPrefix' | 'kmsKeyId'>

/** Resolves to the full ARN of the key, where there is one. Throws CloudTrail's errors. */
export async function requireDestination(
  services: TrailServices,
  caller: CallContext,
  trail: Destined,
): Promise<string | undefined> {
  const bucket = trail.s3BucketName
  if (services.remoteBuckets.has(bucket)) {
    if (trail.kmsKeyId === undefined) return undefined
    throw trailError('InvalidParameterCombination', `The bucket ${bucket} is in another S3, which has keys of its own.`)
  }
  if (!isBucketName(bucket)) {
    throw trailError('InvalidS3BucketName', `The specified S3 bucket name is not valid: ${bucket}`)
  }
  await requireBucket(services, trail)
  return trail.kmsKeyId === undefined ? undefined : requireKey(services, caller, trail, trail.kmsKeyId)
}

async function requireBucket(services: TrailServices, trail: Destined): Promise<void> {
  const bucket = trail.s3BucketName
  const put = logFilePut(trail, `${logFolder(trail)}CloudTrail/`)
  const call = serviceCall(put, services.delivery)
  try {
    await requireServiceAccess(services.delivery, call, { action: 's3:GetBucketAcl', bucket })
    await requireServicePut(services.delivery, put, call)
  } catch (error) {
    if (isFault(error, 'BucketNotFound')) {
      throw trailError('S3BucketDoesNotExist', `S3 bucket ${bucket} does not exist!`)
    }
    if (isFault(error, 'AccessDenied')) {
      throw trailError('InsufficientS3BucketPolicy', `Incorrect S3 bucket policy is detected for bucket: ${bucket}`)
    }
    throw error
  }
}

async function requireKey(
  services: TrailServices,
  { replyAfter }: CallContext,
  trail: Destined,
  keyId: string,
): Promise<string> {
  const asService = serviceCall(
    { service: SERVICE, sourceArn: trail.arn, sourceAccount: trail.accountId },
    services.delivery,
  )
  const call = { ...asService, ...(replyAfter && { replyAfter }) }
  const encryptionContext = { 'aws:cloudtrail:arn': trail.arn }
  try {
    const { dataKey, keyArn } = await services.dataKeys.generateDataKey(call, { keyId, encryptionContext })
    dataKey.wipe()
    return keyArn
  } catch (error) {
    if (isFault(error, 'KmsKeyNotFound')) throw trailError('KmsKeyNotFound', `KMS key not found: ${keyId}`)
    if (isFault(error, 'KmsArnInvalid')) throw trailError('InvalidKmsKeyId', `Invalid KMS key id: ${keyId}`)
    if (isFault(error, 'KmsKeyDisabled') || isFault(error, 'KmsKeyStateInvalid')) {
      throw trailError('KmsKeyDisabled', `KMS key is not enabled: ${keyId}`)
    }
    if (isFault(error, 'AccessDenied')) {
      throw trailError(
        'InsufficientEncryptionPolicy',
        `Insufficient permissions to access S3 bucket ${trail.s3BucketName} or KMS key ${keyId}.`,
      )
    }
    if (isFault(error)) throw trailError('Kms', `The KMS key ${keyId} cannot be used: ${error.code}`)
    throw error
  }
}

const SERVICE = 'cloudtrail.amazonaws.com'
