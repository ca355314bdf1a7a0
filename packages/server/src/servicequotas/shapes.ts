/** How quotas and requests look in replies (Service Quotas API reference, `ServiceQuota`, `RequestedServiceQuotaChange`). */
import type { IncreaseRequest } from '../limits/limit-records.ts'
import type { CallContext } from '../policy/call.ts'
import type { Output } from '../protocols/service-door.ts'
import { QUOTA_NAMES, type Quota, type QuotaName, quotaOf } from '../quota/quotas.ts'
import { USAGE_DIMENSIONS, usageResource } from '../quota/usage-metric.ts'
import { noSuchResource } from './errors.ts'

export const SERVICES = {
  kms: 'AWS Key Management Service (AWS KMS)',
  s3: 'Amazon Simple Storage Service (Amazon S3)',
} as const

/** What stands for no limit: the largest value that the API has. */
const NO_LIMIT = 1e10
export const shownValue = (value: number) => Math.min(value, NO_LIMIT)

export function quotaArn(call: CallContext, name: QuotaName): string {
  const { service, code, global } = quotaOf(name)
  return `arn:aws:servicequotas:${global ? '' : call.region}:${call.principal.accountId}:${service}/${code}`
}

/** Throws NoSuchResourceException. */
export function findService(serviceCode: string): Quota['service'] {
  if (!Object.hasOwn(SERVICES, serviceCode)) {
    throw noSuchResource('The request failed because the specified service does not exist.')
  }
  return serviceCode as Quota['service']
}

/** Throws NoSuchResourceException. */
export function findQuota(serviceCode: string, quotaCode: string): QuotaName {
  const service = findService(serviceCode)
  const name = QUOTA_NAMES.find((one) => quotaOf(one).service === service && quotaOf(one).code === quotaCode)
  if (name === undefined) throw noSuchResource('The request failed because the specified quota does not exist.')
  return name
}

export function quotaShape(call: CallContext, name: QuotaName, value: number): Output {
  const { service, code, title, description, rate, global = false } = quotaOf(name)
  return {
    ServiceCode: service,
    ServiceName: SERVICES[service],
    QuotaArn: quotaArn(call, name),
    QuotaCode: code,
    QuotaName: title,
    Value: shownValue(value),
    Unit: 'None',
    Adjustable: true,
    GlobalQuota: global,
    QuotaAppliedAtLevel: 'ACCOUNT',
    Description: description,
    ...(rate && {
      Period: { PeriodValue: 1, PeriodUnit: 'SECOND' },
      UsageMetric: {
        MetricNamespace: 'AWS/Usage',
        MetricName: 'CallCount',
        MetricDimensions: { ...USAGE_DIMENSIONS, Resource: usageResource(name) },
        MetricStatisticRecommendation: 'Sum',
      },
    }),
  }
}

export function requestShape(call: CallContext, request: IncreaseRequest): Output {
  const { service, code, title, global = false } = quotaOf(request.quota)
  return {
    Id: request.id,
    ServiceCode: service,
    ServiceName: SERVICES[service],
    QuotaCode: code,
    QuotaName: title,
    DesiredValue: request.desiredValue,
    Status: request.status,
    Created: request.createdAtMs / 1000,
    LastUpdated: request.updatedAtMs / 1000,
    Requester: JSON.stringify({ accountId: request.accountId, callerArn: request.requesterArn }),
    QuotaArn: quotaArn(call, request.quota),
    GlobalQuota: global,
    Unit: 'None',
    QuotaRequestedAtLevel: 'ACCOUNT',
  }
}
