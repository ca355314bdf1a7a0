/** What is done with pairs besides signing and encryption: public keys told, pairs made as data keys, secrets agreed on. */
import { Fault } from '../core/fault.ts'
import type { CallContext } from '../policy/call.ts'
import type { KeyAgreementAlgorithm } from './algorithms.ts'
import { generatePair } from './asymmetric-material.ts'
import { type KeyOrigin, originOf } from './imported-material.ts'
import { sharedSecret } from './key-agreement.ts'
import { type EncryptionContext, type KeyMaterial, materialId } from './key-material.ts'
import { type DataKeyPairSpec, KEY_SPECS, requireAlgorithm, specOf } from './key-specs.ts'
import type { UsableKey } from './key-state.ts'
import type { KmsKey } from './kms-records.ts'

export interface DataKeyPairRequest {
  readonly keyId: string
  readonly keyPairSpec: DataKeyPairSpec
  readonly encryptionContext: EncryptionContext
  readonly dryRun: boolean
}

export interface DataKeyPair {
  /** PKCS #8 in DER, to be wiped; also under the key, as data keys are. */
  readonly privateKey: Uint8Array
  readonly privateKeyCiphertext: Uint8Array
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Uint8Array
  readonly keyArn: string
  readonly keyMaterialId: string
}

export interface AgreementRequest {
  readonly keyId: string
  readonly algorithm: KeyAgreementAlgorithm
  /** Of the other side; SubjectPublicKeyInfo in DER. */
  readonly publicKey: Uint8Array
  readonly dryRun: boolean
}

export class KeyPairs {
  readonly #usable: UsableKey
  readonly #material: KeyMaterial

  constructor(usable: UsableKey, material: KeyMaterial) {
    this.#usable = usable
    this.#material = material
  }

  /** SubjectPublicKeyInfo in DER. */
  async publicKey(call: CallContext, keyId: string): Promise<{ key: KmsKey; publicKey: Uint8Array }> {
    const key = await this.#usable(call, keyId, { action: 'kms:GetPublicKey' })
    return { key, publicKey: this.#material.pair(key).publicKey.export({ type: 'spki', format: 'der' }) }
  }

  async generateDataKeyPair(
    call: CallContext,
    { keyId, keyPairSpec, encryptionContext, dryRun }: DataKeyPairRequest,
    action: 'kms:GenerateDataKeyPair' | 'kms:GenerateDataKeyPairWithoutPlaintext',
  ): Promise<DataKeyPair> {
    const key = await this.#usable(call, keyId, { action, keyPairSpec, encryptionContext })
    if (dryRun) throw new Fault('KmsDryRun', {})
    const { material } = KEY_SPECS[keyPairSpec]
    if (material.kind !== 'pair') throw new Error(`${keyPairSpec} is no pair`)
    const { privateKey, publicKey } = await generatePair(material)
    return {
      privateKey,
      privateKeyCiphertext: this.#material.encrypt(key, privateKey, encryptionContext),
      publicKey,
      keyArn: key.arn,
      keyMaterialId: materialId(key, key.material.length),
    }
  }

  /** Throws KmsValidation for a public key of another curve, or none. */
  async deriveSharedSecret(
    call: CallContext,
    { keyId, algorithm, publicKey, dryRun }: AgreementRequest,
  ): Promise<{ sharedSecret: Uint8Array; keyArn: string; keyOrigin: KeyOrigin }> {
    const use = { action: 'kms:DeriveSharedSecret', keyAgreementAlgorithm: algorithm } as const
    const key = await this.#usable(call, keyId, use)
    requireAlgorithm(key, algorithm)
    const secret = sharedSecret(this.#material.pair(key).privateKey, publicKey)
    if (!secret) {
      throw new Fault('KmsValidation', { message: `The public key is not valid for key spec ${specOf(key)}.` })
    }
    if (dryRun) throw new Fault('KmsDryRun', {})
    return { sharedSecret: secret, keyArn: key.arn, keyOrigin: originOf(key) }
  }
}
