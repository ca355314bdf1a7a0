/** The protocol of our own APIs under `/-/api/`: the path names the operation, and its members are a JSON object. */
import { isFault } from '../core/fault.ts'
import { awsJson } from './aws-json.ts'
import type { Protocol } from './service-door.ts'
import { ServiceError } from './service-error.ts'

const json = awsJson('')

export const ownApi = (operationOfPath: Readonly<Record<string, string>>): Protocol => ({
  ...json,
  contentType: 'application/json',
  read: (exchange, body) => ({
    name: operationOfPath[exchange.request.url?.split('?', 1)[0] ?? ''] ?? '',
    input: json.read(exchange, body).input,
  }),
})

/** What every one of them may throw, on the wire. */
export function toOwnApiError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error
  if (isFault(error, 'AccessDenied')) {
    const { callerArn, action, resource, reason } = error.detail
    const message = `User: ${callerArn} is not authorized to perform: ${action} on resource: ${resource} ${reason}`
    return new ServiceError('AccessDeniedException', message, 403)
  }
  if (isFault(error, 'Sealed')) {
    return new ServiceError('ServiceUnavailable', 'The root key is not at hand.', 503, { cause: error })
  }
  return new ServiceError('InternalFailure', 'The request failed because of an internal error.', 500, { cause: error })
}
