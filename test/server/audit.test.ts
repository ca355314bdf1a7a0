/** The audit trail: what each request leaves there, that nothing secret does, and that it is whole after whatever comes. */
import { createHash, randomBytes } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AttachUserPolicyCommand, CreateAccessKeyCommand, CreateUserCommand } from '@aws-sdk/client-iam'
import {
  CreateKeyCommand,
  DecryptCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateDataKeyPairCommand,
  GenerateMacCommand,
  PutKeyPolicyCommand,
  SignCommand,
} from '@aws-sdk/client-kms'
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutBucketEncryptionCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { AssumeRoleCommand, GetSessionTokenCommand } from '@aws-sdk/client-sts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CloudTrailRecord } from '../../packages/server/src/audit/cloudtrail-record.ts'
import { audit, auditEvents, keyUses } from '../support/audit.ts'
import { failure, iamClient, kmsClient, s3Client, stsClient } from '../support/sdk.ts'
import { type Credentials, startServer, type TestServer } from '../support/server.ts'

const OTHER: Credentials = { accessKeyId: 'AKIAOTHER', secretAccessKey: 'secret-of-the-other' }
const OTHER_ACCOUNT = '222222222222'

let server: TestServer

beforeAll(async () => {
  const users = [{ name: 'owner', ...OTHER, root: true }]
  server = await startServer({ config: { accounts: [{ id: OTHER_ACCOUNT, users }] } })
})
afterAll(() => server.remove())

const named = (events: readonly CloudTrailRecord[], name: string) =>
  events.filter(({ eventName }) => eventName === name)

describe('one put and one get of an SSE-KMS object', () => {
  let keyArn: string
  let data: readonly CloudTrailRecord[]
  let kms: readonly CloudTrailRecord[]

  beforeAll(async () => {
    const s3 = s3Client(server)
    keyArn = (await kmsClient(server).send(new CreateKeyCommand({}))).KeyMetadata!.Arn!
    await s3.send(new CreateBucketCommand({ Bucket: 'audited' }))
    const object = { Bucket: 'audited', Key: 'a letter' }
    await s3.send(
      new PutObjectCommand({ ...object, Body: 'text', ServerSideEncryption: 'aws:kms', SSEKMSKeyId: keyArn }),
    )
    await (await s3.send(new GetObjectCommand(object))).Body!.transformToString()
    data = await auditEvents(server, ['--bucket', 'audited'], (events) => events.length === 2)
    kms = await auditEvents(server, ['--management', '--since', '5m'], (events) => named(events, 'Decrypt').length > 0)
  })

  test('leave a data event each, with caller, method, bytes and TLS', () => {
    const [put] = named(data, 'PutObject')
    expect(put).toMatchObject({
      eventSource: 's3.amazonaws.com',
      userIdentity: { type: 'Root', accountId: '000000000000', accessKeyId: server.root.accessKeyId },
      requestParameters: {
        bucketName: 'audited',
        key: 'a letter',
        'x-amz-server-side-encryption': 'aws:kms',
        'x-amz-server-side-encryption-aws-kms-key-id': keyArn,
      },
      responseElements: { 'x-amz-server-side-encryption': 'aws:kms' },
      additionalEventData: {
        SSEApplied: 'SSE_KMS',
        SignatureVersion: 'SigV4',
        AuthenticationMethod: 'AuthHeader',
        bytesTransferredIn: 4,
        bytesTransferredOut: 0,
      },
      resources: [
        { type: 'AWS::S3::Object', ARN: 'arn:aws:s3:::audited/a letter' },
        { type: 'AWS::S3::Bucket', ARN: 'arn:aws:s3:::audited', accountId: '000000000000' },
      ],
      readOnly: false,
      managementEvent: false,
      eventCategory: 'Data',
      tlsDetails: { tlsVersion: 'TLSv1.3' },
    })
    expect(named(data, 'GetObject')[0]).toMatchObject({
      readOnly: true,
      responseElements: null,
      additionalEventData: { bytesTransferredOut: 4 },
    })
  })

  test('leave an event of the KMS each, by the same caller, naming the S3 request', () => {
    for (const [s3Name, kmsName] of [
      ['PutObject', 'GenerateDataKey'],
      ['GetObject', 'Decrypt'],
    ] as const) {
      const s3Event = named(data, s3Name)[0]!
      const kmsEvent = named(kms, kmsName).find(
        ({ additionalEventData }) => additionalEventData?.s3RequestID === s3Event.requestID,
      )
      expect(kmsEvent).toMatchObject({
        eventSource: 'kms.amazonaws.com',
        userIdentity: { ...s3Event.userIdentity, invokedBy: 'AWS Internal' },
        sourceIPAddress: 'AWS Internal',
        userAgent: 'AWS Internal',
        requestParameters: { encryptionContext: { 'aws:s3:arn': 'arn:aws:s3:::audited/a letter' }, keyId: keyArn },
        responseElements: null,
        readOnly: true,
        resources: [{ accountId: '000000000000', type: 'AWS::KMS::Key', ARN: keyArn }],
        managementEvent: true,
        eventCategory: 'Management',
      })
    }
  })

  test('are the uses of the key: who, for what, when and from where', async () => {
    const uses = await keyUses(server, keyArn)
    expect(uses.map(({ operation }) => operation)).toEqual(['Decrypt', 'GenerateDataKey'])
    expect(uses[0]).toMatchObject({
      caller: 'arn:aws:iam::000000000000:root',
      sourceIp: '127.0.0.1',
      forArn: 'arn:aws:s3:::audited/a letter',
      byBucketKey: false,
      requestId: named(data, 'GetObject')[0]!.requestID,
    })
  })
})

