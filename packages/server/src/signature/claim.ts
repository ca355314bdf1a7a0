/**
 * What a request claims of its signature, read but not yet believed: SigV4 by header or query, SigV2 by query.
 * Sources: AWS S3 API reference, "Authenticating Requests (AWS Signature Version 4)" and "Query String Authentication".
 */
import { SignatureError } from './errors.ts'

export interface SignedRequestFacts {
  readonly method: string
  /** As it came over the wire, undecoded. */
  readonly rawPath: string
  /** Without the question mark. */
  readonly rawQuery: string
  /** Lower-case names; repeated headers joined by a comma. */
  readonly headers: Readonly<Record<string, string | undefined>>
}

export interface CredentialScope {
  readonly date: string
  readonly region: string
  readonly service: string
}

export type SignatureClaim = V4Claim | V2Claim

export interface V4Claim {
  readonly version: 'v4'
  readonly by: 'header' | 'query'
  readonly accessKeyId: string
  /** Of temporary credentials. */
  readonly sessionToken: string | undefined
  readonly scope: CredentialScope
  readonly signedHeaders: readonly string[]
  readonly signature: string
  /** ISO 8601 basic form, e.g. 20150830T123600Z. */
  readonly amzDate: string
  readonly signedAtMs: number
  /** Seconds; only by query. */
  readonly expires: number | undefined
}

export interface V2Claim {
  readonly version: 'v2'
  readonly by: 'query'
  readonly accessKeyId: string
  /** Of temporary credentials; it is under the signature as a header of the same name. */
  readonly sessionToken: string | undefined
  readonly signature: string
  readonly expiresAtMs: number
}

/** `undefined` for an anonymous request. Throws SignatureError for one that is neither. */
export function readClaim(request: SignedRequestFacts): SignatureClaim | undefined {
  const { authorization } = request.headers
  if (authorization !== undefined) return headerClaim(authorization, request)
  if (request.rawQuery.includes('X-Amz-')) {
    const query = new URLSearchParams(request.rawQuery)
    if (query.has('X-Amz-Algorithm') || query.has('X-Amz-Signature')) return queryClaim(query)
  }
  if (request.rawQuery.includes('AWSAccessKeyId=')) return v2Claim(new URLSearchParams(request.rawQuery))
  return undefined
}

function headerClaim(authorization: string, request: SignedRequestFacts): V4Claim {
  if (!authorization.startsWith(`${ALGORITHM} `)) {
    throw new SignatureError(
      'InvalidRequest',
      'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.',
    )
  }
  const fields: Record<string, string> = {}
  for (const field of authorization.slice(ALGORITHM.length + 1).split(',')) {
    const at = field.indexOf('=')
    fields[field.slice(0, at).trim()] = field.slice(at + 1).trim()
  }
  const { Credential, SignedHeaders, Signature } = fields
  if (!Credential || !SignedHeaders || !Signature) {
    throw new SignatureError(
      'AuthorizationHeaderMalformed',
      'The authorization header is malformed; the authorization header requires three components: Credential, SignedHeaders, and Signature.',
    )
  }
  const amzDate = request.headers['x-amz-date'] ?? basicDate(request.headers.date)
  const signedAtMs = amzDate === undefined ? Number.NaN : parseBasicDate(amzDate)
  if (amzDate === undefined || Number.isNaN(signedAtMs)) {
    throw new SignatureError('AccessDenied', 'AWS authentication requires a valid Date or x-amz-date header')
  }
  const credential = readCredential(
    Credential,
    (message) => new SignatureError('AuthorizationHeaderMalformed', message),
  )
  return {
    version: 'v4',
    by: 'header',
    ...credential,
    sessionToken: request.headers['x-amz-security-token'],
    signedHeaders: SignedHeaders.split(';'),
    signature: Signature,
    amzDate,
    signedAtMs,
    expires: undefined,
  }
}

function queryClaim(query: URLSearchParams): V4Claim {
  const malformed = (message: string) => new SignatureError('AuthorizationQueryParametersError', message)
  const required = ['X-Amz-Credential', 'X-Amz-Signature', 'X-Amz-Date', 'X-Amz-SignedHeaders', 'X-Amz-Expires']
  if (required.some((name) => !query.get(name))) {
    throw malformed(
      'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.',
    )
  }
  if (query.get('X-Amz-Algorithm') !== ALGORITHM) throw malformed('X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"')
  const amzDate = query.get('X-Amz-Date')!
  const signedAtMs = parseBasicDate(amzDate)
  if (Number.isNaN(signedAtMs))
    throw malformed("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
  const expires = Number(query.get('X-Amz-Expires'))
  if (!Number.isInteger(expires)) throw malformed('X-Amz-Expires should be a number')
  if (expires < 0) throw malformed('X-Amz-Expires must be non-negative')
  if (expires > MAX_EXPIRES) throw malformed('X-Amz-Expires must be less than a week (in seconds) i.e., 604800')
  return {
    version: 'v4',
    by: 'query',
    ...readCredential(query.get('X-Amz-Credential')!, malformed),
    sessionToken: query.get('X-Amz-Security-Token') ?? undefined,
    signedHeaders: query.get('X-Amz-SignedHeaders')!.split(';'),
    signature: query.get('X-Amz-Signature')!,
    amzDate,
    signedAtMs,
    expires,
  }
}

function v2Claim(query: URLSearchParams): V2Claim {
  const signature = query.get('Signature')
  const expires = query.get('Expires') ?? ''
  if (!signature || !SECONDS.test(expires)) {
    throw new SignatureError(
      'AccessDenied',
      'Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters',
    )
  }
  return {
    version: 'v2',
    by: 'query',
    accessKeyId: query.get('AWSAccessKeyId')!,
    sessionToken: query.get('x-amz-security-token') ?? undefined,
    signature,
    expiresAtMs: Number(expires) * 1000,
  }
}

export function readCredential(credential: string, malformed: (message: string) => SignatureError) {
  const pieces = credential.split('/')
  const [terminator, service, region, date] = pieces.slice(-4).reverse()
  const accessKeyId = pieces.slice(0, -4).join('/')
  if (!accessKeyId || !date || !region || !service || terminator !== 'aws4_request') {
    throw malformed(
      'The authorization header is malformed; the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
    )
  }
  return { accessKeyId, scope: { date, region, service } }
}

/** 20150830T123600Z to milliseconds; NaN for anything else. */
export function parseBasicDate(text: string): number {
  if (!/^\d{8}T\d{6}Z$/.test(text)) return Number.NaN
  const at = (from: number, to: number) => text.slice(from, to)
  return Date.parse(`${at(0, 4)}-${at(4, 6)}-${at(6, 8)}T${at(9, 11)}:${at(11, 13)}:${at(13, 15)}Z`)
}

function basicDate(httpDate: string | undefined): string | undefined {
  const ms = Date.parse(httpDate ?? '')
  return Number.isNaN(ms) ? undefined : `${new Date(ms).toISOString().replaceAll(/[-:]|\.\d{3}/g, '')}`
}

/** Since 1970, and no more than a date can tell. */
const SECONDS = /^\d{1,12}$/
const ALGORITHM = 'AWS4-HMAC-SHA256'
const MAX_EXPIRES = 604_800
