/** A 256-bit AES key that wraps data keys, as each of Web Crypto's algorithms wants it. */
import { DataKey } from '@strongroom/crypto'
import { EncryptionError } from '../errors.ts'
import { type CryptoKey, subtle } from '../web-crypto.ts'
import { isCryptoKey } from './opened.ts'

/** What the key is imported for, by Web Crypto's name; it binds a CryptoKey to one algorithm. */
const USAGES = {
  'AES-GCM': ['encrypt', 'decrypt'],
  'AES-CBC': ['encrypt', 'decrypt'],
  'AES-KW': ['unwrapKey'],
} as const satisfies Record<string, readonly KeyUsage[]>

type AesAlgorithm = keyof typeof USAGES

/** Keeps a copy of a key given as bytes; a CryptoKey serves the one algorithm that it is for. */
export class AesWrappingKey {
  readonly #bytes: DataKey | undefined
  readonly #given: CryptoKey | undefined
  readonly #imported = new Map<AesAlgorithm, Promise<CryptoKey>>()

  /** Throws EncryptionError InvalidConfiguration where it is no AES key of 32 bytes. */
  constructor(key: Uint8Array | CryptoKey) {
    if (key instanceof Uint8Array) {
      if (key.length !== 32) throw new EncryptionError('InvalidConfiguration', 'an AES wrapping key has 32 bytes')
      this.#bytes = new DataKey(Uint8Array.from(key))
    } else {
      if (
        !isCryptoKey(key) ||
        !Object.hasOwn(USAGES, key.algorithm.name) ||
        (key.algorithm as AesKeyAlgorithm).length !== 256
      )
        throw new EncryptionError(
          'InvalidConfiguration',
          'the wrapping key is neither bytes nor a CryptoKey of AES-256',
        )
      this.#given = key
    }
  }

  /** Throws EncryptionError InvalidConfiguration where a CryptoKey was given that is for something else. */
  async for(algorithm: AesAlgorithm, usage: KeyUsage): Promise<CryptoKey> {
    if (!this.#bytes) {
      if (this.#given?.algorithm.name === algorithm && this.#given.usages.includes(usage)) return this.#given
      throw new EncryptionError('InvalidConfiguration', `the wrapping key given is not for ${usage} of ${algorithm}`)
    }
    let key = this.#imported.get(algorithm)
    if (!key) {
      key = subtle.importKey('raw', this.#bytes.bytes(), algorithm, false, USAGES[algorithm])
      this.#imported.set(algorithm, key)
    }
    return key
  }
}
