/**
 * The public keys of OpenID Connect providers: discovery document and key set, over HTTPS only and from no other host
 * than the provider's own (OpenID Connect Discovery 1.0, sections 3 and 4).
 */
import { request } from 'node:https'
import { rootCertificates } from 'node:tls'
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'
import { Recent } from '../core/recent.ts'

/** The text of a document. Throws where it cannot be had. */
export type FetchText = (url: URL) => Promise<string>

interface KnownKeys {
  readonly find: JWTVerifyGetKey
  readonly fetchedAtMs: number
}

export class OidcKeys {
  readonly #fetch: FetchText
  readonly #clock: Clock
  readonly #known = new Recent<Promise<KnownKeys>>(MOST_PROVIDERS)

  constructor(fetch: FetchText, clock: Clock) {
    this.#fetch = fetch
    this.#clock = clock
  }

  /**
   * Finds the key that signed a token of `issuer`, e.g. `https://id.example.com`; keys are fetched anew where none is the
   * one. Throws IdentityRefused where the provider cannot be asked, JOSEError where it has no such key.
   */
  of(issuer: string): JWTVerifyGetKey {
    return async (header, token) => {
      const keys = await this.#get(issuer, MOST_AGE_MS)
      try {
        return await keys.find(header, token)
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
        // Anybody may send a token with a made-up key id, so not each of them becomes a request to the provider.
        return await (await this.#get(issuer, LEAST_AGE_MS)).find(header, token)
      }
    }
  }

  async #get(issuer: string, mostAgeMs: number): Promise<KnownKeys> {
    const known = await this.#known.get(issuer)?.catch(() => undefined)
    if (known && this.#clock.nowMs() - known.fetchedAtMs < mostAgeMs) return known
    const fetched = this.#fetchKeys(issuer)
    this.#known.set(issuer, fetched)
    return fetched
  }

  async #fetchKeys(issuer: string): Promise<KnownKeys> {
    const discovery = await this.#json(new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`))
    const { issuer: named, jwks_uri: place } = discovery as { issuer?: unknown; jwks_uri?: unknown }
    const at = typeof place === 'string' && URL.canParse(place) ? new URL(place) : undefined
    if (named !== issuer || at?.origin !== new URL(issuer).origin) throw noKeys()
    try {
      const find = createLocalJWKSet((await this.#json(at)) as JSONWebKeySet)
      return { find, fetchedAtMs: this.#clock.nowMs() }
    } catch (error) {
      throw error instanceof errors.JOSEError ? noKeys(error) : error
    }
  }

  async #json(url: URL): Promise<object> {
    if (url.protocol !== 'https:') throw noKeys()
    const text = await this.#fetch(url).catch((error: unknown) => {
      const message = 'An error occurred while communicating with the identity provider.'
      throw new Fault('IdentityRefused', { refusal: 'IDPCommunicationError', message }, { cause: error })
    })
    try {
      const value: unknown = JSON.parse(text)
      if (typeof value === 'object' && value !== null) return value
    } catch {
      // Falls through to the one answer for what is no document.
    }
    throw noKeys()
  }
}

/** GET over TLS, bounded in size and time; follows no redirect. `extraCa`: trusted beside the usual authorities, PEM. */
export function httpsFetch(extraCa: string | undefined): FetchText {
  const ca = extraCa === undefined ? undefined : [...rootCertificates, extraCa]
  return (url) =>
    new Promise((resolve, reject) => {
      const signal = AbortSignal.timeout(TIMEOUT_MS)
      const asked = request(url, { ca, signal, agent: false, headers: { accept: 'application/json' } }, (reply) => {
        if (reply.statusCode !== 200) {
          reply.destroy(new Error(`${url.origin} answered ${reply.statusCode}`))
        }
        const pieces: Buffer[] = []
        let size = 0
        reply.on('data', (piece: Buffer) => {
          size += piece.length
          if (size > MAX_BYTES) reply.destroy(new Error(`${url.origin} answered too much`))
          pieces.push(piece)
        })
        reply.on('error', reject)
        reply.on('end', () => resolve(Buffer.concat(pieces).toString('utf8')))
      })
      asked.on('error', reject)
      asked.end()
    })
}

const noKeys = (cause?: unknown) =>
  new Fault(
    'IdentityRefused',
    {
      refusal: 'InvalidIdentityToken',
      message:
        "Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements",
    },
    { cause },
  )

const TIMEOUT_MS = 5_000
const MAX_BYTES = 256 * 1024
const MOST_PROVIDERS = 200
const MOST_AGE_MS = 600_000
const LEAST_AGE_MS = 5_000
