/** Names of records, in encodings whose byte order is the order wanted. */

/** Joins byte strings and UTF-8 texts. */
export function name(...pieces: readonly (Uint8Array | string)[]): Uint8Array {
  return Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece, 'utf8') : piece)))
}

/** The first name after all that begin with `prefix`. Throws where there is none (only 0xff bytes, or none). */
export function prefixEnd(prefix: Uint8Array): Uint8Array {
  let last = prefix.length - 1
  while (last >= 0 && prefix[last] === 0xff) last--
  if (last < 0) throw new RangeError('every name may follow this prefix')
  // A copy: `slice` of a Buffer would be a view, and the prefix itself would change.
  const end = Uint8Array.from(prefix.subarray(0, last + 1))
  end[last] = end[last]! + 1
  return end
}

/** The first name after `exact` itself. */
export function nameAfter(exact: Uint8Array): Uint8Array {
  return name(exact, ZERO)
}

/** 8 bytes, later numbers first. */
export function descending(sequence: bigint): Uint8Array {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(MAX - sequence)
  return bytes
}

/** 8 bytes, earlier numbers first. */
export function ascending(sequence: bigint): Uint8Array {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(sequence)
  return bytes
}

export const ZERO = new Uint8Array(1)
const MAX = 0xffff_ffff_ffff_ffffn
