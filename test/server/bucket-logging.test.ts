/** Where access logs of buckets are to go. */
import {
  type BucketLoggingStatus,
  CreateBucketCommand,
  DeleteBucketCommand,
  GetBucketLoggingCommand,
  GetBucketPolicyStatusCommand,
  type LoggingEnabled,
  PutBucketLoggingCommand,
  PutBucketPolicyCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { failure, s3Client } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

const alice = { accessKeyId: 'AKIAALICE', secretAccessKey: 'secretalice' }
const other = { accessKeyId: 'AKIAOTHER', secretAccessKey: 'secretother' }
const accounts = [
  { id: '000000000000', canonicalId: 'c0', users: [{ name: 'alice', ...alice }] },
  { id: '222222222222', canonicalId: 'c2', displayName: 'two', users: [{ name: 'root', root: true, ...other }] },
]

let server: TestServer
let s3: S3Client
let count = 0
let Bucket: string
let TargetBucket: string
beforeAll(async () => {
  server = await startServer({ config: { accounts } })
  s3 = s3Client(server)
})
afterAll(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error/)
  await server.remove()
})
beforeEach(async () => {
  Bucket = `logging-${++count}`
  TargetBucket = `logging-${count}-logs`
  await s3.send(new CreateBucketCommand({ Bucket }))
  await s3.send(new CreateBucketCommand({ Bucket: TargetBucket, ObjectOwnership: 'BucketOwnerPreferred' }))
})

const put = (BucketLoggingStatus: BucketLoggingStatus, client = s3) =>
  client.send(new PutBucketLoggingCommand({ Bucket, BucketLoggingStatus }))
const enable = (more: Partial<LoggingEnabled> = {}, client = s3) =>
  put({ LoggingEnabled: { TargetBucket, TargetPrefix: 'logs/', ...more } }, client)
const get = async (client = s3) => (await client.send(new GetBucketLoggingCommand({ Bucket }))).LoggingEnabled

test('a bucket has no logging at first, and none again after an empty status', async () => {
  expect(await get()).toBeUndefined()
  await enable()
  expect(await get()).toEqual({ TargetBucket, TargetPrefix: 'logs/' })
  await put({})
  expect(await get()).toBeUndefined()
})

describe('what is put comes back', () => {
  test.each<[string, Partial<LoggingEnabled>]>([
    ['an empty prefix', { TargetPrefix: '' }],
    ['a simple prefix', { TargetObjectKeyFormat: { SimplePrefix: {} } }],
    [
      'a partitioned prefix by event time',
      { TargetObjectKeyFormat: { PartitionedPrefix: { PartitionDateSource: 'EventTime' } } },
    ],
    [
      'a partitioned prefix by delivery time',
      { TargetObjectKeyFormat: { PartitionedPrefix: { PartitionDateSource: 'DeliveryTime' } } },
    ],
    [
      'grants',
      {
        TargetGrants: [
          { Grantee: { Type: 'CanonicalUser', ID: 'c2', DisplayName: 'two' }, Permission: 'READ' },
          {
            Grantee: { Type: 'Group', URI: 'http://acs.amazonaws.com/groups/global/AuthenticatedUsers' },
            Permission: 'FULL_CONTROL',
          },
        ],
      },
    ],
  ])('%s', async (_, more) => {
    await enable(more)
    expect(await get()).toEqual({ TargetBucket, TargetPrefix: 'logs/', ...more })
  })

  test('the bucket may log to itself', async () => {
    await enable({ TargetBucket: Bucket })
    expect(await get()).toMatchObject({ TargetBucket: Bucket })
  })
})

