/** ARNs of alarms, and which ARNs an alarm may have as actions. */
import type { MetricScope } from '../metrics/metric-data.ts'

export const alarmArn = ({ accountId, region }: MetricScope, alarmName: string) =>
  `arn:aws:cloudwatch:${region}:${accountId}:alarm:${alarmName}`

/** The name of the alarm of this account and Region that an ARN is of; undefined where it is of no such alarm. */
export function alarmNameOfArn(scope: MetricScope, arn: string): string | undefined {
  const prefix = alarmArn(scope, '')
  return arn.startsWith(prefix) && arn.length > prefix.length ? arn.slice(prefix.length) : undefined
}

/** As PutMetricAlarm takes them (API reference, "AlarmActions"). */
export const isActionArn = (text: string) => ACTION_ARN.test(text)

const ACTION_ARN =
  /^arn:aws(-[\w-]+)?:(automate:[\w-]+:(ec2:(stop|terminate|reboot|recover)|lambda:.+)|(sns|lambda|ssm|ssm-incidents|autoscaling|swf|aiops):[\w-]*:[\w-]*:.+)$/
