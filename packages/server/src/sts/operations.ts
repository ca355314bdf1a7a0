/** The STS operations, one row each. Source: AWS STS API reference. */
import type { CallerFacts } from '../core/outcome.ts'
import type { Directory } from '../identity/directory.ts'
import type { SessionBearer } from '../identity/session-token.ts'
import type { Sessions, TemporaryCredentials } from '../identity/sessions.ts'
import { verifyWebIdentity, type WebIdentity, type WebIdentityRooms } from '../identity/web-identity.ts'
import type { Access } from '../policy/access.ts'
import { requireAllowed } from '../policy/authorize.ts'
import { ANONYMOUS, type CallContext } from '../policy/call.ts'
import { keyValue } from '../policy/condition-keys.ts'
import type { Input } from '../protocols/input.ts'
import type { Output, ServiceOperation } from '../protocols/service-door.ts'
import { ServiceError } from '../protocols/service-error.ts'
import { type SessionRequest, STS_KEYS } from './condition-keys.ts'
import {
  HOUR,
  readDuration,
  readRoleArn,
  readRoleSession,
  type StartedSession,
  startRoleSession,
  withInherited,
} from './role-session.ts'
import { readSessionPolicies, readSessionTags, requiredName, requirePacked } from './session-input.ts'

export interface StsServices extends WebIdentityRooms {
  readonly directory: Directory
  readonly sessions: Sessions
}

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
      const request = withInherited(call.principal, readRoleSession(input))
      refuseSecondFactor(input)
      if (call.principal.principalType === 'Root') {
        throw new ServiceError('AccessDenied', 'Roles may not be assumed by root accounts.', 403)
      }
      const started = await startRoleSession(services, call, input, named, { action: 'sts:AssumeRole', request })
      return roleOutput(started)
    },
  },
  AssumeRoleWithWebIdentity: {
    readOnly: false,
    unsigned: true,
    async run(services, call, input) {
      const named = readRoleArn(input)
      const said = { sessionName: requiredName(input, 'RoleSessionName', 64), durationSeconds: readDuration(input) }
      const identity = await verifyWebIdentity(services, named.accountId, input.text('WebIdentityToken', 20_000, 4))
      const { providerArn: federatedProvider, audience, subject, claims } = identity
      const started = await startRoleSession(services, asWebIdentity(call, identity), input, named, {
        action: 'sts:AssumeRoleWithWebIdentity',
        request: { ...said, tags: {}, transitiveTagKeys: [], claims },
        federatedProvider,
      })
      return {
        ...roleOutput(started),
        SubjectFromWebIdentityToken: subject,
        Provider: federatedProvider,
        Audience: audience,
      }
    },
  },
  GetSessionToken: {
    readOnly: false,
    async run({ sessions }, call, input) {
      refuseSessions(call, 'GetSessionToken')
      const { accountId } = call.principal
      const durationSeconds = readLongDuration(call, input)
      refuseSecondFactor(input)
      const by = userOf(call)
      const bearer: SessionBearer = by ? { kind: 'user', ...by } : { kind: 'root' }
      return { Credentials: credentialsOutput(sessions.start({ accountId, bearer, durationSeconds })) }
    },
  },
  GetFederationToken: {
    readOnly: false,
    async run({ store, sessions }, call, input) {
      refuseSessions(call, 'GetFederationToken')
      const { accountId } = call.principal
      const name = requiredName(input, 'Name', 32)
      const durationSeconds = readLongDuration(call, input)
      const tags = readSessionTags(input)
      const resource = `arn:aws:sts::${accountId}:federated-user/${name}`
      const request = { sessionName: name, durationSeconds, tags, transitiveTagKeys: [], roleTags: {} }
      requireAllowed(call, ownAccess(call, 'sts:GetFederationToken', resource, request))
      if (Object.keys(tags).length > 0) requireAllowed(call, ownAccess(call, 'sts:TagSession', resource, request))
      const session = { ...(await readSessionPolicies(input, store, accountId)), tags, transitiveTagKeys: [] }
      const PackedPolicySize = requirePacked(session)
      const bearer = { kind: 'federated', name, by: userOf(call) } as const
      return {
        Credentials: credentialsOutput(sessions.start({ ...session, accountId, bearer, durationSeconds })),
        FederatedUser: { FederatedUserId: `${accountId}:${name}`, Arn: resource },
        PackedPolicySize,
      }
    },
  },
  GetAccessKeyInfo: {
    readOnly: true,
    async run({ directory }, call, input) {
      input.text('AccessKeyId', 128, 16)
      const accessKeyId = input.matching('AccessKeyId', '[\\w]*', 128)
      requireAllowed(call, ownAccess(call, 'sts:GetAccessKeyInfo', '*'))
      const Account = await directory.accountOfAccessKey(accessKeyId)
      if (Account === undefined) throw input.invalid(`The access key id ${accessKeyId} is not valid.`)
      return { Account }
    },
  },
  ...Object.fromEntries(
    (
      'AssumeRoleWithSAML AssumeRoot DecodeAuthorizationMessage GetDelegatedAccessToken GetScopedCredentials ' +
      'GetWebIdentityToken'
    )
      .split(' ')
      .map((name) => [name, { readOnly: /^(Get|Decode)/.test(name) }]),
  ),
}

