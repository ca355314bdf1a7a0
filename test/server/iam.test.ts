/** IAM over its own protocol, and what its users may then do; each refusal holds on every worker at once. */
import {
  AddUserToGroupCommand,
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreateAccountAliasCommand,
  CreateGroupCommand,
  CreateOpenIDConnectProviderCommand,
  CreatePolicyCommand,
  CreatePolicyVersionCommand,
  CreateRoleCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  DeleteUserPermissionsBoundaryCommand,
  DeleteUserPolicyCommand,
  DetachUserPolicyCommand,
  GetAccessKeyLastUsedCommand,
  GetAccountAuthorizationDetailsCommand,
  GetAccountSummaryCommand,
  GetContextKeysForCustomPolicyCommand,
  GetGroupCommand,
  GetOpenIDConnectProviderCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRoleCommand,
  GetUserCommand,
  GetUserPolicyCommand,
  type IAMClient,
  ListAccessKeysCommand,
  ListAccountAliasesCommand,
  ListAttachedUserPoliciesCommand,
  ListEntitiesForPolicyCommand,
  ListMFADevicesCommand,
  ListPoliciesCommand,
  ListPolicyVersionsCommand,
  ListRoleTagsCommand,
  ListUsersCommand,
  PutGroupPolicyCommand,
  PutUserPermissionsBoundaryCommand,
  PutUserPolicyCommand,
  RemoveUserFromGroupCommand,
  SetDefaultPolicyVersionCommand,
  SimulateCustomPolicyCommand,
  SimulatePrincipalPolicyCommand,
  TagRoleCommand,
  UntagRoleCommand,
  UpdateAccessKeyCommand,
} from '@aws-sdk/client-iam'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { failure, iamClient, s3Client } from '../support/sdk.ts'
import { type Credentials, startServer, type TestServer } from '../support/server.ts'

let server: TestServer
let iam: IAMClient
const account = '000000000000'
const bob = { accessKeyId: 'AKIABOB', secretAccessKey: 'secretbob' }
const accounts = [
  { id: account, users: [{ name: 'bob', ...bob, policies: ['arn:aws:iam::aws:policy/IAMReadOnlyAccess'] }] },
]
beforeAll(async () => {
  server = await startServer({ config: { accounts }, workers: 2 })
  iam = iamClient(server)
  await s3Client(server).send(new CreateBucketCommand({ Bucket: 'shared' }))
  await s3Client(server).send(new PutObjectCommand({ Bucket: 'shared', Key: 'k', Body: 'x' }))
})
afterAll(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error/)
  await server.remove()
})

const policy = (Effect: 'Allow' | 'Deny', Action: string | string[], Resource = '*', rest = {}) =>
  JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect, Action, Resource, ...rest }] })

/** What several readers on connections of their own are told, so that each worker is asked. */
async function readers(credentials: Credentials): Promise<string> {
  const answers = new Set<string>()
  for (let i = 0; i < 8; i++) {
    const client = s3Client(server, { credentials })
    await client.send(new GetObjectCommand({ Bucket: 'shared', Key: 'k' })).then(
      (reply) => reply.Body!.transformToString().then(() => answers.add('allowed')),
      (error: Error) => answers.add(error.name),
    )
    client.destroy()
  }
  return [...answers].join(' ')
}

async function newUser(UserName: string): Promise<Credentials> {
  await iam.send(new CreateUserCommand({ UserName }))
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }))
  return { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! }
}

