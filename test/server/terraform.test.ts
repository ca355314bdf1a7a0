/**
 * What Terraform asks of a bucket, from create to destroy: the calls that its AWS provider makes, in its order, and the codes that
 * it takes for "there is none" (hashicorp/terraform-provider-aws, internal/service/s3).
 */
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteBucketCorsCommand,
  DeleteBucketEncryptionCommand,
  DeleteBucketLifecycleCommand,
  DeleteBucketOwnershipControlsCommand,
  DeleteBucketPolicyCommand,
  DeleteBucketReplicationCommand,
  DeleteBucketWebsiteCommand,
  DeleteObjectsCommand,
  DeletePublicAccessBlockCommand,
  GetBucketAccelerateConfigurationCommand,
  GetBucketAclCommand,
  GetBucketCorsCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketLoggingCommand,
  GetBucketNotificationConfigurationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketReplicationCommand,
  GetBucketRequestPaymentCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetBucketWebsiteCommand,
  GetObjectLockConfigurationCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  ListObjectVersionsCommand,
  PutBucketAccelerateConfigurationCommand,
  PutBucketCorsCommand,
  PutBucketEncryptionCommand,
  PutBucketLoggingCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  PutBucketRequestPaymentCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
  type S3Client,
  type ServerSideEncryptionRule,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { send } from '../support/raw.ts'
import { failure, s3Client } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

let server: TestServer
let s3: S3Client
beforeAll(async () => {
  server = await startServer()
  s3 = s3Client(server)
})
afterAll(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error/)
  await server.remove()
})

/** What `aws_s3_bucket` knows of a bucket after a read; undefined where it was told that there is none. */
async function readBucket(Bucket: string) {
  const input = { Bucket }
  /** Any other error ends the provider's run, and so the test. */
  const read = async <T>(call: Promise<T>, ...absent: readonly string[]): Promise<T | undefined> => {
    try {
      return await call
    } catch (error) {
      if (absent.includes((error as Error).name)) return undefined
      throw error
    }
  }
  await s3.send(new HeadBucketCommand(input))
  const policy = await read(s3.send(new GetBucketPolicyCommand(input)), 'NoSuchBucketPolicy')
  const acl = await s3.send(new GetBucketAclCommand(input))
  const cors = await read(s3.send(new GetBucketCorsCommand(input)), 'NoSuchCORSConfiguration')
  const website = await read(s3.send(new GetBucketWebsiteCommand(input)), 'NoSuchWebsiteConfiguration')
  const versioning = await s3.send(new GetBucketVersioningCommand(input))
  const accelerate = await s3.send(new GetBucketAccelerateConfigurationCommand(input))
  const requestPayment = await s3.send(new GetBucketRequestPaymentCommand(input))
  const logging = await s3.send(new GetBucketLoggingCommand(input))
  const lifecycle = await read(
    s3.send(new GetBucketLifecycleConfigurationCommand(input)),
    'NoSuchLifecycleConfiguration',
  )
  const replication = await read(
    s3.send(new GetBucketReplicationCommand(input)),
    'ReplicationConfigurationNotFoundError',
  )
  const encryption = await s3.send(new GetBucketEncryptionCommand(input))
  const objectLock = await read(
    s3.send(new GetObjectLockConfigurationCommand(input)),
    'ObjectLockConfigurationNotFoundError',
  )
  const region = await s3.send(new HeadBucketCommand(input))
  const tagging = await read(s3.send(new GetBucketTaggingCommand(input)), 'NoSuchTagSet')
  return {
    policy: policy?.Policy,
    grants: acl.Grants?.map(({ Permission }) => Permission),
    corsRules: cors?.CORSRules,
    website: website?.IndexDocument,
    versioning: versioning.Status,
    acceleration: accelerate.Status,
    requestPayer: requestPayment.Payer,
    logging: logging.LoggingEnabled,
    lifecycle: lifecycle?.Rules,
    replication: replication?.ReplicationConfiguration,
    rules: encryption.ServerSideEncryptionConfiguration?.Rules,
    objectLock: objectLock?.ObjectLockConfiguration,
    region: region.BucketRegion,
    tags: tagging?.TagSet,
  }
}

/** Create of `aws_s3_bucket`. */
async function createBucket(Bucket: string) {
  expect(await failure(s3.send(new HeadBucketCommand({ Bucket })))).toMatchObject({ status: 404 })
  await s3.send(new CreateBucketCommand({ Bucket, ACL: 'private' }))
  await s3.send(new HeadBucketCommand({ Bucket }))
  return readBucket(Bucket)
}

