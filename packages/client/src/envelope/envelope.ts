/** What an object carries beside its ciphertext so that whoever has the wrapping key can open it. */
import type { Description, WrappedDataKey } from '../keyrings/keyring.ts'
import type { ContentAlgorithm } from '../suites.ts'

/** Format V3 of the S3 Encryption Client: AES-256-GCM with key commitment. */
export interface EnvelopeV3 {
  readonly format: 'V3'
  readonly contentAlgorithm: '115'
  readonly wrapped: readonly [WrappedDataKey]
  /** 28 bytes: salt of the derivation. */
  readonly messageId: Uint8Array
  /** 28 bytes. */
  readonly commitment: Uint8Array
}

/** Formats V1 and V2: content under the data key itself. */
export interface EnvelopeV2 {
  readonly format: 'V1' | 'V2'
  readonly contentAlgorithm: 'AES/GCM/NoPadding' | 'AES/CBC/PKCS5Padding'
  readonly wrapped: readonly [WrappedDataKey]
  /** 12 bytes for GCM, 16 for CBC. */
  readonly iv: Uint8Array
}

/** Strongroom's sealed format (docs/formats/client-sealed-object.md). */
export interface EnvelopeSealed {
  readonly format: 'sealed'
  readonly contentAlgorithm: 'strongroom/sealed/1'
  /** Of the same data key, each for another keyring. */
  readonly wrapped: readonly WrappedDataKey[]
  /** Bound into the body. */
  readonly encryptionContext: Description
  /** The sealed stream's header, which stands before the body too; what ranges are opened with. */
  readonly header: Uint8Array
}

export type Envelope = EnvelopeV3 | EnvelopeV2 | EnvelopeSealed

/** Formats of the S3 Encryption Client, and Strongroom's own. */
export type EnvelopeFormat = 'V1' | 'V2' | 'V3' | 'sealed'

/** Where the wrapped data key is: in the object's user metadata, or in an object beside it. */
export type EnvelopeLocation = 'metadata' | 'instruction-file'

/** What may be told of an encrypted object without a key. */
export interface EncryptionInfo {
  /** Of the whole. */
  readonly format: EnvelopeFormat
  /** Of the body. */
  readonly contentAlgorithm: ContentAlgorithm
  /** How the data key is wrapped, and what is said of the wrapping keys. */
  readonly wraps: readonly Pick<WrappedDataKey, 'algorithm' | 'description'>[]
  /** Of the envelope. */
  readonly location: EnvelopeLocation
  /** Of the sealed format; in the others only KMS binds one, which is in its wrap's description. */
  readonly encryptionContext?: Description
  /** Length of the stored body; that of the plaintext is in ContentLength. */
  readonly sealedBytes?: number
}

/** Names of the envelope's fields in user metadata, without the prefix `x-amz-meta-`. */
export const FIELD = {
  key1: 'x-amz-key',
  key2: 'x-amz-key-v2',
  iv: 'x-amz-iv',
  contentAlgorithm: 'x-amz-cek-alg',
  wrapAlgorithm: 'x-amz-wrap-alg',
  tagBits: 'x-amz-tag-len',
  description: 'x-amz-matdesc',
  plaintextBytes: 'x-amz-unencrypted-content-length',
  plaintextMd5: 'x-amz-unencrypted-content-md5',
  content3: 'x-amz-c',
  key3: 'x-amz-3',
  wrap3: 'x-amz-w',
  description3: 'x-amz-m',
  context3: 'x-amz-t',
  commitment3: 'x-amz-d',
  messageId3: 'x-amz-i',
  sealedVersion: 'strongroom-sealed',
  sealedHeader: 'strongroom-header',
  sealedKeys: 'strongroom-keys',
  sealedContext: 'strongroom-context',
} as const

export type FieldName = (typeof FIELD)[keyof typeof FIELD]

/** The marker that some writers put on instruction files. */
export const INSTRUCTION_FILE_MARKER = 'x-amz-crypto-instr-file'

/** Which fields belong to which format; a body's length and MD5, which nothing here trusts, to none. */
export const FIELDS_OF = {
  'V1 or V2': [
    FIELD.key1,
    FIELD.key2,
    FIELD.iv,
    FIELD.contentAlgorithm,
    FIELD.wrapAlgorithm,
    FIELD.tagBits,
    FIELD.description,
  ],
  V3: [
    FIELD.content3,
    FIELD.key3,
    FIELD.wrap3,
    FIELD.description3,
    FIELD.context3,
    FIELD.commitment3,
    FIELD.messageId3,
  ],
  sealed: [FIELD.sealedVersion, FIELD.sealedHeader, FIELD.sealedKeys, FIELD.sealedContext],
} as const satisfies Record<string, readonly FieldName[]>

const ENVELOPE_NAMES: ReadonlySet<string> = new Set([...Object.values(FIELD), INSTRUCTION_FILE_MARKER])

/** Whether a name of user metadata belongs to an envelope, of whatever format. */
export const isEnvelopeField = (name: string): boolean => ENVELOPE_NAMES.has(name.toLowerCase())
