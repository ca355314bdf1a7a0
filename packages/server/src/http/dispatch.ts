/**
 * Tells which service a request is for. One endpoint answers all of them: a signed request names its service in the
 * credential scope; an unsigned one is told by `X-Amz-Target`, by Smithy's path, or by being a form at the root; all else is S3.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { ServiceName } from '../core/outcome.ts'

/** `unknown` is a signing name that no service here has. */
export function serviceOf(url: string, headers: IncomingHttpHeaders): ServiceName | 'unknown' {
  const service = scopeOf(url, headers)?.at(-2)
  if (service !== undefined) return SIGNING_NAMES.get(service) ?? 'unknown'
  const target = headers['x-amz-target']
  if (typeof target === 'string') {
    return TARGET_PREFIXES.find(([prefix]) => target.startsWith(prefix))?.[1] ?? 'unknown'
  }
  // A bucket may be called `service`, but no S3 client names a protocol.
  if (headers['smithy-protocol'] !== undefined) {
    const name = /^\/service\/(\w+)\/operation\//.exec(url)?.[1]
    return TARGET_PREFIXES.find(([prefix]) => prefix === `${name}.`)?.[1] ?? 'unknown'
  }
  // The one thing that anybody may ask unsigned by a form is a session, of STS. S3 takes no such form at its root.
  const isForm = String(headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded')
  if ((url === '/' && isForm) || /^\/\?(.*&)?Action=/.test(url)) return 'sts'
  return 's3'
}

/** The region that a request is signed for; undefined where it is not signed for one. */
export const regionOf = (url: string, headers: IncomingHttpHeaders): string | undefined => scopeOf(url, headers)?.at(-3)

/** The pieces of `AKID/date/region/service/aws4_request`; undefined where there is no such scope. */
const scopeOf = (url: string, headers: IncomingHttpHeaders) =>
  (headers.authorization !== undefined ? headerScope(headers.authorization) : queryScope(url))?.split('/')

function headerScope(authorization: string): string | undefined {
  const at = authorization.indexOf('Credential=')
  if (at < 0) return undefined
  const from = at + 'Credential='.length
  const comma = authorization.indexOf(',', from)
  return authorization.slice(from, comma < 0 ? undefined : comma)
}

function queryScope(url: string): string | undefined {
  const at = url.indexOf('X-Amz-Credential=')
  if (at < 0) return undefined
  const from = at + 'X-Amz-Credential='.length
  const end = url.indexOf('&', from)
  const value = url.slice(from, end < 0 ? undefined : end)
  return value.replaceAll(/%2f/gi, '/')
}

const SERVICES = ['s3', 'kms', 'sts', 'iam', 'cloudtrail', 'monitoring', 'servicequotas'] as const
const SIGNING_NAMES: ReadonlyMap<string, ServiceName> = new Map(SERVICES.map((name) => [name, name]))

const TARGET_PREFIXES: readonly (readonly [string, ServiceName])[] = [
  ['TrentService.', 'kms'],
  ['com.amazonaws.cloudtrail.', 'cloudtrail'],
  ['CloudTrail_20131101.', 'cloudtrail'],
  ['ServiceQuotasV20190624.', 'servicequotas'],
  ['GraniteServiceVersion20100801.', 'monitoring'],
]
