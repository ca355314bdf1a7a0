/** Request quotas from outside: what is counted, who is throttled, and how an account comes to more. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import {
  CreateAliasCommand,
  CreateGrantCommand,
  CreateKeyCommand,
  DecryptCommand,
  EncryptCommand,
  GenerateRandomCommand,
  type KMSClient,
  ListAliasesCommand,
  ReplicateKeyCommand,
} from '@aws-sdk/client-kms'
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import {
  GetAWSDefaultServiceQuotaCommand,
  GetQuotaUtilizationReportCommand,
  GetRequestedServiceQuotaChangeCommand,
  GetServiceQuotaCommand,
  ListAWSDefaultServiceQuotasCommand,
  ListRequestedServiceQuotaChangeHistoryByQuotaCommand,
  ListRequestedServiceQuotaChangeHistoryCommand,
  ListServiceQuotasCommand,
  ListServicesCommand,
  ListTagsForResourceCommand,
  RequestServiceQuotaIncreaseCommand,
  StartAutoManagementCommand,
  StartQuotaUtilizationReportCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from '@aws-sdk/client-service-quotas'
import { afterEach, expect, test } from 'vitest'
import { failure, kmsClient, quotasClient, s3Client } from '../support/sdk.ts'
import { program, startServer, type TestServer } from '../support/server.ts'

const SYMMETRIC = { ServiceCode: 'kms', QuotaCode: 'L-6E3AF000' }
const BUCKETS = { ServiceCode: 's3', QuotaCode: 'L-DC2B2D3D' }
const KMS = { ServerSideEncryption: 'aws:kms' } as const
const THROTTLED = 'You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.'

let server: TestServer
afterEach(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error|cannot be read/)
  await server.remove()
})
const start = async (kms: object, rest: object = {}) => {
  server = await startServer({ config: { kms, ...rest } })
}
const other = { name: 'other', accessKeyId: 'AKIAOTHER', secretAccessKey: 'secretother', root: true }
const otherAccount = { accounts: [{ id: '222222222222', users: [other] }] }

/** The program's own command against the server. */
async function quotas(...args: string[]): Promise<{ code: number; out: string }> {
  const env = { ...process.env, AWS_ENDPOINT_URL: server.https, AWS_CA_BUNDLE: server.ca }
  return promisify(execFile)(process.execPath, [program, 'quotas', ...args, '--data', server.dataDir], { env }).then(
    ({ stdout }) => ({ code: 0, out: stdout }),
    ({ code, stderr }: { code: number; stderr: string }) => ({ code, out: stderr }),
  )
}

/** The calls of the KMS that counted, by the second in which they did, as the server's log tells them. */
function countedBySecond(): ReadonlyMap<number, number> {
  const seconds = new Map<number, number>()
  for (const line of server.log().split('\n')) {
    if (!line.includes('"viaRequestId"')) continue
    const { startedAtMs, error } = JSON.parse(line) as { startedAtMs: number; error?: string }
    if (error === 'ThrottlingException') continue
    const second = Math.floor(startedAtMs / 1000)
    seconds.set(second, (seconds.get(second) ?? 0) + 1)
  }
  return seconds
}
const throttledBySlowDown = () => server.log().match(/"error":"SlowDown"/g)?.length ?? 0

/** How far the symmetric quota is used, in percent. */
async function utilization(by = quotasClient(server)): Promise<number> {
  const { ReportId } = await by.send(new StartQuotaUtilizationReportCommand({}))
  const { Quotas } = await by.send(new GetQuotaUtilizationReportCommand({ ReportId }))
  return Quotas!.find(({ QuotaCode }) => QuotaCode === SYMMETRIC.QuotaCode)!.Utilization!
}

/** One call in a quarter of an hour: the shortest quota whose window no test outlives. */
const ONE = 0.001

/** How many of so many calls at once are let through, all of them within one second. */
async function burst(kms: KMSClient, calls: number): Promise<number> {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 1005 - (Date.now() % 1000)))
    const second = Math.floor(Date.now() / 1000)
    const sent = Array.from({ length: calls }, () => random(kms))
    const ended = await Promise.allSettled(sent)
    if (Math.floor(Date.now() / 1000) === second) return ended.filter(({ status }) => status === 'fulfilled').length
  }
}
const random = (kms: KMSClient) => kms.send(new GenerateRandomCommand({ NumberOfBytes: 8 }))

