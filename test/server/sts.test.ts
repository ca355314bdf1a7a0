/** Temporary credentials from outside: who gets them, what they may do, and that they end when they should. */
import {
  CreateAccessKeyCommand,
  CreatePolicyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  DeleteUserPolicyCommand,
  type IAMClient,
  ListUserPoliciesCommand,
  PutRolePermissionsBoundaryCommand,
  PutRolePolicyCommand,
  PutUserPolicyCommand,
  UpdateAccessKeyCommand,
  UpdateAssumeRolePolicyCommand,
} from '@aws-sdk/client-iam'
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import {
  AssumeRoleCommand,
  type AssumeRoleCommandInput,
  type Credentials,
  DecodeAuthorizationMessageCommand,
  GetAccessKeyInfoCommand,
  GetCallerIdentityCommand,
  GetFederationTokenCommand,
  GetSessionTokenCommand,
  type STSClient,
} from '@aws-sdk/client-sts'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { failure, iamClient, s3Client, stsClient } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

const ACCOUNT = '000000000000'
const allow = (...Action: string[]) =>
  JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource: '*' }] })
const trust = (AWS: string, Condition?: object) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { AWS }, Action: 'sts:AssumeRole', Condition }],
  })

let server: TestServer
let root: S3Client
let iam: IAMClient
let count = 0
let user: { name: string; keys: { accessKeyId: string; secretAccessKey: string }; sts: STSClient }
let role: { name: string; arn: string }
beforeAll(async () => {
  server = await startServer()
  root = s3Client(server)
  iam = iamClient(server)
  await root.send(new CreateBucketCommand({ Bucket: 'sessions' }))
  await root.send(new PutObjectCommand({ Bucket: 'sessions', Key: 'k', Body: 'x' }))
})
afterAll(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error/)
  await server.remove()
})
beforeEach(async () => {
  const name = `user-${++count}`
  await iam.send(new CreateUserCommand({ UserName: name }))
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: name }))
  const keys = { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! }
  user = { name, keys, sts: stsClient(server, { credentials: keys }) }
  await iam.send(
    new PutUserPolicyCommand({ UserName: name, PolicyName: 'own', PolicyDocument: allow('sts:*', 's3:Get*') }),
  )
  const RoleName = `role-${count}`
  const made = await iam.send(
    new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: trust(`arn:aws:iam::${ACCOUNT}:user/${name}`) }),
  )
  role = { name: RoleName, arn: made.Role!.Arn! }
  await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: 'own', PolicyDocument: allow('s3:*') }))
})

const keysOf = ({ AccessKeyId, SecretAccessKey, SessionToken }: Credentials) => ({
  accessKeyId: AccessKeyId!,
  secretAccessKey: SecretAccessKey!,
  sessionToken: SessionToken!,
})
const assume = async (more: Partial<AssumeRoleCommandInput> = {}, sts = user.sts) => {
  const reply = await sts.send(new AssumeRoleCommand({ RoleArn: role.arn, RoleSessionName: 'me', ...more }))
  return { reply, keys: keysOf(reply.Credentials!), s3: s3Client(server, { credentials: keysOf(reply.Credentials!) }) }
}
const get = (s3: S3Client) => s3.send(new GetObjectCommand({ Bucket: 'sessions', Key: 'k' }))
const put = (s3: S3Client) => s3.send(new PutObjectCommand({ Bucket: 'sessions', Key: 'w', Body: 'x' }))

test('who one is', async () => {
  const identity = (sts: STSClient) => sts.send(new GetCallerIdentityCommand({}))
  expect(await identity(stsClient(server))).toMatchObject({
    Account: ACCOUNT,
    Arn: `arn:aws:iam::${ACCOUNT}:root`,
    UserId: ACCOUNT,
  })
  expect((await identity(user.sts)).Arn).toBe(`arn:aws:iam::${ACCOUNT}:user/${user.name}`)
  const { keys, reply } = await assume()
  const session = await identity(stsClient(server, { credentials: keys }))
  expect(session.Arn).toBe(`arn:aws:sts::${ACCOUNT}:assumed-role/${role.name}/me`)
  expect(session.UserId).toBe(reply.AssumedRoleUser!.AssumedRoleId)
  expect(session.UserId).toMatch(/^AROA[A-Z2-7]{17}:me$/)
  const { Account } = await user.sts.send(new GetAccessKeyInfoCommand({ AccessKeyId: user.keys.accessKeyId }))
  expect(Account).toBe(ACCOUNT)
})

test('a role gives its permissions, within the session’s policy', async () => {
  const { s3 } = await assume()
  await get(s3)
  await put(s3)
  const narrow = await assume({ Policy: allow('s3:GetObject') })
  await get(narrow.s3)
  expect(await failure(put(narrow.s3))).toMatchObject({
    code: 'AccessDenied',
    message: expect.stringContaining('because no session policy allows the s3:PutObject action'),
  })
  const managed = await assume({ PolicyArns: [{ arn: 'arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess' }] })
  await get(managed.s3)
  expect(await failure(put(managed.s3))).toMatchObject({ code: 'AccessDenied' })
})

