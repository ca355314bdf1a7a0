/** What the door tells of a request beside its reply: the metrics filters that it fits, and the lines of access logs. */
import {
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketLoggingCommand,
  GetBucketPolicyCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type MetricsFilter,
  PutBucketAclCommand,
  PutBucketCorsCommand,
  PutBucketLoggingCommand,
  PutBucketMetricsConfigurationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { loggedOperation } from './access-log.ts'
import { ROOT, startDoor } from './door.fixture.ts'
import { operations } from './operations/index.ts'

const OTHER = { accessKeyId: 'AKIAOTHER', secretAccessKey: 'othersecret' }
const accounts = [
  { id: '000000000000', canonicalId: 'c0', users: [] },
  {
    id: '222222222222',
    canonicalId: 'c2',
    users: [{ name: 'other', root: true, policies: [], ...OTHER }],
  },
]

let door: Awaited<ReturnType<typeof startDoor>>
let s3: S3Client
let other: S3Client
let count = 0
let Bucket: string
const clientOf = (credentials: typeof ROOT) =>
  new S3Client({ endpoint: door.endpoint, region: 'us-east-1', credentials, forcePathStyle: true, maxAttempts: 1 })
beforeAll(async () => {
  door = await startDoor(accounts)
  s3 = clientOf({ ...ROOT })
  other = clientOf({ ...OTHER })
})
afterAll(async () => {
  s3.destroy()
  other.destroy()
  await door.stop()
  expect(door.errors).toEqual([])
})
beforeEach(async () => {
  Bucket = `bucket-${++count}`
  await s3.send(new CreateBucketCommand({ Bucket, ObjectOwnership: 'BucketOwnerPreferred' }))
})

const put = (Key: string, more: object = {}) => s3.send(new PutObjectCommand({ Bucket, Key, Body: 'body', ...more }))
/** The outcomes of what runs; each is told once the reply is out. */
async function outcomesOf(run: () => Promise<unknown>, expected = 1) {
  const from = door.outcomes.length
  await run()
  await expect.poll(() => door.outcomes.length).toBe(from + expected)
  return door.outcomes.slice(from)
}

describe('metrics filters', () => {
  const configure = (Id: string, Filter?: MetricsFilter) =>
    s3.send(new PutBucketMetricsConfigurationCommand({ Bucket, Id, MetricsConfiguration: { Id, Filter } }))
  const filtersOf = async (run: () => Promise<unknown>) => (await outcomesOf(run))[0]!.metricsFilters

  test('without any, none fits, and the bucket’s account is told', async () => {
    const [outcome] = await outcomesOf(() => put('k'))
    expect(outcome).toMatchObject({ bucketAccountId: '000000000000', metricsFilters: [] })
  })

  test('objects by prefix, and the bucket by none', async () => {
    await configure('all')
    await configure('logs', { Prefix: 'logs/' })
    expect(await filtersOf(() => put('logs/a'))).toEqual(['all', 'logs'])
    expect(await filtersOf(() => put('a'))).toEqual(['all'])
    expect(await filtersOf(() => s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'logs/' })))).toEqual(['all'])
  })

  test('objects by the tags that they have, before they are gone', async () => {
    await configure('red', { Tag: { Key: 'team', Value: 'red' } })
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
    const red = { Tagging: 'team=red' }
    expect(await filtersOf(() => put('k', red))).toEqual(['red'])
    const { VersionId } = await put('k')
    expect(await filtersOf(() => s3.send(new HeadObjectCommand({ Bucket, Key: 'k' })))).toEqual([])
    const TagSet = [{ Key: 'team', Value: 'red' }]
    const retag = () => s3.send(new PutObjectTaggingCommand({ Bucket, Key: 'k', Tagging: { TagSet } }))
    expect(await filtersOf(retag)).toEqual(['red'])
    expect(await filtersOf(() => s3.send(new DeleteObjectCommand({ Bucket, Key: 'k' })))).toEqual(['red'])
    expect(await filtersOf(() => s3.send(new DeleteObjectCommand({ Bucket, Key: 'k', VersionId })))).toEqual(['red'])
    const gone = () => s3.send(new DeleteObjectCommand({ Bucket, Key: 'k', VersionId }))
    expect(await filtersOf(gone)).toEqual([])
  })

  test('requests that are refused, too, also before their bucket was looked at', async () => {
    await configure('all')
    expect(await filtersOf(() => fetch(`${door.endpoint}/${Bucket}/k`))).toEqual(['all'])
    const wrong = `AWSAccessKeyId=${ROOT.accessKeyId}&Expires=9999999999&Signature=${'A'.repeat(27)}%3D`
    const [refused] = await outcomesOf(() => fetch(`${door.endpoint}/${Bucket}/k?${wrong}`))
    expect(refused).toMatchObject({
      errorCode: 'SignatureDoesNotMatch',
      metricsFilters: ['all'],
      bucketAccountId: '000000000000',
    })
  })

  test('preflights, of which the audit trail is told nothing', async () => {
    await configure('all')
    const CORSConfiguration = { CORSRules: [{ AllowedOrigins: ['https://a.test'], AllowedMethods: ['PUT'] }] }
    const [configured] = await outcomesOf(() => s3.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration })))
    expect(configured!.audit).toBeDefined()
    const preflight = (method: string) =>
      fetch(`${door.endpoint}/${Bucket}/k?X-Amz-Signature=x`, {
        method: 'OPTIONS',
        headers: { origin: 'https://a.test', 'access-control-request-method': method },
      })
    const outcomes = await outcomesOf(async () => [await preflight('PUT'), await preflight('GET')], 2)
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({
        operation: 'OptionsObject',
        bucketAccountId: '000000000000',
        metricsFilters: ['all'],
        audit: undefined,
        decisions: [],
        signature: undefined,
      })
    }
    expect(outcomes.map(({ status, errorCode }) => [status, errorCode])).toEqual([
      [200, undefined],
      [403, 'AccessForbidden'],
    ])
  })

  test('of a bucket that is not there nothing is told', async () => {
    for (const bucket of ['absent', 'x'.repeat(3000)]) {
      const [outcome] = await outcomesOf(() => fetch(`${door.endpoint}/${bucket}/k`))
      expect(outcome).toMatchObject({ bucketAccountId: undefined, metricsFilters: [] })
    }
  })
})

