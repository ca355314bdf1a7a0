/** Signed requests: SigV4 by header and by query, SigV2 by query. The input is a request's head as it comes over the wire. */
import { ok, throws } from 'node:assert'
import { createHash, createHmac } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { regionOf, serviceOf } from '../../packages/server/src/http/dispatch.ts'
import { signedFacts } from '../../packages/server/src/protocols/signed-request.ts'
import { readClaim, type SignedRequestFacts } from '../../packages/server/src/signature/claim.ts'
import { SignatureError } from '../../packages/server/src/signature/errors.ts'
import { verify } from '../../packages/server/src/signature/verify.ts'
import { errorsOf, INHERITED, reading, type Target } from '../target.ts'

const AMZ_DATE = '20260101T000000Z'
const SCOPE = '20260101/us-east-1/s3/aws4_request'
const ALGORITHM = 'AWS4-HMAC-SHA256'
const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
const HOST = 's3.example.com'
const SIGNED_PATHS = new Set(['/bucket/key', '/v2/key'])
const OPTIONS = { nowMs: Date.UTC(2026, 0), region: 'us-east-1', service: 's3' }
/** What a body's hash is said to be, also by names that no table may answer to. */
const PAYLOAD_HASHES = ['0'.repeat(64), 'UNSIGNED-PAYLOAD', 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD', ...INHERITED]
const PAYLOADS = new Set(['hash', 'unsigned', 'chunked'])
const SERVICES = new Set('s3 kms sts iam cloudtrail monitoring servicequotas unknown'.split(' '))

export const signature: Target = {
  name: 'signature',
  dictionary: [
    ...[
      '\r\n',
      '?',
      '&',
      '=',
      '%2F',
      '%',
      '+',
      ';',
      ',',
      '/',
      ' ',
      'GET ',
      'PUT ',
      'AWS4-HMAC-SHA256 ',
      'AWS4-HMAC-SHA256',
    ],
    ...['Authorization: ', 'Credential=', 'SignedHeaders=', 'Signature=', '/us-east-1/s3/aws4_request', 'aws4_request'],
    ...[
      'X-Amz-Algorithm=',
      'X-Amz-Credential=',
      'X-Amz-Date=',
      'X-Amz-Expires=',
      'X-Amz-SignedHeaders=',
      'X-Amz-Signature=',
    ],
    ...[
      'AWSAccessKeyId=AKIDEXAMPLE',
      'Expires=',
      'Signature=',
      'X-Amz-Security-Token=',
      'x-amz-date: ',
      'date: ',
      'host: ',
    ],
    ...[
      'x-amz-content-sha256: ',
      'UNSIGNED-PAYLOAD',
      'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
      '20260101T000000Z',
      '20260101',
    ],
    ...[
      '-1',
      '1e99',
      '-1e99',
      '99999999999999',
      'Infinity',
      'NaN',
      '604800',
      '0',
      '99991231T235959Z',
      '00000101T000000Z',
    ],
    ...['x-amz-target: ', 'TrentService.', 'smithy-protocol: rpc-v2-cbor', '/service/X/operation/', ...INHERITED],
    ...INHERITED.map((name) => `;${name}`),
  ],
  seeds: () => [...PAYLOAD_HASHES.map(byHeader), byQuery(), byV2()].map((text) => Buffer.from(text)),
  check(input) {
    const request = readHead(Buffer.from(input).toString('latin1'))
    const service = serviceOf(request.url ?? '/', request.headers)
    ok(SERVICES.has(service), `${String(service)} is no service`)
    const region = regionOf(request.url ?? '/', request.headers)
    ok(region === undefined || typeof region === 'string')

    const facts = signedFacts(request)
    const claim = reading(() => readClaim(facts), errorsOf(SignatureError))
    if ('refused' in claim || !claim.value) return
    const check = (secretAccessKey: string) => verify(claim.value!, facts, { ...OPTIONS, secretAccessKey })
    const verified = reading(() => check(KEYS.secretAccessKey), errorsOf(SignatureError))
    if ('refused' in verified) return
    ok(PAYLOADS.has(verified.value.payload.kind), `${String(verified.value.payload.kind)} is no way to sign a body`)
    requireSigned(facts)
    throws(() => check(`${KEYS.secretAccessKey}x`), SignatureError)
  },
}

/** What is under every signature that was made here. */
function requireSigned({ method, rawPath, headers }: SignedRequestFacts): void {
  ok(method === 'GET' && SIGNED_PATHS.has(rawPath), `nobody has signed ${method} ${rawPath}`)
  ok(rawPath === '/v2/key' || headers.host?.trim() === HOST, 'nobody has signed this host')
}

/** As Node's parser gives it, of which the readers look at no more than this. */
function readHead(text: string): IncomingMessage {
  const [first = '', ...lines] = text.split('\r\n')
  const [method = '', url = '/'] = first.split(' ')
  const rawHeaders: string[] = []
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const at = line.indexOf(':')
    // Others do not come past Node's parser.
    if (at < 1 || !/^[\w!#$%&'*+.^`|~-]+$/.test(line.slice(0, at))) continue
    rawHeaders.push(line.slice(0, at), line.slice(at + 1).trim())
    headers[line.slice(0, at).toLowerCase()] ??= line.slice(at + 1).trim()
  }
  return { method, url, rawHeaders, headers } as unknown as IncomingMessage
}

function byHeader(payload: string): string {
  const headers = { host: HOST, range: 'bytes=0-4', 'x-amz-content-sha256': payload, 'x-amz-date': AMZ_DATE }
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`)
  const names = Object.keys(headers).join(';')
  const signature = signed('GET', '/bucket/key', 'versionId=', lines.join(''), names, payload)
  const authorization = `${ALGORITHM} Credential=${KEYS.accessKeyId}/${SCOPE}, SignedHeaders=${names}, Signature=${signature}`
  return head('/bucket/key?versionId=', { ...headers, authorization })
}

function byQuery(): string {
  const parameters = {
    'X-Amz-Algorithm': ALGORITHM,
    'X-Amz-Credential': `${KEYS.accessKeyId}/${SCOPE}`,
    'X-Amz-Date': AMZ_DATE,
    'X-Amz-Expires': '600',
    'X-Amz-SignedHeaders': 'host',
  }
  const pairs = Object.entries(parameters).map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
  const query = pairs.join('&')
  const signature = signed('GET', '/bucket/key', query, `host:${HOST}\n`, 'host', 'UNSIGNED-PAYLOAD')
  return head(`/bucket/key?${query}&X-Amz-Signature=${signature}`, { host: HOST })
}

/** Of a canonical request's lines (AWS, "Create a signed AWS API request"). */
function signed(...canonical: readonly string[]): string {
  const hash = createHash('sha256').update(canonical.join('\n')).digest('hex')
  return SCOPE.split('/')
    .concat([[ALGORITHM, AMZ_DATE, SCOPE, hash].join('\n')])
    .reduce<string | Buffer>(
      (key, text) => createHmac('sha256', key).update(text).digest(),
      `AWS4${KEYS.secretAccessKey}`,
    )
    .toString('hex')
}

function byV2(): string {
  const expires = OPTIONS.nowMs / 1000 + 600
  const signature = createHmac('sha1', KEYS.secretAccessKey).update(`GET\n\n\n${expires}\n/v2/key`).digest('base64')
  const query = `AWSAccessKeyId=${KEYS.accessKeyId}&Expires=${expires}&Signature=${encodeURIComponent(signature)}`
  return head(`/v2/key?${query}`, { host: HOST })
}

const head = (url: string, headers: Readonly<Record<string, string>>) =>
  [`GET ${url} HTTP/1.1`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n')
