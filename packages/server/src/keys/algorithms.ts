/** The algorithms that keys are used by, in AWS's names, and what node:crypto calls the parts of each (API reference). */

export type EncryptionAlgorithm = keyof typeof ENCRYPTION_ALGORITHMS
export type SigningAlgorithm = keyof typeof SIGNING_ALGORITHMS
export type MacAlgorithm = keyof typeof MAC_ALGORITHMS
export type KeyAgreementAlgorithm = 'ECDH'
export type Algorithm = EncryptionAlgorithm | SigningAlgorithm | MacAlgorithm | KeyAgreementAlgorithm
/** What the message of Sign and Verify is; EXTERNAL_MU is AWS's for ML-DSA, which node:crypto does not offer. */
export type MessageType = 'RAW' | 'DIGEST'

/** RSAES-OAEP has one hash for label and mask, and no label. */
export const ENCRYPTION_ALGORITHMS = {
  SYMMETRIC_DEFAULT: {},
  RSAES_OAEP_SHA_1: { oaepHash: 'sha1', hashBytes: 20 },
  RSAES_OAEP_SHA_256: { oaepHash: 'sha256', hashBytes: 32 },
} as const
export type OaepAlgorithm = Exclude<EncryptionAlgorithm, 'SYMMETRIC_DEFAULT'>

/** By hash. */
export const MAC_ALGORITHMS = {
  HMAC_SHA_224: 'sha224',
  HMAC_SHA_256: 'sha256',
  HMAC_SHA_384: 'sha384',
  HMAC_SHA_512: 'sha512',
} as const

export type SignatureScheme = 'RSASSA-PSS' | 'RSASSA-PKCS1-v1_5' | 'ECDSA' | 'Ed25519' | 'Ed25519ph' | 'ML-DSA'

export interface SigningFacts {
  readonly scheme: SignatureScheme
  /** Of the message; absent where the scheme has no choice of it. */
  readonly hash?: 'sha256' | 'sha384' | 'sha512'
  readonly messageTypes: readonly MessageType[]
}

const raw = ['RAW'] as const
const rawOrDigest = ['RAW', 'DIGEST'] as const

export const SIGNING_ALGORITHMS = {
  RSASSA_PSS_SHA_256: { scheme: 'RSASSA-PSS', hash: 'sha256', messageTypes: rawOrDigest },
  RSASSA_PSS_SHA_384: { scheme: 'RSASSA-PSS', hash: 'sha384', messageTypes: rawOrDigest },
  RSASSA_PSS_SHA_512: { scheme: 'RSASSA-PSS', hash: 'sha512', messageTypes: rawOrDigest },
  RSASSA_PKCS1_V1_5_SHA_256: { scheme: 'RSASSA-PKCS1-v1_5', hash: 'sha256', messageTypes: rawOrDigest },
  RSASSA_PKCS1_V1_5_SHA_384: { scheme: 'RSASSA-PKCS1-v1_5', hash: 'sha384', messageTypes: rawOrDigest },
  RSASSA_PKCS1_V1_5_SHA_512: { scheme: 'RSASSA-PKCS1-v1_5', hash: 'sha512', messageTypes: rawOrDigest },
  ECDSA_SHA_256: { scheme: 'ECDSA', hash: 'sha256', messageTypes: rawOrDigest },
  ECDSA_SHA_384: { scheme: 'ECDSA', hash: 'sha384', messageTypes: rawOrDigest },
  ECDSA_SHA_512: { scheme: 'ECDSA', hash: 'sha512', messageTypes: rawOrDigest },
  ML_DSA_SHAKE_256: { scheme: 'ML-DSA', messageTypes: raw },
  ED25519_SHA_512: { scheme: 'Ed25519', messageTypes: raw },
  // Hashes once more what it is given, as AWS does (FIPS 186-5, 7.8.1).
  ED25519_PH_SHA_512: { scheme: 'Ed25519ph', hash: 'sha512', messageTypes: ['DIGEST'] },
} as const satisfies Readonly<Record<string, SigningFacts>>

export const signingFacts = (algorithm: SigningAlgorithm): SigningFacts => SIGNING_ALGORITHMS[algorithm]
export const HASH_BYTES = { sha256: 32, sha384: 48, sha512: 64 } as const