test('uses under an S3 Bucket Key are told as well, object by object, though no call of the KMS was made', async () => {
  const s3 = s3Client(server)
  const { Arn } = (await kmsClient(server).send(new CreateKeyCommand({}))).KeyMetadata!
  await s3.send(new CreateBucketCommand({ Bucket: 'bucketkey' }))
  const byDefault = { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: Arn } as const
  await s3.send(
    new PutBucketEncryptionCommand({
      Bucket: 'bucketkey',
      ServerSideEncryptionConfiguration: {
        Rules: [{ ApplyServerSideEncryptionByDefault: byDefault, BucketKeyEnabled: true }],
      },
    }),
  )
  for (let i = 0; i < 12; i++) await s3.send(new PutObjectCommand({ Bucket: 'bucketkey', Key: `k${i}`, Body: 'x' }))
  await auditEvents(server, ['--bucket', 'bucketkey'], (events) => events.length === 12)
  await expect.poll(async () => (await keyUses(server, Arn!)).length, { timeout: 15_000 }).toBe(12)
  const uses = await keyUses(server, Arn!)
  const ofCalls = uses.filter(({ byBucketKey }) => !byBucketKey)
  // One call for each worker at most.
  expect(ofCalls.length).toBeLessThanOrEqual(2)
  expect(ofCalls[0]).toMatchObject({ operation: 'GenerateDataKey', forArn: 'arn:aws:s3:::bucketkey' })
  const objects = uses.filter(({ byBucketKey }) => byBucketKey).map(({ forArn }) => forArn)
  expect(new Set(objects).size).toBe(12 - ofCalls.length)
})

test('the method is told to be the bucket’s default where no header asked for it', async () => {
  const s3 = s3Client(server)
  await s3.send(new CreateBucketCommand({ Bucket: 'defaults' }))
  await s3.send(new PutObjectCommand({ Bucket: 'defaults', Key: 'by-default', Body: 'x' }))
  await s3.send(new PutObjectCommand({ Bucket: 'defaults', Key: 'asked', Body: 'x', ServerSideEncryption: 'AES256' }))
  const events = await auditEvents(
    server,
    ['--bucket', 'defaults', '--event', 'PutObject'],
    ({ length }) => length === 2,
  )
  const applied = events.map(({ requestParameters, additionalEventData }) => [
    requestParameters!.key,
    additionalEventData!.SSEApplied,
  ])
  expect(Object.fromEntries(applied)).toEqual({ 'by-default': 'Default_SSE_S3', asked: 'SSE_S3' })
})

test('plain HTTP shows by what is missing', async () => {
  await s3Client(server, { plain: true }).send(new CreateBucketCommand({ Bucket: 'in-clear' }))
  const [event] = await auditEvents(server, ['--management', '--event', 'CreateBucket', '--bucket', 'in-clear'])
  expect(event).not.toHaveProperty('tlsDetails')
  expect(event!.additionalEventData).not.toHaveProperty('CipherSuite')
})

