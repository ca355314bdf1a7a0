/** Why a request was not allowed: the statements that it fits in all but one part. Pure. */
import type { NearMiss } from '../core/outcome.ts'
import { type Policies, type PolicyType, policiesByType, prepare } from './decide.ts'
import type { Policy, Statement } from './document.ts'
import type { PolicyRequest, PreparedRequest } from './request.ts'

/** More would hide the ones that matter. */
const MOST = 10

/** Those that the request would meet but for one part, conditions first: they are what people get wrong. */
export function nearMisses(request: PolicyRequest, policies: Policies): readonly NearMiss[] {
  const prepared = prepare(request)
  const found: NearMiss[] = []
  for (const [type, policy] of policiesByType(policies)) {
    for (const statement of policy.statements) {
      const failed = failedParts(statement, prepared)
      if (failed.length === 1) found.push({ ...named(type, policy, statement), ...failed[0]! })
    }
  }
  return found.sort((a, b) => ORDER.indexOf(a.failed) - ORDER.indexOf(b.failed)).slice(0, MOST)
}

type Failed = Pick<NearMiss, 'failed' | 'operator' | 'key' | 'wanted' | 'found'>

const ORDER: readonly NearMiss['failed'][] = ['condition', 'principal', 'resource', 'action']

function failedParts(statement: Statement, request: PreparedRequest): Failed[] {
  const failed: Failed[] = []
  if (statement.principals && statement.principals(request.principal) === undefined)
    failed.push({ failed: 'principal' })
  if (!statement.matchesAction(request)) failed.push({ failed: 'action' })
  if (!statement.matchesResource(request)) failed.push({ failed: 'resource' })
  for (const { operator, key, values, holds } of statement.conditions) {
    if (holds(request.context)) continue
    const value = request.context.get(key.toLowerCase())
    failed.push({ failed: 'condition', operator, key, wanted: values, ...(value && { found: value }) })
  }
  return failed
}

const named = (policyType: PolicyType, policy: Policy, statement: Statement) => ({
  policyType,
  policy: policy.name,
  statement: statement.sid ?? `#${statement.index + 1}`,
  effect: statement.effect,
})