/** Destroy of `aws_s3_bucket` with `force_destroy`. */
async function destroyBucket(Bucket: string) {
  try {
    await s3.send(new DeleteBucketCommand({ Bucket }))
  } catch (error) {
    expect(error).toMatchObject({ name: 'BucketNotEmpty' })
    const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket }))
    for (const versions of [Versions, DeleteMarkers]) {
      if (versions.length === 0) continue
      const Objects = versions.map(({ Key, VersionId }) => ({ Key, VersionId }))
      const { Errors } = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }))
      expect(Errors).toBeUndefined()
    }
    await s3.send(new DeleteBucketCommand({ Bucket }))
  }
  expect(await failure(s3.send(new HeadBucketCommand({ Bucket })))).toMatchObject({ status: 404 })
}

const tags = (...pairs: readonly string[]) =>
  pairs.map((pair) => ({ Key: pair.split('=')[0]!, Value: pair.split('=')[1]! }))

/** S3 Control's requests about the tags of a bucket. */
const control = (method: string, bucket: string, more: { body?: string; query?: Record<string, string> } = {}) =>
  send(server, {
    method,
    path: `/v20180820/tags/${encodeURIComponent(`arn:aws:s3:::${bucket}`)}`,
    headers: { 'x-amz-account-id': '000000000000' },
    ...more,
  })

const BLOCK = { BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true }

