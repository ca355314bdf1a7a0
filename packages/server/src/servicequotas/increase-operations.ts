/** Asking for more, and what became of it. */
import type { IncreaseRequest } from '../limits/limit-records.ts'
import type { CallContext } from '../policy/call.ts'
import type { Input } from '../protocols/input.ts'
import { quotaOf } from '../quota/quotas.ts'
import { noSuchResource } from './errors.ts'
import { namedQuota } from './quota-operations.ts'
import { page, type QuotaOperations, requireMay, type ServiceQuotas, scopeOf, serviceCode } from './services.ts'
import { findService, requestShape } from './shapes.ts'

const STATUSES = [
  'PENDING',
  'CASE_OPENED',
  'APPROVED',
  'DENIED',
  'CASE_CLOSED',
  'NOT_APPROVED',
  'INVALID_REQUEST',
] as const
const LEVELS = ['ACCOUNT', 'RESOURCE', 'ALL'] as const
const LARGEST_VALUE = 10_000_000_000

export const INCREASE_OPERATIONS = {
  RequestServiceQuotaIncrease: {
    readOnly: false,
    async run({ quotas }, call, input) {
      const name = namedQuota(call, input, 'RequestServiceQuotaIncrease')
      const desired = input.decimal('DesiredValue', 0, LARGEST_VALUE)
      return {
        RequestedQuota: requestShape(call, await quotas.request(scopeOf(call), name, desired, call.principal.arn)),
      }
    },
  },
  GetRequestedServiceQuotaChange: {
    readOnly: true,
    async run({ quotas }, call, input) {
      requireMay(call, 'GetRequestedServiceQuotaChange')
      const id = input.matching('RequestId', '[0-9a-zA-Z][a-zA-Z0-9-]{1,128}', 129)
      const request = await quotas.find(call.principal.accountId, id)
      if (!request || !isSeen(call, request)) throw noSuchResource('The request failed because it does not exist.')
      return { RequestedQuota: requestShape(call, request) }
    },
  },
  ListRequestedServiceQuotaChangeHistory: {
    readOnly: true,
    async run(services, call, input) {
      requireMay(call, 'ListRequestedServiceQuotaChangeHistory')
      const service = input.has('ServiceCode') ? findService(serviceCode(input)) : undefined
      return history(services, call, input, ({ quota }) => service === undefined || quotaOf(quota).service === service)
    },
  },
  ListRequestedServiceQuotaChangeHistoryByQuota: {
    readOnly: true,
    async run(services, call, input) {
      const name = namedQuota(call, input, 'ListRequestedServiceQuotaChangeHistoryByQuota')
      return history(services, call, input, ({ quota }) => quota === name)
    },
  },
} satisfies QuotaOperations

/** The newest first, as AWS lists them. */
async function history(
  { quotas }: ServiceQuotas,
  call: CallContext,
  input: Input,
  isWanted: (request: IncreaseRequest) => boolean,
) {
  const status = input.choice('Status', STATUSES)
  // No quota here is of a single resource.
  const isOfResources = input.choice('QuotaRequestedAtLevel', LEVELS) === 'RESOURCE'
  const found: IncreaseRequest[] = []
  for await (const request of quotas.requests(call.principal.accountId)) {
    const fits = isSeen(call, request) && isWanted(request) && (status === undefined || request.status === status)
    if (fits && !isOfResources) found.unshift(request)
  }
  const { items, ...rest } = page(input, found)
  return { RequestedQuotas: items.map((request) => requestShape(call, request)), ...rest }
}

const isSeen = (call: CallContext, { region }: IncreaseRequest) => region === '' || region === call.region
