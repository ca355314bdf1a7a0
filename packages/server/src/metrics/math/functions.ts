/**
 * The functions of metric math, a row each (CloudWatch user guide, "Functions supported for metric math"). What a function
 * takes and gives is told in AWS's letters: S a scalar, TS a time series, TS[] an array of them.
 */
import { MathError } from './parse.ts'
import { aligned, arrayOf, type MathValue, mapSeries, type Series, scalar, seriesOf, valueAt } from './series.ts'

/** What functions are given besides values: words such as REPEAT. */
export interface Word {
  readonly type: 'word'
  readonly word: string
}
export type Argument = MathValue | Word

export interface FunctionContext {
  /** When the periods of this length in the range asked for begin. */
  grid(periodSeconds: number): readonly number[]
  /** How many these are. */
  periods(periodSeconds: number): number
  /** The shortest period of the metrics in the request. */
  readonly periodSeconds: number
  /** The quota that a usage metric is held to, of one period; undefined where there is none. */
  quotaOf(series: Series): Promise<number | undefined>
}

type MathFunction = (args: readonly Argument[], context: FunctionContext) => MathValue | Promise<MathValue>

/** Throws MathError. */
export async function callFunction(
  name: string,
  args: readonly Argument[],
  context: FunctionContext,
): Promise<MathValue> {
  if (REFUSED.has(name)) throw new MathError(`The function ${name} is not supported`)
  const apply = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name]! : undefined
  if (!apply) throw new MathError(`There is no function ${name}`)
  try {
    return await apply(args, context)
  } catch (error) {
    if (error instanceof WrongArguments) throw new MathError(`Wrong arguments for ${name}: ${error.message}`)
    throw error
  }
}

class WrongArguments extends Error {}

const series = (argument: Argument | undefined): Series => {
  if (argument?.type !== 'TS') throw new WrongArguments('it takes a time series')
  return argument
}
const list = (argument: Argument | undefined): readonly Series[] => {
  if (argument?.type !== 'TS[]') throw new WrongArguments('it takes an array of time series')
  return argument.items
}
const number = (argument: Argument | undefined): number => {
  if (argument?.type !== 'S') throw new WrongArguments('it takes a number')
  return argument.value
}
const oneOf = (argument: Argument | undefined, words: readonly string[]): string => {
  if (argument?.type !== 'word' || !words.includes(argument.word))
    throw new WrongArguments(`it takes ${words.join(', ')}`)
  return argument.word
}
const count = (args: readonly Argument[], least: number, most = least) => {
  if (args.length < least || args.length > most)
    throw new WrongArguments(`it takes ${least === most ? least : `${least} to ${most}`}`)
}

/** TS → TS and TS[] → TS[]: each series by itself. */
const each =
  (of: (one: Series, context: FunctionContext) => Series): MathFunction =>
  (args, context) => {
    count(args, 1)
    const [argument] = args
    if (argument?.type === 'TS[]') return arrayOf(argument.items.map((one) => of(one, context)))
    return of(series(argument), context)
  }

/** As `each`, for every value; also S → S. */
const pointwise =
  (of: (value: number) => number): MathFunction =>
  (args, context) =>
    args[0]?.type === 'S' && args.length === 1
      ? scalar(of(args[0].value))
      : each((one) => mapSeries(one, of))(args, context)

/**
 * TS → S over its points, TS[] → TS over the points of one time. `expected` is how many there could be: the periods of the
 * range, or the series of the array.
 */
const fold =
  (of: (values: readonly number[], expected: number) => number): MathFunction =>
  (args, context) => {
    count(args, 1)
    const [argument] = args
    if (argument?.type === 'S') return scalar(of([argument.value], 1))
    if (argument?.type === 'TS') return scalar(of(argument.values, context.periods(argument.periodSeconds)))
    const items = list(argument)
    const points = aligned(items).map(([at, values]) => [at, of(values.filter(isNumber), items.length)] as const)
    return seriesOf(together(items, context), points)
  }

/** TS → TS, from each point and the one before; the first has none. */
const fromPrevious = (of: (change: number, seconds: number) => number): MathFunction =>
  each((one) =>
    mapSeries(one, (value, i, at) =>
      i === 0 ? Number.NaN : of(value - one.values[i - 1]!, (at - one.timestamps[i - 1]!) / 1000),
    ),
  )

