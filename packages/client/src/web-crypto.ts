/** Web Crypto, in Node.js and browsers. */

/** The part of `SubtleCrypto` that is used here, typed for any view of bytes. */
interface Subtle {
  importKey(
    format: 'raw' | 'spki' | 'pkcs8',
    bytes: Uint8Array,
    algorithm: string | { readonly name: string; readonly hash: string },
    extractable: false,
    usages: readonly KeyUsage[],
  ): Promise<CryptoKey>
  unwrapKey(
    format: 'raw',
    wrapped: Uint8Array,
    wrappingKey: CryptoKey,
    wrapAlgorithm: string,
    algorithm: string,
    extractable: true,
    usages: readonly KeyUsage[],
  ): Promise<CryptoKey>
  exportKey(format: 'raw', key: CryptoKey): Promise<ArrayBuffer>
  deriveBits(algorithm: object, key: CryptoKey, bits: number): Promise<ArrayBuffer>
  encrypt(algorithm: object, key: CryptoKey, bytes: Uint8Array): Promise<ArrayBuffer>
  decrypt(algorithm: object, key: CryptoKey, bytes: Uint8Array): Promise<ArrayBuffer>
  digest(algorithm: string, bytes: Uint8Array): Promise<ArrayBuffer>
}

export type CryptoKey = globalThis.CryptoKey
export const subtle = globalThis.crypto.subtle as unknown as Subtle

/** A content key of 32 bytes that cannot be taken out of Web Crypto again. */
export const importContentKey = (algorithm: 'AES-GCM' | 'AES-CTR' | 'AES-CBC', bytes: Uint8Array): Promise<CryptoKey> =>
  subtle.importKey('raw', bytes, algorithm, false, ['encrypt', 'decrypt'])
