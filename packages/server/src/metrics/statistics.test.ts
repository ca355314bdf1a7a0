import { describe, expect, test } from 'vitest'
import { Cell, periodOf } from './cell.ts'
import type { DatumValues } from './metric-data.ts'
import { parseStatistic } from './statistics.ts'

const period = (data: DatumValues) => periodOf(Cell.of(data), 0, 'None')
const oneToHundred = Array.from({ length: 100 }, (_, i) => i + 1)
const hundred = period({ values: oneToHundred, counts: oneToHundred.map(() => 1) })
const set = period({ sampleCount: 4, sum: 20, minimum: 2, maximum: 8 })

describe('statistics', () => {
  test('by their names', () => {
    const cases: [name: string, value: number][] = [
      ['Average', 50.5],
      ['Sum', 5050],
      ['Minimum', 1],
      ['Maximum', 100],
      ['SampleCount', 100],
      ['p0', 1],
      ['p50', 50],
      ['p99.9', 100],
      ['p100', 100],
      ['tm90', 45.5],
      ['TM(:90%)', 45.5],
      ['TM(10%:90%)', 50.5],
      ['TM(10%:)', 55.5],
      ['TM(20:40)', 30.5],
      ['IQM', 50.5],
      ['tc90', 90],
      ['TC(30:)', 70],
      ['TC(20:30)', 10],
      ['ts50', 1275],
      ['TS(80%:)', 1810],
      ['PR(:30)', 30],
      ['PR(30:40)', 10],
      ['PR(40:)', 60],
      // The ten above count as 90.
      ['wm90', (4095 + 10 * 90) / 100],
      ['WM(10%:90%)', (10 * 10 + (4095 - 55) + 10 * 90) / 100],
      ['WM(20:40)', (20 * 20 + 610 + 60 * 40) / 100],
    ]
    for (const [name, value] of cases) {
      const read = parseStatistic(name)!.valueOf(hundred)!
      expect(Math.abs(read - value), `${name} is ${read} and not ${value}`).toBeLessThanOrEqual(value * 0.011)
    }
  })

  test('of statistic sets only the simple ones are known', () => {
    for (const [name, value] of [
      ['Average', 5],
      ['Sum', 20],
      ['Minimum', 2],
      ['Maximum', 8],
      ['SampleCount', 4],
    ] as const)
      expect(parseStatistic(name)!.valueOf(set)).toBe(value)
    for (const name of ['p50', 'p100', 'tm90', 'IQM', 'TC(:5)', 'PR(:5)', 'WM(1:5)', 'TS(:5)'])
      expect(parseStatistic(name)!.valueOf(set), name).toBeUndefined()
  })

  test('a mean of no values is none', () => {
    expect(parseStatistic('TM(200:300)')!.valueOf(hundred)).toBeUndefined()
    expect(parseStatistic('TC(200:300)')!.valueOf(hundred)).toBe(0)
  })

  test('a percentile says which one it is', () => {
    expect(parseStatistic('p99.5')).toMatchObject({ name: 'p99.5', percentile: 99.5 })
    expect(parseStatistic('Average')!.percentile).toBeUndefined()
  })

  test('what is no statistic is undefined', () => {
    const wrong = [
      ...[
        '',
        'average',
        'p',
        'p101',
        'p-1',
        'P99',
        'p1e1',
        'tm',
        'tm101',
        'TM',
        'TM()',
        'TM(:)',
        'TM(10%:90)',
        'TM(10:90%)',
      ],
      ...[
        'TM(10%:101%)',
        'TM(a:b)',
        'TM(-1:5)',
        'tm(10%:90%)',
        'PR(10%:)',
        'pr50',
        'iqm',
        'IQM(1:2)',
        'toString',
        'TM(1:2) ',
        'XX(1:2)',
      ],
    ]
    for (const name of wrong) expect(parseStatistic(name), name).toBeUndefined()
  })
})
