/** AES-256-GCM over Web Crypto: as the Node provider's, with promises. */
import { SealError } from '../errors.ts'
import { type CryptoKey, subtle } from './subtle.ts'

/** The ciphertext, then the tag. A key must never see a nonce twice. */
export async function sealGcm(
  key: CryptoKey,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  associatedData: Uint8Array = NONE,
): Promise<Uint8Array> {
  const gcm = { name: 'AES-GCM', iv: nonce, additionalData: associatedData }
  return new Uint8Array(await subtle.encrypt(gcm, key, plaintext))
}

/** Rejects with SealError where `sealed` does not authenticate. */
export async function openGcm(
  key: CryptoKey,
  nonce: Uint8Array,
  sealed: Uint8Array,
  associatedData: Uint8Array = NONE,
): Promise<Uint8Array> {
  const gcm = { name: 'AES-GCM', iv: nonce, additionalData: associatedData }
  try {
    return new Uint8Array(await subtle.decrypt(gcm, key, sealed))
  } catch {
    throw new SealError()
  }
}

const NONE = new Uint8Array(0)
