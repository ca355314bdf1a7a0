/** XAES-256-GCM (C2SP) over Web Crypto: the same messages as the Node provider's. */

import { concat } from '../bytes.ts'
import { DataKey } from '../data-key.ts'
import { SealError } from '../errors.ts'
import { TAG_BYTES } from '../format.ts'
import { NONCE_BYTES, nonceBlocks, subkeyOf } from '../xaes.ts'
import { openGcm, sealGcm } from './gcm.ts'
import { importKey, subtle } from './subtle.ts'

export class MessageKey {
  readonly #key: CryptoKey
  readonly #subkey: Uint8Array

  private constructor(key: CryptoKey, subkey: Uint8Array) {
    this.#key = key
    this.#subkey = subkey
  }

  /** `key`: 32 bytes; copied. */
  static async create(key: Uint8Array): Promise<MessageKey> {
    if (key.length !== 32) throw new RangeError('a message key is 32 bytes')
    const imported = await importKey('AES-CBC', key)
    return new MessageKey(imported, subkeyOf(await encryptBlock(imported, new Uint8Array(16))))
  }

  /** 24 bytes nonce, ciphertext, 16 bytes tag. */
  async seal(plaintext: Uint8Array, associatedData: Uint8Array): Promise<Uint8Array> {
    const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
    return concat([nonce, await sealGcm(await this.#derive(nonce), nonce.subarray(12), plaintext, associatedData)])
  }

  /** Rejects with SealError where the message is not one that this key sealed with this associated data. */
  async open(sealed: Uint8Array, associatedData: Uint8Array): Promise<Uint8Array> {
    if (sealed.length < NONCE_BYTES + TAG_BYTES) throw new SealError()
    const nonce = sealed.slice(12, NONCE_BYTES)
    return openGcm(await this.#derive(sealed), nonce, sealed.subarray(NONCE_BYTES), associatedData)
  }

  async #derive(nonce: Uint8Array): Promise<CryptoKey> {
    const blocks = nonceBlocks(nonce, this.#subkey)
    const halves = [blocks.subarray(0, 16), blocks.subarray(16)].map((block) => encryptBlock(this.#key, block))
    return importKey('AES-GCM', concat(await Promise.all(halves)))
  }

  toJSON(): string {
    return 'MessageKey(…)'
  }
}

export const wrapKey = (wrappingKey: MessageKey, dataKey: DataKey, context: Uint8Array): Promise<Uint8Array> =>
  wrappingKey.seal(dataKey.bytes(), context)

/** Rejects with SealError where key or context are not those of the wrap. */
export async function unwrapKey(wrappingKey: MessageKey, wrapped: Uint8Array, context: Uint8Array): Promise<DataKey> {
  const bytes = await wrappingKey.open(wrapped, context)
  if (bytes.length !== 32) throw new SealError()
  return new DataKey(bytes)
}

/** Web Crypto has no bare block cipher; the first block of CBC under an IV of zeros is one. */
async function encryptBlock(key: CryptoKey, block: Uint8Array): Promise<Uint8Array> {
  const cbc = { name: 'AES-CBC', iv: new Uint8Array(16) }
  return new Uint8Array(await subtle.encrypt(cbc, key, block)).slice(0, 16)
}
