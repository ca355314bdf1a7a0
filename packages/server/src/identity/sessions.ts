/** Starts sessions: new temporary credentials for a role, a user, the root user or a federated one. */
import type { Clock } from '../core/clock.ts'
import type { SealingKey } from '../root-key/store-key.ts'
import { type SessionBearer, type SessionClaims, SessionTokens } from './session-token.ts'
import { temporaryAccessKeyId } from './temporary-access-key.ts'
import { newSecretAccessKey } from './unique-ids.ts'

/** No session lives longer (STS API reference, GetSessionToken and GetFederationToken). */
export const LONGEST_SESSION_MS = 36 * 3_600_000

export interface NewSession {
  readonly accountId: string
  readonly bearer: SessionBearer
  readonly durationSeconds: number
  readonly policy?: string | undefined
  readonly policyArns?: readonly string[]
  readonly tags?: SessionClaims['tags']
  readonly transitiveTagKeys?: readonly string[]
  readonly sourceIdentity?: string | undefined
  readonly federatedProvider?: string | undefined
}

export interface TemporaryCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
  readonly expiresAtMs: number
}

export class Sessions {
  readonly tokens: SessionTokens
  readonly #clock: Clock

  /** `key`: derived from the store key. */
  constructor(key: SealingKey, clock: Clock) {
    this.tokens = new SessionTokens(key)
    this.#clock = clock
  }

  start({ durationSeconds, ...session }: NewSession): TemporaryCredentials {
    const issuedAtMs = this.#clock.nowMs()
    const claims: SessionClaims = {
      policyArns: [],
      tags: {},
      transitiveTagKeys: [],
      ...session,
      accessKeyId: temporaryAccessKeyId(session.accountId),
      secretAccessKey: newSecretAccessKey(),
      issuedAtMs,
      expiresAtMs: issuedAtMs + durationSeconds * 1000,
    }
    const { accessKeyId, secretAccessKey, expiresAtMs } = claims
    return { accessKeyId, secretAccessKey, sessionToken: this.tokens.seal(claims), expiresAtMs }
  }

  /** Throws SessionTokenInvalid or SessionTokenExpired. */
  open(token: string, accessKeyId: string): SessionClaims {
    return this.tokens.open(token, accessKeyId, this.#clock.nowMs())
  }
}
