/** LookupEvents by the SDK: every attribute, times, pages, and what is refused. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type LookupAttribute, LookupEventsCommand, type LookupEventsCommandInput } from '@aws-sdk/client-cloudtrail'
import { CreateUserCommand, DeleteUserCommand } from '@aws-sdk/client-iam'
import {
  CreateAliasCommand,
  CreateKeyCommand,
  DescribeKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
} from '@aws-sdk/client-kms'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { failure, iamClient, kmsClient, s3Client, trailClient } from '../support/sdk.ts'
import { type Credentials, startServer, type TestServer } from '../support/server.ts'

const STRANGER: Credentials = { accessKeyId: 'AKIASTRANGER', secretAccessKey: 'secret-of-a-stranger' }
/** After which an event is found. */
const FOUND_WITHIN_MS = 1_000

let server: TestServer
let keyArn: string
let keyId: string

beforeAll(async () => {
  const users = [{ name: 'owner', ...STRANGER, root: true }]
  server = await startServer({ config: { accounts: [{ id: '222222222222', users }] } })
  const kms = kmsClient(server)
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Description: 'looked up' }))
  keyArn = KeyMetadata!.Arn!
  keyId = KeyMetadata!.KeyId!
  await kms.send(new CreateAliasCommand({ AliasName: 'alias/looked-up', TargetKeyId: keyId }))
  const s3 = s3Client(server)
  await s3.send(new CreateBucketCommand({ Bucket: 'looked-up' }))
  const object = { Bucket: 'looked-up', Key: 'k' }
  await s3.send(new PutObjectCommand({ ...object, Body: 'x', ServerSideEncryption: 'aws:kms', SSEKMSKeyId: keyArn }))
  await (await s3.send(new GetObjectCommand(object))).Body!.transformToString()
  await sleep(FOUND_WITHIN_MS)
})
afterAll(() => server.remove())

const lookup = (input: LookupEventsCommandInput, credentials?: Credentials) =>
  trailClient(server, credentials ? { credentials } : {}).send(new LookupEventsCommand(input))
const by = async (AttributeKey: LookupAttribute['AttributeKey'], AttributeValue: string) =>
  (await lookup({ LookupAttributes: [{ AttributeKey, AttributeValue }] })).Events!
const namesOf = (events: readonly { EventName?: string | undefined }[]) => events.map(({ EventName }) => EventName)

test('the calls of the KMS that one put and one get made are found within a second, by key and by name', async () => {
  for (const events of [await by('ResourceName', keyArn), await by('ResourceName', keyId)]) {
    expect(namesOf(events)).toEqual(['Decrypt', 'GenerateDataKey', 'CreateAlias', 'CreateKey'])
  }
  const [decrypt] = await by('EventName', 'Decrypt')
  expect(decrypt).toMatchObject({
    EventName: 'Decrypt',
    EventSource: 'kms.amazonaws.com',
    ReadOnly: 'true',
    AccessKeyId: server.root.accessKeyId,
    Username: 'root',
    Resources: [{ ResourceType: 'AWS::KMS::Key', ResourceName: keyArn }],
  })
  expect(Math.abs(decrypt!.EventTime!.getTime() - Date.now())).toBeLessThan(60_000)
  expect(JSON.parse(decrypt!.CloudTrailEvent!)).toMatchObject({
    eventID: decrypt!.EventId,
    requestParameters: { encryptionContext: { 'aws:s3:arn': 'arn:aws:s3:::looked-up/k' } },
    userIdentity: { invokedBy: 'AWS Internal' },
  })
  // Of data events there are none here.
  expect(namesOf((await lookup({})).Events!)).not.toContain('PutObject')
})

test('each attribute finds', async () => {
  const [created] = await by('EventName', 'CreateBucket')
  expect(await by('EventId', created!.EventId!)).toMatchObject([{ EventId: created!.EventId }])
  expect(await by('EventId', '00000000-0000-4000-8000-000000000000')).toEqual([])
  expect(namesOf(await by('ResourceName', 'looked-up'))).toContain('CreateBucket')
  expect(namesOf(await by('ResourceName', 'alias/looked-up'))).toEqual(['CreateAlias'])
  expect(namesOf(await by('ResourceType', 'AWS::S3::Bucket'))).toEqual(['CreateBucket'])
  expect(namesOf(await by('EventSource', 's3.amazonaws.com'))).toEqual(['CreateBucket'])
  expect((await by('Username', 'root')).length).toBeGreaterThan(3)
  expect((await by('AccessKeyId', server.root.accessKeyId)).length).toBeGreaterThan(3)
  expect(namesOf(await by('ReadOnly', 'false'))).toEqual(['CreateBucket', 'CreateAlias', 'CreateKey'])
  expect(await by('EventName', 'NoSuchEvent')).toEqual([])
})

