/** What trails deliver: log files and digests, into buckets here and elsewhere, over crashes. */
import { createHash, createPublicKey, verify } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type CloudTrailClient,
  CreateTrailCommand,
  type CreateTrailCommandInput,
  DeleteTrailCommand,
  GetTrailStatusCommand,
  ListPublicKeysCommand,
  PutEventSelectorsCommand,
  StartLoggingCommand,
  StopLoggingCommand,
} from '@aws-sdk/client-cloudtrail'
import { CreateUserCommand } from '@aws-sdk/client-iam'
import { CreateKeyCommand, GenerateRandomCommand, type KMSClient, ListKeysCommand } from '@aws-sdk/client-kms'
import {
  CreateBucketCommand,
  DeleteBucketPolicyCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterEach, expect, test } from 'vitest'
import { iamClient, kmsClient, s3Client, trailClient } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { contentOf, deliveredRecords, keysIn, makeTrailBucket, trailBucketPolicy, until } from '../support/trails.ts'

const ACCOUNT = '000000000000'
const FAST = { deliverySeconds: 1, digestSeconds: 2 }

const servers: TestServer[] = []
afterEach(async () => {
  for (const one of servers.splice(0)) {
    expect(one.log()).not.toMatch(/internal-error|delivery of trails failed/)
    await one.remove()
  }
})

interface Started {
  readonly server: TestServer
  readonly trails: CloudTrailClient
  readonly s3: S3Client
  readonly kms: KMSClient
}
async function start(config: object = {}, dataDir?: string): Promise<Started> {
  const server = await startServer({
    config: { cloudtrail: FAST, ...config },
    ...(dataDir !== undefined && { dataDir }),
  })
  servers.push(server)
  return { server, trails: trailClient(server), s3: s3Client(server), kms: kmsClient(server) }
}

async function startTrail({ trails }: Started, Name: string, more: Partial<CreateTrailCommandInput> = {}) {
  await trails.send(new CreateTrailCommand({ Name, S3BucketName: 'logs', EnableLogFileValidation: true, ...more }))
  await trails.send(new StartLoggingCommand({ Name }))
}

/** Every record of a bucket's log files; fails where one is there twice. */
async function records(s3: S3Client, bucket = 'logs') {
  const all = [...(await deliveredRecords(s3, bucket)).values()].flat()
  expect(new Set(all.map(({ eventID }) => eventID)).size).toBe(all.length)
  return all
}

