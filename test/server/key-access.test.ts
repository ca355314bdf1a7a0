/** Who may use a KMS key, from outside: key policies and grants as the SDK sets them, and what they mean for S3. */
import {
  CreateGrantCommand,
  CreateKeyCommand,
  DecryptCommand,
  DescribeKeyCommand,
  EncryptCommand,
  GetKeyPolicyCommand,
  type KMSClient,
  ListGrantsCommand,
  ListKeyPoliciesCommand,
  ListResourceTagsCommand,
  ListRetirableGrantsCommand,
  PutKeyPolicyCommand,
  RetireGrantCommand,
  RevokeGrantCommand,
  ScheduleKeyDeletionCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from '@aws-sdk/client-kms'
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { failure, kmsClient, s3Client } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

const OURS = '111111111111'
const THEIRS = '222222222222'
const AWS_POLICY = 'arn:aws:iam::aws:policy/'
const credentials = (name: string) => ({ accessKeyId: `AKIA${name}`, secretAccessKey: `secret${name}` })
const user = (name: string, ...policies: string[]) => ({
  name,
  ...credentials(name),
  policies: policies.map((policy) => AWS_POLICY + policy),
})
const accounts = [
  {
    id: OURS,
    users: [
      { ...user('admin'), root: true },
      user('storer', 'AmazonS3FullAccess'),
      user('reader'),
      user('keeper', 'AmazonS3FullAccess', 'AdministratorAccess'),
    ],
  },
  {
    id: THEIRS,
    users: [
      { ...user('other'), root: true },
      user('stranger', 'AmazonS3FullAccess'),
      user('power', 'AdministratorAccess'),
    ],
  },
]
const STORER = `arn:aws:iam::${OURS}:user/storer`
const NOT_SHARED =
  'because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access'

let server: TestServer
const s3 = (name: string): S3Client => s3Client(server, { credentials: credentials(name) })
const kms = (name: string): KMSClient => kmsClient(server, { credentials: credentials(name) })
beforeAll(async () => {
  server = await startServer({ config: { accounts } })
})
afterAll(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error/)
  await server.remove()
})

async function newKey(name = 'admin'): Promise<string> {
  return (await kms(name).send(new CreateKeyCommand({}))).KeyMetadata!.Arn!
}

const statement = (principal: string, ...Action: string[]) => ({
  Effect: 'Allow',
  Principal: { AWS: principal },
  Action,
  Resource: '*',
})
const policy = (...Statement: object[]) => JSON.stringify({ Version: '2012-10-17', Statement })

/** Enough requests on connections of their own that every worker has its turn. */
async function onEveryWorker<T>(name: string, ask: (client: S3Client) => Promise<T>): Promise<T[]> {
  return Promise.all(
    Array.from({ length: 12 }, async () => {
      const client = s3(name)
      const answer = await ask(client)
      client.destroy()
      return answer
    }),
  )
}

test.each([
  ['its own policy', 'storer'],
  ['the bucket policy', 'reader'],
])('kms:Decrypt missing, granted, revoked, to a user whom %s lets read: on every worker', async (_by, name) => {
  const keyArn = await newKey()
  const userArn = `arn:aws:iam::${OURS}:user/${name}`
  const at = { Bucket: `granted-${name}`, Key: 'k' }
  await s3('admin').send(new CreateBucketCommand({ Bucket: at.Bucket }))
  if (name === 'reader') {
    const Statement = { ...statement(userArn, 's3:GetObject', 's3:PutObject'), Resource: `arn:aws:s3:::${at.Bucket}/*` }
    await s3('admin').send(new PutBucketPolicyCommand({ Bucket: at.Bucket, Policy: policy(Statement) }))
  }
  await s3('admin').send(
    new PutObjectCommand({ ...at, Body: 'secret', ServerSideEncryption: 'aws:kms', SSEKMSKeyId: keyArn }),
  )
  await s3('admin').send(new PutObjectCommand({ ...at, Key: 'plain', Body: 'open' }))
  const get = (client: S3Client) =>
    client.send(new GetObjectCommand(at)).then((reply) => reply.Body!.transformToString())
  const refusal = {
    code: 'AccessDenied',
    status: 403,
    message: `User: ${userArn} is not authorized to perform: kms:Decrypt on resource: ${keyArn} because no identity-based policy allows the kms:Decrypt action`,
  }
  const everywhereRefused = async () => {
    for (const answer of await onEveryWorker(name, (client) => failure(get(client)))) {
      expect(answer).toEqual(refusal)
    }
  }
  const plain = await s3(name).send(new GetObjectCommand({ ...at, Key: 'plain' }))
  expect(await plain.Body!.transformToString()).toBe('open')
  await everywhereRefused()
  const put = { ...at, Key: 'mine', Body: 'x', ServerSideEncryption: 'aws:kms' as const, SSEKMSKeyId: keyArn }
  expect((await failure(s3(name).send(new PutObjectCommand(put)))).message).toContain('kms:GenerateDataKey')

  const grant = await kms('admin').send(
    new CreateGrantCommand({
      KeyId: keyArn,
      GranteePrincipal: userArn,
      Operations: ['Decrypt'],
      Constraints: { EncryptionContextSubset: { 'aws:s3:arn': `arn:aws:s3:::${at.Bucket}/k` } },
    }),
  )
  expect(await onEveryWorker(name, get)).toEqual(Array.from({ length: 12 }, () => 'secret'))
  await kms('admin').send(new RevokeGrantCommand({ KeyId: keyArn, GrantId: grant.GrantId }))
  await everywhereRefused()
})

