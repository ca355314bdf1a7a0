/** The operations of Service Quotas, one row each. Source: Service Quotas API reference. */
import { INCREASE_OPERATIONS } from './increase-operations.ts'
import { QUOTA_OPERATIONS } from './quota-operations.ts'
import { REPORT_OPERATIONS } from './report-operations.ts'
import type { QuotaOperations } from './services.ts'
import { TAG_OPERATIONS } from './tag-operations.ts'

export const SERVICE_QUOTAS_OPERATIONS: QuotaOperations = {
  ...QUOTA_OPERATIONS,
  ...INCREASE_OPERATIONS,
  ...REPORT_OPERATIONS,
  ...TAG_OPERATIONS,
  // There is no organization, no support case and nobody who would be notified.
  ...Object.fromEntries(
    (
      'AssociateServiceQuotaTemplate CreateSupportCase DeleteServiceQuotaIncreaseRequestFromTemplate ' +
      'DisassociateServiceQuotaTemplate GetAssociationForServiceQuotaTemplate GetAutoManagementConfiguration ' +
      'GetServiceQuotaIncreaseRequestFromTemplate ListServiceQuotaIncreaseRequestsInTemplate ' +
      'PutServiceQuotaIncreaseRequestIntoTemplate StartAutoManagement StopAutoManagement UpdateAutoManagement'
    )
      .split(' ')
      .map((name) => [name, { readOnly: /^(Get|List)/.test(name) }]),
  ),
}
