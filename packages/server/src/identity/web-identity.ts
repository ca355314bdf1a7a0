/** Web identities: the token of an OpenID Connect provider, verified (OpenID Connect Core 1.0, section 3.1.3.7). */
import { decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose'
import type { Clock } from '../core/clock.ts'
import { Fault, type IdentityRefusal } from '../core/fault.ts'
import type { IdentityStore } from './identity-store.ts'
import type { OidcKeys } from './oidc-keys.ts'
import { names, type OidcProviderRecord, oidcProviderArn, oidcProviderRecord } from './records.ts'

export interface WebIdentity {
  readonly providerArn: string
  /** Without `https://`; condition keys begin with it. */
  readonly provider: string
  readonly subject: string
  readonly audience: string
  /** By condition key in lower case, e.g. `id.example.com:sub`. */
  readonly claims: Readonly<Record<string, string | readonly string[]>>
}

export interface WebIdentityRooms {
  readonly store: IdentityStore
  readonly keys: OidcKeys
  readonly clock: Clock
}

/**
 * `accountId`: whose providers count, that of the role.
 * Throws IdentityRefused: InvalidIdentityToken, ExpiredTokenException or IDPCommunicationError.
 */
export async function verifyWebIdentity(
  { store, keys, clock }: WebIdentityRooms,
  accountId: string,
  token: string,
): Promise<WebIdentity> {
  const issuer = issuerOf(token)
  const provider = await findByIssuer(store, accountId, issuer)
  const nowMs = clock.nowMs()
  const { payload } = await jwtVerify(token, keys.of(issuer), {
    algorithms: ALGORITHMS,
    issuer,
    requiredClaims: ['exp', 'iat'],
    currentDate: new Date(nowMs),
  }).catch((error: unknown) => {
    throw toFault(error, nowMs)
  })
  if (payload.iat! * 1000 > nowMs + MOST_SKEW_MS) throw invalid('The token was issued in the future.')
  const audience = [payload.aud ?? []].flat().find((one) => provider.clientIds.includes(one))
  if (audience === undefined) throw invalid('Incorrect token audience')
  if (typeof payload.sub !== 'string' || payload.sub === '') throw invalid('Missing a required claim: sub')
  return {
    providerArn: oidcProviderArn(provider),
    provider: provider.url,
    subject: payload.sub,
    audience,
    claims: claimsFor(provider.url, payload, audience),
  }
}

function issuerOf(token: string): string {
  let issuer: unknown
  try {
    issuer = decodeJwt(token).iss
  } catch {
    throw invalid('The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)')
  }
  if (typeof issuer !== 'string' || !issuer.startsWith('https://') || !URL.canParse(issuer)) {
    throw invalid('Issuer must be a valid URL')
  }
  return issuer
}

async function findByIssuer(store: IdentityStore, accountId: string, issuer: string): Promise<OidcProviderRecord> {
  // Providers are kept without a slash at their end, which some issuers have.
  const url = issuer.slice('https://'.length).replace(/\/$/, '')
  const found = (await store.records.get(oidcProviderRecord, names.oidcProvider(accountId, url)))?.value
  if (found?.url !== url) throw invalid(`No OpenIDConnect provider found in your account for ${issuer}`)
  return found
}

/** Of all claims, those that trust policies may ask for (IAM user guide, "Available keys for AWS OIDC federation"). */
function claimsFor(url: string, payload: JWTPayload, audience: string): WebIdentity['claims'] {
  const given = { ...payload, aud: audience } as Readonly<Record<string, unknown>>
  const told: Record<string, string | readonly string[]> = {}
  for (const name of CLAIMS) {
    const value = given[name]
    const isList = Array.isArray(value) && value.every((one) => typeof one === 'string')
    if (typeof value === 'string' || isList) told[`${url}:${name}`.toLowerCase()] = value
  }
  return told
}

function toFault(error: unknown, nowMs: number): unknown {
  if (error instanceof errors.JWTExpired) {
    const [now, end] = [Math.floor(nowMs / 1000), error.payload.exp]
    const message = `Token expired: current date/time ${now} must be before the expiration date/time ${end}`
    return refused('ExpiredTokenException', message, error)
  }
  if (!(error instanceof errors.JOSEError)) return error
  const message =
    error instanceof errors.JWTClaimValidationFailed && error.reason === 'missing'
      ? `Missing a required claim: ${error.claim}`
      : 'The web identity token that was passed could not be validated by the identity provider.'
  return invalid(message, error)
}

const refused = (refusal: IdentityRefusal, message: string, cause?: unknown) =>
  new Fault('IdentityRefused', { refusal, message }, { cause })
const invalid = (message: string, cause?: unknown) => refused('InvalidIdentityToken', message, cause)

/** Public-key signatures only: with HS256 whoever knows a public key could sign. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512']
const CLAIMS = ['aud', 'sub', 'amr', 'azp', 'email']
const MOST_SKEW_MS = 300_000
