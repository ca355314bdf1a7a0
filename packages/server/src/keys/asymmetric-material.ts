/** Key pairs: made, and read again from the form in which they are kept, PKCS #8 in DER. */
import { createPrivateKey, createPublicKey, generateKeyPair, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { Fault } from '../core/fault.ts'
import type { PairFacts } from './key-specs.ts'

export interface KeyPair {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

/** DER: PKCS #8 and SubjectPublicKeyInfo. */
export interface EncodedPair {
  /** To be wiped by whoever has it. */
  readonly privateKey: Buffer
  readonly publicKey: Buffer
}

/**
 * Off the event loop, since RSA takes up to seconds, and one at a time, since disk and TLS need the same few threads.
 * Throws KmsUnsupported where this Node.js does not offer the kind.
 */
export function generatePair(facts: PairFacts): Promise<EncodedPair> {
  requireOffered(facts)
  const made = lastMade.then(() =>
    generate(facts.type, {
      ...facts.options,
      publicKeyEncoding: { type: 'spki', format: 'der' },
      privateKeyEncoding: { type: 'pkcs8', format: 'der' },
    }),
  )
  lastMade = made.catch(() => undefined)
  return made
}

let lastMade: Promise<unknown> = Promise.resolve()

/** Throws KmsUnsupported, also where the pair was made under a Node.js that offered more. */
export function readPair(pkcs8: Uint8Array, facts: PairFacts): KeyPair {
  requireOffered(facts)
  const key = Buffer.from(pkcs8.buffer, pkcs8.byteOffset, pkcs8.length)
  const privateKey = createPrivateKey({ key, format: 'der', type: 'pkcs8' })
  return { privateKey, publicKey: createPublicKey(privateKey) }
}

/** Throws KmsUnsupported for ML-DSA where Node.js has none; it came with OpenSSL 3.5, in Node.js 24. */
function requireOffered({ type }: PairFacts): void {
  if (!type.startsWith('ml-dsa')) return
  hasMlDsa ??= offers(type)
  if (hasMlDsa) return
  throw new Fault('KmsUnsupported', {
    message: `ML-DSA needs a Node.js that offers it (24.6 or newer); this server runs on ${process.version}.`,
  })
}

/** Asked once; a pair takes less than a millisecond. */
let hasMlDsa: boolean | undefined

function offers(type: string): boolean {
  try {
    generateSync(type)
    return true
  } catch {
    return false
  }
}

/** The types of this Node.js know fewer kinds than newer ones offer. */
const generate = promisify(generateKeyPair) as unknown as (type: string, options: object) => Promise<EncodedPair>
const generateSync = generateKeyPairSync as unknown as (type: string) => unknown
