/** One access by one call: the decision, and what is said of it. */
import { Fault } from '../core/fault.ts'
import type { DecisionFacts } from '../core/outcome.ts'
import type { Access } from './access.ts'
import type { CallContext } from './call.ts'
import { AccessContext } from './condition-keys.ts'
import { type Decided, type Decision, decide, type Policies, type PolicyType } from './decide.ts'
import { nearMisses } from './explain.ts'
import type { PolicyRequest } from './request.ts'

export function authorize(call: CallContext, access: Access): Decision {
  return decide(requestOf(call, access), policiesOf(call, access))
}

const requestOf = (call: CallContext, access: Access): PolicyRequest => ({
  action: access.action,
  resource: access.resource,
  principal: call.principal.named,
  context: new AccessContext(call, access),
})

/** Field by field: copying with a spread costs as much here as the decision itself. */
export const policiesOf = ({ principal }: Pick<CallContext, 'principal'>, access: Access): Policies => ({
  identity: principal.permissions.identity,
  boundary: principal.permissions.boundary,
  session: principal.permissions.session,
  resource: access.resourcePolicy,
  resourceAccount: access.resourceAccount,
  resourceMustAllow: access.resourceMustAllow ?? false,
})

/** Throws Fault AccessDenied where the access is not allowed. */
export function requireAllowed(call: CallContext, access: Access): void {
  const decision = authorize(call, access)
  call.decided(decisionFacts(call, access, decision))
  if (!decision.allowed) throw denied(call, access, decision)
}

/** The refusal in AWS's words (IAM user guide, "Troubleshoot access denied error messages"). */
export function denied(
  call: CallContext,
  { action, resource, resourceAccount }: Pick<Access, 'action' | 'resource' | 'resourceAccount'>,
  decision: Exclude<Decision, { allowed: true }>,
): Fault<'AccessDenied'> {
  const { principal } = call
  return new Fault('AccessDenied', {
    callerArn: principal.arn,
    action,
    resource,
    reason: decision.explicit
      ? `with an explicit deny in ${IN_A[decision.by[0]!.type]}`
      : `because no ${NO[decision.missing]} allows the ${action} action`,
    // Strangers learn nothing of policies.
    told: principal.named.kind !== 'Anonymous' && principal.accountId === resourceAccount,
  })
}

const IN_A: Readonly<Record<PolicyType, string>> = {
  'resource-based': 'a resource-based policy',
  'identity-based': 'an identity-based policy',
  'permissions boundary': 'a permissions boundary',
  session: 'a session policy',
}

const NO: Readonly<Record<PolicyType, string>> = {
  'resource-based': 'resource-based policy',
  'identity-based': 'identity-based policy',
  'permissions boundary': 'permissions boundary',
  session: 'session policy',
}

/** What is told of a decision. Of a refusal also what nearly applied, which takes a second look at the policies. */
export function decisionFacts(call: CallContext, access: Access, decision: Decision): DecisionFacts {
  return factsOfDecision(requestOf(call, access), policiesOf(call, access), decision)
}

/** As `decisionFacts`, of a request that was put together for being explained. */
export function factsOfDecision(request: PolicyRequest, policies: Policies, decision: Decision): DecisionFacts {
  const { action, resource } = request
  if (decision.allowed) return { action, resource, decision: 'Allowed', by: decision.by.map(statementFacts) }
  const near = nearMisses(request, policies)
  return decision.explicit
    ? { action, resource, decision: 'ExplicitDeny', by: decision.by.map(statementFacts), near }
    : { action, resource, decision: 'ImplicitDeny', by: [], missing: decision.missing, near }
}

const statementFacts = ({ type, policy, statement }: Decided) => ({
  policyType: type,
  policy: policy.name,
  statement: statement.sid ?? `#${statement.index + 1}`,
})
