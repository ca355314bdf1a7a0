/**
 * What became of a request that was refused, or what would become of one that is only supposed. Policies of an account
 * are told to its root user, and to those of its callers who may `strongroom:Explain`.
 */
import type { Refusal } from '../audit/recent-refusals.ts'
import type { Clock } from '../core/clock.ts'
import type { Accounts } from '../identity/accounts.ts'
import type { IdentityStore } from '../identity/identity-store.ts'
import { namedPrincipal } from '../identity/named-principal.ts'
import { requireAllowed } from '../policy/authorize.ts'
import { ANONYMOUS, type CallContext, type Principal } from '../policy/call.ts'
import type { Input } from '../protocols/input.ts'
import type { Output } from '../protocols/service-door.ts'
import { ServiceError } from '../protocols/service-error.ts'
import { findResource, ownerOf, type ResourceSources } from './resource.ts'
import { suppose } from './suppose.ts'

export interface ExplainServices extends ResourceSources {
  readonly identity: IdentityStore
  readonly accounts: Accounts
  readonly clock: Clock
  /** Among the latest refusals of all processes. */
  readonly findRefusal: (requestId: string) => Promise<Refusal | undefined>
}

const MAX_ARN = 2048

/** Throws ServiceError, and AccessDenied where the caller may not ask. */
export async function explain(services: ExplainServices, call: CallContext, input: Input): Promise<Output> {
  const resourceAccount = call.principal.accountId
  requireAllowed(call, { action: 'strongroom:Explain', resource: '*', resourceAccount, resourcePolicy: undefined })
  const requestId = input.optionalText('requestId', 64, 1)
  return requestId === undefined ? explainSupposed(services, call, input) : explainReal(services, call, requestId)
}

async function explainReal(services: ExplainServices, call: CallContext, requestId: string): Promise<Output> {
  const refusal = await services.findRefusal(requestId)
  const owners = await Promise.all(
    (refusal?.decisions ?? []).map(({ resource }) => ownerOf(services.records, resource)),
  )
  if (!refusal || !concernsOnly(call, [refusal.callerAccount, ...owners])) {
    throw notFound(`No request ${requestId} is among the latest that were refused.`)
  }
  return { ...refusal }
}

async function explainSupposed(services: ExplainServices, call: CallContext, input: Input): Promise<Output> {
  const principalArn = input.text('principal', MAX_ARN)
  const principal = await namedPrincipal(principalArn, services)
  const action = input.matching('action', '[a-zA-Z0-9-]+:[a-zA-Z0-9]+', 128)
  const resourceArn = input.text('resource', MAX_ARN)
  const owner = await ownerOf(services.records, resourceArn)
  if (!principal || !concernsOnly(call, [principal.accountId])) throw notFound(`There is no principal ${principalArn}.`)
  const resource = await findResource(services, principal, action, resourceArn)
  if (!resource || !concernsOnly(call, [owner, resource.resourceAccount]))
    throw notFound(`There is no resource ${resourceArn}.`)
  const facts = suppose(call, {
    principal,
    action,
    ...resource,
    context: input.textLists('context'),
    secureTransport: !input.has('secureTransport') || input.flag('secureTransport'),
  })
  return { principal: shown(principal), ...facts }
}

/** Nobody learns of another account's policies here; the anonymous caller has none. */
const concernsOnly = ({ principal }: CallContext, accounts: readonly (string | undefined)[]) =>
  accounts.every((id) => id === undefined || id === ANONYMOUS.accountId || id === principal.accountId)

const shown = ({ named, arn }: Principal) => (named.kind === 'AssumedRole' ? named.roleArn : arn)

const notFound = (message: string) => new ServiceError('NotFoundException', message, 404)
