/** Headers by which a caller says whose bucket it means (AWS S3 user guide, "Verifying bucket ownership"). */
import { readCopySource } from './copy-source.ts'
import { S3Error } from './errors.ts'
import type { S3Request } from './operation.ts'
import type { S3Services } from './services.ts'

/** Throws S3Error InvalidBucketOwnerAWSAccountID, or what `requireExpectedOwner` throws. */
export async function checkExpectedOwners({ buckets }: S3Services, request: S3Request): Promise<void> {
  const { bucket, headers, call, operation } = request
  const owner = headers['x-amz-expected-bucket-owner']
  // A bucket that is being made has no owner yet.
  if (owner !== undefined && bucket !== '' && operation.name !== 'CreateBucket') {
    await buckets.requireExpectedOwner(call, bucket, accountId(owner))
  }
  const sourceOwner = headers['x-amz-source-expected-bucket-owner']
  const source = headers['x-amz-copy-source']
  if (sourceOwner !== undefined && source !== undefined) {
    await buckets.requireExpectedOwner(call, readCopySource(String(source)).bucket, accountId(sourceOwner))
  }
}

function accountId(header: string | string[]): string {
  const text = String(header)
  if (/^\d{12}$/.test(text)) return text
  throw S3Error.foreign(
    'InvalidBucketOwnerAWSAccountID',
    400,
    'The value of the expected bucket owner parameter must be an AWS Account ID.',
  )
}
