/** The words that the objects room and the doors above it share. Records live in `objects/records.ts`. */
import type { DataKey } from '@strongroom/crypto'
import type { EncryptionMethod } from '../core/outcome.ts'
import type { Acl } from '../policy/acl.ts'
import type { ObjectLock } from './object-lock.ts'
import type { BucketRecord } from './records.ts'

// ---- Server-side encryption -----------------------------------------------------------------------------------------

/** The customer's key of one request: its bytes can be wiped, print as nothing and are never stored. */
export interface CustomerKey {
  readonly key: DataKey
  /** Base64, as the client sent it; echoed in the reply, kept nowhere. */
  readonly keyMd5: string
}

/** What the headers of one write ask for, after the header matrix has been checked. */
export type RequestedProtection =
  | { readonly kind: 'default' }
  | { readonly kind: 'AES256' }
  | {
      readonly kind: 'aws:kms' | 'aws:kms:dsse'
      readonly keyId: string | undefined
      /** The caller's own pairs, without `aws:s3:arn`. */
      readonly encryptionContext: Readonly<Record<string, string>> | undefined
      /** Undefined: as the bucket has it. */
      readonly bucketKeyEnabled: boolean | undefined
    }
  | { readonly kind: 'SSE-C'; readonly customerKey: CustomerKey }

/** How a stored object or upload is protected, as far as replies tell it. */
export interface ProtectionFacts {
  readonly method: EncryptionMethod
  /** Full key ARN, for the two KMS methods. */
  readonly kmsKeyArn: string | undefined
  /** The caller's own pairs, echoed by writes only. */
  readonly encryptionContext: Readonly<Record<string, string>> | undefined
  readonly bucketKeyEnabled: boolean
}

/** The encryption part of a bucket's configuration; as it was put (`kmsKeyId` stays in the form given). */
export interface BucketEncryption {
  readonly algorithm: 'AES256' | 'aws:kms' | 'aws:kms:dsse'
  readonly kmsKeyId: string | undefined
  readonly bucketKeyEnabled: boolean
  /** 'SSE-C' listed: writes with a customer's key are refused. Empty: nothing is blocked (AWS's `NONE`). */
  readonly blockedEncryptionTypes: readonly 'SSE-C'[]
}

// ---- Bodies and digests ---------------------------------------------------------------------------------------------

export type ChecksumAlgorithm = 'CRC32' | 'CRC32C' | 'CRC64NVME' | 'SHA1' | 'SHA256'
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE'

/** A checksum over plaintext. `value` is base64, with `-N` appended for a COMPOSITE of N parts. */
export interface Checksum {
  readonly algorithm: ChecksumAlgorithm
  readonly type: ChecksumType
  readonly value: string
}

/** The body of one write as it arrives: framing and chunk signatures are already dealt with. */
export interface IncomingBody {
  /**
   * Plaintext in order, iterated at most once; each chunk belongs to the consumer.
   * Throws Fault BodyIncomplete, ChunkMalformed, ChunkSignatureMismatch.
   */
  readonly chunks: AsyncIterable<Uint8Array>
  /** Length of the plaintext where the headers declare it. */
  readonly declaredBytes: number | undefined
  /** The checksum algorithm that the client announced by header or trailer, else undefined. */
  readonly checksumAlgorithm: ChecksumAlgorithm | undefined
  /** Whether `expectations` will hold a Content-MD5 or a payload SHA-256, so that those digests must be taken. */
  readonly needsMd5: boolean
  readonly needsSha256: boolean
  /** What must hold of the whole body. Called once, after the last chunk, when trailers are known. */
  expectations(): BodyExpectations
}

export interface BodyExpectations {
  readonly contentMd5: Uint8Array | undefined
  /** Lower-case hex of x-amz-content-sha256, where it names a real hash. */
  readonly payloadSha256: string | undefined
  /** Base64 value of the announced checksum. */
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly value: string } | undefined
}

// ---- Objects --------------------------------------------------------------------------------------------------------

