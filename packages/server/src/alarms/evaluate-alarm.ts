/** The state that an alarm should be in: reads what it watches, and lets the rules judge. */
import {
  type AlarmEvaluation,
  evaluateAlarm as evaluateRule,
  evaluationRange,
  type TimeRange,
} from '../metrics/alarm-rules.ts'
import { withoutUnits } from '../metrics/cell.ts'
import { evaluate } from '../metrics/math/evaluate.ts'
import { MathError } from '../metrics/math/parse.ts'
import type { AlarmDatapoint, AlarmRule } from '../metrics/metric-alarm.ts'
import type { MetricIdentity, MetricScope, MetricStore } from '../metrics/metric-data.ts'
import { parseStatistic } from '../metrics/statistics.ts'
import type { Alarm, AlarmConfiguration, AlarmQuery, AlarmState, WatchedStatistic } from './alarm-records.ts'

export interface EvaluationSources {
  readonly metrics: Pick<MetricStore, 'read'>
  /** What SERVICE_QUOTA() is, in calls a second; undefined where there is no such quota. */
  readonly serviceQuota: (scope: MetricScope, metric: MetricIdentity) => Promise<number | undefined>
}

/** Undefined where it stays as it is. */
export async function evaluateAlarm(
  { configuration }: Alarm,
  scope: MetricScope,
  nowMs: number,
  sources: EvaluationSources,
): Promise<AlarmState | undefined> {
  const rule = ruleOf(configuration)
  const range = evaluationRange(rule, nowMs)
  const { watched, queries = [] } = configuration
  try {
    const points = watched
      ? await pointsOfStatistic(watched, range, scope, sources)
      : await pointsOfQueries(queries, range, scope, sources)
    return stateOf(evaluateRule(rule, points, nowMs))
  } catch (error) {
    if (!(error instanceof MathError)) throw error
    return { value: 'INSUFFICIENT_DATA', reason: `Unchecked: ${error.message}`.slice(0, LONGEST_REASON) }
  }
}

/** Of queries the longest. */
export function periodSecondsOf({ watched, queries = [] }: AlarmConfiguration): number {
  if (watched) return watched.periodSeconds
  return Math.max(...queries.map(({ metricStat, periodSeconds }) => metricStat?.periodSeconds ?? periodSeconds ?? 0))
}

function ruleOf(configuration: AlarmConfiguration): AlarmRule {
  const { comparisonOperator, threshold, evaluationPeriods, datapointsToAlarm, watched } = configuration
  return {
    ...{ comparisonOperator, threshold, evaluationPeriods, datapointsToAlarm },
    periodSeconds: periodSecondsOf(configuration),
    treatMissingData: configuration.treatMissingData ?? 'missing',
    statistic: watched?.statistic,
    unit: watched?.unit,
    lowSampleCountPercentile: configuration.evaluateLowSampleCountPercentile,
  }
}

async function pointsOfStatistic(
  { metric, periodSeconds, statistic: name, unit }: WatchedStatistic,
  range: TimeRange,
  scope: MetricScope,
  { metrics }: EvaluationSources,
): Promise<readonly AlarmDatapoint[]> {
  const statistic = parseStatistic(name)
  if (!statistic) throw new Error(`there is no statistic ${name}`)
  const periods = await metrics.read(scope, { metric, ...range, periodSeconds, ...(unit && { unit }) })
  return withoutUnits(periods).flatMap((period) => {
    const value = statistic.valueOf(period)
    return value === undefined ? [] : [{ fromMs: period.fromMs, value, sampleCount: period.sampleCount }]
  })
}

async function pointsOfQueries(
  queries: readonly AlarmQuery[],
  range: TimeRange,
  scope: MetricScope,
  { metrics, serviceQuota }: EvaluationSources,
): Promise<readonly AlarmDatapoint[]> {
  const [series] = await evaluate(queries, range, {
    scope,
    store: metrics,
    serviceQuota: (metric) => serviceQuota(scope, metric),
  })
  return series?.timestamps.map((fromMs, at) => ({ fromMs, value: series.values[at]! })) ?? []
}

const stateOf = (found: AlarmEvaluation | undefined): AlarmState | undefined =>
  found && { value: found.state, reason: found.reason, reasonData: found.reasonData }

const LONGEST_REASON = 1023
