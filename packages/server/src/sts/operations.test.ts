import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { Accounts } from '../identity/accounts.ts'
import { Directory } from '../identity/directory.ts'
import { ACCOUNT, allow, identityRoom, policyOf } from '../identity/identity.fixture.ts'
import { OidcKeys } from '../identity/oidc-keys.ts'
import { Sessions } from '../identity/sessions.ts'
import type { Principal } from '../policy/call.ts'
import { call, rootOf } from '../policy/caller.fixture.ts'
import { Input } from '../protocols/input.ts'
import { StoreKey } from '../root-key/store-key.ts'
import { toStsError } from './errors.ts'
import { STS_OPERATIONS } from './operations.ts'

type Members = Readonly<Record<string, unknown>>
const OTHER = '222222222222'
const ROLE = `arn:aws:iam::${ACCOUNT}:role/r`
const assume = { RoleArn: ROLE, RoleSessionName: 'session' }
const SET = ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity']
const byAccount = (accountId: string, rest?: object) => allow(SET, { AWS: accountId }, rest)
const tag = (Key: string, Value = 'v') => ({ Key, Value })

function room() {
  const clock = { nowMs: () => 0 }
  const identities = identityRoom()
  const { store } = identities
  const sessions = new Sessions(StoreKey.of(new Uint8Array(32)).derive('session tokens'), clock)
  const root = { accessKeyId: 'AKIAROOT', secretAccessKey: 's' }
  const directory = new Directory({ root, configured: [], accounts: new Accounts([]), store, sessions })
  const keys = new OidcKeys(() => Promise.reject(new Error('no network here')), clock)
  return {
    ...identities,
    /** A user with these policies. */
    async user(userName: string, accountId: string, ...actions: string[]): Promise<Principal> {
      const inline: Record<string, string> = actions.length === 0 ? {} : { p: policyOf(...actions) }
      await identities.putUser(userName, { accountId, inline })
      return (await directory.userPrincipal(accountId, userName, 'AKIA1'))!
    },
    run(name: string, principal: Principal, members: Members): Promise<Members> {
      const input = new Input(members, 'ValidationError', true)
      const services = { directory, store, sessions, keys, clock }
      return STS_OPERATIONS[name]!.run!(services, { ...call, principal }, input)
    },
    /** Whoever has the credentials that an operation gave. */
    async bearer(output: Members): Promise<Principal> {
      const { AccessKeyId, SessionToken } = output.Credentials as { AccessKeyId: string; SessionToken: string }
      return (await directory.findAccessKey(AccessKeyId, SessionToken)).principal
    },
  }
}

/** As it stands on the wire. */
const failure = (run: Promise<unknown>) =>
  run.then(
    (output) => ({ output }),
    (thrown: unknown) => {
      const { code, status, message } = toStsError(thrown)
      return { code, status, message }
    },
  )

test.each([
  ['the account, and the user may', byAccount(ACCOUNT), ACCOUNT, SET, true],
  ['the account, and the user may not', byAccount(ACCOUNT), ACCOUNT, [], false],
  ['the user, who needs nothing more', allow(SET, { AWS: `arn:aws:iam::${ACCOUNT}:user/ann` }), ACCOUNT, [], true],
  ['another user', allow(SET, { AWS: `arn:aws:iam::${ACCOUNT}:user/bob` }), ACCOUNT, SET, false],
  ['the other account, and its user may', byAccount(OTHER), OTHER, SET, true],
  ['the other account, and its user may not', byAccount(OTHER), OTHER, [], false],
  ['the other account’s user, who may not', allow(SET, { AWS: `arn:aws:iam::${OTHER}:user/ann` }), OTHER, [], false],
  ['its own account only', byAccount(ACCOUNT), OTHER, SET, false],
  ['a provider', allow(SET, { Federated: `arn:aws:iam::${ACCOUNT}:oidc-provider/x` }), ACCOUNT, SET, false],
  ['the account by an external id', byAccount(ACCOUNT, equals('sts:ExternalId', 'right')), ACCOUNT, SET, true],
  ['the account by another external id', byAccount(ACCOUNT, equals('sts:ExternalId', 'wrong')), ACCOUNT, SET, false],
  ['sessions of one name', byAccount(ACCOUNT, equals('sts:RoleSessionName', 'session')), ACCOUNT, SET, true],
  ['sessions of another name', byAccount(ACCOUNT, equals('sts:RoleSessionName', 'other')), ACCOUNT, SET, false],
])('a role that trusts %s', async (_what, trust, accountId, actions, isAllowed) => {
  const { putRole, user, run } = room()
  await putRole('r', { trust })
  const ann = await user('ann', accountId, ...actions)
  const reply = await failure(run('AssumeRole', ann, { ...assume, ExternalId: 'right' }))
  if (isAllowed) expect(reply).toMatchObject({ output: { AssumedRoleUser: { AssumedRoleId: 'AROAr:session' } } })
  else {
    expect(reply).toEqual({
      code: 'AccessDenied',
      status: 403,
      message: `User: ${ann.arn} is not authorized to perform: sts:AssumeRole on resource: ${ROLE}`,
    })
  }
})

