/** CloudTrail's errors on the wire, and the table from faults to them, total by type. */
import { Fault, type FaultCode, type FaultDetails } from '../core/fault.ts'
import { UnknownOperation } from '../protocols/service-door.ts'
import { ServiceError } from '../protocols/service-error.ts'

export const trailError = (code: string, message: string) => new ServiceError(`${code}Exception`, message)

export function toTrailError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error
  if (error instanceof UnknownOperation) return new ServiceError('UnknownOperationException', '')
  if (error instanceof Fault) {
    const fault: Fault = error
    const answer = FAULTS[fault.code] as ((detail: Fault['detail']) => Answer) | undefined
    if (answer) return new ServiceError(...answer(fault.detail), { cause: fault })
  }
  return new ServiceError('InternalFailure', 'The request failed because of an internal error.', 500, { cause: error })
}

type Answer = readonly [code: string, message: string, status: number]
type TrailFaults = 'AccessDenied' | 'TrailRefused' | 'Contention' | 'Sealed'

/** Faults of other rooms are answered where they come about; here they would be our own failure. */
const FAULTS: { readonly [C in TrailFaults]: (detail: FaultDetails[C]) => Answer } & {
  readonly [C in Exclude<FaultCode, TrailFaults>]?: never
} = {
  AccessDenied: ({ callerArn, action, resource, reason }) => [
    'AccessDeniedException',
    `User: ${callerArn} is not authorized to perform: ${action} on resource: ${resource} ${reason}`,
    400,
  ],
  TrailRefused: ({ refusal, message }) => [`${refusal}Exception`, message, 400],
  Contention: () => ['ConflictException', 'The trail was changed at the same time by another request. Try again.', 400],
  Sealed: () => ['ServiceUnavailableException', 'The root key is not at hand.', 503],
}
