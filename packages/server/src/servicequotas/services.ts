/** What the door's operations work with, and what all of them do first. */
import type { Clock } from '../core/clock.ts'
import type { AppliedQuotas } from '../limits/applied-quotas.ts'
import type { UtilizationReports } from '../limits/utilization-reports.ts'
import { requireAllowed } from '../policy/authorize.ts'
import type { CallContext } from '../policy/call.ts'
import type { Input } from '../protocols/input.ts'
import type { ServiceOperation } from '../protocols/service-door.ts'
import { ServiceError } from '../protocols/service-error.ts'
import type { QuotaUsage } from '../quota/usage-history.ts'

export interface ServiceQuotas {
  readonly quotas: AppliedQuotas
  readonly reports: UtilizationReports
  readonly clock: Clock
  /** What the account's calls came to, of all processes. */
  readonly usage: (region: string, accountId: string) => Promise<readonly QuotaUsage[]>
  /** How many there are of what has a quota by number. */
  readonly counts: (region: string, accountId: string) => Promise<Readonly<Record<'buckets' | 'keys', number>>>
}

export type QuotaOperations = Readonly<Record<string, ServiceOperation<ServiceQuotas>>>

/** Throws AccessDenied. */
export function requireMay(call: CallContext, operation: string, resource = '*'): void {
  requireAllowed(call, {
    action: `servicequotas:${operation}`,
    resource,
    resourceAccount: call.principal.accountId,
    resourcePolicy: undefined,
  })
}

export const scopeOf = (call: CallContext) => ({ accountId: call.principal.accountId, region: call.region })
export const serviceCode = (input: Input) => input.matching('ServiceCode', '[a-zA-Z][a-zA-Z0-9-]{1,63}', 64)
export const quotaCode = (input: Input) => input.matching('QuotaCode', '[a-zA-Z][a-zA-Z0-9-]{1,128}', 129)

/** One page of `all`. A token is the place where it begins. Throws InvalidPaginationTokenException. */
export function page<T>(
  input: Input,
  all: readonly T[],
  most = 100,
): { readonly items: readonly T[]; NextToken?: string } {
  const limit = input.optionalNumber('MaxResults', 1, most) ?? most
  const token = input.optionalText('NextToken', 2048, 1)
  const from = token === undefined ? 0 : Number(/^at-(\d{1,9})$/.exec(token)?.[1] ?? Number.NaN)
  if (!(from <= all.length)) throw new ServiceError('InvalidPaginationTokenException', 'Invalid NextToken')
  const until = from + limit
  return { items: all.slice(from, until), ...(until < all.length && { NextToken: `at-${until}` }) }
}
