/**
 * The operators of metric math. Of two series, a point that one of them lacks counts as 0 there (CloudWatch user guide,
 * "Basic arithmetic functions" and "Comparison and logical operators"); what cannot be divided is dropped.
 */
import { MathError, type Operator } from './parse.ts'
import { aligned, arrayOf, type MathValue, mapSeries, type Series, scalar, seriesOf } from './series.ts'

export function applyOperator(operator: Operator, left: MathValue, right: MathValue): MathValue {
  const apply = OPERATORS[operator]
  if (left.type === 'S' && right.type === 'S') return scalar(apply(left.value, right.value))
  if (left.type === 'TS[]' && right.type === 'TS[]')
    throw new MathError(`Unsupported operand types for ${operator}: two arrays of time series`)
  if (left.type === 'TS[]') return arrayOf(left.items.map((item) => ofTwo(apply, item, right, item.label)))
  if (right.type === 'TS[]') return arrayOf(right.items.map((item) => ofTwo(apply, left, item, item.label)))
  return ofTwo(apply, left, right, left.type === 'TS' ? left.label : (right as Series).label)
}

export function negate(value: MathValue): MathValue {
  if (value.type === 'S') return scalar(-value.value)
  if (value.type === 'TS') return mapSeries(value, (one) => -one)
  return arrayOf(value.items.map((item) => mapSeries(item, (one) => -one)))
}

type Apply = (a: number, b: number) => number

function ofTwo(apply: Apply, left: MathValue, right: MathValue, label: string): Series {
  if (left.type === 'TS' && right.type === 'TS') {
    const periodSeconds = Math.min(left.periodSeconds, right.periodSeconds)
    const points = aligned([left, right]).map(([at, [a = 0, b = 0]]) => [at, apply(a, b)] as const)
    return seriesOf({ label, periodSeconds }, points)
  }
  if (left.type === 'TS' && right.type === 'S') return mapSeries(left, (value) => apply(value, right.value))
  if (left.type === 'S' && right.type === 'TS') return mapSeries(right, (value) => apply(left.value, value))
  throw new MathError('Unsupported operand types')
}

const truth = (holds: boolean) => (holds ? 1 : 0)

const OPERATORS: Readonly<Record<Operator, Apply>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '^': (a, b) => a ** b,
  '==': (a, b) => truth(a === b),
  '!=': (a, b) => truth(a !== b),
  '<': (a, b) => truth(a < b),
  '>': (a, b) => truth(a > b),
  '<=': (a, b) => truth(a <= b),
  '>=': (a, b) => truth(a >= b),
  AND: (a, b) => truth(a !== 0 && b !== 0),
  OR: (a, b) => truth(a !== 0 || b !== 0),
}
