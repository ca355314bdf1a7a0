/** Signed requests: SigV4 by header and by query, SigV2 by query. The input is a request's head as it comes over the wire. */
import { ok, throws } from 'node:assert'
import { createHmac } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { regionOf, serviceOf } from '../../packages/server/src/http/dispatch.ts'
import { signedFacts } from '../../packages/server/src/protocols/signed-request.ts'
import { readClaim, type SignedRequestFacts } from '../../packages/server/src/signature/claim.ts'
import { SignatureError } from '../../packages/server/src/signature/errors.ts'
import { signedHeaders } from '../../packages/server/src/signature/sign.ts'
import { verify } from '../../packages/server/src/signature/verify.ts'
import { errorsOf, INHERITED, reading, type Target } from '../target.ts'

const NOW = new Date('2026-01-01T00:00:00Z')
const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
const HOST = 's3.example.com'
const SIGNED_PATHS = new Set(['/bucket/key', '/v2/key'])
const OPTIONS = { nowMs: NOW.getTime(), region: 'us-east-1', service: 's3' }
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
  seeds: () => [byHeader(), byHeader('STREAMING-AWS4-HMAC-SHA256-PAYLOAD'), byV2()].map((text) => Buffer.from(text)),
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

function byHeader(payloadHash?: string): string {
  const headers = signedHeaders(
    {
      method: 'GET',
      host: HOST,
      path: '/bucket/key',
      query: 'versionId=',
      headers: { range: 'bytes=0-4' },
      body: new Uint8Array(),
      service: 's3',
      region: 'us-east-1',
      credentials: KEYS,
    },
    NOW,
  )
  if (payloadHash !== undefined) headers['x-amz-content-sha256'] = payloadHash
  return head('GET', '/bucket/key?versionId=', headers)
}

function byV2(): string {
  const expires = OPTIONS.nowMs / 1000 + 600
  const signature = createHmac('sha1', KEYS.secretAccessKey).update(`GET\n\n\n${expires}\n/v2/key`).digest('base64')
  const query = `AWSAccessKeyId=${KEYS.accessKeyId}&Expires=${expires}&Signature=${encodeURIComponent(signature)}`
  return head('GET', `/v2/key?${query}`, { host: HOST })
}

const head = (method: string, url: string, headers: Readonly<Record<string, string>>) =>
  [`${method} ${url} HTTP/1.1`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`), '', ''].join(
    '\r\n',
  )