test('a key of another account needs the key’s policy and the caller’s', async () => {
  const keyArn = await newKey()
  const at = { Bucket: 'theirs', Key: 'k' }
  await s3('other').send(new CreateBucketCommand({ Bucket: at.Bucket }))
  const put = (name: string) =>
    s3(name).send(new PutObjectCommand({ ...at, Body: 'x', ServerSideEncryption: 'aws:kms', SSEKMSKeyId: keyArn }))
  expect(await failure(put('power'))).toEqual({
    code: 'AccessDenied',
    status: 403,
    message: `User: arn:aws:iam::${THEIRS}:user/power is not authorized to perform: kms:GenerateDataKey on resource: ${keyArn} ${NOT_SHARED}`,
  })
  const shared = policy(
    statement(`arn:aws:iam::${OURS}:root`, 'kms:*'),
    statement(`arn:aws:iam::${THEIRS}:root`, 'kms:GenerateDataKey*', 'kms:Decrypt', 'kms:DescribeKey'),
  )
  await kms('admin').send(new PutKeyPolicyCommand({ KeyId: keyArn, Policy: shared }))
  expect((await put('power')).SSEKMSKeyId).toBe(keyArn)
  expect((await failure(put('stranger'))).message).toContain('no identity-based policy allows')
  const got = await s3('power').send(new GetObjectCommand(at))
  expect(await got.Body!.transformToString()).toBe('x')
  expect((await failure(s3('stranger').send(new GetObjectCommand(at)))).status).toBe(403)
  expect((await kms('power').send(new DescribeKeyCommand({ KeyId: keyArn }))).KeyMetadata?.AWSAccountId).toBe(OURS)
  const encrypt = new EncryptCommand({ KeyId: keyArn, Plaintext: Buffer.from('x') })
  expect(await failure(kms('power').send(encrypt))).toMatchObject({ code: 'AccessDeniedException', status: 400 })
})

test('the managed key: through S3 for its account, never directly, never across accounts', async () => {
  const at = { Bucket: 'managed', Key: 'k' }
  await s3('storer').send(new CreateBucketCommand({ Bucket: at.Bucket }))
  const put = await s3('storer').send(new PutObjectCommand({ ...at, Body: 'x', ServerSideEncryption: 'aws:kms' }))
  const keyArn = put.SSEKMSKeyId!
  const got = await s3('storer').send(new GetObjectCommand(at))
  expect(await got.Body!.transformToString()).toBe('x')
  const refused = (call: Promise<unknown>) => failure(call).then(({ code }) => code)
  const KeyId = 'alias/aws/s3'
  const keeper = kms('keeper')
  expect((await keeper.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata).toMatchObject({
    KeyManager: 'AWS',
    Arn: keyArn,
  })
  const { Policy } = await keeper.send(new GetKeyPolicyCommand({ KeyId: keyArn }))
  expect(Policy).toContain('"kms:ViaService": "s3.us-east-1.amazonaws.com"')
  expect(await refused(keeper.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('x') })))).toBe(
    'AccessDeniedException',
  )
  expect(await refused(keeper.send(new PutKeyPolicyCommand({ KeyId: keyArn, Policy })))).toBe('AccessDeniedException')
  expect(await refused(keeper.send(new ScheduleKeyDeletionCommand({ KeyId: keyArn })))).toBe('AccessDeniedException')
  await s3('other').send(new CreateBucketCommand({ Bucket: 'abroad' }))
  const abroad = {
    Bucket: 'abroad',
    Key: 'k',
    Body: 'x',
    ServerSideEncryption: 'aws:kms' as const,
    SSEKMSKeyId: keyArn,
  }
  expect(await refused(s3('other').send(new PutObjectCommand(abroad)))).toBe('AccessDenied')
})

