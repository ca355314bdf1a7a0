/** From a request to its caller: reads the claim, finds the secret, verifies. */
import type { Clock } from '../core/clock.ts'
import type { Exchange } from '../core/exchange.ts'
import type { Directory } from '../identity/directory.ts'
import { ANONYMOUS } from '../policy/call.ts'
import { type OpenCall, openCall, signedFacts } from '../protocols/signed-request.ts'
import { readClaim, type SignatureClaim } from '../signature/claim.ts'
import { SignatureError } from '../signature/errors.ts'
import { type FormClaim, type FormFields, readFormClaim, verifyForm } from '../signature/form.ts'
import { type PayloadSigning, type VerifiedSignature, verify } from '../signature/verify.ts'

export interface Authentication {
  readonly directory: Directory
  readonly region: string
  readonly clock: Clock
  readonly allowSigV2: boolean
}

/** How the body is signed; what an anonymous request says of its body's hash is held to all the same. */
export type SignedBody = Pick<VerifiedSignature, 'payload' | 'chunkSeed'>

export interface AuthenticatedRequest {
  readonly call: OpenCall
  readonly body: SignedBody
}

/** What a request is where nobody has signed it, or where that is of no interest. */
export function anonymously(exchange: Exchange, { region }: Authentication): AuthenticatedRequest {
  const hash = exchange.request.headers['x-amz-content-sha256']
  return {
    call: openCall(exchange, ANONYMOUS, region, undefined),
    body: { payload: unsignedPayload(hash === undefined ? undefined : String(hash)), chunkSeed: undefined },
  }
}

/** Throws SignatureError and the faults of `Directory`. */
export async function authenticate(exchange: Exchange, options: Authentication): Promise<AuthenticatedRequest> {
  const facts = signedFacts(exchange.request)
  const claim = readClaim(facts)
  if (!claim) return anonymously(exchange, options)
  requireAllowedVersion(claim, options)
  const { secretAccessKey, principal } = await options.directory.findAccessKey(claim.accessKeyId, claim.sessionToken)
  const body = verify(claim, facts, {
    secretAccessKey,
    nowMs: options.clock.nowMs(),
    region: options.region,
    service: 's3',
  })
  return { call: openCall(exchange, principal, options.region, claim), body }
}

/** As `authenticate`, for a form, whose signature is in its fields. */
export async function authenticateForm(
  exchange: Exchange,
  fields: FormFields,
  options: Authentication,
): Promise<OpenCall> {
  const claim = readFormClaim(fields)
  if (!claim) return openCall(exchange, ANONYMOUS, options.region, undefined)
  requireAllowedVersion(claim, options)
  const { secretAccessKey, principal } = await options.directory.findAccessKey(claim.accessKeyId, claim.sessionToken)
  verifyForm(claim, { secretAccessKey, region: options.region })
  return openCall(exchange, principal, options.region, claim)
}

function requireAllowedVersion({ version }: SignatureClaim | FormClaim, options: Authentication): void {
  if (version !== 'v2' || options.allowSigV2) return
  throw new SignatureError(
    'InvalidRequest',
    'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.',
  )
}

function unsignedPayload(header: string | undefined): PayloadSigning {
  if (header === 'STREAMING-UNSIGNED-PAYLOAD-TRAILER') return { kind: 'chunked', signed: false, trailer: true }
  if (header !== undefined && /^[0-9a-f]{64}$/i.test(header)) return { kind: 'hash', hex: header.toLowerCase() }
  return { kind: 'unsigned' }
}
