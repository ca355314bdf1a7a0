/** What a history item tells beside its summary, as CloudWatch writes it (API reference, `AlarmHistoryItem`). */

import { dateOf } from '../metrics/alarm-reason.ts'
import type { MetricScope } from '../metrics/metric-data.ts'
import { alarmArn } from './alarm-arn.ts'
import type { Alarm, AlarmNotification, AlarmState, HistoryItem } from './alarm-records.ts'

type Told = Pick<HistoryItem, 'type' | 'summary'> & { readonly data: object }

const CONFIGURATION_CHANGES = {
  Create: { member: 'createdAlarm', word: 'created' },
  Update: { member: 'updatedAlarm', word: 'updated' },
  Delete: { member: 'deletedAlarm', word: 'deleted' },
} as const

export function configurationUpdate(
  change: keyof typeof CONFIGURATION_CHANGES,
  scope: MetricScope,
  alarm: Alarm,
): Told {
  const { member, word } = CONFIGURATION_CHANGES[change]
  return {
    type: 'ConfigurationUpdate',
    summary: `Alarm "${alarm.configuration.alarmName}" ${word}`,
    data: { version: '1.0', type: change, [member]: alarmData(scope, alarm) },
  }
}

export function stateUpdate(from: AlarmState, to: AlarmState): Told {
  return {
    type: 'StateUpdate',
    summary: `Alarm updated from ${from.value} to ${to.value}`,
    data: { version: '1.0', oldState: stateData(from), newState: stateData(to) },
  }
}

/** `error`: why the action failed for good. */
export function action(notification: AlarmNotification, error: string | undefined): Told {
  const { actionArn, stateUpdatedAtMs, message } = notification
  return {
    type: 'Action',
    summary:
      error === undefined
        ? `Successfully executed action ${actionArn}`
        : `Failed to execute action ${actionArn}. Received error: "${error}"`.slice(0, LONGEST_SUMMARY),
    data: {
      actionState: error === undefined ? 'Succeeded' : 'Failed',
      stateUpdateTimestamp: stateUpdatedAtMs,
      notificationResource: actionArn,
      publishedMessage: message.length > LONGEST_MESSAGE ? null : JSON.stringify({ default: message }),
      error: error ?? null,
    },
  }
}

function alarmData(scope: MetricScope, { configuration, configuredAtMs, state, stateUpdatedAtMs }: Alarm): object {
  const { okActions, watched, queries, ...rest } = configuration
  return {
    alarmArn: alarmArn(scope, configuration.alarmName),
    alarmConfigurationUpdatedTimestamp: dateOf(configuredAtMs),
    stateUpdatedTimestamp: dateOf(stateUpdatedAtMs),
    stateValue: state.value,
    ...rest,
    okactions: okActions,
    ...(watched && {
      namespace: watched.metric.namespace,
      metricName: watched.metric.name,
      dimensions: watched.metric.dimensions,
      statistic: watched.statistic,
      period: watched.periodSeconds,
      unit: watched.unit,
    }),
    ...(queries && { metrics: queries }),
  }
}

const stateData = ({ value, reason, reasonData }: AlarmState) => ({
  stateValue: value,
  stateReason: reason,
  ...(reasonData !== undefined && { stateReasonData: parsed(reasonData) }),
})

/** SetAlarmState lets a caller give any text. */
function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return json
  }
}

/** The API's data has 4,095 characters at most, and the message stands in it as a text in a text. */
const LONGEST_MESSAGE = 2500
const LONGEST_SUMMARY = 255
