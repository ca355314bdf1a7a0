/**
 * Whether a claim holds: the canonical request is built from the raw path and query, exactly as they came, and the
 * signature compared in constant time.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { SignatureClaim, SignedRequestFacts, V2Claim, V4Claim } from './claim.ts'
import { SignatureError } from './errors.ts'
import { signingKey } from './signing-key.ts'

export interface VerifyOptions {
  readonly secretAccessKey: string
  readonly nowMs: number
  readonly region: string
  /** The service that the scope must name. */
  readonly service: string
  /** SHA-256 of the body for services that sign it without saying it in a header; S3 always says it. */
  readonly bodySha256?: string
}

/** How the body is signed, as x-amz-content-sha256 says. */
export type PayloadSigning =
  | { readonly kind: 'hash'; readonly hex: string }
  | { readonly kind: 'unsigned' }
  | { readonly kind: 'chunked'; readonly signed: boolean; readonly trailer: boolean }

export interface VerifiedSignature {
  readonly version: 'v4' | 'v2'
  readonly by: 'header' | 'query'
  readonly accessKeyId: string
  readonly payload: PayloadSigning
  /** What the chain of chunk signatures begins with, where chunks are signed. */
  readonly chunkSeed: ChunkSeed | undefined
}

export interface ChunkSeed {
  readonly signingKey: Uint8Array
  readonly signature: string
  readonly amzDate: string
  readonly scope: string
}

/** Throws SignatureError with AWS's code, text and fields. */
export function verify(claim: SignatureClaim, request: SignedRequestFacts, options: VerifyOptions): VerifiedSignature {
  return claim.version === 'v4' ? verifyV4(claim, request, options) : verifyV2(claim, request, options)
}

function verifyV4(claim: V4Claim, request: SignedRequestFacts, options: VerifyOptions): VerifiedSignature {
  checkTime(claim, options.nowMs)
  checkScope(claim, options)
  const payloadHash = payloadHashOf(claim, request, options)
  checkSignedHeaders(claim, request)

  const canonicalRequest = [
    request.method,
    canonicalPath(request.rawPath, options.service),
    canonicalQuery(request.rawQuery, claim.by === 'query' ? 'X-Amz-Signature' : undefined),
    canonicalHeaders(claim.signedHeaders, request.headers),
    claim.signedHeaders.join(';'),
    payloadHash,
  ].join('\n')
  const scope = `${claim.scope.date}/${claim.scope.region}/${claim.scope.service}/aws4_request`
  const stringToSign = `AWS4-HMAC-SHA256\n${claim.amzDate}\n${scope}\n${sha256(canonicalRequest)}`
  const key = signingKey(claim.accessKeyId, options.secretAccessKey, claim.scope)
  const signature = createHmac('sha256', key).update(stringToSign).digest('hex')
  if (!sameText(signature, claim.signature)) {
    throw new SignatureError('SignatureDoesNotMatch', undefined, {
      AWSAccessKeyId: claim.accessKeyId,
      StringToSign: stringToSign,
      SignatureProvided: claim.signature,
      StringToSignBytes: spacedHex(stringToSign),
      CanonicalRequest: canonicalRequest,
      CanonicalRequestBytes: spacedHex(canonicalRequest),
    })
  }
  const payload = payloadSigning(payloadHash)
  return {
    version: 'v4',
    by: claim.by,
    accessKeyId: claim.accessKeyId,
    payload,
    chunkSeed:
      payload.kind === 'chunked' && payload.signed
        ? { signingKey: key, signature, amzDate: claim.amzDate, scope }
        : undefined,
  }
}

