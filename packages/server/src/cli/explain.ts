/** `strongroom explain`: asks a server why it refused a request, or what would become of one. */

import type { DecisionFacts, NearMiss } from '../core/outcome.ts'
import { EXPLAIN_PATH } from '../explain/operations.ts'
import { type ConnectionFlags, resolveConnection } from './connection.ts'
import { EXIT, UsageError } from './exit.ts'
import { callOwnApi } from './own-api-client.ts'

export interface ExplainFlags extends ConnectionFlags {
  readonly principal?: string
  readonly action?: string
  readonly resource?: string
  readonly context?: readonly string[]
  readonly http?: boolean
  readonly json?: boolean
}

/** One decision about a supposed request, or all that were made about a real one. */
type Explanation = (DecisionFacts & { readonly principal: string }) | { readonly decisions: readonly DecisionFacts[] }

export async function explainCommand(requestId: string | undefined, flags: ExplainFlags): Promise<number> {
  const question = requestId === undefined ? supposed(flags) : { requestId }
  const connection = await resolveConnection(flags, process.env)
  const answer = await callOwnApi<Explanation>(connection, EXPLAIN_PATH, question)
  process.stdout.write(`${flags.json ? JSON.stringify(answer, undefined, 2) : explanationText(answer)}\n`)
  return EXIT.done
}

function supposed({ principal, action, resource, context = [], http }: ExplainFlags) {
  if (principal === undefined || action === undefined || resource === undefined) {
    throw new UsageError('explain takes a request id, or --principal, --action and --resource')
  }
  const values = new Map<string, string[]>()
  for (const pair of context) {
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(pair) ?? []
    if (key === undefined || value === undefined) throw new UsageError(`--context takes KEY=VALUE, not ${pair}`)
    values.set(key, [...(values.get(key) ?? []), value])
  }
  return { principal, action, resource, context: Object.fromEntries(values), secureTransport: http !== true }
}

/** For people. */
export function explanationText(explanation: Explanation): string {
  const decisions = 'decisions' in explanation ? explanation.decisions : [explanation]
  return decisions.flatMap(decisionLines).join('\n')
}

function decisionLines({ action, resource, decision, by, missing, near = [] }: DecisionFacts): string[] {
  return [
    `${decision}: ${action} on ${resource}`,
    ...by.map(({ policyType, policy, statement }) => `  by statement ${statement} of ${named(policy)} (${policyType})`),
    ...(missing === undefined ? [] : [`  because no ${missing} policy allows it`]),
    ...near.map(
      (miss) => `  nearly: ${miss.effect} ${miss.statement} of ${named(miss.policy)}, but ${failedText(miss)}`,
    ),
  ]
}

function failedText({ failed, operator, key, wanted = [], found }: NearMiss): string {
  if (failed !== 'condition') return `its ${failed} is another`
  const value = found === undefined ? 'is absent' : `is ${found.join(', ')}`
  return `${key} ${value} (${operator} ${wanted.join(', ')})`
}

/** A managed policy is named by its ARN alone. */
const named = (policy: string) => (policy.startsWith('arn:') ? policy : `the ${policy}`)
