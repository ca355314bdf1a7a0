/** Which bytes can be the material of a key: a secret of one length, or a private key of one kind (PKCS #8, DER). */
import { type KeyObject, sign, verify } from 'node:crypto'
import { Fault, isFault } from '../core/fault.ts'
import { readPair } from './asymmetric-material.ts'
import { materialOf, type PairFacts, specOf } from './key-specs.ts'
import type { KmsKey } from './kms-records.ts'

/**
 * By what material is known again: the secret itself, or the public key of a pair, however the private one was encoded.
 * Throws KmsMaterialIncorrect where the key cannot have it, and KmsUnsupported as `readPair`.
 */
export function identityOf(key: KmsKey, bytes: Uint8Array): Uint8Array {
  const facts = materialOf(key)
  if (facts.kind === 'pair') {
    const publicKey = publicKeyOf(bytes, facts)
    if (publicKey) return publicKey.export({ type: 'spki', format: 'der' })
    throw new Fault('KmsMaterialIncorrect', { message: `The key material is no private key of ${specOf(key)}.` })
  }
  if (bytes.length === facts.bytes) return bytes
  throw new Fault('KmsMaterialIncorrect', {
    message: `The key material has ${bytes.length} bytes, where ${specOf(key)} has ${facts.bytes}.`,
  })
}

/** Undefined where it is no private key, one of another kind, or one that does not fit the public key beside it. */
function publicKeyOf(bytes: Uint8Array, facts: PairFacts): KeyObject | undefined {
  try {
    const { privateKey, publicKey } = readPair(bytes, facts)
    if (!isOf(privateKey, facts)) return undefined
    const isWhole = verify(DIGEST[facts.type], PROBE, publicKey, sign(DIGEST[facts.type], PROBE, privateKey))
    return isWhole ? publicKey : undefined
  } catch (error) {
    if (isFault(error)) throw error
    return undefined
  }
}

function isOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject, { type, options }: PairFacts): boolean {
  const details: Readonly<Record<string, unknown>> = { ...asymmetricKeyDetails }
  return asymmetricKeyType === type && Object.entries(options ?? {}).every(([name, value]) => details[name] === value)
}

const PROBE = Buffer.from('strongroom')
/** Kinds without one here have theirs built in. */
const DIGEST: { readonly [T in PairFacts['type']]?: string } = { rsa: 'sha256', ec: 'sha256' }
