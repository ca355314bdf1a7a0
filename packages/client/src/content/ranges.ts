/** Ranges of plaintext, and the parts of a stored body that a store answers with. */
import { EncryptionError } from '../errors.ts'

/** `0 <= start < endExclusive`; the end is Infinity where all that follows is wanted. */
export interface ByteRange {
  readonly start: number
  readonly endExclusive: number
}

/** What a store sent: `start` and `total` as its Content-Range says. */
export interface StoredPart {
  readonly start: number
  /** Length of the whole stored body. */
  readonly total: number
  readonly bytes: Uint8Array
}

/** Throws EncryptionError BodyNotAuthentic where a part is not the answer to `asked`. */
export function checkPart(part: StoredPart, asked: ByteRange): void {
  const length = Math.min(asked.endExclusive, part.total) - asked.start
  if (part.start !== asked.start || part.bytes.length !== length) {
    throw new EncryptionError('BodyNotAuthentic', 'the store answered another range than was asked for')
  }
}

export const AES_BLOCK_BYTES = 16

/** The first byte of the block that `offset` lies in. */
export const blockStart = (offset: number): number => offset - (offset % AES_BLOCK_BYTES)