/** TS → TS without gaps: what the clock shows at the beginning of each period, in UTC. */
const fromTime =
  (of: (time: Date) => number): MathFunction =>
  (args, context) => {
    count(args, 1)
    const one = series(args[0])
    return seriesOf(
      one,
      context.grid(one.periodSeconds).map((at) => [at, of(new Date(at))] as const),
    )
  }

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
const least = (values: readonly number[]) => values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
const most = (values: readonly number[]) => values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
const mean = (values: readonly number[]) => sum(values) / values.length
const isNumber = (value: number | undefined): value is number => value !== undefined

/** Missing values count as 0, unlike in any other of these. */
const average = (values: readonly number[], expected: number) => sum(values) / Math.max(expected, values.length)
function deviation(values: readonly number[]): number {
  const middle = mean(values)
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)))
}

/** What a series that is made of several is like. */
const together = (items: readonly Series[], { periodSeconds }: FunctionContext) => ({
  label: items[0]?.label ?? '',
  periodSeconds: items.length === 0 ? periodSeconds : least(items.map((item) => item.periodSeconds)),
})

const fill: MathFunction = (args, context) => {
  count(args, 2)
  const [target, filler] = args
  if (target?.type === 'TS[]') return arrayOf(target.items.map((one) => filled(one, filler!, context)))
  return filled(series(target), filler!, context)
}

function filled(one: Series, filler: Argument, context: FunctionContext): Series {
  const known = valueAt(one)
  const grid = [...new Set([...context.grid(one.periodSeconds), ...one.timestamps])].sort((a, b) => a - b)
  if (filler.type === 'S')
    return seriesOf(
      one,
      grid.map((at) => [at, known.get(at) ?? filler.value] as const),
    )
  if (filler.type === 'TS') {
    const other = valueAt(filler)
    return seriesOf(
      one,
      grid.map((at) => [at, known.get(at) ?? other.get(at) ?? Number.NaN] as const),
    )
  }
  const way = oneOf(filler, ['REPEAT', 'LINEAR'])
  let before = -1
  return seriesOf(
    one,
    grid.map((at) => {
      while (before + 1 < one.timestamps.length && one.timestamps[before + 1]! <= at) before++
      return [at, way === 'REPEAT' ? (one.values[before] ?? Number.NaN) : onTheLine(one, before, at)] as const
    }),
  )
}

/** Between a point and the next one; nothing before the first and after the last. */
function onTheLine({ timestamps, values }: Series, before: number, at: number): number {
  if (timestamps[before] === at) return values[before]!
  const [from, to] = [timestamps[before], timestamps[before + 1]]
  if (from === undefined || to === undefined) return Number.NaN
  return values[before]! + ((values[before + 1]! - values[before]!) * (at - from)) / (to - from)
}

/** AWS's tables for IF: a TRUE whose value is missing gives 0, a FALSE whose value is missing gives no point. */
const choose: MathFunction = (args, context) => {
  count(args, 2, 3)
  const [condition, whenTrue, whenFalse] = args
  if (condition?.type === 'S') {
    const chosen = condition.value !== 0 ? whenTrue : whenFalse
    if (chosen === undefined) return seriesOf({ label: '', periodSeconds: context.periodSeconds }, [])
    return chosen.type === 'S' ? chosen : series(chosen)
  }
  const chosenAt = (argument: Argument | undefined, absent: number) => {
    if (argument === undefined) return () => absent
    if (argument.type === 'S') return () => argument.value
    const values = valueAt(series(argument))
    return (at: number) => values.get(at) ?? absent
  }
  const ifTrue = chosenAt(whenTrue, 0)
  const ifFalse = chosenAt(whenFalse, Number.NaN)
  const label = whenTrue?.type === 'TS' ? whenTrue.label : series(condition).label
  const points = mapSeries(series(condition), (value, _, at) => (value !== 0 ? ifTrue(at) : ifFalse(at)))
  return { ...points, label }
}

