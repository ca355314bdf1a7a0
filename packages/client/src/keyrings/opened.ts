/** What keyrings share in using Web Crypto. */
import { EncryptionError } from '../errors.ts'
import type { CryptoKey } from '../web-crypto.ts'

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
