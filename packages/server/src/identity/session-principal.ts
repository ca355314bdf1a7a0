/** From a session's claims to the principal that it is now: what its role or user may do, within the session's policies. */
import { Fault } from '../core/fault.ts'
import type { SessionFacts } from '../core/outcome.ts'
import type { Permissions, Principal } from '../policy/call.ts'
import { type Policy, readPolicy } from '../policy/document.ts'
import type { Accounts } from './accounts.ts'
import { AWS_MANAGED_POLICIES } from './aws-managed-policies.ts'
import type { IdentityStore } from './identity-store.ts'
import { rootPrincipal, userPrincipal } from './principals.ts'
import { roleArn, type Tags } from './records.ts'
import type { SessionBearer, SessionClaims } from './session-token.ts'

/** Throws SessionTokenInvalid where the role or user behind the session is gone. */
export async function sessionPrincipal(
  claims: SessionClaims,
  accounts: Accounts,
  store: IdentityStore,
): Promise<Principal> {
  const { bearer, accountId, accessKeyId } = claims
  switch (bearer.kind) {
    case 'role':
      return rolePrincipal(claims, bearer, accounts, store)
    case 'root':
      return withoutSecondFactor(rootPrincipal(accounts, accountId, accessKeyId), sessionFacts(claims))
    case 'user':
      return withoutSecondFactor(await userBehind(claims, bearer, accounts, store), sessionFacts(claims))
    case 'federated':
      return federatedPrincipal(claims, bearer, accounts, store)
  }
}

async function rolePrincipal(
  claims: SessionClaims,
  { roleName, roleId, sessionName }: Extract<SessionBearer, { kind: 'role' }>,
  accounts: Accounts,
  store: IdentityStore,
): Promise<Principal> {
  const { accountId, accessKeyId } = claims
  const found = await store.role(accountId, roleName)
  if (found?.role.roleId !== roleId) throw new Fault('SessionTokenInvalid', {})
  const { canonicalId, displayName } = accounts.find(accountId)
  const arn = `arn:aws:sts::${accountId}:assumed-role/${found.role.roleName}/${sessionName}`
  const issuer = { type: 'Role', arn: roleArn(found.role), principalId: roleId, userName: found.role.roleName } as const
  return {
    accountId,
    arn,
    principalId: `${roleId}:${sessionName}`,
    principalType: 'AssumedRole',
    userName: undefined,
    accessKeyId,
    session: { ...sessionFacts(claims), issuer },
    canonicalId,
    displayName,
    named: { kind: 'AssumedRole', accountId, arn, roleArn: issuer.arn },
    permissions: { ...found.permissions, session: await sessionPolicies(claims, store) },
    tags: overlaid(found.role.tags, claims.tags),
  }
}

async function federatedPrincipal(
  claims: SessionClaims,
  bearer: Extract<SessionBearer, { kind: 'federated' }>,
  accounts: Accounts,
  store: IdentityStore,
): Promise<Principal> {
  const { accountId, accessKeyId } = claims
  const asker = bearer.by && (await userBehind(claims, bearer.by, accounts, store))
  const permissions: Permissions = asker?.permissions ?? {
    identity: [EVERYTHING],
    boundary: undefined,
    session: undefined,
  }
  const { canonicalId, displayName } = accounts.find(accountId)
  const arn = `arn:aws:sts::${accountId}:federated-user/${bearer.name}`
  const issuer = asker && {
    type: 'IAMUser' as const,
    arn: asker.arn,
    principalId: asker.principalId,
    userName: asker.userName!,
  }
  return {
    accountId,
    arn,
    principalId: `${accountId}:${bearer.name}`,
    principalType: 'FederatedUser',
    userName: undefined,
    accessKeyId,
    session: { ...sessionFacts(claims), ...(issuer && { issuer }) },
    canonicalId,
    displayName,
    named: { kind: 'FederatedUser', accountId, arn },
    permissions: {
      ...permissions,
      identity: [...permissions.identity, ONLY_CALLER_IDENTITY],
      // Without a session policy a federated user may do nothing but what resources give it by name.
      session: (await sessionPolicies(claims, store)) ?? [NOTHING],
    },
    tags: overlaid(asker?.tags ?? {}, claims.tags),
  }
}

async function userBehind(
  { accountId, accessKeyId }: SessionClaims,
  { userName, userId }: { readonly userName: string; readonly userId: string },
  accounts: Accounts,
  store: IdentityStore,
): Promise<Principal> {
  const found = await store.user(accountId, userName)
  if (found?.user.userId !== userId) throw new Fault('SessionTokenInvalid', {})
  return userPrincipal(accounts, found, accessKeyId)
}

/** Credentials of GetSessionToken, which without a second factor are not for IAM (STS API reference, GetSessionToken). */
function withoutSecondFactor(principal: Principal, session: SessionFacts): Principal {
  const { permissions } = principal
  const identity = [...permissions.identity, NO_IDENTITY_SERVICES]
  return { ...principal, session, permissions: { ...permissions, identity } }
}

/** A session's tag takes the place of one with the same key, whose case does not count. */
function overlaid(under: Tags, over: Tags): Tags {
  const taken = new Set(Object.keys(over).map((key) => key.toLowerCase()))
  return { ...Object.fromEntries(Object.entries(under).filter(([key]) => !taken.has(key.toLowerCase()))), ...over }
}

const sessionFacts = ({
  issuedAtMs,
  expiresAtMs,
  federatedProvider,
  sourceIdentity,
  transitiveTagKeys,
}: SessionClaims): SessionFacts => ({
  issuedAtMs,
  expiresAtMs,
  federatedProvider,
  sourceIdentity,
  transitiveTagKeys,
})

/** Inline and managed ones together are one: what any of them allows is allowed. A managed one that is gone gives nothing. */
async function sessionPolicies(
  { policy, policyArns }: SessionClaims,
  store: IdentityStore,
): Promise<readonly Policy[] | undefined> {
  if (policy === undefined && policyArns.length === 0) return undefined
  const inline = policy === undefined ? [] : [readPolicy(policy, 'identity', 'session policy')]
  const managed = await Promise.all(policyArns.map((arn) => store.managedPolicy(arn)))
  return [joined([...inline, ...managed.filter((one) => one !== undefined)])]
}

const joined = (policies: readonly Policy[]): Policy => ({
  ...NOTHING,
  statements: policies.flatMap(({ statements }) => statements),
  mentions: (key) => policies.some((policy) => policy.mentions(key)),
})

const statement = (name: string, ...statements: object[]) =>
  readPolicy(JSON.stringify({ Version: '2012-10-17', Statement: statements }), 'identity', name)

const NOTHING = statement('session policy', { Effect: 'Deny', NotAction: '*', Resource: '*' })
const EVERYTHING = AWS_MANAGED_POLICIES.get('arn:aws:iam::aws:policy/AdministratorAccess')!.policy
/** What AWS keeps from credentials of GetSessionToken without a second factor. */
const NO_IDENTITY_SERVICES = statement('rule of AWS for sessions without MFA', {
  Effect: 'Deny',
  Action: ['iam:*', 'sts:Get*', 'sts:Decode*'],
  Resource: '*',
})
/** Federated users may ask STS for nothing but who they are, which needs no permission. */
const ONLY_CALLER_IDENTITY = statement('rule of AWS for federated users', {
  Effect: 'Deny',
  Action: ['iam:*', 'sts:*'],
  Resource: '*',
})