test('log files hold what the trail selects, from the start of logging to its end', async () => {
  const one = await start()
  const { s3, kms, trails } = one
  await makeTrailBucket(s3, 'logs')
  await s3.send(new CreateBucketCommand({ Bucket: 'data' }))
  await kms.send(new CreateKeyCommand({ Description: 'before' }))
  await startTrail(one, 'trail')
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Description: 'logged' }))
  await s3.send(new PutObjectCommand({ Bucket: 'data', Key: 'not logged', Body: 'x' }))
  await iamClient(one.server).send(new CreateUserCommand({ UserName: 'logged' }))
  const named = (name: string) => async () => (await records(s3)).some(({ eventName }) => eventName === name)
  await until(named('CreateUser'), 'the first log file')
  const DataResources = [{ Type: 'AWS::S3::Object', Values: ['arn:aws:s3:::data/'] }]
  await trails.send(new PutEventSelectorsCommand({ TrailName: 'trail', EventSelectors: [{ DataResources }] }))
  await s3.send(new PutObjectCommand({ Bucket: 'data', Key: 'logged', Body: 'x' }))
  await until(named('PutObject'), 'a data event')
  await trails.send(new StopLoggingCommand({ Name: 'trail' }))
  await kms.send(new CreateKeyCommand({ Description: 'after' }))
  await until(named('StopLogging'), 'the last log file')

  const all = await records(s3)
  const names = all.map(({ eventName }) => eventName)
  expect(all.find(({ eventName }) => eventName === 'StartLogging')).toMatchObject({
    eventSource: 'cloudtrail.amazonaws.com',
    requestParameters: { name: 'trail' },
    resources: [{ type: 'AWS::CloudTrail::Trail', ARN: `arn:aws:cloudtrail:us-east-1:${ACCOUNT}:trail/trail` }],
  })
  expect(names.filter((name) => name === 'CreateKey')).toHaveLength(1)
  expect(all.find(({ eventName }) => eventName === 'CreateKey')).toMatchObject({
    eventSource: 'kms.amazonaws.com',
    awsRegion: 'us-east-1',
    recipientAccountId: ACCOUNT,
    resources: [{ type: 'AWS::KMS::Key', ARN: KeyMetadata?.Arn }],
  })
  const puts = all.filter(({ eventName }) => eventName === 'PutObject')
  expect(puts.map(({ requestParameters }) => requestParameters?.key)).toEqual(['logged'])

  const place = `^AWSLogs/${ACCOUNT}/CloudTrail/us-east-1/\\d{4}/\\d\\d/\\d\\d/`
  const name = `${ACCOUNT}_CloudTrail_us-east-1_\\d{8}T\\d{4}Z_[A-Za-z0-9]{16}\\.json\\.gz$`
  for (const Key of (await deliveredRecords(s3, 'logs')).keys()) {
    expect(Key).toMatch(new RegExp(place + name))
    const head = await s3.send(new HeadObjectCommand({ Bucket: 'logs', Key }))
    expect(head).toMatchObject({
      ContentType: 'application/json',
      ContentEncoding: 'gzip',
      ServerSideEncryption: 'AES256',
    })
  }
  const status = await trails.send(new GetTrailStatusCommand({ Name: 'trail' }))
  expect(status).toMatchObject({ IsLogging: false, LatestDeliveryTime: expect.any(Date) })
  expect(status.LatestDeliveryError).toBeUndefined()
})

test('digests are chained, signed by a key that ListPublicKeys has, and name every log file', async () => {
  const one = await start()
  const { s3, kms, trails } = one
  await makeTrailBucket(s3, 'logs', 'p/')
  await startTrail(one, 'trail', { S3KeyPrefix: 'p' })
  for (let i = 0; i < 3; i++) {
    await kms.send(new CreateKeyCommand({}))
    await new Promise((resolve) => setTimeout(resolve, 1500))
  }
  await trails.send(new DeleteTrailCommand({ Name: 'trail' }))
  const folder = `p/AWSLogs/${ACCOUNT}/CloudTrail-Digest/us-east-1/`
  const { PublicKeyList = [] } = await until(async () => {
    const listed = await trails.send(new ListPublicKeysCommand({}))
    return listed.PublicKeyList!.length > 0 && listed
  }, 'a key')
  expect(PublicKeyList).toEqual([
    {
      Value: expect.any(Uint8Array),
      ValidityStartTime: expect.any(Date),
      ValidityEndTime: expect.any(Date),
      Fingerprint: expect.stringMatching(/^[0-9a-f]{32}$/),
    },
  ])
  const publicKey = createPublicKey({ key: Buffer.from(PublicKeyList[0]!.Value!), format: 'der', type: 'pkcs1' })
  // The last digest names the log file with the event of the trail's end.
  await until(async () => {
    const files = [...(await deliveredRecords(s3, 'logs'))]
    const last = files.find(([, all]) => all.some(({ eventName }) => eventName === 'DeleteTrail'))?.[0]
    if (!last) return false
    const digests = await Promise.all((await keysIn(s3, 'logs', folder)).map((key) => contentOf(s3, 'logs', key)))
    return digests.some((digest) => digest.includes(last))
  }, 'the last digest')

  const named: string[] = []
  let previous: { key: string; hash: string; signature: string } | undefined
  const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
  for (const key of await keysIn(s3, 'logs', folder)) {
    expect(key).toMatch(
      new RegExp(`/${ACCOUNT}_CloudTrail-Digest_us-east-1_trail_us-east-1_\\d{8}T\\d{6}Z\\.json\\.gz$`),
    )
    const content = await contentOf(s3, 'logs', key)
    const digest = JSON.parse(content.toString())
    const { Metadata = {} } = await s3.send(new HeadObjectCommand({ Bucket: 'logs', Key: key }))
    const hash = sha256(content)
    expect(digest).toMatchObject({
      digestS3Bucket: 'logs',
      digestS3Object: key,
      digestPublicKeyFingerprint: PublicKeyList[0]!.Fingerprint,
      previousDigestS3Object: previous?.key ?? null,
      previousDigestHashValue: previous?.hash ?? null,
      previousDigestSignature: previous?.signature ?? null,
    })
    const signed = `${digest.digestEndTime}\nlogs/${key}\n${hash}\n${previous?.signature ?? 'null'}`
    expect(verify('sha256', Buffer.from(signed), publicKey, Buffer.from(Metadata.signature!, 'hex'))).toBe(true)
    expect(Metadata['signature-algorithm']).toBe('SHA256withRSA')
    for (const { s3Object, hashValue } of digest.logFiles) {
      expect(sha256(await contentOf(s3, 'logs', s3Object))).toBe(hashValue)
      named.push(s3Object)
    }
    previous = { key, hash, signature: Metadata.signature! }
  }
  expect(named.sort()).toEqual([...(await deliveredRecords(s3, 'logs')).keys()].sort())
  expect((await keysIn(s3, 'logs', folder)).length).toBeGreaterThan(1)
})

