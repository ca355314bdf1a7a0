/** Service Quotas' errors on the wire, and the table from faults to them, total by type. */
import { Fault, type FaultCode, type FaultDetails } from '../core/fault.ts'
import { UnknownOperation } from '../protocols/service-door.ts'
import { ServiceError } from '../protocols/service-error.ts'

export const noSuchResource = (message: string) => new ServiceError('NoSuchResourceException', message)

export function toServiceQuotasError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error
  if (error instanceof UnknownOperation) return new ServiceError('UnknownOperationException', '')
  if (error instanceof Fault) {
    const fault: Fault = error
    const answer = FAULTS[fault.code] as ((detail: Fault['detail']) => Answer) | undefined
    if (answer) return new ServiceError(...answer(fault.detail), { cause: fault })
  }
  return new ServiceError('ServiceException', 'The request failed because of an internal error.', 500, { cause: error })
}

type Answer = readonly [code: string, message: string, status: number]
type QuotaFaults = 'AccessDenied' | 'QuotaRefused' | 'Contention' | 'Sealed'

/** Faults of other rooms never come here; they would be our own failure. */
const FAULTS: { readonly [C in QuotaFaults]: (detail: FaultDetails[C]) => Answer } & {
  readonly [C in Exclude<FaultCode, QuotaFaults>]?: never
} = {
  AccessDenied: ({ callerArn, action, resource, reason }) => [
    'AccessDeniedException',
    `User: ${callerArn} is not authorized to perform: ${action} on resource: ${resource} ${reason}`,
    400,
  ],
  QuotaRefused: ({ refusal, message }) => [`${refusal}Exception`, message, 400],
  Contention: () => [
    'TooManyRequestsException',
    'The request was changed at the same time by another. Try again.',
    400,
  ],
  Sealed: () => ['ServiceException', 'The root key is not at hand.', 503],
}
