/** The ways in which an AES key wraps a data key. What does not open is EncryptionError DataKeyNotOpened. */
import { DataKey, sameBytes } from '@strongroom/crypto'
import { EncryptionError } from '../errors.ts'
import type { ContentAlgorithm } from '../suites.ts'
import { subtle } from '../web-crypto.ts'
import type { AesWrappingKey } from './aes-wrapping-key.ts'
import { asciiBytes, opened } from './opened.ts'

const IV_BYTES = 12
const TAG_BYTES = 16
const BLOCK_BYTES = 16
const DATA_KEY_BYTES = 32

/**
 * `AES/GCM`: IV, ciphertext and tag, 60 bytes, with the content algorithm as associated data. IVs are random, so one
 * wrapping key wraps at most 2^32 data keys (NIST SP 800-38D, 8.3).
 */
export async function wrapGcm(key: AesWrappingKey, dataKey: DataKey, contentAlgorithm: ContentAlgorithm) {
  const iv = globalThis.crypto.getRandomValues(new Uint8Array(IV_BYTES))
  const algorithm = { name: 'AES-GCM', iv, additionalData: asciiBytes(contentAlgorithm) }
  const sealed = await subtle.encrypt(algorithm, await key.for('AES-GCM', 'encrypt'), dataKey.bytes())
  const wrapped = new Uint8Array(IV_BYTES + sealed.byteLength)
  wrapped.set(iv)
  wrapped.set(new Uint8Array(sealed), IV_BYTES)
  return wrapped
}

export async function unwrapGcm(key: AesWrappingKey, wrapped: Uint8Array, contentAlgorithm: ContentAlgorithm) {
  requireLength(wrapped, IV_BYTES + DATA_KEY_BYTES + TAG_BYTES)
  const iv = wrapped.subarray(0, IV_BYTES)
  const algorithm = { name: 'AES-GCM', iv, additionalData: asciiBytes(contentAlgorithm) }
  const cryptoKey = await key.for('AES-GCM', 'decrypt')
  return new DataKey(await opened(subtle.decrypt(algorithm, cryptoKey, wrapped.subarray(IV_BYTES))))
}

/** `AESWrap`: RFC 3394. Binds no content algorithm. */
export async function unwrapRfc3394(key: AesWrappingKey, wrapped: Uint8Array) {
  requireLength(wrapped, DATA_KEY_BYTES + 8)
  const cryptoKey = await key.for('AES-KW', 'unwrapKey')
  // Web Crypto gives the key only as a key of something.
  const unwrapped = subtle.unwrapKey('raw', wrapped, cryptoKey, 'AES-KW', 'AES-GCM', true, ['encrypt'])
  return new DataKey(await opened(unwrapped.then((dataKey) => subtle.exportKey('raw', dataKey))))
}

/**
 * Format V1's `AES`: ECB with PKCS#7 padding, 48 bytes. Binds no content algorithm. Web Crypto has no ECB: it comes
 * from CBC over the wrap and one more block, made so that CBC finds its own padding at the end; then CBC's chaining is
 * taken out again.
 */
export async function unwrapEcb(key: AesWrappingKey, wrapped: Uint8Array) {
  requireLength(wrapped, DATA_KEY_BYTES + BLOCK_BYTES)
  // CBC of nothing is one block of padding, encrypted after the IV has been added.
  const last = { name: 'AES-CBC', iv: wrapped.subarray(-BLOCK_BYTES) }
  const ending = await subtle.encrypt(last, await key.for('AES-CBC', 'encrypt'), new Uint8Array(0))
  const ciphertext = new Uint8Array(wrapped.length + BLOCK_BYTES)
  ciphertext.set(wrapped)
  ciphertext.set(new Uint8Array(ending), wrapped.length)
  const first = { name: 'AES-CBC', iv: new Uint8Array(BLOCK_BYTES) }
  const plaintext = await opened(subtle.decrypt(first, await key.for('AES-CBC', 'decrypt'), ciphertext))
  for (let i = BLOCK_BYTES; i < plaintext.length; i++) plaintext[i]! ^= wrapped[i - BLOCK_BYTES]!
  try {
    const padding = plaintext.subarray(DATA_KEY_BYTES)
    if (!sameBytes(padding, new Uint8Array(BLOCK_BYTES).fill(BLOCK_BYTES)))
      throw new EncryptionError('DataKeyNotOpened')
    return new DataKey(plaintext.slice(0, DATA_KEY_BYTES))
  } finally {
    plaintext.fill(0)
  }
}

function requireLength(wrapped: Uint8Array, bytes: number): void {
  if (wrapped.length !== bytes) throw new EncryptionError('DataKeyNotOpened')
}
