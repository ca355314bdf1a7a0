/** What listings have in common: their parameters and some elements. */
import type { Accounts } from '../../../identity/accounts.ts'
import { element, type XmlPiece } from '../../../protocols/xml-writer.ts'
import { canonicalUser } from '../../acl.ts'
import { S3Error } from '../../errors.ts'
import type { S3Request } from '../../operation.ts'

/** A page has this many entries at most, of whatever kind. */
const MAX_ENTRIES = 1000

/** Parameters of a listing of a bucket; `limitName` is what the operation calls its page size. */
export function readListInput(request: S3Request, limitName: 'max-keys' | 'max-uploads') {
  const { query } = request
  return {
    bucket: request.bucket,
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    maxKeys: readLimit(request, limitName),
    ...readEncoding(request),
  }
}

/** Throws S3Error InvalidArgument. */
export function readLimit({ query }: S3Request, name: string): number {
  const given = query.get(name) ?? ''
  const limit = given === '' ? MAX_ENTRIES : Number(given)
  if (!/^\d*$/.test(given) || limit > 2 ** 31 - 1) {
    const message = `Provided ${name} not an integer or within integer range`
    throw new S3Error('InvalidArgument', { message, fields: { ArgumentName: name, ArgumentValue: given } })
  }
  return Math.min(limit, MAX_ENTRIES)
}

/** Throws S3Error InvalidArgument. */
export function readEncoding({ query }: S3Request) {
  const encodingType = query.get('encoding-type')
  if (encodingType !== undefined && encodingType !== 'url') {
    const message = 'Invalid Encoding Method specified in Request'
    const fields = { ArgumentName: 'encoding-type', ArgumentValue: encodingType }
    throw new S3Error('InvalidArgument', { message, fields })
  }
  return { encodingType, encode: encodingType === 'url' ? urlEncode : (text: string) => text }
}

/** As S3 encodes names in listings: everything but unreserved characters, slashes and asterisks; a space is a plus. */
function urlEncode(text: string): string {
  return encodeURIComponent(text)
    .replaceAll('%2F', '/')
    .replaceAll('%20', '+')
    .replaceAll(/[!'()]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}

export const prefixElements = (prefixes: readonly string[], encode: (text: string) => string) =>
  prefixes.map((prefix) => element('CommonPrefixes', [element('Prefix', encode(prefix))]))

export const ownerElement = (accounts: Accounts, accountId: string): XmlPiece =>
  element('Owner', canonicalUser(accounts, accountId))
