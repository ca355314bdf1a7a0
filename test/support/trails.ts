/** Buckets that trails may deliver into, and what they have delivered. */
import { gunzipSync } from 'node:zlib'
import { CreateTrailCommand, StartLoggingCommand, StopLoggingCommand } from '@aws-sdk/client-cloudtrail'
import { ListKeysCommand } from '@aws-sdk/client-kms'
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { kmsClient, s3Client, trailClient } from './sdk.ts'
import type { TestServer } from './server.ts'

/** The policy that CloudTrail's user guide has for log buckets. */
export const trailBucketPolicy = (bucket: string, prefix = ''): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'AWSCloudTrailAclCheck20150319',
        Effect: 'Allow',
        Principal: { Service: 'cloudtrail.amazonaws.com' },
        Action: 's3:GetBucketAcl',
        Resource: `arn:aws:s3:::${bucket}`,
      },
      {
        Sid: 'AWSCloudTrailWrite20150319',
        Effect: 'Allow',
        Principal: { Service: 'cloudtrail.amazonaws.com' },
        Action: 's3:PutObject',
        Resource: `arn:aws:s3:::${bucket}/${prefix}AWSLogs/*`,
        Condition: { StringEquals: { 's3:x-amz-acl': 'bucket-owner-full-control' } },
      },
    ],
  })

export async function makeTrailBucket(s3: S3Client, bucket: string, prefix = ''): Promise<void> {
  await s3.send(new CreateBucketCommand({ Bucket: bucket }))
  await s3.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: trailBucketPolicy(bucket, prefix) }))
}

export interface DeliveredRecord {
  readonly eventID: string
  readonly eventName: string
  readonly eventSource: string
  readonly awsRegion: string
  readonly recipientAccountId: string
  readonly eventTime: string
  readonly requestID?: string
  readonly requestParameters?: Readonly<Record<string, unknown>> | null
}

export async function keysIn(s3: S3Client, Bucket: string, Prefix = ''): Promise<string[]> {
  const keys: string[] = []
  for (let StartAfter: string | undefined; ; StartAfter = keys.at(-1)) {
    const { Contents = [], IsTruncated } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix, StartAfter }))
    keys.push(...Contents.map(({ Key }) => Key!))
    if (!IsTruncated) return keys
  }
}

export async function contentOf(s3: S3Client, Bucket: string, Key: string): Promise<Buffer> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }))
  return gunzipSync(await Body!.transformToByteArray())
}

/** The records of all log files in a bucket, by file. */
export async function deliveredRecords(s3: S3Client, bucket: string): Promise<Map<string, DeliveredRecord[]>> {
  const files = new Map<string, DeliveredRecord[]>()
  for (const key of await keysIn(s3, bucket)) {
    if (!key.includes('/CloudTrail/')) continue
    files.set(key, JSON.parse((await contentOf(s3, bucket, key)).toString()).Records)
  }
  return files
}

export const FAST_TRAILS = { deliverySeconds: 1, digestSeconds: 2 }

/** A trail into the bucket `trail-logs` that has logged for a while and is stopped, with all of it delivered and digested. */
export async function finishedTrail(
  server: TestServer,
  Name = 'my-trail',
): Promise<{ arn: string; logs: string[]; digests: string[] }> {
  const [s3, trails, kms] = [s3Client(server), trailClient(server), kmsClient(server)]
  const bucket = 'trail-logs'
  await makeTrailBucket(s3, bucket)
  const { TrailARN } = await trails.send(
    new CreateTrailCommand({ Name, S3BucketName: bucket, EnableLogFileValidation: true }),
  )
  await trails.send(new StartLoggingCommand({ Name }))
  const digests = async () => (await keysIn(s3, bucket)).filter((key) => key.includes('/CloudTrail-Digest/'))
  for (let i = 1; i <= 3; i++) {
    await kms.send(new ListKeysCommand({}))
    await until(async () => (await digests()).length >= i, `digest ${i}`)
  }
  await trails.send(new StopLoggingCommand({ Name }))
  await untilDigested(s3, bucket)
  return { arn: TrailARN!, logs: [...(await deliveredRecords(s3, bucket)).keys()], digests: await digests() }
}

/** Until a digest names the log file with the event of the end of logging. */
export async function untilDigested(s3: S3Client, bucket: string): Promise<void> {
  await until(async () => {
    const files = [...(await deliveredRecords(s3, bucket))]
    const last = files.find(([, all]) => all.some(({ eventName }) => eventName === 'StopLogging'))?.[0]
    const digests = (await keysIn(s3, bucket)).filter((key) => key.includes('/CloudTrail-Digest/'))
    const contents = await Promise.all(digests.map((key) => contentOf(s3, bucket, key)))
    return last !== undefined && contents.some((content) => content.includes(last))
  }, 'the last digest')
}

/** Looks again until it finds something. */
export async function until<T>(look: () => Promise<T | undefined | false>, what: string): Promise<T> {
  const startedMs = Date.now()
  for (;;) {
    const found = await look()
    if (found) return found
    if (Date.now() - startedMs > 60_000) throw new Error(`waited for ${what} for a minute`)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}
