/** Sessions of roles: who may start one by the role's trust policy, and with what. */
import type { IdentityStore, RoleWithPolicies } from '../identity/identity-store.ts'
import { roleArn } from '../identity/records.ts'
import type { Sessions, TemporaryCredentials } from '../identity/sessions.ts'
import type { Access } from '../policy/access.ts'
import { requireAllowed } from '../policy/authorize.ts'
import type { CallContext, Principal } from '../policy/call.ts'
import { keyValue } from '../policy/condition-keys.ts'
import type { Input } from '../protocols/input.ts'
import { ServiceError } from '../protocols/service-error.ts'
import { type SessionRequest, STS_KEYS } from './condition-keys.ts'
import {
  conflict,
  optionalName,
  readSessionPolicies,
  readSessionTags,
  readTransitiveTagKeys,
  requiredName,
  requirePacked,
} from './session-input.ts'

export const HOUR = 3600

export interface NamedRole {
  readonly arn: string
  readonly accountId: string
  readonly roleName: string
}

export interface StartedSession {
  readonly credentials: TemporaryCredentials
  readonly packedPolicySize: number | undefined
  readonly sessionName: string
  readonly role: RoleWithPolicies['role']
  readonly sourceIdentity: string | undefined
}

/** Throws ServiceError ValidationError. */
export function readRoleArn(input: Input): NamedRole {
  const arn = input.text('RoleArn', 2048, 20)
  const [, accountId, path] = /^arn:aws:iam::(\d{12}):role\/(.+)$/.exec(arn) ?? []
  if (accountId === undefined || path === undefined) throw input.invalid(`${arn} is invalid`)
  return { arn, accountId, roleName: path.slice(path.lastIndexOf('/') + 1) }
}

/** AssumeRole's: everything that its caller may say of the session. */
export function readRoleSession(input: Input): Omit<SessionRequest, 'roleTags'> {
  const tags = readSessionTags(input)
  return {
    sessionName: requiredName(input, 'RoleSessionName', 64),
    durationSeconds: readDuration(input),
    externalId: optionalName(input, 'ExternalId', 1224, '[\\w+=,.@:\\/-]*'),
    sourceIdentity: optionalName(input, 'SourceIdentity', 64),
    tags,
    transitiveTagKeys: readTransitiveTagKeys(input, tags),
  }
}

export const readDuration = (input: Input) => input.optionalNumber('DurationSeconds', 900, 12 * HOUR) ?? HOUR

/** What a session of a role passes on to the next one: transitive tags and the source identity, which none can change. */
export function withInherited(
  { tags: has, session }: Principal,
  request: Omit<SessionRequest, 'roleTags'>,
): Omit<SessionRequest, 'roleTags'> {
  const keys = session?.transitiveTagKeys ?? []
  const taken = new Set(keys.map((key) => key.toLowerCase()))
  if (Object.keys(request.tags).some((key) => taken.has(key.toLowerCase()))) {
    throw conflict(
      "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.",
    )
  }
  const sourceIdentity = session?.sourceIdentity ?? request.sourceIdentity
  if ((request.sourceIdentity ?? sourceIdentity) !== sourceIdentity) {
    throw new ServiceError('AccessDenied', 'SourceIdentity cannot be changed once it is set.', 403)
  }
  return {
    ...request,
    sourceIdentity,
    tags: { ...Object.fromEntries(keys.map((key) => [key, has[key]!])), ...request.tags },
    transitiveTagKeys: [...keys, ...request.transitiveTagKeys],
  }
}

/**
 * Starts a session of `named` for the caller, if the role's trust policy names it and, where it names only its account,
 * the account has allowed it too. A role that is not there trusts nobody.
 */
export async function startRoleSession(
  rooms: { readonly store: IdentityStore; readonly sessions: Sessions },
  call: CallContext,
  input: Input,
  named: NamedRole,
  start: {
    readonly action: 'sts:AssumeRole' | 'sts:AssumeRoleWithWebIdentity'
    readonly request: Omit<SessionRequest, 'roleTags'>
    readonly federatedProvider?: string
  },
): Promise<StartedSession> {
  const found = await findRole(rooms.store, named)
  const request: SessionRequest = { ...start.request, roleTags: found?.role.tags ?? {} }
  const { tags, transitiveTagKeys, sourceIdentity, sessionName, durationSeconds } = request
  const access: Omit<Access, 'action'> = {
    resource: named.arn,
    resourceAccount: named.accountId,
    resourcePolicy: found?.trust,
    resourceMustAllow: true,
    keys: (key) => keyValue(STS_KEYS, request, key) ?? request.claims?.[key],
  }
  requireAllowed(call, { ...access, action: start.action })
  if (Object.keys(tags).length > 0) requireAllowed(call, { ...access, action: 'sts:TagSession' })
  if (sourceIdentity !== undefined) requireAllowed(call, { ...access, action: 'sts:SetSourceIdentity' })
  if (!found) throw new Error('a role that is not there was trusted')

  const { role } = found
  requireDuration(call, role.maxSessionSeconds, durationSeconds)
  const policies = await readSessionPolicies(input, rooms.store, role.accountId)
  const session = { ...policies, tags, transitiveTagKeys }
  const packedPolicySize = requirePacked(session)
  const credentials = rooms.sessions.start({
    ...session,
    accountId: role.accountId,
    bearer: { kind: 'role', roleName: role.roleName, roleId: role.roleId, sessionName },
    durationSeconds,
    sourceIdentity,
    federatedProvider: start.federatedProvider,
  })
  return { credentials, packedPolicySize, sessionName, role, sourceIdentity }
}

/** The path counts, too: two roles cannot share a name, but an ARN with another path names nothing. */
async function findRole(store: IdentityStore, { arn, accountId, roleName }: NamedRole) {
  const found = await store.role(accountId, roleName)
  return found && roleArn(found.role) === arn ? found : undefined
}

function requireDuration({ principal }: CallContext, maxSessionSeconds: number, durationSeconds: number): void {
  if (principal.principalType === 'AssumedRole' && durationSeconds > HOUR) {
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
