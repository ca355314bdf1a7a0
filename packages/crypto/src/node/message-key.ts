/**
 * XAES-256-GCM (C2SP, c2sp.org/XAES-256-GCM): AES-256-GCM whose key is derived for each message from half of a random
 * 24-byte nonce, so that one long-lived key may seal any number of messages.
 */
import { type Cipher, createCipheriv, createSecretKey } from 'node:crypto'
import { DataKey } from '../data-key.ts'
import { SealError } from '../errors.ts'
import { TAG_BYTES } from '../format.ts'
import { NONCE_BYTES, nonceBlocks, subkeyOf } from '../xaes.ts'
import { openGcm, sealGcm } from './gcm.ts'
import { freshBytes } from './random.ts'

export class MessageKey {
  /** Encrypts single blocks; without chaining it can go on for ever. */
  readonly #blocks: Cipher
  /** CMAC's first subkey, the only part of the derivation that does not depend on the nonce. */
  readonly #subkey: Uint8Array

  /** `key`: 32 bytes; copied. */
  constructor(key: Uint8Array) {
    if (key.length !== 32) throw new RangeError('a message key is 32 bytes')
    this.#blocks = createCipheriv('aes-256-ecb', createSecretKey(key), null).setAutoPadding(false)
    this.#subkey = subkeyOf(this.#blocks.update(new Uint8Array(16)))
  }

  /** 24 bytes nonce, ciphertext, 16 bytes tag. */
  seal(plaintext: Uint8Array, associatedData: Uint8Array): Uint8Array {
    return this.sealWith(freshBytes(NONCE_BYTES), plaintext, associatedData)
  }

  /** As `seal` with a given nonce, which must never be used twice: for known answers only. */
  private sealWith(nonce: Uint8Array, plaintext: Uint8Array, associatedData: Uint8Array): Uint8Array {
    const [ciphertext, tag] = sealGcm(this.#derive(nonce), nonce.subarray(12), [plaintext], associatedData)
    const out = new Uint8Array(NONCE_BYTES + plaintext.length + TAG_BYTES)
    out.set(nonce)
    out.set(ciphertext!, NONCE_BYTES)
    out.set(tag!, NONCE_BYTES + plaintext.length)
    return out
  }

  /** Throws SealError where the message is not one that this key sealed with this associated data. */
  open(sealed: Uint8Array, associatedData: Uint8Array): Uint8Array {
    if (sealed.length < NONCE_BYTES + TAG_BYTES) throw new SealError()
    const nonce = sealed.subarray(12, NONCE_BYTES)
    return openGcm(this.#derive(sealed), nonce, sealed.subarray(NONCE_BYTES), associatedData)
  }

  #derive(nonce: Uint8Array): Uint8Array {
    return this.#blocks.update(nonceBlocks(nonce, this.#subkey))
  }

  toJSON(): string {
    return 'MessageKey(…)'
  }
}

/** Wraps a data key: 24 + 32 + 16 bytes, bound to `context` (an `encodeContext`). */
export function wrapKey(wrappingKey: MessageKey, dataKey: DataKey, context: Uint8Array): Uint8Array {
  return wrappingKey.seal(dataKey.bytes(), context)
}

/** Throws SealError where key or context are not those of the wrap. */
export function unwrapKey(wrappingKey: MessageKey, wrapped: Uint8Array, context: Uint8Array): DataKey {
  const bytes = wrappingKey.open(wrapped, context)
  if (bytes.length !== 32) throw new SealError()
  return new DataKey(bytes)
}
