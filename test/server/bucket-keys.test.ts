/** S3 Bucket Keys from outside: in all their places, how many calls of the KMS they leave, and what ends them. */
import {
  CreateKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  type KMSClient,
  PutKeyPolicyCommand,
} from '@aws-sdk/client-kms'
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutBucketEncryptionCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { GetQuotaUtilizationReportCommand, StartQuotaUtilizationReportCommand } from '@aws-sdk/client-service-quotas'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { form, post, signed } from '../support/form.ts'
import { failure, kmsClient, quotasClient, s3Client } from '../support/sdk.ts'
import { fsck, startServer, type TestServer } from '../support/server.ts'

const KMS = { ServerSideEncryption: 'aws:kms' } as const
const WITH_KEY = { ...KMS, BucketKeyEnabled: true } as const
const SSE = 'x-amz-server-side-encryption'

const byDefault = (Bucket: string, algorithm: 'aws:kms' | 'aws:kms:dsse', BucketKeyEnabled: boolean) =>
  new PutBucketEncryptionCommand({
    Bucket,
    ServerSideEncryptionConfiguration: {
      Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: algorithm }, BucketKeyEnabled }],
    },
  })

/** The calls of the KMS that S3 made, as the log tells them. */
const kmsCalls = (log: string) =>
  log
    .split('\n')
    .filter((line) => line.includes('"viaRequestId"'))
    .map((line) => JSON.parse(line) as { operation: string; error?: string })

