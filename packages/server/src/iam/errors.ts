/** IAM's errors on the wire, and the table from faults to them, total by type. */
import { Fault, type FaultCode, type FaultDetails, type IdentityRefusal } from '../core/fault.ts'
import { UnknownOperation } from '../protocols/service-door.ts'
import { ServiceError } from '../protocols/service-error.ts'

export function toIamError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error
  if (error instanceof UnknownOperation) {
    return new ServiceError('InvalidAction', `Could not find operation ${error.operation} for version 2010-05-08`)
  }
  if (error instanceof Fault) {
    const fault: Fault = error
    const answer = FAULTS[fault.code] as ((detail: Fault['detail']) => Answer) | undefined
    if (answer) return new ServiceError(...answer(fault.detail), { cause: fault })
  }
  return new ServiceError('ServiceFailure', 'The request failed because of an internal error.', 500, { cause: error })
}

type Answer = readonly [code: string, message: string, status: number]
type IamFaults = 'IdentityRefused' | 'PolicyMalformed' | 'AccessDenied' | 'Sealed'

/** Faults of other rooms never come here; they would be our own failure. */
const FAULTS: { readonly [C in IamFaults]: (detail: FaultDetails[C]) => Answer } & {
  readonly [C in Exclude<FaultCode, IamFaults>]?: never
} = {
  IdentityRefused: ({ refusal, message }) => [refusal, message, STATUS[refusal]],
  PolicyMalformed: ({ message }) => ['MalformedPolicyDocument', message, 400],
  AccessDenied: ({ callerArn, action, resource, reason }) => [
    'AccessDenied',
    `User: ${callerArn} is not authorized to perform: ${action} on resource: ${resource} ${reason}`,
    403,
  ],
  Sealed: () => ['ServiceUnavailable', 'The root key is not at hand.', 503],
}

const STATUS: Readonly<Record<IdentityRefusal, number>> = {
  NoSuchEntity: 404,
  EntityAlreadyExists: 409,
  DeleteConflict: 409,
  LimitExceeded: 409,
  InvalidInput: 400,
  UnmodifiableEntity: 400,
  ConcurrentModification: 409,
  PolicyNotAttachable: 400,
  PolicyEvaluation: 500,
  InvalidIdentityToken: 400,
  ExpiredTokenException: 400,
  IDPRejectedClaim: 403,
  IDPCommunicationError: 400,
  PackedPolicyTooLarge: 400,
}
