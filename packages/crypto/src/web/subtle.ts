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
