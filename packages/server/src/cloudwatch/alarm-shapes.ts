/** How alarms and their history look in replies (API reference, `MetricAlarm`, `AlarmHistoryItem`). */
import { alarmArn } from '../alarms/alarm-arn.ts'
import type { Alarm, HistoryItem, WatchedStatistic } from '../alarms/alarm-records.ts'
import type { MetricScope } from '../metrics/metric-data.ts'
import { isSimpleStatistic } from '../metrics/statistics.ts'
import type { Output } from '../protocols/service-door.ts'
import { metricShape } from './metric-input.ts'
import { queryShape } from './query-input.ts'

export function alarmShape(scope: MetricScope, alarm: Alarm): Output {
  const { configuration, state } = alarm
  const { watched, queries } = configuration
  return {
    AlarmName: configuration.alarmName,
    AlarmArn: alarmArn(scope, configuration.alarmName),
    AlarmDescription: configuration.alarmDescription,
    AlarmConfigurationUpdatedTimestamp: new Date(alarm.configuredAtMs),
    ActionsEnabled: configuration.actionsEnabled,
    OKActions: configuration.okActions,
    AlarmActions: configuration.alarmActions,
    InsufficientDataActions: configuration.insufficientDataActions,
    StateValue: state.value,
    StateReason: state.reason,
    StateReasonData: state.reasonData,
    StateUpdatedTimestamp: new Date(alarm.stateUpdatedAtMs),
    ...(watched ? watchedShape(watched) : { Dimensions: [] }),
    EvaluationPeriods: configuration.evaluationPeriods,
    DatapointsToAlarm: configuration.datapointsToAlarm,
    Threshold: configuration.threshold,
    ComparisonOperator: configuration.comparisonOperator,
    TreatMissingData: configuration.treatMissingData,
    EvaluateLowSampleCountPercentile: configuration.evaluateLowSampleCountPercentile,
    Metrics: queries?.map(queryShape),
    StateTransitionedTimestamp: new Date(alarm.stateTransitionedAtMs),
  }
}

const watchedShape = ({ metric, statistic, periodSeconds, unit }: WatchedStatistic) => ({
  ...metricShape(metric),
  ...(isSimpleStatistic(statistic) ? { Statistic: statistic } : { ExtendedStatistic: statistic }),
  Period: periodSeconds,
  Unit: unit,
})

export const historyShape = ({ alarmName, atMs, type, summary, data }: HistoryItem): Output => ({
  AlarmName: alarmName,
  AlarmType: 'MetricAlarm',
  Timestamp: new Date(atMs),
  HistoryItemType: type,
  HistorySummary: summary,
  HistoryData: data,
})
