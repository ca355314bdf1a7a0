/**
 * Bodies of format V1 and old ones of V2: AES-256-CBC with PKCS#7 padding, which nothing authenticates. All that can go
 * wrong has one face, so that nobody learns from it whether it was the padding. Source: NIST SP 800-38A, 6.2.
 */

import { concat } from '@strongroom/crypto'
import { EncryptionError } from '../errors.ts'
import { importContentKey, subtle } from '../web-crypto.ts'
import { AES_BLOCK_BYTES, type ByteRange, blockStart, checkPart, type StoredPart } from './ranges.ts'

/** Key of 32 bytes, IV of 16. */
export interface CbcParameters {
  readonly key: Uint8Array
  readonly iv: Uint8Array
}

/** The plaintext of a whole body. Throws EncryptionError BodyNotAuthentic. */
export async function decryptCbcBody({ key, iv }: CbcParameters, ciphertext: Uint8Array): Promise<Uint8Array> {
  return decryptPadded(await importContentKey('AES-CBC', key), iv, ciphertext)
}

/** The stored bytes that hold a range of plaintext: whole blocks, and the one before them. */
export const storedCbcRange = ({ start, endExclusive }: ByteRange): ByteRange => ({
  start: Math.max(0, blockStart(start) - AES_BLOCK_BYTES),
  endExclusive: Math.ceil(endExclusive / AES_BLOCK_BYTES) * AES_BLOCK_BYTES,
})

/**
 * The plaintext of `range`, as far as there is some: none where the range lies in the padding. `part`: the answer to
 * {@link storedCbcRange}. Throws EncryptionError BodyNotAuthentic.
 */
export async function decryptCbcRange(
  { key, iv }: CbcParameters,
  part: StoredPart,
  range: ByteRange,
): Promise<Uint8Array> {
  checkPart(part, storedCbcRange(range))
  if (part.total === 0 || part.total % AES_BLOCK_BYTES !== 0) throw new EncryptionError('BodyNotAuthentic')
  const first = blockStart(range.start)
  const before = part.bytes.subarray(0, first - part.start)
  const ciphertext = part.bytes.subarray(before.length)
  if (ciphertext.length === 0) return ciphertext
  const imported = await importContentKey('AES-CBC', key)
  const decrypt = first + ciphertext.length === part.total ? decryptPadded : decryptBlocks
  const plaintext = await decrypt(imported, before.length > 0 ? before : iv, ciphertext)
  return plaintext.subarray(range.start - first, range.endExclusive - first)
}

/** Blocks from the middle. Web Crypto always removes padding, so a block that decrypts to nothing else goes behind. */
async function decryptBlocks(key: CryptoKey, iv: Uint8Array, ciphertext: Uint8Array): Promise<Uint8Array> {
  const last = ciphertext.subarray(-AES_BLOCK_BYTES)
  const padding = await subtle.encrypt({ name: 'AES-CBC', iv: last }, key, new Uint8Array(0))
  return decryptPadded(key, iv, concat([ciphertext, new Uint8Array(padding)]))
}

async function decryptPadded(key: CryptoKey, iv: Uint8Array, ciphertext: Uint8Array): Promise<Uint8Array> {
  try {
    return new Uint8Array(await subtle.decrypt({ name: 'AES-CBC', iv }, key, ciphertext))
  } catch {
    throw new EncryptionError('BodyNotAuthentic')
  }
}
