/** What became of alarms. */
import { alarmArn } from '../alarms/alarm-arn.ts'
import { HISTORY_ITEM_TYPES } from '../alarms/alarm-records.ts'
import { historyShape } from './alarm-shapes.ts'
import { type CloudWatchOperations, readToken, requireMay, scopeOf, writeToken } from './services.ts'

const PAGE = 100

export const HISTORY_OPERATIONS = {
  DescribeAlarmHistory: {
    readOnly: true,
    async run({ alarms }, call, input) {
      const scope = scopeOf(call)
      const alarmName = input.optionalText('AlarmName', 255, 1)
      requireMay(call, 'DescribeAlarmHistory', alarmArn(scope, alarmName ?? '*'))
      const types = input.texts('AlarmTypes')
      if (types.length > 0 && !types.includes('MetricAlarm')) return { AlarmHistoryItems: [] }
      const { items, end } = await alarms.history.list(scope, {
        alarmName,
        type: input.choice('HistoryItemType', HISTORY_ITEM_TYPES),
        fromMs: input.optionalTimestamp('StartDate') ?? 0,
        untilMs: (input.optionalTimestamp('EndDate') ?? Number.POSITIVE_INFINITY) + 1,
        newestFirst:
          input.choice('ScanBy', ['TimestampDescending', 'TimestampAscending'] as const) !== 'TimestampAscending',
        limit: input.optionalNumber('MaxRecords', 1, PAGE) ?? PAGE,
        after: readToken(input),
      })
      return { AlarmHistoryItems: items.map(historyShape), NextToken: end && writeToken(end) }
    },
  },
} satisfies CloudWatchOperations
