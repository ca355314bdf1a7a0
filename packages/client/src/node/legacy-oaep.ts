/** RSA-OAEP with SHA-256 and, as Java's default has it, mask generation with SHA-1. Node.js has one hash for both. */
import { constants, createHash, KeyObject, privateDecrypt } from 'node:crypto'
import { EncryptionError } from '../errors.ts'

const HASH_BYTES = 32
const EMPTY_LABEL_HASH = createHash('sha256').digest()

/**
 * The message, for `rawRsaKeyring`'s option of this name. Rejects with EncryptionError DataKeyNotOpened. Decoding is
 * RFC 8017, 7.1.2, step 3: everything is computed and only then judged, by one bit, since to tell apart what was wrong
 * would let an attacker decrypt (Manger, CRYPTO 2001).
 */
export async function legacyOaep(privateKey: CryptoKey, wrapped: Uint8Array): Promise<Uint8Array> {
  const block = rawDecrypt(privateKey, wrapped)
  const seed = block.subarray(1, 1 + HASH_BYTES)
  const data = block.subarray(1 + HASH_BYTES)
  addMask(seed, data)
  addMask(data, seed)

  // From here on no branch and no index depends on what was decrypted, until `wrong` is whole.
  let wrong = block[0]!
  for (let i = 0; i < HASH_BYTES; i++) wrong |= data[i]! ^ EMPTY_LABEL_HASH[i]!
  let searching = 1
  let start = 0
  for (let i = HASH_BYTES; i < data.length; i++) {
    const isOne = isZero(data[i]! ^ 1)
    start += (searching & isOne) * (i + 1)
    wrong |= searching & ~(isOne | isZero(data[i]!)) & 1
    searching &= ~isOne
  }
  wrong |= searching
  const message = Uint8Array.from(data.subarray(start))
  block.fill(0)
  if (wrong === 0) return message
  message.fill(0)
  throw new EncryptionError('DataKeyNotOpened')
}

/** The RSA operation alone; the block is as long as the modulus. */
function rawDecrypt(privateKey: CryptoKey, wrapped: Uint8Array): Uint8Array {
  const { modulusLength } = privateKey.algorithm as RsaHashedKeyAlgorithm
  if (wrapped.length !== modulusLength / 8) throw new EncryptionError('DataKeyNotOpened')
  const key = { key: KeyObject.from(privateKey as never), padding: constants.RSA_NO_PADDING }
  try {
    return privateDecrypt(key, wrapped)
  } catch {
    // Only a number beyond the modulus fails here, and whoever sent it knows that it is.
    throw new EncryptionError('DataKeyNotOpened')
  }
}

/** Adds MGF1 (RFC 8017, B.2.1) with SHA-1 of `seed` onto `target`. */
function addMask(target: Uint8Array, seed: Uint8Array): void {
  const counter = new Uint8Array(4)
  for (let at = 0; at < target.length; at += 20) {
    counter[2] = (at / 20) >> 8
    counter[3] = (at / 20) & 0xff
    const mask = createHash('sha1').update(seed).update(counter).digest()
    for (let i = 0; i < 20 && at + i < target.length; i++) target[at + i]! ^= mask[i]!
  }
}

/** 1 for 0, and 0 for any other byte. */
const isZero = (byte: number) => ((byte - 1) >>> 8) & 1
