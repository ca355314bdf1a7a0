/** The STS operations, one row each. Source: AWS STS API reference. */
import type { Accounts } from '../identity/accounts.ts'
import type { IdentityStore, RoleWithPolicies } from '../identity/identity-store.ts'
import type { AccessKeyRecord } from '../identity/records.ts'
import type { SessionBearer } from '../identity/session-token.ts'
import type { Sessions, TemporaryCredentials } from '../identity/sessions.ts'
import { type Access, authorize, decisionFacts, denied, requireAllowed } from '../policy/authorize.ts'
import type { CallContext } from '../policy/call.ts'
import { keyValue } from '../policy/condition-keys.ts'
import type { Input } from '../protocols/input.ts'
import type { ServiceOperation } from '../protocols/service-door.ts'
import { ServiceError } from '../protocols/service-error.ts'
import { type SessionRequest, STS_KEYS } from './condition-keys.ts'
import { readSessionPolicies, readSessionTags } from './session-input.ts'

export interface StsServices {
  readonly accounts: Accounts
  readonly store: IdentityStore
  readonly sessions: Sessions
}

const HOUR = 3600
const SESSION_NAME = '[\\w+=,.@-]+'

export const STS_OPERATIONS: Readonly<Record<string, ServiceOperation<StsServices>>> = {
  GetCallerIdentity: {
    readOnly: true,
    async run(_services, { principal }) {
      return { UserId: principal.principalId, Account: principal.accountId, Arn: principal.arn }
    },
  },
  AssumeRole: {
    readOnly: false,
    async run(services, call, input) {
      const named = readRoleArn(input)
      const found = await services.store.role(named.accountId, named.roleName)
      const request = readRoleSession(input, found)
      requireTrust(call, named.arn, named.accountId, found, 'sts:AssumeRole', request)
      const { role } = found!
      requireDuration(call, role.maxSessionSeconds, request.durationSeconds)
      const policies = readSessionPolicies(input)
      const tags = withInherited(call, request)
      const bearer = bearerOf(found!, request.sessionName)
      const credentials = services.sessions.start({
        ...policies,
        accountId: role.accountId,
        bearer,
        durationSeconds: request.durationSeconds,
        tags,
        transitiveTagKeys: [...inheritedKeys(call.principal), ...request.transitiveTagKeys],
        sourceIdentity: request.sourceIdentity ?? call.principal.session?.sourceIdentity,
      })
      return {
        Credentials: credentialsOutput(credentials),
        AssumedRoleUser: assumedRoleUser(found!, request.sessionName),
        PackedPolicySize: packedSize(policies.policy),
        SourceIdentity: request.sourceIdentity,
      }
    },
  },
  GetSessionToken: {
    readOnly: false,
    async run({ sessions }, call, input) {
      const { principal } = call
      const isRoot = principal.principalType === 'Root'
      const most = isRoot ? HOUR : 36 * HOUR
      const given = input.optionalNumber('DurationSeconds', 900, 36 * HOUR)
      requireAllowed(call, ownAccess(call, 'sts:GetSessionToken'))
      refuseSessions(call, 'GetSessionToken')
      if (input.has('SerialNumber') || input.has('TokenCode')) {
        throw new ServiceError(
          'AccessDenied',
          'MultiFactorAuthentication failed with invalid MFA one time pass code.',
          403,
        )
      }
      const bearer: SessionBearer = isRoot
        ? { kind: 'root' }
        : { kind: 'user', userName: principal.userName!, userId: principal.principalId }
      const durationSeconds = Math.min(given ?? 12 * HOUR, most)
      const { accountId } = principal
      return { Credentials: credentialsOutput(sessions.start({ accountId, bearer, durationSeconds })) }
    },
  },
  GetFederationToken: {
    readOnly: false,
    async run({ sessions }, call, input) {
      const { principal } = call
      const isRoot = principal.principalType === 'Root'
      const name = input.matching('Name', SESSION_NAME, 32)
      const given = input.optionalNumber('DurationSeconds', 900, 36 * HOUR)
      const policies = readSessionPolicies(input)
      const tags = readSessionTags(input)
      const { accountId } = principal
      const resource = `arn:aws:sts::${accountId}:federated-user/${name}`
      const request: SessionRequest = {
        sessionName: name,
        durationSeconds: given ?? 12 * HOUR,
        tags,
        transitiveTagKeys: [],
        roleTags: {},
      }
      requireAllowed(call, { ...ownAccess(call, 'sts:GetFederationToken', request), resource })
      if (Object.keys(tags).length > 0)
        requireAllowed(call, { ...ownAccess(call, 'sts:TagSession', request), resource })
      refuseSessions(call, 'GetFederationToken')
      const by = isRoot ? undefined : { userName: principal.userName!, userId: principal.principalId }
      const credentials = sessions.start({
        ...policies,
        accountId,
        bearer: { kind: 'federated', name, by },
        durationSeconds: Math.min(given ?? 12 * HOUR, isRoot ? HOUR : 36 * HOUR),
        tags,
      })
      return {
        Credentials: credentialsOutput(credentials),
        FederatedUser: { FederatedUserId: `${accountId}:${name}`, Arn: resource },
        PackedPolicySize: packedSize(policies.policy),
      }
    },
  },
  GetAccessKeyInfo: {
    readOnly: true,
    async run({ store }, call, input) {
      const accessKeyId = input.matching('AccessKeyId', '[\\w]+', 128)
      requireAllowed(call, ownAccess(call, 'sts:GetAccessKeyInfo'))
      const key: AccessKeyRecord | undefined = await store.accessKey(accessKeyId)
      const own = accessKeyId === call.principal.accessKeyId ? call.principal.accountId : undefined
      const accountId = key?.accountId ?? own
      if (accountId === undefined) throw input.invalid(`The access key id ${accessKeyId} is not valid.`)
      return { Account: accountId }
    },
  },
  ...Object.fromEntries(
    'AssumeRoleWithSAML AssumeRoot DecodeAuthorizationMessage GetDelegatedAccessToken GetWebIdentityToken'
      .split(' ')
      .map((name) => [name, { readOnly: /^(Get|Decode)/.test(name) }]),
  ),
}

