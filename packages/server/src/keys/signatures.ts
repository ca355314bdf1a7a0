/** Makes and verifies signatures. Messages go to node:crypto, off the event loop; digests to `digest-signatures.ts`. */
import { constants, type KeyObject, sign, verify } from 'node:crypto'
import { promisify } from 'node:util'
import { Fault } from '../core/fault.ts'
import {
  HASH_BYTES,
  type MessageType,
  type SignatureScheme,
  type SigningAlgorithm,
  signingFacts,
} from './algorithms.ts'
import { DIGEST_SCHEMES } from './digest-signatures.ts'
import { modulusBytes } from './rsa-encoding.ts'

export interface Signed {
  readonly algorithm: SigningAlgorithm
  readonly messageType: MessageType
  readonly message: Uint8Array
}

export async function makeSignature(
  privateKey: KeyObject,
  { algorithm, messageType, message }: Signed,
): Promise<Uint8Array> {
  const { scheme, hash } = signingFacts(algorithm)
  if (messageType === 'RAW') return signRaw(hash, message, { key: privateKey, ...OPTIONS[scheme] })
  return DIGEST_SCHEMES[scheme]!.sign(privateKey, message, hash!)
}

/** Whatever is no signature at all is a wrong one. ECDSA's are in DER. */
export async function isSignature(
  publicKey: KeyObject,
  { algorithm, messageType, message }: Signed,
  signature: Uint8Array,
): Promise<boolean> {
  const { scheme, hash } = signingFacts(algorithm)
  if (publicKey.asymmetricKeyType === 'rsa' && signature.length !== modulusBytes(publicKey)) return false
  if (messageType === 'RAW') return verifyRaw(hash, message, { key: publicKey, ...OPTIONS[scheme] }, signature)
  return DIGEST_SCHEMES[scheme]!.verify(publicKey, message, hash!, signature)
}

/** Throws KmsValidation where the algorithm does not take the message as what it is said to be. */
export function requireSignable({ algorithm, messageType, message }: Signed): void {
  const { hash, messageTypes } = signingFacts(algorithm)
  if (!messageTypes.includes(messageType)) {
    throw new Fault('KmsValidation', {
      message: `MessageType ${messageType} is not valid for algorithm ${algorithm}.`,
    })
  }
  if (messageType === 'DIGEST' && message.length !== HASH_BYTES[hash!]) {
    throw new Fault('KmsValidation', { message: `Digest is invalid length for algorithm ${algorithm}.` })
  }
}

const OPTIONS: { readonly [S in SignatureScheme]?: { readonly padding: number; readonly saltLength?: number } } = {
  'RSASSA-PSS': { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
  'RSASSA-PKCS1-v1_5': { padding: constants.RSA_PKCS1_PADDING },
}

type Hash = string | undefined
type KeyInput = { readonly key: KeyObject; readonly padding?: number; readonly saltLength?: number }
const signRaw = promisify<Hash, Uint8Array, KeyInput, Buffer>(sign)
const verifyRaw = promisify<Hash, Uint8Array, KeyInput, Uint8Array, boolean>(verify)
