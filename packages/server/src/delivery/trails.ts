/**
 * The delivery of trails: looks again and again at every trail, delivers log files and digests where they are due, and writes
 * down how it went. Run by one process.
 */
import type { Clock } from '../core/clock.ts'
import type { RecordStore } from '../records/record-store.ts'
import type { DigestKeys } from '../trails/digest-keys.ts'
import type { Trail, TrailStatus } from '../trails/trail-records.ts'
import { recentSpans, type Trails } from '../trails/trails.ts'
import { DigestDelivery } from './digest-delivery.ts'
import { LogFileDelivery } from './log-file-delivery.ts'
import { deliveryErrorCode, type TrailBuckets } from './trail-bucket.ts'
import type { FileLimits, TrailJournals } from './trail-reading.ts'

export interface TrailDeliveryOptions {
  readonly trails: Trails
  readonly digestKeys: DigestKeys
  readonly records: RecordStore
  readonly journals: TrailJournals
  readonly buckets: Pick<TrailBuckets, 'put'>
  /** Those that the server has. */
  readonly regions: readonly string[]
  readonly clock: Clock
  /** How often log files are delivered. */
  readonly deliverySeconds: number
  /** How often digests are. */
  readonly digestSeconds: number
  readonly limits?: FileLimits
}

/** What did not go well with a trail; it is tried again. */
export interface DeliveryProblem {
  readonly trailArn: string
  readonly error: unknown
}

export class TrailDelivery {
  readonly #options: TrailDeliveryOptions
  readonly #logFiles: LogFileDelivery
  readonly #digests: DigestDelivery
  /** When each trail's journal was last looked at. */
  readonly #lookedAtMs = new Map<string, number>()

  constructor(options: TrailDeliveryOptions) {
    this.#options = options
    this.#logFiles = new LogFileDelivery(options)
    this.#digests = new DigestDelivery(options)
  }

  /** Delivers whatever is due. Resolves to what went wrong. */
  async run(): Promise<readonly DeliveryProblem[]> {
    const problems: DeliveryProblem[] = []
    for await (const status of this.#options.trails.statuses()) {
      const trail = await this.#options.trails.ofStatus(status)
      if (trail) problems.push(...(await this.#serve(trail, status)))
    }
    return problems
  }

  async #serve(trail: Trail, status: TrailStatus): Promise<readonly DeliveryProblem[]> {
    const { trails, clock } = this.#options
    const problems: DeliveryProblem[] = []
    let current = status
    if (this.#isDue(status)) {
      const atMs = clock.nowMs()
      this.#lookedAtMs.set(status.trailId, atMs)
      try {
        current = await this.#logFiles.deliver(trail, status)
        current = await trails.changeStatus(status.trailId, (now) => this.#wentWell(now, status, atMs))
      } catch (error) {
        problems.push({ trailArn: trail.arn, error })
        const deliveryError = deliveryErrorCode(error)
        current = await trails.changeStatus(status.trailId, (now) => ({ ...now, attemptedAtMs: atMs, deliveryError }))
      }
    }
    try {
      current = await this.#digests.deliver(trail, current)
      if (current.digestError !== undefined) current = await trails.changeStatus(status.trailId, withoutDigestError)
    } catch (error) {
      problems.push({ trailArn: trail.arn, error })
      const digestError = deliveryErrorCode(error)
      current = await trails.changeStatus(status.trailId, (now) => ({ ...now, digestError }))
    }
    if (current.ended && this.#isOver(current)) await trails.forget(current)
    return problems
  }

  #isDue({ trailId, isLogging, isSettled, delivery }: TrailStatus): boolean {
    if (!isLogging && isSettled && !delivery) return false
    const lookedAtMs = this.#lookedAtMs.get(trailId)
    return lookedAtMs === undefined || this.#options.clock.nowMs() >= lookedAtMs + this.#periodMs
  }

  /** `atMs`: when the look at the journal began that has just delivered all. */
  #wentWell(now: TrailStatus, before: TrailStatus, atMs: number): TrailStatus {
    const { deliveryError, ...rest } = now
    // Events come into the journal a little later than they happen.
    const isSettled = !now.isLogging && (now.stoppedAtMs ?? 0) + Math.min(this.#periodMs, SETTLE_MS) <= atMs
    const hasDelivered = now.deliveredAtMs !== before.deliveredAtMs
    if (!hasDelivered && deliveryError === undefined && isSettled === now.isSettled) return now
    return {
      ...rest,
      isSettled,
      attemptedAtMs: hasDelivered || deliveryError !== undefined ? atMs : now.attemptedAtMs,
      spans: recentSpans(now.spans, atMs),
    }
  }

  /** Of a trail that is gone: all is delivered, or it has not worked for so long that nobody waits for it. */
  #isOver({ isSettled, delivery, chains, stoppedAtMs }: TrailStatus): boolean {
    const isDone = isSettled && !delivery && Object.keys(chains).length === 0
    return isDone || (stoppedAtMs ?? 0) + GIVEN_UP_MS < this.#options.clock.nowMs()
  }

  get #periodMs() {
    return this.#options.deliverySeconds * 1000
  }
}

const withoutDigestError = ({ digestError: _, ...status }: TrailStatus): TrailStatus => status

const SETTLE_MS = 10_000
const GIVEN_UP_MS = 7 * 86_400_000
