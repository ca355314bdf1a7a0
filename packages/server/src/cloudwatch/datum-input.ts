/** Reads what PutMetricData brings, with AWS's limits and texts (API reference, `PutMetricData`, `MetricDatum`). */
import type { Datum, DatumValues, StatisticSet } from '../metrics/metric-data.ts'
import type { Input } from '../protocols/input.ts'
import { cloudWatchError, invalidCombination, invalidValue, missing } from './errors.ts'
import { readMetric, readUnit } from './metric-input.ts'

const MOST_METRICS = 1000
const MOST_VALUES = 150
const OLDEST_MS = 14 * 86_400_000
const NEWEST_MS = 2 * 3_600_000
const LARGEST_VALUE = 2 ** 360

/** Data of metrics, also of those that come with an entity, which nothing is made of here. */
export function readData(input: Input, namespace: string, nowMs: number): readonly Datum[] {
  const entities = input.structures('EntityMetricData')
  const lists = [
    ['MetricData', input.structures('MetricData')] as const,
    ...entities.map(
      (entity, at) => [`EntityMetricData.member.${at + 1}.MetricData`, entity.structures('MetricData')] as const,
    ),
  ]
  const count = lists.reduce((sum, [, list]) => sum + list.length, 0)
  if (count === 0) throw missing('MetricData')
  if (count > MOST_METRICS) {
    throw invalidValue(`The collection MetricData must not have a size greater than ${MOST_METRICS}.`)
  }
  return lists.flatMap(([path, list]) =>
    list.map((datum, at) => readDatum(datum, `${path}.member.${at + 1}.`, namespace, nowMs)),
  )
}

function readDatum(input: Input, path: string, namespace: string, nowMs: number): Datum {
  const atMs = input.optionalTimestamp('Timestamp') ?? nowMs
  if (atMs < nowMs - OLDEST_MS) {
    throw invalidValue(`The parameter ${path}Timestamp must specify a time no more than two weeks in the past.`)
  }
  if (atMs > nowMs + NEWEST_MS) {
    throw invalidValue(`The parameter ${path}Timestamp must specify a time no more than two hours in the future.`)
  }
  const resolution = input.optionalNumber('StorageResolution', 1, 60) ?? 60
  if (resolution !== 1 && resolution !== 60) {
    throw invalidValue(`The value ${resolution} for parameter ${path}StorageResolution is invalid.`)
  }
  return {
    metric: readMetric(input, path, namespace),
    atMs,
    unit: readUnit(input, path) ?? 'None',
    highResolution: resolution === 1,
    data: readValues(input, path),
  }
}

function readValues(input: Input, path: string): DatumValues {
  const ways = (['Value', 'Values', 'StatisticValues'] as const).filter((name) => input.has(name))
  if (ways.length > 1) {
    throw invalidCombination(
      `The parameters ${path}${ways[0]} and ${path}${ways[1]} are mutually exclusive and you have specified both.`,
    )
  }
  if (input.has('Value')) {
    return { values: [inRange(input.anyDouble('Value')!, `${path}Value`)], counts: [1] }
  }
  const statistics = input.structure('StatisticValues')
  if (statistics) return readStatisticSet(statistics, `${path}StatisticValues`)
  const values = input.anyDoubles('Values').map((value, at) => inRange(value, `${path}Values.member.${at + 1}`))
  if (values.length === 0) {
    throw cloudWatchError(
      'MissingRequiredParameterException',
      `At least one of the parameters ${path}Value, ${path}Values or ${path}StatisticValues must be specified.`,
    )
  }
  if (values.length > MOST_VALUES) {
    throw invalidValue(`The collection ${path}Values must not have a size greater than ${MOST_VALUES}.`)
  }
  const counts = input.has('Counts') ? input.anyDoubles('Counts') : values.map(() => 1)
  if (counts.length !== values.length) {
    throw invalidValue(`The parameters ${path}Values and ${path}Counts must be of the same size.`)
  }
  counts.forEach((count, at) => {
    if (!(count > 0 && count <= LARGEST_VALUE)) throw invalid(count, `${path}Counts.member.${at + 1}`)
  })
  return { values, counts }
}

function readStatisticSet(input: Input, path: string): StatisticSet {
  const member = (name: string) => {
    const value = input.anyDouble(name)
    if (value === undefined) throw missing(`${path}.${name}`)
    return inRange(value, `${path}.${name}`)
  }
  const set = {
    sampleCount: member('SampleCount'),
    sum: member('Sum'),
    minimum: member('Minimum'),
    maximum: member('Maximum'),
  }
  if (set.maximum < set.minimum) {
    throw invalidValue(`The parameter ${path}.Maximum must be greater than or equal to ${path}.Minimum.`)
  }
  if (set.sampleCount <= 0) throw invalidValue(`The parameter ${path}.SampleCount must be greater than 0.`)
  return set
}

function inRange(value: number, path: string): number {
  if (!(Math.abs(value) <= LARGEST_VALUE)) throw invalid(value, path)
  return value
}

const invalid = (value: number, path: string) => invalidValue(`The value ${value} for parameter ${path} is invalid.`)
