/** What S3 asks of the KMS for a caller: a call of its own, whose outcome is told as that of a direct one is by the door. */
import { randomUUID } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { isFault } from '../core/fault.ts'
import type { DecisionFacts, Observer } from '../core/outcome.ts'
import type { CallContext } from '../policy/call.ts'
import type { EncryptionContext } from './key-material.ts'
import type { LastUsage, TrackedOperation } from './last-usage.ts'

export interface CallsViaS3Options {
  readonly observer: Observer
  readonly clock: Clock
  readonly lastUsage: LastUsage
}

export class CallsViaS3 {
  readonly #observer: Observer
  readonly #clock: Clock
  readonly #lastUsage: LastUsage

  constructor({ observer, clock, lastUsage }: CallsViaS3Options) {
    this.#observer = observer
    this.#clock = clock
    this.#lastUsage = lastUsage
  }

  /** `run` tells the key's ARN as soon as it is known. */
  async make<T>(
    call: CallContext,
    operation: TrackedOperation,
    encryptionContext: EncryptionContext,
    run: (viaS3: CallContext, tell: (keyArn: string) => void) => Promise<T>,
  ): Promise<T> {
    const decisions: DecisionFacts[] = []
    const requestId = randomUUID()
    let startedAtMs = this.#clock.nowMs()
    const viaS3: CallContext = {
      ...call,
      requestId,
      via: 's3',
      counted(atMs) {
        startedAtMs = atMs
      },
      decided(decision) {
        decisions.push(decision)
        call.decided(decision)
      },
    }
    let usedArn: string | undefined
    let errorCode: string | undefined
    try {
      const result = await run(viaS3, (arn) => {
        usedArn = arn
      })
      if (usedArn !== undefined) this.#lastUsage.note(usedArn, operation, requestId)
      return result
    } catch (error) {
      errorCode = isFault(error) ? error.code : 'InternalError'
      throw error
    } finally {
      this.#observer.observe({
        service: 'kms',
        operation,
        requestId,
        viaRequestId: call.requestId,
        startedAtMs,
        durationMs: this.#clock.nowMs() - startedAtMs,
        status: errorCode === undefined ? 200 : 400,
        errorCode,
        caller: call.principal,
        sourceIp: call.sourceIp,
        userAgent: call.userAgent,
        tls: undefined,
        bytesIn: 0,
        bytesOut: 0,
        readOnly: true,
        kmsKeyArn: usedArn,
        encryptionContext,
        decisions,
      })
    }
  }
}
