/** Works out the queries of a GetMetricData: metrics from the store, and expressions over them. */
import { inParallel } from '../../core/in-parallel.ts'
import type { MetricIdentity } from '../metric-data.ts'
import { Budget } from './budget.ts'
import { type Argument, callFunction, type FunctionContext } from './functions.ts'
import { MetricReader, type MetricSource, type MetricStat, type TimeRange } from './metric-reader.ts'
import { applyOperator, negate } from './operators.ts'
import { type Expression, MathError, parseExpression } from './parse.ts'
import { arrayOf, type MathValue, type Series, scalar } from './series.ts'

export interface MetricDataQuery {
  readonly id: string
  readonly metricStat?: MetricStat | undefined
  readonly expression?: string | undefined
  readonly label?: string | undefined
  readonly returnData: boolean
  /** Of an expression without metrics; the shortest of the metrics' where it is not given. */
  readonly periodSeconds?: number | undefined
}

export interface MetricDataResult {
  readonly id: string
  readonly label: string
  /** Milliseconds since the epoch, ascending. */
  readonly timestamps: readonly number[]
  readonly values: readonly number[]
  readonly statusCode: 'Complete'
  readonly messages: readonly { readonly code: string; readonly value: string }[]
}

export interface EvaluateOptions extends MetricSource {
  /** The quota of a usage metric: of `CallCount` the calls in one second. Undefined where there is none. */
  readonly serviceQuota: (
    metric: MetricIdentity,
    statistic: string,
    periodSeconds: number,
  ) => Promise<number | undefined>
}

/**
 * The results of those queries that return data, in their order; several of one id where an expression gives an array.
 * Throws MathError, whose message names the query.
 */
export async function evaluate(
  queries: readonly MetricDataQuery[],
  range: TimeRange,
  options: EvaluateOptions,
): Promise<MetricDataResult[]> {
  if (queries.length > MAX_QUERIES) throw new MathError(`There are more than ${MAX_QUERIES} queries`)
  const evaluation = new Evaluation(queries, range, options)
  await evaluation.readMetrics()
  const results: MetricDataResult[] = []
  for (const query of queries) {
    const value = await evaluation.valueOf(query.id)
    if (query.returnData) results.push(...resultsOf(query, value))
  }
  return results
}

/** The ids that an expression names itself, for those who check it before it is stored. Throws MathError. */
export function idsIn(text: string): string[] {
  const ids = new Set<string>()
  const visit = (expression: Expression): void => {
    if (expression.type === 'id') ids.add(expression.id)
    else if (expression.type === 'negate') visit(expression.of)
    else if (expression.type === 'array') expression.items.forEach(visit)
    else if (expression.type === 'call') expression.args.forEach(visit)
    else if (expression.type === 'binary') [expression.left, expression.right].forEach(visit)
  }
  visit(parseExpression(text))
  return [...ids]
}

class Evaluation {
  readonly #queries: ReadonlyMap<string, MetricDataQuery>
  readonly #reader: MetricReader
  readonly #serviceQuota: EvaluateOptions['serviceQuota']
  readonly #budget = new Budget()
  readonly #values = new Map<string, MathValue>()
  readonly #underway = new Set<string>()
  readonly #shortestPeriod: number

  constructor(queries: readonly MetricDataQuery[], range: TimeRange, options: EvaluateOptions) {
    this.#queries = new Map(queries.map((query) => [query.id, query]))
    if (this.#queries.size < queries.length) throw new MathError('The ids of the queries are not unique')
    this.#reader = new MetricReader(options, range, this.#budget)
    this.#serviceQuota = options.serviceQuota
    const periods = queries.flatMap(({ metricStat }) => metricStat?.periodSeconds ?? [])
    this.#shortestPeriod = periods.length === 0 ? 60 : Math.min(...periods)
  }

  async readMetrics(): Promise<void> {
    await inParallel(this.#queries.values(), READ_AT_ONCE, async ({ id, metricStat, label }) => {
      if (metricStat) this.#values.set(id, await this.#reader.read(metricStat, label ?? metricStat.metric.name))
    })
  }

