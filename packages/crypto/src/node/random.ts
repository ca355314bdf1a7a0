import { randomFillSync } from 'node:crypto'

/** A call to the CSPRNG costs far more than the bytes it gives, so they are drawn in bulk. */
const POOL_BYTES = 4096

const pool = new Uint8Array(POOL_BYTES)
let at = POOL_BYTES

/** `length` fresh bytes of the system's CSPRNG. The pool forgets them as it hands them out. */
export function freshBytes(length: number): Uint8Array {
  if (length > POOL_BYTES / 4) return randomFillSync(new Uint8Array(length))
  if (at + length > POOL_BYTES) {
    randomFillSync(pool)
    at = 0
  }
  const bytes = pool.slice(at, at + length)
  pool.fill(0, at, at + length)
  at += length
  return bytes
}

/** As hex, two characters a byte. */
export const freshHex = (length: number): string => Buffer.from(freshBytes(length).buffer).toString('hex')