test('a user may do what its policies say, from the reply on, on every worker', async () => {
  const UserName = 'alice'
  const alice = await newUser(UserName)
  expect(await readers(alice)).toBe('AccessDenied')
  const PolicyName = 'read'
  await iam.send(new PutUserPolicyCommand({ UserName, PolicyName, PolicyDocument: policy('Allow', 's3:GetObject') }))
  expect(await readers(alice)).toBe('allowed')
  await iam.send(
    new PutUserPolicyCommand({
      UserName,
      PolicyName: 'no',
      PolicyDocument: policy('Deny', 's3:*', 'arn:aws:s3:::shared/*'),
    }),
  )
  expect(await readers(alice)).toBe('AccessDenied')
  await iam.send(new DeleteUserPolicyCommand({ UserName, PolicyName: 'no' }))
  expect(await readers(alice)).toBe('allowed')

  const { Policy } = await iam.send(
    new CreatePolicyCommand({ PolicyName: 'writes-only', PolicyDocument: policy('Allow', 's3:PutObject') }),
  )
  const PermissionsBoundary = Policy!.Arn!
  await iam.send(new PutUserPermissionsBoundaryCommand({ UserName, PermissionsBoundary }))
  expect(await readers(alice)).toBe('AccessDenied')
  expect((await iam.send(new GetUserCommand({ UserName }))).User!.PermissionsBoundary).toEqual({
    PermissionsBoundaryType: 'Policy',
    PermissionsBoundaryArn: PermissionsBoundary,
  })
  await iam.send(new DeleteUserPermissionsBoundaryCommand({ UserName }))
  expect(await readers(alice)).toBe('allowed')

  const AccessKeyId = alice.accessKeyId
  await iam.send(new UpdateAccessKeyCommand({ UserName, AccessKeyId, Status: 'Inactive' }))
  expect(await readers(alice)).toBe('InvalidAccessKeyId')
  await iam.send(new UpdateAccessKeyCommand({ UserName, AccessKeyId, Status: 'Active' }))
  expect(await readers(alice)).toBe('allowed')
  expect(await iam.send(new GetAccessKeyLastUsedCommand({ AccessKeyId }))).toMatchObject({ UserName })
  await iam.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId }))
  expect(await readers(alice)).toBe('InvalidAccessKeyId')
})

test('a managed policy holds as its version in force says, while it is attached', async () => {
  const UserName = 'carol'
  const carol = await newUser(UserName)
  const { Policy } = await iam.send(
    new CreatePolicyCommand({
      PolicyName: 'versions',
      Path: '/team/',
      PolicyDocument: policy('Allow', 's3:GetObject'),
    }),
  )
  const PolicyArn = Policy!.Arn!
  expect(PolicyArn).toBe(`arn:aws:iam::${account}:policy/team/versions`)
  await iam.send(new AttachUserPolicyCommand({ UserName, PolicyArn }))
  expect(await readers(carol)).toBe('allowed')
  const PolicyDocument = policy('Allow', 's3:PutObject')
  await iam.send(new CreatePolicyVersionCommand({ PolicyArn, PolicyDocument, SetAsDefault: true }))
  expect(await readers(carol)).toBe('AccessDenied')
  const { Versions } = await iam.send(new ListPolicyVersionsCommand({ PolicyArn }))
  expect(Versions!.map(({ VersionId, IsDefaultVersion }) => [VersionId, IsDefaultVersion])).toEqual([
    ['v2', true],
    ['v1', false],
  ])
  await iam.send(new SetDefaultPolicyVersionCommand({ PolicyArn, VersionId: 'v1' }))
  expect(await readers(carol)).toBe('allowed')
  const { PolicyVersion } = await iam.send(new GetPolicyVersionCommand({ PolicyArn, VersionId: 'v2' }))
  expect(decodeURIComponent(PolicyVersion!.Document!)).toBe(PolicyDocument)
  expect((await iam.send(new GetPolicyCommand({ PolicyArn }))).Policy!.AttachmentCount).toBe(1)
  expect((await iam.send(new ListEntitiesForPolicyCommand({ PolicyArn }))).PolicyUsers).toMatchObject([{ UserName }])
  const { AttachedPolicies } = await iam.send(new ListAttachedUserPoliciesCommand({ UserName }))
  expect(AttachedPolicies).toEqual([{ PolicyName: 'versions', PolicyArn }])
  await iam.send(new DetachUserPolicyCommand({ UserName, PolicyArn }))
  expect(await readers(carol)).toBe('AccessDenied')
  expect(await failure(iam.send(new DetachUserPolicyCommand({ UserName, PolicyArn })))).toMatchObject({
    code: 'NoSuchEntityException',
    status: 404,
    message: `Policy ${PolicyArn} was not found.`,
  })
})

test('members of a group have its policies', async () => {
  const UserName = 'dave'
  const dave = await newUser(UserName)
  const GroupName = 'readers'
  await iam.send(new CreateGroupCommand({ GroupName }))
  await iam.send(
    new PutGroupPolicyCommand({ GroupName, PolicyName: 'read', PolicyDocument: policy('Allow', 's3:Get*') }),
  )
  await iam.send(new AddUserToGroupCommand({ GroupName, UserName }))
  expect(await readers(dave)).toBe('allowed')
  expect((await iam.send(new GetGroupCommand({ GroupName }))).Users).toMatchObject([{ UserName }])
  await iam.send(new RemoveUserFromGroupCommand({ GroupName, UserName }))
  expect(await readers(dave)).toBe('AccessDenied')
})

