/**
 * What content may be encrypted with, and what data keys may be wrapped with. Sources: the S3 Encryption Client's
 * specification (awslabs/aws-encryption-sdk-specification, s3-encryption/), docs/formats/client-sealed-object.md.
 */

/** What content is encrypted with, by the text that is bound into each wrap of its data key. */
export type ContentAlgorithm = keyof typeof CONTENT_ALGORITHMS

/**
 * By the text that is bound into each wrap of a data key (`cek-alg`; for KMS the context's `aws:x-amz-cek-alg`).
 * `commits`: a reader can tell that the key is the writer's. `authenticates`: a changed body does not open.
 */
export const CONTENT_ALGORITHMS = {
  /** Format V3: AES-256-GCM under a key derived by HKDF-SHA-512, with a commitment. */
  '115': { format: 'V3', commits: true, authenticates: true, keyBytes: 32 },
  /** Format V2: AES-256-GCM under the data key itself. */
  'AES/GCM/NoPadding': { format: 'V2', commits: false, authenticates: true, keyBytes: 32 },
  /** Formats V1 and, rarely, V2: read only. */
  'AES/CBC/PKCS5Padding': { format: 'V1', commits: false, authenticates: false, keyBytes: 32 },
  /** Strongroom's sealed stream, version 1. */
  'strongroom/sealed/1': { format: 'sealed', commits: true, authenticates: true, keyBytes: 32 },
} as const

/** What data keys are wrapped with, by the name that format V2 stores. */
export type WrapAlgorithm = keyof typeof WRAP_ALGORITHMS

/** `code`: what format V3 and the sealed format store instead of the name. `legacy`: only read, behind a switch. */
export const WRAP_ALGORITHMS = {
  /** An AES key of 256 bits. */
  'AES/GCM': { code: '02', legacy: false },
  /** A KMS key, with the encryption context and the content algorithm in KMS's context. */
  'kms+context': { code: '12', legacy: false },
  /** An RSA pair. */
  'RSA-OAEP-SHA1': { code: '22', legacy: false },
  /** KMS with a context that names the key and not the content algorithm; Amazon SES writes it. */
  kms: { code: undefined, legacy: true },
  /** RFC 3394. */
  AESWrap: { code: undefined, legacy: true },
  /** OAEP with SHA-256 whose mask generation uses SHA-1, as Java's default has it. */
  'RSA/ECB/OAEPWithSHA-256AndMGF1Padding': { code: undefined, legacy: true },
  /** Format V1, which records no algorithm: AES-ECB with PKCS#7 padding. */
  AES: { code: undefined, legacy: true },
} as const

/** The context's name that binds a KMS wrap to the content algorithm; callers may not use it. */
export const KMS_CONTENT_ALGORITHM = 'aws:x-amz-cek-alg'
/** The context's name that holds the key id in wraps of the legacy algorithm `kms`. */
export const KMS_LEGACY_KEY_ID = 'kms_cmk_id'

/** Plaintext of one GCM message: 2^39 - 256 bits (NIST SP 800-38D, 5.2.1.1). */
export const MAX_GCM_BYTES = 2 ** 36 - 32
