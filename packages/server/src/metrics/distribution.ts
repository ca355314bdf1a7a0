/**
 * How values are spread, in little space: counts in buckets whose bounds grow by a constant factor, so that any quantile
 * is told within 1 % of its value (the idea of DDSketch, Masson and others, 2019). Merging adds counts, so that it does
 * not matter in which parts the values arrived.
 *
 * A bucket's key orders as its values do: 0 is zero alone, negative values have negative keys. At most 2,048 buckets of a
 * sign are kept, which span 17 decimal orders; values that are smaller still count in the smallest bucket.
 */

/** The count and sum of a part of the values; the sum is within 1 %. */
export interface Part {
  readonly count: number
  readonly sum: number
}

/** A bound on values: the value itself, or the share of the values that are not above it, in percent. */
export type Bound = { readonly value: number } | { readonly percent: number }

export class Distribution {
  /** Count by bucket. */
  readonly #counts: Map<number, number>
  #sorted: readonly (readonly [key: number, count: number])[] | undefined

  constructor(counts: Iterable<readonly [key: number, count: number]> = []) {
    this.#counts = new Map(counts)
  }

  add(value: number, count: number): void {
    this.#addTo(bucketOf(value), count)
    this.#bound()
  }

  /** Adds all that another one has. */
  merge(other: Distribution): void {
    for (const [key, count] of other.#counts) this.#addTo(key, count)
    this.#bound()
  }

  /** Ascending by value. */
  get buckets(): readonly (readonly [key: number, count: number])[] {
    this.#sorted ??= [...this.#counts].sort(([a], [b]) => a - b)
    return this.#sorted
  }

  get count(): number {
    return this.buckets.reduce((sum, [, count]) => sum + count, 0)
  }

  /** The value below or at which `percent` of all stand; undefined where there are none. */
  percentile(percent: number): number | undefined {
    const rank = (percent / 100) * this.count
    let below = 0
    let last: number | undefined
    for (const [key, count] of this.buckets) {
      below += count
      last = key
      if (below >= rank * (1 - ROUNDING)) break
    }
    return last === undefined ? undefined : middleOf(last)
  }

  /** The values above `low` up to `high`; a bucket that a percentage cuts counts in part. */
  between(low: Bound | undefined, high: Bound | undefined): Part {
    const total = this.count
    let below = 0
    let count = 0
    let sum = 0
    for (const [key, inBucket] of this.buckets) {
      const value = middleOf(key)
      const from = low === undefined ? 0 : partBelow(low, value, below, inBucket, total)
      const to = high === undefined ? inBucket : partBelow(high, value, below, inBucket, total)
      const taken = Math.max(0, to - from)
      count += taken
      sum += taken * value
      below += inBucket
    }
    return { count, sum }
  }

  #addTo(key: number, count: number): void {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + count)
    this.#sorted = undefined
  }

  #bound(): void {
    if (this.#counts.size <= MAX_BUCKETS) return
    for (const sign of [1, -1]) {
      const keys = [...this.#counts.keys()].filter((key) => key * sign > 0).sort((a, b) => (b - a) * sign)
      const smallest = keys[MAX_BUCKETS - 1]
      for (const key of keys.slice(MAX_BUCKETS)) {
        this.#addTo(smallest!, this.#counts.get(key)!)
        this.#counts.delete(key)
      }
    }
    this.#sorted = undefined
  }
}

/** How many of a bucket's values are not above the bound. */
function partBelow(bound: Bound, value: number, below: number, inBucket: number, total: number): number {
  if ('value' in bound) return value <= bound.value ? inBucket : 0
  return Math.min(inBucket, Math.max(0, (bound.percent / 100) * total - below))
}

function bucketOf(value: number): number {
  if (value === 0) return 0
  const key = Math.ceil(Math.log(Math.abs(value)) / LOG_FACTOR) + ZERO_TO_ONE
  return value > 0 ? key : -key
}

/** The value that is within 1 % of all in the bucket. */
function middleOf(key: number): number {
  if (key === 0) return 0
  const magnitude = Math.exp((Math.abs(key) - ZERO_TO_ONE) * LOG_FACTOR) * (2 / (1 + FACTOR))
  return key > 0 ? magnitude : -magnitude
}

const RELATIVE_ERROR = 0.01
const FACTOR = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
const LOG_FACTOR = Math.log(FACTOR)
/** More than the smallest double's exponent needs, so that every positive value has a positive key. */
const ZERO_TO_ONE = 40_000
const MAX_BUCKETS = 2048
const ROUNDING = 1e-12