test('a configured user is an IAM user with its policies, and may do no more', async () => {
  const theirs = iamClient(server, { credentials: bob })
  const { User } = await theirs.send(new GetUserCommand({}))
  expect(User).toMatchObject({ UserName: 'bob', Arn: `arn:aws:iam::${account}:user/bob` })
  expect((await theirs.send(new ListAccessKeysCommand({}))).AccessKeyMetadata).toEqual([])
  expect(await failure(theirs.send(new CreateUserCommand({ UserName: 'mallory' })))).toMatchObject({
    code: 'AccessDenied',
    status: 403,
    message: `User: arn:aws:iam::${account}:user/bob is not authorized to perform: iam:CreateUser on resource: arn:aws:iam::${account}:user/mallory because no identity-based policy allows the iam:CreateUser action`,
  })
})

test('conditions on what is asked for hold', async () => {
  const UserName = 'delegate'
  const delegate = iamClient(server, { credentials: await newUser(UserName) })
  const PolicyArn = 'arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess'
  const Statement = [
    {
      Effect: 'Allow',
      Action: 'iam:AttachUserPolicy',
      Resource: '*',
      Condition: { ArnEquals: { 'iam:PolicyARN': PolicyArn } },
    },
    {
      Effect: 'Allow',
      Action: ['iam:CreateUser', 'iam:TagUser'],
      Resource: `arn:aws:iam::${account}:user/team/*`,
      Condition: {
        StringEquals: { 'aws:RequestTag/team': 'blue' },
        'ForAllValues:StringEquals': { 'aws:TagKeys': ['team'] },
      },
    },
    {
      Effect: 'Allow',
      Action: 'iam:GetUser',
      Resource: '*',
      Condition: { StringEquals: { 'aws:ResourceTag/team': 'blue' } },
    },
  ]
  await iam.send(
    new PutUserPolicyCommand({
      UserName,
      PolicyName: 'p',
      PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement }),
    }),
  )
  await delegate.send(new AttachUserPolicyCommand({ UserName, PolicyArn }))
  const attachAll = new AttachUserPolicyCommand({ UserName, PolicyArn: 'arn:aws:iam::aws:policy/AdministratorAccess' })
  expect(await failure(delegate.send(attachAll))).toMatchObject({ code: 'AccessDenied' })
  const team = [{ Key: 'team', Value: 'blue' }]
  await delegate.send(new CreateUserCommand({ UserName: 'blue1', Path: '/team/', Tags: team }))
  expect((await delegate.send(new GetUserCommand({ UserName: 'blue1' }))).User!.Tags).toEqual(team)
  const refused = [
    new CreateUserCommand({ UserName: 'blue2', Tags: team }),
    new CreateUserCommand({ UserName: 'blue2', Path: '/team/' }),
    new CreateUserCommand({ UserName: 'blue2', Path: '/team/', Tags: [...team, { Key: 'other', Value: '1' }] }),
  ]
  for (const command of refused) expect(await failure(delegate.send(command))).toMatchObject({ code: 'AccessDenied' })
  expect(await failure(delegate.send(new GetUserCommand({ UserName })))).toMatchObject({ code: 'AccessDenied' })
})

test('who may make a user, but tag none, makes one without tags', async () => {
  const UserName = 'maker'
  const maker = iamClient(server, { credentials: await newUser(UserName) })
  const PolicyDocument = policy('Allow', 'iam:CreateUser')
  await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: 'p', PolicyDocument }))
  const tagged = new CreateUserCommand({ UserName: 'made', Tags: [{ Key: 'team', Value: 'blue' }] })
  expect(await failure(maker.send(tagged))).toMatchObject({
    code: 'AccessDenied',
    message: expect.stringContaining('is not authorized to perform: iam:TagUser on resource'),
  })
  await maker.send(new CreateUserCommand({ UserName: 'made' }))
})

