/**
 * The encodings of RFC 8017, section 9, for digests that were made elsewhere: node:crypto encodes only what it hashes
 * itself. Values in, bytes out; the RSA operation itself is node:crypto's.
 */
import { createHash, type KeyObject, timingSafeEqual } from 'node:crypto'
import { HASH_BYTES } from './algorithms.ts'

/** Of signatures and ciphertexts; OpenSSL also takes shorter ones, whose first bytes were 0 (RFC 8017, 7.1.2 and 8.1.2, forbids it). */
export const modulusBytes = (key: KeyObject) => key.asymmetricKeyDetails!.modulusLength! / 8

export type SignatureHash = keyof typeof HASH_BYTES

/** EMSA-PKCS1-v1_5 (9.2). */
export function encodePkcs1(digest: Uint8Array, hash: SignatureHash, encodedBytes: number): Buffer {
  const info = Buffer.concat([DIGEST_INFO[hash], digest])
  const padding = Buffer.alloc(encodedBytes - info.length - 3, 0xff)
  return Buffer.concat([Buffer.from([0, 1]), padding, Buffer.from([0]), info])
}

/** EMSA-PSS (9.1.1), for a modulus whose bits fill its bytes; mask by MGF1 with the same hash. */
export function encodePss(digest: Uint8Array, hash: SignatureHash, encodedBytes: number, salt: Uint8Array): Buffer {
  const check = pssCheck(digest, hash, salt)
  const block = Buffer.alloc(encodedBytes - check.length - 1)
  block[block.length - salt.length - 1] = 1
  block.set(salt, block.length - salt.length)
  const masked = xor(block, mgf1(check, hash, block.length))
  masked[0]! &= 0x7f
  return Buffer.concat([masked, check, Buffer.from([TRAILER])])
}

/** EMSA-PSS-VERIFY (9.1.2), with a salt as long as the hash. */
export function isPss(encoded: Uint8Array, digest: Uint8Array, hash: SignatureHash): boolean {
  const hashBytes = HASH_BYTES[hash]
  const blockBytes = encoded.length - hashBytes - 1
  if (encoded.at(-1) !== TRAILER || encoded[0]! & 0x80) return false
  const check = encoded.subarray(blockBytes, -1)
  const block = xor(encoded.subarray(0, blockBytes), mgf1(check, hash, blockBytes))
  block[0]! &= 0x7f
  const saltAt = blockBytes - hashBytes
  if (block[saltAt - 1] !== 1 || block.subarray(0, saltAt - 1).some((byte) => byte !== 0)) return false
  return timingSafeEqual(check, pssCheck(digest, hash, block.subarray(saltAt)))
}

const pssCheck = (digest: Uint8Array, hash: SignatureHash, salt: Uint8Array) =>
  createHash(hash).update(Buffer.alloc(8)).update(digest).update(salt).digest()

function mgf1(seed: Uint8Array, hash: SignatureHash, bytes: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(bytes / HASH_BYTES[hash]) }, (_, index) => {
    const counter = Buffer.alloc(4)
    counter.writeUInt32BE(index)
    return createHash(hash).update(seed).update(counter).digest()
  })
  return Buffer.concat(blocks).subarray(0, bytes)
}

const xor = (a: Uint8Array, b: Uint8Array) => Buffer.from(a.map((byte, index) => byte ^ b[index]!))
const TRAILER = 0xbc
/** What stands before the digest in DER (9.2, note 1). */
const DIGEST_INFO: Readonly<Record<SignatureHash, Buffer>> = {
  sha256: Buffer.from('3031300d060960864801650304020105000420', 'hex'),
  sha384: Buffer.from('3041300d060960864801650304020205000430', 'hex'),
  sha512: Buffer.from('3051300d060960864801650304020305000440', 'hex'),
}