describe('what is refused', () => {
  test('a target that is not there', async () => {
    await s3.send(new DeleteBucketCommand({ Bucket: TargetBucket }))
    expect(await failure(enable())).toEqual({
      code: 'InvalidTargetBucketForLogging',
      status: 400,
      message: 'The target bucket for logging does not exist',
    })
  })

  test('a target of another owner', async () => {
    const theirs = `${Bucket}-theirs`
    await s3Client(server, { credentials: other }).send(new CreateBucketCommand({ Bucket: theirs }))
    expect(await failure(enable({ TargetBucket: theirs }))).toEqual({
      code: 'InvalidTargetBucketForLogging',
      status: 400,
      message: 'The owner for the bucket to be logged and the target bucket must be the same.',
    })
    expect(await get()).toBeUndefined()
  })

  test('grants where the target’s owner owns all', async () => {
    const enforced = `${Bucket}-enforced`
    await s3.send(new CreateBucketCommand({ Bucket: enforced }))
    const TargetGrants = [{ Grantee: { Type: 'CanonicalUser', ID: 'c2' }, Permission: 'READ' } as const]
    expect(await failure(enable({ TargetBucket: enforced, TargetGrants }))).toEqual({
      code: 'AccessControlListNotSupported',
      status: 400,
      message: 'Target grants not allowed for bucket owner enforced buckets',
    })
  })

  test.each<[string, Partial<LoggingEnabled>, string]>([
    ['no prefix', { TargetPrefix: undefined }, 'MalformedXML'],
    ['a prefix without room for a name', { TargetPrefix: 'x'.repeat(801) }, 'InvalidArgument'],
    ['no key format at all', { TargetObjectKeyFormat: {} }, 'MalformedXML'],
    [
      'two key formats',
      { TargetObjectKeyFormat: { SimplePrefix: {}, PartitionedPrefix: { PartitionDateSource: 'EventTime' } } },
      'MalformedXML',
    ],
    [
      'another date',
      { TargetObjectKeyFormat: { PartitionedPrefix: { PartitionDateSource: 'Sometime' as 'EventTime' } } },
      'MalformedXML',
    ],
    [
      'a permission that logs do not have',
      { TargetGrants: [{ Grantee: { Type: 'CanonicalUser', ID: 'c2' }, Permission: 'READ_ACP' as 'READ' }] },
      'MalformedXML',
    ],
    [
      'nobody',
      { TargetGrants: [{ Grantee: { Type: 'CanonicalUser', ID: 'unknown' }, Permission: 'READ' }] },
      'InvalidArgument',
    ],
  ])('%s', async (_, more, code) => {
    expect(await failure(enable(more))).toMatchObject({ code, status: 400 })
    expect(await get()).toBeUndefined()
  })
})

test('a target takes the policy of the user guide, and it is not public', async () => {
  const Policy = JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'S3ServerAccessLogsPolicy',
        Effect: 'Allow',
        Principal: { Service: 'logging.s3.amazonaws.com' },
        Action: ['s3:PutObject'],
        Resource: `arn:aws:s3:::${TargetBucket}/logs/*`,
        Condition: {
          ArnLike: { 'aws:SourceArn': `arn:aws:s3:::${Bucket}` },
          StringEquals: { 'aws:SourceAccount': '000000000000' },
        },
      },
    ],
  })
  await s3.send(new PutBucketPolicyCommand({ Bucket: TargetBucket, Policy }))
  const { PolicyStatus } = await s3.send(new GetBucketPolicyStatusCommand({ Bucket: TargetBucket }))
  expect(PolicyStatus).toEqual({ IsPublic: false })
})

test('each needs its action', async () => {
  const asAlice = s3Client(server, { credentials: alice })
  const allow = (Action: string) =>
    s3.send(
      new PutBucketPolicyCommand({
        Bucket,
        Policy: JSON.stringify({
          Version: '2012-10-17',
          Statement: [
            {
              Effect: 'Allow',
              Principal: { AWS: 'arn:aws:iam::000000000000:user/alice' },
              Action,
              Resource: `arn:aws:s3:::${Bucket}`,
            },
          ],
        }),
      }),
    )
  await allow('s3:GetBucketLogging')
  expect(await get(asAlice)).toBeUndefined()
  expect(await failure(enable({}, asAlice))).toMatchObject({ code: 'AccessDenied' })
  await allow('s3:PutBucketLogging')
  await enable({}, asAlice)
  expect(await failure(get(asAlice))).toMatchObject({ code: 'AccessDenied' })
})
