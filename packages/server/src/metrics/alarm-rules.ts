/**
 * When an alarm changes its state (CloudWatch user guide, "Alarm evaluation" and "Configuring how CloudWatch alarms treat
 * missing data"). Pure: it is given what is known of the last periods, and says which state follows and why.
 */
import { alarmReason, alarmReasonData } from './alarm-reason.ts'
import { type AlarmDatapoint, type AlarmRule, type AlarmState, COMPARISONS } from './metric-alarm.ts'
import { parseStatistic } from './statistics.ts'

export interface AlarmEvaluation {
  readonly state: AlarmState
  readonly reason: string
  /** JSON. */
  readonly reasonData: string
}

export interface TimeRange {
  readonly startMs: number
  readonly endMs: number
}

/** The periods that are to be looked at: complete ones, and more than count, for when some have no data. */
export function evaluationRange(
  rule: Pick<AlarmRule, 'periodSeconds' | 'evaluationPeriods'>,
  nowMs: number,
): TimeRange {
  const periodMs = rule.periodSeconds * 1000
  const endMs = Math.floor(nowMs / periodMs) * periodMs
  return { startMs: endMs - (rule.evaluationPeriods + MORE_PERIODS) * periodMs, endMs }
}

/** `datapoints`: those within the evaluation range, in any order. Undefined where the alarm stays as it is. */
export function evaluateAlarm(
  rule: AlarmRule,
  datapoints: readonly AlarmDatapoint[],
  nowMs: number,
): AlarmEvaluation | undefined {
  const { evaluationPeriods, treatMissingData } = rule
  const newestFirst = [...datapoints].sort((a, b) => b.fromMs - a.fromMs)
  const evaluated = newestFirst.slice(0, evaluationPeriods)
  if (hasFewSamples(rule, evaluated)) return undefined
  const missing = evaluationPeriods - evaluated.length
  const filled = missing > 0 && (treatMissingData === 'breaching' || treatMissingData === 'notBreaching')
  const state = filled ? stateFilled(rule, evaluated) : stateOf(rule, evaluated, nowMs)
  if (state === undefined) return undefined
  const finding = {
    ...{ rule, state, evaluated, nowMs },
    breaching: (point: AlarmDatapoint) => isBreaching(rule, point),
    missingMs: missingPeriods(rule, evaluated, nowMs),
    filledAs: filled ? treatMissingData : undefined,
  }
  return { state, reason: alarmReason(finding), reasonData: alarmReasonData(finding) }
}

/** Missing data counts as the alarm says, but no more of it than is needed for all its periods. */
function stateFilled(rule: AlarmRule, evaluated: readonly AlarmDatapoint[]): AlarmState {
  const missing = rule.treatMissingData === 'breaching' ? rule.evaluationPeriods - evaluated.length : 0
  return countBreaching(rule, evaluated) + missing >= toAlarm(rule) ? 'ALARM' : 'OK'
}

function stateOf(rule: AlarmRule, evaluated: readonly AlarmDatapoint[], nowMs: number): AlarmState | undefined {
  const breaching = countBreaching(rule, evaluated)
  if (breaching >= toAlarm(rule)) return 'ALARM'
  if (breaching < evaluated.length) return 'OK'
  const ignores = rule.treatMissingData === 'ignore'
  // All that there is breaches, but it is not enough, unless it began long enough ago: until then, the next datapoint
  // may show that it was nothing ("Avoiding premature transitions to alarm state").
  if (!ignores && isOldEnough(rule, evaluated, nowMs)) return 'ALARM'
  return ignores ? undefined : 'INSUFFICIENT_DATA'
}

function isOldEnough(rule: AlarmRule, evaluated: readonly AlarmDatapoint[], nowMs: number): boolean {
  const oldest = evaluated.at(-1)
  if (!oldest) return false
  const { endMs } = evaluationRange(rule, nowMs)
  return (endMs - oldest.fromMs) / (rule.periodSeconds * 1000) >= toAlarm(rule)
}

const countBreaching = (rule: AlarmRule, points: readonly AlarmDatapoint[]) =>
  points.filter((point) => isBreaching(rule, point)).length

const toAlarm = ({ datapointsToAlarm, evaluationPeriods }: AlarmRule) => datapointsToAlarm ?? evaluationPeriods

/** The user guide's "Percentile-based CloudWatch alarms and low data samples". */
function hasFewSamples({ lowSampleCountPercentile, statistic }: AlarmRule, points: readonly AlarmDatapoint[]): boolean {
  if (lowSampleCountPercentile !== 'ignore' || points.length === 0) return false
  const percentile = statistic === undefined ? undefined : parseStatistic(statistic)?.percentile
  if (percentile === undefined) return false
  const share = percentile / 100
  const needed = 10 / Math.min(share, 1 - share)
  // Shares such as 0.99 are not exact.
  return points.reduce((sum, { sampleCount = 0 }) => sum + sampleCount, 0) < needed * (1 - 1e-9)
}

/** The newest periods without data, as many as the alarm lacks. */
function missingPeriods(rule: AlarmRule, evaluated: readonly AlarmDatapoint[], nowMs: number): number[] {
  const known = new Set(evaluated.map(({ fromMs }) => fromMs))
  const { startMs, endMs } = evaluationRange(rule, nowMs)
  const missing: number[] = []
  for (let at = endMs - rule.periodSeconds * 1000; at >= startMs; at -= rule.periodSeconds * 1000)
    if (!known.has(at) && missing.length < rule.evaluationPeriods - evaluated.length) missing.push(at)
  return missing
}

const isBreaching = ({ comparisonOperator, threshold }: AlarmRule, { value }: AlarmDatapoint) =>
  COMPARISONS[comparisonOperator].breaches(value, threshold)

/** CloudWatch looks at five periods for an alarm of three. */
const MORE_PERIODS = 2
