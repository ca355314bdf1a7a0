/** What was counted against request quotas, by minute, for the last day. Kept in memory: a restart begins anew. */
import type { Clock } from '../core/clock.ts'
import type { CountedCalls } from './quota-book.ts'
import type { QuotaName } from './quotas.ts'

export interface QuotaUsage {
  readonly quota: QuotaName
  readonly minutes: readonly UsageMinute[]
}

export interface UsageMinute {
  /** Milliseconds since the epoch. */
  readonly fromMs: number
  readonly counted: number
  readonly throttled: number
  /** The most that were counted in one second. */
  readonly busiestSecond: number
}

interface OpenMinute {
  readonly fromMs: number
  throttled: number
  /** By second of the minute. */
  readonly counted: Uint32Array
}

export class UsageHistory {
  readonly #clock: Clock
  readonly #minutes = new Map<string, Map<QuotaName, OpenMinute[]>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add({ region, accountId, quota, second, counted, throttled }: CountedCalls): void {
    const minutes = this.#minutesOf(`${region} ${accountId}`, quota)
    const fromMs = Math.floor(second / 60) * 60_000
    // Processes report by the second, so a late one is of the newest minute or of the one before.
    let minute = minutes.findLast((one) => one.fromMs === fromMs)
    if (!minute) {
      minute = { fromMs, throttled: 0, counted: new Uint32Array(60) }
      minutes.push(minute)
    }
    minute.counted[second % 60]! += counted
    minute.throttled += throttled
    const oldest = this.#clock.nowMs() - KEPT_MS
    while (minutes[0] && minutes[0].fromMs < oldest) minutes.shift()
  }

  #minutesOf(scope: string, quota: QuotaName): OpenMinute[] {
    const quotas = this.#minutes.get(scope) ?? new Map<QuotaName, OpenMinute[]>()
    this.#minutes.set(scope, quotas)
    const minutes = quotas.get(quota) ?? []
    quotas.set(quota, minutes)
    return minutes
  }

  of(region: string, accountId: string): readonly QuotaUsage[] {
    const quotas = this.#minutes.get(`${region} ${accountId}`) ?? new Map<QuotaName, OpenMinute[]>()
    return [...quotas].map(([quota, minutes]) => ({
      quota,
      minutes: minutes.map(({ fromMs, throttled, counted }) => ({
        fromMs,
        throttled,
        counted: counted.reduce((sum, one) => sum + one, 0),
        busiestSecond: Math.max(...counted),
      })),
    }))
  }
}

const KEPT_MS = 86_400_000