describe('one server', () => {
  let server: TestServer
  let s3: S3Client
  let kms: KMSClient
  let Bucket: string
  let count = 0
  const user = { name: 'ann', accessKeyId: 'AKIAANN', secretAccessKey: 'secretann' }
  const policies = ['arn:aws:iam::aws:policy/AmazonS3FullAccess']
  beforeAll(async () => {
    const accounts = [{ id: '000000000000', users: [{ ...user, policies }] }]
    server = await startServer({ config: { accounts }, workers: 1 })
    s3 = s3Client(server)
    kms = kmsClient(server)
  })
  afterAll(async () => {
    expect(server.log()).not.toMatch(/was lost|internal-error/)
    await server.stop()
    expect(await fsck(server.dataDir)).toMatchObject({ code: 0 })
    await server.remove()
  })
  beforeEach(async () => {
    Bucket = `keyed-${++count}`
    await s3.send(new CreateBucketCommand({ Bucket }))
  })
  const newKey = async () => (await kms.send(new CreateKeyCommand({}))).KeyMetadata!.Arn!
  const get = (Key: string, by = s3) => by.send(new GetObjectCommand({ Bucket, Key }))
  const text = async (Key: string, by = s3) => (await get(Key, by)).Body!.transformToString()

  test.each([
    ['by header', false, { ...WITH_KEY }, true],
    ['by header, false against the bucket', true, { ...KMS, BucketKeyEnabled: false }, undefined],
    ["as the bucket's default", true, {}, true],
    ['as the bucket has it, the method by header', true, { ...KMS }, true],
    ['not without either', false, { ...KMS }, undefined],
    ['not for SSE-S3', true, { ServerSideEncryption: 'AES256' as const }, undefined],
    ['not for DSSE-KMS', true, { ServerSideEncryption: 'aws:kms:dsse' as const, BucketKeyEnabled: true }, undefined],
  ])('%s', async (_, isDefault, headers, enabled) => {
    if (isDefault) await s3.send(byDefault(Bucket, 'aws:kms', true))
    const put = await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'letter', ...headers }))
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'k' }))
    const got = await get('k')
    expect([put, head, got].map(({ BucketKeyEnabled }) => BucketKeyEnabled)).toEqual([enabled, enabled, enabled])
    expect(await got.Body!.transformToString()).toBe('letter')
  })

  test('DSSE-KMS by default has none, whatever the bucket says', async () => {
    await s3.send(byDefault(Bucket, 'aws:kms:dsse', true))
    expect((await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }))).BucketKeyEnabled).toBeUndefined()
  })

  test('copies, uploads in parts, parts copied, and forms', async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'plain', Body: 'letter' }))
    const CopySource = `${Bucket}/plain`
    const copied = await s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource, ...WITH_KEY }))
    const upload = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'parts', ...WITH_KEY }))
    const part = { Bucket, Key: 'parts', UploadId: upload.UploadId }
    const sent = await s3.send(new UploadPartCommand({ ...part, PartNumber: 1, Body: 'x'.repeat(5 << 20) }))
    const partCopied = await s3.send(new UploadPartCopyCommand({ ...part, PartNumber: 2, CopySource }))
    const Parts = [sent.ETag, partCopied.CopyPartResult!.ETag].map((ETag, i) => ({ ETag, PartNumber: i + 1 }))
    const completed = await s3.send(new CompleteMultipartUploadCommand({ ...part, MultipartUpload: { Parts } }))
    const replies = [copied, upload, sent, partCopied, completed]
    expect(replies.map(({ BucketKeyEnabled }) => BucketKeyEnabled)).toEqual(replies.map(() => true))
    expect(await text('copy')).toBe('letter')
    expect((await text('parts')).slice(-8)).toBe('xxletter')

    const fields = { key: 'form', [SSE]: 'aws:kms', [`${SSE}-bucket-key-enabled`]: 'true' }
    const reply = await post(server, { path: `/${Bucket}`, body: form(signed(server.root, fields), 'letter') })
    expect(reply).toMatchObject({ status: 204, headers: { [`${SSE}-bucket-key-enabled`]: 'true' } })
    expect(await text('form')).toBe('letter')
  })

  test('a value that is neither true nor false is refused', async () => {
    const fields = { key: 'form', [SSE]: 'aws:kms', [`${SSE}-bucket-key-enabled`]: 'yes' }
    const reply = await post(server, { path: `/${Bucket}`, body: form(signed(server.root, fields), 'letter') })
    expect(reply.status).toBe(400)
    expect(reply.body.toString()).toContain(`<ArgumentName>${SSE}-bucket-key-enabled</ArgumentName>`)
  })

  test('the context is the bucket: a policy that names the object refuses, one that names the bucket allows', async () => {
    const SSEKMSKeyId = await newKey()
    const policy = (arn: string) =>
      JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          { Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::000000000000:root' }, Action: 'kms:*', Resource: '*' },
          {
            Effect: 'Allow',
            Principal: { AWS: 'arn:aws:iam::000000000000:user/ann' },
            Action: ['kms:GenerateDataKey', 'kms:Decrypt'],
            Resource: '*',
            Condition: { StringLike: { 'kms:EncryptionContext:aws:s3:arn': arn } },
          },
        ],
      })
    const ann = s3Client(server, { credentials: user })
    const put = () => ann.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'letter', SSEKMSKeyId, ...WITH_KEY }))
    const setPolicy = (arn: string) =>
      kms.send(
        new PutKeyPolicyCommand({ KeyId: SSEKMSKeyId, Policy: policy(arn), BypassPolicyLockoutSafetyCheck: true }),
      )
    await setPolicy(`arn:aws:s3:::${Bucket}/*`)
    expect((await failure(put())).code).toBe('AccessDenied')
    await setPolicy(`arn:aws:s3:::${Bucket}`)
    await put()
    expect(await text('k', ann)).toBe('letter')
    await setPolicy('arn:aws:s3:::another')
    expect((await failure(put())).code).toBe('AccessDenied')
    expect((await failure(get('k', ann))).code).toBe('AccessDenied')
  })

  test('who may not decrypt may not write by a bucket key either', async () => {
    const SSEKMSKeyId = await newKey()
    const Policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::000000000000:root' }, Action: 'kms:*', Resource: '*' },
        {
          Effect: 'Allow',
          Principal: { AWS: 'arn:aws:iam::000000000000:user/ann' },
          Action: 'kms:GenerateDataKey',
          Resource: '*',
        },
      ],
    })
    await kms.send(new PutKeyPolicyCommand({ KeyId: SSEKMSKeyId, Policy }))
    const ann = s3Client(server, { credentials: user })
    const put = (headers: object) =>
      ann.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'letter', SSEKMSKeyId, ...headers }))
    await put(KMS)
    expect(await failure(put(WITH_KEY))).toMatchObject({
      code: 'AccessDenied',
      message: expect.stringMatching('kms:Decrypt'),
    })
  })

  test('a disabled key refuses writes and reads at once', async () => {
    const SSEKMSKeyId = await newKey()
    const put = () => s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'letter', SSEKMSKeyId, ...WITH_KEY }))
    await put()
    await get('k')
    await kms.send(new DisableKeyCommand({ KeyId: SSEKMSKeyId }))
    expect((await failure(put())).code).toBe('KMS.DisabledException')
    expect((await failure(get('k'))).code).toBe('KMS.DisabledException')
    await kms.send(new EnableKeyCommand({ KeyId: SSEKMSKeyId }))
    await put()
    expect(await text('k')).toBe('letter')
  })
})

