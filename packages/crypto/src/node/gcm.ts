/** AES-256-GCM over node:crypto, as all that is sealed here uses it: nonces of 12 bytes, tags of 16 at the end. */
import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto'
import { SealError } from '../errors.ts'
import { TAG_BYTES } from '../format.ts'

type GcmKey = KeyObject | Uint8Array

/** The ciphertext of each piece, then the tag of all. A key must never see a nonce twice. */
export function sealGcm(
  key: GcmKey,
  nonce: Uint8Array,
  pieces: readonly Uint8Array[],
  associatedData?: Uint8Array,
): Uint8Array[] {
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  if (associatedData) cipher.setAAD(associatedData)
  const out: Uint8Array[] = []
  for (const piece of pieces) out.push(cipher.update(piece))
  cipher.final()
  out.push(cipher.getAuthTag())
  return out
}

/** Throws SealError, and yields nothing, where `sealed` does not authenticate. */
export function openGcm(key: GcmKey, nonce: Uint8Array, sealed: Uint8Array, associatedData?: Uint8Array): Uint8Array {
  const end = sealed.length - TAG_BYTES
  if (end < 0) throw new SealError()
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  if (associatedData) decipher.setAAD(associatedData)
  decipher.setAuthTag(sealed.subarray(end))
  const plaintext = decipher.update(sealed.subarray(0, end))
  try {
    decipher.final()
  } catch {
    throw new SealError()
  }
  return plaintext
}
