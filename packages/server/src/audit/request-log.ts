/**
 * The request log: one structured line for each outcome.
 *
 * A line is made only from the outcome's named facts, never from headers or a query string, so that no signature, key
 * or customer-provided secret can reach it.
 */
import type { Logger } from 'pino'
import type { Observer, Outcome } from '../core/outcome.ts'

export class RequestLog implements Observer {
  readonly #logger: Logger
  readonly #traceId: () => string | undefined

  /** `traceId`: of the request under way, where it is traced. */
  constructor(logger: Logger, traceId: () => string | undefined = () => undefined) {
    this.#logger = logger
    this.#traceId = traceId
  }

  observe(outcome: Outcome): void {
    this.#logger.info({
      event: 'request',
      startedAtMs: outcome.startedAtMs,
      service: outcome.service,
      operation: outcome.operation,
      requestId: outcome.requestId,
      viaRequestId: outcome.viaRequestId,
      traceId: this.#traceId(),
      status: outcome.status,
      error: outcome.errorCode,
      refused: refusals(outcome),
      caller: outcome.caller?.arn,
      accessKeyId: outcome.caller?.accessKeyId,
      sourceIp: outcome.sourceIp,
      tls: outcome.tls?.version,
      bucket: outcome.bucket,
      key: outcome.objectKey,
      versionId: outcome.versionId,
      encryption: outcome.encryption,
      kmsKey: outcome.kmsKeyArn,
      bytesIn: outcome.bytesIn,
      bytesOut: outcome.bytesOut,
      ms: Math.round(outcome.durationMs * 1000) / 1000,
    })
  }
}

/** Why, in a few words each; nothing where all was allowed. */
function refusals({ decisions }: Outcome): readonly string[] | undefined {
  const refused = decisions?.filter(({ decision }) => decision !== 'Allowed')
  if (!refused || refused.length === 0) return undefined
  return refused.slice(0, MOST_REFUSALS).map(({ action, resource, by, missing }) => {
    const why =
      by.length > 0 ? by.map(({ policy, statement }) => `${policy} ${statement}`).join(', ') : `no ${missing} policy`
    return `${action} on ${resource}: ${why}`
  })
}

/** DeleteObjects can be refused for each of a thousand keys. */
const MOST_REFUSALS = 5

/** One observer out of several, each of which sees every outcome. */
export function observers(...all: readonly Observer[]): Observer {
  return {
    observe(outcome) {
      for (const observer of all) observer.observe(outcome)
    },
  }
}