test('500 puts at once by 4 clients, 50 calls a second: never more counted, the rest SlowDown, none lost', async () => {
  await start({ quotaProfile: { symmetric: 50 } })
  await s3Client(server).send(new CreateBucketCommand({ Bucket: 'many' }))
  const retries = { retryMode: 'adaptive', maxAttempts: 100 } as const
  const clients = Array.from({ length: 4 }, () => s3Client(server, { retries }))
  const put = async (i: number): Promise<void> => {
    try {
      await clients[i % 4]!.send(new PutObjectCommand({ Bucket: 'many', Key: `${i}`, Body: `body ${i}`, ...KMS }))
    } catch (error) {
      // The SDK has a budget for retries besides the number of attempts; who has spent it begins again.
      if ((error as Error).name !== 'SlowDown') throw error
      await put(i)
    }
  }
  await Promise.all(Array.from({ length: 500 }, (_, i) => put(i)))

  const seconds = countedBySecond()
  expect([...seconds.values()].reduce((sum, counted) => sum + counted, 0)).toBe(500)
  expect(Math.max(...seconds.values())).toBeLessThanOrEqual(50)
  expect(throttledBySlowDown()).toBeGreaterThan(0)
  expect(await utilization()).toBe(Math.max(...seconds.values()) * 2)

  const { Contents } = await s3Client(server).send(new ListObjectsV2Command({ Bucket: 'many', MaxKeys: 1000 }))
  expect(Contents).toHaveLength(500)
  const got = await clients[0]!.send(new GetObjectCommand({ Bucket: 'many', Key: '499' }))
  expect(await got.Body!.transformToString()).toBe('body 499')
})

test('direct calls and those of S3 share a quota; both refusals in their own words; nothing half-written', async () => {
  await start({ quotaProfile: { symmetric: ONE } })
  const [s3, kms] = [s3Client(server), kmsClient(server)]
  await s3.send(new CreateBucketCommand({ Bucket: 'both' }))
  const put = (Key: string) => s3.send(new PutObjectCommand({ Bucket: 'both', Key, Body: Key, ...KMS }))
  await put('first')
  const slowDown = {
    code: 'SlowDown',
    status: 503,
    message: 'Please reduce your request rate for operations involving AWS KMS.',
  }
  expect(await failure(s3.send(new GetObjectCommand({ Bucket: 'both', Key: 'first' })))).toEqual(slowDown)
  expect(await failure(put('second'))).toEqual(slowDown)
  expect(await failure(s3.send(new CreateMultipartUploadCommand({ Bucket: 'both', Key: 'large', ...KMS })))).toEqual(
    slowDown,
  )
  expect(await failure(random(kms))).toEqual({ code: 'ThrottlingException', status: 400, message: THROTTLED })
  const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: 'both' }))
  expect(Contents?.map(({ Key }) => Key)).toEqual(['first'])
  expect((await s3.send(new ListMultipartUploadsCommand({ Bucket: 'both' }))).Uploads).toBeUndefined()
})

test('what needs no KMS is never throttled, nor is another account, nor another kind of operation', async () => {
  await start({ quotaProfile: { symmetric: ONE, CreateKey: ONE } }, otherAccount)
  const [s3, kms] = [s3Client(server), kmsClient(server)]
  await s3.send(new CreateBucketCommand({ Bucket: 'free' }))
  await random(kms)
  expect((await failure(random(kms))).code).toBe('ThrottlingException')
  await random(kmsClient(server, { credentials: other }))
  await s3.send(new PutObjectCommand({ Bucket: 'free', Key: 'sse-s3', Body: 'x' }))
  await s3.send(new GetObjectCommand({ Bucket: 'free', Key: 'sse-s3' }))
  await kms.send(new CreateKeyCommand({}))
  expect((await failure(kms.send(new CreateKeyCommand({})))).code).toBe('ThrottlingException')
  await kms.send(new ListAliasesCommand({}))
})

test('a use of a key of another account is charged to the caller', async () => {
  await start({ quotaProfile: { symmetric: ONE } }, otherAccount)
  const [owner, caller] = [kmsClient(server), kmsClient(server, { credentials: other })]
  const Policy = JSON.stringify({
    Version: '2012-10-17',
    Statement: ['000000000000', '222222222222'].map((id) => ({
      Effect: 'Allow',
      Principal: { AWS: `arn:aws:iam::${id}:root` },
      Action: 'kms:*',
      Resource: '*',
    })),
  })
  const { KeyMetadata } = await owner.send(new CreateKeyCommand({ Policy }))
  const encrypt = (by: KMSClient) =>
    by.send(new EncryptCommand({ KeyId: KeyMetadata!.Arn, Plaintext: Buffer.from('secret') }))
  const { CiphertextBlob } = await encrypt(caller)
  expect((await failure(caller.send(new DecryptCommand({ CiphertextBlob })))).code).toBe('ThrottlingException')
  await owner.send(new DecryptCommand({ CiphertextBlob }))
  expect((await failure(encrypt(owner))).code).toBe('ThrottlingException')
})

