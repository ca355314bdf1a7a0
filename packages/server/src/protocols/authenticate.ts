/** Who calls a service that is not S3: such services sign the hash of the body without saying it in a header. */
import { createHash } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import type { Exchange } from '../core/exchange.ts'
import type { Directory } from '../identity/directory.ts'
import { ANONYMOUS } from '../policy/call.ts'
import { readClaim } from '../signature/claim.ts'
import { verify } from '../signature/verify.ts'
import { type OpenCall, openCall, signedFacts } from './signed-request.ts'

export interface ServiceAuthentication {
  readonly directory: Directory
  /** The signing name, e.g. 'kms'. */
  readonly service: string
  /** The server's own region. */
  readonly region: string
  /** Whether the service is one for all regions, so that a signature for us-east-1 is right in each. */
  readonly global: boolean
  readonly clock: Clock
}

/** The call; an anonymous one where the request has no signature. Throws SignatureError and the faults of `Directory`. */
export async function authenticateService(
  exchange: Exchange,
  body: Uint8Array,
  options: ServiceAuthentication,
): Promise<OpenCall> {
  const facts = signedFacts(exchange.request)
  const claim = readClaim(facts)
  if (claim?.version !== 'v4') return openCall(exchange, ANONYMOUS, options.region, undefined)
  const { secretAccessKey, principal } = await options.directory.findAccessKey(claim.accessKeyId, claim.sessionToken)
  verify(claim, facts, {
    secretAccessKey,
    nowMs: options.clock.nowMs(),
    region: options.global && claim.scope.region === 'us-east-1' ? 'us-east-1' : options.region,
    service: options.service,
    bodySha256: createHash('sha256').update(body).digest('hex'),
  })
  return openCall(exchange, principal, options.region, claim)
}
