/**
 * The calls of the KMS that a request log tells of, and which of them S3 Bucket Keys would have left: the log is gone
 * through again as if every bucket had them. A call that S3 made names the request it was made for, whose own line tells
 * requester, bucket and object.
 */
import { Recent } from '../core/recent.ts'
import type { BucketKeyRules } from './plan.ts'
import { SYMMETRIC_OPERATIONS } from './quotas.ts'

/** What of a line counts here; see audit/request-log.ts. */
interface LogLine {
  readonly event?: unknown
  readonly pid: number
  readonly startedAtMs: number
  readonly service: string
  readonly operation: string
  readonly requestId: string
  readonly viaRequestId?: string
  readonly error?: string
  readonly caller?: string
  readonly bucket?: string
  readonly key?: string
  readonly encryption?: string
  readonly kmsKey?: string
}

export interface LogReport {
  /** When the first and the last request began. */
  readonly fromMs: number
  readonly toMs: number
  readonly operations: readonly OperationCount[]
  /** Of the symmetric quota. */
  readonly without: Load
  readonly with: Load
}

export interface OperationCount {
  readonly operation: string
  readonly viaS3: boolean
  readonly calls: number
  /** Refused because the quota was used up. */
  readonly throttled: number
  /** What Bucket Keys would have left. */
  readonly left: number
}

export interface Load {
  readonly calls: number
  readonly average: number
  readonly busiestSecond: number
  /** Undefined where there was no call. */
  readonly busiestAtMs: number | undefined
}

type Call = Pick<LogLine, 'startedAtMs' | 'operation' | 'viaRequestId' | 'error' | 'kmsKey'>
type Request = Pick<LogLine, 'pid' | 'operation' | 'caller' | 'bucket' | 'key' | 'encryption'>

export class LoggedCalls {
  readonly #calls: Call[] = []
  /** Requests of S3 for which the KMS was called. */
  readonly #requests = new Map<string, Request | undefined>()
  #fromMs = Number.POSITIVE_INFINITY
  #toMs = Number.NEGATIVE_INFINITY

