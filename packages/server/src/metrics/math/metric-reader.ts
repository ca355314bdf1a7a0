/** Reads the series that expressions are about: metrics that are named, or searched for. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Clock, systemClock } from '../../core/clock.ts'
import { inParallel } from '../../core/in-parallel.ts'
import { withoutUnits } from '../cell.ts'
import type { MetricIdentity, MetricPage, MetricScope, MetricStore, Unit } from '../metric-data.ts'
import { alignedStart } from '../retention.ts'
import { parseStatistic } from '../statistics.ts'
import type { Budget } from './budget.ts'
import { MathError } from './parse.ts'
import { parseSearch } from './search.ts'
import { type Series, seriesOf } from './series.ts'

export interface MetricStat {
  readonly metric: MetricIdentity
  readonly periodSeconds: number
  /** A name that `parseStatistic` knows. */
  readonly statistic: string
  readonly unit?: Unit | undefined
}

export interface TimeRange {
  readonly startMs: number
  /** Not included. */
  readonly endMs: number
}

export interface MetricSource {
  readonly scope: MetricScope
  /** Without `list`, SEARCH is refused. */
  readonly store: Pick<MetricStore, 'read'> & Partial<Pick<MetricStore, 'list'>>
  readonly clock?: Clock
}

export class MetricReader {
  readonly #source: MetricSource
  readonly #range: TimeRange
  readonly #budget: Budget
  readonly #grids = new Map<number, readonly number[]>()

  constructor(source: MetricSource, range: TimeRange, budget: Budget) {
    this.#source = source
    this.#range = range
    this.#budget = budget
  }

  /** Throws MathError where there is no such statistic. */
  async read({ metric, periodSeconds, statistic: name, unit }: MetricStat, label: string): Promise<Series> {
    const statistic = parseStatistic(name)
    if (!statistic) throw new MathError(`There is no statistic ${name}`)
    const { scope, store } = this.#source
    const query = { metric, periodSeconds, ...this.#range, ...(unit && { unit }) }
    const periods = withoutUnits(await store.read(scope, query))
    await this.#budget.spend(periods.length)
    const points = periods.map((period) => [period.fromMs, statistic.valueOf(period) ?? Number.NaN] as const)
    return { ...seriesOf({ label, periodSeconds }, points), source: { metric, statistic: name } }
  }

  /** The series of all metrics that a search finds. */
  async search(text: string, statistic: string, periodSeconds: number): Promise<Series[]> {
    if (!isPeriod(periodSeconds)) throw new MathError(`${periodSeconds} seconds are no period`)
    const items: Series[] = []
    await inParallel((await this.#find(text)).entries(), READ_AT_ONCE, async ([i, metric]) => {
      const label = [...metric.dimensions.map(({ value }) => value), metric.name].join(' ')
      items[i] = await this.read({ metric, statistic, periodSeconds }, label)
    })
    return items
  }

  /** When the periods of this length in the range begin. */
  grid(periodSeconds: number): readonly number[] {
    const known = this.#grids.get(periodSeconds)
    if (known) return known
    const length = this.periods(periodSeconds)
    if (length > MAX_PERIODS) throw new MathError('The range has too many periods')
    const startMs = this.#start(periodSeconds)
    const grid = Array.from({ length }, (_, i) => startMs + i * periodSeconds * 1000)
    this.#grids.set(periodSeconds, grid)
    return grid
  }

  /** How many periods of this length the range has. */
  periods(periodSeconds: number): number {
    return Math.max(0, Math.ceil((this.#range.endMs - this.#start(periodSeconds)) / (periodSeconds * 1000)))
  }

  #start(periodSeconds: number): number {
    const { clock = systemClock } = this.#source
    return alignedStart(this.#range.startMs, periodSeconds, clock.nowMs())
  }

  async #find(text: string): Promise<MetricIdentity[]> {
    const { filter, finds } = parseSearch(text)
    const { scope, store } = this.#source
    if (!store.list) throw new MathError('The function SEARCH is not supported here')
    this.#budget.search()
    const found: MetricIdentity[] = []
    let after: string | undefined
    do {
      const page: MetricPage = await store.list(scope, filter, { after, limit: LISTED_AT_ONCE })
      found.push(...page.metrics.filter(finds))
      if (found.length > MAX_FOUND) throw new MathError(`The search finds more than ${MAX_FOUND} metrics`)
      after = page.next
      // There may be many metrics, of which each has to be looked at.
      await nextTurn()
    } while (after !== undefined)
    return found
  }
}

const isPeriod = (seconds: number) => [1, 5, 10, 20, 30].includes(seconds) || (seconds > 0 && seconds % 60 === 0)

const READ_AT_ONCE = 8
const LISTED_AT_ONCE = 500
const MAX_FOUND = 500
/** As many data points as GetMetricData returns at most. */
const MAX_PERIODS = 100_800
