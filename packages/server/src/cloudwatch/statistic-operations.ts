/** Statistics of metrics read: of one metric, or of many with math over them. */

import type { MetricDataResult } from '../metrics/math/evaluate.ts'
import { evaluate } from '../metrics/math/evaluate.ts'
import { MathError } from '../metrics/math/parse.ts'
import type { Period } from '../metrics/metric-data.ts'
import type { Statistic } from '../metrics/statistics.ts'
import type { Input } from '../protocols/input.ts'
import type { Output } from '../protocols/service-door.ts'
import { invalidCombination, invalidValue, missing, validation } from './errors.ts'
import { readMetric, readNamespace, readUnit } from './metric-input.ts'
import { readQueries, requirePeriod } from './query-input.ts'
import { type CloudWatchOperations, invalidToken, readToken, requireMay, scopeOf, writeToken } from './services.ts'
import { requireStatistic, SIMPLE_STATISTIC_NAMES } from './statistic-input.ts'

const MOST_POINTS = 1_440
const MOST_DATAPOINTS = 100_800
const MOST_EXTENDED = 10

export const STATISTIC_OPERATIONS = {
  GetMetricStatistics: {
    readOnly: true,
    audit: 'data',
    async run({ metrics }, call, input) {
      requireMay(call, 'GetMetricStatistics')
      const metric = readMetric(input, '', readNamespace(input))
      const { startMs, endMs } = readTimeRange(input, invalidValue)
      const periodSeconds = input.optionalNumber('Period', 1, MOST_SECONDS)
      if (periodSeconds === undefined) throw missing('Period')
      requirePeriod(periodSeconds, 'Period')
      const points = Math.ceil((endMs - startMs) / (periodSeconds * 1000))
      if (points > MOST_POINTS) throw tooManyPoints(points)
      const { simple, extended } = readStatistics(input)
      const unit = readUnit(input)
      const query = { metric, startMs, endMs, periodSeconds, ...(unit && { unit }) }
      const periods = await metrics.read(scopeOf(call), query)
      return {
        Label: metric.name,
        Datapoints: periods.map((period) => datapoint(period, simple, extended)).filter((one) => one !== undefined),
      }
    },
  },
  GetMetricData: {
    readOnly: true,
    audit: 'data',
    async run({ metrics, serviceQuota, clock }, call, input) {
      requireMay(call, 'GetMetricData')
      const queries = readQueries(input)
      const range = readTimeRange(input, validation)
      const newestFirst =
        input.choice('ScanBy', ['TimestampDescending', 'TimestampAscending'] as const) !== 'TimestampAscending'
      requireTimezone(input)
      const limit = input.optionalNumber('MaxDatapoints', 1, MOST_DATAPOINTS) ?? MOST_DATAPOINTS
      const from = readOffset(input)
      const scope = scopeOf(call)
      const results = await evaluate(queries, range, {
        scope,
        store: metrics,
        serviceQuota: (metric) => serviceQuota(scope, metric),
        clock,
      }).catch((error: unknown) => {
        throw error instanceof MathError ? validation(error.message) : error
      })
      return page(newestFirst ? results.map(reversed) : results, from, limit)
    },
  },
} satisfies CloudWatchOperations

function readTimeRange(input: Input, wrong: (message: string) => Error) {
  const startMs = input.optionalTimestamp('StartTime')
  const endMs = input.optionalTimestamp('EndTime')
  if (startMs === undefined) throw missing('StartTime')
  if (endMs === undefined) throw missing('EndTime')
  if (startMs >= endMs) throw wrong('The parameter StartTime must be less than the parameter EndTime.')
  return { startMs, endMs }
}

const tooManyPoints = (points: number) =>
  invalidCombination(
    `You have requested up to ${points.toLocaleString('en')} datapoints, which exceeds the limit of ` +
      `${MOST_POINTS.toLocaleString('en')}. You may reduce the datapoints requested by increasing Period, or decreasing ` +
      'the time range.',
  )

function readStatistics(input: Input) {
  const simple = input.texts('Statistics').map((name, at) => {
    const known = SIMPLE_STATISTIC_NAMES.find((one) => one === name)
    if (!known) throw invalidValue(`The value ${name} for parameter Statistics.member.${at + 1} is invalid.`)
    return requireStatistic(known, 'Statistics')
  })
  const extended = input
    .texts('ExtendedStatistics')
    .map((name, at) => requireStatistic(name, `ExtendedStatistics.member.${at + 1}`))
  if (simple.length + extended.length === 0) {
    throw invalidCombination('Must specify either Statistics or ExtendedStatistics')
  }
  if (extended.length > MOST_EXTENDED) {
    throw invalidValue(`The collection ExtendedStatistics must not have a size greater than ${MOST_EXTENDED}.`)
  }
  return { simple, extended }
}

/** Undefined where no statistic has a value: the data does not tell what was asked for. */
function datapoint(period: Period, simple: readonly Statistic[], extended: readonly Statistic[]): Output | undefined {
  const valuesOf = (statistics: readonly Statistic[]) =>
    statistics
      .map((statistic) => [statistic.name, statistic.valueOf(period)] as const)
      .filter(([, value]) => value !== undefined)
  const values = valuesOf(simple)
  const extendedValues = valuesOf(extended)
  if (values.length + extendedValues.length === 0) return undefined
  return {
    Timestamp: new Date(period.fromMs),
    ...Object.fromEntries(values),
    Unit: period.unit,
    ...(extendedValues.length > 0 && { ExtendedStatistics: new Map(extendedValues) }),
  }
}

/** Labels have no times in them here, so that it only has to be one. */
function requireTimezone(input: Input): void {
  const zone = input.structure('LabelOptions')?.optionalText('Timezone', 5, 5)
  if (zone !== undefined && !/^[+-](0\d|1[0-4])[0-5]\d$/.test(zone)) {
    throw validation(`The value ${zone} for parameter LabelOptions.Timezone is invalid.`)
  }
}

const reversed = (result: MetricDataResult): MetricDataResult => ({
  ...result,
  timestamps: result.timestamps.toReversed(),
  values: result.values.toReversed(),
})

/** Data points are counted through all results; a token is the number of those that were given. */
function page(results: readonly MetricDataResult[], from: number, limit: number): Output {
  const shapes: Output[] = []
  let before = 0
  for (const { id, label, timestamps, values, statusCode, messages } of results) {
    const start = Math.max(0, from - before)
    const end = Math.min(values.length, from + limit - before)
    const isHere = start < end || (values.length === 0 && before >= from && before < from + limit)
    if (isHere) {
      shapes.push({
        Id: id,
        Label: label,
        Timestamps: timestamps.slice(start, end).map((atMs) => new Date(atMs)),
        Values: values.slice(start, end),
        StatusCode: end < values.length ? 'PartialData' : statusCode,
        Messages: messages.length > 0 ? messages.map(({ code, value }) => ({ Code: code, Value: value })) : undefined,
      })
    }
    before += values.length
  }
  if (from > 0 && from >= before) throw invalidToken()
  return {
    MetricDataResults: shapes,
    NextToken: from + limit < before ? writeToken(`points-${from + limit}`) : undefined,
    Messages: [],
  }
}

function readOffset(input: Input): number {
  const token = readToken(input)
  if (!token) return 0
  const match = /^points-(\d{1,12})$/.exec(Buffer.from(token).toString())
  if (!match) throw invalidToken()
  return Number(match[1])
}

const MOST_SECONDS = 2 ** 31 - 1