test('events of services for all regions are those of us-east-1', async () => {
  const iam = iamClient(server)
  await iam.send(new CreateUserCommand({ UserName: 'ann' }))
  await iam.send(new DeleteUserCommand({ UserName: 'ann' }))
  await sleep(FOUND_WITHIN_MS)
  expect(namesOf(await by('ResourceName', 'ann'))).toEqual(['DeleteUser', 'CreateUser'])
})

test('pages are in order and without gaps, and a token is good for its question alone', async () => {
  const kms = kmsClient(server)
  const { KeyId } = (await kms.send(new CreateKeyCommand({}))).KeyMetadata!
  for (let i = 0; i < 23; i++) await kms.send(new DescribeKeyCommand({ KeyId }))
  await sleep(FOUND_WITHIN_MS)
  const LookupAttributes = [{ AttributeKey: 'ResourceName', AttributeValue: KeyId! } as const]
  const ids: string[] = []
  let NextToken: string | undefined
  do {
    const page = await lookup({ LookupAttributes, MaxResults: 5, ...(NextToken && { NextToken }) })
    expect(page.Events!.length).toBeLessThanOrEqual(5)
    ids.push(...page.Events!.map(({ EventId }) => EventId!))
    const last = NextToken
    NextToken = page.NextToken
    if (last && NextToken) {
      expect(await failure(lookup({ NextToken: last }))).toMatchObject({
        code: 'InvalidNextTokenException',
        status: 400,
      })
    }
  } while (NextToken)
  expect(new Set(ids).size).toBe(24)
  expect(ids.length).toBe(24)
})

test('times bound what is found', async () => {
  const events = (await lookup({})).Events!
  const newest = events[0]!.EventTime!
  const after = new Date(newest.getTime() + 1000)
  expect((await lookup({ StartTime: after })).Events).toEqual([])
  expect((await lookup({ EndTime: newest })).Events!.length).toBeGreaterThan(0)
  const before = new Date(events.at(-1)!.EventTime!.getTime() - 3_600_000)
  expect((await lookup({ EndTime: before })).Events).toEqual([])
})

test('an account sees its own events only', async () => {
  await failure(
    kmsClient(server, { credentials: STRANGER }).send(
      new EncryptCommand({ KeyId: keyArn, Plaintext: Buffer.from('x') }),
    ),
  )
  await kmsClient(server, { credentials: STRANGER }).send(new CreateKeyCommand({}))
  await sleep(FOUND_WITHIN_MS)
  expect(namesOf((await lookup({}, STRANGER)).Events!)).toEqual(['CreateKey', 'Encrypt'])
  // The owner is told of who tried.
  const [tried] = await by('EventName', 'Encrypt')
  expect(JSON.parse(tried!.CloudTrailEvent!)).toMatchObject({
    errorCode: 'AccessDenied',
    userIdentity: { accountId: '222222222222' },
    recipientAccountId: '000000000000',
  })
})

test.each<[string, LookupEventsCommandInput, string]>([
  [
    'two attributes',
    { LookupAttributes: Array(2).fill({ AttributeKey: 'EventName', AttributeValue: 'x' }) },
    'InvalidLookupAttributesException',
  ],
  ['more than a page holds', { MaxResults: 51 }, 'InvalidMaxResultsException'],
  ['a page of none', { MaxResults: 0 }, 'InvalidMaxResultsException'],
  ['an end before its start', { StartTime: new Date(2000), EndTime: new Date(1000) }, 'InvalidTimeRangeException'],
  ['a token of somewhere else', { NextToken: 'abc' }, 'InvalidNextTokenException'],
])('%s is refused', async (_name, input, code) => {
  expect(await failure(lookup(input))).toMatchObject({ code, status: 400 })
})

test('what was recorded before a restart is found after it', async () => {
  await kmsClient(server).send(new GenerateDataKeyCommand({ KeyId: keyId, KeySpec: 'AES_256' }))
  await server.kill()
  server = await startServer({ dataDir: server.dataDir, config: {} })
  expect(namesOf(await by('ResourceName', keyArn)).slice(0, 2)).toEqual(['GenerateDataKey', 'Encrypt'])
})
