/** Key material: made, wrapped under the root key, opened again and used. */
import { createHash, createHmac, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { MessageKey } from '@strongroom/crypto/node'
import { Fault } from '../core/fault.ts'
import { Recent } from '../core/recent.ts'
import { encryptBlob } from './ciphertext.ts'
import type { KmsKey } from './kms-records.ts'
import type { RootKey } from './root-key.ts'

export type EncryptionContext = Readonly<Record<string, string>>

export class KeyMaterial {
  readonly #wrapping: MessageKey
  /** Opened material by its wrapped form. */
  readonly #opened = new Recent<MessageKey>(MOST_OPENED)
  /** The same of HMAC keys. */
  readonly #macKeys = new Recent<KeyObject>(MOST_OPENED)

  constructor(rootKey: RootKey) {
    this.#wrapping = new MessageKey(rootKey.derive('KMS key material'))
  }

  /** New material in its wrapped form, base64. */
  make(arn: string, version: number, bytes: number): string {
    const material = randomBytes(bytes)
    const wrapped = this.#wrapping.seal(material, materialContext(arn, version))
    material.fill(0)
    return Buffer.from(wrapped).toString('base64')
  }

  /** Seals under the newest material of a key. */
  encrypt(key: KmsKey, plaintext: Uint8Array, context: EncryptionContext): Uint8Array {
    const materialVersion = key.material.length
    return encryptBlob(this.open(key, materialVersion), { keyArn: key.arn, materialVersion }, plaintext, context)
  }

  /** Throws Fault KmsCiphertextInvalid where the key has no such version. */
  open(key: KmsKey, version: number): MessageKey {
    const wrapped = key.material[version - 1]
    if (wrapped === undefined) throw new Fault('KmsCiphertextInvalid', {})
    return this.#remembered(this.#opened, wrapped, key.arn, version, (material) => new MessageKey(material))
  }

  /** By the only material that an HMAC key has. `hash`: its name for node:crypto. */
  mac(key: KmsKey, hash: string, message: Uint8Array): Uint8Array {
    const macKey = this.#remembered(this.#macKeys, key.material[0]!, key.arn, 1, createSecretKey)
    return createHmac(hash, macKey).update(message).digest()
  }

  #remembered<K>(
    known: Recent<K>,
    wrapped: string,
    arn: string,
    version: number,
    toKey: (material: Uint8Array) => K,
  ): K {
    let key = known.get(wrapped)
    if (!key) {
      const material = this.#wrapping.open(Buffer.from(wrapped, 'base64'), materialContext(arn, version))
      key = toKey(material)
      material.fill(0)
      known.set(wrapped, key)
    }
    return key
  }
}

/** 64 hex digits that name one version of a key's material, and tell nothing of it. */
export function materialId(key: KmsKey, version: number): string {
  return createHash('sha256').update(`${key.arn} material ${version}`).digest('hex')
}

const materialContext = (arn: string, version: number) => Buffer.from(`${arn} material ${version}`)
const MOST_OPENED = 10_000
