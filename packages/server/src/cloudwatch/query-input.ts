/** Reads the queries of GetMetricData and of alarms on metric math (API reference, `MetricDataQuery`). */
import type { AlarmQuery, WatchedStatistic } from '../alarms/alarm-records.ts'
import { idsIn } from '../metrics/math/evaluate.ts'
import { MathError } from '../metrics/math/parse.ts'
import type { Input } from '../protocols/input.ts'
import { invalidValue, missing, validation } from './errors.ts'
import { isPeriod, metricShape, readMetric, readNamespace, readUnit } from './metric-input.ts'
import { requireStatistic } from './statistic-input.ts'

const MOST_QUERIES = 500
const MOST_ALARM_QUERIES = 20
const LONGEST_LABEL = 8192

export function readQueries(input: Input): readonly AlarmQuery[] {
  return readQueryList(input, 'MetricDataQueries', MOST_QUERIES)
}

/** One of them, and only one, is what the alarm watches. */
export function readAlarmQueries(input: Input): readonly AlarmQuery[] {
  const queries = readQueryList(input, 'Metrics', MOST_ALARM_QUERIES)
  if (queries.filter(({ returnData }) => returnData).length !== 1) {
    throw validation('Exactly one element of the Metrics list should return data.')
  }
  if (queries.some(({ metricStat }) => metricStat && metricStat.periodSeconds < 10)) {
    throw validation('Period must be 10, 20, 30 or a multiple of 60')
  }
  const known = new Set(queries.map(({ id }) => id))
  for (const { id, expression } of queries) {
    if (expression !== undefined) requireKnownIds(id, expression, known)
  }
  return queries
}

/** Throws ValidationException where an expression cannot be read, searches, or names a query that is not there. */
function requireKnownIds(id: string, expression: string, known: ReadonlySet<string>): void {
  if (/\bSEARCH\s*\(/.test(expression)) {
    throw validation(`Invalid metrics list: Error in expression '${id}': SEARCH is not supported on alarms`)
  }
  let ids: readonly string[]
  try {
    ids = idsIn(expression)
  } catch (error) {
    if (!(error instanceof MathError)) throw error
    throw validation(`Invalid metrics list: Error in expression '${id}': ${error.message}`)
  }
  const unknown = ids.find((one) => !known.has(one))
  if (unknown !== undefined) {
    throw validation(`Invalid metrics list: Error in expression '${id}': there is no query with the id ${unknown}`)
  }
}

function readQueryList(input: Input, name: string, most: number): readonly AlarmQuery[] {
  const list = input.structures(name)
  if (list.length === 0) throw missing(name)
  if (list.length > most) throw validation(`The collection ${name} must not have a size greater than ${most}.`)
  const queries = list.map((query, at) => readQuery(query, `${name}.member.${at + 1}`))
  if (new Set(queries.map(({ id }) => id)).size < queries.length) {
    throw validation(`The values for parameter id in ${name} are not unique.`)
  }
  return queries
}

function readQuery(input: Input, path: string): AlarmQuery {
  const id = input.text('Id', 255)
  if (!/^[a-z][a-zA-Z0-9_]*$/.test(id)) {
    throw validation(
      `The value ${id} for parameter ${path}.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.`,
    )
  }
  if (input.has('AccountId')) throw validation('Metrics of other accounts are not supported by this server.')
  const expression = input.optionalText('Expression', 2048, 1)
  const stat = input.structure('MetricStat')
  if (stat && expression !== undefined) throw exclusive(path, 'Expression', 'MetricStat')
  if (stat && input.has('Period')) throw exclusive(path, 'Period', 'MetricStat')
  if (!stat && expression === undefined) {
    throw validation(`Either of the parameters ${path}.Expression and ${path}.MetricStat must be specified.`)
  }
  const label = input.optionalText('Label', LONGEST_LABEL)
  const periodSeconds = input.optionalNumber('Period', 1, MOST_SECONDS)
  if (periodSeconds !== undefined) requirePeriod(periodSeconds, `${path}.Period`)
  return {
    id,
    ...(label !== undefined && { label }),
    returnData: input.flagOr('ReturnData', true),
    ...(stat && { metricStat: readMetricStat(stat, `${path}.MetricStat`) }),
    ...(expression !== undefined && { expression }),
    ...(periodSeconds !== undefined && { periodSeconds }),
  }
}

function readMetricStat(input: Input, path: string): WatchedStatistic {
  const metric = input.structure('Metric')
  if (!metric) throw missing(`${path}.Metric`)
  const periodSeconds = input.optionalNumber('Period', 1, MOST_SECONDS)
  if (periodSeconds === undefined) throw missing(`${path}.Period`)
  requirePeriod(periodSeconds, `${path}.Period`)
  if (!input.has('Stat')) throw missing(`${path}.Stat`)
  const statistic = input.text('Stat', 255)
  requireStatistic(statistic, `${path}.Stat`)
  const unit = readUnit(input, `${path}.`)
  const at = `${path}.Metric.`
  return { metric: readMetric(metric, at, readNamespace(metric, at)), periodSeconds, statistic, ...(unit && { unit }) }
}

export function requirePeriod(periodSeconds: number, path: string): void {
  if (!isPeriod(periodSeconds)) throw invalidValue(`The value ${periodSeconds} for parameter ${path} is invalid.`)
}

const exclusive = (path: string, one: string, other: string) =>
  validation(`The parameters ${path}.${one} and ${path}.${other} are mutually exclusive and you have specified both.`)

/** Its shape in replies. */
export const queryShape = ({ id, label, returnData, metricStat, expression, periodSeconds }: AlarmQuery) => ({
  Id: id,
  MetricStat: metricStat && {
    Metric: metricShape(metricStat.metric),
    Period: metricStat.periodSeconds,
    Stat: metricStat.statistic,
    Unit: metricStat.unit,
  },
  Expression: expression,
  Label: label,
  ReturnData: returnData,
  Period: periodSeconds,
})

const MOST_SECONDS = 2 ** 31 - 1