/** Headers that S3 stores and returns as they are, by lower-case name; only those of `STORED_HEADERS`. */
export type StoredHeaders = Readonly<Partial<Record<StoredHeader, string>>>
export const STORED_HEADERS = [
  'content-type',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'expires',
  'x-amz-website-redirect-location',
  'x-amz-storage-class',
] as const
export type StoredHeader = (typeof STORED_HEADERS)[number]

/** Name without `x-amz-meta-`, lower-case; value as a latin-1 string, one char per byte, so that bytes come back as sent. */
export type UserMetadata = readonly (readonly [name: string, value: string])[]

/** In the order in which they were put; keys are unique. */
export type Tags = readonly (readonly [key: string, value: string])[]

/** Conditions of a read or write, straight from the headers; times in ms. ETags without quotes, '*' as itself. */
export interface Conditions {
  readonly ifMatch?: readonly string[] | undefined
  readonly ifNoneMatch?: readonly string[] | undefined
  readonly ifModifiedSinceMs?: number | undefined
  readonly ifUnmodifiedSinceMs?: number | undefined
}

/** A Range header's one range: `last` inclusive; a suffix range has only `suffix`. */
export type RequestedRange = { readonly first: number; readonly last: number | undefined } | { readonly suffix: number }

/** What a reply says of one object version. */
export interface ObjectFacts {
  readonly objectKey: string
  /** Undefined in a bucket that never had versioning; 'null' for null versions elsewhere. */
  readonly versionId: string | undefined
  /** Without quotes. */
  readonly etag: string
  readonly lastModifiedMs: number
  readonly plaintextSize: number
  readonly headers: StoredHeaders
  readonly userMetadata: UserMetadata
  readonly tags: Tags
  readonly checksum: Checksum | undefined
  readonly protection: ProtectionFacts
  readonly lock: ObjectLock | undefined
}

/** Who owns an object, and who is granted what of it, where that is not all the bucket owner's. */
export interface ObjectAccess {
  /** Undefined: the bucket's owner. */
  readonly ownerAccountId?: string | undefined
  /** Undefined: full control for the owner. */
  readonly acl?: Acl | undefined
}

/** Asked once the bucket is known; throws where the bucket does not take what the request wants. */
export type RequestedAccess = (bucket: BucketRecord) => ObjectAccess | undefined

export interface PutInput {
  readonly bucket: string
  readonly objectKey: string
  readonly body: IncomingBody
  readonly headers: StoredHeaders
  readonly userMetadata: UserMetadata
  readonly access?: RequestedAccess | undefined
  readonly tags?: Tags | undefined
  /** Absent: what the bucket gives to new versions. */
  readonly lock?: ObjectLock | undefined
  readonly protection: RequestedProtection
  readonly conditions: Conditions
}

export interface PutResult {
  readonly etag: string
  readonly versionId: string | undefined
  readonly plaintextSize: number
  readonly checksum: Checksum | undefined
  readonly protection: ProtectionFacts
}

export interface GetInput {
  readonly bucket: string
  readonly objectKey: string
  readonly versionId: string | undefined
  readonly range: RequestedRange | undefined
  /** Instead of a range: one part of an object that was uploaded in parts, counted from 1. */
  readonly partNumber?: number | undefined
  readonly conditions: Conditions
  readonly customerKey: CustomerKey | undefined
}

export interface GetResult {
  readonly facts: ObjectFacts
  /** The part of the plaintext that `content` yields; the whole where no range was asked for. */
  readonly range: { readonly start: number; readonly endExclusive: number } | undefined
  /** Set where a part was asked for: how many there are (undefined where it was one PUT), and the part's checksum. */
  readonly part: { readonly count: number | undefined; readonly checksum: Checksum | undefined } | undefined
  readonly content: ObjectContent
}

/** Authenticated plaintext, to be read once, or closed unread. */
export interface ObjectContent {
  readonly bytes: number
  /** All of it, where it is small enough to have been opened at once; then nothing is left to be read or closed. */
  readonly whole: Uint8Array | undefined
  /** Yields only bytes whose segments have authenticated; throws Fault 'Damaged' otherwise. Closes itself at its end. */
  chunks(): AsyncIterable<Uint8Array>
  close(): Promise<void>
}
