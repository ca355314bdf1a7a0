import { describe, expect, test } from 'vitest'
import { Cell, periodOf } from '../cell.ts'
import type { MetricIdentity } from '../metric-data.ts'
import { type EvaluateOptions, evaluate, idsIn, type MetricDataQuery } from './evaluate.ts'

const T0 = Date.UTC(2026, 3, 6, 10, 0)
const MINUTE = 60_000
const _ = undefined
type Points = readonly (number | undefined)[]

const identity = (name: string, namespace = 'App'): MetricIdentity => ({ namespace, name, dimensions: [] })
const metricStat = (name: string) => ({ metric: identity(name), periodSeconds: 60, statistic: 'Sum' })

/** Over a store that has one value a minute from T0 on. */
const optionsOf = (data: Readonly<Record<string, Points>>, quota?: number): EvaluateOptions => ({
  scope: { accountId: '111111111111', region: 'us-east-1' },
  store: {
    read: async (_scope, { metric, startMs, endMs }) =>
      (data[metric.name] ?? []).flatMap((value, i) => {
        const at = T0 + i * MINUTE
        if (value === undefined || at < startMs || at >= endMs) return []
        return [periodOf(Cell.of({ values: [value], counts: [1] }), at, 'None')]
      }),
  },
  serviceQuota: async () => quota,
  clock: { nowMs: () => T0 + 60 * MINUTE },
})

/** The expression over the metrics, as values by minute; several lists where it gives an array. */
async function run(
  expression: string,
  data: Readonly<Record<string, Points>>,
  quota?: number,
): Promise<(number | undefined)[][]> {
  const length = Math.max(1, ...Object.values(data).map((points) => points.length))
  const queries: MetricDataQuery[] = [
    ...Object.keys(data).map((id) => ({ id, metricStat: metricStat(id), returnData: false })),
    { id: 'e0', expression, returnData: true },
  ]
  const results = await evaluate(queries, { startMs: T0, endMs: T0 + length * MINUTE }, optionsOf(data, quota))
  return results.map(({ timestamps, values }) => {
    const points: (number | undefined)[] = Array.from({ length }, () => undefined)
    timestamps.forEach((at, i) => {
      points[(at - T0) / MINUTE] = values[i]!
    })
    return points
  })
}

const check = async (
  cases: readonly [expression: string, data: Readonly<Record<string, Points>>, ...results: Points[]][],
) => {
  for (const [expression, data, ...results] of cases) expect(await run(expression, data), expression).toEqual(results)
}

