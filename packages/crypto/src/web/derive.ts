import { subtle } from './subtle.ts'

/** HKDF-SHA-512 (RFC 5869). `info` separates uses of one secret. */
export async function deriveBytes(
  secret: Uint8Array,
  info: Uint8Array,
  salt: Uint8Array,
  bytes: number,
): Promise<Uint8Array> {
  const key = await subtle.importKey('raw', secret, 'HKDF', false, ['deriveBits'])
  return new Uint8Array(await subtle.deriveBits({ name: 'HKDF', hash: 'SHA-512', salt, info }, key, bytes * 8))
}
