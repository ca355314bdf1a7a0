/**
 * What a metric of CloudWatch is, what is put of it and what is read back; the words are the API's (API reference,
 * `MetricDatum`). {@link MetricStore} keeps it, and the doors and alarms read it.
 */
import type { Distribution } from './distribution.ts'

export interface Dimension {
  readonly name: string
  readonly value: string
}

/** Two metrics are one where all of these are equal. */
export interface MetricIdentity {
  readonly namespace: string
  readonly name: string
  /** Sorted by name. */
  readonly dimensions: readonly Dimension[]
}

/** Whose metric it is. */
export interface MetricScope {
  readonly accountId: string
  readonly region: string
}

/** Stored data names units by their places here (docs/formats/metrics.md), so the order never changes. */
export const UNITS = [
  ...(['Seconds', 'Microseconds', 'Milliseconds'] as const),
  ...(['Bytes', 'Kilobytes', 'Megabytes', 'Gigabytes', 'Terabytes'] as const),
  ...(['Bits', 'Kilobits', 'Megabits', 'Gigabits', 'Terabits'] as const),
  ...(['Percent', 'Count'] as const),
  ...(['Bytes/Second', 'Kilobytes/Second', 'Megabytes/Second', 'Gigabytes/Second', 'Terabytes/Second'] as const),
  ...(['Bits/Second', 'Kilobits/Second', 'Megabits/Second', 'Gigabits/Second', 'Terabits/Second'] as const),
  ...(['Count/Second', 'None'] as const),
] as const
export type Unit = (typeof UNITS)[number]

export interface StatisticSet {
  readonly sampleCount: number
  readonly sum: number
  readonly minimum: number
  readonly maximum: number
}

/** Values, each so many times, or what somebody else has made of some. */
export type DatumValues = { readonly values: readonly number[]; readonly counts: readonly number[] } | StatisticSet

export interface Datum {
  readonly metric: MetricIdentity
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number
  readonly unit: Unit
  /** Kept by the second for the first hours (a StorageResolution of 1). */
  readonly highResolution?: boolean
  readonly data: DatumValues
}

/** All data of one metric and unit in one period. */
export interface Period extends StatisticSet {
  readonly fromMs: number
  readonly unit: Unit
  /** How the values are spread; undefined where some were put as statistic sets, which do not tell. */
  readonly distribution: Distribution | undefined
  /** `p` from 0 to 100. */
  percentile(p: number): number | undefined
}

export interface MetricQuery {
  readonly metric: MetricIdentity
  /** Periods are counted from here, rounded down as AWS does it. */
  readonly startMs: number
  /** Not included. */
  readonly endMs: number
  /** 1, 5, 10, 20, 30 or a multiple of 60. */
  readonly periodSeconds: number
  /** Without it, one period for each unit. */
  readonly unit?: Unit
}

export interface MetricFilter {
  readonly namespace?: string | undefined
  readonly name?: string | undefined
  /** Each has to be among the metric's; without a value, any will do. */
  readonly dimensions?: readonly { readonly name: string; readonly value?: string | undefined }[] | undefined
  /** Data arrived within this time; two weeks where it is not given. */
  readonly recentlyActiveMs?: number | undefined
}

export interface MetricPage {
  readonly metrics: MetricIdentity[]
  /** Where the next page goes on; absent on the last one. */
  readonly next?: string
}

export interface MetricStore {
  /** Durable when it resolves. Throws Fault 'MetricLimitReached' where there are too many metrics to take a new one. */
  put(scope: MetricScope, data: readonly Datum[]): Promise<void>

  list(
    scope: MetricScope,
    filter: MetricFilter,
    page: { readonly after?: string | undefined; readonly limit: number },
  ): Promise<MetricPage>

  /** Ascending by time, empty periods left out. */
  read(scope: MetricScope, query: MetricQuery): Promise<Period[]>

  /** Called now and then by the primary: what is due goes into longer periods or away, and the bounds are kept. */
  rollUp(): Promise<void>
}
