import { describe, expect, test } from 'vitest'
import { decimal } from './alarm-reason.ts'
import { evaluateAlarm, evaluationRange } from './alarm-rules.ts'
import type { AlarmRule, AlarmState, MissingData } from './metric-alarm.ts'

const NOW = Date.UTC(2026, 5, 1, 12, 5, 44, 984)
const MINUTE = 60_000
const rule = (changes: Partial<AlarmRule> = {}): AlarmRule => ({
  ...{ comparisonOperator: 'GreaterThanThreshold', threshold: 3, periodSeconds: 60, evaluationPeriods: 3 },
  ...{ treatMissingData: 'missing', statistic: 'Average', ...changes },
})

/** `0 - X`, oldest first: a datapoint within the threshold, none, one that breaches it. */
const points = (pattern: string, of: AlarmRule = rule(), sampleCount = 1) => {
  const { endMs } = evaluationRange(of, NOW)
  const all = pattern.split(' ')
  return all.flatMap((sign, i) => {
    const fromMs = endMs - (all.length - i) * of.periodSeconds * 1000
    return sign === '-' ? [] : [{ fromMs, value: sign === 'X' ? 5 + i : 1, sampleCount }]
  })
}

describe('alarms', () => {
  test('are evaluated as the tables of the user guide say', () => {
    const kinds: MissingData[] = ['missing', 'ignore', 'breaching', 'notBreaching']
    const retained = undefined
    const cases: [pattern: string, toAlarm: number, ...states: (AlarmState | undefined)[]][] = [
      // All three have to breach.
      ['0 - X - X', 3, 'OK', 'OK', 'OK', 'OK'],
      ['- - - - 0', 3, 'OK', 'OK', 'OK', 'OK'],
      ['0 - - - -', 3, 'OK', 'OK', 'OK', 'OK'],
      ['- - - - -', 3, 'INSUFFICIENT_DATA', retained, 'ALARM', 'OK'],
      ['0 X X - X', 3, 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
      ['- - X - -', 3, 'ALARM', retained, 'ALARM', 'OK'],
      ['X - - - -', 3, 'ALARM', retained, 'ALARM', 'OK'],
      ['- - - - X', 3, 'INSUFFICIENT_DATA', retained, 'ALARM', 'OK'],
      ['- - - X -', 3, 'INSUFFICIENT_DATA', retained, 'ALARM', 'OK'],
      ['- - - X 0', 3, 'OK', 'OK', 'OK', 'OK'],
      ['0 0 0 0 0', 3, 'OK', 'OK', 'OK', 'OK'],
      ['X X X X X', 3, 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
      ['X X X X 0', 3, 'OK', 'OK', 'OK', 'OK'],
      // Two of three.
      ['0 - X - X', 2, 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
      ['0 0 X 0 X', 2, 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
      ['0 - X - -', 2, 'OK', 'OK', 'ALARM', 'OK'],
      ['- - - - 0', 2, 'OK', 'OK', 'ALARM', 'OK'],
      ['- - - X -', 2, 'ALARM', retained, 'ALARM', 'OK'],
      ['- - - - X', 2, 'INSUFFICIENT_DATA', retained, 'ALARM', 'OK'],
      ['- - - X X', 2, 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
    ]
    for (const [pattern, datapointsToAlarm, ...states] of cases)
      kinds.forEach((treatMissingData, i) => {
        const evaluation = evaluateAlarm(rule({ datapointsToAlarm, treatMissingData }), points(pattern), NOW)
        expect(evaluation?.state, `${pattern}, ${datapointsToAlarm} of 3, ${treatMissingData}`).toBe(states[i])
      })
  })

  test('compare as their operator says', () => {
    const at = (comparisonOperator: AlarmRule['comparisonOperator'], value: number) => {
      const one = rule({ comparisonOperator, evaluationPeriods: 1 })
      return evaluateAlarm(one, [{ ...points('X', one)[0]!, value }], NOW)?.state === 'ALARM'
    }
    expect([2, 3, 4].map((value) => at('GreaterThanThreshold', value))).toEqual([false, false, true])
    expect([2, 3, 4].map((value) => at('GreaterThanOrEqualToThreshold', value))).toEqual([false, true, true])
    expect([2, 3, 4].map((value) => at('LessThanThreshold', value))).toEqual([true, false, false])
    expect([2, 3, 4].map((value) => at('LessThanOrEqualToThreshold', value))).toEqual([true, true, false])
  })

  test('look at complete periods only, and at two more than count', () => {
    const { startMs, endMs } = evaluationRange(rule(), NOW)
    expect([new Date(startMs).toISOString(), new Date(endMs).toISOString()]).toEqual([
      '2026-06-01T12:00:00.000Z',
      '2026-06-01T12:05:00.000Z',
    ])
    expect(evaluationRange({ periodSeconds: 10, evaluationPeriods: 1 }, NOW)).toEqual({
      startMs: Date.UTC(2026, 5, 1, 12, 5, 10),
      endMs: Date.UTC(2026, 5, 1, 12, 5, 40),
    })
  })

  test('on percentiles of few samples may wait', () => {
    const check = (statistic: string, samples: number, lowSampleCountPercentile: 'evaluate' | 'ignore') =>
      evaluateAlarm(
        rule({ statistic, evaluationPeriods: 1, lowSampleCountPercentile }),
        points('X', rule(), samples),
        NOW,
      )?.state
    expect(check('p99', 999, 'ignore')).toBeUndefined()
    expect(check('p99', 1000, 'ignore')).toBe('ALARM')
    expect(check('p99', 1, 'evaluate')).toBe('ALARM')
    expect(check('p10', 99, 'ignore')).toBeUndefined()
    expect(check('p10', 100, 'ignore')).toBe('ALARM')
    expect(check('Average', 1, 'ignore')).toBe('ALARM')
  })
})

describe('reasons', () => {
  test('are worded as CloudWatch words them', () => {
    const cases: [pattern: string, changes: Partial<AlarmRule>, reason: string][] = [
      [
        'X',
        { evaluationPeriods: 1 },
        'Threshold Crossed: 1 datapoint [5.0 (01/06/26 12:04:00)] was greater than the threshold (3.0).',
      ],
      [
        '0',
        { evaluationPeriods: 1, threshold: 0.5, comparisonOperator: 'LessThanThreshold' },
        'Threshold Crossed: 1 datapoint [1.0 (01/06/26 12:04:00)] was not less than the threshold (0.5).',
      ],
      [
        '0 0',
        { evaluationPeriods: 2 },
        'Threshold Crossed: 2 datapoints [1.0 (01/06/26 12:04:00), 1.0 (01/06/26 12:03:00)] were not greater than the threshold (3.0).',
      ],
      [
        'X X X',
        { datapointsToAlarm: 3, comparisonOperator: 'GreaterThanOrEqualToThreshold' },
        'Threshold Crossed: 3 out of the last 3 datapoints [7.0 (01/06/26 12:04:00), 6.0 (01/06/26 12:03:00), 5.0 (01/06/26 12:02:00)] ' +
          'were greater than or equal to the threshold (3.0) (minimum 3 datapoints for OK -> ALARM transition).',
      ],
      [
        'X 0 0',
        { datapointsToAlarm: 3 },
        'Threshold Crossed: 2 out of the last 3 datapoints [1.0 (01/06/26 12:04:00), 1.0 (01/06/26 12:03:00)] ' +
          'were not greater than the threshold (3.0) (minimum 1 datapoint for ALARM -> OK transition).',
      ],
      [
        'X',
        { evaluationPeriods: 1, datapointsToAlarm: 1 },
        'Threshold Crossed: 1 out of the last 1 datapoints [5.0 (01/06/26 12:04:00)] was greater than the threshold (3.0) ' +
          '(minimum 1 datapoint for OK -> ALARM transition).',
      ],
      [
        'X X X X X',
        { evaluationPeriods: 5, datapointsToAlarm: 5 },
        'Threshold Crossed: 5 out of the last 5 datapoints were greater than the threshold (3.0). The most recent datapoints which ' +
          'crossed the threshold: [9.0 (01/06/26 12:04:00), 8.0 (01/06/26 12:03:00), 7.0 (01/06/26 12:02:00), ' +
          '6.0 (01/06/26 12:01:00), 5.0 (01/06/26 12:00:00)] (minimum 5 datapoints for OK -> ALARM transition).',
      ],
      [
        '- - X - -',
        { datapointsToAlarm: 3 },
        'Threshold Crossed: 1 out of the last 3 datapoints [7.0 (01/06/26 12:02:00)] was greater than the threshold (3.0) ' +
          '(minimum 3 datapoints for OK -> ALARM transition).',
      ],
      [
        '-',
        { evaluationPeriods: 1, treatMissingData: 'notBreaching' },
        'Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as [NonBreaching].',
      ],
      [
        '- -',
        { evaluationPeriods: 2, treatMissingData: 'breaching' },
        'Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as [Breaching].',
      ],
      [
        '- - X',
        { treatMissingData: 'breaching' },
        'Threshold Crossed: 1 datapoint was received for 3 periods and 2 missing datapoints were treated as [Breaching].',
      ],
      [
        '- - 0 0',
        { treatMissingData: 'breaching' },
        'Threshold Crossed: 2 datapoints were received for 3 periods and 1 missing datapoint was treated as [Breaching].',
      ],
      ['-', { evaluationPeriods: 1 }, 'Insufficient Data: 1 datapoint was unknown.'],
      ['- -', {}, 'Insufficient Data: 3 datapoints were unknown.'],
    ]
    for (const [pattern, changes, reason] of cases)
      expect(evaluateAlarm(rule(changes), points(pattern), NOW)?.reason, pattern).toBe(reason)
  })

  test('have their data, as CloudWatch writes it', () => {
    const data = (pattern: string, changes: Partial<AlarmRule>) =>
      evaluateAlarm(rule(changes), points(pattern), NOW)!.reasonData
    expect(data('X', { evaluationPeriods: 1, threshold: 0, statistic: 'Sum' })).toBe(
      '{"version":"1.0","queryDate":"2026-06-01T12:05:44.984+0000","startDate":"2026-06-01T12:04:00.000+0000","statistic":"Sum",' +
        '"period":60,"recentDatapoints":[5.0],"threshold":0.0,' +
        '"evaluatedDatapoints":[{"timestamp":"2026-06-01T12:04:00.000+0000","sampleCount":1.0,"value":5.0}]}',
    )
    expect(data('-', { evaluationPeriods: 2, unit: 'Count' })).toBe(
      '{"version":"1.0","queryDate":"2026-06-01T12:05:44.984+0000","unit":"Count","statistic":"Average","period":60,"recentDatapoints":[],' +
        '"threshold":3.0,"evaluatedDatapoints":[{"timestamp":"2026-06-01T12:04:00.000+0000"},{"timestamp":"2026-06-01T12:03:00.000+0000"}]}',
    )
    expect(JSON.parse(data('X - X X', {}))).toMatchObject({
      startDate: '2026-06-01T12:01:00.000+0000',
      recentDatapoints: [5, 7, 8],
      evaluatedDatapoints: [{ value: 8 }, { value: 7 }, { value: 5 }],
    })
    expect(JSON.parse(data('- - 0 -', { statistic: undefined }))).toEqual({
      ...{ version: '1.0', queryDate: '2026-06-01T12:05:44.984+0000', startDate: '2026-06-01T12:03:00.000+0000' },
      ...{ period: 60, recentDatapoints: [1], threshold: 3 },
      evaluatedDatapoints: [
        { timestamp: '2026-06-01T12:04:00.000+0000' },
        { timestamp: '2026-06-01T12:03:00.000+0000', sampleCount: 1, value: 1 },
        { timestamp: '2026-06-01T12:02:00.000+0000' },
      ],
    })
  })

  test('write numbers as Java does', () => {
    const cases: [number, string][] = [
      ...([
        [0, '0.0'],
        [1, '1.0'],
        [-5, '-5.0'],
        [0.05, '0.05'],
        [99.83333333333333, '99.83333333333333'],
      ] as const),
      ...([
        [0.001, '0.001'],
        [0.0001, '1.0E-4'],
        [9_999_999, '9999999.0'],
        [1e7, '1.0E7'],
        [-12_345_678, '-1.2345678E7'],
      ] as const),
    ].map(([value, text]) => [value, text])
    for (const [value, text] of cases) expect(decimal(value)).toBe(text)
  })

  test('of minutes that are not the evaluated ones say nothing', () => {
    expect(evaluateAlarm(rule({ evaluationPeriods: 1 }), points('0 X'), NOW)?.state).toBe('ALARM')
    expect(evaluateAlarm(rule({ evaluationPeriods: 1 }), points('X 0'), NOW + MINUTE / 100)?.state).toBe('OK')
  })
})
