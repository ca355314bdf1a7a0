/**
 * What SNS delivers for an alarm: the message that CloudWatch publishes, and the envelope of an HTTP notification (SNS
 * developer guide, "HTTP/HTTPS notification JSON format"). There is no SNS here, so it has no signature.
 */

import { dateOf } from '../metrics/alarm-reason.ts'
import type { MetricIdentity, MetricScope } from '../metrics/metric-data.ts'
import { alarmArn } from './alarm-arn.ts'
import type { Alarm, AlarmNotification, AlarmQuery, StateValue } from './alarm-records.ts'

/** `alarm`: in its new state. */
export function notificationMessage(scope: MetricScope, alarm: Alarm, oldState: StateValue): string {
  const { configuration, state } = alarm
  return JSON.stringify({
    AlarmName: configuration.alarmName,
    AlarmDescription: configuration.alarmDescription ?? null,
    AWSAccountId: scope.accountId,
    AlarmConfigurationUpdatedTimestamp: dateOf(alarm.configuredAtMs),
    NewStateValue: state.value,
    NewStateReason: state.reason,
    StateChangeTime: dateOf(alarm.stateUpdatedAtMs),
    Region: regionTitle(scope.region),
    AlarmArn: alarmArn(scope, configuration.alarmName),
    OldStateValue: oldState,
    OKActions: configuration.okActions,
    AlarmActions: configuration.alarmActions,
    InsufficientDataActions: configuration.insufficientDataActions,
    Trigger: trigger(alarm),
  })
}

/** SNS takes at most 100 characters. */
export const notificationSubject = ({ region }: MetricScope, alarmName: string, state: StateValue) =>
  `${state}: "${alarmName}" in ${regionTitle(region)}`.slice(0, 100)

/** `atMs`: when it is sent. */
export function notificationEnvelope(notification: AlarmNotification, atMs: number): string {
  return JSON.stringify({
    Type: 'Notification',
    MessageId: notification.messageId,
    TopicArn: notification.actionArn,
    Subject: notification.subject,
    Message: notification.message,
    Timestamp: new Date(atMs).toISOString(),
  })
}

function trigger({ configuration }: Alarm): object {
  const { watched, queries } = configuration
  const rest = {
    EvaluationPeriods: configuration.evaluationPeriods,
    ...(configuration.datapointsToAlarm !== undefined && { DatapointsToAlarm: configuration.datapointsToAlarm }),
    ComparisonOperator: configuration.comparisonOperator,
    Threshold: configuration.threshold,
    TreatMissingData: configuration.treatMissingData ?? '',
    EvaluateLowSampleCountPercentile: configuration.evaluateLowSampleCountPercentile ?? '',
  }
  if (!watched) return { Period: periodOf(queries ?? []), ...rest, Metrics: (queries ?? []).map(queryShape) }
  return {
    ...metricShape(watched.metric),
    ...(Object.hasOwn(PLAIN_STATISTICS, watched.statistic)
      ? { StatisticType: 'Statistic', Statistic: PLAIN_STATISTICS[watched.statistic] }
      : { StatisticType: 'ExtendedStatistic', ExtendedStatistic: watched.statistic }),
    Unit: watched.unit ?? null,
    Period: watched.periodSeconds,
    ...rest,
  }
}

const periodOf = (queries: readonly AlarmQuery[]) =>
  Math.max(...queries.map(({ metricStat, periodSeconds }) => metricStat?.periodSeconds ?? periodSeconds ?? 0))

const metricShape = ({ namespace, name, dimensions }: MetricIdentity) => ({
  MetricName: name,
  Namespace: namespace,
  Dimensions: dimensions.map((dimension) => ({ value: dimension.value, name: dimension.name })),
})

const queryShape = ({ id, label, returnData, expression, metricStat }: AlarmQuery) => ({
  ...(expression !== undefined && { Expression: expression }),
  Id: id,
  ...(label !== undefined && { Label: label }),
  ...(metricStat && {
    MetricStat: {
      Metric: metricShape(metricStat.metric),
      Period: metricStat.periodSeconds,
      Stat: metricStat.statistic,
      ...(metricStat.unit && { Unit: metricStat.unit }),
    },
  }),
  ReturnData: returnData,
})

const regionTitle = (region: string) => REGION_TITLES[region] ?? region

const PLAIN_STATISTICS: Readonly<Record<string, string>> = {
  Average: 'AVERAGE',
  Sum: 'SUM',
  Minimum: 'MINIMUM',
  Maximum: 'MAXIMUM',
  SampleCount: 'SAMPLE_COUNT',
}

/** AWS General Reference, "AWS Regions". */
const REGION_TITLES: Readonly<Record<string, string>> = {
  'us-east-1': 'US East (N. Virginia)',
  'us-east-2': 'US East (Ohio)',
  'us-west-1': 'US West (N. California)',
  'us-west-2': 'US West (Oregon)',
  'ca-central-1': 'Canada (Central)',
  'sa-east-1': 'South America (Sao Paulo)',
  'eu-central-1': 'EU (Frankfurt)',
  'eu-west-1': 'EU (Ireland)',
  'eu-west-2': 'EU (London)',
  'eu-west-3': 'EU (Paris)',
  'eu-north-1': 'EU (Stockholm)',
  'eu-south-1': 'EU (Milan)',
  'ap-south-1': 'Asia Pacific (Mumbai)',
  'ap-southeast-1': 'Asia Pacific (Singapore)',
  'ap-southeast-2': 'Asia Pacific (Sydney)',
  'ap-northeast-1': 'Asia Pacific (Tokyo)',
  'ap-northeast-2': 'Asia Pacific (Seoul)',
  'ap-northeast-3': 'Asia Pacific (Osaka)',
}
