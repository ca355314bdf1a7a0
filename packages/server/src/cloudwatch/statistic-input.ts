/** Names of statistics in requests. */
import { parseStatistic, type SIMPLE_STATISTICS, type Statistic } from '../metrics/statistics.ts'
import { invalidValue } from './errors.ts'

/** As the API names them. */
export const SIMPLE_STATISTIC_NAMES = [
  'SampleCount',
  'Average',
  'Sum',
  'Minimum',
  'Maximum',
] as const satisfies readonly (keyof typeof SIMPLE_STATISTICS)[]

/** Throws InvalidParameterValueException where there is no such statistic. */
export function requireStatistic(name: string, path: string): Statistic {
  const statistic = parseStatistic(name)
  if (!statistic) throw invalidValue(`The value ${name} for parameter ${path} is not supported.`)
  return statistic
}