function readRoleArn(input: Input) {
  const arn = input.matching('RoleArn', 'arn:aws:iam::\\d{12}:role/.+', 2048)
  const [, accountId = '', path = ''] = /^arn:aws:iam::(\d{12}):role\/(.+)$/.exec(arn)!
  return { arn, accountId, roleName: path.slice(path.lastIndexOf('/') + 1) }
}

function readRoleSession(input: Input, found: RoleWithPolicies | undefined): SessionRequest {
  const sessionName = input.matching('RoleSessionName', SESSION_NAME, 64)
  if (sessionName.length < 2) {
    throw input.constraint('RoleSessionName', sessionName, 'Member must have length greater than or equal to 2')
  }
  const defaultSeconds = Math.min(HOUR, found?.role.maxSessionSeconds ?? HOUR)
  return {
    sessionName,
    durationSeconds: input.optionalNumber('DurationSeconds', 900, 12 * HOUR) ?? defaultSeconds,
    externalId: input.optionalMatching('ExternalId', '[\\w+=,.@:/-]+', 1224),
    sourceIdentity: input.optionalMatching('SourceIdentity', SESSION_NAME, 64),
    tags: readSessionTags(input),
    transitiveTagKeys: input.texts('TransitiveTagKeys'),
    roleTags: found?.role.tags ?? {},
  }
}

/** The role's trust policy must name the caller, and where it names an account, that account must have allowed it too. */
function requireTrust(
  call: CallContext,
  arn: string,
  accountId: string,
  found: RoleWithPolicies | undefined,
  action: string,
  request: SessionRequest,
): void {
  const { principal } = call
  const wanted = [action]
  if (Object.keys(request.tags).length > 0) wanted.push('sts:TagSession')
  if (request.sourceIdentity !== undefined) wanted.push('sts:SetSourceIdentity')
  for (const one of wanted) {
    const access: Access = {
      action: one,
      resource: arn,
      resourceAccount: accountId,
      resourcePolicy: found?.trust,
      resourceMustAllow: true,
      keys: (key) => keyValue(STS_KEYS, request, key) ?? request.claims?.[key],
    }
    const decision = authorize(call, access)
    call.decided(decisionFacts(call, access, decision))
    if (!decision.allowed) throw denied(call, access, decision)
  }
  if (principal.principalType === 'Root') {
    throw new ServiceError('AccessDenied', 'Roles may not be assumed by root accounts.', 403)
  }
}

function requireDuration({ principal }: CallContext, maxSessionSeconds: number, durationSeconds: number): void {
  const isChained = principal.principalType === 'AssumedRole'
  if (isChained && durationSeconds > HOUR) {
    const message = 'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining'
    throw new ServiceError('ValidationError', message)
  }
  if (durationSeconds > maxSessionSeconds) {
    throw new ServiceError(
      'ValidationError',
      'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
    )
  }
}

const inheritedKeys = ({ session }: CallContext['principal']) => session?.transitiveTagKeys ?? []

/** Tags that the session before declared transitive go on; they cannot be set anew. */
function withInherited({ principal }: CallContext, { tags }: SessionRequest): Record<string, string> {
  const inherited = Object.fromEntries(
    inheritedKeys(principal).flatMap((key) => (key in principal.tags ? [[key, principal.tags[key]!]] : [])),
  )
  const clash = Object.keys(tags).find((key) =>
    Object.keys(inherited).some((one) => one.toLowerCase() === key.toLowerCase()),
  )
  if (clash !== undefined) {
    const message = `One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.`
    throw new ServiceError('InvalidParameterValue', message)
  }
  return { ...inherited, ...tags }
}

/** Neither of the two long-term operations is for those who are in a session already. */
function refuseSessions({ principal }: CallContext, operation: string): void {
  if (principal.session === undefined) return
  throw new ServiceError('AccessDenied', `Cannot call ${operation} with session credentials`, 403)
}

function ownAccess(call: CallContext, action: string, request?: SessionRequest): Access {
  return {
    action,
    resource: '*',
    resourceAccount: call.principal.accountId,
    resourcePolicy: undefined,
    ...(request && { keys: (key: string) => keyValue(STS_KEYS, request, key) }),
  }
}

const bearerOf = ({ role }: RoleWithPolicies, sessionName: string): SessionBearer => ({
  kind: 'role',
  roleName: role.roleName,
  roleId: role.roleId,
  sessionName,
})

const assumedRoleUser = ({ role }: RoleWithPolicies, sessionName: string) => ({
  AssumedRoleId: `${role.roleId}:${sessionName}`,
  Arn: `arn:aws:sts::${role.accountId}:assumed-role/${role.roleName}/${sessionName}`,
})

const credentialsOutput = ({ accessKeyId, secretAccessKey, sessionToken, expiresAtMs }: TemporaryCredentials) => ({
  AccessKeyId: accessKeyId,
  SecretAccessKey: secretAccessKey,
  SessionToken: sessionToken,
  Expiration: new Date(expiresAtMs),
})

/** In percent of what is allowed. */
const packedSize = (policy: string | undefined) =>
  policy === undefined ? undefined : Math.ceil((policy.length / 2048) * 100)
