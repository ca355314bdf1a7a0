/** The operations of CloudWatch, one row each. Source: CloudWatch API reference. */
import { ALARM_OPERATIONS } from './alarm-operations.ts'
import { DASHBOARD_OPERATIONS } from './dashboard-operations.ts'
import { HISTORY_OPERATIONS } from './history-operations.ts'
import { METRIC_OPERATIONS } from './metric-operations.ts'
import type { CloudWatchOperations } from './services.ts'
import { STATISTIC_OPERATIONS } from './statistic-operations.ts'
import { TAG_OPERATIONS } from './tag-operations.ts'

export const CLOUDWATCH_OPERATIONS: CloudWatchOperations = {
  ...METRIC_OPERATIONS,
  ...STATISTIC_OPERATIONS,
  ...ALARM_OPERATIONS,
  ...HISTORY_OPERATIONS,
  ...DASHBOARD_OPERATIONS,
  ...TAG_OPERATIONS,
  // Alarms on other alarms and their mute rules, streams, rules on logs, anomalies, pictures and what belongs to telemetry.
  ...Object.fromEntries(
    (
      'AssociateDatasetKmsKey CreateResourceMetricsConfiguration DeleteAlarmMuteRule DeleteAnomalyDetector ' +
      'DeleteInsightRules DeleteMetricStream DeleteResourceMetricsConfiguration DescribeAlarmContributors ' +
      'DescribeAnomalyDetectors DescribeInsightRules DisableInsightRules DisassociateDatasetKmsKey ' +
      'EnableInsightRules GetAlarmMuteRule GetDataset GetInsightRuleReport GetMetricStream ' +
      'GetMetricWidgetImage GetOTelEnrichment GetResourceMetricsConfiguration ListAlarmMuteRules ' +
      'ListManagedInsightRules ListMetricStreams PutAlarmMuteRule PutAnomalyDetector PutCompositeAlarm ' +
      'PutInsightRule PutLogAlarm PutManagedInsightRules PutMetricStream StartMetricStreams ' +
      'StartOTelEnrichment StopMetricStreams StopOTelEnrichment UpdateOTelEnrichment ' +
      'UpdateResourceMetricsConfiguration'
    )
      .split(' ')
      .map((name) => [name, { readOnly: /^(Get|List|Describe)/.test(name) }]),
  ),
}