function equals(key: string, value: string) {
  return { Condition: { StringEquals: { [key]: value } } }
}

test.each([
  ['RoleArn', 'nothing-valid-in-here', 'nothing-valid-in-here is invalid'],
  ['RoleSessionName', 'a:b', /'roleSessionName' failed to satisfy constraint: .* pattern: \[\\w\+=,\.@-\]\*$/],
  ['RoleSessionName', 's'.repeat(65), /length less than or equal to 64$/],
  ['RoleSessionName', 's', /length greater than or equal to 2$/],
  ['DurationSeconds', '899', /value greater than or equal to 900$/],
  ['DurationSeconds', '3601', 'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.'],
  ['Policy', `{${' '.repeat(2048)}`, /'policy' failed to satisfy constraint: .* less than or equal to 2048$/],
  ['PolicyArns', [{ arn: `arn:aws:iam::${ACCOUNT}:policy/none` }], /does not exist or is not attachable\.$/],
  ['PolicyArns', [{ arn: `arn:aws:iam::${OTHER}:policy/none` }], /does not exist or is not attachable\.$/],
  ['PolicyArns', Array(11).fill({ arn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }), /less than or equal to 10$/],
  ['Tags', Array.from({ length: 51 }, (_, i) => tag(`k${i}`)), /less than or equal to 50$/],
])('ValidationError for %s %s', async (name, value, message) => {
  const { putRole, user, run } = room()
  await putRole('r', { trust: byAccount(ACCOUNT) })
  const ann = await user('ann', ACCOUNT, 'sts:*')
  const reply = await failure(run('AssumeRole', ann, { ...assume, [name]: value }))
  expect(reply).toMatchObject({ code: 'ValidationError', status: 400 })
  expect((reply as { message: string }).message).toMatch(message)
})

/** Text that cannot be packed. */
const noise = (seed: number) => createHash('shake256', { outputLength: 160 }).update(`${seed}`).digest('base64url')
const fifty = (value: (i: number) => string) => Array.from({ length: 50 }, (_, i) => tag(`k${i}`, value(i)))
const withPrincipal = '{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"}}'
const longPolicy = policyOf(...Array.from({ length: 190 }, (_, i) => `s3:A${i}`))
const powerUser = { arn: 'arn:aws:iam::aws:policy/AWSKeyManagementServicePowerUser' }

test.each([
  ['a policy that is none', { Policy: 'no json' }, 'MalformedPolicyDocument'],
  ['a policy that names principals', { Policy: withPrincipal }, 'MalformedPolicyDocument'],
  ['a tag twice', { Tags: [tag('Team'), tag('team')] }, 'InvalidParameterValue'],
  ['a transitive key of no tag', { Tags: [tag('Team')], TransitiveTagKeys: ['Cost'] }, 'InvalidParameterValue'],
  ['a code of no device', { SerialNumber: 'arn:aws:iam::111111111111:mfa/x', TokenCode: '123456' }, 'AccessDenied'],
  ['a long policy', { Policy: longPolicy }, undefined],
  ['more policies than fit', { Policy: longPolicy, PolicyArns: Array(10).fill(powerUser) }, 'PackedPolicyTooLarge'],
  ['many tags that pack well', { Tags: fifty((i) => 'value'.repeat(50) + i) }, undefined],
  ['many tags that do not', { Tags: fifty(noise) }, 'PackedPolicyTooLarge'],
])('%s', async (_what, members, code) => {
  const { putRole, user, run } = room()
  await putRole('r', { trust: byAccount(ACCOUNT) })
  const reply = await failure(run('AssumeRole', await user('ann', ACCOUNT, 'sts:*'), { ...assume, ...members }))
  expect((reply as { code?: string }).code).toBe(code)
})

test('tags and a source identity need an allowance each, from both sides', async () => {
  const { putRole, user, run } = room()
  const ann = await user('ann', ACCOUNT, ...SET)
  const cautious = await user('bob', ACCOUNT, 'sts:AssumeRole')
  const asked = { tags: { ...assume, Tags: [tag('Team')] }, identity: { ...assume, SourceIdentity: 'ann' } }
  await putRole('r', { trust: allow('sts:AssumeRole', { AWS: ACCOUNT }) })
  expect(await failure(run('AssumeRole', ann, assume))).toHaveProperty('output')
  expect(await failure(run('AssumeRole', ann, asked.tags))).toMatchObject({ code: 'AccessDenied' })
  expect(await failure(run('AssumeRole', ann, asked.identity))).toMatchObject({ code: 'AccessDenied' })
  await putRole('r', { trust: byAccount(ACCOUNT) })
  for (const members of Object.values(asked)) {
    expect(await failure(run('AssumeRole', ann, members))).toHaveProperty('output')
    expect(await failure(run('AssumeRole', cautious, members))).toMatchObject({ code: 'AccessDenied' })
  }
})