test('what is refused is told with code and message', async () => {
  const { Arn } = (await kmsClient(server).send(new CreateKeyCommand({}))).KeyMetadata!
  await failure(kmsClient(server).send(new DecryptCommand({ CiphertextBlob: randomBytes(100), KeyId: Arn })))
  const [refused] = await auditEvents(server, ['--management', '--event', 'Decrypt', '--errors'])
  expect(refused).toMatchObject({ errorCode: 'InvalidCiphertextException', responseElements: null })
  const iam = iamClient(server)
  await iam.send(new CreateUserCommand({ UserName: 'nobody' }))
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'nobody' }))
  const as = { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! }
  await failure(
    kmsClient(server, { credentials: as }).send(new EncryptCommand({ KeyId: Arn, Plaintext: Buffer.from('x') })),
  )
  const [denied] = await auditEvents(server, ['--management', '--event', 'Encrypt', '--caller', 'nobody'])
  expect(denied).toMatchObject({
    errorCode: 'AccessDenied',
    errorMessage: expect.stringContaining('is not authorized to perform: kms:Encrypt'),
    userIdentity: { type: 'IAMUser', userName: 'nobody' },
    resources: [{ ARN: Arn }],
  })
  // Nobody looks up events without being allowed to.
  expect(await audit(server, ['events'], as)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('LookupEvents'),
  })
})

test('a use of another account’s key is told to both accounts, as one shared event', async () => {
  const kms = kmsClient(server)
  const { Arn, KeyId } = (await kms.send(new CreateKeyCommand({}))).KeyMetadata!
  const statement = (Sid: string, account: string) => ({
    ...{ Sid, Effect: 'Allow', Action: 'kms:*', Resource: '*' },
    Principal: { AWS: `arn:aws:iam::${account}:root` },
  })
  const Statement = [statement('own', '000000000000'), statement('other', OTHER_ACCOUNT)]
  await kms.send(new PutKeyPolicyCommand({ KeyId, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) }))
  await kmsClient(server, { credentials: OTHER }).send(new EncryptCommand({ KeyId: Arn, Plaintext: Buffer.from('x') }))
  const filter = ['--management', '--event', 'Encrypt', '--caller', OTHER.accessKeyId]
  const [owners] = await auditEvents(server, filter)
  const [callers] = await auditEvents(server, filter, undefined, OTHER)
  expect(owners!.recipientAccountId).toBe('000000000000')
  expect(callers!.recipientAccountId).toBe(OTHER_ACCOUNT)
  expect(owners).toHaveProperty('sharedEventID', (callers as { sharedEventID?: string }).sharedEventID)
  expect(owners!.eventID).not.toBe(callers!.eventID)
  expect((await keyUses(server, Arn!)).map(({ operation }) => operation)).toEqual(['Encrypt'])
  // Who may use a key is not told of what others do with it.
  expect(await audit(server, ['key', Arn!], OTHER)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('owns it'),
  })
})

