/** The members of KeyMetadata and GetPublicKey's reply that say what a key is for. */
import { algorithmsOf, type KeyUsage, specOf, usageOf } from '../keys/key-specs.ts'
import type { KmsKey } from '../keys/kms-records.ts'

export function keyKind(key: KmsKey): Record<string, unknown> {
  const spec = specOf(key)
  return {
    KeyUsage: usageOf(key),
    CustomerMasterKeySpec: spec,
    KeySpec: spec,
    [ALGORITHMS_MEMBER[usageOf(key)]]: algorithmsOf(key),
  }
}

const ALGORITHMS_MEMBER: Readonly<Record<KeyUsage, string>> = {
  ENCRYPT_DECRYPT: 'EncryptionAlgorithms',
  SIGN_VERIFY: 'SigningAlgorithms',
  GENERATE_VERIFY_MAC: 'MacAlgorithms',
  KEY_AGREEMENT: 'KeyAgreementAlgorithms',
}
