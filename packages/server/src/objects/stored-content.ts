/** How sealed content and its protection are told in records. Everything here is JSON; bytes are base64. */
import type { BlobId } from '../storage/blobs.ts'

/** One sealed stream: where its bytes are and how they were made. */
export interface StoredStream {
  /** 16 bytes in hex. */
  readonly streamId: string
  readonly partNumber: number
  readonly plaintextSize: number
  readonly sealedSize: number
  /** Stream headers, the innermost layer first; the bytes at rest begin with the last. */
  readonly headers: readonly string[]
  /** CRC-32C of the bytes at rest, so that damage shows without any key. Their authenticity is the segments' matter. */
  readonly sealedCrc32c: number
  /** `inline`: under this id in the catalog; `blob`: in the blob store. */
  readonly place: { readonly kind: 'inline'; readonly id: string } | { readonly kind: 'blob'; readonly id: BlobId }
}

/** An object's content: one stream, or the parts of a multipart upload, whose streams stand in its manifest. */
export type StoredContent =
  | { readonly kind: 'stream'; readonly stream: StoredStream }
  | { readonly kind: 'parts'; readonly streamId: string; readonly partsCount: number }

/** The id that an object's data keys are bound to; all parts of an upload share it. */
export const streamIdOf = (content: StoredContent) =>
  content.kind === 'stream' ? content.stream.streamId : content.streamId

export type StoredProtection =
  | { readonly method: 'AES256'; readonly wrappedKey: string }
  /** The bucket key is a KMS CiphertextBlob. */
  | (KmsProtection & { readonly method: 'aws:kms'; readonly wrappedBucketKey?: string })
  /** The outer layer's key is wrapped by the server's own keys. */
  | (KmsProtection & { readonly method: 'aws:kms:dsse'; readonly outerWrappedKey: string })
  /** The salt of the derivation that makes a wrapping key of the customer's key. */
  | { readonly method: 'SSE-C'; readonly wrappedKey: string; readonly salt: string }

interface KmsProtection {
  readonly kmsKeyArn: string
  /** The KMS CiphertextBlob; where there is a bucket key, the data key wrapped by that. */
  readonly wrappedKey: string
  /** As sent to the KMS, `aws:s3:arn` included. */
  readonly encryptionContext: Readonly<Record<string, string>>
  /** The caller's own part of it. */
  readonly callersContext?: Readonly<Record<string, string>> | undefined
}
