/** Reads PutMetricAlarm, with AWS's rules on what goes together (API reference, `PutMetricAlarm`). */
import { isActionArn } from '../alarms/alarm-arn.ts'
import type { AlarmConfiguration, AlarmTag, WatchedStatistic } from '../alarms/alarm-records.ts'
import { COMPARISONS, type ComparisonOperator } from '../metrics/metric-alarm.ts'
import type { Input } from '../protocols/input.ts'
import { validation } from './errors.ts'
import { isPeriod, readMetric, readNamespace, readUnit } from './metric-input.ts'
import { readAlarmQueries } from './query-input.ts'
import { requireStatistic, SIMPLE_STATISTIC_NAMES } from './statistic-input.ts'

const MOST_ACTIONS = 5
const MOST_TAGS = 50
const DAY_SECONDS = 86_400
const HOUR_SECONDS = 3_600
const COMPARISON_OPERATORS = Object.keys(COMPARISONS) as readonly ComparisonOperator[]
const MISSING_DATA_TREATMENTS = ['breaching', 'notBreaching', 'ignore', 'missing'] as const
/** What alarms of another kind have; they are not here. */
const OTHER_KINDS = ['ThresholdMetricId', 'EvaluationCriteria', 'EvaluationInterval', 'EvaluationWindow']

export function readAlarm(input: Input): AlarmConfiguration {
  const other = OTHER_KINDS.find((name) => input.has(name))
  if (other) throw validation(`Alarms with ${other} are not supported by this server.`)
  const evaluationPeriods = requiredNumber(input, 'EvaluationPeriods')
  const datapointsToAlarm = input.optionalNumber('DatapointsToAlarm', 1, evaluationPeriods)
  const comparisonOperator = input.choice('ComparisonOperator', COMPARISON_OPERATORS)
  if (!comparisonOperator) throw validation('The parameter ComparisonOperator is required.')
  const threshold = input.optionalDecimal('Threshold', -Number.MAX_VALUE, Number.MAX_VALUE)
  if (threshold === undefined) throw validation('The parameter Threshold is required.')
  const treatMissingData = input.choice('TreatMissingData', MISSING_DATA_TREATMENTS)
  const lowCount = input.choice('EvaluateLowSampleCountPercentile', ['evaluate', 'ignore'] as const)
  const alarmDescription = input.optionalText('AlarmDescription', 1024)
  return {
    alarmName: alarmName(input),
    ...(alarmDescription !== undefined && { alarmDescription }),
    actionsEnabled: input.flagOr('ActionsEnabled', true),
    okActions: readActions(input, 'OKActions'),
    alarmActions: readActions(input, 'AlarmActions'),
    insufficientDataActions: readActions(input, 'InsufficientDataActions'),
    ...readWatched(input, evaluationPeriods),
    evaluationPeriods,
    ...(datapointsToAlarm !== undefined && { datapointsToAlarm }),
    threshold,
    comparisonOperator,
    ...(treatMissingData && { treatMissingData }),
    ...(lowCount && { evaluateLowSampleCountPercentile: lowCount }),
  }
}

/** A name of an alarm, which has no control characters. */
export function alarmName(input: Input, name = 'AlarmName'): string {
  const text = input.text(name, 255)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
  if (/[\u0000-\u001f\u007f]/.test(text)) throw validation(`The value of parameter ${name} has control characters.`)
  return text
}

export function readTags(input: Input, name = 'Tags'): readonly AlarmTag[] {
  const tags = input.structures(name).map((tag) => ({ Key: tag.text('Key', 128), Value: tag.text('Value', 256, 0) }))
  if (new Set(tags.map(({ Key }) => Key)).size < tags.length) {
    throw validation('The request has a tag key more than once.')
  }
  return requireFewTags(tags)
}

export function requireFewTags(tags: readonly AlarmTag[]): readonly AlarmTag[] {
  if (tags.length > MOST_TAGS) throw validation(`A resource has at most ${MOST_TAGS} tags.`)
  return tags
}

/** One metric, or queries. */
function readWatched(input: Input, evaluationPeriods: number): Pick<AlarmConfiguration, 'watched' | 'queries'> {
  if (!input.has('Metrics') || input.structures('Metrics').length === 0) {
    const watched = readStatistic(input)
    requireRange(evaluationPeriods, watched.periodSeconds)
    return { watched }
  }
  const alone = ['MetricName', 'Namespace', 'Dimensions', 'Period', 'Statistic', 'ExtendedStatistic', 'Unit']
  const both = alone.find((name) => input.has(name) && (name !== 'Dimensions' || input.structures(name).length > 0))
  if (both) throw validation(`The parameters ${both} and Metrics are mutually exclusive and you have specified both.`)
  const queries = readAlarmQueries(input)
  const periods = queries.map(({ metricStat, periodSeconds }) => metricStat?.periodSeconds ?? periodSeconds ?? 0)
  requireRange(evaluationPeriods, Math.max(...periods))
  return { queries }
}

function readStatistic(input: Input): WatchedStatistic {
  const periodSeconds = requiredNumber(input, 'Period')
  if (!isAlarmPeriod(periodSeconds)) throw validation('Period must be 10, 20, 30 or a multiple of 60')
  if (input.has('Statistic') === input.has('ExtendedStatistic')) {
    throw validation('Exactly one of Statistic and ExtendedStatistic must be specified.')
  }
  const statistic = input.choice('Statistic', SIMPLE_STATISTIC_NAMES) ?? input.text('ExtendedStatistic', 255)
  requireStatistic(statistic, 'ExtendedStatistic')
  const unit = readUnit(input)
  return {
    metric: readMetric(input, '', readNamespace(input)),
    periodSeconds,
    statistic,
    ...(unit && { unit }),
  }
}

export const isAlarmPeriod = (seconds: number) => seconds >= 10 && isPeriod(seconds)

function requireRange(evaluationPeriods: number, periodSeconds: number): void {
  const days = periodSeconds >= HOUR_SECONDS ? 7 : 1
  if (evaluationPeriods * periodSeconds > days * DAY_SECONDS) {
    throw validation(
      `Metrics cannot be checked across more than ${days === 1 ? 'a day' : `${days} days`} ` +
        `(EvaluationPeriods * Period must be <= ${days * DAY_SECONDS}).`,
    )
  }
}

function readActions(input: Input, name: string): readonly string[] {
  const actions = input.texts(name)
  if (actions.length > MOST_ACTIONS) {
    throw validation(`The collection ${name} must not have a size greater than ${MOST_ACTIONS}.`)
  }
  for (const arn of actions) {
    if (arn.length > 1024 || !isActionArn(arn)) throw validation(`Invalid arn syntax: ${arn}`)
  }
  return [...new Set(actions)]
}

function requiredNumber(input: Input, name: string): number {
  const value = input.optionalNumber(name, 1, MOST_SECONDS)
  if (value === undefined) throw validation(`The parameter ${name} is required.`)
  return value
}

const MOST_SECONDS = 2 ** 31 - 1
