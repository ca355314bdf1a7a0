/** S3's errors as XML (Amazon S3 API reference, "REST error responses"). */
import { bareDocument, element } from '../protocols/xml-writer.ts'
import type { S3Error } from './errors.ts'

/** S3 Control's errors are the same, in an element around them. */
export function errorDocument(error: S3Error, resource: string, requestId: string, isControl = false): string {
  const ids = [element('RequestId', requestId), element('HostId', hostId(requestId))]
  const pieces = [
    element('Code', error.code),
    element('Message', error.message),
    ...Object.entries(error.fields).map(([name, value]) => element(name, value)),
    element('Resource', resource),
    ...ids,
  ]
  return isControl ? bareDocument('ErrorResponse', [element('Error', pieces), ...ids]) : bareDocument('Error', pieces)
}

/** AWS's second id of a request; here it says nothing more than the first. */
export const hostId = (requestId: string) => Buffer.from(`strongroom/${requestId}`).toString('base64')
