/** Which services and quotas there are, and which values apply. */
import type { CallContext } from '../policy/call.ts'
import type { Input } from '../protocols/input.ts'
import { QUOTA_NAMES, quotaOf } from '../quota/quotas.ts'
import { page, type QuotaOperations, quotaCode, requireMay, scopeOf, serviceCode } from './services.ts'
import { findQuota, findService, quotaArn, quotaShape, SERVICES } from './shapes.ts'

export const QUOTA_OPERATIONS = {
  ListServices: {
    readOnly: true,
    async run(_services, call, input) {
      requireMay(call, 'ListServices')
      const all = Object.entries(SERVICES).map(([ServiceCode, ServiceName]) => ({ ServiceCode, ServiceName }))
      const { items, ...rest } = page(input, all)
      return { Services: items, ...rest }
    },
  },
  ListServiceQuotas: {
    readOnly: true,
    async run({ quotas }, call, input) {
      requireMay(call, 'ListServiceQuotas')
      const code = input.has('QuotaCode') ? quotaCode(input) : undefined
      // Every quota here is one of the account; none is of a single resource.
      const level = input.choice('QuotaAppliedAtLevel', ['ACCOUNT', 'RESOURCE', 'ALL'] as const)
      const { names, ...rest } = namesOf(input, level === 'RESOURCE' ? [] : undefined, code)
      const shapes = names.map(async (name) => quotaShape(call, name, await quotas.value(scopeOf(call), name)))
      return { Quotas: await Promise.all(shapes), ...rest }
    },
  },
  ListAWSDefaultServiceQuotas: {
    readOnly: true,
    async run({ quotas }, call, input) {
      requireMay(call, 'ListAWSDefaultServiceQuotas')
      const { names, ...rest } = namesOf(input)
      return { Quotas: names.map((name) => quotaShape(call, name, quotas.byDefault(name, call.region))), ...rest }
    },
  },
  GetServiceQuota: {
    readOnly: true,
    async run({ quotas }, call, input) {
      const name = namedQuota(call, input, 'GetServiceQuota')
      return { Quota: quotaShape(call, name, await quotas.value(scopeOf(call), name)) }
    },
  },
  GetAWSDefaultServiceQuota: {
    readOnly: true,
    async run({ quotas }, call, input) {
      requireMay(call, 'GetAWSDefaultServiceQuota')
      const name = findQuota(serviceCode(input), quotaCode(input))
      return { Quota: quotaShape(call, name, quotas.byDefault(name, call.region)) }
    },
  },
} satisfies QuotaOperations

/** The quota that a request names, where the caller may do `operation` with it. */
export function namedQuota(call: CallContext, input: Input, operation: string) {
  const name = findQuota(serviceCode(input), quotaCode(input))
  requireMay(call, operation, quotaArn(call, name))
  return name
}

function namesOf(input: Input, among = QUOTA_NAMES, code?: string) {
  const service = findService(serviceCode(input))
  const all = among.filter((name) => {
    const quota = quotaOf(name)
    return quota.service === service && (code === undefined || quota.code === code)
  })
  const { items, ...rest } = page(input, all)
  return { names: items, ...rest }
}
