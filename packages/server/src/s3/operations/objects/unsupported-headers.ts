/** Headers of features that this server does not have: refused by name, since ignoring one would break its promise. */
import type { IncomingHttpHeaders } from 'node:http'
import { S3Error } from '../../errors.ts'

const REFUSED = [
  'x-amz-object-lock-event-hold',
  'x-amz-object-lock-event-hold-duration-days',
  'x-amz-object-lock-event-hold-duration-years',
  'x-amz-write-offset-bytes',
]

export function refuseUnsupportedHeaders(headers: IncomingHttpHeaders): void {
  const refused = REFUSED.find((name) => headers[name] !== undefined)
  if (refused !== undefined) {
    const message = `The header ${refused} implies functionality that is not implemented.`
    throw new S3Error('NotImplemented', { message, fields: { Header: refused } })
  }
}
