/** Records of buckets and objects, and their names (docs/formats/records.md). */
import type { Acl } from '../policy/acl.ts'
import { ascending, descending, name, ZERO } from '../records/names.ts'
import { defineRecord } from '../records/record-store.ts'
import type { ObjectLock, ObjectLockConfiguration } from './object-lock.ts'
import type { StoredContent, StoredProtection, StoredStream } from './stored-content.ts'
import type {
  BucketEncryption,
  Checksum,
  ChecksumAlgorithm,
  ChecksumType,
  ObjectAccess,
  StoredHeaders,
  Tags,
  UserMetadata,
} from './types.ts'

export type Versioning = 'Enabled' | 'Suspended' | undefined

/** AWS's four switches against public access. */
export interface PublicAccessBlock {
  readonly blockPublicAcls: boolean
  readonly ignorePublicAcls: boolean
  readonly blockPublicPolicy: boolean
  readonly restrictPublicBuckets: boolean
}

export const OBJECT_OWNERSHIPS = ['BucketOwnerEnforced', 'BucketOwnerPreferred', 'ObjectWriter'] as const
export type ObjectOwnership = (typeof OBJECT_OWNERSHIPS)[number]

export interface BucketRecord {
  /** 12 bytes in hex; names all that is in the bucket. */
  readonly bucketId: string
  readonly accountId: string
  readonly createdAtMs: number
  readonly versioning?: 'Enabled' | 'Suspended'
  readonly encryption: BucketEncryption
  /** The bucket policy as it was put, byte for byte. */
  readonly policy?: string | undefined
  readonly publicAccessBlock?: PublicAccessBlock | undefined
  /** Undefined after its removal: S3 then lets ACLs speak. */
  readonly objectOwnership?: ObjectOwnership | undefined
  /** Undefined: full control for the owner. */
  readonly acl?: Acl | undefined
  /** Absent: the bucket has no tag set. */
  readonly tags?: Tags | undefined
  /** By id, in order. They stand here since every request asks which of them it counts for. */
  readonly metricsConfigurations?: readonly MetricsConfiguration[] | undefined
  /** Absent: requests are not logged. */
  readonly logging?: BucketLogging | undefined
  /** Absent: pages from elsewhere are told nothing. */
  readonly corsRules?: readonly CorsRule[] | undefined
  /** Absent: nobody has said anything of transfer acceleration, of which there is none. */
  readonly acceleration?: 'Suspended' | undefined
  /** Present: the bucket has Object Lock, for good. */
  readonly objectLock?: ObjectLockConfiguration | undefined
  /** Set while the bucket is being removed; nothing can be written to it then. */
  readonly deleting?: true
}

/** Which requests are counted under an id, as a CloudWatch dimension has it. */
export interface MetricsConfiguration {
  readonly id: string
  /** Absent: all of them. */
  readonly filter?: MetricsFilter | undefined
}

/** What an object must have, all of it. */
export interface MetricsFilter {
  readonly prefix?: string | undefined
  readonly tags: Tags
}

/** What pages of other origins may do. An origin and a header may have one `*`, which stands for any characters. */
export interface CorsRule {
  readonly id?: string | undefined
  readonly allowedHeaders: readonly string[]
  readonly allowedMethods: readonly string[]
  readonly allowedOrigins: readonly string[]
  readonly exposeHeaders: readonly string[]
  readonly maxAgeSeconds?: number | undefined
}

/** Where a bucket's access logs go. */
export interface BucketLogging {
  readonly targetBucket: string
  readonly targetPrefix: string
  /** What others are granted of the logs, beside the owner's full control. */
  readonly grants?: Acl | undefined
  /** Absent: a simple prefix, and nobody has said so. */
  readonly keyFormat?: LogKeyFormat | undefined
}

/** `PartitionedPrefix`: source account, Region, bucket and day stand in the key. */
export type LogKeyFormat =
  | { readonly kind: 'SimplePrefix' }
  | { readonly kind: 'PartitionedPrefix'; readonly dateSource: 'EventTime' | 'DeliveryTime' }

export interface ObjectVersion {
  readonly kind: 'object'
  /** 'null' for versions made without versioning. */
  readonly versionId: string
  /** Order among the versions of a key, as a decimal number. */
  readonly sequence: string
  readonly lastModifiedMs: number
  readonly plaintextSize: number
  readonly etag: string
  readonly checksum: Checksum | undefined
  readonly headers: StoredHeaders
  readonly userMetadata: UserMetadata
  readonly tags?: Tags | undefined
  readonly protection: StoredProtection
  readonly content: StoredContent
  readonly access?: ObjectAccess | undefined
  readonly lock?: ObjectLock | undefined
}

export interface DeleteMarker {
  readonly kind: 'deleteMarker'
  readonly versionId: string
  readonly sequence: string
  readonly lastModifiedMs: number
}

/** The parts of an object that was uploaded in parts, in their order. */
export interface Manifest {
  readonly parts: readonly ManifestPart[]
}

export interface ManifestPart {
  readonly stream: StoredStream
  /** Base64, of the object's checksum algorithm. */
  readonly checksum: string
}