  /** Takes a line; false where it is none of a request log. Lines may come in any order but a call before its request. */
  add(text: string): boolean {
    const line = parse(text)
    if (!line) return false
    this.#fromMs = Math.min(this.#fromMs, line.startedAtMs)
    this.#toMs = Math.max(this.#toMs, line.startedAtMs)
    if (line.service === 'kms') {
      const { startedAtMs, operation, viaRequestId, error, kmsKey } = line
      this.#calls.push({
        startedAtMs,
        operation,
        ...(viaRequestId && { viaRequestId }),
        ...(error && { error }),
        ...(kmsKey && { kmsKey }),
      })
      if (viaRequestId !== undefined) this.#requests.set(viaRequestId, undefined)
    } else if (this.#requests.has(line.requestId)) {
      const { pid, operation, caller, bucket, key, encryption } = line
      this.#requests.set(line.requestId, {
        pid,
        operation,
        ...(caller && { caller }),
        ...(bucket && { bucket }),
        ...(key && { key }),
        ...(encryption && { encryption }),
      })
    }
    return true
  }

  /** Throws RangeError where no line was taken. */
  report(rules: BucketKeyRules): LogReport {
    if (this.#fromMs > this.#toMs) throw new RangeError('there is no line of a request log')
    const replay = new BucketKeyReplay(rules)
    const made = new SecondCounter()
    const left = new SecondCounter()
    const operations = new Map<string, { -readonly [K in keyof OperationCount]: OperationCount[K] }>()
    for (const call of this.#calls.sort((a, b) => a.startedAtMs - b.startedAtMs)) {
      const { operation, viaRequestId, startedAtMs } = call
      const viaS3 = viaRequestId !== undefined
      const request = viaS3 ? this.#requests.get(viaRequestId) : undefined
      const isLeft = request === undefined || !replay.saves(call, request)
      const name = `${operation} ${viaS3}`
      const count = operations.get(name) ?? { operation, viaS3, calls: 0, throttled: 0, left: 0 }
      operations.set(name, count)
      count.calls++
      if (call.error !== undefined && THROTTLED.includes(call.error)) count.throttled++
      if (isLeft) count.left++
      if (!SYMMETRIC_OPERATIONS.includes(operation)) continue
      made.add(startedAtMs)
      if (isLeft) left.add(startedAtMs)
    }
    const seconds = Math.max(1, (this.#toMs - this.#fromMs) / 1000)
    return {
      fromMs: this.#fromMs,
      toMs: this.#toMs,
      operations: [...operations.values()].sort((a, b) => b.calls - a.calls),
      without: made.load(seconds),
      with: left.load(seconds),
    }
  }
}

const THROTTLED: readonly string[] = ['KmsThrottled', 'ThrottlingException']

function parse(text: string): LogLine | undefined {
  if (!text.startsWith('{')) return undefined
  try {
    const line = JSON.parse(text) as LogLine
    return line.event === 'request' && typeof line.startedAtMs === 'number' ? line : undefined
  } catch {
    return undefined
  }
}

/** Bucket keys as keys/bucket-keys.ts keeps them, in each process. */
class BucketKeyReplay {
  readonly #rules: BucketKeyRules
  readonly #forWriting = new Map<number, Recent<KeptKey>>()
  readonly #forReading = new Map<number, Recent<KeptKey>>()
  /** Under which bucket key an object was written last. */
  readonly #written = new Map<string, string>()
  #made = 0

  constructor(rules: BucketKeyRules) {
    this.#rules = rules
  }

  /** Whether a bucket key would have served instead of the call. */
  saves({ operation, startedAtMs, kmsKey }: Call, request: Request): boolean {
    // DSSE-KMS has no bucket keys.
    if (request.encryption === 'aws:kms:dsse' || request.bucket === undefined) return false
    const { pid, caller, bucket, key } = request
    const object = JSON.stringify([bucket, key])
    const untilMs = startedAtMs + this.#rules.keptMs
    if (operation === 'GenerateDataKey') {
      const kept = this.#of(this.#forWriting, pid)
      const place = JSON.stringify([caller, bucket, kmsKey])
      const found = kept.get(place)
      const isSaved = found !== undefined && startedAtMs < found.untilMs
      const bucketKey = isSaved ? found : { id: `made ${this.#made++}`, untilMs }
      if (!isSaved) {
        kept.set(place, bucketKey)
        this.#of(this.#forReading, pid).set(JSON.stringify([caller, bucketKey.id]), bucketKey)
      }
      this.#written.set(object, bucketKey.id)
      return isSaved
    }
    // Of a copy the line names where it goes, not what is read.
    if (operation !== 'Decrypt' || COPIES.includes(request.operation)) return false
    const kept = this.#of(this.#forReading, pid)
    // An object of before the log may have been written under a bucket key that no other one has.
    const id = this.#written.get(object) ?? object
    const place = JSON.stringify([caller, id])
    const found = kept.get(place)
    if (found !== undefined && startedAtMs < found.untilMs) return true
    kept.set(place, { id, untilMs })
    return false
  }

  #of(all: Map<number, Recent<KeptKey>>, pid: number): Recent<KeptKey> {
    const known = all.get(pid) ?? new Recent<KeptKey>(this.#rules.mostKept)
    all.set(pid, known)
    return known
  }
}

interface KeptKey {
  readonly id: string
  readonly untilMs: number
}

const COPIES: readonly string[] = ['CopyObject', 'UploadPartCopy']

/** Counts by the seconds of the server's clock, as the quotas do. */
class SecondCounter {
  readonly #bySecond = new Map<number, number>()

  add(atMs: number): void {
    const second = Math.floor(atMs / 1000)
    this.#bySecond.set(second, (this.#bySecond.get(second) ?? 0) + 1)
  }

  load(seconds: number): Load {
    let calls = 0
    let busiest: readonly [second: number, calls: number] | undefined
    for (const entry of this.#bySecond) {
      calls += entry[1]
      if (!busiest || entry[1] > busiest[1]) busiest = entry
    }
    return {
      calls,
      average: calls / seconds,
      busiestSecond: busiest?.[1] ?? 0,
      busiestAtMs: busiest && busiest[0] * 1000,
    }
  }
}
