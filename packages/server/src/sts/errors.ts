/** STS's errors on the wire (STS API reference, "Common errors"). */
import { Fault, isFault } from '../core/fault.ts'
import { UnknownOperation } from '../protocols/service-door.ts'
import { ServiceError } from '../protocols/service-error.ts'

export function toStsError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error
  if (error instanceof UnknownOperation) {
    return new ServiceError('InvalidAction', `Could not find operation ${error.operation} for version 2011-06-15`)
  }
  if (isFault(error, 'AccessDenied')) {
    const { callerArn, action, resource, reason } = error.detail
    if (action === 'sts:AssumeRoleWithWebIdentity') {
      return new ServiceError('AccessDenied', `Not authorized to perform ${action}`, 403, { cause: error })
    }
    const asked = `User: ${callerArn} is not authorized to perform: ${action} on resource: ${resource}`
    // Of a role that is not there or does not trust the caller nothing more is told.
    const message = action.startsWith('sts:AssumeRole') ? asked : `${asked} ${reason}`
    return new ServiceError('AccessDenied', message, 403, { cause: error })
  }
  if (isFault(error, 'PolicyMalformed')) {
    return new ServiceError('MalformedPolicyDocument', error.detail.message, 400, { cause: error })
  }
  if (isFault(error, 'IdentityRefused')) {
    const { refusal, message } = error.detail
    return new ServiceError(refusal, message, refusal === 'IDPRejectedClaim' ? 403 : 400, { cause: error })
  }
  if (error instanceof Fault && error.code === 'Sealed') {
    return new ServiceError('ServiceUnavailable', 'The root key is not at hand.', 503, { cause: error })
  }
  return new ServiceError('InternalFailure', 'The request failed because of an internal error.', 500, { cause: error })
}
