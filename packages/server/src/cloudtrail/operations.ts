/** The operations of CloudTrail, one row each. Source: CloudTrail API reference, version 2013-11-01. */
import { KEY_OPERATIONS } from './key-operations.ts'
import { LOGGING_OPERATIONS } from './logging-operations.ts'
import { LOOKUP_OPERATIONS } from './lookup-events.ts'
import { SELECTOR_OPERATIONS } from './selector-operations.ts'
import type { TrailOperations } from './services.ts'
import { TAG_OPERATIONS } from './tag-operations.ts'
import { TRAIL_OPERATIONS } from './trail-operations.ts'

export const CLOUDTRAIL_OPERATIONS: TrailOperations = {
  ...TRAIL_OPERATIONS,
  ...LOGGING_OPERATIONS,
  ...SELECTOR_OPERATIONS,
  ...KEY_OPERATIONS,
  ...TAG_OPERATIONS,
  ...LOOKUP_OPERATIONS,
  // There is no CloudTrail Lake, no channel, no dashboard, no insight, no organization and no policy of a trail.
  ...Object.fromEntries(
    (
      'CancelQuery CreateChannel CreateDashboard CreateEventDataStore DeleteChannel DeleteDashboard DeleteEventDataStore ' +
      'DeleteResourcePolicy DeregisterOrganizationDelegatedAdmin DescribeQuery DisableFederation EnableFederation ' +
      'GenerateQuery GetChannel GetDashboard GetEventConfiguration GetEventDataStore GetImport GetInsightSelectors ' +
      'GetQueryResults GetResourcePolicy ListChannels ListDashboards ListEventDataStores ListImportFailures ListImports ' +
      'ListInsightsData ListInsightsMetricData ListQueries PutEventConfiguration PutInsightSelectors PutResourcePolicy ' +
      'RegisterOrganizationDelegatedAdmin RestoreEventDataStore SearchSampleQueries StartDashboardRefresh ' +
      'StartEventDataStoreIngestion StartImport StartQuery StopEventDataStoreIngestion StopImport UpdateChannel ' +
      'UpdateDashboard UpdateEventDataStore'
    )
      .split(' ')
      .map((name) => [name, { readOnly: /^(Describe|Get|List|Search)/.test(name) }]),
  ),
}
