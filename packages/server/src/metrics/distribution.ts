/**
 * How values are spread, in little space: counts in buckets whose bounds grow by a constant factor, so that any quantile
 * is told within 1 % of its value (the idea of DDSketch, Masson and others, 2019). Merging adds counts, so that it does
 * not matter in which parts the values arrived.
 *
 * A bucket's key orders as its values do: 0 is zero alone, negative values have negative keys. At most 2,048 buckets of a
 * sign are kept, which span 17 decimal orders; values that are smaller still count in the smallest bucket.
 */

/** A part of the values; the sum is within 1 % of their absolute values' sum. */
export interface Part {
  readonly count: number
  readonly sum: number
}

/** A bound on values: a value itself, or the value that so many percent of all do not exceed. */
export type Bound = { readonly value: number } | { readonly percent: number }

export type Bucket = readonly [key: number, count: number]

export class Distribution {
  /** Count by key. */
  readonly #counts: Map<number, number>
  #sorted: readonly Bucket[] | undefined

  constructor(buckets: Iterable<Bucket> = []) {
    this.#counts = new Map(buckets)
  }

  add(value: number, count: number): void {
    this.#addTo(bucketOf(value), count)
    if (this.#counts.size > PUT_TOGETHER_AT) this.#keepWithin()
  }

  /** Adds all that another one has. */
  merge(other: Distribution): void {
    for (const [key, count] of other.#counts) this.#addTo(key, count)
    if (this.#counts.size > PUT_TOGETHER_AT) this.#keepWithin()
  }

  /** Ascending by value. */
  get buckets(): readonly Bucket[] {
    if (this.#sorted) return this.#sorted
    this.#keepWithin()
    this.#sorted = [...this.#counts].sort(([a], [b]) => a - b)
    return this.#sorted
  }

  get count(): number {
    let sum = 0
    for (const [, count] of this.buckets) sum += count
    return sum
  }

  /** The smallest value that at least `percent` of all do not exceed; undefined where there are none. */
  percentile(percent: number): number | undefined {
    const rank = (percent / 100) * this.count * (1 - ROUNDING)
    let upTo = 0
    let last: number | undefined
    for (const [key, count] of this.buckets) {
      upTo += count
      last = key
      if (upTo >= rank) break
    }
    return last === undefined ? undefined : middleOf(last)
  }

  /** The values above `low`, up to and with `high`. A bucket that a percentage cuts counts in part. */
  between(low: Bound | undefined, high: Bound | undefined): Part {
    const total = this.count
    let below = 0
    let count = 0
    let sum = 0
    for (const bucket of this.buckets) {
      const upToLow = low === undefined ? 0 : countUpTo(low, bucket, below, total)
      const upToHigh = high === undefined ? bucket[1] : countUpTo(high, bucket, below, total)
      const taken = Math.max(0, upToHigh - upToLow)
      count += taken
      sum += taken * middleOf(bucket[0])
      below += bucket[1]
    }
    return { count, sum }
  }

  #addTo(key: number, count: number): void {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + count)
    this.#sorted = undefined
  }

  /** Puts the buckets nearest to zero together where there are too many, which no order of merging changes. */
  #keepWithin(): void {
    if (this.#counts.size <= MAX_BUCKETS) return
    for (const sign of [1, -1]) {
      const magnitudes = [...this.#counts.keys()].flatMap((key) => (key * sign > 0 ? [key * sign] : []))
      magnitudes.sort((a, b) => b - a)
      const smallest = magnitudes[MAX_BUCKETS - 1]
      for (const magnitude of magnitudes.slice(MAX_BUCKETS)) {
        this.#addTo(smallest! * sign, this.#counts.get(magnitude * sign)!)
        this.#counts.delete(magnitude * sign)
      }
    }
  }
}

/** How many of a bucket's values are not above the bound. */
function countUpTo(bound: Bound, [key, count]: Bucket, below: number, total: number): number {
  // By bucket and not by value, so that a value that stands on the bound itself is within it.
  if ('value' in bound) return key <= bucketOf(bound.value) ? count : 0
  return Math.min(count, Math.max(0, (bound.percent / 100) * total - below))
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
/** Buckets of both signs. Putting together needs them sorted, so not at every value that is one too many. */
const PUT_TOGETHER_AT = 4 * MAX_BUCKETS
const ROUNDING = 1e-12
