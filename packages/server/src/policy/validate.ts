/**
 * What a resource's policy must be beyond being a policy: about that resource, with actions and condition keys that
 * there are. A misspelt key would leave open what it was meant to close. The texts are those of S3.
 */
import { Pattern } from './pattern.ts'
import { PolicyError } from './policy-error.ts'
import {
  type ActionReference,
  GLOBAL_CONDITION_KEYS,
  hasKey,
  SERVICES,
  type ServiceReference,
} from './reference/service-reference.ts'

/** Where the policy is to stand. */
export type PolicyPlace =
  | { readonly service: 's3'; readonly bucket: string }
  /** Its statements' resources are not looked at, as KMS does not: a key policy is about its key alone. */
  | { readonly service: 'kms' }

type Statement = Readonly<Record<string, unknown>>

/** `document`: parsed, and already known to be a policy (`readPolicy`). Throws PolicyError. */
export function validateResourcePolicy(document: { readonly Statement: unknown }, place: PolicyPlace): void {
  const reference = SERVICES.get(place.service)!
  for (const statement of [document.Statement].flat() as Statement[]) {
    const resourceTypes = place.service === 's3' ? bucketResourceTypes(statement, place.bucket) : undefined
    const actions = actionsOf(statement, place.service, reference, resourceTypes)
    for (const block of Object.values((statement.Condition ?? {}) as Record<string, object>)) {
      for (const key of Object.keys(block)) validateKey(key, place.service, reference, actions)
    }
  }
}

/** Which types of resource the statement can be about. Throws PolicyError where one is not the bucket's. */
function bucketResourceTypes(statement: Statement, bucket: string): ReadonlySet<string> {
  const types = new Set<string>()
  for (const resource of [statement.Resource ?? statement.NotResource].flat() as string[]) {
    const rest = resource === '*' ? '*' : /^arn:aws:s3:::(.+)$/.exec(resource)?.[1]
    if (rest === undefined) throw new PolicyError('Policy has invalid resource')
    const slash = rest.indexOf('/')
    const name = new Pattern(slash < 0 ? rest : rest.slice(0, slash), { variables: false, wildcards: true })
    if (!name.matches(bucket, NO_CONTEXT)) throw new PolicyError('Policy has invalid resource')
    if (slash < 0) types.add('bucket')
    // A star may reach over the slash.
    if (slash >= 0 || rest.endsWith('*')) types.add('object')
  }
  return statement.Resource === undefined ? new Set(['bucket', 'object']) : types
}

/** The actions that the statement names. Throws PolicyError where one is none, or is about other resources. */
function actionsOf(
  statement: Statement,
  service: string,
  reference: ServiceReference,
  resourceTypes: ReadonlySet<string> | undefined,
): readonly ActionReference[] {
  const fits = (action: ActionReference) =>
    resourceTypes === undefined || action.resourceTypes.some((type) => resourceTypes.has(type))
  if (statement.Action === undefined) return reference.actions.filter(fits)
  return ([statement.Action].flat() as string[]).flatMap((text) => {
    if (text === '*') return reference.actions.filter(fits)
    const pattern = new Pattern(text.toLowerCase(), { variables: false, wildcards: true })
    const named = reference.actions.filter(({ name }) => pattern.matches(name.toLowerCase(), NO_CONTEXT))
    if (named.length === 0 || !text.toLowerCase().startsWith(`${service}:`)) {
      throw new PolicyError('Policy has invalid action')
    }
    const fitting = named.filter(fits)
    if (fitting.length === 0) throw new PolicyError('Action does not apply to any resource(s) in statement')
    return fitting
  })
}

function validateKey(
  key: string,
  service: string,
  reference: ServiceReference,
  actions: readonly ActionReference[],
): void {
  if (hasKey(GLOBAL_CONDITION_KEYS, key)) return
  const isOwn = key.toLowerCase().startsWith(`${service}:`)
  if (!isOwn || !hasKey(reference.conditionKeys, key)) throw new PolicyError('Policy has an invalid condition key')
  if (!actions.some(({ conditionKeys }) => hasKey(conditionKeys, key))) {
    throw new PolicyError('Conditions do not apply to combination of actions and resources in statement')
  }
}

const NO_CONTEXT = { get: () => undefined, has: () => false }
