/** What S3 asks of the KMS for a caller: a call of its own, whose outcome is told as that of a direct one is by the door. */
import { randomUUID } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { isFault } from '../core/fault.ts'
import type { DecisionFacts, Observer, Outcome, Trail } from '../core/outcome.ts'
import type { CallContext } from '../policy/call.ts'
import type { EncryptionContext } from './key-material.ts'
import type { LastUsage, TrackedOperation } from './last-usage.ts'

export interface CallsViaS3Options {
  readonly region: string
  readonly observer: Observer
  /** Undefined: nothing is kept on record. */
  readonly trail: Trail | undefined
  /** What the KMS tells a client of an error. */
  readonly told: ((error: unknown) => { readonly code: string; readonly message: string }) | undefined
  readonly clock: Clock
  readonly lastUsage: LastUsage
}

/** What S3 asks for. */
export interface AskedViaS3 {
  readonly operation: TrackedOperation
  /** As the caller names it, where it is known yet. */
  readonly keyId: string | undefined
  readonly encryptionContext: EncryptionContext
}

export class CallsViaS3 {
  readonly #options: CallsViaS3Options

  constructor(options: CallsViaS3Options) {
    this.#options = options
  }

  /** `run` tells the key's ARN as soon as it is known. S3 replies once the call's record is kept. */
  async make<T>(
    call: CallContext,
    asked: AskedViaS3,
    run: (viaS3: CallContext, tell: (keyArn: string) => void) => Promise<T>,
  ): Promise<T> {
    const { clock, lastUsage, observer, told, trail, region } = this.#options
    const { operation, keyId, encryptionContext } = asked
    const decisions: DecisionFacts[] = []
    const requestId = randomUUID()
    let startedAtMs = clock.nowMs()
    let quota: string | undefined
    const viaS3: CallContext = {
      ...call,
      requestId,
      via: 's3',
      counted(atMs, against) {
        startedAtMs = atMs
        quota = against
      },
      decided(decision) {
        decisions.push(decision)
        call.decided(decision)
      },
    }
    let usedArn: string | undefined
    let failure: { readonly code: string; readonly message: string } | undefined
    try {
      const result = await run(viaS3, (arn) => {
        usedArn = arn
      })
      if (usedArn !== undefined) lastUsage.note(usedArn, operation, requestId)
      return result
    } catch (error) {
      failure = told?.(error) ?? { code: isFault(error) ? error.code : 'InternalError', message: '' }
      throw error
    } finally {
      const outcome: Outcome = {
        service: 'kms',
        operation,
        requestId,
        viaRequestId: call.requestId,
        startedAtMs,
        durationMs: clock.nowMs() - startedAtMs,
        status: failure === undefined ? 200 : 400,
        errorCode: failure?.code,
        errorMessage: failure?.message,
        region,
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
        quota,
        audit: {
          category: 'Management',
          requestParameters: () => ({ encryptionContext, ...PARAMETERS[operation], keyId: usedArn ?? keyId }),
          // A context of the caller's own varies as well.
          shape: () => (Object.keys(encryptionContext).length === 1 ? '' : undefined),
        },
      }
      observer.observe(outcome)
      const kept = trail?.record(outcome)
      if (kept) call.replyAfter?.(kept)
    }
  }
}

/** What S3 asks for besides. */
const PARAMETERS: Readonly<Partial<Record<TrackedOperation, Readonly<Record<string, string>>>>> = {
  GenerateDataKey: { keySpec: 'AES_256' },
  Decrypt: { encryptionAlgorithm: 'SYMMETRIC_DEFAULT' },
  Encrypt: { encryptionAlgorithm: 'SYMMETRIC_DEFAULT' },
}
