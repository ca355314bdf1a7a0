/** Records of buckets and objects, and their names (docs/formats/catalog.md). */
import { ascending, descending, name, ZERO } from '../records/names.ts'
import { defineRecord } from '../records/record-store.ts'
import type { StoredProtection, StoredStream } from './stored-content.ts'
import type { BucketEncryption, Checksum, StoredHeaders, UserMetadata } from './types.ts'

export type Versioning = 'Enabled' | 'Suspended' | undefined

export interface BucketRecord {
  /** 12 bytes in hex; names all that is in the bucket. */
  readonly bucketId: string
  readonly accountId: string
  readonly createdAtMs: number
  readonly versioning?: 'Enabled' | 'Suspended'
  readonly encryption: BucketEncryption
  /** Set while the bucket is being removed; nothing can be written to it then. */
  readonly deleting?: true
}

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
  readonly protection: StoredProtection
  readonly stream: StoredStream
}

export interface DeleteMarker {
  readonly kind: 'deleteMarker'
  readonly versionId: string
  readonly sequence: string
  readonly lastModifiedMs: number
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
export const currentVersion = defineRecord<ObjectVersion>({ label: 'current version', prefix: 'o', formatVersion: 1 })
/** All other versions, and every delete marker; newest first. */
export const olderVersion = defineRecord<ObjectVersion | DeleteMarker>({
  label: 'older version',
  prefix: 'v',
  formatVersion: 1,
})
export const keyHead = defineRecord<KeyHead>({ label: 'key head', prefix: 'h', formatVersion: 1 })
export const nullVersion = defineRecord<NullVersion>({ label: 'null version', prefix: 'n', formatVersion: 1 })
/** Small sealed content. */
export const inlineContent = defineRecord<Uint8Array>({ label: 'inline content', prefix: 'd', formatVersion: 1 })
/** Written in the commit that first names a blob, removed in the one that last did. */
export const blobReference = defineRecord<Record<string, never>>({
  label: 'blob reference',
  prefix: 'r',
  formatVersion: 1,
})
/** Blobs to be deleted, by the time from which nobody can come to read them. */
export const garbageBlob = defineRecord<Record<string, never>>({ label: 'garbage blob', prefix: 'g', formatVersion: 1 })

const idBytes = (bucketId: string) => Buffer.from(bucketId, 'hex')

export const names = {
  bucket: (bucket: string) => name(bucket),
  accountBucket: (accountId: string, bucket: string) => name(accountId, ZERO, bucket),
  objectKey: (bucketId: string, objectKey: string) => name(idBytes(bucketId), objectKey),
  /** Object keys hold no NUL, so the names of one key's versions stand together. */
  version: (bucketId: string, objectKey: string, sequence: string) =>
    name(idBytes(bucketId), objectKey, ZERO, descending(BigInt(sequence))),
  versionsOf: (bucketId: string, objectKey: string) => name(idBytes(bucketId), objectKey, ZERO),
  inline: (id: string) => name(id),
  blob: (blobId: string) => name(blobId),
  garbage: (atMs: number, blobId: string) => name(ascending(BigInt(atMs)), blobId),
}

/** The object key of a name in `o`. */
export const keyOfName = (recordName: Uint8Array) => Buffer.from(recordName.subarray(12)).toString('utf8')
/** The object key of a name in `v`. */
export const keyOfVersionName = (recordName: Uint8Array) => Buffer.from(recordName.subarray(12, -9)).toString('utf8')
