/** Our own API that tells why: `POST /-/api/explain`, JSON in and out, signed as a request to S3. */
import { isFault } from '../core/fault.ts'
import { awsJson } from '../protocols/aws-json.ts'
import type { Protocol, ServiceOperation } from '../protocols/service-door.ts'
import { ServiceError } from '../protocols/service-error.ts'
import { type ExplainServices, explain } from './explain.ts'

const json = awsJson('')

/** The path alone names the operation. */
export const EXPLAIN_PROTOCOL: Protocol = {
  ...json,
  contentType: 'application/json',
  read: (exchange, body) => ({ name: 'Explain', input: json.read(exchange, body).input }),
}

export const EXPLAIN_OPERATIONS: Readonly<Record<string, ServiceOperation<ExplainServices>>> = {
  Explain: { readOnly: true, run: explain },
}

/** What `explain` throws, on the wire. */
export function toExplainError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error
  if (isFault(error, 'AccessDenied')) {
    const { callerArn, action, resource, reason } = error.detail
    const message = `User: ${callerArn} is not authorized to perform: ${action} on resource: ${resource} ${reason}`
    return new ServiceError('AccessDeniedException', message, 403)
  }
  return new ServiceError('InternalFailure', 'The request failed because of an internal error.', 500, { cause: error })
}