test('a bucket that lets CloudTrail write no more is told of, and gets what waited once it does again', async () => {
  const one = await start()
  const { s3, kms, trails } = one
  await makeTrailBucket(s3, 'logs')
  await startTrail(one, 'trail')
  await s3.send(new DeleteBucketPolicyCommand({ Bucket: 'logs' }))
  await kms.send(new CreateKeyCommand({}))
  const status = () => trails.send(new GetTrailStatusCommand({ Name: 'trail' }))
  const failed = await until(async () => {
    const now = await status()
    return now.LatestDeliveryError !== undefined && now
  }, 'the error')
  expect(failed).toMatchObject({ LatestDeliveryError: 'AccessDenied', IsLogging: true })
  expect(failed.LatestDeliveryAttemptTime).not.toBe('')
  expect(await keysIn(s3, 'logs')).toEqual([])
  await s3.send(new PutBucketPolicyCommand({ Bucket: 'logs', Policy: trailBucketPolicy('logs') }))
  const named = async () => (await records(s3)).map(({ eventName }) => eventName)
  await until(async () => (await named()).includes('PutBucketPolicy'), 'what waited')
  expect(await named()).toEqual(expect.arrayContaining(['StartLogging', 'DeleteBucketPolicy', 'CreateKey']))
  expect((await status()).LatestDeliveryError).toBeUndefined()
  expect(one.server.log().match(/cannot deliver: AccessDenied/g)).toHaveLength(1)
})

test('a trail of all regions has log files of each', async () => {
  const one = await start({ kms: { regions: ['eu-west-1'] } })
  await makeTrailBucket(one.s3, 'logs')
  await startTrail(one, 'trail', { IsMultiRegionTrail: true })
  await kmsClient(one.server, { region: 'eu-west-1' }).send(new CreateKeyCommand({}))
  await one.kms.send(new CreateKeyCommand({}))
  const made = async () => (await records(one.s3)).filter(({ eventName }) => eventName === 'CreateKey')
  await until(async () => (await made()).length === 2, 'both')
  for (const [key, all] of await deliveredRecords(one.s3, 'logs')) {
    for (const { awsRegion } of all) expect(key).toContain(`/CloudTrail/${awsRegion}/`)
  }
  expect((await made()).map(({ awsRegion }) => awsRegion).sort()).toEqual(['eu-west-1', 'us-east-1'])
})

