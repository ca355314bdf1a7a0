/**
 * A process's part in counting calls: it counts against what the quota book has leased it, and asks for more. Calls
 * that come while an answer is under way wait for it together; whoever comes to a spent window is refused at once.
 */
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'
import { type CountedCalls, type Lease, type QuotaScope, scopeKey } from './quota-book.ts'
import type { QuotaName } from './quotas.ts'
import { isWithin } from './request-window.ts'

/** Where every call of the KMS is counted, before anything is done for it. */
export interface RequestQuota {
  /**
   * Counts one call of the account in the Region. Gives the time at which it counts, in milliseconds since the epoch.
   * Throws Fault KmsThrottled where the second has no more.
   */
  take(caller: { readonly region: string; readonly accountId: string }, quota: QuotaName): number | Promise<number>
}

export type Ask = (scope: QuotaScope, needed: number, spare: number) => Promise<Lease>

interface Holding {
  readonly scope: QuotaScope
  lease: Lease | undefined
  left: number
  /** Until then there is nothing to ask for. */
  spentUntilMs: number
  readonly waiting: Waiting[]
  isAsking: boolean
  /** What was counted in the second that runs. */
  calls: { second: number; counted: number; throttled: number }
  /** How many calls the second before had. */
  countedBefore: number
}

interface Waiting {
  resolve(atMs: number): void
  reject(error: unknown): void
}

export class LeasedQuota implements RequestQuota {
  readonly #ask: Ask
  readonly #clock: Clock
  readonly #holdings = new Map<string, Holding>()
  #finished: CountedCalls[] = []

  /** `ask`: QuotaBook.lease, wherever the book is. */
  constructor(ask: Ask, clock: Clock) {
    this.#ask = ask
    this.#clock = clock
  }

  take({ region, accountId }: { region: string; accountId: string }, quota: QuotaName): number | Promise<number> {
    const scope = { region, accountId, quota }
    const key = scopeKey(scope)
    let holding = this.#holdings.get(key)
    if (!holding) {
      holding = {
        scope,
        lease: undefined,
        left: 0,
        spentUntilMs: 0,
        waiting: [],
        isAsking: false,
        calls: noCalls(0),
        countedBefore: 0,
      }
      this.#holdings.set(key, holding)
    }
    const nowMs = this.#clock.nowMs()
    if (holding.lease && isWithin(holding.lease, nowMs)) {
      if (holding.left > 0) return this.#count(holding, nowMs)
      if (nowMs < holding.spentUntilMs) throw this.#throttled(holding, nowMs)
    }
    return this.#wait(holding)
  }

  /** What was counted since the last time, to be told to the book. */
  drain(): readonly CountedCalls[] {
    for (const holding of this.#holdings.values()) this.#finish(holding, 0)
    const finished = this.#finished
    this.#finished = []
    return finished
  }

  #wait(holding: Holding): Promise<number> {
    return new Promise((resolve, reject) => {
      holding.waiting.push({ resolve, reject })
      if (!holding.isAsking) void this.#serve(holding)
    })
  }

  /** Asks until nobody waits. Never rejects: who waits is told. */
  async #serve(holding: Holding): Promise<void> {
    const { waiting, scope } = holding
    holding.isAsking = true
    try {
      while (waiting.length > 0) {
        const pace = Math.max(holding.calls.counted, holding.countedBefore)
        const lease = await this.#ask(scope, waiting.length, Math.ceil(pace / ASKS_A_SECOND))
        const nowMs = this.#clock.nowMs()
        // A lease that comes after its window's end is worth nothing.
        if (!isWithin(lease, nowMs)) continue
        holding.lease = lease
        holding.left = lease.granted
        // A window that is longer than a second is asked about each second, since the quota may have changed.
        holding.spentUntilMs = lease.isSpent ? Math.min(lease.untilMs, (Math.floor(nowMs / 1000) + 1) * 1000) : 0
        for (const call of waiting.splice(0, lease.granted)) call.resolve(this.#count(holding, nowMs))
        if (lease.isSpent) for (const call of waiting.splice(0)) call.reject(this.#throttled(holding, nowMs))
      }
    } catch (error) {
      for (const call of waiting.splice(0)) call.reject(error)
    } finally {
      holding.isAsking = false
    }
  }

  #count(holding: Holding, nowMs: number): number {
    holding.left--
    this.#finish(holding, Math.floor(nowMs / 1000))
    holding.calls.counted++
    return nowMs
  }

  #throttled(holding: Holding, nowMs: number): Fault<'KmsThrottled'> {
    this.#finish(holding, Math.floor(nowMs / 1000))
    holding.calls.throttled++
    return new Fault('KmsThrottled', {})
  }

  /** Puts aside what was counted in another second than `second`. */
  #finish(holding: Holding, second: number): void {
    const { calls, scope } = holding
    if (calls.second === second) return
    if (calls.counted + calls.throttled > 0) this.#finished.push({ ...scope, ...calls })
    holding.countedBefore = calls.second === second - 1 ? calls.counted : 0
    holding.calls = noCalls(second)
  }
}

/** More of them cost more; fewer leave more unused where a process has less to do than the second before. */
const ASKS_A_SECOND = 20
const noCalls = (second: number) => ({ second, counted: 0, throttled: 0 })

/** For what the server does for itself, and nobody is charged for. */
export const uncounted = (clock: Clock): RequestQuota => ({ take: () => clock.nowMs() })