describe('metric math', () => {
  test('comparisons and logic, as in the user guide', async () => {
    const data = { metric1: [30, 20, 0, 0], metric2: [20, _, 20, _] }
    await check([
      ['metric1 < metric2', data, [0, 0, 1, 0]],
      ['metric1 >= 30', data, [1, 0, 0, 0]],
      ['metric1 > 15 AND metric2 > 15', data, [1, 0, 0, 0]],
      ['metric1 > 15 && metric2 > 15', data, [1, 0, 0, 0]],
      ['metric1 > 15 OR metric2 > 15', data, [1, 1, 1, 0]],
      ['metric1 == metric2', data, [0, 0, 0, 1]],
      ['metric1 != metric2', data, [1, 1, 1, 0]],
      ['30 <= metric1', data, [1, 0, 0, 0]],
      ['metric1 * (2 > 1)', data, [30, 20, 0, 0]],
    ])
  })

  test('IF, as in the tables of the user guide', async () => {
    const metric1 = [1, 1, 0, 0, _]
    const metric2 = [30, _, 0, 0, 30]
    const metric3 = [0, 0, 20, _, 20]
    const data = { metric1, metric2, metric3 }
    await check([
      ['IF(metric1, metric2, metric3)', data, [30, 0, 20, _, _]],
      ['IF(metric1, 5, metric3)', data, [5, 5, 20, _, _]],
      ['IF(metric1, metric2, 5)', data, [30, 0, 5, 5, _]],
      ['IF(metric1, metric2)', data, [30, 0, _, _, _]],
      ['IF(1, metric2, metric3)', data, metric2],
      ['IF(0, metric2, metric3)', data, metric3],
      ['IF(0, metric2)', data, [_, _, _, _, _]],
      ['IF(metric2 < 10, 10, 2)', data, [2, _, 10, 10, 2]],
      ['IF(-3 * metric1, 1, 0)', data, [1, 1, 0, 0, _]],
    ])
  })

  test('arithmetic: what is missing counts as 0, what cannot be divided is dropped', async () => {
    const data = { m1: [1, 2, _, 4], m2: [10, _, _, 0] }
    await check([
      ['m1 + m2', data, [11, 2, _, 4]],
      ['m1 - m2', data, [-9, 2, _, 4]],
      ['m1 * m2', data, [10, 0, _, 0]],
      ['m1 / m2', data, [0.1, _, _, _]],
      ['m2 / m1', data, [10, 0, _, 0]],
      ['m1 ^ 2', data, [1, 4, _, 16]],
      ['2 ^ m1', data, [2, 4, _, 16]],
      ['-m1', data, [-1, -2, _, -4]],
      ['-5*m1+1', data, [-4, -9, _, -19]],
      ['m1 / 0', data, [_, _, _, _]],
      ['100/[m1, m2]', data, [100, 50, _, 25], [10, _, _, _]],
      ['SUM(100/[m1, m2])', data, [110, 50, _, 25]],
      ['[m1, m2]*m1', data, [1, 4, _, 16], [10, 0, _, 0]],
      ['METRICS()/10', data, [0.1, 0.2, _, 0.4], [1, _, _, 0]],
      ['SUM(-[m1, m2])', data, [-11, -2, _, -4]],
    ])
  })

  test('functions over one series give a number, over an array a series', async () => {
    const data = { m1: [1, 2, _, 5], m2: [3, _, _, 1] }
    await check([
      ['m1-AVG(m1)', data, [-1, 0, _, 3]],
      ['m1*0+SUM(m1)', data, [8, 8, _, 8]],
      ['m1*0+MAX(m1)', data, [5, 5, _, 5]],
      ['m1-MIN(m1)', data, [0, 1, _, 4]],
      ['SUM(m1)/DATAPOINT_COUNT(m1)*m1/m1', data, [8 / 3, 8 / 3, _, 8 / 3]],
      ['TIME_SERIES(STDDEV(m2))', data, [1, 1, 1, 1]],
      ['SUM(METRICS())', data, [4, 2, _, 6]],
      ['AVG(METRICS())', data, [2, 1, _, 3]],
      ['MAX([m1,m2])', data, [3, 2, _, 5]],
      ['MIN([m1,m2])', data, [1, 2, _, 1]],
      ['STDDEV([m1,m2])', data, [1, 0, _, 2]],
      ['DATAPOINT_COUNT(METRICS())', data, [2, 1, _, 2]],
      ['m1/METRIC_COUNT(METRICS())', data, [0.5, 1, _, 2.5]],
      ['SUM([SUM([m1,m2]), m1])', data, [5, 4, _, 11]],
    ])
  })

  test('functions of each value, and of one and the next', async () => {
    const data = { m1: [1.5, -2.5, _, 100], m2: [3, _, _, _] }
    await check([
      ['ABS(m1)', data, [1.5, 2.5, _, 100]],
      ['CEIL(m1)', data, [2, -2, _, 100]],
      ['FLOOR(METRICS())', data, [1, -3, _, 100], [3, _, _, _]],
      ['LOG10(m1)', data, [Math.log10(1.5), _, _, 2]],
      ['LOG(m1 * 0 + 1)', data, [0, 0, _, 0]],
      ['DIFF(m1)', data, [_, -4, _, 102.5]],
      ['DIFF_TIME(m1)', data, [_, 60, _, 120]],
      ['RATE(m1)', data, [_, -4 / 60, _, 102.5 / 120]],
      ['RUNNING_SUM(m1)', data, [1.5, -1, _, 99]],
      ['RUNNING_SUM([m1,m2])', data, [1.5, -1, _, 99], [3, _, _, _]],
      ['m2/PERIOD(m2)*60', data, [3, _, _, _]],
    ])
  })

  test('FILL, in all its ways', async () => {
    const data = { m1: [_, 10, _, _, 40, _], m2: [1, 2, 3, _, 5, _] }
    await check([
      ['FILL(m1, 0)', data, [0, 10, 0, 0, 40, 0]],
      ['FILL(m1, MIN(m1))', data, [10, 10, 10, 10, 40, 10]],
      ['FILL(m1, REPEAT)', data, [_, 10, 10, 10, 40, 40]],
      ['FILL(m1, LINEAR)', data, [_, 10, 20, 30, 40, _]],
      ['FILL(m1, m2)', data, [1, 10, 3, _, 40, _]],
      ['FILL(METRICS(), 0)', data, [0, 10, 0, 0, 40, 0], [1, 2, 3, 0, 5, 0]],
      ['FILL(m1, 0)', { m1: [_, _] }, [0, 0]],
    ])
  })

  test('time', async () => {
    const data = { m1: [7, _, 11] }
    // A Monday.
    await check([
      ['MINUTE(m1)', data, [0, 1, 2]],
      ['HOUR(m1)', data, [10, 10, 10]],
      ['DAY(m1)', data, [1, 1, 1]],
      ['DATE(m1)', data, [6, 6, 6]],
      ['MONTH(m1)', data, [4, 4, 4]],
      ['YEAR(m1)', data, [2026, 2026, 2026]],
      ['EPOCH(m1)-EPOCH(m1)', data, [0, 0, 0]],
      ['EPOCH(m1)', data, [T0 / 1000, T0 / 1000 + 60, T0 / 1000 + 120]],
      ['IF(DAY(m1)<6 AND (HOUR(m1)>=9 AND HOUR(m1)<17), m1)', data, [7, 0, 11]],
      ['IF(DAY(m1)>5, m1)', data, [_, _, _]],
      ['TIME_SERIES(5*AVG(m1))', data, [30, 30, 30]],
    ])
  })

  test('arrays: sorting, slicing, choosing', async () => {
    const data = { m1: [1, 2], m2: [5, 6], m3: [_, _], m4: [3, 9] }
    await check([
      ['SORT(METRICS(), AVG, DESC)', data, [3, 9], [5, 6], [1, 2], [_, _]],
      ['SORT(METRICS(), MIN, DESC, 2)', data, [5, 6], [3, 9]],
      ['SORT(METRICS(), MAX, ASC)', data, [1, 2], [5, 6], [3, 9], [_, _]],
      ['SLICE(SORT(METRICS(), SUM, DESC), 1, 3)', data, [5, 6], [1, 2]],
      ['SLICE(METRICS(), 2)', data, [_, _], [3, 9]],
      ['FIRST(METRICS())', data, [1, 2]],
      ['LAST(METRICS())', data, [3, 9]],
      ['REMOVE_EMPTY(METRICS())', data, [1, 2], [5, 6], [3, 9]],
      ['SUM(METRICS("4"))', data, [3, 9]],
      ['SUM([METRICS("1"), METRICS("2")])', data, [6, 8]],
      ['METRICS("x")', data],
    ])
  })

  test('the quota of a usage metric is of one period, and absent where there is none', async () => {
    expect(await run('m1/SERVICE_QUOTA(m1)*100', { m1: [300, _] }, 10)).toEqual([[3000, 0]])
    const calls: unknown[] = []
    const usage = { metric: identity('CallCount', 'AWS/Usage'), periodSeconds: 60, statistic: 'Sum' }
    const query = (quota: number | undefined) =>
      evaluate(
        [
          { id: 'm1', metricStat: usage, returnData: false },
          { id: 'q', expression: 'SERVICE_QUOTA(m1)', returnData: true },
        ],
        { startMs: T0, endMs: T0 + MINUTE },
        {
          ...optionsOf({}),
          serviceQuota: async (...call) => {
            calls.push(call)
            return quota
          },
        },
      )
    expect((await query(10_000))[0]!.values).toEqual([600_000])
    expect(calls).toEqual([[usage.metric, 'Sum', 60]])
    expect((await query(undefined))[0]!.values).toEqual([])
    expect((await query(Number.POSITIVE_INFINITY))[0]!.values).toEqual([])
  })

  test('SEARCH gives the series of what it finds', async () => {
    const found = [identity('m1'), { ...identity('m2'), dimensions: [{ name: 'Host', value: 'a' }] }, identity('m3')]
    const options = optionsOf({ m1: [1, 2], m2: [3, _], m3: [5, 6] })
    const search = (expression: string, metrics: readonly MetricIdentity[] = found) =>
      evaluate(
        [{ id: 'e0', expression, returnData: true }],
        { startMs: T0, endMs: T0 + 2 * MINUTE },
        {
          ...options,
          store: {
            ...options.store,
            // One a page.
            list: async (_scope, { namespace }, { after = '0' }) => {
              expect(namespace).toBe('App')
              const i = Number(after)
              return { metrics: metrics.slice(i, i + 1), ...(i + 1 < metrics.length && { next: String(i + 1) }) }
            },
          },
        },
      )
    const shown = async (expression: string) => (await search(expression)).map(({ label, values }) => [label, values])
    expect(await shown(`SEARCH('{App} "m1" OR "m2"', 'Sum', 60)`)).toEqual([
      ['e0 m1', [1, 2]],
      ['e0 a m2', [3]],
    ])
    expect(await shown(`SUM(SEARCH('{App} NOT m3', 'Sum', 60))`)).toEqual([['e0', [4, 2]]])
    expect(await shown(`SEARCH('{App} nothing', 'Sum', 60)`)).toEqual([])
    await expect(search(`SEARCH('{App}', 'Sum', 7)`)).rejects.toThrow('7 seconds are no period')
    const many = Array.from({ length: 6 }, () => `SEARCH('{App}', 'Sum', 60)`)
    await expect(search(`SUM([${many}])`)).rejects.toThrow('more than 5 searches')
    await expect(search(`SEARCH('{App}', 'sum', 60)`)).rejects.toThrow('There is no statistic sum')
    await expect(
      search(
        `SEARCH('{App}', 'Sum', 60)`,
        Array.from({ length: 501 }, () => identity('m1')),
      ),
    ).rejects.toThrow('finds more than 500 metrics')
  })

  test('an expression without metrics has the period of its query', async () => {
    const series = await evaluate(
      [{ id: 'e0', expression: 'TIME_SERIES(7)', returnData: true, periodSeconds: 300 }],
      { startMs: T0, endMs: T0 + 10 * MINUTE },
      optionsOf({}),
    )
    expect(series[0]!.timestamps).toEqual([T0, T0 + 5 * MINUTE])
  })

  test('results come in order, of those that return data, with labels', async () => {
    const data = { m1: [1, 2], m2: [3, _] }
    const queries: MetricDataQuery[] = [
      { id: 'e1', expression: 'e2*2', label: 'Twice', returnData: true },
      { id: 'm1', metricStat: metricStat('m1'), label: 'One', returnData: true },
      { id: 'e2', expression: 'm1+m2', returnData: false },
      { id: 'm2', metricStat: metricStat('m2'), returnData: true },
      { id: 'e3', expression: '[m1,m2]', label: 'Both', returnData: true },
      { id: 'e4', expression: 'm1', returnData: true },
      { id: 'e5', expression: 'METRICS("2")', label: '', returnData: true },
    ]
    const results = await evaluate(queries, { startMs: T0, endMs: T0 + 2 * MINUTE }, optionsOf(data))
    expect(results.map(({ id, label, values }) => [id, label, values])).toEqual([
      ['e1', 'Twice', [8, 4]],
      ['m1', 'One', [1, 2]],
      ['m2', 'm2', [3]],
      ['e3', 'Both One', [1, 2]],
      ['e3', 'Both m2', [3]],
      ['e4', 'e4', [1, 2]],
      ['e5', 'm2', [3]],
    ])
    expect(results[0]).toMatchObject({ timestamps: [T0, T0 + MINUTE], statusCode: 'Complete', messages: [] })
  })

  test('what cannot be worked out says which query and why', async () => {
    const cases: [string, string][] = [
      ['AVG(m1)', "Error in expression 'e0': The result has to be a time series or an array of them, and is a number"],
      ['m9', "Error in expression 'e0': There is no query with the id m9"],
      ['e0 + 1', "Error in expression 'e0': It depends on itself"],
      ['FOO(m1)', "Error in expression 'e0': There is no function FOO"],
      ['toString(m1)', "Error in expression 'e0': Unexpected '(' at character 9"],
      ['ANOMALY_DETECTION_BAND(m1)', "Error in expression 'e0': The function ANOMALY_DETECTION_BAND is not supported"],
      ['SUM("m1")', "Error in expression 'e0': A text can only stand in METRICS() and SEARCH()"],
      ["SEARCH('{App} x', 'Sum', 60)", "Error in expression 'e0': The function SEARCH is not supported here"],
      ["SEARCH('{App} x')", "Error in expression 'e0': SEARCH takes two texts and a number"],
      [
        "SEARCH('(x', 'Sum', 60)",
        "Error in expression 'e0': The search expression cannot be read: a closing bracket is missing",
      ],
      ['SUM(m1, m1)', "Error in expression 'e0': Wrong arguments for SUM: it takes 1"],
      ['SUM(REPEAT)', "Error in expression 'e0': Wrong arguments for SUM: it takes an array of time series"],
      ['FILL(m1, AVG)', "Error in expression 'e0': Wrong arguments for FILL: it takes REPEAT, LINEAR"],
      ['FIRST(m1)', "Error in expression 'e0': Wrong arguments for FIRST: it takes an array of time series"],
      ['FIRST(METRICS("x"))', "Error in expression 'e0': Wrong arguments for FIRST: the array is empty"],
      ['PERIOD(m1+1)', "Error in expression 'e0': Wrong arguments for PERIOD: it takes a metric"],
      ['SERVICE_QUOTA(2*m1)', "Error in expression 'e0': Wrong arguments for SERVICE_QUOTA: it takes a usage metric"],
      ['[m1]+[m1]', "Error in expression 'e0': Unsupported operand types for +: two arrays of time series"],
      ['[m1, 1]', "Error in expression 'e0': An array holds time series only"],
      ['REPEAT', "Error in expression 'e0': Unexpected REPEAT"],
      ['m1 +', "Error in expression 'e0': Unexpected end of the expression"],
      ['METRICS(m1)', "Error in expression 'e0': METRICS takes no argument, or a text"],
    ]
    for (const [expression, message] of cases)
      await expect(run(expression, { m1: [1] }), expression).rejects.toMatchObject({ name: 'MathError', message })
  })

  test('cycles over several expressions are refused, and so is what grows without bound', async () => {
    const query = (id: string, expression: string): MetricDataQuery => ({ id, expression, returnData: true })
    const all = (queries: MetricDataQuery[]) =>
      evaluate(queries, { startMs: T0, endMs: T0 + MINUTE }, optionsOf({ m1: [1] }))
    await expect(all([query('a', 'b+1'), query('b', 'a+1')])).rejects.toThrow(
      "Error in expression 'a': It depends on itself",
    )
    const m1: MetricDataQuery = { id: 'm1', metricStat: metricStat('m1'), returnData: true }
    const doubled = Array.from({ length: 12 }, (_one, i) =>
      query(`a${i}`, i === 0 ? '[m1,m1]' : `[a${i - 1},a${i - 1}]`),
    )
    await expect(all([m1, ...doubled])).rejects.toThrow('more than 500 time series')
    await expect(all([m1, m1])).rejects.toThrow('not unique')
    await expect(all(Array.from({ length: 501 }, (_one, i) => query(`a${i}`, 'TIME_SERIES(1)')))).rejects.toThrow(
      'more than 500 queries',
    )
    await expect(
      evaluate([query('a', 'TIME_SERIES(1)')], { startMs: 0, endMs: T0 * 1000 }, optionsOf({})),
    ).rejects.toThrow('too many periods')
  })

  test('the points of all steps together are bounded', async () => {
    const year = Array.from({ length: 30_000 }, (_one, i) => i)
    await expect(run(`[${Array(400).fill('m1')}]`, { m1: year })).rejects.toThrow('too many data points')
  })

  test('the ids in an expression are told without evaluating it', () => {
    expect(idsIn('IF(m1 > 2, FILL([m2, -e3], REPEAT), m1) + METRICS("m9")')).toEqual(['m1', 'm2', 'e3'])
  })
})
