/** Base64 as envelopes carry it: RFC 4648, section 4, with padding and nothing else. For Node.js and browsers. */
import { EncryptionError } from './errors.ts'

/** Throws EncryptionError MalformedEnvelope for all that `encodeBase64` would not have written. */
export function decodeBase64(text: string): Uint8Array {
  if (!ENCODED.test(text)) throw new EncryptionError('MalformedEnvelope', 'a field is not base64')
  const binary = atob(text)
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i)
  return bytes
}

export function encodeBase64(bytes: Uint8Array): string {
  let binary = ''
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES)
    binary += String.fromCharCode(...bytes.subarray(at, at + CHUNK_BYTES))
  return btoa(binary)
}

/** Whole groups of four; the last may be padded, and then the bits that no byte takes are zero. */
const ENCODED = /^(?:[A-Za-z\d+/]{4})*(?:[A-Za-z\d+/][AQgw]==|[A-Za-z\d+/]{2}[AEIMQUYcgkosw048]=)?$/

/** Few enough to be the arguments of one call. */
const CHUNK_BYTES = 8192