test('roles, with trust policies and tags', async () => {
  const RoleName = 'deployer'
  const AssumeRolePolicyDocument = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${account}:root` }, Action: 'sts:AssumeRole' }],
  })
  const { Role } = await iam.send(
    new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument, MaxSessionDuration: 7200 }),
  )
  expect(Role!.RoleId).toMatch(/^AROA/)
  await iam.send(
    new TagRoleCommand({
      RoleName,
      Tags: [
        { Key: 'a', Value: '1' },
        { Key: 'b', Value: '' },
      ],
    }),
  )
  await iam.send(new UntagRoleCommand({ RoleName, TagKeys: ['A'] }))
  expect((await iam.send(new ListRoleTagsCommand({ RoleName }))).Tags).toEqual([{ Key: 'b', Value: '' }])
  const found = await iam.send(new GetRoleCommand({ RoleName }))
  expect(found.Role).toMatchObject({ RoleName, MaxSessionDuration: 7200 })
  expect(decodeURIComponent(found.Role!.AssumeRolePolicyDocument!)).toBe(AssumeRolePolicyDocument)
  const broken = new CreateRoleCommand({ RoleName: 'r', AssumeRolePolicyDocument: policy('Allow', 'sts:AssumeRole') })
  expect(await failure(iam.send(broken))).toMatchObject({ code: 'MalformedPolicyDocumentException', status: 400 })
  const nobody = `arn:aws:iam::${account}:user/nobody`
  const stranger = AssumeRolePolicyDocument.replace(`arn:aws:iam::${account}:root`, nobody)
  const trusting = new CreateRoleCommand({ RoleName: 'r', AssumeRolePolicyDocument: stranger })
  expect(await failure(iam.send(trusting))).toMatchObject({
    code: 'MalformedPolicyDocumentException',
    message: `Invalid principal in policy: "AWS":"${nobody}"`,
  })
})

test('lists come in pages', async () => {
  for (const UserName of ['page1', 'page2', 'page3']) {
    await iam.send(new CreateUserCommand({ UserName, Path: '/pages/' }))
  }
  const names: (string | undefined)[] = []
  let Marker: string | undefined
  do {
    const page = await iam.send(new ListUsersCommand({ PathPrefix: '/pages/', MaxItems: 2, ...(Marker && { Marker }) }))
    names.push(...page.Users!.map(({ UserName }) => UserName))
    expect(page.IsTruncated).toBe(page.Marker !== undefined)
    Marker = page.Marker
  } while (Marker)
  expect(names).toEqual(['page1', 'page2', 'page3'])
})

test('policies are listed by scope and use', async () => {
  const all = await iam.send(new ListPoliciesCommand({ Scope: 'AWS' }))
  expect(all.Policies!.map(({ PolicyName }) => PolicyName)).toContain('AdministratorAccess')
  const used = await iam.send(new ListPoliciesCommand({ Scope: 'AWS', OnlyAttached: true }))
  expect(used.Policies!.map(({ PolicyName }) => PolicyName)).toContain('IAMReadOnlyAccess')
  expect(used.Policies!.length).toBeLessThan(all.Policies!.length)
})

test('the account: alias, summary, details', async () => {
  await iam.send(new CreateAccountAliasCommand({ AccountAlias: 'strong-room' }))
  expect((await iam.send(new ListAccountAliasesCommand({}))).AccountAliases).toEqual(['strong-room'])
  const { SummaryMap } = await iam.send(new GetAccountSummaryCommand({}))
  expect(SummaryMap).toMatchObject({ AccessKeysPerUserQuota: 2, Users: expect.any(Number) })
  const details = await iam.send(new GetAccountAuthorizationDetailsCommand({ Filter: ['User'] }))
  const bobs = details.UserDetailList!.find(({ UserName }) => UserName === 'bob')
  expect(bobs!.AttachedManagedPolicies).toMatchObject([{ PolicyName: 'IAMReadOnlyAccess' }])
  expect(details.RoleDetailList).toEqual([])
})

test('OpenID Connect providers', async () => {
  const made = await iam.send(
    new CreateOpenIDConnectProviderCommand({ Url: 'https://id.example.com/realm', ClientIDList: ['c1'] }),
  )
  expect(made.OpenIDConnectProviderArn).toBe(`arn:aws:iam::${account}:oidc-provider/id.example.com/realm`)
  const found = await iam.send(
    new GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: made.OpenIDConnectProviderArn }),
  )
  expect(found).toMatchObject({ Url: 'id.example.com/realm', ClientIDList: ['c1'] })
  expect(
    await failure(iam.send(new CreateOpenIDConnectProviderCommand({ Url: 'http://id.example.com' }))),
  ).toMatchObject({ code: 'ValidationError', message: 'Invalid Open ID Connect Provider URL' })
})

test('simulations decide as requests are decided', async () => {
  const PolicyInputList = [
    policy('Allow', 's3:GetObject', 'arn:aws:s3:::shared/*', {
      Condition: { Bool: { 'aws:SecureTransport': 'true' } },
    }),
    policy('Deny', 's3:DeleteObject'),
  ]
  const ActionNames = ['s3:GetObject', 's3:DeleteObject', 's3:PutObject']
  const ResourceArns = ['arn:aws:s3:::shared/k']
  const secure = [
    { ContextKeyName: 'aws:securetransport', ContextKeyType: 'boolean' as const, ContextKeyValues: ['true'] },
  ]
  const decisions = async (ContextEntries: typeof secure) => {
    const command = new SimulateCustomPolicyCommand({ PolicyInputList, ActionNames, ResourceArns, ContextEntries })
    return (await iam.send(command)).EvaluationResults!
  }
  const results = await decisions(secure)
  expect(results.map(({ EvalDecision }) => EvalDecision)).toEqual(['allowed', 'explicitDeny', 'implicitDeny'])
  expect(results.map(({ MatchedStatements }) => MatchedStatements?.[0]?.SourcePolicyId)).toEqual([
    'PolicyInputList.1',
    'PolicyInputList.2',
    undefined,
  ])
  expect((await decisions([]))[0]).toMatchObject({
    EvalDecision: 'implicitDeny',
    MissingContextValues: ['aws:SecureTransport'],
  })
  const keys = await iam.send(new GetContextKeysForCustomPolicyCommand({ PolicyInputList }))
  expect(keys.ContextKeyNames).toEqual(['aws:SecureTransport'])

  const PolicySourceArn = `arn:aws:iam::${account}:user/bob`
  const ofBob = async (more = {}) => {
    const command = new SimulatePrincipalPolicyCommand({
      PolicySourceArn,
      ActionNames: ['iam:GetUser', 'iam:CreateUser'],
      ...more,
    })
    return (await iam.send(command)).EvaluationResults!
  }
  expect((await ofBob()).map(({ EvalDecision }) => EvalDecision)).toEqual(['allowed', 'implicitDeny'])
  const bounded = await ofBob({ PermissionsBoundaryPolicyInputList: [policy('Allow', 's3:*')] })
  expect(bounded[0]).toMatchObject({
    EvalDecision: 'implicitDeny',
    PermissionsBoundaryDecisionDetail: { AllowedByPermissionsBoundary: false },
  })
})

test('what is wrong is said in IAM’s words', async () => {
  const cases: [() => Promise<unknown>, object][] = [
    [
      () => iam.send(new GetUserCommand({ UserName: 'nobody' })),
      { code: 'NoSuchEntityException', status: 404, message: 'The user with name nobody cannot be found.' },
    ],
    [
      () => iam.send(new CreateUserCommand({ UserName: 'bob' })),
      { code: 'EntityAlreadyExistsException', status: 409, message: 'User with name bob already exists.' },
    ],
    [() => iam.send(new CreateUserCommand({ UserName: 'a b' })), { code: 'ValidationError', status: 400 }],
    [
      () => iam.send(new CreateAccessKeyCommand({})),
      { code: 'ValidationError', message: 'Must specify userName when calling with non-User credentials' },
    ],
    [
      () => iam.send(new PutUserPolicyCommand({ UserName: 'bob', PolicyName: 'p', PolicyDocument: '{' })),
      { code: 'MalformedPolicyDocumentException', status: 400, message: 'Syntax errors in policy.' },
    ],
    [
      () => iam.send(new GetUserPolicyCommand({ UserName: 'bob', PolicyName: 'p' })),
      { code: 'NoSuchEntityException', message: 'The user policy with name p cannot be found.' },
    ],
    [() => iam.send(new ListMFADevicesCommand({})), { code: 'UnsupportedOperationException', status: 400 }],
    [() => iamClient(server, { plain: true }).send(new ListUsersCommand({})), { code: 'InvalidRequest', status: 400 }],
  ]
  for (const [call, expected] of cases) expect(await failure(call())).toMatchObject(expected)
})
