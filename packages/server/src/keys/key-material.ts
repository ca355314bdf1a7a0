/** Key material: made, wrapped under the root key, opened again and used. */
import { createHash } from 'node:crypto'
import { generateDataKey, MessageKey, unwrapKey, wrapKey } from '@strongroom/crypto/node'
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

  constructor(rootKey: RootKey) {
    this.#wrapping = new MessageKey(rootKey.derive('KMS key material'))
  }

  /** New material in its wrapped form, base64. */
  make(arn: string, version: number): string {
    const wrapped = wrapKey(this.#wrapping, generateDataKey(), materialContext(arn, version))
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
    let opened = this.#opened.get(wrapped)
    if (!opened) {
      const material = unwrapKey(this.#wrapping, Buffer.from(wrapped, 'base64'), materialContext(key.arn, version))
      opened = new MessageKey(material.bytes())
      material.wipe()
      this.#opened.set(wrapped, opened)
    }
    return opened
  }
}

/** 64 hex digits that name one version of a key's material, and tell nothing of it. */
export function materialId(key: KmsKey, version: number): string {
  return createHash('sha256').update(`${key.arn} material ${version}`).digest('hex')
}

const materialContext = (arn: string, version: number) => Buffer.from(`${arn} material ${version}`)
const MOST_OPENED = 10_000
