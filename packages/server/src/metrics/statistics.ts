/**
 * The statistics of a period by their names (CloudWatch user guide, "CloudWatch statistics definitions"): one row for each
 * kind, one parser for all. Those that need the values themselves have none where statistic sets were put.
 */
import type { Bound, Distribution } from './distribution.ts'
import type { Period } from './metric-data.ts'

export interface Statistic {
  /** As it was asked for. */
  readonly name: string
  /** Of a percentile, which one. */
  readonly percentile?: number
  /** Undefined where the period's data does not tell. */
  valueOf(period: Period): number | undefined
}

/** The simple ones, which `Statistics` and `Statistic` of the API name. */
export const SIMPLE_STATISTICS = {
  Average: ({ sum, sampleCount }) => sum / sampleCount,
  Sum: ({ sum }) => sum,
  Minimum: ({ minimum }) => minimum,
  Maximum: ({ maximum }) => maximum,
  SampleCount: ({ sampleCount }) => sampleCount,
} as const satisfies Readonly<Record<string, (period: Period) => number>>

export const isSimpleStatistic = (name: string): name is keyof typeof SIMPLE_STATISTICS =>
  Object.hasOwn(SIMPLE_STATISTICS, name)

/** Undefined where there is no such statistic. */
export function parseStatistic(name: string): Statistic | undefined {
  if (isSimpleStatistic(name)) return { name, valueOf: SIMPLE_STATISTICS[name] }
  const percentile = numberOf(/^p(\d{1,3}(?:\.\d{0,10})?)$/.exec(name)?.[1])
  if (percentile !== undefined) return { name, percentile, valueOf: (period) => period.percentile(percentile) }
  return parseTrimmed(name)
}

/** Lower and upper bound of the values that count; undefined on a side that has none. */
interface Range {
  readonly low: Bound | undefined
  readonly high: Bound | undefined
}

/** By the letters that a name begins with. */
const TRIMMED: Readonly<Record<string, (distribution: Distribution, range: Range) => number | undefined>> = {
  TM: mean,
  TC: (distribution, { low, high }) => distribution.between(low, high).count,
  TS: (distribution, { low, high }) => distribution.between(low, high).sum,
  WM: winsorizedMean,
  PR: (distribution, { low, high }) => (distribution.between(low, high).count / distribution.count) * 100,
}

function parseTrimmed(name: string): Statistic | undefined {
  if (name === 'IQM') return trimmed(name, 'TM', { low: { percent: 25 }, high: { percent: 75 } })
  const short = /^(tm|tc|ts|wm)(\d{1,3}(?:\.\d{0,10})?)$/.exec(name)
  const percent = numberOf(short?.[2])
  if (short && percent !== undefined)
    return trimmed(name, short[1]!.toUpperCase(), { low: undefined, high: { percent } })
  const [, kind, low = '', lowPercent, high = '', highPercent] = RANGED.exec(name) ?? []
  if (kind === undefined || (low === '' && high === '')) return undefined
  const isPercent = [lowPercent, highPercent].includes('%')
  // Both are percentages or both are values, and ranks are of values.
  if (isPercent && (kind === 'PR' || [low && !lowPercent, high && !highPercent].some(Boolean))) return undefined
  const range = { low: boundOf(low, isPercent), high: boundOf(high, isPercent) }
  if (range.low === null || range.high === null) return undefined
  return trimmed(name, kind, { low: range.low, high: range.high })
}

const trimmed = (name: string, kind: string, range: Range): Statistic => ({
  name,
  valueOf: ({ distribution }) => distribution && TRIMMED[kind]!(distribution, range),
})

function mean(distribution: Distribution, { low, high }: Range): number | undefined {
  const { count, sum } = distribution.between(low, high)
  return count === 0 ? undefined : sum / count
}

/** Values outside count as the bound that they are beyond. */
function winsorizedMean(distribution: Distribution, { low, high }: Range): number | undefined {
  const inside = distribution.between(low, high)
  const below = low === undefined ? 0 : distribution.between(undefined, low).count
  const above = high === undefined ? 0 : distribution.between(high, undefined).count
  const edges = below * (edgeOf(distribution, low) ?? 0) + above * (edgeOf(distribution, high) ?? 0)
  const count = inside.count + below + above
  return count === 0 ? undefined : (inside.sum + edges) / count
}

function edgeOf(distribution: Distribution, bound: Bound | undefined): number | undefined {
  if (bound === undefined) return undefined
  return 'value' in bound ? bound.value : distribution.percentile(bound.percent)
}

/** Null where it is no percentage. */
function boundOf(text: string, isPercent: boolean): Bound | undefined | null {
  if (text === '') return undefined
  const value = Number(text)
  if (!isPercent) return { value }
  return value <= 100 ? { percent: value } : null
}

/** A percentage. */
const numberOf = (text: string | undefined) => (text === undefined || Number(text) > 100 ? undefined : Number(text))

const RANGED = /^(TM|TC|TS|WM|PR)\((?:(\d+(?:\.\d{0,10})?)(%)?)?:(?:(\d+(?:\.\d{0,10})?)(%)?)?\)$/
