/** Decisions that are only asked about: policies, actions, resources and a context, all of them supposed. */
import { readIdentityPolicy } from '../identity/policy-documents.ts'
import { type Decision, decide, prepare } from '../policy/decide.ts'
import { type Policy, readPolicy } from '../policy/document.ts'
import type { PolicyPrincipal, PolicyRequest, RequestContext } from '../policy/request.ts'
import type { SourcePolicy } from './policies-of.ts'

export interface Supposed {
  readonly identity: readonly SourcePolicy[]
  readonly boundary: SourcePolicy | undefined
  readonly resource: SourcePolicy | undefined
  readonly caller: PolicyPrincipal
  readonly resourceAccount: string
  readonly context: ReadonlyMap<string, readonly string[]>
}

export interface Question {
  readonly action: string
  readonly resource: string
}

/** Compiles the policies once, for any number of questions. Throws PolicyMalformed. */
export function simulator(supposed: Supposed): (question: Question) => object {
  const sources = new Map<Policy, SourcePolicy>()
  const read = (source: SourcePolicy, policy: Policy) => {
    sources.set(policy, source)
    return policy
  }
  const identity = supposed.identity.map((source) => read(source, readIdentityPolicy(source.document, source.id)))
  const boundary =
    supposed.boundary && read(supposed.boundary, readIdentityPolicy(supposed.boundary.document, 'boundary'))
  const resource =
    supposed.resource && read(supposed.resource, readPolicy(supposed.resource.document, 'resource', 'resource'))
  const { caller, context, resourceAccount } = supposed
  const policies = { identity, boundary, resource, session: undefined, resourceAccount, resourceMustAllow: false }

  return ({ action, resource: resourceName }) => {
    const request: PolicyRequest = { action, resource: resourceName, principal: caller, context }
    const decision = decide(request, policies)
    const deciding = decision.allowed || decision.explicit ? decision.by : []
    return {
      EvalActionName: action,
      EvalResourceName: resourceName,
      EvalDecision: wordFor(decision),
      MatchedStatements: deciding.map(({ policy }) => {
        const { id, type } = sources.get(policy)!
        return { SourcePolicyId: id, SourcePolicyType: type }
      }),
      MissingContextValues: missingKeys([...sources.keys()], request),
      PermissionsBoundaryDecisionDetail: boundary && {
        AllowedByPermissionsBoundary: isAllowedBy(boundary, request, resourceAccount),
      },
    }
  }
}

function wordFor(decision: Decision): string {
  if (decision.allowed) return 'allowed'
  return decision.explicit ? 'explicitDeny' : 'implicitDeny'
}

/** What the boundary says by itself. */
function isAllowedBy(boundary: Policy, request: PolicyRequest, resourceAccount: string): boolean {
  const alone = { identity: [boundary], boundary: undefined, resource: undefined, session: undefined }
  return decide(request, { ...alone, resourceAccount, resourceMustAllow: false }).allowed
}

/** Keys of conditions that stand in the way of statements which are about this action and resource. */
function missingKeys(policies: readonly Policy[], given: PolicyRequest): readonly string[] {
  const request = prepare(given)
  const about = policies
    .flatMap(({ statements }) => statements)
    .filter((statement) => statement.matchesAction(request) && statement.matchesResource(request))
  const keys = about.flatMap(({ conditions }) => conditions.map(({ key }) => key))
  return [...new Set(keys)].filter((key) => !has(given.context, key))
}

const has = (context: RequestContext, key: string) => context.has(key.toLowerCase())
