/** What a customer does with a wrapping key, for tests: wraps material under it as the algorithm says. */
import { constants, createCipheriv, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto'

export function wrapMaterial(publicKey: Uint8Array, algorithm: string, material: Uint8Array): Uint8Array {
  const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' })
  const oaepHash = algorithm.endsWith('SHA_1') ? 'sha1' : 'sha256'
  const oaep = (bytes: Uint8Array) => publicEncrypt({ key, oaepHash, padding: constants.RSA_PKCS1_OAEP_PADDING }, bytes)
  if (!algorithm.startsWith('RSA_AES_KEY_WRAP')) return oaep(material)
  const aesKey = randomBytes(32)
  return Buffer.concat([oaep(aesKey), wrapAes(aesKey, material)])
}

/** RFC 5649. */
export function wrapAes(aesKey: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const cipher = createCipheriv(`id-aes${aesKey.length * 8}-wrap-pad`, aesKey, Buffer.from('a65959a6', 'hex'))
  return Buffer.concat([cipher.update(plaintext), cipher.final()])
}