test('what role, boundary and session policy all give, and nothing that one of them does not', async () => {
  const document = allow('s3:GetObject', 's3:DeleteObject')
  const { Policy } = await iam.send(
    new CreatePolicyCommand({ PolicyName: `edge-${role.name}`, PolicyDocument: document }),
  )
  await iam.send(new PutRolePermissionsBoundaryCommand({ RoleName: role.name, PermissionsBoundary: Policy!.Arn! }))
  const { s3 } = await assume({ Policy: allow('s3:GetObject', 's3:PutObject') })
  await get(s3)
  expect((await failure(put(s3))).message).toContain('because no permissions boundary allows the s3:PutObject action')
  const remove = s3.send(new DeleteObjectCommand({ Bucket: 'sessions', Key: 'w' }))
  expect((await failure(remove)).message).toContain('because no session policy allows the s3:DeleteObject action')
})

test('a role assumed from a role carries tags and source identity on, which policies can ask for', async () => {
  const RoleName = `${role.name}-next`
  const Action = ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity']
  const trusting = (AWS: string) =>
    JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { AWS }, Action }] })
  const next = await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: trusting(role.arn) }))
  const owner = trusting(`arn:aws:iam::${ACCOUNT}:user/${user.name}`)
  await iam.send(new UpdateAssumeRolePolicyCommand({ RoleName: role.name, PolicyDocument: owner }))
  await iam.send(new PutRolePolicyCommand({ RoleName: role.name, PolicyName: 'sts', PolicyDocument: allow('sts:*') }))
  const Condition = { StringEquals: { 'aws:PrincipalTag/team': 'red', 'aws:SourceIdentity': 'ann' } }
  const Statement = [{ Effect: 'Allow', Action: 's3:GetObject', Resource: '*', Condition }]
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement })
  await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: 'own', PolicyDocument }))

  const Tags = [{ Key: 'Team', Value: 'red' }]
  const first = await assume({ Tags, TransitiveTagKeys: ['Team'], SourceIdentity: 'ann' })
  const sts = stsClient(server, { credentials: first.keys })
  const second = await assume({ RoleArn: next.Role!.Arn! }, sts)
  expect(second.reply.SourceIdentity).toBe('ann')
  await get(second.s3)
  const { keys: others } = await assume({ Tags })
  const plain = await assume({ RoleArn: next.Role!.Arn! }, stsClient(server, { credentials: others }))
  expect(await failure(get(plain.s3))).toMatchObject({ code: 'AccessDenied' })
  const longer = assume({ RoleArn: next.Role!.Arn!, DurationSeconds: 3601 }, sts)
  expect(await failure(longer)).toMatchObject({ code: 'ValidationError' })
})

test('who may not', async () => {
  const other = { ...role, arn: `arn:aws:iam::${ACCOUNT}:role/absent` }
  const refused = {
    code: 'AccessDenied',
    status: 403,
    message: `User: arn:aws:iam::${ACCOUNT}:user/${user.name} is not authorized to perform: sts:AssumeRole on resource: ${other.arn}`,
  }
  expect(await failure(assume({ RoleArn: other.arn }))).toMatchObject(refused)
  expect(await failure(assume({}, stsClient(server)))).toMatchObject({ code: 'AccessDenied' })
  const before = user
  await iam.send(new CreateUserCommand({ UserName: `${user.name}-b` }))
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: `${user.name}-b` }))
  const keys = { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! }
  expect(await failure(assume({}, stsClient(server, { credentials: keys })))).toMatchObject({ code: 'AccessDenied' })
  expect(before.name).toBe(user.name)
})

test('an external id, asked for by the trust policy', async () => {
  const RoleName = `${role.name}-external`
  const condition = { StringEquals: { 'sts:ExternalId': 'secret-id' } }
  const AssumeRolePolicyDocument = trust(`arn:aws:iam::${ACCOUNT}:user/${user.name}`, condition)
  const { Role } = await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument }))
  expect(await failure(assume({ RoleArn: Role!.Arn! }))).toMatchObject({ code: 'AccessDenied' })
  await assume({ RoleArn: Role!.Arn!, ExternalId: 'secret-id' })
})

test.each<[string, Partial<AssumeRoleCommandInput>, string, string | RegExp]>([
  ['too short', { DurationSeconds: 899 }, 'ValidationError', /greater than or equal to 900/],
  [
    'longer than the role',
    { DurationSeconds: 7200 },
    'ValidationError',
    'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
  ],
  [
    'a name that is none',
    { RoleSessionName: 'a b' },
    'ValidationError',
    /Member must satisfy regular expression pattern/,
  ],
  ['a policy that is none', { Policy: '{"Version":"2012-10-17"}' }, 'MalformedPolicyDocumentException', /Statement/],
])('refused: %s', async (_name, more, code, message) => {
  const refused = await failure(assume(more))
  expect(refused).toMatchObject({ code, status: 400 })
  expect(refused.message).toMatch(message)
})

