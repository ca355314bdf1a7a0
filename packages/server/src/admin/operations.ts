/**
 * Our own API beside AWS's: JSON in and out, signed as a request to S3. What is the server's operator's is for the account
 * of the server's root user, and for whoever in it may do the action.
 */
import { isFault } from '../core/fault.ts'
import { ROOT_ACCOUNT } from '../identity/accounts.ts'
import type { AppliedQuotas } from '../limits/applied-quotas.ts'
import type { IncreaseRequest } from '../limits/limit-records.ts'
import { requireAllowed } from '../policy/authorize.ts'
import type { CallContext } from '../policy/call.ts'
import { ownApi, toOwnApiError } from '../protocols/own-api.ts'
import type { ServiceOperation } from '../protocols/service-door.ts'
import { ServiceError } from '../protocols/service-error.ts'
import { quotaOf } from '../quota/quotas.ts'
import { type AuditServices, listEvents, listKeyUses } from './audit-events.ts'
import { type KeyReportServices, reportKey } from './key-report.ts'

export interface AdminServices extends KeyReportServices, AuditServices {
  readonly quotas: AppliedQuotas
}

const OPERATION_OF_PATH = {
  '/-/api/quotas/list': 'ListQuotaIncreases',
  '/-/api/quotas/approve': 'ApproveQuotaIncrease',
  '/-/api/quotas/deny': 'DenyQuotaIncrease',
  '/-/api/keys/report': 'ReportKey',
  '/-/api/audit/key': 'ListKeyUses',
  '/-/api/audit/events': 'ListEvents',
} as const
export const ADMIN_PATHS = Object.keys(OPERATION_OF_PATH)
export const ADMIN_PROTOCOL = ownApi(OPERATION_OF_PATH)

export const ADMIN_OPERATIONS: Readonly<Record<string, ServiceOperation<AdminServices>>> = {
  ReportKey: { readOnly: true, run: reportKey },
  ListKeyUses: { readOnly: true, run: listKeyUses },
  ListEvents: { readOnly: true, run: listEvents },
  ListQuotaIncreases: {
    readOnly: true,
    async run({ quotas }, call) {
      requireOperator(call, 'ListQuotaIncreases')
      const found: object[] = []
      for await (const request of quotas.requests()) found.push(await shown(quotas, request))
      return { requests: found }
    },
  },
  ApproveQuotaIncrease: {
    readOnly: false,
    async run({ quotas }, call, input) {
      requireOperator(call, 'AnswerQuotaIncrease')
      return shown(quotas, await quotas.answer(input.text('id', 129), 'APPROVED'))
    },
  },
  DenyQuotaIncrease: {
    readOnly: false,
    async run({ quotas }, call, input) {
      requireOperator(call, 'AnswerQuotaIncrease')
      return shown(quotas, await quotas.answer(input.text('id', 129), 'DENIED'))
    },
  },
}

/** Throws AccessDenied. */
function requireOperator(call: CallContext, operation: string): void {
  const isOperators = call.principal.accountId === ROOT_ACCOUNT
  if (!isOperators) throw new ServiceError('AccessDeniedException', 'Only the operator of the server may do this.', 403)
  requireAllowed(call, {
    action: `strongroom:${operation}`,
    resource: '*',
    resourceAccount: call.principal.accountId,
    resourcePolicy: undefined,
  })
}

async function shown(quotas: AppliedQuotas, request: IncreaseRequest) {
  const { service, code, title } = quotaOf(request.quota)
  return { ...request, service, code, title, applies: await quotas.value(request, request.quota) }
}

/** What the operations throw, on the wire. */
export function toAdminError(error: unknown): ServiceError {
  if (isFault(error, 'KmsKeyNotFound')) return new ServiceError('NotFoundException', error.detail.message, 404)
  if (isFault(error, 'KmsArnInvalid')) return new ServiceError('InvalidArnException', error.detail.message)
  if (!isFault(error, 'QuotaRefused')) return toOwnApiError(error)
  const { refusal, message } = error.detail
  return new ServiceError(`${refusal}Exception`, message, refusal === 'NoSuchResource' ? 404 : 409)
}