test('ReplicateKey counts as two CreateKey in the other region', async () => {
  await start({ quotaProfile: { CreateKey: ONE }, regions: ['eu-west-1'] })
  const kms = kmsClient(server)
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({ MultiRegion: true }))
  const replicate = new ReplicateKeyCommand({ KeyId: KeyMetadata!.KeyId, ReplicaRegion: 'eu-west-1' })
  expect((await failure(kms.send(replicate))).code).toBe('ThrottlingException')
})

test('an increase: asked for, waiting, approved by the operator, and in force at the next second', async () => {
  await start({ quotaProfile: { symmetric: 5 } }, otherAccount)
  const [sq, kms] = [quotasClient(server), kmsClient(server)]
  expect(await burst(kms, 20)).toBe(5)
  const ask = (DesiredValue: number) => sq.send(new RequestServiceQuotaIncreaseCommand({ ...SYMMETRIC, DesiredValue }))
  expect((await failure(ask(5))).code).toBe('IllegalArgumentException')
  const { RequestedQuota } = await ask(15)
  expect(RequestedQuota).toMatchObject({
    Status: 'PENDING',
    DesiredValue: 15,
    QuotaName: 'Cryptographic operations (symmetric) request rate',
    QuotaArn: 'arn:aws:servicequotas:us-east-1:000000000000:kms/L-6E3AF000',
    QuotaRequestedAtLevel: 'ACCOUNT',
    Unit: 'None',
    GlobalQuota: false,
  })
  expect(JSON.parse(RequestedQuota!.Requester!)).toEqual({
    accountId: '000000000000',
    callerArn: 'arn:aws:iam::000000000000:root',
  })
  expect((await failure(ask(20))).code).toBe('ResourceAlreadyExistsException')
  expect(await burst(kms, 20)).toBe(5)

  const Id = RequestedQuota!.Id!
  expect(await quotas('list')).toMatchObject({ code: 0, out: expect.stringContaining(Id) })
  const change = async () =>
    (await sq.send(new GetRequestedServiceQuotaChangeCommand({ RequestId: Id }))).RequestedQuota!.Status
  expect(await change()).toBe('PENDING')
  expect(await quotas('approve', Id)).toMatchObject({ code: 0, out: expect.stringContaining('APPROVED') })
  expect(await change()).toBe('APPROVED')
  expect((await sq.send(new GetServiceQuotaCommand(SYMMETRIC))).Quota!.Value).toBe(15)
  expect((await sq.send(new GetAWSDefaultServiceQuotaCommand(SYMMETRIC))).Quota!.Value).toBe(5)
  expect(await burst(kms, 20)).toBe(15)
  expect(await quotas('approve', Id)).toMatchObject({ code: 1, out: expect.stringContaining('APPROVED already') })

  const second = (await ask(30)).RequestedQuota!.Id!
  expect((await quotas('deny', second)).code).toBe(0)
  expect(await burst(kms, 20)).toBe(15)
  const byQuota = await sq.send(new ListRequestedServiceQuotaChangeHistoryByQuotaCommand(SYMMETRIC))
  expect(byQuota.RequestedQuotas!.map(({ Status }) => Status)).toEqual(['DENIED', 'APPROVED'])
  const approved = await sq.send(new ListRequestedServiceQuotaChangeHistoryCommand({ Status: 'APPROVED' }))
  expect(approved.RequestedQuotas!.map((one) => one.Id)).toEqual([Id])
  const ofResources = { QuotaRequestedAtLevel: 'RESOURCE' as const }
  const noneOfQuota = new ListRequestedServiceQuotaChangeHistoryByQuotaCommand({ ...SYMMETRIC, ...ofResources })
  expect((await sq.send(noneOfQuota)).RequestedQuotas).toEqual([])
  const none = new ListRequestedServiceQuotaChangeHistoryCommand(ofResources)
  expect((await sq.send(none)).RequestedQuotas).toEqual([])
  expect(await quotas('approve', 'nothing')).toMatchObject({ code: 1, out: expect.stringContaining('NoSuchResource') })

  await server.stop()
  const { dataDir } = server
  server = await startServer({ dataDir, config: { kms: { quotaProfile: { symmetric: 5 } }, ...otherAccount } })
  const again = quotasClient(server)
  expect((await again.send(new GetServiceQuotaCommand(SYMMETRIC))).Quota!.Value).toBe(15)
})