function checkTime(claim: V4Claim, nowMs: number): void {
  if (claim.expires !== undefined) {
    const endsAtMs = claim.signedAtMs + claim.expires * 1000
    if (nowMs > endsAtMs) {
      throw new SignatureError('AccessDenied', 'Request has expired', {
        'X-Amz-Expires': String(claim.expires),
        Expires: isoSeconds(endsAtMs),
        ServerTime: isoSeconds(nowMs),
      })
    }
    if (claim.signedAtMs - nowMs > MAX_SKEW_MS) throw new SignatureError('AccessDenied', 'Request is not valid yet')
    return
  }
  if (Math.abs(claim.signedAtMs - nowMs) > MAX_SKEW_MS) {
    throw new SignatureError('RequestTimeTooSkewed', undefined, {
      RequestTime: claim.amzDate,
      ServerTime: isoSeconds(nowMs),
      MaxAllowedSkewMilliseconds: String(MAX_SKEW_MS),
    })
  }
}

function checkScope(claim: V4Claim, options: VerifyOptions): void {
  const [code, thing] =
    claim.by === 'header'
      ? (['AuthorizationHeaderMalformed', 'The authorization header is malformed; '] as const)
      : (['AuthorizationQueryParametersError', 'Error parsing the X-Amz-Credential parameter; '] as const)
  const { date, region, service } = claim.scope
  if (region !== options.region) {
    const message = `${thing}the region '${region}' is wrong; expecting '${options.region}'`
    throw new SignatureError(code, message, { Region: options.region })
  }
  if (service !== options.service) {
    throw new SignatureError(
      code,
      `${thing}incorrect service "${service}". This endpoint belongs to "${options.service}".`,
    )
  }
  if (date !== claim.amzDate.slice(0, 8)) {
    throw new SignatureError(
      code,
      `${thing}Invalid credential date "${date}". This date is not the same as X-Amz-Date: "${claim.amzDate.slice(0, 8)}".`,
    )
  }
}

function payloadHashOf(claim: V4Claim, request: SignedRequestFacts, options: VerifyOptions): string {
  if (options.bodySha256 !== undefined) return options.bodySha256
  const header = request.headers['x-amz-content-sha256']
  if (claim.by === 'query') return header ?? 'UNSIGNED-PAYLOAD'
  if (header === undefined) {
    throw new SignatureError('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256')
  }
  return header
}

function payloadSigning(value: string): PayloadSigning {
  const known = PAYLOADS.get(value)
  if (known) return known
  if (!/^[0-9a-f]{64}$/i.test(value)) {
    throw new SignatureError(
      'InvalidRequest',
      'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, or a valid sha256 value.',
    )
  }
  return { kind: 'hash', hex: value.toLowerCase() }
}

const PAYLOADS: ReadonlyMap<string, PayloadSigning> = new Map([
  ['UNSIGNED-PAYLOAD', { kind: 'unsigned' }],
  ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD', { kind: 'chunked', signed: true, trailer: false }],
  ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER', { kind: 'chunked', signed: true, trailer: true }],
  ['STREAMING-UNSIGNED-PAYLOAD-TRAILER', { kind: 'chunked', signed: false, trailer: true }],
])

/** Host and every x-amz-* header of the request must be under the signature. */
function checkSignedHeaders(claim: V4Claim, request: SignedRequestFacts): void {
  const signed = new Set(claim.signedHeaders)
  const unsigned = Object.keys(request.headers).filter(
    (name) =>
      (name === 'host' || name.startsWith('x-amz-')) &&
      !signed.has(name) &&
      !(claim.by === 'query' && name === 'x-amz-content-sha256'),
  )
  if (unsigned.length > 0) {
    throw new SignatureError('AccessDenied', 'There were headers present in the request which were not signed', {
      HeadersNotSigned: unsigned.join(', '),
    })
  }
}

/** S3 takes the path as it came; the other services encode it once more (AWS General Reference, SigV4 task 1). */
function canonicalPath(rawPath: string, service: string): string {
  if (service === 's3') return rawPath
  return rawPath.split('/').map(encodeURIComponent).join('/')
}

function canonicalQuery(rawQuery: string, without: string | undefined): string {
  if (rawQuery === '') return ''
  const pairs: [string, string][] = []
  for (const piece of rawQuery.split('&')) {
    if (piece === '') continue
    const at = piece.indexOf('=')
    const name = recode(at < 0 ? piece : piece.slice(0, at))
    if (name !== without) pairs.push([name, at < 0 ? '' : recode(piece.slice(at + 1))])
  }
  pairs.sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0))
  return pairs.map(([name, value]) => `${name}=${value}`).join('&')
}

