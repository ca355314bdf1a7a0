/**
 * Ranges of formats V2 and V3, which nothing authenticates: inside, GCM is AES-CTR. Source: NIST SP 800-38D, 7.1, and
 * the S3 Encryption Client's specification, s3-encryption/decryption.md, "Ranged Gets".
 */
import { EncryptionError } from '../errors.ts'
import type { GcmParameters } from '../platform.ts'
import { MAX_GCM_BYTES } from '../suites.ts'
import { importContentKey, subtle } from '../web-crypto.ts'
import { GCM_TAG_BYTES } from './gcm-body.ts'
import { AES_BLOCK_BYTES, type ByteRange, blockStart, checkPart, type StoredPart } from './ranges.ts'

/** The stored bytes that hold a range of plaintext: from the beginning of a block on. */
export const storedCtrRange = ({ start, endExclusive }: ByteRange): ByteRange => ({
  start: blockStart(start),
  endExclusive,
})

/** What GCM counts with at `offset`, the beginning of a block: the IV, then 32 bits that are 2 at the content's first. */
export function counterBlock(iv: Uint8Array, offset: number): Uint8Array {
  const block = new Uint8Array(AES_BLOCK_BYTES)
  block.set(iv)
  new DataView(block.buffer).setUint32(iv.length, 2 + offset / AES_BLOCK_BYTES)
  return block
}

/**
 * The plaintext of `range`, as far as there is some: none where the range lies in the tag. `part`: the answer to
 * {@link storedCtrRange}. Nothing proves that it is what was written. Throws EncryptionError where the part cannot be
 * an answer, or of no body of this format.
 */
export async function decryptCtrRange(
  { key, iv }: GcmParameters,
  part: StoredPart,
  range: ByteRange,
): Promise<Uint8Array> {
  checkPart(part, storedCtrRange(range))
  const plaintextBytes = part.total - GCM_TAG_BYTES
  if (plaintextBytes < 0) throw new EncryptionError('BodyNotAuthentic')
  if (plaintextBytes > MAX_GCM_BYTES) throw new EncryptionError('BodyTooLarge', 'the format ends at 64 GiB')
  const ciphertext = part.bytes.subarray(0, Math.max(0, plaintextBytes - part.start))
  const ctr = { name: 'AES-CTR', counter: counterBlock(iv, part.start), length: 32 }
  const plaintext = await subtle.decrypt(ctr, await importContentKey('AES-CTR', key), ciphertext)
  return new Uint8Array(plaintext).subarray(range.start - part.start)
}
