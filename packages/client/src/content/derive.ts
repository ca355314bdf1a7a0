/**
 * What format V3 derives from a data key: a commitment to the key, and the key of the content. Source: the S3
 * Encryption Client's specification, s3-encryption/key-derivation.md.
 */
import { type DataKey, sameBytes } from '@strongroom/crypto'
import { EncryptionError } from '../errors.ts'
import type { GcmParameters } from '../platform.ts'
import { subtle } from '../web-crypto.ts'

/** Bytes of the message id, which salts the derivation, and of the commitment. */
export const MESSAGE_ID_BYTES = 28
export const COMMITMENT_BYTES = 28

/** For a writer: the commitment to store, 28 bytes, and what to encrypt the content with. */
export async function deriveCommitted(
  dataKey: DataKey,
  messageId: Uint8Array,
): Promise<{ readonly commitment: Uint8Array; readonly parameters: GcmParameters }> {
  const derive = await derivation(dataKey, messageId)
  const commitment = await derive('COMMITKEY', COMMITMENT_BYTES)
  return { commitment, parameters: contentParameters(await derive('DERIVEKEY', 32)) }
}

/**
 * For a reader: what to decrypt the content with, derived only once the commitment has proved to be the data key's.
 * Throws EncryptionError CommitmentMismatch; MalformedEnvelope where a length is wrong.
 */
export async function deriveVerified(
  dataKey: DataKey,
  messageId: Uint8Array,
  commitment: Uint8Array,
): Promise<GcmParameters> {
  if (commitment.length !== COMMITMENT_BYTES) throw malformed('the commitment is not 28 bytes')
  const derive = await derivation(dataKey, messageId)
  if (!sameBytes(await derive('COMMITKEY', COMMITMENT_BYTES), commitment)) {
    throw new EncryptionError('CommitmentMismatch')
  }
  return contentParameters(await derive('DERIVEKEY', 32))
}

async function derivation(dataKey: DataKey, messageId: Uint8Array) {
  if (messageId.length !== MESSAGE_ID_BYTES) throw malformed('the message id is not 28 bytes')
  // What a writer without a random source would leave there.
  if (messageId.every((byte) => byte === 0)) throw malformed('the message id is all zeros')
  const secret = await subtle.importKey('raw', dataKey.bytes(), 'HKDF', false, ['deriveBits'])
  return async (label: 'COMMITKEY' | 'DERIVEKEY', bytes: number) => {
    const info = Uint8Array.from([...SUITE_ID, ...new TextEncoder().encode(label)])
    const hkdf = { name: 'HKDF', hash: 'SHA-512', salt: messageId, info }
    return new Uint8Array(await subtle.deriveBits(hkdf, secret, bytes * 8))
  }
}

/** The key is fresh with each message, so the IV need not be. */
const contentParameters = (key: Uint8Array): GcmParameters => ({
  key,
  iv: new Uint8Array(12).fill(1),
  associatedData: Uint8Array.from(SUITE_ID),
})

const malformed = (detail: string) => new EncryptionError('MalformedEnvelope', detail)

/** The suite's number as two raw bytes; in wraps the same suite is the text `115`. */
const SUITE_ID = [0x00, 0x73] as const
