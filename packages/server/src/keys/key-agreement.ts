/** ECDH: the secret that two sides come to, each with its private key and the other's public one. */
import { createPublicKey, diffieHellman, type KeyObject } from 'node:crypto'

/**
 * The x-coordinate of the shared point, as it is (SEC 1, 3.3.1). `publicKey`: SubjectPublicKeyInfo in DER. Undefined where
 * that is no point of the private key's curve; OpenSSL looks whether it is on it.
 */
export function sharedSecret(privateKey: KeyObject, publicKey: Uint8Array): Uint8Array | undefined {
  const peer = readPublicKey(publicKey)
  const curve = peer?.asymmetricKeyDetails?.namedCurve
  if (!peer || curve === undefined || curve !== privateKey.asymmetricKeyDetails?.namedCurve) return undefined
  return diffieHellman({ privateKey, publicKey: peer })
}

function readPublicKey(spki: Uint8Array): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  } catch {
    return undefined
  }
}
