/**
 * Session tokens: the whole of a session, sealed, so that nothing is stored for it (docs/decisions/0006-identity.md).
 * Only what the session *is* stands in it; what it may do follows from its role or user as they are at each request.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { SealError } from '@strongroom/crypto'
import { Fault } from '../core/fault.ts'
import { Recent } from '../core/recent.ts'
import type { SealingKey } from '../root-key/store-key.ts'
import type { Tags } from './records.ts'

export interface SessionClaims {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly accountId: string
  readonly bearer: SessionBearer
  /** Inline session policy, where there is one. */
  readonly policy?: string | undefined
  readonly policyArns: readonly string[]
  /** Of the session, beside those of the role. */
  readonly tags: Tags
  readonly transitiveTagKeys: readonly string[]
  readonly sourceIdentity?: string | undefined
  readonly federatedProvider?: string | undefined
  readonly issuedAtMs: number
  readonly expiresAtMs: number
}

/** Whose session it is. Ids are unique ids: a role made anew under an old name is another role. */
export type SessionBearer =
  | { readonly kind: 'role'; readonly roleName: string; readonly roleId: string; readonly sessionName: string }
  | { readonly kind: 'user'; readonly userName: string; readonly userId: string }
  | { readonly kind: 'root' }
  /** `by`: the user who asked for it; undefined for the root user. */
  | {
      readonly kind: 'federated'
      readonly name: string
      readonly by: { readonly userName: string; readonly userId: string } | undefined
    }

/** First byte of a token, before its base64. */
const LAYOUT = 2
/** Of the time before the store key had versions. Such a token lives on for 36 hours at most. */
const LAYOUT_WITHOUT_VERSION = 1
/** Layout and version. */
const HEAD_BYTES = 5
const CONTEXT = Buffer.from('strongroom session token 1')
const MOST_OPENED = 2_000
/** A token travels in a header or in the query of a presigned URL. */
const MOST_CHARACTERS = 12_000
const PACKED_BYTES = 4096

/**
 * How much of the room for policies and tags a session takes, in percent; more than 100 is too much. AWS packs them in
 * a way of its own (STS API reference, PackedPolicySize); this is what they add to the token.
 */
export function packedPolicySize(
  session: Pick<SessionClaims, 'policy' | 'policyArns' | 'tags' | 'transitiveTagKeys'>,
): number | undefined {
  const { policy, policyArns, tags, transitiveTagKeys } = session
  if (policy === undefined && policyArns.length === 0 && Object.keys(tags).length === 0) return undefined
  const packed = deflateRawSync(JSON.stringify({ policy, policyArns, tags, transitiveTagKeys }))
  return Math.ceil((packed.length * 100) / PACKED_BYTES)
}

export class SessionTokens {
  readonly #key: SealingKey
  readonly #opened = new Recent<SessionClaims>(MOST_OPENED)

  /** `key`: derived from the store key. */
  constructor(key: SealingKey) {
    this.#key = key
  }

  seal(claims: SessionClaims): string {
    const sealed = this.#key.seal(deflateRawSync(JSON.stringify(claims)), CONTEXT)
    return Buffer.concat([new Uint8Array([LAYOUT]), sealed]).toString('base64')
  }

  /** Throws SessionTokenInvalid for a token that is not ours or not of this key, SessionTokenExpired past its time. */
  open(token: string, accessKeyId: string, nowMs: number): SessionClaims {
    const bytes = Buffer.from(token.length > MOST_CHARACTERS ? '' : token, 'base64')
    // A token ends with the version that sealed it, also one that was opened before.
    const claims = (this.#isKnown(bytes) ? this.#opened.get(token) : undefined) ?? this.#read(token, bytes)
    if (claims.accessKeyId !== accessKeyId) throw new Fault('SessionTokenInvalid', {})
    if (claims.expiresAtMs <= nowMs) throw new Fault('SessionTokenExpired', {})
    return claims
  }

  #isKnown(bytes: Uint8Array): boolean {
    return bytes[0] === LAYOUT && bytes.length > HEAD_BYTES && this.#key.knows(bytes.subarray(1))
  }

  #read(token: string, bytes: Buffer): SessionClaims {
    // Only the one way of writing it counts, so that a token has one form.
    if (bytes.toString('base64') !== token) throw new Fault('SessionTokenInvalid', {})
    try {
      const claims = JSON.parse(inflateRawSync(this.#open(bytes)).toString('utf8')) as SessionClaims
      this.#opened.set(token, claims)
      return claims
    } catch (error) {
      if (error instanceof SealError) throw new Fault('SessionTokenInvalid', {}, { cause: error })
      throw error
    }
  }

  #open(bytes: Uint8Array): Uint8Array {
    if (bytes[0] === LAYOUT) return this.#key.open(bytes.subarray(1), CONTEXT)
    if (bytes[0] === LAYOUT_WITHOUT_VERSION) return this.#key.openFirst(bytes.subarray(1), CONTEXT)
    throw new SealError()
  }
}
