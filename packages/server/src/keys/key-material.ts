/** Key material: made, wrapped under the root key, opened again and used. */
import { createHash, createHmac, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { MessageKey } from '@strongroom/crypto/node'
import { Fault } from '../core/fault.ts'
import { Recent } from '../core/recent.ts'
import { encryptBlob } from './ciphertext.ts'
import { KEY_SPECS, specOf } from './key-specs.ts'
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
  make(key: Pick<KmsKey, 'arn' | 'keySpec'>, version: number): string {
    const material = randomBytes(KEY_SPECS[specOf(key)].materialBytes)
    const wrapped = this.#wrapping.seal(material, materialContext(key.arn, version))
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
    return this.#remembered(this.#opened, key, version, toMessageKey)
  }

  /** By the only material that an HMAC key has. `hash`: its name for node:crypto. */
  mac(key: KmsKey, hash: string, message: Uint8Array): Uint8Array {
    return createHmac(hash, this.#remembered(this.#macKeys, key, 1, createSecretKey))
      .update(message)
      .digest()
  }

  #remembered<K>(known: Recent<K>, key: KmsKey, version: number, toKey: (material: Uint8Array) => K): K {
    const wrapped = key.material[version - 1]
    if (wrapped === undefined) throw new Fault('KmsCiphertextInvalid', {})
    let opened = known.get(wrapped)
    if (!opened) {
      const material = this.#wrapping.open(Buffer.from(wrapped, 'base64'), materialContext(key.arn, version))
      opened = toKey(material)
      material.fill(0)
      known.set(wrapped, opened)
    }
    return opened
  }
}

const toMessageKey = (material: Uint8Array) => new MessageKey(material)

/** 64 hex digits that name one version of a key's material, and tell nothing of it. */
export function materialId(key: KmsKey, version: number): string {
  return createHash('sha256').update(`${key.arn} material ${version}`).digest('hex')
}

const materialContext = (arn: string, version: number) => Buffer.from(`${arn} material ${version}`)
const MOST_OPENED = 10_000
