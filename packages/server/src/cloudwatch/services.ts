/** What the door's operations work with, and what all of them do first. */
import type { Alarms } from '../alarms/alarms.ts'
import type { Clock } from '../core/clock.ts'
import type { Dashboards } from '../dashboards/dashboards.ts'
import type { MetricIdentity, MetricScope, MetricStore } from '../metrics/metric-data.ts'
import { requireAllowed } from '../policy/authorize.ts'
import type { CallContext } from '../policy/call.ts'
import { keyValue } from '../policy/condition-keys.ts'
import type { Input } from '../protocols/input.ts'
import type { ServiceOperation } from '../protocols/service-door.ts'
import { CLOUDWATCH_KEYS, type CloudWatchRequest } from './condition-keys.ts'
import { cloudWatchError } from './errors.ts'

export interface CloudWatch {
  readonly metrics: MetricStore
  readonly alarms: Alarms
  readonly dashboards: Dashboards
  /** What SERVICE_QUOTA() is, in calls a second; undefined where there is no such quota. */
  readonly serviceQuota: (scope: MetricScope, metric: MetricIdentity) => Promise<number | undefined>
  readonly clock: Clock
}

export type CloudWatchOperations = Readonly<Record<string, ServiceOperation<CloudWatch>>>

/** Throws AccessDenied. */
export function requireMay(
  call: CallContext,
  operation: string,
  resource = '*',
  request: CloudWatchRequest = {},
): void {
  requireAllowed(call, {
    action: `cloudwatch:${operation}`,
    resource,
    resourceAccount: call.principal.accountId,
    resourcePolicy: undefined,
    keys: (key) => keyValue(CLOUDWATCH_KEYS, request, key),
  })
}

export const scopeOf = (call: CallContext): MetricScope => ({
  accountId: call.principal.accountId,
  region: call.region,
})

/** A token tells nobody anything; it is what we need to go on, encoded. */
export const writeToken = (after: Uint8Array | string) => Buffer.from(after).toString('base64url')

/** What `writeToken` was given. Throws InvalidNextToken. */
export function readToken(input: Input): Uint8Array | undefined {
  const token = input.optionalText('NextToken', 8192, 1)
  if (token === undefined) return undefined
  const bytes = Buffer.from(token, 'base64url')
  if (bytes.length === 0 || bytes.toString('base64url') !== token) throw invalidToken()
  return bytes
}

export const invalidToken = () => cloudWatchError('InvalidNextToken', 'The next token specified is invalid.')
