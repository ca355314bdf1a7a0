/** The values of metric math: scalars (S), time series (TS) and arrays of them (TS[]). */
import type { MetricIdentity } from '../metric-data.ts'
import { MathError } from './parse.ts'

export interface Series {
  readonly type: 'TS'
  readonly label: string
  readonly periodSeconds: number
  /** Milliseconds since the epoch, ascending. */
  readonly timestamps: readonly number[]
  /** One for each timestamp, all finite. */
  readonly values: readonly number[]
  /** Of a metric's own data, which no expression has changed. */
  readonly source?: { readonly metric: MetricIdentity; readonly statistic: string }
}

export interface Scalar {
  readonly type: 'S'
  readonly value: number
}

export interface SeriesArray {
  readonly type: 'TS[]'
  readonly items: readonly Series[]
}

export type MathValue = Scalar | Series | SeriesArray

export const scalar = (value: number): Scalar => ({ type: 'S', value })

export function arrayOf(items: readonly Series[]): SeriesArray {
  // Arrays of arrays double with each expression that names one twice.
  if (items.length > MAX_SERIES) throw new MathError(`An array has more than ${MAX_SERIES} time series`)
  return { type: 'TS[]', items }
}

/** A series like `like` with these points; those that are not finite are dropped. */
export function seriesOf(
  like: Pick<Series, 'label' | 'periodSeconds'>,
  points: Iterable<readonly [number, number]>,
): Series {
  const timestamps: number[] = []
  const values: number[] = []
  for (const [at, value] of points) {
    if (!Number.isFinite(value)) continue
    timestamps.push(at)
    values.push(value)
  }
  return { type: 'TS', label: like.label, periodSeconds: like.periodSeconds, timestamps, values }
}

/** Each point by itself. */
export const mapSeries = (series: Series, to: (value: number, i: number, at: number) => number): Series =>
  seriesOf(
    series,
    series.values.map((value, i) => [series.timestamps[i]!, to(value, i, series.timestamps[i]!)] as const),
  )

export const valueAt = (series: Series): ReadonlyMap<number, number> =>
  new Map(series.timestamps.map((at, i) => [at, series.values[i]!]))

/** All timestamps of some series, ascending, each with their values; undefined where a series has none. */
export function aligned(all: readonly Series[]): (readonly [at: number, values: (number | undefined)[]])[] {
  const maps = all.map(valueAt)
  const timestamps = [...new Set(all.flatMap(({ timestamps }) => timestamps))].sort((a, b) => a - b)
  return timestamps.map((at) => [at, maps.map((map) => map.get(at))])
}

const MAX_SERIES = 500
