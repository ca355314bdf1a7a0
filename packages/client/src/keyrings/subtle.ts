/** Web Crypto as keyrings use it, in Node.js and browsers. */
import { EncryptionError } from '../errors.ts'

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
  encrypt(algorithm: object, key: CryptoKey, bytes: Uint8Array): Promise<ArrayBuffer>
  decrypt(algorithm: object, key: CryptoKey, bytes: Uint8Array): Promise<ArrayBuffer>
  digest(algorithm: string, bytes: Uint8Array): Promise<ArrayBuffer>
}

export type CryptoKey = globalThis.CryptoKey
export const subtle = globalThis.crypto.subtle as unknown as Subtle

const ascii = new TextEncoder()
/** For content algorithms, which are ASCII. */
export const asciiBytes = (text: string): Uint8Array => ascii.encode(text)

/**
 * What Web Crypto made of a wrap. Throws EncryptionError DataKeyNotOpened where it did not open; any other failure
 * (a key that is not for this) passes.
 */
export async function opened(result: Promise<ArrayBuffer>): Promise<Uint8Array> {
  try {
    return new Uint8Array(await result)
  } catch (error) {
    if (error instanceof Error && error.name === 'OperationError') throw new EncryptionError('DataKeyNotOpened')
    throw error
  }
}

export const isCryptoKey = (key: unknown): key is CryptoKey =>
  typeof key === 'object' && key !== null && 'algorithm' in key && 'usages' in key
