/** Records of alarms, of what became of them, and of the notifications that are still to be sent. */
import type { ComparisonOperator, MissingData } from '../metrics/metric-alarm.ts'
import type { MetricIdentity, MetricScope, Unit } from '../metrics/metric-data.ts'
import { ascending, name, prefixEnd, ZERO } from '../records/names.ts'
import { defineRecord } from '../records/record-store.ts'

export const STATE_VALUES = ['OK', 'ALARM', 'INSUFFICIENT_DATA'] as const
export type StateValue = (typeof STATE_VALUES)[number]

/** One statistic of one metric. */
export interface WatchedStatistic {
  readonly metric: MetricIdentity
  readonly periodSeconds: number
  /** A statistic by its name, also an extended one, e.g. `p99`. */
  readonly statistic: string
  readonly unit?: Unit
}

/** A query of an alarm on metric math. */
export interface AlarmQuery {
  readonly id: string
  readonly label?: string
  readonly returnData: boolean
  readonly metricStat?: WatchedStatistic
  readonly expression?: string
  /** Of an expression that has no metric of its own. */
  readonly periodSeconds?: number
}

/** What PutMetricAlarm says, with its defaults. */
export interface AlarmConfiguration {
  readonly alarmName: string
  readonly alarmDescription?: string
  readonly actionsEnabled: boolean
  readonly okActions: readonly string[]
  readonly alarmActions: readonly string[]
  readonly insufficientDataActions: readonly string[]
  /** What it watches: one of the two. */
  readonly watched?: WatchedStatistic
  readonly queries?: readonly AlarmQuery[]
  readonly evaluationPeriods: number
  readonly datapointsToAlarm?: number
  readonly threshold: number
  readonly comparisonOperator: ComparisonOperator
  readonly treatMissingData?: MissingData
  readonly evaluateLowSampleCountPercentile?: 'evaluate' | 'ignore'
}

export interface AlarmState {
  readonly value: StateValue
  readonly reason: string
  /** JSON. */
  readonly reasonData?: string
}

export interface Alarm {
  readonly configuration: AlarmConfiguration
  readonly configuredAtMs: number
  readonly state: AlarmState
  readonly stateUpdatedAtMs: number
  /** When its value was another for the last time. */
  readonly stateTransitionedAtMs: number
  readonly tags: readonly AlarmTag[]
}

export interface AlarmTag {
  readonly Key: string
  readonly Value: string
}

export const HISTORY_ITEM_TYPES = ['ConfigurationUpdate', 'StateUpdate', 'Action'] as const
export type HistoryItemType = (typeof HISTORY_ITEM_TYPES)[number]

export interface HistoryItem {
  readonly alarmName: string
  readonly atMs: number
  readonly type: HistoryItemType
  readonly summary: string
  /** JSON. */
  readonly data: string
}

/** An action that is to be executed, or tried again. */
export interface AlarmNotification {
  readonly accountId: string
  readonly region: string
  readonly alarmName: string
  readonly actionArn: string
  readonly stateUpdatedAtMs: number
  readonly subject: string
  /** JSON, as the alarm was when its state changed. */
  readonly message: string
  readonly messageId: string
  /** How often it was tried. */
  readonly attempts: number
  readonly dueAtMs: number
}

export const alarmRecord = defineRecord<Alarm>({ label: 'alarm', prefix: '4', formatVersion: 1 })
export const alarmHistoryRecord = defineRecord<HistoryItem>({
  label: 'history item of an alarm',
  prefix: '5',
  formatVersion: 1,
})
export const alarmNotificationRecord = defineRecord<AlarmNotification>({
  label: 'notification of an alarm',
  prefix: '6',
  formatVersion: 1,
})
/** Written anew by every change that the evaluator has not made itself. */
export const alarmGeneration = defineRecord<{ readonly id: string }>({
  label: 'generation of alarms',
  prefix: '7',
  formatVersion: 1,
})

const scopeName = ({ accountId, region }: MetricScope) => name(accountId, ZERO, region, ZERO)

export const alarmNames = {
  alarm: (scope: MetricScope, alarmName: string) => name(scopeName(scope), alarmName),
  alarmsOf: (scope: MetricScope) => scopeName(scope),
  /** `sequence` tells items of one moment apart, `id` those of different processes. */
  historyItem: (scope: MetricScope, atMs: number, sequence: number, alarmName: string, id: Uint8Array) =>
    name(scopeName(scope), momentOf(atMs, sequence), alarmName, ZERO, id),
  /** All of a scope from one time on until before another. */
  history: (scope: MetricScope, fromMs: number, untilMs: number) => ({
    gte: name(scopeName(scope), momentOf(fromMs, 0)),
    lt: Number.isFinite(untilMs) ? name(scopeName(scope), momentOf(untilMs, 0)) : prefixEnd(scopeName(scope)),
  }),
  notification: (id: string) => name(id),
  generation: name('all'),
}

/** The account and Region that a name begins with, of an alarm or of a history item. */
export function scopeOfName(recordName: Uint8Array): MetricScope & { readonly rest: Uint8Array } {
  const bytes = Buffer.from(recordName)
  const first = bytes.indexOf(0)
  const second = bytes.indexOf(0, first + 1)
  return {
    accountId: bytes.subarray(0, first).toString(),
    region: bytes.subarray(first + 1, second).toString(),
    rest: bytes.subarray(second + 1),
  }
}

/** The alarm that a history item is of, by the item's name. */
export function alarmOfHistoryName(recordName: Uint8Array): string {
  const { rest } = scopeOfName(recordName)
  return Buffer.from(rest.subarray(MOMENT_BYTES, rest.length - 1 - HISTORY_ID_BYTES)).toString()
}

export const HISTORY_ID_BYTES = 6
const MOMENT_BYTES = 8
const momentOf = (atMs: number, sequence: number) => ascending(BigInt(Math.max(0, atMs)) * 1000n + BigInt(sequence))