test('up to a ceiling an increase is approved by itself; only the operator answers others', async () => {
  await start({ quotaProfile: { symmetric: 5 } }, { approveQuotasUpTo: { symmetric: 10 }, ...otherAccount })
  const sq = quotasClient(server, { credentials: other })
  const ask = (DesiredValue: number) => sq.send(new RequestServiceQuotaIncreaseCommand({ ...SYMMETRIC, DesiredValue }))
  expect((await ask(10)).RequestedQuota!.Status).toBe('APPROVED')
  const { RequestedQuota } = await ask(11)
  expect(RequestedQuota!.Status).toBe('PENDING')
  const env = {
    ...process.env,
    AWS_ENDPOINT_URL: server.https,
    AWS_CA_BUNDLE: server.ca,
    AWS_ACCESS_KEY_ID: other.accessKeyId,
    AWS_SECRET_ACCESS_KEY: other.secretAccessKey,
  }
  const args = [program, 'quotas', 'approve', RequestedQuota!.Id!, '--data', server.dataDir]
  await expect(promisify(execFile)(process.execPath, args, { env })).rejects.toThrow(/AccessDeniedException/)
  // The increase is of that account alone.
  expect((await quotasClient(server).send(new GetServiceQuotaCommand(SYMMETRIC))).Quota!.Value).toBe(5)
})

test('as many buckets as the quota says', async () => {
  await start({ quotaProfile: { buckets: 2 } })
  const s3 = s3Client(server)
  const make = (Bucket: string) => s3.send(new CreateBucketCommand({ Bucket }))
  await make('bucket-1')
  await make('bucket-2')
  expect(await failure(make('bucket-3'))).toEqual({
    code: 'TooManyBuckets',
    status: 400,
    message: 'You have attempted to create more buckets than allowed',
  })
  await make('bucket-2')
  const sq = quotasClient(server)
  const { RequestedQuota } = await sq.send(new RequestServiceQuotaIncreaseCommand({ ...BUCKETS, DesiredValue: 3 }))
  expect(RequestedQuota).toMatchObject({ GlobalQuota: true, QuotaName: 'General purpose buckets' })
  await quotas('approve', RequestedQuota!.Id!)
  await make('bucket-3')
  const { ReportId } = await sq.send(new StartQuotaUtilizationReportCommand({}))
  const report = await sq.send(new GetQuotaUtilizationReportCommand({ ReportId, MaxResults: 1 }))
  expect(report.Quotas).toMatchObject([{ QuotaCode: BUCKETS.QuotaCode, Utilization: 100, AppliedValue: 3 }])
  expect(report).toMatchObject({ Status: 'COMPLETED', NextToken: expect.anything() })
})

test('as many keys, aliases and grants as the quotas say; raised, one more', async () => {
  await start({ quotaProfile: { keys: 2, aliasesPerKey: 2, grantsPerKey: 2, CreateKey: 1000, CreateAlias: 1000 } })
  const [kms, sq] = [kmsClient(server), quotasClient(server)]
  const makeKey = async () => (await kms.send(new CreateKeyCommand({}))).KeyMetadata!.KeyId!
  const TargetKeyId = await makeKey()
  await makeKey()
  const GranteePrincipal = 'arn:aws:iam::000000000000:user/ann'
  const attempts: readonly (readonly [code: string, make: (i: number) => Promise<unknown>])[] = [
    ['L-C2F1777E', makeKey],
    ['L-340F62FB', (i) => kms.send(new CreateAliasCommand({ AliasName: `alias/a${i}`, TargetKeyId }))],
    [
      'L-D594A657',
      (i) =>
        kms.send(
          new CreateGrantCommand({ KeyId: TargetKeyId, GranteePrincipal, Operations: ['Decrypt'], Name: `${i}` }),
        ),
    ],
  ]
  for (const [QuotaCode, make] of attempts) {
    if (make !== makeKey) await Promise.all([1, 2].map(make))
    expect((await failure(make(3))).code).toBe('LimitExceededException')
    const wanted = { ServiceCode: 'kms', QuotaCode, DesiredValue: 3 }
    const { RequestedQuota } = await sq.send(new RequestServiceQuotaIncreaseCommand(wanted))
    await quotas('approve', RequestedQuota!.Id!)
    await make(3)
    expect((await failure(make(4))).code).toBe('LimitExceededException')
  }
})

