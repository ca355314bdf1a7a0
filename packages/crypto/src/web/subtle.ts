/** Web Crypto as this package uses it. */

/** The part of `SubtleCrypto` that is used here, typed for any view of bytes. */
interface Subtle {
  importKey(
    format: 'raw',
    bytes: Uint8Array,
    algorithm: string,
    extractable: false,
    usages: readonly string[],
  ): Promise<CryptoKey>
  deriveBits(algorithm: object, key: CryptoKey, bits: number): Promise<ArrayBuffer>
  encrypt(algorithm: object, key: CryptoKey, bytes: Uint8Array): Promise<ArrayBuffer>
  decrypt(algorithm: object, key: CryptoKey, bytes: Uint8Array): Promise<ArrayBuffer>
}

export type CryptoKey = globalThis.CryptoKey
export const subtle = globalThis.crypto.subtle as unknown as Subtle

/** A key that cannot be taken out of Web Crypto again. */
export const importKey = (algorithm: 'AES-GCM' | 'AES-CBC', bytes: Uint8Array): Promise<CryptoKey> =>
  subtle.importKey('raw', bytes, algorithm, false, ['encrypt', 'decrypt'])

export function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    out.set(piece, at)
    at += piece.length
  }
  return out
}

/** Looks at every byte whatever it finds. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!
  return difference === 0
}