const sort: MathFunction = (args) => {
  count(args, 3, 4)
  const rank = RANKS[oneOf(args[1], Object.keys(RANKS))]!
  const direction = oneOf(args[2], ['ASC', 'DESC']) === 'ASC' ? 1 : -1
  // Series without data come last.
  const ranked = list(args[0]).map((one) => ({ one, rank: one.values.length === 0 ? undefined : rank(one.values) }))
  ranked.sort((a, b) => {
    if (a.rank === undefined || b.rank === undefined) return Number(a.rank === undefined) - Number(b.rank === undefined)
    return (a.rank - b.rank) * direction
  })
  return arrayOf(ranked.map(({ one }) => one).slice(0, args[3] && number(args[3])))
}

const RANKS: Readonly<Record<string, (values: readonly number[]) => number>> = {
  AVG: mean,
  MIN: least,
  MAX: most,
  SUM: sum,
}

const runningSum = each((one) => {
  let total = 0
  return mapSeries(one, (value) => {
    total += value
    return total
  })
})

const constant = (like: Pick<Series, 'label' | 'periodSeconds'>, value: number, { grid }: FunctionContext): Series =>
  seriesOf(
    like,
    grid(like.periodSeconds).map((at) => [at, value] as const),
  )

const FUNCTIONS: Readonly<Record<string, MathFunction>> = {
  ABS: pointwise(Math.abs),
  CEIL: pointwise(Math.ceil),
  FLOOR: pointwise(Math.floor),
  LOG: pointwise(Math.log),
  LOG10: pointwise(Math.log10),

  AVG: fold(average),
  DATAPOINT_COUNT: fold((values) => values.length),
  MAX: fold(most),
  MIN: fold(least),
  STDDEV: fold(deviation),
  SUM: fold(sum),

  DIFF: fromPrevious((change) => change),
  DIFF_TIME: fromPrevious((_, seconds) => seconds),
  RATE: fromPrevious((change, seconds) => change / seconds),
  RUNNING_SUM: runningSum,

  MINUTE: fromTime((time) => time.getUTCMinutes()),
  HOUR: fromTime((time) => time.getUTCHours()),
  /** Monday is 1. */
  DAY: fromTime((time) => time.getUTCDay() || 7),
  DATE: fromTime((time) => time.getUTCDate()),
  MONTH: fromTime((time) => time.getUTCMonth() + 1),
  YEAR: fromTime((time) => time.getUTCFullYear()),
  EPOCH: fromTime((time) => time.getTime() / 1000),

  FILL: fill,
  IF: choose,
  FIRST: (args) => {
    count(args, 1)
    return ofArray(list(args[0])[0])
  },
  LAST: (args) => {
    count(args, 1)
    return ofArray(list(args[0]).at(-1))
  },
  METRIC_COUNT: (args) => {
    count(args, 1)
    return scalar(list(args[0]).length)
  },
  PERIOD: (args) => {
    count(args, 1)
    const { source, periodSeconds } = series(args[0])
    if (!source) throw new WrongArguments('it takes a metric')
    return scalar(periodSeconds)
  },
  REMOVE_EMPTY: (args) => {
    count(args, 1)
    return arrayOf(list(args[0]).filter(({ values }) => values.length > 0))
  },
  SERVICE_QUOTA: async (args, context) => {
    count(args, 1)
    const one = series(args[0])
    if (!one.source) throw new WrongArguments('it takes a usage metric')
    return constant(one, (await context.quotaOf(one)) ?? Number.NaN, context)
  },
  SLICE: (args) => {
    count(args, 2, 3)
    return arrayOf(list(args[0]).slice(number(args[1]), args[2] && number(args[2])))
  },
  SORT: sort,
  TIME_SERIES: (args, context) => {
    count(args, 1)
    return constant({ label: '', periodSeconds: context.periodSeconds }, number(args[0]), context)
  },
}

const ofArray = (one: Series | undefined): Series => {
  if (!one) throw new WrongArguments('the array is empty')
  return one
}

/** Functions of AWS's that are not here. */
const REFUSED: ReadonlySet<string> = new Set([
  'ANOMALY_DETECTION_BAND',
  'DB_PERF_INSIGHTS',
  'INSIGHT_RULE_METRIC',
  'LAMBDA',
])
