/** STS's errors on the wire (STS API reference, "Common errors"), and the table from faults to them, total by type. */
import { Fault, type FaultCode, type FaultDetails } from '../core/fault.ts'
import { UnknownOperation } from '../protocols/service-door.ts'
import { ServiceError } from '../protocols/service-error.ts'

export function toStsError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error
  if (error instanceof UnknownOperation) {
    return new ServiceError('InvalidAction', `Could not find operation ${error.operation} for version 2011-06-15`)
  }
  if (error instanceof Fault) {
    const fault: Fault = error
    const answer = FAULTS[fault.code] as ((detail: Fault['detail']) => Answer) | undefined
    if (answer) return new ServiceError(...answer(fault.detail), { cause: fault })
  }
  return new ServiceError('InternalFailure', 'The request failed because of an internal error.', 500, { cause: error })
}

type Answer = readonly [code: string, message: string, status: number]
type StsFaults = 'AccessDenied' | 'PolicyMalformed' | 'IdentityRefused' | 'Sealed'

/** Faults of other rooms never come here; they would be our own failure. */
const FAULTS: { readonly [C in StsFaults]: (detail: FaultDetails[C]) => Answer } & {
  readonly [C in Exclude<FaultCode, StsFaults>]?: never
} = {
  AccessDenied: (detail) => ['AccessDenied', accessDenied(detail), 403],
  PolicyMalformed: ({ message }) => ['MalformedPolicyDocument', message, 400],
  IdentityRefused: ({ refusal, message }) => [refusal, message, refusal === 'IDPRejectedClaim' ? 403 : 400],
  Sealed: () => ['ServiceUnavailable', 'The root key is not at hand.', 503],
}

/** Of a role that is not there or does not trust the caller nothing is told, and to nobody who has no name here. */
function accessDenied({ callerArn, action, resource, reason }: FaultDetails['AccessDenied']): string {
  if (action === 'sts:AssumeRoleWithWebIdentity') return `Not authorized to perform ${action}`
  const asked = `User: ${callerArn} is not authorized to perform: ${action} on resource: ${resource}`
  return resource.includes(':role/') ? asked : `${asked} ${reason}`
}
