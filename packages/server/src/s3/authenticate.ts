/** From a request to its caller: reads the claim, finds the secret, verifies. */
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Clock } from '../core/clock.ts'
import type { Exchange } from '../core/exchange.ts'
import type { CallContext } from '../core/principal.ts'
import type { Directory } from '../identity/directory.ts'
import { readClaim, type SignedRequestFacts } from '../signature/claim.ts'
import { SignatureError } from '../signature/errors.ts'
import { type VerifiedSignature, verify } from '../signature/verify.ts'
import { S3Error } from './errors.ts'

export interface Authentication {
  readonly directory: Directory
  readonly region: string
  readonly clock: Clock
  readonly allowSigV2: boolean
}

/** Throws S3Error or SignatureError. Anonymous requests are denied. */
export async function authenticate(
  exchange: Exchange,
  options: Authentication,
): Promise<{ call: CallContext; verified: VerifiedSignature }> {
  const facts = signedFacts(exchange.request)
  const claim = readClaim(facts)
  if (!claim) throw new S3Error('AccessDenied')
  if (claim.version === 'v2' && !options.allowSigV2) {
    throw new SignatureError(
      'InvalidRequest',
      'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.',
    )
  }
  const credential = await options.directory.findAccessKey(claim.accessKeyId)
  if (!credential) throw new S3Error('InvalidAccessKeyId', { fields: { AWSAccessKeyId: claim.accessKeyId } })
  const verified = verify(claim, facts, {
    secretAccessKey: credential.secretAccessKey,
    nowMs: options.clock.nowMs(),
    region: options.region,
    service: 's3',
  })
  return { call: callContext(exchange, credential.principal, options.region, verified.version), verified }
}

export function callContext(
  exchange: Exchange,
  principal: CallContext['principal'],
  region: string,
  signatureVersion: 'v2' | 'v4',
): CallContext {
  return {
    principal,
    requestId: exchange.requestId,
    sourceIp: exchange.sourceIp,
    userAgent: exchange.request.headers['user-agent'],
    secureTransport: exchange.secure,
    signatureVersion,
    region,
    via: undefined,
  }
}

export function signedFacts(request: IncomingMessage): SignedRequestFacts {
  const url = request.url ?? '/'
  const mark = url.indexOf('?')
  const headers: Record<string, string> = {}
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i]!.toLowerCase()
    const value = request.rawHeaders[i + 1]!
    headers[name] = name in headers ? `${headers[name]},${value}` : value
  }
  return {
    method: request.method ?? 'GET',
    rawPath: mark < 0 ? url : url.slice(0, mark),
    rawQuery: mark < 0 ? '' : url.slice(mark + 1),
    headers,
  }
}

export const sha256Hex = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