describe('access logs', () => {
  let log: string
  beforeEach(async () => {
    log = `${Bucket}-log`
    await s3.send(new CreateBucketCommand({ Bucket: log }))
    await enable(Bucket)
  })
  const enable = (bucket: string) =>
    s3.send(
      new PutBucketLoggingCommand({
        Bucket: bucket,
        BucketLoggingStatus: { LoggingEnabled: { TargetBucket: log, TargetPrefix: 'p/' } },
      }),
    )
  async function linesOf(run: () => Promise<unknown>, expected = 1, requests = 1): Promise<readonly string[]> {
    const from = door.lines.length
    await outcomesOf(run, requests)
    expect(door.lines.length).toBe(from + expected)
    return door.lines.slice(from).map(({ line }) => line)
  }
  const lineOf = async (run: () => Promise<unknown>) => fieldsOf((await linesOf(run))[0]!)

  test('a request makes one line, with where it goes', async () => {
    const [outcome] = await outcomesOf(() => put('a b/ö', { ContentType: 'text/plain' }))
    const { line, target } = door.lines.at(-1)!
    expect(target).toEqual({
      sourceBucket: Bucket,
      sourceAccount: '000000000000',
      logging: { targetBucket: log, targetPrefix: 'p/' },
    })
    const fields = fieldsOf(line)
    expect(fields).toMatchObject({
      owner: 'c0',
      bucket: Bucket,
      ip: '127.0.0.1',
      requester: 'c0',
      requestId: outcome!.requestId,
      operation: 'REST.PUT.OBJECT',
      key: 'a%20b/%C3%B6',
      uri: `"PUT /${Bucket}/a%20b/%C3%B6?x-id=PutObject HTTP/1.1"`,
      status: '200',
      error: '-',
      sent: '-',
      size: '4',
      referer: '"-"',
      signature: 'SigV4',
      cipher: '-',
      authentication: 'AuthHeader',
      host: new URL(door.endpoint).host,
      tls: '-',
      acl: '-',
    })
    expect(fields.agent).toMatch(/^"aws-sdk-js/)
    expect(Number(fields.turnAround)).toBeLessThanOrEqual(Number(fields.total))
  })

  test('nothing is written of buckets that do not log', async () => {
    await linesOf(() => s3.send(new ListObjectsV2Command({ Bucket: log })), 0)
  })

  test('what is read, and what is refused', async () => {
    await put('k')
    const got = await lineOf(async () => {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: 'k', Range: 'bytes=1-2' }))
      await Body!.transformToString()
    })
    expect(got).toMatchObject({ operation: 'REST.GET.OBJECT', status: '206', sent: '2', size: '4' })
    const noPolicy = await lineOf(() => s3.send(new GetBucketPolicyCommand({ Bucket })).catch(() => undefined))
    expect(noPolicy).toMatchObject({ operation: 'REST.GET.BUCKETPOLICY', status: '404', error: 'NoSuchBucketPolicy' })
    const anonymous = await lineOf(() => fetch(`${door.endpoint}/${Bucket}/k`, { headers: { referer: 'http://r/"' } }))
    expect(anonymous).toMatchObject({
      requester: '-',
      status: '403',
      error: 'AccessDenied',
      signature: '-',
      authentication: '-',
      referer: '"http://r/%22"',
    })
    const preflight = await lineOf(() => fetch(`${door.endpoint}/${Bucket}/k`, { method: 'OPTIONS' }))
    expect(preflight).toMatchObject({ operation: 'REST.OPTIONS.PREFLIGHT', key: 'k', status: '400', requester: '-' })
    const logging = await lineOf(() => s3.send(new GetBucketLoggingCommand({ Bucket })))
    expect(logging.operation).toBe('REST.GET.LOGGING_STATUS')
  })

  test('a presigned URL is told without what it lets others do', async () => {
    await put('k')
    const url = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: 'k' }))
    const signature = new URL(url).searchParams.get('X-Amz-Signature')!
    const [line] = await linesOf(() => fetch(url, { headers: { referer: url } }))
    expect(line).not.toContain(signature)
    expect(line!.match(/X-Amz-Signature=REDACTED/g)).toHaveLength(2)
    expect(fieldsOf(line!)).toMatchObject({ status: '200', authentication: 'QueryString' })
    const v2 = `${door.endpoint}/${Bucket}/k?AWSAccessKeyId=${ROOT.accessKeyId}&Expires=9999999999&Signature=c2VjcmV0`
    const [old] = await linesOf(() => fetch(v2))
    expect(old).not.toContain('c2VjcmV0')
  })

  test('each key of a DeleteObjects has a line besides', async () => {
    await put('a')
    const Objects = [{ Key: 'a' }, { Key: 'b' }]
    const lines = (
      await linesOf(() => s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } })), 3)
    ).map(fieldsOf)
    expect(lines.map(({ operation, key, status, uri }) => [operation, key, status, uri === '-'])).toEqual([
      ['BATCH.DELETE.OBJECT', 'a', '204', true],
      ['BATCH.DELETE.OBJECT', 'b', '204', true],
      ['REST.POST.MULTI_OBJECT_DELETE', '-', '200', false],
    ])
    expect(new Set(lines.map(({ requestId }) => requestId)).size).toBe(1)
  })

  test('a copy has a line in the log of its source, too', async () => {
    await put('k')
    const target = `${Bucket}-target`
    await s3.send(new CreateBucketCommand({ Bucket: target }))
    const copy = (to: string) => s3.send(new CopyObjectCommand({ Bucket: to, Key: 'copy', CopySource: `${Bucket}/k` }))
    expect(fieldsOf((await linesOf(() => copy(target)))[0]!)).toMatchObject({
      bucket: Bucket,
      operation: 'REST.COPY.OBJECT_GET',
      key: 'k',
    })
    const within = (await linesOf(() => copy(Bucket), 2)).map(fieldsOf)
    expect(within.map(({ operation, key }) => [operation, key])).toEqual([
      ['REST.COPY.OBJECT', 'copy'],
      ['REST.COPY.OBJECT_GET', 'k'],
    ])
  })

  test('a request that nothing but an ACL allows says so', async () => {
    await put('k')
    await s3.send(new PutBucketAclCommand({ Bucket, GrantRead: 'id=c2' }))
    expect(await lineOf(() => other.send(new ListObjectsV2Command({ Bucket })))).toMatchObject({
      requester: 'c2',
      status: '200',
      acl: 'Yes',
    })
    expect(await lineOf(() => s3.send(new ListObjectsV2Command({ Bucket })))).toMatchObject({ acl: '-' })
  })

  test('parts of uploads', async () => {
    let UploadId: string | undefined
    const created = await lineOf(async () => {
      UploadId = (await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'k' }))).UploadId
    })
    expect(created.operation).toBe('REST.POST.UPLOADS')
    const part = { Bucket, Key: 'k', UploadId, PartNumber: 1, Body: 'part' }
    expect(await lineOf(() => s3.send(new UploadPartCommand(part)))).toMatchObject({
      operation: 'REST.PUT.PART',
      size: '4',
    })
  })
})

