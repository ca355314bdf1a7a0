/** What an alarm watches for, and what it is given to judge by. */

export type AlarmState = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA'
export type MissingData = 'missing' | 'breaching' | 'notBreaching' | 'ignore'

export interface AlarmRule {
  readonly comparisonOperator: ComparisonOperator
  readonly threshold: number
  readonly periodSeconds: number
  /** How many of the newest periods count. */
  readonly evaluationPeriods: number
  /** How many of these have to breach; all where it is not given. */
  readonly datapointsToAlarm?: number | undefined
  readonly treatMissingData: MissingData
  /** Absent where the alarm watches an expression. */
  readonly statistic?: string | undefined
  readonly unit?: string | undefined
  /** Of a percentile of few samples. */
  readonly lowSampleCountPercentile?: 'evaluate' | 'ignore' | undefined
}

/** What there is of one period; periods without data have none. */
export interface AlarmDatapoint {
  readonly fromMs: number
  readonly value: number
  /** Absent where the value is of an expression. */
  readonly sampleCount?: number | undefined
}

export const COMPARISONS = {
  GreaterThanOrEqualToThreshold: { breaches: (a, b) => a >= b, words: 'greater than or equal to' },
  GreaterThanThreshold: { breaches: (a, b) => a > b, words: 'greater than' },
  LessThanThreshold: { breaches: (a, b) => a < b, words: 'less than' },
  LessThanOrEqualToThreshold: { breaches: (a, b) => a <= b, words: 'less than or equal to' },
} as const satisfies Readonly<
  Record<string, { readonly breaches: (value: number, threshold: number) => boolean; readonly words: string }>
>
export type ComparisonOperator = keyof typeof COMPARISONS
