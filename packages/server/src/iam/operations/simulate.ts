/** Simulations of policies, and the context keys that they would need. */
import { readIdentityPolicy } from '../../identity/policy-documents.ts'
import { refused } from '../../identity/refusals.ts'
import type { CallContext } from '../../policy/call.ts'
import type { PolicyPrincipal } from '../../policy/request.ts'
import type { Input } from '../../protocols/input.ts'
import { contextKeysOf } from '../context-keys.ts'
import type { IamOperations } from '../operation.ts'
import { page } from '../page.ts'
import { type PolicySource, policiesOf, type SourcePolicy } from '../policies-of.ts'
import { missing, policyDocument, policySourceArn } from '../read-input.ts'
import { type Supposed, simulator } from '../simulation.ts'
import { everything, principalOfPolicies } from '../targets.ts'

export const SIMULATION_OPERATIONS: IamOperations = {
  SimulatePrincipalPolicy: {
    readOnly: true,
    on: principalOfPolicies,
    async run(services, call, input) {
      const { accountId } = call.principal
      return simulate(call, input, await policiesOf(services, accountId, policySourceArn(input)))
    },
  },
  SimulateCustomPolicy: {
    readOnly: true,
    on: everything,
    async run(_services, call, input) {
      if (input.texts('PolicyInputList').length === 0) throw missing(input, 'policyInputList')
      return simulate(call, input, undefined)
    },
  },
  GetContextKeysForPrincipalPolicy: {
    readOnly: true,
    on: principalOfPolicies,
    async run(services, call, input) {
      const { identity, boundary } = await policiesOf(services, call.principal.accountId, policySourceArn(input))
      return contextKeys([...identity, ...(boundary ? [boundary] : []), ...inputPolicies(input, 'PolicyInputList')])
    },
  },
  GetContextKeysForCustomPolicy: {
    readOnly: true,
    on: everything,
    run: async (_services, _call, input) => contextKeys(inputPolicies(input, 'PolicyInputList')),
  },
}

function simulate(call: CallContext, input: Input, source: PolicySource | undefined) {
  const { accountId } = call.principal
  const actions = input.texts('ActionNames')
  if (actions.length === 0) throw missing(input, 'actionNames')
  const resources = input.has('ResourceArns') ? input.texts('ResourceArns') : ['*']
  const bounds = inputPolicies(input, 'PermissionsBoundaryPolicyInputList')
  const caller = callerOf(input, accountId, source)
  const supposed: Supposed = {
    identity: [...(source?.identity ?? []), ...inputPolicies(input, 'PolicyInputList')],
    boundary: bounds[0] ?? source?.boundary,
    resource: input.has('ResourcePolicy')
      ? { id: 'ResourcePolicy', type: 'Resource Policy', document: policyDocument(input, 'ResourcePolicy') }
      : undefined,
    caller,
    resourceAccount: accountOf(input.optionalText('ResourceOwner', 2048)) ?? accountId,
    context: contextOf(call, input, caller),
  }
  const answer = simulator(supposed)
  const questions = actions.flatMap((action) => {
    if (!/^[a-z0-9-]+:[a-z0-9]+$/i.test(action)) throw refused('InvalidInput', `Invalid Action: ${action}`)
    return resources.map((resource) => ({ action, resource }))
  })
  const numbered = questions.map((question, index) => ({ question, key: String(index).padStart(8, '0') }))
  const { items, truncation } = page(input, numbered, ({ key }) => key)
  return { EvaluationResults: items.map(({ question }) => answer(question)), ...truncation }
}

function contextKeys(policies: readonly SourcePolicy[]) {
  const keys = policies.flatMap(({ id, document }) => {
    readIdentityPolicy(document, id)
    return contextKeysOf(document)
  })
  return { ContextKeyNames: [...new Set(keys)] }
}

const inputPolicies = (input: Input, member: string): readonly SourcePolicy[] =>
  input.texts(member).map((document, index) => ({
    id: `${member}.${index + 1}`,
    type: member === 'PolicyInputList' ? 'IAM Policy' : 'PermissionsBoundary Policy',
    document: document.trim(),
  }))

/** Who is supposed to call: whom the request names, whose policies they are, or else some user of the account. */
function callerOf(input: Input, accountId: string, source: PolicySource | undefined): PolicyPrincipal {
  const given = input.optionalText('CallerArn', 2048)
  if (given === undefined && input.has('ResourcePolicy') && source?.holder.type !== 'user') {
    throw refused('InvalidInput', 'CallerArn must be provided when ResourcePolicy is provided.')
  }
  const own = source ? `${source.holder.type}/${source.holder.name}` : 'user/simulated'
  const arn = given ?? (source ? policySourceArn(input) : `arn:aws:iam::${accountId}:${own}`)
  const owner = accountOf(arn)
  if (owner === undefined) throw refused('InvalidInput', `Invalid Caller Arn: ${arn}`)
  const kind = arn.split(':')[5]!.split('/')[0]
  if (kind === 'root') return { kind: 'Account', accountId: owner, arn }
  if (kind === 'role') {
    const name = arn.slice(arn.lastIndexOf('/') + 1)
    const session = `arn:aws:sts::${owner}:assumed-role/${name}/simulated`
    return { kind: 'AssumedRole', accountId: owner, arn: session, roleArn: arn }
  }
  return { kind: 'User', accountId: owner, arn }
}

/** What is known without being told, and over it what the request tells. */
function contextOf(call: CallContext, input: Input, caller: PolicyPrincipal): ReadonlyMap<string, readonly string[]> {
  const context = new Map<string, readonly string[]>([
    ['aws:currenttime', [new Date(call.atMs).toISOString()]],
    ['aws:epochtime', [String(Math.floor(call.atMs / 1000))]],
  ])
  if ('accountId' in caller) {
    const principalArn = caller.kind === 'AssumedRole' ? caller.roleArn : caller.arn
    context.set('aws:principalarn', [principalArn])
    context.set('aws:principalaccount', [caller.accountId])
    context.set('aws:principaltype', [caller.kind])
    if (caller.kind === 'User') context.set('aws:username', [caller.arn.slice(caller.arn.lastIndexOf('/') + 1)])
  }
  for (const entry of input.structures('ContextEntries')) {
    context.set(entry.text('ContextKeyName', 256).toLowerCase(), entry.texts('ContextKeyValues'))
  }
  return context
}

const accountOf = (arn: string | undefined) => /^(?:arn:aws:(?:iam|sts)::)?(\d{12})(?::.+)?$/.exec(arn ?? '')?.[1]
