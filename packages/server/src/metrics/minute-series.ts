/**
 * One metric's values of the minute that it is, kept so that taking one in allocates nothing. A finished minute, or what
 * there is of one, becomes a {@link Datum}; parts of a minute are put together by the store.
 */
import type { Datum, MetricIdentity, MetricScope, Unit } from './metric-data.ts'

export interface ScopedDatum {
  readonly scope: MetricScope
  readonly datum: Datum
}

/** Which metric, for whom. */
export interface SeriesNames {
  readonly scope: MetricScope
  readonly metric: MetricIdentity
  readonly unit: Unit
}

export abstract class MinuteSeries {
  readonly #names: SeriesNames
  readonly #finished: ScopedDatum[]
  #minute = 0

  /** `finished`: where finished data goes. */
  constructor(names: SeriesNames, finished: ScopedDatum[]) {
    this.#names = names
    this.#finished = finished
  }

  /** Hands over what there is. */
  finish(): void {
    const data = this.takeValues()
    if (!data) return
    const { scope, metric, unit } = this.#names
    this.#finished.push({ scope, datum: { metric, atMs: this.#minute * MINUTE_MS, unit, data } })
  }

  protected begin(atMs: number): void {
    const minute = Math.floor(atMs / MINUTE_MS)
    if (minute === this.#minute) return
    this.finish()
    this.#minute = minute
  }

  protected abstract takeValues():
    | { readonly values: readonly number[]; readonly counts: readonly number[] }
    | undefined
}

/** A metric whose values are 1, or 0 or 1. */
export class CountSeries extends MinuteSeries {
  #zeros = 0
  #ones = 0

  add(atMs: number, holds = true): void {
    this.begin(atMs)
    if (holds) this.#ones++
    else this.#zeros++
  }

  protected takeValues() {
    if (this.#zeros + this.#ones === 0) return undefined
    const [values, counts] =
      this.#zeros === 0
        ? [[1], [this.#ones]]
        : [
            [0, 1],
            [this.#zeros, this.#ones],
          ]
    this.#zeros = 0
    this.#ones = 0
    return { values, counts }
  }
}

/** A metric of any values. */
export class ValueSeries extends MinuteSeries {
  #values: number[] = []

  add(atMs: number, value: number): void {
    this.begin(atMs)
    this.#values.push(value)
    if (this.#values.length === MOST_VALUES) this.finish()
  }

  protected takeValues() {
    if (this.#values.length === 0) return undefined
    const values = this.#values
    this.#values = []
    return { values, counts: values.map(() => 1) }
  }
}

const MINUTE_MS = 60_000
/** Of one datum. */
const MOST_VALUES = 4096
