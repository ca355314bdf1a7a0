/** Headers of features that this server does not have: refused by name, since ignoring one would break its promise. */
import type { IncomingHttpHeaders } from 'node:http'
import { S3Error } from '../../errors.ts'

const REFUSED = [
  'x-amz-object-lock-mode',
  'x-amz-object-lock-retain-until-date',
  'x-amz-object-lock-legal-hold',
  'x-amz-write-offset-bytes',
]

export function refuseUnsupportedHeaders(headers: IncomingHttpHeaders): void {
  const refused = REFUSED.find((name) => headers[name] !== undefined)
  if (refused !== undefined) {
    const message = `The header ${refused} implies functionality that is not implemented.`
    throw new S3Error('NotImplemented', { message, fields: { Header: refused } })
  }
}