/** A multipart upload under way. */
export interface UploadRecord {
  readonly initiatedAtMs: number
  readonly initiator: { readonly arn: string; readonly displayName: string }
  readonly headers: StoredHeaders
  readonly userMetadata: UserMetadata
  readonly tags?: Tags | undefined
  readonly protection: StoredProtection
  readonly checksum: UploadChecksum
  /** What the object will have. */
  readonly access?: ObjectAccess | undefined
  /** What the object is to be locked by, where its creation asked for anything. */
  readonly lock?: ObjectLock | undefined
}

export interface UploadChecksum {
  readonly algorithm: ChecksumAlgorithm
  readonly type: ChecksumType
  /** Whether the client named the algorithm; else it is the default one. */
  readonly declared: boolean
}

export interface UploadPart {
  readonly etag: string
  readonly lastModifiedMs: number
  /** Base64, of the upload's checksum algorithm. */
  readonly checksum: string
  readonly stream: StoredStream
}

/** Only in buckets with versioning: the newest sequence of a key. Every change of the key's versions changes it. */
export interface KeyHead {
  readonly sequence: string
}

/** Where a key's null version stands among its older versions. */
export interface NullVersion {
  readonly sequence: string
}

export const bucketRecord = defineRecord<BucketRecord>({ label: 'bucket', prefix: 'b', formatVersion: 1, cached: true })
/** Buckets by account; the value tells nothing more. */
export const accountBucket = defineRecord<Record<string, never>>({
  label: 'bucket of an account',
  prefix: 'a',
  formatVersion: 1,
})
/** The current version where it is an object; a key whose newest version is a delete marker has none. */
export const currentVersion = defineRecord<ObjectVersion>({
  label: 'current version',
  prefix: 'o',
  formatVersion: 1,
  cached: true,
})
/** All other versions, and every delete marker; newest first. */
export const olderVersion = defineRecord<ObjectVersion | DeleteMarker>({
  label: 'older version',
  prefix: 'v',
  formatVersion: 1,
})
export const keyHead = defineRecord<KeyHead>({ label: 'key head', prefix: 'h', formatVersion: 1 })
export const nullVersion = defineRecord<NullVersion>({ label: 'null version', prefix: 'n', formatVersion: 1 })
export const manifestRecord = defineRecord<Manifest>({ label: 'manifest', prefix: 'm', formatVersion: 1 })
export const uploadRecord = defineRecord<UploadRecord>({ label: 'multipart upload', prefix: 'u', formatVersion: 1 })
export const uploadPart = defineRecord<UploadPart>({ label: 'part of an upload', prefix: 'p', formatVersion: 1 })
/** Small sealed content. */
export const inlineContent = defineRecord<Uint8Array>({
  label: 'inline content',
  prefix: 'd',
  formatVersion: 1,
  raw: true,
})
/** Written in the commit that first names a blob, removed in the one that last did. */
export const blobReference = defineRecord<Record<string, never>>({
  label: 'blob reference',
  prefix: 'r',
  formatVersion: 1,
})
/** Blobs to be deleted, by the time from which nobody can come to read them. */
export const garbageBlob = defineRecord<Record<string, never>>({ label: 'garbage blob', prefix: 'g', formatVersion: 1 })

const idBytes = (id: string) => Buffer.from(id, 'hex')

export const names = {
  bucket: (bucket: string) => name(bucket),
  accountBucket: (accountId: string, bucket: string) => name(accountId, ZERO, bucket),
  objectKey: (bucketId: string, objectKey: string) => name(idBytes(bucketId), objectKey),
  /** Object keys hold no NUL, so the names of one key's versions stand together. */
  version: (bucketId: string, objectKey: string, sequence: string) =>
    name(idBytes(bucketId), objectKey, ZERO, descending(BigInt(sequence))),
  versionsOf: (bucketId: string, objectKey: string) => name(idBytes(bucketId), objectKey, ZERO),
  manifest: (streamId: string) => name(idBytes(streamId)),
  /** `uploadId` in its 24 bytes, which begin with a time: the uploads of one key stand in the order of their start. */
  upload: (bucketId: string, objectKey: string, uploadId: Uint8Array) =>
    name(idBytes(bucketId), objectKey, ZERO, uploadId),
  uploadsOf: (bucketId: string, objectKey: string) => name(idBytes(bucketId), objectKey, ZERO),
  part: (streamId: string, partNumber: number) =>
    name(idBytes(streamId), new Uint8Array([partNumber >> 8, partNumber & 0xff])),
  partsOf: (streamId: string) => name(idBytes(streamId)),
  inline: (id: string) => name(id),
  blob: (blobId: string) => name(blobId),
  garbage: (atMs: number, blobId: string) => name(ascending(BigInt(atMs)), blobId),
}

/** The object key of a name in `o`. */
export const keyOfName = (recordName: Uint8Array) => Buffer.from(recordName.subarray(12)).toString('utf8')
/** The object key of a name in `v`. */
export const keyOfVersionName = (recordName: Uint8Array) => Buffer.from(recordName.subarray(12, -9)).toString('utf8')
/** Object key and upload id of a name in `u`. */
export const uploadOfName = (recordName: Uint8Array) => ({
  objectKey: Buffer.from(recordName.subarray(12, -25)).toString('utf8'),
  uploadId: recordName.subarray(-24),
})
export const partNumberOfName = (recordName: Uint8Array) => recordName.at(-2)! * 256 + recordName.at(-1)!
