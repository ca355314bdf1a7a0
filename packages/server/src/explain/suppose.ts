/** Decides a request that nobody has sent. Pure. */
import type { DecisionFacts } from '../core/outcome.ts'
import { isOwnersWayOut, OWNERS_WAY_OUT } from '../objects/bucket-policy.ts'
import { factsOfDecision, policiesOf } from '../policy/authorize.ts'
import type { CallContext, Principal } from '../policy/call.ts'
import { AccessContext } from '../policy/condition-keys.ts'
import { decide } from '../policy/decide.ts'
import type { RequestContext } from '../policy/request.ts'
import type { Resource } from './resource.ts'

export interface SupposedRequest extends Resource {
  readonly principal: Principal
  readonly action: string
  /** Condition keys in any case; they go before what would follow from the request. */
  readonly context: ReadonlyMap<string, readonly string[]>
  readonly secureTransport: boolean
}

/** What is not said of the request, such as its time and address, is as with `asking`, the call that asks. */
export function suppose(asking: CallContext, supposed: SupposedRequest): DecisionFacts {
  const { principal, action, resource, secureTransport } = supposed
  const call: CallContext = { ...asking, principal, secureTransport }
  const given = new Map([...supposed.context].map(([key, values]) => [key.toLowerCase(), values]))
  const following = new AccessContext(call, supposed)
  const context: RequestContext = {
    get: (key) => given.get(key) ?? following.get(key),
    has: (key) => given.has(key) || following.has(key),
  }
  const request = { action, resource, principal: principal.named, context }
  const policies = policiesOf(call, supposed)
  const decision = isOwnersWayOut(principal, supposed) ? OWNERS_WAY_OUT : decide(request, policies)
  return factsOfDecision(request, policies, decision)
}
