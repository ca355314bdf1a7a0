import { hkdfSync } from 'node:crypto'
import { DataKey } from '../data-key.ts'
import { freshBytes } from './random.ts'

/** A fresh 256-bit key from the system's CSPRNG. */
export function generateDataKey(): DataKey {
  return new DataKey(freshBytes(32))
}

/** HKDF-SHA-512 (RFC 5869). `info` separates uses of one secret; text stands for its UTF-8. */
export function deriveKey(
  secret: Uint8Array,
  info: string | Uint8Array,
  salt: Uint8Array = new Uint8Array(0),
  bytes = 32,
): Uint8Array {
  return new Uint8Array(hkdfSync('sha512', secret, salt, info, bytes))
}
