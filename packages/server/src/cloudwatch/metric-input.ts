/** Reads metrics from requests. */
import { type Dimension, type MetricIdentity, UNITS, type Unit } from '../metrics/metric-data.ts'
import type { Input } from '../protocols/input.ts'
import { invalidValue, missing } from './errors.ts'

export const MOST_DIMENSIONS = 30

/** `path`: of the structure in the request, for messages, e.g. `MetricData.member.1.`; empty at its top. */
export function readMetric(input: Input, path: string, namespace: string): MetricIdentity {
  if (!input.has('MetricName')) throw missing(`${path}MetricName`)
  return { namespace, name: input.text('MetricName', 255), dimensions: readDimensions(input, path) }
}

export function readNamespace(input: Input, path = ''): string {
  if (!input.has('Namespace')) throw missing(`${path}Namespace`)
  const namespace = input.text('Namespace', 255)
  if (namespace.startsWith(':')) throw invalidValue(`The value ${namespace} for parameter ${path}Namespace is invalid.`)
  return namespace
}

/** Sorted by name; each name stands once. */
export function readDimensions(input: Input, path: string): readonly Dimension[] {
  const given = input.structures('Dimensions')
  if (given.length > MOST_DIMENSIONS) {
    throw invalidValue(`The collection ${path}Dimensions must not have a size greater than ${MOST_DIMENSIONS}.`)
  }
  const dimensions = given.map((one, at) => {
    const here = `${path}Dimensions.member.${at + 1}`
    if (!one.has('Name')) throw missing(`${here}.Name`)
    if (!one.has('Value')) throw missing(`${here}.Value`)
    return { name: one.text('Name', 255), value: one.text('Value', 1024) }
  })
  dimensions.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  const twice = dimensions.find(({ name }, at) => name === dimensions[at + 1]?.name)
  if (twice) throw invalidValue(`The parameter ${path}Dimensions has the name ${twice.name} more than once.`)
  return dimensions
}

export function readUnit(input: Input, path = ''): Unit | undefined {
  const text = input.optionalText('Unit', 64, 1)
  if (text === undefined) return undefined
  const unit = UNITS.find((known) => known === text)
  if (!unit) throw invalidValue(`The value ${text} for parameter ${path}Unit is invalid.`)
  return unit
}

/** Periods that AWS knows: of high resolution, and whole minutes. */
export const isPeriod = (seconds: number) => HIGH_RESOLUTION_PERIODS.includes(seconds) || seconds % 60 === 0
const HIGH_RESOLUTION_PERIODS = [1, 5, 10, 20, 30]

/** Their shape in replies. */
export const metricShape = ({ namespace, name, dimensions }: MetricIdentity) => ({
  Namespace: namespace,
  MetricName: name,
  Dimensions: dimensionShapes(dimensions),
})

export const dimensionShapes = (dimensions: readonly Dimension[]) =>
  dimensions.map(({ name, value }) => ({ Name: name, Value: value }))
