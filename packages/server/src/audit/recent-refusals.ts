/** The requests that were refused lately, so that an administrator can ask why by the id that the client was told. */
import type { DecisionFacts, Observer, Outcome } from '../core/outcome.ts'
import { Recent } from '../core/recent.ts'

export interface Refusal {
  readonly requestId: string
  readonly startedAtMs: number
  readonly service: string
  readonly operation: string
  readonly caller: string | undefined
  readonly callerAccount: string | undefined
  readonly sourceIp: string
  readonly decisions: readonly DecisionFacts[]
}

const MOST = 1_000
/** One DeleteObjects can be refused a thousand times. */
const MOST_DECISIONS = 10

export class RecentRefusals implements Observer {
  readonly #refusals = new Recent<Refusal>(MOST)

  observe(outcome: Outcome): void {
    const decisions = outcome.decisions?.filter(({ decision }) => decision !== 'Allowed') ?? []
    if (decisions.length === 0) return
    // A call that S3 made for its caller is asked for by the id of the S3 request.
    const requestId = outcome.viaRequestId ?? outcome.requestId
    const before = this.#refusals.get(requestId)?.decisions ?? []
    this.#refusals.set(requestId, {
      requestId,
      startedAtMs: outcome.startedAtMs,
      service: outcome.service,
      operation: outcome.operation,
      caller: outcome.caller?.arn,
      callerAccount: outcome.caller?.accountId,
      sourceIp: outcome.sourceIp,
      decisions: [...before, ...decisions].slice(0, MOST_DECISIONS),
    })
  }

  find(requestId: string): Refusal | undefined {
    return this.#refusals.get(requestId)
  }
}