test('a role assumed from a role: an hour at most, transitive tags and the source identity go on', async () => {
  const { putRole, user, run, bearer } = room()
  const maxSessionSeconds = 43_200
  await putRole('r', { trust: byAccount(ACCOUNT), inline: { p: policyOf('sts:*') }, maxSessionSeconds })
  const members = { ...assume, SourceIdentity: 'ann', Tags: [tag('Team'), tag('Cost')], TransitiveTagKeys: ['team'] }
  const first = await bearer(await run('AssumeRole', await user('ann', ACCOUNT, 'sts:*'), members))
  expect(first.tags).toEqual({ Team: 'v', Cost: 'v' })

  const second = await run('AssumeRole', first, assume)
  expect(second.SourceIdentity).toBe('ann')
  expect(await bearer(second)).toMatchObject({
    tags: { Team: 'v' },
    session: { sourceIdentity: 'ann', transitiveTagKeys: ['Team'] },
  })
  expect(await failure(run('AssumeRole', first, { ...assume, DurationSeconds: '3601' }))).toMatchObject({
    code: 'ValidationError',
    message: 'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining',
  })
  expect(await failure(run('AssumeRole', first, { ...assume, Tags: [tag('TEAM', 'x')] }))).toMatchObject({
    code: 'InvalidParameterValue',
  })
  expect(await failure(run('AssumeRole', first, { ...assume, SourceIdentity: 'bob' }))).toMatchObject({
    code: 'AccessDenied',
  })
  // The next role must be ready for what is passed on, too.
  await putRole('r', { trust: allow('sts:AssumeRole', { AWS: ACCOUNT }), inline: { p: policyOf('sts:*') } })
  expect(await failure(run('AssumeRole', first, assume))).toMatchObject({ code: 'AccessDenied' })
})

test('a root user assumes no role; a role under another path is another', async () => {
  const { putRole, user, run } = room()
  await putRole('r', { trust: byAccount(ACCOUNT) })
  expect(await failure(run('AssumeRole', rootOf(ACCOUNT), assume))).toEqual({
    code: 'AccessDenied',
    status: 403,
    message: 'Roles may not be assumed by root accounts.',
  })
  const elsewhere = { ...assume, RoleArn: `arn:aws:iam::${ACCOUNT}:role/path/r` }
  const ann = await user('ann', ACCOUNT, 'sts:*')
  expect(await failure(run('AssumeRole', ann, elsewhere))).toMatchObject({ code: 'AccessDenied' })
})

test('sessions of users last as AWS says, and start no others', async () => {
  const { user, run, bearer } = room()
  const ann = await user('ann', ACCOUNT)
  const endOf = (output: Members) => (output.Credentials as { Expiration: Date }).Expiration.getTime() / 1000
  const day = { DurationSeconds: '86400' }
  expect(endOf(await run('GetSessionToken', ann, {}))).toBe(43_200)
  expect(endOf(await run('GetSessionToken', ann, day))).toBe(86_400)
  expect(endOf(await run('GetSessionToken', rootOf(ACCOUNT), day))).toBe(3_600)
  const session = await bearer(await run('GetSessionToken', ann, {}))
  expect(session).toMatchObject({ arn: ann.arn, principalType: 'IAMUser', session: { expiresAtMs: 43_200_000 } })
  for (const name of ['GetSessionToken', 'GetFederationToken']) {
    expect(await failure(run(name, session, { Name: 'bob' }))).toEqual({
      code: 'AccessDenied',
      status: 403,
      message: `Cannot call ${name} with session credentials`,
    })
  }
})

test('a federation token needs an allowance, and tags another', async () => {
  const { user, run } = room()
  const ann = await user('ann', ACCOUNT)
  const resource = `arn:aws:sts::${ACCOUNT}:federated-user/bob`
  expect(await failure(run('GetFederationToken', ann, { Name: 'bob' }))).toEqual({
    code: 'AccessDenied',
    status: 403,
    message: `User: ${ann.arn} is not authorized to perform: sts:GetFederationToken on resource: ${resource} because no identity-based policy allows the sts:GetFederationToken action`,
  })
  const may = await user('eve', ACCOUNT, 'sts:GetFederationToken')
  expect(await run('GetFederationToken', may, { Name: 'bob' })).toMatchObject({
    FederatedUser: { FederatedUserId: `${ACCOUNT}:bob`, Arn: resource },
  })
  const tagged = run('GetFederationToken', may, { Name: 'bob', Tags: [tag('a')] })
  expect(await failure(tagged)).toMatchObject({ code: 'AccessDenied' })
})

test('an access key tells its account to who may ask', async () => {
  const { user, run } = room()
  const ann = await user('ann', ACCOUNT, 'sts:GetAccessKeyInfo')
  const { Credentials } = await run('GetSessionToken', ann, {})
  const { AccessKeyId } = Credentials as { AccessKeyId: string }
  expect(await run('GetAccessKeyInfo', ann, { AccessKeyId })).toEqual({ Account: ACCOUNT })
  expect(await failure(run('GetAccessKeyInfo', ann, { AccessKeyId: 'AKIANOBODYSNOBODYS22' }))).toMatchObject({
    code: 'ValidationError',
  })
  expect(await failure(run('GetAccessKeyInfo', await user('bob', ACCOUNT), { AccessKeyId }))).toMatchObject({
    code: 'AccessDenied',
  })
})
