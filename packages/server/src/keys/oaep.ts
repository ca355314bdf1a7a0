/**
 * Encryption by asymmetric keys, RSAES-OAEP. Anybody could have made a ciphertext with the public key, so it names no key
 * and has no encryption context.
 */
import { constants, privateDecrypt, publicEncrypt } from 'node:crypto'
import { Fault } from '../core/fault.ts'
import { ENCRYPTION_ALGORITHMS, type OaepAlgorithm } from './algorithms.ts'
import type { KeyPair } from './asymmetric-material.ts'
import { specOf } from './key-specs.ts'
import type { KmsKey } from './kms-records.ts'
import { modulusBytes } from './rsa-encoding.ts'

/** Throws KmsValidation where the plaintext is longer than a ciphertext can hold. */
export function oaepEncrypt(key: KmsKey, { publicKey }: KeyPair, algorithm: OaepAlgorithm, plaintext: Uint8Array) {
  const most = modulusBytes(publicKey) - 2 * ENCRYPTION_ALGORITHMS[algorithm].hashBytes - 2
  if (plaintext.length > most) {
    throw new Fault('KmsValidation', {
      message: `Algorithm ${algorithm} and key spec ${specOf(key)} cannot encrypt data larger than ${most} bytes.`,
    })
  }
  return publicEncrypt({ key: publicKey, ...padding(algorithm) }, plaintext)
}

/** Throws KmsCiphertextInvalid, whatever is wrong. */
export function oaepDecrypt({ privateKey }: KeyPair, algorithm: OaepAlgorithm, ciphertext: Uint8Array): Uint8Array {
  if (ciphertext.length !== modulusBytes(privateKey)) throw new Fault('KmsCiphertextInvalid', {})
  try {
    return privateDecrypt({ key: privateKey, ...padding(algorithm) }, ciphertext)
  } catch (error) {
    throw new Fault('KmsCiphertextInvalid', {}, { cause: error })
  }
}

/** Throws KmsValidation. */
export function requireNoContext(context: Readonly<Record<string, string>>, algorithm: OaepAlgorithm): void {
  if (Object.keys(context).length === 0) return
  throw new Fault('KmsValidation', { message: `An encryption context is not supported with algorithm ${algorithm}.` })
}

/** Throws KmsValidation: what names no key cannot be decrypted without being told of one. */
export function requireKeyId(keyId: string | undefined, algorithm: OaepAlgorithm): string {
  if (keyId !== undefined) return keyId
  throw new Fault('KmsValidation', { message: `A key ID is required with algorithm ${algorithm}.` })
}

const padding = (algorithm: OaepAlgorithm) => ({
  padding: constants.RSA_PKCS1_OAEP_PADDING,
  oaepHash: ENCRYPTION_ALGORITHMS[algorithm].oaepHash,
})