test('no secret is in any record', async () => {
  const kms = kmsClient(server)
  const s3 = s3Client(server)
  const secrets: (string | Uint8Array)[] = []
  const plaintext = `plain-${randomBytes(12).toString('hex')}`
  secrets.push(plaintext)
  const key = async (input: object) => (await kms.send(new CreateKeyCommand(input))).KeyMetadata!.KeyId!
  const KeyId = await key({})
  const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from(plaintext) }))
  secrets.push(CiphertextBlob!)
  await kms.send(new DecryptCommand({ CiphertextBlob }))
  const dataKey = await kms.send(new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256' }))
  secrets.push(dataKey.Plaintext!, dataKey.CiphertextBlob!)
  const pair = await kms.send(new GenerateDataKeyPairCommand({ KeyId, KeyPairSpec: 'ECC_NIST_P256' }))
  secrets.push(pair.PrivateKeyPlaintext!)
  const mac = await key({ KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' })
  secrets.push(
    (
      await kms.send(
        new GenerateMacCommand({ KeyId: mac, MacAlgorithm: 'HMAC_SHA_256', Message: Buffer.from(plaintext) }),
      )
    ).Mac!,
  )
  const signing = await key({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' })
  const sign = { KeyId: signing, SigningAlgorithm: 'ECDSA_SHA_256', Message: Buffer.from(plaintext) } as const
  secrets.push((await kms.send(new SignCommand(sign))).Signature!)
  const { AccessKey } = await iamClient(server).send(
    new CreateAccessKeyCommand({ UserName: await newUser('secretive') }),
  )
  secrets.push(AccessKey!.SecretAccessKey!)
  const session = (await stsClient(server).send(new GetSessionTokenCommand({}))).Credentials!
  secrets.push(session.SecretAccessKey!, session.SessionToken!)
  const customerKey = randomBytes(32)
  const md5 = createHash('md5').update(customerKey).digest('base64')
  secrets.push(customerKey, md5)
  const sseC = {
    SSECustomerAlgorithm: 'AES256',
    SSECustomerKey: customerKey.toString('base64'),
    SSECustomerKeyMD5: md5,
  }
  await s3.send(new CreateBucketCommand({ Bucket: 'secretive' }))
  await s3.send(
    new PutObjectCommand({ Bucket: 'secretive', Key: 'c', Body: plaintext, Metadata: { note: plaintext }, ...sseC }),
  )
  await s3.send(new GetObjectCommand({ Bucket: 'secretive', Key: 'c', ...sseC }))
  // A session's requests carry its token.
  const credentials = {
    accessKeyId: session.AccessKeyId!,
    secretAccessKey: session.SecretAccessKey!,
    sessionToken: session.SessionToken!,
  }
  await s3Client(server, { credentials }).send(
    new PutObjectCommand({ Bucket: 'secretive', Key: 'by-session', Body: plaintext }),
  )
  await failure(
    stsClient(server).send(
      new AssumeRoleCommand({ RoleArn: 'arn:aws:iam::000000000000:role/none', RoleSessionName: 's' }),
    ),
  )

  const data = await auditEvents(server, ['--limit', '100000'], (events) =>
    events.some(({ requestParameters }) => requestParameters?.key === 'by-session'),
  )
  const management = await auditEvents(server, ['--management', '--limit', '100000'])
  expect(management.length).toBeGreaterThan(20)
  const text = JSON.stringify([data, management])
  for (const secret of secrets) {
    const bytes = typeof secret === 'string' ? Buffer.from(secret) : Buffer.from(secret)
    for (const form of [bytes.toString('base64'), bytes.toString('hex'), bytes.toString('latin1')]) {
      expect(text.includes(form), `a secret of ${bytes.length} bytes`).toBe(false)
    }
  }
  // Nor does the log or any file of the trail hold one, or a record in clear.
  const files = await Promise.all(
    (await readdir(join(server.dataDir, 'audit'), { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => readFile(join(entry.parentPath, entry.name))),
  )
  for (const file of files) expect(file.includes('eventName')).toBe(false)
  for (const secret of secrets)
    expect(server.log().includes(Buffer.from(secret as string).toString('base64'))).toBe(false)
})

async function newUser(UserName: string): Promise<string> {
  const iam = iamClient(server)
  await iam.send(new CreateUserCommand({ UserName }))
  await iam.send(new AttachUserPolicyCommand({ UserName, PolicyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }))
  return UserName
}

test('a configuration that is put is told in full; a policy as JSON', async () => {
  const s3 = s3Client(server)
  await s3.send(new CreateBucketCommand({ Bucket: 'configured' }))
  const Statement = [
    {
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:*',
      Resource: 'arn:aws:s3:::configured/*',
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    },
  ]
  await s3.send(
    new PutBucketPolicyCommand({ Bucket: 'configured', Policy: JSON.stringify({ Version: '2012-10-17', Statement }) }),
  )
  const [event] = await auditEvents(server, ['--management', '--event', 'PutBucketPolicy', '--bucket', 'configured'])
  expect(event!.requestParameters).toMatchObject({ policy: '', bucketPolicy: { Statement } })
})

test('a trail that somebody changed does not verify, and what is wrong is named', async () => {
  let own = await startServer()
  try {
    await kmsClient(own).send(new CreateKeyCommand({}))
    expect(await audit(own, ['verify', '--data', own.dataDir])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('whole'),
    })
    await own.stop()
    const path = join(own.dataDir, 'audit', 'management', '0000000001.log')
    const bytes = await readFile(path)
    bytes[bytes.length - 1]! ^= 1
    await writeFile(path, bytes)
    expect(await audit(own, ['verify', '--data', own.dataDir])).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/INVALID: .*management/),
    })
    // Nothing is served without a trail; what helps is named.
    await expect(startServer({ dataDir: own.dataDir })).rejects.toThrow(/audit trail is damaged: .*set-aside/s)
    const { code, stdout } = await audit(own, ['set-aside', 'management', '--data', own.dataDir])
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('management-damaged-') })
    own = await startServer({ dataDir: own.dataDir })
    expect(await audit(own, ['verify', '--data', own.dataDir])).toMatchObject({ code: 0 })
    const events = await auditEvents(own, ['--management'])
    expect(named(events, 'SetJournalAside')[0]!.serviceEventDetails).toMatchObject({ journal: 'management' })
  } finally {
    await own.remove()
  }
})
