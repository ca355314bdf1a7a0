/**
 * Signatures of digests that were made elsewhere, which node:crypto makes for no scheme. RSA: our encoding, its operation.
 * ECDSA and Ed25519ph: @noble/curves (docs/decisions/0007-asymmetric-keys.md).
 */
import { constants, type KeyObject, privateEncrypt, publicDecrypt, randomBytes, timingSafeEqual } from 'node:crypto'
import { ed25519ph } from '@noble/curves/ed25519.js'
import { p256, p384, p521 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { HASH_BYTES, type SignatureScheme } from './algorithms.ts'
import { encodePkcs1, encodePss, isPss, modulusBytes, type SignatureHash } from './rsa-encoding.ts'

export interface DigestScheme {
  sign(privateKey: KeyObject, digest: Uint8Array, hash: SignatureHash): Uint8Array
  verify(publicKey: KeyObject, digest: Uint8Array, hash: SignatureHash, signature: Uint8Array): boolean
}

const rsaPss: DigestScheme = {
  sign(key, digest, hash) {
    return rsaPrivate(key, encodePss(digest, hash, modulusBytes(key), randomBytes(HASH_BYTES[hash])))
  },
  verify(key, digest, hash, signature) {
    const encoded = rsaPublic(key, signature)
    return encoded !== undefined && isPss(encoded, digest, hash)
  },
}

const rsaPkcs1: DigestScheme = {
  sign: (key, digest, hash) => rsaPrivate(key, encodePkcs1(digest, hash, modulusBytes(key))),
  verify(key, digest, hash, signature) {
    const encoded = rsaPublic(key, signature)
    return encoded !== undefined && timingSafeEqual(encoded, encodePkcs1(digest, hash, modulusBytes(key)))
  },
}

const ecdsa: DigestScheme = {
  sign: (key, digest) => signEcdsa(key, digest, randomBytes(32)),
  verify(key, digest, _, signature) {
    const curve = curveOf(key)
    const spki = key.export({ type: 'spki', format: 'der' })
    try {
      const point = spki.subarray(-curve.lengths.publicKeyUncompressed!)
      return curve.verify(signature, digest, point, { prehash: false, lowS: false, format: 'der' })
    } catch {
      return false
    }
  },
}

/** Nonces as RFC 6979 has them, with fresh bytes mixed in (its section 3.6), against faults; `false` leaves those out. */
export function signEcdsa(key: KeyObject, digest: Uint8Array, extraEntropy: Uint8Array | false): Uint8Array {
  const curve = curveOf(key)
  const sec1 = key.export({ type: 'sec1', format: 'der' })
  // SEQUENCE { INTEGER 1, OCTET STRING scalar, … } (RFC 5915); the length of the whole takes one byte or two.
  const scalarAt = sec1[1]! < 0x80 ? 7 : 8
  const scalar = sec1.subarray(scalarAt, scalarAt + curve.lengths.secretKey!)
  try {
    return curve.sign(digest, scalar, { prehash: false, lowS: false, format: 'der', extraEntropy })
  } finally {
    sec1.fill(0)
  }
}

const ed25519Hashed: DigestScheme = {
  sign(key, digest) {
    const pkcs8 = key.export({ type: 'pkcs8', format: 'der' })
    try {
      return ed25519ph.sign(digest, pkcs8.subarray(-ED25519_BYTES))
    } finally {
      pkcs8.fill(0)
    }
  },
  verify(key, digest, _, signature) {
    const point = key.export({ type: 'spki', format: 'der' }).subarray(-ED25519_BYTES)
    try {
      return ed25519ph.verify(signature, digest, point, { zip215: false })
    } catch {
      return false
    }
  },
}

export const DIGEST_SCHEMES: { readonly [S in SignatureScheme]?: DigestScheme } = {
  'RSASSA-PSS': rsaPss,
  'RSASSA-PKCS1-v1_5': rsaPkcs1,
  ECDSA: ecdsa,
  Ed25519ph: ed25519Hashed,
}

const rsaPrivate = (key: KeyObject, encoded: Uint8Array) =>
  privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, encoded)

/** Undefined for what is none. */
function rsaPublic(key: KeyObject, signature: Uint8Array): Uint8Array | undefined {
  try {
    return publicDecrypt({ key, padding: constants.RSA_NO_PADDING }, signature)
  } catch {
    return undefined
  }
}

const CURVES = { prime256v1: p256, secp384r1: p384, secp521r1: p521, secp256k1 }
const curveOf = (key: KeyObject) => CURVES[key.asymmetricKeyDetails!.namedCurve as keyof typeof CURVES]
/** Of seed and point, which stand last in their encodings. */
const ED25519_BYTES = 32
