/** CloudTrail from outside, by the official SDK: trails and what becomes of them. */
import {
  AddTagsCommand,
  type CloudTrailClient,
  CreateTrailCommand,
  type CreateTrailCommandInput,
  DeleteTrailCommand,
  DescribeTrailsCommand,
  GetEventSelectorsCommand,
  GetInsightSelectorsCommand,
  GetTrailCommand,
  GetTrailStatusCommand,
  ListPublicKeysCommand,
  ListTagsCommand,
  ListTrailsCommand,
  PutEventSelectorsCommand,
  RemoveTagsCommand,
  StartLoggingCommand,
  StopLoggingCommand,
  UpdateTrailCommand,
} from '@aws-sdk/client-cloudtrail'
import { CreateAccessKeyCommand, CreateUserCommand, PutUserPolicyCommand } from '@aws-sdk/client-iam'
import { CreateKeyCommand, DescribeKeyCommand, DisableKeyCommand, PutKeyPolicyCommand } from '@aws-sdk/client-kms'
import { CreateBucketCommand, PutBucketPolicyCommand, type S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { failure, iamClient, kmsClient, s3Client, trailClient } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { makeTrailBucket, trailBucketPolicy } from '../support/trails.ts'

const ACCOUNT = '000000000000'
const arnOf = (name: string, region = 'us-east-1') => `arn:aws:cloudtrail:${region}:${ACCOUNT}:trail/${name}`

let server: TestServer
let trails: CloudTrailClient
let s3: S3Client
async function start(config: object = {}) {
  server = await startServer({ config })
  trails = trailClient(server)
  s3 = s3Client(server)
}

describe('the API', () => {
  beforeAll(async () => {
    await start({ kms: { regions: ['eu-west-1'] }, cloudtrail: { remoteBuckets: {} } })
    await makeTrailBucket(s3, 'logs')
  })
  afterAll(async () => {
    expect(server.log()).not.toMatch(/was lost|internal-error/)
    await server.remove()
  })
  const create = (Name: string, more: Partial<CreateTrailCommandInput> = {}) =>
    trails.send(new CreateTrailCommand({ Name, S3BucketName: 'logs', ...more }))
  const remove = (Name: string) => trails.send(new DeleteTrailCommand({ Name }))

  test('a trail is made, shown, changed and removed', async () => {
    const { $metadata: _, ...made } = await create('my-trail', { EnableLogFileValidation: true })
    const settings = {
      Name: 'my-trail',
      S3BucketName: 'logs',
      IncludeGlobalServiceEvents: true,
      IsMultiRegionTrail: false,
      TrailARN: arnOf('my-trail'),
      LogFileValidationEnabled: true,
      IsOrganizationTrail: false,
    }
    expect(made).toEqual(settings)
    const shown = { ...settings, HomeRegion: 'us-east-1', HasCustomEventSelectors: false, HasInsightSelectors: false }
    for (const Name of ['my-trail', arnOf('my-trail')]) {
      expect((await trails.send(new GetTrailCommand({ Name }))).Trail).toEqual(shown)
      expect((await trails.send(new DescribeTrailsCommand({ trailNameList: [Name] }))).trailList).toEqual([shown])
    }
    expect((await trails.send(new ListTrailsCommand({}))).Trails).toEqual([
      { TrailARN: arnOf('my-trail'), Name: 'my-trail', HomeRegion: 'us-east-1' },
    ])
    await s3.send(new PutBucketPolicyCommand({ Bucket: 'logs', Policy: trailBucketPolicy('logs', '*') }))
    const update = { Name: 'my-trail', S3KeyPrefix: 'a/b', EnableLogFileValidation: false, IsMultiRegionTrail: true }
    const { $metadata: __, ...changed } = await trails.send(new UpdateTrailCommand(update))
    expect(changed).toEqual({
      ...settings,
      S3KeyPrefix: 'a/b',
      LogFileValidationEnabled: false,
      IsMultiRegionTrail: true,
    })
    const { S3KeyPrefix } = await trails.send(new UpdateTrailCommand({ Name: 'my-trail', S3KeyPrefix: '' }))
    expect(S3KeyPrefix).toBeUndefined()
    await remove(arnOf('my-trail'))
    expect(await failure(trails.send(new GetTrailCommand({ Name: 'my-trail' })))).toEqual({
      code: 'TrailNotFoundException',
      status: 400,
      message: `Unknown trail: my-trail for the user: ${ACCOUNT}`,
    })
    expect((await trails.send(new DescribeTrailsCommand({ trailNameList: ['my-trail'] }))).trailList).toEqual([])
  })

  test('what cannot be made says why', async () => {
    await s3.send(new CreateBucketCommand({ Bucket: 'closed' }))
    await create('taken')
    const cases: [string, Partial<CreateTrailCommandInput>, code: string, message: string | RegExp][] = [
      ['ab', {}, 'InvalidTrailName', /^Trail name too short\. Minimum allowed length: 3 characters/],
      ['taken', {}, 'TrailAlreadyExists', `Trail taken already exists for customer: ${ACCOUNT}`],
      ['new', { S3BucketName: 'absent' }, 'S3BucketDoesNotExist', 'S3 bucket absent does not exist!'],
      ['new', { S3BucketName: 'No_Bucket' }, 'InvalidS3BucketName', /No_Bucket/],
      [
        'new',
        { S3BucketName: 'closed' },
        'InsufficientS3BucketPolicy',
        'Incorrect S3 bucket policy is detected for bucket: closed',
      ],
      ['new', { S3KeyPrefix: 'x'.repeat(201) }, 'InvalidS3Prefix', /200/],
      ['new', { S3KeyPrefix: 'a\u0000b' }, 'InvalidS3Prefix', /not valid/],
      [
        'new',
        { IsMultiRegionTrail: true, IncludeGlobalServiceEvents: false },
        'InvalidParameterCombination',
        'Multi-Region trail must include global service events.',
      ],
      ['new', { SnsTopicName: 'topic' }, 'InsufficientSnsTopicPolicy', /SNS Topic does not exist/],
      ['new', { CloudWatchLogsLogGroupArn: 'arn' }, 'InvalidCloudWatchLogsLogGroupArn', /log group/],
      ['new', { CloudWatchLogsRoleArn: 'arn' }, 'InvalidCloudWatchLogsRoleArn', /role/],
      ['new', { IsOrganizationTrail: true }, 'OrganizationsNotInUse', /no organization/],
      ['new', { KmsKeyId: 'alias/absent' }, 'KmsKeyNotFound', /alias\/absent/],
      ['new', { TagsList: [{ Key: 'aws:x', Value: 'y' }] }, 'InvalidTagParameter', /aws:x/],
    ]
    for (const [name, input, code, message] of cases) {
      const failed = await failure(create(name, input))
      expect(failed, JSON.stringify(input)).toMatchObject({ code: `${code}Exception`, status: 400 })
      expect(failed.message).toMatch(message)
    }
    for (const name of ['t2a', 't3a', 't4a', 't5a']) await create(name)
    expect(await failure(create('t6a'))).toMatchObject({
      code: 'MaximumNumberOfTrailsExceededException',
      message: `User: ${ACCOUNT} already has 5 trails in us-east-1.`,
    })
    for (const name of ['t2a', 't3a', 't4a', 't5a', 'taken']) await remove(name)
  })

  test('the bucket’s policy is asked for the trail’s own place and name', async () => {
    await s3.send(new CreateBucketCommand({ Bucket: 'narrow' }))
    const policy = (bucket: string, change: (statement: { Condition: object; Resource: string }) => void) => {
      const document = JSON.parse(trailBucketPolicy(bucket))
      change(document.Statement[1])
      return s3.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: JSON.stringify(document) }))
    }
    const input = { S3BucketName: 'narrow' }
    await policy('narrow', (statement) => {
      statement.Condition = { StringEquals: { 'aws:SourceArn': arnOf('other') } }
    })
    const code = 'InsufficientS3BucketPolicyException'
    expect(await failure(create('mine', input))).toMatchObject({ code })
    await policy('narrow', (statement) => {
      statement.Condition = { StringEquals: { 'aws:SourceArn': arnOf('mine'), 'aws:SourceAccount': ACCOUNT } }
    })
    await create('mine', input)
    expect(await failure(trails.send(new UpdateTrailCommand({ Name: 'mine', S3KeyPrefix: 'p' })))).toMatchObject({
      code,
    })
    const document = JSON.parse(trailBucketPolicy('narrow'))
    const withoutAcl = JSON.stringify({ ...document, Statement: document.Statement.slice(1) })
    await s3.send(new PutBucketPolicyCommand({ Bucket: 'narrow', Policy: withoutAcl }))
    expect(await failure(trails.send(new UpdateTrailCommand({ Name: 'mine' })))).toMatchObject({ code })
    await remove('mine')
  })

  test('the key’s policy is asked as the bucket’s is', async () => {
    const kms = kmsClient(server)
    const { KeyMetadata: { KeyId, Arn } = {} } = await kms.send(new CreateKeyCommand({}))
    const input = { KmsKeyId: KeyId! }
    expect(await failure(create('sealed', input))).toMatchObject({
      code: 'InsufficientEncryptionPolicyException',
      message: `Insufficient permissions to access S3 bucket logs or KMS key ${KeyId}.`,
    })
    const allow = (Principal: object, Action: string, Condition?: object) => ({
      Effect: 'Allow',
      Principal,
      Action,
      Resource: '*',
      ...(Condition && { Condition }),
    })
    const Policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        allow({ AWS: `arn:aws:iam::${ACCOUNT}:root` }, 'kms:*'),
        allow({ Service: 'cloudtrail.amazonaws.com' }, 'kms:GenerateDataKey*', {
          StringEquals: { 'aws:SourceArn': arnOf('sealed') },
          StringLike: { 'kms:EncryptionContext:aws:cloudtrail:arn': `arn:aws:cloudtrail:*:${ACCOUNT}:trail/*` },
        }),
      ],
    })
    await kms.send(new PutKeyPolicyCommand({ KeyId, Policy }))
    expect((await create('sealed', input)).KmsKeyId).toBe(Arn)
    await remove('sealed')
    await kms.send(new DisableKeyCommand({ KeyId }))
    expect((await kms.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata?.Enabled).toBe(false)
    expect(await failure(create('sealed', input))).toMatchObject({ code: 'KmsKeyDisabledException' })
  })

  test('logging is started and stopped', async () => {
    const Name = 'starting'
    await create(Name)
    const status = () => trails.send(new GetTrailStatusCommand({ Name }))
    expect(await status()).toMatchObject({ IsLogging: false, TimeLoggingStarted: '', LatestDeliveryAttemptTime: '' })
    await trails.send(new StartLoggingCommand({ Name: arnOf(Name) }))
    await trails.send(new StartLoggingCommand({ Name }))
    const started = await status()
    expect(started).toMatchObject({ IsLogging: true, StartLoggingTime: expect.any(Date) })
    expect(started.TimeLoggingStarted).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    expect(started.StopLoggingTime).toBeUndefined()
    await trails.send(new StopLoggingCommand({ Name }))
    expect(await status()).toMatchObject({ IsLogging: false, StopLoggingTime: expect.any(Date) })
    await remove(Name)
    const unknown = await failure(trails.send(new StartLoggingCommand({ Name })))
    expect(unknown).toMatchObject({
      code: 'TrailNotFoundException',
      message: expect.stringContaining('Unknown trail: '),
    })
  })

  test('event selectors', async () => {
    const TrailName = 'selecting'
    await create(TrailName)
    const get = async () => {
      const { $metadata: _, ...rest } = await trails.send(new GetEventSelectorsCommand({ TrailName }))
      return rest
    }
    const TrailARN = arnOf(TrailName)
    const byDefault = {
      ReadWriteType: 'All' as const,
      IncludeManagementEvents: true,
      DataResources: [],
      ExcludeManagementEventSources: [],
    }
    expect(await get()).toEqual({ TrailARN, EventSelectors: [byDefault] })
    const given = {
      ReadWriteType: 'WriteOnly' as const,
      DataResources: [{ Type: 'AWS::S3::Object', Values: ['arn:aws:s3:::bucket/'] }],
    }
    const basic = await trails.send(new PutEventSelectorsCommand({ TrailName, EventSelectors: [given] }))
    expect(basic.EventSelectors).toEqual([{ ...byDefault, ...given }])
    expect(await get()).toEqual({ TrailARN, EventSelectors: [{ ...byDefault, ...given }] })
    const advanced = [
      {
        Name: 'objects',
        FieldSelectors: [
          { Field: 'eventCategory', Equals: ['Data'] },
          { Field: 'resources.type', Equals: ['AWS::S3::Object'] },
          { Field: 'resources.ARN', StartsWith: ['arn:aws:s3:::bucket/'] },
        ],
      },
    ]
    await trails.send(new PutEventSelectorsCommand({ TrailName, AdvancedEventSelectors: advanced }))
    expect(await get()).toEqual({ TrailARN, AdvancedEventSelectors: advanced })
    expect((await trails.send(new GetTrailCommand({ Name: TrailName }))).Trail?.HasCustomEventSelectors).toBe(true)
    for (const input of [
      {},
      { EventSelectors: [given], AdvancedEventSelectors: advanced },
      { EventSelectors: [] },
      { EventSelectors: [{ DataResources: [{ Type: 'AWS::S3::Object', Values: ['arn:aws:s3:::bucket'] }] }] },
      { AdvancedEventSelectors: [{ FieldSelectors: [{ Field: 'eventName', Equals: ['x'] }] }] },
    ]) {
      const failed = await failure(trails.send(new PutEventSelectorsCommand({ TrailName, ...input })))
      expect(failed, JSON.stringify(input)).toMatchObject({ code: 'InvalidEventSelectorsException', status: 400 })
    }
    await remove(TrailName)
  })

  test('tags', async () => {
    const ResourceId = arnOf('tagged')
    await create('tagged', { TagsList: [{ Key: 'a', Value: '1' }] })
    const tags = async () =>
      (await trails.send(new ListTagsCommand({ ResourceIdList: [ResourceId] }))).ResourceTagList?.[0]
    expect(await tags()).toEqual({ ResourceId, TagsList: [{ Key: 'a', Value: '1' }] })
    await trails.send(
      new AddTagsCommand({
        ResourceId,
        TagsList: [
          { Key: 'b', Value: '2' },
          { Key: 'a', Value: '3' },
        ],
      }),
    )
    expect((await tags())?.TagsList).toEqual([
      { Key: 'b', Value: '2' },
      { Key: 'a', Value: '3' },
    ])
    await trails.send(new RemoveTagsCommand({ ResourceId, TagsList: [{ Key: 'b' }] }))
    expect((await tags())?.TagsList).toEqual([{ Key: 'a', Value: '3' }])
    const many = Array.from({ length: 50 }, (_, i) => ({ Key: `k${i}`, Value: '' }))
    const add = (TagsList: { Key: string; Value: string }[], id = ResourceId) =>
      failure(trails.send(new AddTagsCommand({ ResourceId: id, TagsList })))
    expect(await add(many)).toMatchObject({ code: 'TagsLimitExceededException' })
    expect(await add([many[0]!, many[0]!])).toMatchObject({ code: 'InvalidTagParameterException' })
    expect(await add([many[0]!], arnOf('absent'))).toMatchObject({ code: 'ResourceNotFoundException' })
    expect(await add([many[0]!], 'tagged')).toMatchObject({ code: 'CloudTrailARNInvalidException' })
    await remove('tagged')
  })

  test('a trail has a home region, and one of all regions is seen in each', async () => {
    const elsewhere = trailClient(server, { region: 'eu-west-1' })
    await create('here')
    await create('all-regions', { IsMultiRegionTrail: true })
    await elsewhere.send(new CreateTrailCommand({ Name: 'there', S3BucketName: 'logs' }))
    const seen = async (client: CloudTrailClient, includeShadowTrails?: boolean) =>
      (await client.send(new DescribeTrailsCommand({ includeShadowTrails }))).trailList?.map(({ Name }) => Name).sort()
    expect(await seen(trails)).toEqual(['all-regions', 'here'])
    expect(await seen(elsewhere)).toEqual(['all-regions', 'there'])
    expect(await seen(elsewhere, false)).toEqual(['there'])
    expect((await elsewhere.send(new ListTrailsCommand({}))).Trails).toHaveLength(3)
    const shadow = await elsewhere.send(new GetTrailCommand({ Name: 'all-regions' }))
    expect(shadow.Trail).toMatchObject({ HomeRegion: 'us-east-1', TrailARN: arnOf('all-regions') })
    for (const Name of ['all-regions', arnOf('here')]) {
      const failed = await failure(elsewhere.send(new StartLoggingCommand({ Name })))
      expect(failed).toMatchObject({ code: 'InvalidHomeRegionException' })
    }
    await elsewhere.send(new DeleteTrailCommand({ Name: 'there' }))
    for (const name of ['here', 'all-regions']) await remove(name)
  })

  test('a user needs to be allowed each operation, on the trail', async () => {
    const iam = iamClient(server)
    await iam.send(new CreateUserCommand({ UserName: 'auditor' }))
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'auditor' }))
    const asUser = trailClient(server, {
      credentials: { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! },
    })
    await create('watched')
    const get = (Name = 'watched') => asUser.send(new GetTrailCommand({ Name }))
    expect(await failure(get())).toMatchObject({
      code: 'AccessDeniedException',
      message: expect.stringContaining(`cloudtrail:GetTrail on resource: ${arnOf('watched')}`),
    })
    const Statement = [{ Effect: 'Allow', Action: 'cloudtrail:Get*', Resource: arnOf('watched') }]
    const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement })
    await iam.send(new PutUserPolicyCommand({ UserName: 'auditor', PolicyName: 'p', PolicyDocument }))
    expect((await get()).Trail?.Name).toBe('watched')
    expect(await failure(get('other'))).toMatchObject({ code: 'AccessDeniedException' })
    expect(await failure(asUser.send(new DeleteTrailCommand({ Name: 'watched' })))).toMatchObject({
      code: 'AccessDeniedException',
    })
    await remove('watched')
  })

  test('public keys, times and what is not there', async () => {
    expect((await trails.send(new ListPublicKeysCommand({}))).PublicKeyList).toEqual([])
    const [StartTime, EndTime] = [new Date(), new Date(0)]
    expect(await failure(trails.send(new ListPublicKeysCommand({ StartTime, EndTime })))).toMatchObject({
      code: 'InvalidTimeRangeException',
    })
    expect(await failure(trails.send(new GetInsightSelectorsCommand({ TrailName: 'any' })))).toMatchObject({
      code: 'UnsupportedOperationException',
    })
  })

  test('plain HTTP is refused, and the older name of the service is known', async () => {
    const plain = trailClient(server, { plain: true })
    expect(await failure(plain.send(new ListTrailsCommand({})))).toMatchObject({ code: 'InvalidRequest' })
    const older = trailClient(server)
    older.middlewareStack.add(
      (next) => (args) => {
        const { headers } = args.request as { headers: Record<string, string> }
        headers['x-amz-target'] = headers['x-amz-target']!.replace('com.amazonaws.cloudtrail.v20131101.', '')
        return next(args)
      },
      { step: 'build', priority: 'low' },
    )
    expect((await older.send(new ListTrailsCommand({}))).Trails).toEqual([])
  })
})
