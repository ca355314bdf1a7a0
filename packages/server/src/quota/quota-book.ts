/**
 * The one place where calls are counted against request quotas, for all processes of a server. A process asks for a
 * lease: so many calls that it may count by itself in the window that runs. Where a quota is small it gets no more than it
 * needs now, so that no call is refused while another process holds one unused; where it is large, some to spare.
 */
import type { Clock } from '../core/clock.ts'
import type { QuotaName } from './quotas.ts'
import { isWithin, type RequestWindow, windowAt } from './request-window.ts'
import { type QuotaUsage, UsageHistory } from './usage-history.ts'

/** Whose quota: calls are charged to the caller's account. */
export interface QuotaScope {
  readonly region: string
  readonly accountId: string
  readonly quota: QuotaName
}

export interface Lease {
  readonly fromMs: number
  readonly untilMs: number
  /** How many calls the asker may count in the window. */
  readonly granted: number
  /** Whether the window has no more to give. */
  readonly isSpent: boolean
}

/** What one process counted in one second. */
export interface CountedCalls extends QuotaScope {
  readonly second: number
  readonly counted: number
  readonly throttled: number
}

export const scopeKey = ({ region, accountId, quota }: QuotaScope) => `${region} ${accountId} ${quota}`

export class QuotaBook {
  readonly #limitOf: (scope: QuotaScope) => Promise<number>
  readonly #clock: Clock
  readonly #windows = new Map<string, { readonly window: RequestWindow; leased: number }>()
  readonly #history: UsageHistory

  /** `limitOf`: the quota that applies now, in calls a second. */
  constructor(limitOf: (scope: QuotaScope) => Promise<number>, clock: Clock) {
    this.#limitOf = limitOf
    this.#clock = clock
    this.#history = new UsageHistory(clock)
  }

  /** `needed`: calls that wait. `spare`: how many more are likely to come soon. */
  async lease(scope: QuotaScope, needed: number, spare: number): Promise<Lease> {
    const limit = await this.#limitOf(scope)
    const nowMs = this.#clock.nowMs()
    const window = windowAt(nowMs, limit)
    const key = scopeKey(scope)
    const known = this.#windows.get(key)
    // What was leased counts on where the quota has changed within the window.
    const leased = known && isWithin(known.window, nowMs) ? known.leased : 0
    const wanted = limit < EXACT_BELOW ? needed : limit === Number.POSITIVE_INFINITY ? UNLIMITED_LEASE : needed + spare
    const granted = Math.max(0, Math.min(wanted, window.calls - leased))
    this.#windows.set(key, { window, leased: leased + granted })
    return {
      fromMs: window.fromMs,
      untilMs: window.untilMs,
      granted,
      isSpent: leased + granted >= window.calls,
    }
  }

  absorb(calls: readonly CountedCalls[]): void {
    for (const call of calls) this.#history.add(call)
  }

  /** What the account's calls came to, by quota. */
  usage(region: string, accountId: string): readonly QuotaUsage[] {
    return this.#history.of(region, accountId)
  }
}

/** Quotas below this, in calls a second, are exact to the call. */
const EXACT_BELOW = 500
/** More than any process makes in a second. */
const UNLIMITED_LEASE = 1_000_000_000