test('key policies: read, put, refused', async () => {
  const KeyId = await newKey()
  const admin = kms('admin')
  const first = await admin.send(new GetKeyPolicyCommand({ KeyId }))
  expect(JSON.parse(first.Policy!)).toEqual({
    Version: '2012-10-17',
    Id: 'key-default-1',
    Statement: [
      {
        Sid: 'Enable IAM User Permissions',
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${OURS}:root` },
        Action: 'kms:*',
        Resource: '*',
      },
    ],
  })
  expect((await admin.send(new ListKeyPoliciesCommand({ KeyId }))).PolicyNames).toEqual(['default'])
  const put = (Policy: string, more = {}) => admin.send(new PutKeyPolicyCommand({ KeyId, Policy, ...more }))
  expect(await failure(put('nonsense'))).toMatchObject({ code: 'MalformedPolicyDocumentException', status: 400 })
  const lockout = policy(statement(STORER, 'kms:*'))
  expect(await failure(put(lockout))).toEqual({
    code: 'MalformedPolicyDocumentException',
    status: 400,
    message: 'The new key policy will not allow you to update the key policy in the future.',
  })
  expect(await failure(put(first.Policy!.padEnd(32_769)))).toMatchObject({ code: 'LimitExceededException' })
  await put(lockout, { BypassPolicyLockoutSafetyCheck: true })
  expect(await failure(admin.send(new GetKeyPolicyCommand({ KeyId })))).toMatchObject({
    code: 'AccessDeniedException',
    message: `User: arn:aws:iam::${OURS}:root is not authorized to perform: kms:GetKeyPolicy on resource: ${KeyId} because no resource-based policy allows the kms:GetKeyPolicy action`,
  })
  const storer = kms('storer')
  expect((await storer.send(new GetKeyPolicyCommand({ KeyId, PolicyName: 'default' }))).Policy).toBe(lockout)
  expect(await failure(storer.send(new GetKeyPolicyCommand({ KeyId, PolicyName: 'other' })))).toMatchObject({
    code: 'NotFoundException',
  })
  const made = await kms('keeper').send(
    new CreateKeyCommand({ Policy: policy(statement(`arn:aws:iam::${OURS}:root`, 'kms:*')) }),
  )
  expect(made.KeyMetadata?.Enabled).toBe(true)
})

test('grants: tokens, lists, retirement, and what cannot be', async () => {
  const KeyId = await newKey()
  const admin = kms('admin')
  const KEEPER = `arn:aws:iam::${OURS}:user/keeper`
  const ask = {
    KeyId,
    GranteePrincipal: STORER,
    RetiringPrincipal: KEEPER,
    Operations: ['Encrypt' as const, 'RetireGrant' as const],
    Name: 'one',
    Constraints: { EncryptionContextEquals: { a: '1' } },
  }
  const { GrantId, GrantToken } = await admin.send(new CreateGrantCommand(ask))
  expect((await admin.send(new CreateGrantCommand(ask))).GrantId).toBe(GrantId)
  expect(await failure(admin.send(new CreateGrantCommand({ ...ask, DryRun: true })))).toMatchObject({
    code: 'DryRunOperationException',
  })
  const encrypt = (EncryptionContext: Record<string, string>, GrantTokens = [GrantToken!]) =>
    kms('storer').send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('x'), EncryptionContext, GrantTokens }))
  const { CiphertextBlob } = await encrypt({ a: '1' })
  expect(await failure(encrypt({ a: '1', b: '2' }))).toMatchObject({ code: 'AccessDeniedException' })
  expect(await failure(encrypt({ a: '1' }, ['nonsense']))).toMatchObject({ code: 'InvalidGrantTokenException' })
  const decrypt = new DecryptCommand({ CiphertextBlob, EncryptionContext: { a: '1' } })
  expect(await failure(kms('storer').send(decrypt))).toMatchObject({ code: 'AccessDeniedException' })
  const listed = await admin.send(new ListGrantsCommand({ KeyId }))
  expect(listed.Grants).toEqual([
    {
      ...ask,
      GrantId,
      CreationDate: expect.any(Date),
      IssuingAccount: `arn:aws:iam::${OURS}:root`,
    },
  ])
  for (let i = 0; i < 3; i++) await admin.send(new CreateGrantCommand({ ...ask, Name: undefined }))
  const page = await admin.send(new ListGrantsCommand({ KeyId, Limit: 3 }))
  const rest = await admin.send(new ListGrantsCommand({ KeyId, Limit: 3, Marker: page.NextMarker }))
  expect([page.Truncated, page.Grants?.length, rest.Truncated, rest.Grants?.length]).toEqual([true, 3, false, 1])
  const ofService = new ListGrantsCommand({ KeyId, GranteeServicePrincipal: 'backup.amazonaws.com' })
  expect(await admin.send(ofService)).toMatchObject({ Grants: [], Truncated: false })
  expect(await failure(kms('storer').send(ofService))).toMatchObject({ code: 'AccessDeniedException' })
  const retirable = new ListRetirableGrantsCommand({ RetiringPrincipal: KEEPER })
  expect((await kms('keeper').send(retirable)).Grants?.length).toBe(4)
  expect(await failure(kms('storer').send(retirable))).toMatchObject({ code: 'AccessDeniedException' })
  await kms('storer').send(new RetireGrantCommand({ GrantToken }))
  expect(await failure(kms('storer').send(new RetireGrantCommand({ GrantToken })))).toMatchObject({
    code: 'InvalidGrantTokenException',
  })
  const refused = async (more: object) => (await failure(admin.send(new CreateGrantCommand({ ...ask, ...more })))).code
  expect(await refused({ GranteePrincipal: 'alice' })).toBe('InvalidArnException')
  expect(await refused({ Operations: ['Sign'] })).toBe('ValidationException')
  expect(await refused({ KeyId: 'alias/x' })).toBe('NotFoundException')
  const revoke = (id: string) => failure(admin.send(new RevokeGrantCommand({ KeyId, GrantId: id })))
  expect(await revoke('x')).toMatchObject({ code: 'InvalidGrantIdException' })
  expect(await revoke(GrantId!)).toMatchObject({ code: 'NotFoundException' })
})

test('tags, and a permission that hangs on them', async () => {
  const KeyId = await newKey()
  const admin = kms('admin')
  const Tags = ['a', 'b', 'c'].map((TagKey) => ({ TagKey, TagValue: '1' }))
  await admin.send(new TagResourceCommand({ KeyId, Tags }))
  await admin.send(new UntagResourceCommand({ KeyId, TagKeys: ['b'] }))
  const first = await admin.send(new ListResourceTagsCommand({ KeyId, Limit: 1 }))
  expect(first).toMatchObject({ Tags: [Tags[0]], Truncated: true })
  const second = await admin.send(new ListResourceTagsCommand({ KeyId, Marker: first.NextMarker }))
  expect(second).toMatchObject({ Tags: [Tags[2]], Truncated: false })
  const aws = new TagResourceCommand({ KeyId, Tags: [{ TagKey: 'aws:x', TagValue: '' }] })
  expect(await failure(admin.send(aws))).toMatchObject({ code: 'TagException', status: 400 })
  const Policy = policy(statement(`arn:aws:iam::${OURS}:root`, 'kms:*'), {
    ...statement(STORER, 'kms:Encrypt'),
    Condition: { StringEquals: { 'aws:ResourceTag/a': '1' } },
  })
  await admin.send(new PutKeyPolicyCommand({ KeyId, Policy }))
  const encrypt = () => kms('storer').send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('x') }))
  await encrypt()
  await admin.send(new UntagResourceCommand({ KeyId, TagKeys: ['a'] }))
  expect(await failure(encrypt())).toMatchObject({ code: 'AccessDeniedException' })
})
