/**
 * One line of a bucket's access log (AWS S3 user guide, "Amazon S3 server access log format"). Pure. What a client writes
 * into it cannot break the line or its quoted fields, and no credential that a URL carries stands in it.
 */

export interface AccessLogFacts {
  readonly bucketOwnerCanonicalId: string
  readonly bucket: string
  readonly atMs: number
  readonly remoteIp: string
  /** Canonical id of a root user, ARN of others, undefined for an anonymous caller. */
  readonly requester: string | undefined
  readonly requestId: string
  /** e.g. `REST.GET.OBJECT`. */
  readonly operation: string
  readonly objectKey: string | undefined
  /** Absent where the line is about a part of a request only, such as one key of a DeleteObjects. */
  readonly request: { readonly method: string; readonly url: string; readonly httpVersion: string } | undefined
  readonly status: number
  readonly errorCode: string | undefined
  readonly bytesSent: number
  readonly objectSize: number | undefined
  readonly totalMs: number | undefined
  readonly turnAroundMs: number | undefined
  readonly referer: string | undefined
  readonly userAgent: string | undefined
  readonly versionId: string | undefined
  readonly hostId: string
  readonly signature: { readonly version: 'v2' | 'v4'; readonly by: 'header' | 'query' | 'form' } | undefined
  readonly tls: { readonly version: string; readonly cipher: string } | undefined
  readonly host: string | undefined
  /** Whether nothing but an ACL allowed it. */
  readonly aclRequired: boolean
}

export function accessLogLine(facts: AccessLogFacts): string {
  const { request, signature, tls } = facts
  return [
    field(facts.bucketOwnerCanonicalId),
    field(facts.bucket),
    `[${logTime(facts.atMs)}]`,
    field(facts.remoteIp),
    field(facts.requester),
    field(facts.requestId),
    field(facts.operation),
    field(facts.objectKey === undefined ? undefined : encodeKey(facts.objectKey)),
    request ? quoted(`${request.method} ${withoutSecrets(request.url)} HTTP/${request.httpVersion}`) : NONE,
    field(facts.status),
    field(facts.errorCode),
    field(facts.bytesSent === 0 ? undefined : facts.bytesSent),
    field(facts.objectSize),
    field(facts.totalMs),
    field(facts.turnAroundMs),
    request ? quoted(facts.referer === undefined ? NONE : withoutSecrets(facts.referer)) : NONE,
    request ? quoted(facts.userAgent ?? NONE) : NONE,
    field(facts.versionId),
    field(facts.hostId),
    field(signature && SIGNATURE_VERSIONS[signature.version]),
    field(tls?.cipher),
    field(signature && AUTHENTICATION_TYPES[signature.by]),
    field(facts.host),
    field(tls?.version),
    // There are no access points.
    NONE,
    facts.aclRequired ? 'Yes' : NONE,
    // No client tells from which of AWS's Regions it comes.
    NONE,
  ].join(' ')
}

/** A URL, or the path and query of one, without the values of parameters that let others in. */
export function withoutSecrets(url: string): string {
  const mark = url.indexOf('?')
  if (mark < 0) return url
  return `${url.slice(0, mark)}?${url
    .slice(mark + 1)
    .split('&')
    .map(withoutSecret)
    .join('&')}`
}

/** Names also begin where some would see them begin; the value is all the rest. */
function withoutSecret(parameter: string): string {
  for (const { 1: name, 0: found, index } of parameter.matchAll(/([^=;#?]*)=/g)) {
    if (SECRET.test(decodeName(name!))) return `${parameter.slice(0, index + found.length)}${REDACTED}`
  }
  return parameter
}

/** As far as names of parameters need it: a name may hide behind encodings of encodings. */
function decodeName(name: string): string {
  let decoded = name
  for (let i = 0; i < 3; i++) {
    decoded = decoded.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  }
  return decoded
}

/** `06/Feb/2019:00:00:38 +0000` */
function logTime(atMs: number): string {
  const [date, time] = new Date(atMs).toISOString().split('T') as [string, string]
  const [year, month, day] = date.split('-') as [string, string, string]
  return `${day}/${MONTHS[Number(month) - 1]}/${year}:${time.slice(0, 8)} +0000`
}

const encodeKey = (objectKey: string) =>
  // By way of UTF-8, since half of a character cannot be encoded.
  encodeURIComponent(Buffer.from(objectKey).toString()).replaceAll('%2F', '/')

const field = (value: string | number | undefined) =>
  value === undefined || value === '' ? NONE : printable(String(value)).replaceAll(' ', '%20')
const quoted = (text: string) => `"${printable(text)}"`

/** Nothing but printable ASCII without quotes; texts from headers have a character for each byte. */
const printable = (text: string) =>
  /^[\x20\x21\x23-\x7e]*$/.test(text) ? text : text.replace(/[^\x20\x21\x23-\x7e]/gu, percent)
const percent = (character: string) =>
  [...Buffer.from(character, character.codePointAt(0)! < 0x100 ? 'latin1' : 'utf8')]
    .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('')

const NONE = '-'
const REDACTED = 'REDACTED'
/** SigV4's and SigV2's signatures, session tokens, customers' keys, and whatever else says that it is one. */
const SECRET = /signature|(?<!continuation-)token|secret|password|customer-key$/i
const SIGNATURE_VERSIONS = { v2: 'SigV2', v4: 'SigV4' } as const
const AUTHENTICATION_TYPES = { header: 'AuthHeader', query: 'QueryString', form: 'HtmlForm' } as const
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')