test('whatever is killed, every event is in exactly one file', async () => {
  let one = await start()
  const { dataDir } = one.server
  await makeTrailBucket(one.s3, 'logs')
  await startTrail(one, 'trail')
  const acknowledged: string[] = []
  for (let round = 0; round < 4; round++) {
    let calling = true
    const callers = [1, 2, 3].map(async () => {
      while (calling) {
        const reply = await one.kms.send(new GenerateRandomCommand({ NumberOfBytes: 8 })).catch(() => undefined)
        if (reply) acknowledged.push(reply.$metadata.requestId!)
      }
    })
    // Some while after deliveries have begun, at no special moment.
    await new Promise((resolve) => setTimeout(resolve, 1_500 + 333 * round))
    await one.server.kill()
    calling = false
    await Promise.all(callers)
    servers.pop()
    one = await start({}, dataDir)
  }
  const last = await one.kms.send(new ListKeysCommand({}))
  const requests = async () => (await records(one.s3)).map(({ requestID }) => requestID)
  await until(async () => (await requests()).includes(last.$metadata.requestId), 'the last event')
  const delivered = new Set(await requests())
  expect(acknowledged.length).toBeGreaterThan(100)
  expect(acknowledged.filter((id) => !delivered.has(id))).toEqual([])
  // Every file but those since the last digest is in a digest, once.
  await one.trails.send(new StopLoggingCommand({ Name: 'trail' }))
  const digested = async () => {
    const named: string[] = []
    for (const key of await keysIn(one.s3, 'logs', `AWSLogs/${ACCOUNT}/CloudTrail-Digest/`)) {
      const { logFiles } = JSON.parse((await contentOf(one.s3, 'logs', key)).toString())
      named.push(...logFiles.map(({ s3Object }: { s3Object: string }) => s3Object))
    }
    return named.sort()
  }
  const files = async () => [...(await deliveredRecords(one.s3, 'logs')).keys()].sort()
  await until(async () => (await digested()).length === (await files()).length, 'the last digest')
  expect(await digested()).toEqual(await files())
}, 240_000)

test('into a bucket of another server, by its credentials', async () => {
  const target = await start()
  await target.s3.send(new CreateBucketCommand({ Bucket: 'far-logs' }))
  const dir = await mkdtemp(join(tmpdir(), 'remote-'))
  try {
    const { accessKeyId, secretAccessKey } = target.server.root
    const credentialsFile = join(dir, 'credentials')
    await writeFile(
      credentialsFile,
      `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
    )
    const remote = { endpoint: target.server.https, credentialsFile, caFile: target.server.ca }
    const absent = { ...remote }
    const one = await start({
      cloudtrail: { ...FAST, remoteBuckets: { 'far-logs': remote, 'far-absent': absent } },
    })
    await startTrail(one, 'trail', { S3BucketName: 'far-logs', S3KeyPrefix: "it's (far)".replaceAll(' ', '-') })
    await startTrail(one, 'astray', { S3BucketName: 'far-absent' })
    await one.kms.send(new CreateKeyCommand({}))
    const named = async () => (await records(target.s3, 'far-logs')).map(({ eventName }) => eventName)
    await until(async () => (await named()).includes('CreateKey'), 'a log file')
    const digests = () => keysIn(target.s3, 'far-logs', `it's-(far)/AWSLogs/${ACCOUNT}/CloudTrail-Digest/`)
    const [digest] = await until(async () => (await digests()).length > 0 && digests(), 'a digest')
    const got = await target.s3.send(new GetObjectCommand({ Bucket: 'far-logs', Key: digest! }))
    expect(got.Metadata).toMatchObject({ 'signature-algorithm': 'SHA256withRSA' })
    expect(got.ServerSideEncryption).toBe('AES256')
    const status = await one.trails.send(new GetTrailStatusCommand({ Name: 'astray' }))
    expect(status.LatestDeliveryError).toBe('NoSuchBucket')
  } finally {
    await rm(dir, { recursive: true })
  }
})