/** Decoded and encoded again in SigV4's own way, since clients differ in what they leave bare. */
function recode(text: string): string {
  if (/^[A-Za-z0-9\-._~]*$/.test(text)) return text
  let decoded: string
  try {
    decoded = decodeURIComponent(text.replaceAll('+', '%20'))
  } catch {
    return text
  }
  return encodeURIComponent(decoded).replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}

function canonicalHeaders(names: readonly string[], headers: SignedRequestFacts['headers']): string {
  let out = ''
  for (const name of names) {
    const value = headers[name] ?? ''
    // Header values are latin-1 in Node; clients sign their UTF-8 bytes, which are the same bytes once written as latin-1.
    const text = Buffer.from(value, 'latin1').toString('utf8').trim()
    out += `${name}:${text.includes('  ') ? text.replaceAll(/ {2,}/g, ' ') : text}\n`
  }
  return out
}

/** SigV2 presigned query: HMAC-SHA1 over method, MD5, type, expiry, x-amz headers and resource. */
function verifyV2(claim: V2Claim, request: SignedRequestFacts, options: VerifyOptions): VerifiedSignature {
  if (options.nowMs > claim.expiresAtMs) {
    throw new SignatureError('AccessDenied', 'Request has expired', {
      Expires: isoSeconds(claim.expiresAtMs),
      ServerTime: isoSeconds(options.nowMs),
    })
  }
  const { headers } = request
  const query = new URLSearchParams(request.rawQuery)
  const signed: Record<string, string | undefined> = { ...headers }
  if (claim.sessionToken !== undefined) signed['x-amz-security-token'] = claim.sessionToken
  const amz = Object.keys(signed)
    .filter((name) => name.startsWith('x-amz-'))
    .sort()
    .map((name) => `${name}:${signed[name]!.trim()}\n`)
  const resources = [...query.keys()].filter((name) => V2_RESOURCES.has(name)).sort()
  const suffix = resources.map((name) => (query.get(name) === '' ? name : `${name}=${query.get(name)}`)).join('&')
  const stringToSign = [
    request.method,
    headers['content-md5'] ?? '',
    headers['content-type'] ?? '',
    String(claim.expiresAtMs / 1000),
    `${amz.join('')}${request.rawPath}${suffix === '' ? '' : `?${suffix}`}`,
  ].join('\n')
  const signature = createHmac('sha1', options.secretAccessKey).update(stringToSign).digest('base64')
  if (!sameText(signature, claim.signature)) {
    throw new SignatureError('SignatureDoesNotMatch', undefined, {
      AWSAccessKeyId: claim.accessKeyId,
      StringToSign: stringToSign,
      SignatureProvided: claim.signature,
      StringToSignBytes: spacedHex(stringToSign),
    })
  }
  return {
    version: 'v2',
    by: 'query',
    accessKeyId: claim.accessKeyId,
    payload: { kind: 'unsigned' },
    chunkSeed: undefined,
  }
}

const V2_RESOURCES = new Set(
  (
    'acl cors delete encryption lifecycle location logging notification partNumber policy requestPayment tagging torrent ' +
    'uploadId uploads versionId versioning versions website response-cache-control response-content-disposition ' +
    'response-content-encoding response-content-language response-content-type response-expires'
  ).split(' '),
)

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const isoSeconds = (ms: number) => new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z')
export const spacedHex = (text: string) =>
  Buffer.from(text)
    .toString('hex')
    .replaceAll(/..(?!$)/g, '$& ')

/** Constant time in the texts' content; their lengths are no secret. */
export function sameText(a: string, b: string): boolean {
  const left = Buffer.from(a)
  const right = Buffer.from(b)
  return left.length === right.length && timingSafeEqual(left, right)
}

const MAX_SKEW_MS = 15 * 60 * 1000