describe('on four processes', () => {
  let server: TestServer
  afterEach(async () => {
    expect(server.log()).not.toMatch(/was lost|internal-error/)
    await server.remove()
  })

  test('what was cached ends on each of them with the key, and with the policy', async () => {
    server = await startServer({ workers: 4 })
    const kms = kmsClient(server)
    const KeyId = (await kms.send(new CreateKeyCommand({}))).KeyMetadata!.Arn!
    // Each client has a connection of its own, which whichever process was free has taken.
    const clients = Array.from({ length: 24 }, () => s3Client(server))
    const Bucket = 'everywhere'
    await clients[0]!.send(new CreateBucketCommand({ Bucket }))
    const under = [
      { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: KeyId },
      { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: KeyId, BucketKeyEnabled: true },
      { ServerSideEncryption: 'aws:kms:dsse', SSEKMSKeyId: KeyId },
    ] as const
    const everyRequest = () =>
      clients.flatMap((client) =>
        under.flatMap((headers, i) => [
          client.send(new PutObjectCommand({ Bucket, Key: `${i}`, Body: 'letter', ...headers })),
          client.send(new GetObjectCommand({ Bucket, Key: `${i}` })).then(({ Body }) => Body!.transformToString()),
        ]),
      )
    /** The codes of all that failed; whatever was done counts as 'done'. */
    const outcomes = async () => {
      const ended = await Promise.allSettled(everyRequest())
      return new Set(ended.map((end) => (end.status === 'fulfilled' ? 'done' : (end.reason as Error).name)))
    }
    await Promise.all(
      under.map((headers, i) => clients[0]!.send(new PutObjectCommand({ Bucket, Key: `${i}`, Body: 'x', ...headers }))),
    )
    expect(await outcomes()).toEqual(new Set(['done']))
    await kms.send(new DisableKeyCommand({ KeyId }))
    expect(await outcomes()).toEqual(new Set(['KMS.DisabledException']))
    await kms.send(new EnableKeyCommand({ KeyId }))
    expect(await outcomes()).toEqual(new Set(['done']))
    const statement = (Effect: string, Action: string | string[]) => ({ Effect, Principal: '*', Action, Resource: '*' })
    const Statement = [statement('Allow', 'kms:*'), statement('Deny', ['kms:GenerateDataKey', 'kms:Decrypt'])]
    await kms.send(new PutKeyPolicyCommand({ KeyId, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) }))
    expect(await outcomes()).toEqual(new Set(['AccessDenied']))
  })
})

describe('under a quota of 50 calls a second', () => {
  let server: TestServer
  afterEach(async () => {
    expect(server.log()).not.toMatch(/was lost|internal-error/)
    await server.remove()
  })

  test('500 puts at once by 4 clients make 5 calls at most, and Service Quotas tells no more', async () => {
    server = await startServer({ config: { kms: { quotaProfile: { symmetric: 50 } } }, workers: 2 })
    const Bucket = 'many'
    const clients = Array.from({ length: 4 }, () => s3Client(server))
    await clients[0]!.send(new CreateBucketCommand({ Bucket }))
    await clients[0]!.send(byDefault(Bucket, 'aws:kms', true))
    const put = (i: number) => clients[i % 4]!.send(new PutObjectCommand({ Bucket, Key: `${i}`, Body: `body ${i}` }))
    const done = await Promise.all(Array.from({ length: 500 }, (_, i) => put(i)))
    expect(done.every(({ BucketKeyEnabled }) => BucketKeyEnabled)).toBe(true)
    const calls = kmsCalls(server.log())
    expect(calls.length).toBeLessThanOrEqual(5)
    expect(calls.every(({ error }) => error === undefined)).toBe(true)

    const got = await Promise.all(
      [0, 250, 499].map((i) => clients[0]!.send(new GetObjectCommand({ Bucket, Key: `${i}` }))),
    )
    expect(await Promise.all(got.map(({ Body }) => Body!.transformToString()))).toEqual([
      'body 0',
      'body 250',
      'body 499',
    ])

    const quotas = quotasClient(server)
    const { ReportId } = await quotas.send(new StartQuotaUtilizationReportCommand({}))
    const { Quotas } = await quotas.send(new GetQuotaUtilizationReportCommand({ ReportId }))
    const { Utilization } = Quotas!.find(({ QuotaCode }) => QuotaCode === 'L-6E3AF000')!
    expect(Utilization).toBeGreaterThan(0)
    expect(Utilization).toBeLessThanOrEqual(((5 + got.length) / 50) * 100)

    // What was kept is gone with the processes; the objects open all the same.
    await server.stop()
    server = await startServer({ dataDir: server.dataDir })
    const again = await s3Client(server).send(new GetObjectCommand({ Bucket, Key: '7' }))
    expect(await again.Body!.transformToString()).toBe('body 7')
  })
})
