/** What is known of one metric's values in one stretch of time: a statistic set, and how the values are spread. */
import { Distribution } from './distribution.ts'
import type { DatumValues, Period, StatisticSet, Unit } from './metric-data.ts'

export class Cell implements StatisticSet {
  sampleCount = 0
  sum = 0
  minimum = Number.POSITIVE_INFINITY
  maximum = Number.NEGATIVE_INFINITY
  /** Undefined where a statistic set was among the values, which does not tell how they are spread. */
  distribution: Distribution | undefined = new Distribution()

  static of(data: DatumValues): Cell {
    const cell = new Cell()
    if ('values' in data) for (const [i, value] of data.values.entries()) cell.#add(value, data.counts[i] ?? 1)
    else cell.#addSet(data)
    return cell
  }

  merge(other: Cell): void {
    if (other.sampleCount === 0) return
    this.#addSums(other)
    if (other.distribution) this.distribution?.merge(other.distribution)
    else this.distribution = undefined
  }

  #add(value: number, count: number): void {
    if (count <= 0) return
    this.#addSums({ sampleCount: count, sum: value * count, minimum: value, maximum: value })
    this.distribution?.add(value, count)
  }

  #addSet(set: StatisticSet): void {
    if (set.sampleCount <= 0) return
    this.#addSums(set)
    // The one case in which a set tells all (CloudWatch user guide, "Requirements to use percentiles").
    if (set.minimum === set.maximum) this.distribution?.add(set.minimum, set.sampleCount)
    else this.distribution = undefined
  }

  #addSums({ sampleCount, sum, minimum, maximum }: StatisticSet): void {
    this.sampleCount += sampleCount
    this.sum += sum
    this.minimum = Math.min(this.minimum, minimum)
    this.maximum = Math.max(this.maximum, maximum)
  }
}

export function periodOf(cell: Cell, fromMs: number, unit: Unit): Period {
  const { sampleCount, sum, minimum, maximum, distribution } = cell
  return {
    ...{ fromMs, unit, sampleCount, sum, minimum, maximum, distribution },
    percentile(p) {
      if (!distribution) return undefined
      if (p <= 0) return minimum
      if (p >= 100) return maximum
      const value = distribution.percentile(p)
      return value === undefined ? undefined : Math.min(maximum, Math.max(minimum, value))
    },
  }
}

/** Periods that begin at one time as one, whatever their units. */
export function withoutUnits(periods: readonly Period[]): Period[] {
  const merged = new Map<number, { cell: Cell; unit: Unit }>()
  for (const period of periods) {
    const { fromMs, unit } = period
    const one = merged.get(fromMs) ?? { cell: new Cell(), unit }
    merged.set(fromMs, { cell: one.cell, unit: one.unit === unit ? unit : 'None' })
    one.cell.merge(cellOf(period))
  }
  return [...merged].map(([fromMs, { cell, unit }]) => periodOf(cell, fromMs, unit))
}

function cellOf({ sampleCount, sum, minimum, maximum, distribution }: Period): Cell {
  return Object.assign(new Cell(), { sampleCount, sum, minimum, maximum, distribution })
}