test('sessions of users and of federated users', async () => {
  const { Credentials } = await user.sts.send(new GetSessionTokenCommand({ DurationSeconds: 900 }))
  const session = keysOf(Credentials!)
  await get(s3Client(server, { credentials: session }))
  expect(await failure(put(s3Client(server, { credentials: session })))).toMatchObject({ code: 'AccessDenied' })
  const again = stsClient(server, { credentials: session }).send(new GetSessionTokenCommand({}))
  expect(await failure(again)).toMatchObject({ code: 'AccessDenied', status: 403 })
  const federated = await user.sts.send(new GetFederationTokenCommand({ Name: 'temp', Policy: allow('s3:*') }))
  expect(federated.FederatedUser).toEqual({
    FederatedUserId: `${ACCOUNT}:temp`,
    Arn: `arn:aws:sts::${ACCOUNT}:federated-user/temp`,
  })
  const temp = s3Client(server, { credentials: keysOf(federated.Credentials!) })
  await get(temp)
  expect(await failure(put(temp))).toMatchObject({ code: 'AccessDenied' })
  const bare = await user.sts.send(new GetFederationTokenCommand({ Name: 'bare' }))
  expect(await failure(get(s3Client(server, { credentials: keysOf(bare.Credentials!) })))).toMatchObject({
    code: 'AccessDenied',
  })
})

test('a user’s session is not for IAM, a role’s is', async () => {
  await iam.send(
    new PutUserPolicyCommand({ UserName: user.name, PolicyName: 'own', PolicyDocument: allow('iam:*', 'sts:*') }),
  )
  await iam.send(new PutRolePolicyCommand({ RoleName: role.name, PolicyName: 'own', PolicyDocument: allow('iam:*') }))
  const list = (credentials: typeof user.keys) =>
    iamClient(server, { credentials }).send(new ListUserPoliciesCommand({ UserName: user.name }))
  await list(user.keys)
  await list((await assume()).keys)
  const { Credentials } = await user.sts.send(new GetSessionTokenCommand({}))
  const session = keysOf(Credentials!)
  expect(await failure(list(session))).toMatchObject({ code: 'AccessDenied', status: 403 })
  await assume({}, stsClient(server, { credentials: session }))
})

test('what is not here is refused by name, and all of it over plain HTTP', async () => {
  const decode = user.sts.send(new DecodeAuthorizationMessageCommand({ EncodedMessage: 'x' }))
  expect(await failure(decode)).toMatchObject({
    code: 'UnsupportedOperationException',
    message: 'DecodeAuthorizationMessage is not supported by this server.',
  })
  const plain = stsClient(server, { credentials: user.keys, plain: true })
  expect(await failure(plain.send(new GetCallerIdentityCommand({})))).toMatchObject({
    code: 'InvalidRequest',
    message: 'Requests to AWS STS must be made over a secure connection.',
  })
})

test('a token that is not of the key, or is changed, is refused by each service in its words', async () => {
  const { keys } = await assume()
  const { keys: others } = await assume()
  for (const sessionToken of [others.sessionToken, `${keys.sessionToken.slice(0, -8)}AAAAAAA=`, 'x']) {
    const credentials = { ...keys, sessionToken }
    expect(await failure(get(s3Client(server, { credentials })))).toMatchObject({ code: 'InvalidToken', status: 400 })
    const ask = stsClient(server, { credentials }).send(new GetCallerIdentityCommand({}))
    expect(await failure(ask)).toMatchObject({ code: 'InvalidClientTokenId', status: 403 })
  }
  const { sessionToken: _, ...without } = keys
  expect(await failure(get(s3Client(server, { credentials: without })))).toMatchObject({ code: 'InvalidAccessKeyId' })
})

test('a presigned URL of a session', async () => {
  const { s3, keys } = await assume()
  const plain = s3Client(server, { credentials: keys, plain: true })
  expect((await fetch(await getSignedUrl(plain, new GetObjectCommand({ Bucket: 'sessions', Key: 'k' })))).status).toBe(
    200,
  )
  await get(s3)
})

test('what is changed or ended stops working at once, on every worker', async () => {
  const { s3 } = await assume()
  const own = s3Client(server, { credentials: user.keys })
  const eight = <T>(call: () => Promise<T>) => Promise.all(Array.from({ length: 8 }, call))
  await eight(() => get(s3))
  await eight(() => get(own))
  const refused = async (client: S3Client, code: string) =>
    expect((await eight(() => failure(get(client)))).map((one) => one.code)).toEqual(Array(8).fill(code))
  await iam.send(new DeleteUserPolicyCommand({ UserName: user.name, PolicyName: 'own' }))
  await refused(own, 'AccessDenied')
  await iam.send(
    new UpdateAccessKeyCommand({ UserName: user.name, AccessKeyId: user.keys.accessKeyId, Status: 'Inactive' }),
  )
  await refused(own, 'InvalidAccessKeyId')
  // The session is the role's and goes on without the user who asked for it.
  await eight(() => get(s3))
  await iam.send(new DeleteRolePolicyCommand({ RoleName: role.name, PolicyName: 'own' }))
  await refused(s3, 'AccessDenied')
  await iam.send(new DeleteRoleCommand({ RoleName: role.name }))
  await refused(s3, 'InvalidToken')
})