/** As they stand in logs of AWS. */
test.each([
  ['ListObjects', 'REST.GET.BUCKET'],
  ['ListObjectsV2', 'REST.GET.BUCKET'],
  ['ListObjectVersions', 'REST.GET.BUCKETVERSIONS'],
  ['HeadBucket', 'REST.HEAD.BUCKET'],
  ['CreateBucket', 'REST.PUT.BUCKET'],
  ['DeleteBucket', 'REST.DELETE.BUCKET'],
  ['GetBucketLocation', 'REST.GET.LOCATION'],
  ['GetBucketVersioning', 'REST.GET.VERSIONING'],
  ['PutBucketVersioning', 'REST.PUT.VERSIONING'],
  ['GetBucketEncryption', 'REST.GET.ENCRYPTION'],
  ['GetBucketAcl', 'REST.GET.ACL'],
  ['PutObjectAcl', 'REST.PUT.ACL'],
  ['PutBucketPolicy', 'REST.PUT.BUCKETPOLICY'],
  ['GetBucketPolicyStatus', 'REST.GET.POLICY_STATUS'],
  ['GetPublicAccessBlock', 'REST.GET.PUBLIC_ACCESS_BLOCK'],
  ['GetBucketOwnershipControls', 'REST.GET.OWNERSHIP_CONTROLS'],
  ['PutBucketTagging', 'REST.PUT.TAGGING'],
  ['GetObjectTagging', 'REST.GET.OBJECT_TAGGING'],
  ['GetBucketLogging', 'REST.GET.LOGGING_STATUS'],
  ['PutBucketMetricsConfiguration', 'REST.PUT.METRICS'],
  ['GetBucketMetricsConfiguration', 'REST.GET.METRICS'],
  ['GetObject', 'REST.GET.OBJECT'],
  ['HeadObject', 'REST.HEAD.OBJECT'],
  ['PutObject', 'REST.PUT.OBJECT'],
  ['PostObject', 'REST.POST.BUCKET'],
  ['DeleteObject', 'REST.DELETE.OBJECT'],
  ['DeleteObjects', 'REST.POST.MULTI_OBJECT_DELETE'],
  ['CopyObject', 'REST.COPY.OBJECT'],
  ['CreateMultipartUpload', 'REST.POST.UPLOADS'],
  ['UploadPart', 'REST.PUT.PART'],
  ['UploadPartCopy', 'REST.COPY.PART'],
  ['CompleteMultipartUpload', 'REST.POST.UPLOAD'],
  ['AbortMultipartUpload', 'REST.DELETE.UPLOAD'],
  ['ListParts', 'REST.GET.UPLOAD'],
  ['ListMultipartUploads', 'REST.GET.UPLOADS'],
  ['GetBucketCors', 'REST.GET.CORS'],
  ['OptionsObject', 'REST.OPTIONS.PREFLIGHT'],
  ['GetBucketRequestPayment', 'REST.GET.REQUEST_PAYMENT'],
  ['GetObjectLockConfiguration', 'REST.GET.OBJECT_LOCK'],
])('%s is %s', (name, logged) => {
  const operation = operations.find((one) => one.name === name)
  expect(operation).toBeDefined()
  expect(loggedOperation(operation, 'GET')).toBe(logged)
})

const NAMES = (
  'owner bucket time ip requester requestId operation key uri status error sent size total turnAround ' +
  'referer agent version hostId signature cipher authentication host tls accessPoint acl region'
).split(' ')

function fieldsOf(line: string): Record<string, string> {
  const fields = line.match(/"[^"]*"|\[[^\]]*\]|\S+/g)!
  expect(fields).toHaveLength(NAMES.length)
  return Object.fromEntries(NAMES.map((name, i) => [name, fields[i]!]))
}