test('a bucket with all that is configured beside it', async () => {
  const Bucket = 'terraform'
  const TargetBucket = 'terraform-logs'
  await createBucket(TargetBucket)
  const fresh = await createBucket(Bucket)
  expect(fresh).toMatchObject({
    policy: undefined,
    grants: ['FULL_CONTROL'],
    corsRules: undefined,
    website: undefined,
    versioning: undefined,
    acceleration: undefined,
    requestPayer: 'BucketOwner',
    logging: undefined,
    lifecycle: undefined,
    replication: undefined,
    objectLock: undefined,
    region: 'us-east-1',
    tags: undefined,
  })

  const TagSet = [{ Key: 'team', Value: 'red' }]
  expect(await failure(s3.send(new GetBucketTaggingCommand({ Bucket })))).toMatchObject({ code: 'NoSuchTagSet' })
  await s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }))

  const VersioningConfiguration = { Status: 'Enabled' } as const
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }))
  expect((await s3.send(new GetBucketVersioningCommand({ Bucket }))).Status).toBe('Enabled')

  const Rules: ServerSideEncryptionRule[] = [
    { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' }, BucketKeyEnabled: true },
  ]
  await s3.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration: { Rules } }))
  const { ServerSideEncryptionConfiguration } = await s3.send(new GetBucketEncryptionCommand({ Bucket }))
  expect(ServerSideEncryptionConfiguration?.Rules?.[0]).toMatchObject(Rules[0]!)

  await s3.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration: BLOCK }))
  const block = await s3.send(new GetPublicAccessBlockCommand({ Bucket }))
  expect(block.PublicAccessBlockConfiguration).toEqual(BLOCK)

  const Policy = JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'TlsOnly',
        Effect: 'Deny',
        Principal: '*',
        Action: 's3:*',
        Resource: [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`],
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      },
    ],
  })
  await s3.send(new PutBucketPolicyCommand({ Bucket, Policy }))
  expect((await s3.send(new GetBucketPolicyCommand({ Bucket }))).Policy).toBe(Policy)

  const OwnershipControls = { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' as const }] }
  await s3.send(new PutBucketOwnershipControlsCommand({ Bucket, OwnershipControls }))
  const owned = await s3.send(new GetBucketOwnershipControlsCommand({ Bucket }))
  expect(owned.OwnershipControls).toEqual(OwnershipControls)

  // The provider sends `MaxAgeSeconds: 0` where none is given.
  const CORSRules = [{ AllowedMethods: ['GET'], AllowedOrigins: ['https://example.com'], MaxAgeSeconds: 0 }]
  await s3.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules } }))
  expect((await s3.send(new GetBucketCorsCommand({ Bucket }))).CORSRules).toEqual(CORSRules)

  const LoggingEnabled = { TargetBucket, TargetPrefix: 'log/' }
  await s3.send(new PutBucketLoggingCommand({ Bucket, BucketLoggingStatus: { LoggingEnabled } }))
  expect((await s3.send(new GetBucketLoggingCommand({ Bucket }))).LoggingEnabled).toEqual(LoggingEnabled)

  // A plan over what was applied sees it, and nothing else.
  const applied = await readBucket(Bucket)
  expect(applied).toEqual({
    ...fresh,
    policy: Policy,
    corsRules: CORSRules,
    versioning: 'Enabled',
    logging: LoggingEnabled,
    rules: [expect.objectContaining(Rules[0]!)],
    tags: TagSet,
  })
  expect(await readBucket(Bucket)).toEqual(applied)

  await s3.send(new PutObjectCommand({ Bucket, Key: 'kept', Body: 'x' }))

  await s3.send(new PutBucketLoggingCommand({ Bucket, BucketLoggingStatus: {} }))
  await s3.send(new DeleteBucketCorsCommand({ Bucket }))
  expect(await failure(s3.send(new GetBucketCorsCommand({ Bucket })))).toMatchObject({
    code: 'NoSuchCORSConfiguration',
  })
  await s3.send(new DeleteBucketOwnershipControlsCommand({ Bucket }))
  expect(await failure(s3.send(new GetBucketOwnershipControlsCommand({ Bucket })))).toMatchObject({
    code: 'OwnershipControlsNotFoundError',
  })
  await s3.send(new DeleteBucketPolicyCommand({ Bucket }))
  expect(await failure(s3.send(new GetBucketPolicyCommand({ Bucket })))).toMatchObject({ code: 'NoSuchBucketPolicy' })
  await s3.send(new DeletePublicAccessBlockCommand({ Bucket }))
  expect(await failure(s3.send(new GetPublicAccessBlockCommand({ Bucket })))).toMatchObject({
    code: 'NoSuchPublicAccessBlockConfiguration',
  })
  await s3.send(new DeleteBucketEncryptionCommand({ Bucket }))
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Suspended' } }))
  await destroyBucket(Bucket)
  await destroyBucket(TargetBucket)
})

test('tags as newer providers have them: with the bucket at first, then by its ARN', async () => {
  const Bucket = 'terraform-tags'
  const tagsOf = async () => (await control('GET', Bucket)).body.match(/<Key>.*?<\/Value>/g)?.map(pair) ?? []
  const pair = (tag: string) => tag.replace('<Key>', '').replace('</Key><Value>', '=').replace('</Value>', '')
  await s3.send(
    new CreateBucketCommand({ Bucket, ACL: 'private', CreateBucketConfiguration: { Tags: tags('team=red', 'a=1') } }),
  )
  expect(await tagsOf()).toEqual(['team=red', 'a=1'])
  expect((await readBucket(Bucket)).tags).toEqual(tags('team=red', 'a=1'))

  expect(await control('DELETE', Bucket, { query: { tagKeys: 'a' } })).toMatchObject({ status: 204, body: '' })
  const Tags = '<Tags><Tag><Key>team</Key><Value>blue</Value></Tag><Tag><Key>b</Key><Value></Value></Tag></Tags>'
  const body = `<TagResourceRequest xmlns="http://awss3control.amazonaws.com/doc/2018-08-20/">${Tags}</TagResourceRequest>`
  expect(await control('POST', Bucket, { body })).toMatchObject({ status: 204, body: '' })
  expect(await tagsOf()).toEqual(['team=blue', 'b='])
  expect((await readBucket(Bucket)).tags).toEqual(tags('team=blue', 'b='))

  await destroyBucket(Bucket)
  const absent = await control('GET', Bucket)
  expect(absent).toMatchObject({ status: 404, code: 'NoSuchBucket' })
  // The provider's SDK looks for an error inside of another element there.
  expect(absent.body).toMatch(/<ErrorResponse><Error><Code>NoSuchBucket<\/Code>/)
})

test('resources whose removal puts back what was there before', async () => {
  const Bucket = 'terraform-defaults'
  await createBucket(Bucket)

  const AccelerateConfiguration = { Status: 'Suspended' } as const
  for (const _ of ['aws_s3_bucket_accelerate_configuration', 'its removal']) {
    await s3.send(new PutBucketAccelerateConfigurationCommand({ Bucket, AccelerateConfiguration }))
    expect(await s3.send(new GetBucketAccelerateConfigurationCommand({ Bucket }))).toMatchObject({
      Status: 'Suspended',
    })
  }

  const RequestPaymentConfiguration = { Payer: 'BucketOwner' } as const
  for (const _ of ['aws_s3_bucket_request_payment_configuration', 'its removal']) {
    await s3.send(new PutBucketRequestPaymentCommand({ Bucket, RequestPaymentConfiguration }))
    expect(await s3.send(new GetBucketRequestPaymentCommand({ Bucket }))).toMatchObject(RequestPaymentConfiguration)
  }

  await s3.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration: {} }))
  const { $metadata: _, ...told } = await s3.send(new GetBucketNotificationConfigurationCommand({ Bucket }))
  expect(told).toEqual({})

  await s3.send(new DeleteBucketWebsiteCommand({ Bucket }))
  await s3.send(new DeleteBucketLifecycleCommand({ Bucket }))
  await s3.send(new DeleteBucketReplicationCommand({ Bucket }))
  expect(await readBucket(Bucket)).toMatchObject({ acceleration: 'Suspended', website: undefined })
  await destroyBucket(Bucket)
})
