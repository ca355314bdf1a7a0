/**
 * Keys under which material comes in, and how it is taken out of its wrap (developer guide, "Importing key material",
 * RFC 8017 for RSAES-OAEP, RFC 5649 for AES key wrap with padding).
 */
import { constants, createDecipheriv, createPrivateKey, type KeyObject, privateDecrypt } from 'node:crypto'
import { Fault } from '../core/fault.ts'
import { type EncodedPair, generatePair } from './asymmetric-material.ts'
import { KEY_SPECS, type PairFacts } from './key-specs.ts'

export const WRAPPING_KEY_SPECS = ['RSA_2048', 'RSA_3072', 'RSA_4096'] as const
export type WrappingKeySpec = (typeof WRAPPING_KEY_SPECS)[number]

/** `viaAes`: the RSA key wraps an AES key, which stands first, and that one the material. */
export const WRAPPING_ALGORITHMS = {
  RSAES_OAEP_SHA_1: { oaepHash: 'sha1', viaAes: false },
  RSAES_OAEP_SHA_256: { oaepHash: 'sha256', viaAes: false },
  RSA_AES_KEY_WRAP_SHA_1: { oaepHash: 'sha1', viaAes: true },
  RSA_AES_KEY_WRAP_SHA_256: { oaepHash: 'sha256', viaAes: true },
} as const
export type WrappingAlgorithm = keyof typeof WRAPPING_ALGORITHMS

/** A fresh pair; the private key is to be wiped. */
export const makeWrappingKey = (spec: WrappingKeySpec): Promise<EncodedPair> =>
  generatePair(KEY_SPECS[spec].material as PairFacts)

/** Throws KmsCiphertextInvalid, whatever it is that does not fit. */
export function unwrapMaterial(privateKey: Uint8Array, algorithm: WrappingAlgorithm, wrapped: Uint8Array): Uint8Array {
  const { oaepHash, viaAes } = WRAPPING_ALGORITHMS[algorithm]
  const key = createPrivateKey({
    key: Buffer.from(privateKey.buffer, privateKey.byteOffset, privateKey.length),
    format: 'der',
    type: 'pkcs8',
  })
  const rsaBytes = key.asymmetricKeyDetails!.modulusLength! / 8
  try {
    // OpenSSL also takes a shorter one; RFC 8017, section 7.1.2, does not.
    if (viaAes ? wrapped.length < rsaBytes : wrapped.length !== rsaBytes) throw new RangeError('not a wrap')
    const inner = openOaep(key, oaepHash, wrapped.subarray(0, rsaBytes))
    if (!viaAes) return inner
    const material = unwrapAes(inner, wrapped.subarray(rsaBytes))
    inner.fill(0)
    return material
  } catch (error) {
    throw new Fault('KmsCiphertextInvalid', {}, { cause: error })
  }
}

function openOaep(key: KeyObject, oaepHash: string, ciphertext: Uint8Array): Uint8Array {
  return privateDecrypt({ key, oaepHash, padding: constants.RSA_PKCS1_OAEP_PADDING }, ciphertext)
}

/** AES key wrap with padding (RFC 5649) under a key of any AES length. Throws where it does not authenticate. */
export function unwrapAes(wrappingKey: Uint8Array, wrapped: Uint8Array): Uint8Array {
  // OpenSSL makes nothing of nothing, without a word.
  if (wrapped.length < SHORTEST_WRAP) throw new RangeError('not a wrap')
  const decipher = createDecipheriv(`id-aes${wrappingKey.length * 8}-wrap-pad`, wrappingKey, ALTERNATIVE_IV)
  return Buffer.concat([decipher.update(wrapped), decipher.final()])
}

/** RFC 5649, section 3; the length of the plaintext follows it. */
const ALTERNATIVE_IV = Buffer.from('a65959a6', 'hex')
const SHORTEST_WRAP = 16