test('services, quotas, pages, tags, and what is refused', async () => {
  await start({ quotaProfile: 'notes' })
  const sq = quotasClient(server)
  expect((await sq.send(new ListServicesCommand({}))).Services).toEqual([
    { ServiceCode: 'kms', ServiceName: 'AWS Key Management Service (AWS KMS)' },
    { ServiceCode: 's3', ServiceName: 'Amazon Simple Storage Service (Amazon S3)' },
  ])
  const codes: string[] = []
  let NextToken: string | undefined
  do {
    const page = await sq.send(new ListServiceQuotasCommand({ ServiceCode: 'kms', MaxResults: 10, NextToken }))
    expect(page.Quotas!.length).toBeLessThanOrEqual(10)
    codes.push(...page.Quotas!.map(({ QuotaCode }) => QuotaCode!))
    NextToken = page.NextToken
  } while (NextToken)
  expect(new Set(codes).size).toBe(codes.length)
  expect(codes).toEqual(expect.arrayContaining(['L-6E3AF000', 'L-2AC98190', 'L-DC14942D', 'L-32B67F4A']))
  const { Quotas } = await sq.send(new ListAWSDefaultServiceQuotasCommand({ ServiceCode: 'kms' }))
  expect(Quotas!.find(({ QuotaCode }) => QuotaCode === 'L-6E3AF000')).toMatchObject({
    Value: 30_000,
    Adjustable: true,
    Unit: 'None',
    Period: { PeriodValue: 1, PeriodUnit: 'SECOND' },
    UsageMetric: { MetricNamespace: 'AWS/Usage', MetricName: 'CallCount', MetricStatisticRecommendation: 'Sum' },
  })

  const ResourceARN = 'arn:aws:servicequotas:us-east-1:000000000000:kms/L-6E3AF000'
  await sq.send(
    new TagResourceCommand({
      ResourceARN,
      Tags: [
        { Key: 'a', Value: '1' },
        { Key: 'b', Value: '2' },
      ],
    }),
  )
  await sq.send(new UntagResourceCommand({ ResourceARN, TagKeys: ['a'] }))
  expect((await sq.send(new ListTagsForResourceCommand({ ResourceARN }))).Tags).toEqual([{ Key: 'b', Value: '2' }])

  const refused: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['NoSuchResourceException', () => sq.send(new ListServiceQuotasCommand({ ServiceCode: 'ec2' }))],
    [
      'NoSuchResourceException',
      () => sq.send(new GetServiceQuotaCommand({ ServiceCode: 'kms', QuotaCode: 'L-00000000' })),
    ],
    ['NoSuchResourceException', () => sq.send(new GetServiceQuotaCommand({ ...SYMMETRIC, ServiceCode: 's3' }))],
    ['NoSuchResourceException', () => sq.send(new GetRequestedServiceQuotaChangeCommand({ RequestId: '0123' }))],
    ['NoSuchResourceException', () => sq.send(new GetQuotaUtilizationReportCommand({ ReportId: 'none' }))],
    ['NoSuchResourceException', () => sq.send(new ListTagsForResourceCommand({ ResourceARN: `${ResourceARN}0` }))],
    ['ValidationException', () => sq.send(new RequestServiceQuotaIncreaseCommand({ ...SYMMETRIC, DesiredValue: -1 }))],
    ['ValidationException', () => sq.send(new ListServiceQuotasCommand({ ServiceCode: 'kms', MaxResults: 101 }))],
    ['InvalidPaginationTokenException', () => sq.send(new ListServicesCommand({ NextToken: 'x' }))],
    [
      'UnsupportedOperationException',
      () => sq.send(new StartAutoManagementCommand({ OptInLevel: 'ACCOUNT', OptInType: 'NotifyOnly' })),
    ],
  ]
  for (const [code, call] of refused) expect((await failure(call())).code).toBe(code)
  expect((await failure(quotasClient(server, { plain: true }).send(new ListServicesCommand({})))).code).toBe(
    'InvalidRequest',
  )
})

test('a user asks for quotas as far as its policies let it', async () => {
  const user = { name: 'ann', accessKeyId: 'AKIAANN', secretAccessKey: 'secretann' }
  await start({ quotaProfile: 'current' }, { accounts: [{ id: '000000000000', users: [user] }] })
  const sq = quotasClient(server, { credentials: user })
  expect((await failure(sq.send(new GetServiceQuotaCommand(SYMMETRIC)))).code).toBe('AccessDeniedException')
})