  async valueOf(id: string): Promise<MathValue> {
    const known = this.#values.get(id)
    if (known) return known
    const query = this.#queries.get(id)
    if (!query) throw new MathError(`There is no query with the id ${id}`)
    if (query.expression === undefined) throw new MathError(`The query ${id} has neither a metric nor an expression`)
    if (this.#underway.has(id)) throw inQuery(id, 'It depends on itself')
    this.#underway.add(id)
    try {
      const value = await this.#eval(parseExpression(query.expression), {
        grid: (periodSeconds) => this.#reader.grid(periodSeconds),
        periods: (periodSeconds) => this.#reader.periods(periodSeconds),
        periodSeconds: query.periodSeconds ?? this.#shortestPeriod,
        quotaOf: (series) => this.#quotaOf(series),
      })
      if (value.type === 'word') throw new MathError(`Unexpected ${value.word}`)
      this.#values.set(id, value)
      return value
    } catch (error) {
      throw error instanceof MathError && !error.message.startsWith(IN_QUERY) ? inQuery(id, error.message) : error
    } finally {
      this.#underway.delete(id)
    }
  }

  async #eval(expression: Expression, context: FunctionContext): Promise<Argument> {
    const value = await this.#evalOnce(expression, context)
    await this.#budget.spend(
      value.type === 'TS' ? value.values.length : value.type === 'TS[]' ? pointsOf(value.items) : 1,
    )
    return value
  }

  async #evalOnce(expression: Expression, context: FunctionContext): Promise<Argument> {
    switch (expression.type) {
      case 'number':
        return scalar(expression.value)
      case 'id':
        return this.valueOf(expression.id)
      case 'word':
        return expression
      case 'string':
        throw new MathError('A text can only stand in METRICS() and SEARCH()')
      case 'negate':
        return negate(await this.#value(expression.of, context))
      case 'binary':
        return applyOperator(
          expression.operator,
          await this.#value(expression.left, context),
          await this.#value(expression.right, context),
        )
      case 'array':
        return arrayOf((await this.#all(expression.items, context)).flatMap(seriesIn))
      case 'call':
        if (expression.name === 'METRICS') return this.#metrics(expression.args)
        if (expression.name === 'SEARCH') return this.#search(expression.args, context)
        return callFunction(expression.name, await this.#all(expression.args, context), context)
    }
  }

  async #all(expressions: readonly Expression[], context: FunctionContext): Promise<Argument[]> {
    const values: Argument[] = []
    for (const expression of expressions) values.push(await this.#eval(expression, context))
    return values
  }

  async #value(expression: Expression, context: FunctionContext): Promise<MathValue> {
    const value = await this.#eval(expression, context)
    if (value.type === 'word') throw new MathError(`Unexpected ${value.word}`)
    return value
  }

  #metrics(args: readonly Expression[]): MathValue {
    const [part] = args
    if (args.length > 1 || (part && part.type !== 'string')) throw new MathError('METRICS takes no argument, or a text')
    const ids = [...this.#queries.values()].flatMap(({ id, metricStat }) => (metricStat ? [id] : []))
    return arrayOf(
      ids.filter((id) => part === undefined || id.includes(part.value)).map((id) => this.#values.get(id) as Series),
    )
  }

  async #search(
    [search, statistic, period, ...more]: readonly Expression[],
    context: FunctionContext,
  ): Promise<MathValue> {
    if (
      search?.type !== 'string' ||
      statistic?.type !== 'string' ||
      (period && period.type !== 'number') ||
      more.length > 0
    )
      throw new MathError('SEARCH takes two texts and a number')
    return arrayOf(await this.#reader.search(search.value, statistic.value, period?.value ?? context.periodSeconds))
  }

  async #quotaOf({ source, periodSeconds }: Series): Promise<number | undefined> {
    const { metric, statistic } = source!
    const quota = await this.#serviceQuota(metric, statistic, periodSeconds)
    // Calls are counted over the period, while their quota is for a second.
    return quota === undefined || metric.name !== 'CallCount' ? quota : quota * periodSeconds
  }
}

function resultsOf({ id, label, metricStat }: MetricDataQuery, value: MathValue): MetricDataResult[] {
  if (value.type === 'S') throw inQuery(id, 'The result has to be a time series or an array of them, and is a number')
  const result = ({ timestamps, values }: Series, text: string): MetricDataResult => ({
    ...{ id, label: text, timestamps, values, statusCode: 'Complete', messages: [] },
  })
  if (value.type === 'TS') return [result(value, metricStat ? value.label : (label ?? id))]
  return value.items.map((item) => result(item, label === '' ? item.label : `${label ?? id} ${item.label}`))
}

function seriesIn(value: Argument): readonly Series[] {
  if (value.type === 'TS') return [value]
  if (value.type === 'TS[]') return value.items
  throw new MathError('An array holds time series only')
}

const pointsOf = (items: readonly Series[]) => items.reduce((sum, { values }) => sum + values.length, 0)

const IN_QUERY = 'Error in expression '
const inQuery = (id: string, message: string) => new MathError(`${IN_QUERY}'${id}': ${message}`)

const MAX_QUERIES = 500
const READ_AT_ONCE = 8