/** A web identity proves by its token who it is; the outcome names it as CloudTrail does. */
export function webIdentityNotes(output: Output): { readonly caller?: CallerFacts } {
  const { SubjectFromWebIdentityToken: subject, Provider: provider, Audience: audience } = output
  if (typeof subject !== 'string' || typeof provider !== 'string') return {}
  const principalId = `${provider}:${String(audience)}:${subject}`
  const accountId = provider.split(':')[4]!
  return {
    caller: {
      accountId,
      arn: principalId,
      principalId,
      principalType: 'WebIdentityUser',
      userName: subject,
      accessKeyId: undefined,
    },
  }
}

const asWebIdentity = (call: CallContext, { providerArn, subject }: WebIdentity): CallContext => ({
  ...call,
  principal: { ...ANONYMOUS, userName: subject, named: { kind: 'WebIdentity', provider: providerArn } },
})

/** Neither of the two long-term operations is for those who are in a session already. */
function refuseSessions({ principal }: CallContext, operation: string): void {
  if (principal.session === undefined) return
  throw new ServiceError('AccessDenied', `Cannot call ${operation} with session credentials`, 403)
}

/** There are no MFA devices here, so no code can be right. */
function refuseSecondFactor(input: Input): void {
  if (!input.has('SerialNumber') && !input.has('TokenCode')) return
  const message = 'MultiFactorAuthentication failed with invalid MFA one time pass code.'
  throw new ServiceError('AccessDenied', message, 403)
}

/** Twelve hours unless the caller says otherwise; of the root user never more than one. */
function readLongDuration({ principal }: CallContext, input: Input): number {
  const seconds = input.optionalNumber('DurationSeconds', 900, 36 * HOUR) ?? 12 * HOUR
  return principal.principalType === 'Root' ? Math.min(seconds, HOUR) : seconds
}

/** Undefined for the root user. */
function userOf({ principal }: CallContext): { userName: string; userId: string } | undefined {
  const { userName, principalId } = principal
  return userName === undefined ? undefined : { userName, userId: principalId }
}

function ownAccess(call: CallContext, action: string, resource: string, request?: SessionRequest): Access {
  return {
    action,
    resource,
    resourceAccount: call.principal.accountId,
    resourcePolicy: undefined,
    ...(request && { keys: (key: string) => keyValue(STS_KEYS, request, key) }),
  }
}

const roleOutput = ({ credentials, packedPolicySize, sessionName, role, sourceIdentity }: StartedSession) => ({
  Credentials: credentialsOutput(credentials),
  AssumedRoleUser: {
    AssumedRoleId: `${role.roleId}:${sessionName}`,
    Arn: `arn:aws:sts::${role.accountId}:assumed-role/${role.roleName}/${sessionName}`,
  },
  PackedPolicySize: packedPolicySize,
  SourceIdentity: sourceIdentity,
})

const credentialsOutput = ({ accessKeyId, secretAccessKey, sessionToken, expiresAtMs }: TemporaryCredentials) => ({
  AccessKeyId: accessKeyId,
  SecretAccessKey: secretAccessKey,
  SessionToken: sessionToken,
  Expiration: new Date(expiresAtMs),
})
