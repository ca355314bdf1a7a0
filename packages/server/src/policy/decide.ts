/**
 * The decision: an explicit Deny of any policy wins; else what must allow, must
 * (IAM user guide, "Policy evaluation logic"; KMS developer guide, "Key policies in AWS KMS").
 */
import { splitArn } from './arn-pattern.ts'
import type { Policy, Statement } from './document.ts'
import type { Naming } from './principal.ts'
import type { PolicyPrincipal, PolicyRequest, PreparedRequest } from './request.ts'

export type PolicyType = 'resource-based' | 'identity-based' | 'permissions boundary' | 'session'

export interface Policies {
  /** Account of what is asked for. */
  readonly resourceAccount: string
  readonly resource: Policy | undefined
  readonly identity: readonly Policy[]
  readonly boundary: Policy | undefined
  /** Undefined where the session has none; several must all allow. */
  readonly session: readonly Policy[] | undefined
  /**
   * Whether the resource's policy must give its part also within the account: true of KMS keys, which no identity policy
   * opens by itself.
   */
  readonly resourceMustAllow: boolean
}

export interface Decided {
  readonly type: PolicyType
  readonly policy: Policy
  readonly statement: Statement
}

export type Decision =
  | { readonly allowed: true; readonly by: readonly Decided[] }
  | { readonly allowed: false; readonly explicit: true; readonly by: readonly Decided[] }
  /** `missing`: the first kind of policy that would have had to allow and did not. */
  | { readonly allowed: false; readonly explicit: false; readonly missing: PolicyType }

export function decide(request: PolicyRequest, policies: Policies): Decision {
  const { principal } = request
  const found = matching(request, policies)
  const denies = found.filter(({ statement }) => statement.effect === 'Deny')
  if (denies.length > 0) return { allowed: false, explicit: true, by: denies }

  const allows = (type: PolicyType) => found.filter((one) => one.type === type && one.statement.effect === 'Allow')
  const byResource = allows('resource-based')
  const named = nearestNaming(byResource, principal)
  if (principal.kind === 'Anonymous' || principal.kind === 'Service') {
    return byResource.length > 0 ? { allowed: true, by: byResource } : implicit('resource-based')
  }

  // Any provider can vouch for anybody, so a role's trust must name this one.
  if (principal.kind === 'WebIdentity') {
    return named === 'self' ? { allowed: true, by: byResource } : implicit('resource-based')
  }

  const isOwn = principal.accountId === policies.resourceAccount
  const isOwner = principal.kind === 'Account' && isOwn && !policies.resourceMustAllow
  if (isOwner) return { allowed: true, by: byResource }
  if (!named && (!isOwn || policies.resourceMustAllow)) return implicit('resource-based')

  const standsAlone = isOwn && named !== undefined && named !== 'account'
  const byIdentity = principal.kind === 'Account' ? undefined : allows('identity-based')
  if (!standsAlone && byIdentity?.length === 0) return implicit('identity-based')
  const by = [...byResource, ...(byIdentity ?? [])]
  // Given to the user or session by name, it is held by nothing else.
  if (standsAlone && named === 'self') return { allowed: true, by }

  const byBoundary = allows('permissions boundary')
  if (policies.boundary && byBoundary.length === 0) return implicit('permissions boundary')
  const bySession = allows('session')
  const sessionAllows = (policies.session ?? []).every((policy) => bySession.some((one) => one.policy === policy))
  if (!sessionAllows) return implicit('session')
  return { allowed: true, by: [...by, ...byBoundary, ...bySession] }
}

const implicit = (missing: PolicyType): Decision => ({ allowed: false, explicit: false, missing })

/** Every statement of every policy that is about this request. */
function matching(given: PolicyRequest, policies: Policies): Decided[] {
  const found: Decided[] = []
  const all = policiesByType(policies)
  if (all.length === 0) return found
  const request = prepare(given)
  for (const [type, policy] of all) {
    for (const statement of policy.statements) if (isAbout(statement, request)) found.push({ type, policy, statement })
  }
  return found
}

export function policiesByType(policies: Policies): (readonly [PolicyType, Policy])[] {
  const { resource, identity, boundary, session } = policies
  const all: (readonly [PolicyType, Policy])[] = resource ? [['resource-based', resource]] : []
  for (const policy of identity) all.push(['identity-based', policy])
  if (boundary) all.push(['permissions boundary', boundary])
  for (const policy of session ?? []) all.push(['session', policy])
  return all
}

export const prepare = (request: PolicyRequest): PreparedRequest => ({
  action: request.action,
  resource: request.resource,
  principal: request.principal,
  context: request.context,
  lowerCaseAction: request.action.toLowerCase(),
  resourceParts: splitArn(request.resource),
})

function isAbout(statement: Statement, request: PreparedRequest): boolean {
  return (
    statement.matchesResource(request) &&
    statement.matchesAction(request) &&
    (statement.principals === undefined || statement.principals(request.principal) !== undefined) &&
    statement.conditions.every(({ holds }) => holds(request.context))
  )
}

function nearestNaming(allows: readonly Decided[], principal: PolicyPrincipal): Naming | undefined {
  const namings = allows.map(({ statement }) => statement.principals?.(principal))
  return (['self', 'role', 'everybody', 'account'] as const).find((naming) => namings.includes(naming))
}
