/** What multipart uploads are asked and what they answer. */
import type { GivenChecksum, ListedPart } from './completion.ts'
import type { ObjectLock } from './object-lock.ts'
import type { UploadChecksum } from './records.ts'
import type {
  ChecksumAlgorithm,
  Conditions,
  ProtectionFacts,
  RequestedAccess,
  RequestedProtection,
  StoredHeaders,
  Tags,
  UserMetadata,
} from './types.ts'

export interface UploadTarget {
  readonly bucket: string
  readonly objectKey: string
  readonly uploadId: string
}

export interface CreateInput {
  readonly bucket: string
  readonly objectKey: string
  readonly headers: StoredHeaders
  readonly userMetadata: UserMetadata
  readonly access?: RequestedAccess | undefined
  readonly tags?: Tags | undefined
  readonly lock?: ObjectLock | undefined
  readonly protection: RequestedProtection
  readonly checksum: UploadChecksum
}

export interface PartResult {
  readonly etag: string
  readonly lastModifiedMs: number
  readonly plaintextSize: number
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly value: string } | undefined
  readonly protection: ProtectionFacts
}

export interface CompleteInput extends UploadTarget, GivenChecksum {
  readonly parts: readonly ListedPart[]
  readonly conditions: Conditions
  /** Of the whole object, where the client gives it. */
  readonly objectSize: number | undefined
}
