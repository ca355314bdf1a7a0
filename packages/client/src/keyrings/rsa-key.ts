/** An RSA key given as PEM or CryptoKey, for RSA-OAEP with SHA-1. */
import { decodeBase64 } from '../base64.ts'
import { EncryptionError } from '../errors.ts'
import { type CryptoKey, subtle } from '../web-crypto.ts'
import { isCryptoKey } from './opened.ts'

const MIN_MODULUS_BITS = 2048

const KINDS = {
  public: { label: 'PUBLIC KEY', format: 'spki', usage: 'encrypt' },
  private: { label: 'PRIVATE KEY', format: 'pkcs8', usage: 'decrypt' },
} as const

/** What else PEM may hold, by its label, and how it becomes what is wanted. */
const OTHER_PEM: Readonly<Record<string, string>> = {
  'RSA PRIVATE KEY': 'is PKCS#1; `openssl pkcs8 -topk8 -nocrypt` makes PKCS#8 of it',
  'RSA PUBLIC KEY': 'is PKCS#1; `openssl rsa -RSAPublicKey_in -pubout` makes SPKI of it',
  'ENCRYPTED PRIVATE KEY': 'is encrypted; `openssl pkcs8` opens it',
  CERTIFICATE: 'is a certificate; `openssl x509 -pubkey -noout` gives its public key',
}

/**
 * The key, imported at its first use. Throws EncryptionError InvalidConfiguration at once where it cannot be one, and
 * rejects with it where it is no RSA key of 2048 bits or more.
 */
export function rsaKey(kind: keyof typeof KINDS, key: string | CryptoKey): () => Promise<CryptoKey> {
  if (typeof key !== 'string') {
    requireRsa(kind, key)
    return async () => key
  }
  const bytes = pemBytes(kind, key)
  let imported: Promise<CryptoKey> | undefined
  return () => {
    imported ??= importRsa(kind, bytes)
    return imported
  }
}

function pemBytes(kind: keyof typeof KINDS, pem: string): Uint8Array {
  const [, label, body] = /^\s*-----BEGIN ([A-Z\d ]+)-----([\s\S]*)-----END \1-----\s*$/.exec(pem) ?? []
  if (label === undefined || body === undefined) throw invalid(kind, 'is not PEM')
  if (label !== KINDS[kind].label) throw invalid(kind, OTHER_PEM[label] ?? `is labelled ${label}`)
  try {
    return decodeBase64(body.replaceAll(/\s/g, ''))
  } catch {
    throw invalid(kind, 'is not PEM')
  }
}

async function importRsa(kind: keyof typeof KINDS, bytes: Uint8Array): Promise<CryptoKey> {
  const { format, usage } = KINDS[kind]
  let key: CryptoKey
  try {
    key = await subtle.importKey(format, bytes, { name: 'RSA-OAEP', hash: 'SHA-1' }, false, [usage])
  } catch {
    // What the platform says of it is not the same anywhere, and may speak of the key.
    throw invalid(kind, 'is not a key of RSA')
  }
  requireRsa(kind, key)
  return key
}

function requireRsa(kind: keyof typeof KINDS, key: CryptoKey): void {
  if (!isCryptoKey(key)) throw invalid(kind, 'is neither PEM nor a CryptoKey')
  const { name, hash, modulusLength } = key.algorithm as RsaHashedKeyAlgorithm
  if (name !== 'RSA-OAEP' || hash.name !== 'SHA-1' || !key.usages.includes(KINDS[kind].usage))
    throw invalid(kind, `is not for ${KINDS[kind].usage} of RSA-OAEP with SHA-1`)
  if (modulusLength < MIN_MODULUS_BITS) throw invalid(kind, `has fewer than ${MIN_MODULUS_BITS} bits`)
}

const invalid = (kind: string, what: string) =>
  new EncryptionError('InvalidConfiguration', `the RSA ${kind} key ${what}`)
