/**
 * Objects: put, get, head, delete, copy.
 * Order of a write: conditions, protection, sealed content, blob durable, one commit, reply. A crash anywhere leaves at
 * worst a blob that no record names, which the sweep removes.
 */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'
import type { CallContext } from '../core/principal.ts'
import type { RecordStore, Stored } from '../records/record-store.ts'
import { requireOwn } from './buckets.ts'
import { checkCopySource, checkRead, checkWrite, hasConditions } from './conditions.ts'
import type { ContentReader } from './content-reader.ts'
import type { ContentWriter, WrittenContent } from './content-writer.ts'
import { type ActiveProtection, type ProtectedPlace, type Protector, protectionFacts } from './protection.ts'
import { type BucketRecord, bucketRecord, currentVersion, inlineContent, names, type ObjectVersion } from './records.ts'
import type {
  Conditions,
  CustomerKey,
  GetInput,
  GetResult,
  IncomingBody,
  ObjectFacts,
  PutInput,
  PutResult,
  RequestedProtection,
  RequestedRange,
  StoredHeaders,
  UserMetadata,
} from './types.ts'
import { NULL_VERSION, sequenceOf } from './version-id.ts'
import { type KeyState, KeyVersions } from './versions.ts'

export interface ObjectsOptions {
  readonly records: RecordStore
  readonly protector: Protector
  readonly writer: ContentWriter
  readonly reader: ContentReader
  readonly clock: Clock
}

export interface CopySource {
  readonly bucket: string
  readonly objectKey: string
  readonly versionId: string | undefined
  readonly conditions: Conditions
  readonly customerKey: CustomerKey | undefined
}

export interface CopyInput {
  readonly bucket: string
  readonly objectKey: string
  readonly source: CopySource
  /** 'COPY' takes the source's. */
  readonly metadata: 'COPY' | { readonly headers: StoredHeaders; readonly userMetadata: UserMetadata }
  readonly storageClass: string | undefined
  readonly protection: RequestedProtection
  readonly checksumAlgorithm: IncomingBody['checksumAlgorithm']
  readonly conditions: Conditions
}

export interface CopyResult extends PutResult {
  readonly lastModifiedMs: number
  readonly sourceVersionId: string | undefined
}

export interface DeleteResult {
  readonly versionId: string | undefined
  readonly deleteMarker: boolean
}

/** A single PUT takes 5 GiB at most. */
const MAX_PUT_BYTES = 5 * 1024 ** 3
const COMMIT_ATTEMPTS = 20
/** A reader that found a version just before it was replaced has this long to open its blob. */
const GARBAGE_GRACE_MS = 60_000

export class Objects {
  readonly #records: RecordStore
  readonly #protector: Protector
  readonly #writer: ContentWriter
  readonly #reader: ContentReader
  readonly #clock: Clock
  readonly #versions: KeyVersions

  constructor(options: ObjectsOptions) {
    this.#records = options.records
    this.#protector = options.protector
    this.#writer = options.writer
    this.#reader = options.reader
    this.#clock = options.clock
    this.#versions = new KeyVersions(options.records)
  }

  async put(call: CallContext, input: PutInput): Promise<PutResult> {
    const { result } = await this.#write(call, input)
    return result
  }

  async get(call: CallContext, input: GetInput): Promise<GetResult> {
    const { bucket, version, facts, range } = await this.#find(call, input, 's3:GetObject')
    const place = placeOf(input.bucket, bucket.value, input.objectKey, version.stream.streamId)
    const protection = await this.#protector.resume(call, place, version.protection, input.customerKey)
    const content = await this.#reader.open(
      version.stream,
      protection,
      range?.start ?? 0,
      range?.endExclusive ?? version.plaintextSize,
    )
    return { facts, range, content }
  }

  async head(call: CallContext, input: GetInput): Promise<Omit<GetResult, 'content'>> {
    const { bucket, version, facts, range } = await this.#find(call, input, 's3:GetObject')
    const place = placeOf(input.bucket, bucket.value, input.objectKey, version.stream.streamId)
    this.#protector.verifyRead(call, place, version.protection, input.customerKey)
    return { facts, range }
  }

  async delete(
    call: CallContext,
    input: { bucket: string; objectKey: string; versionId: string | undefined },
  ): Promise<DeleteResult> {
    requireObjectKey(input.objectKey)
    for (let attempt = 0; attempt < COMMIT_ATTEMPTS; attempt++) {
      const action = input.versionId === undefined ? 's3:DeleteObject' : 's3:DeleteObjectVersion'
      const bucket = await this.#requireBucket(call, input.bucket, action)
      const { bucketId, versioning } = bucket.value
      const state = await this.#versions.read(bucketId, input.objectKey, versioning)
      const nowMs = this.#clock.nowMs()
      const garbageAtMs = nowMs + GARBAGE_GRACE_MS
      let change: Awaited<ReturnType<KeyVersions['delete']>>
      let result: DeleteResult
      if (input.versionId !== undefined) {
        requireVersionId(input.versionId)
        const version = await this.#versions.find(bucketId, input.objectKey, input.versionId)
        if (!version) return { versionId: input.versionId, deleteMarker: false }
        change = await this.#versions.remove(state, version, garbageAtMs)
        result = { versionId: input.versionId, deleteMarker: version.value.kind === 'deleteMarker' }
      } else {
        if (versioning === undefined && !state.current) return { versionId: undefined, deleteMarker: false }
        const marker = { kind: 'deleteMarker' as const, ...this.#versions.next(state, nowMs), lastModifiedMs: nowMs }
        change = await this.#versions.delete(state, marker, garbageAtMs)
        const versioned = versioning !== undefined
        result = { versionId: versioned ? marker.versionId : undefined, deleteMarker: versioned }
      }
      const checks = [this.#records.unchanged(bucketRecord, bucket), ...change.checks]
      if (await this.#records.commit(checks, change.mutations)) return result
    }
    throw new Fault('Contention', { what: input.objectKey })
  }

  /** Reads the source and seals it anew, under a data key of its own. */
  async copy(call: CallContext, input: CopyInput): Promise<CopyResult> {
    const { source } = input
    const read = { ...source, conditions: {}, range: undefined }
    const found = await this.#find(call, read, 's3:GetObject')
    checkCopySource(source.conditions, found.version)
    if (found.version.plaintextSize > MAX_PUT_BYTES) throw new Fault('CopySourceTooLarge', { maxBytes: MAX_PUT_BYTES })
    const inPlace =
      source.bucket === input.bucket && source.objectKey === input.objectKey && source.versionId === undefined
    const changes =
      input.metadata !== 'COPY' ||
      input.protection.kind !== 'default' ||
      input.storageClass !== undefined ||
      isConfigured(found.bucket.value)
    if (inPlace && !changes) throw new Fault('CopyToItself', { objectKey: input.objectKey })

    const place = placeOf(source.bucket, found.bucket.value, source.objectKey, found.version.stream.streamId)
    const protection = await this.#protector.resume(call, place, found.version.protection, source.customerKey)
    const content = await this.#reader.open(found.version.stream, protection, 0, found.version.plaintextSize)
    try {
      const taken = input.metadata === 'COPY' ? found.version : input.metadata
      const { 'x-amz-storage-class': _, 'x-amz-website-redirect-location': __, ...headers } = taken.headers
      const { result, version } = await this.#write(call, {
        bucket: input.bucket,
        objectKey: input.objectKey,
        headers: { ...headers, ...(input.storageClass !== undefined && { 'x-amz-storage-class': input.storageClass }) },
        userMetadata: taken.userMetadata,
        protection: input.protection,
        conditions: input.conditions,
        body: {
          chunks: content.chunks(),
          declaredBytes: found.version.plaintextSize,
          checksumAlgorithm: input.checksumAlgorithm ?? found.version.checksum?.algorithm,
          needsMd5: false,
          needsSha256: false,
          expectations: () => ({ contentMd5: undefined, payloadSha256: undefined, checksum: undefined }),
        },
      })
      return { ...result, lastModifiedMs: version.lastModifiedMs, sourceVersionId: found.facts.versionId }
    } finally {
      await content.close()
    }
  }

  async #write(call: CallContext, input: PutInput): Promise<{ result: PutResult; version: ObjectVersion }> {
    requireObjectKey(input.objectKey)
    const bucket = await this.#requireBucket(call, input.bucket, 's3:PutObject')
    if (hasConditions(input.conditions)) {
      const state = await this.#versions.read(bucket.value.bucketId, input.objectKey, bucket.value.versioning)
      checkWrite(input.conditions, input.objectKey, state.current?.value)
    }
    if ((input.body.declaredBytes ?? 0) > MAX_PUT_BYTES) {
      throw new Fault('BodyTooLarge', { maxBytes: MAX_PUT_BYTES, proposedBytes: input.body.declaredBytes! })
    }
    const streamId = randomBytes(16)
    const place = placeOf(input.bucket, bucket.value, input.objectKey, streamId.toString('hex'))
    const protection = await this.#protector.begin(call, place, input.protection, bucket.value.encryption)
    let written: WrittenContent
    try {
      written = await this.#writer.write(input.body, protection, {
        streamId,
        partNumber: 1,
        maxBytes: MAX_PUT_BYTES,
        defaultChecksum: 'CRC64NVME',
      })
    } finally {
      protection.wipe()
    }
    try {
      await written.keep()
      return await this.#commit(call, input, bucket.value.bucketId, protection, written)
    } catch (error) {
      await written.discard()
      throw error
    }
  }

  async #commit(
    call: CallContext,
    input: PutInput,
    bucketId: string,
    protection: ActiveProtection,
    written: WrittenContent,
  ): Promise<{ result: PutResult; version: ObjectVersion }> {
    const checksum = written.checksum && { ...written.checksum, type: 'FULL_OBJECT' as const }
    // Only SSE-S3 objects have the MD5 of their plaintext as ETag; it would tell something of the others' content.
    const etag = protection.stored.method === 'AES256' ? written.md5! : randomBytes(16)
    for (let attempt = 0; attempt < COMMIT_ATTEMPTS; attempt++) {
      const bucket = await this.#requireBucket(call, input.bucket, 's3:PutObject')
      // Sealed for a bucket that has been removed and made anew meanwhile, the content belongs nowhere.
      if (bucket.value.bucketId !== bucketId) throw new Fault('BucketNotFound', { bucket: input.bucket })
      const state = await this.#versions.read(bucketId, input.objectKey, bucket.value.versioning)
      this.#recheck(input, state, attempt)
      const nowMs = this.#clock.nowMs()
      const version: ObjectVersion = {
        kind: 'object',
        ...this.#versions.next(state, nowMs),
        lastModifiedMs: nowMs,
        plaintextSize: written.stream.plaintextSize,
        etag: Buffer.from(etag).toString('hex'),
        checksum,
        headers: input.headers,
        userMetadata: input.userMetadata,
        protection: protection.stored,
        stream: written.stream,
      }
      const change = await this.#versions.put(state, version, nowMs + GARBAGE_GRACE_MS)
      if (written.inline && version.stream.place.kind === 'inline') {
        change.mutations.push(
          this.#records.putBytes(inlineContent, names.inline(version.stream.place.id), written.inline),
        )
      }
      const checks = [this.#records.unchanged(bucketRecord, bucket), ...change.checks]
      if (await this.#records.commit(checks, change.mutations)) {
        const facts = factsOf(input.objectKey, bucket.value, version)
        return { result: { ...facts, protection: facts.protection }, version }
      }
    }
    throw new Fault('Contention', { what: input.objectKey })
  }

  /** A condition that held before the body came and does not now was broken by somebody at the same time. */
  #recheck(input: PutInput, state: KeyState, attempt: number): void {
    try {
      checkWrite(input.conditions, input.objectKey, state.current?.value)
    } catch (error) {
      if (attempt === 0) throw error
      throw new Fault('ConditionalConflict', { objectKey: input.objectKey }, { cause: error })
    }
  }

  async #find(call: CallContext, input: GetInput, action: string) {
    requireObjectKey(input.objectKey)
    const bucket = await this.#requireBucket(call, input.bucket, action)
    const { bucketId } = bucket.value
    let version: ObjectVersion
    if (input.versionId === undefined) version = (await this.#requireCurrent(bucketId, input.objectKey)).value
    else {
      requireVersionId(input.versionId)
      const found = await this.#versions.find(bucketId, input.objectKey, input.versionId)
      const { objectKey, versionId } = input
      if (!found) throw new Fault('VersionNotFound', { objectKey, versionId })
      if (found.value.kind === 'deleteMarker') {
        throw new Fault('VersionIsDeleteMarker', { objectKey, versionId, lastModifiedMs: found.value.lastModifiedMs })
      }
      version = found.value
    }
    checkRead(input.conditions, version)
    const range = input.range && resolveRange(input.range, version.plaintextSize)
    return { bucket, version, facts: factsOf(input.objectKey, bucket.value, version), range }
  }

  async #requireCurrent(bucketId: string, objectKey: string): Promise<Stored<ObjectVersion>> {
    const current = await this.#records.get(currentVersion, names.objectKey(bucketId, objectKey))
    if (current) return current
    const newest = await this.#versions.newestOlder(bucketId, objectKey)
    if (newest) throw new Fault('ObjectDeleted', { objectKey, versionId: newest.value.versionId })
    throw new Fault('ObjectNotFound', { objectKey })
  }

  async #requireBucket(call: CallContext, bucket: string, action: string): Promise<Stored<BucketRecord>> {
    return requireOwn(call, bucket, await this.#records.get(bucketRecord, names.bucket(bucket)), action)
  }
}

/** Throws RangeNotSatisfiable where nothing of the range is in the object. */
export function resolveRange(range: RequestedRange, plaintextSize: number): { start: number; endExclusive: number } {
  const [start, endExclusive] =
    'suffix' in range
      ? [Math.max(0, plaintextSize - range.suffix), plaintextSize]
      : [range.first, Math.min((range.last ?? plaintextSize - 1) + 1, plaintextSize)]
  if (start >= endExclusive) {
    const text = 'suffix' in range ? `bytes=-${range.suffix}` : `bytes=${range.first}-${range.last ?? ''}`
    throw new Fault('RangeNotSatisfiable', { range: text, plaintextSize })
  }
  return { start, endExclusive }
}

function placeOf(bucket: string, record: BucketRecord, objectKey: string, streamId: string): ProtectedPlace {
  return { bucket, bucketId: record.bucketId, objectKey, streamId }
}

function factsOf(objectKey: string, bucket: BucketRecord, version: ObjectVersion): ObjectFacts {
  return {
    objectKey,
    versionId: bucket.versioning === undefined ? undefined : version.versionId,
    etag: version.etag,
    lastModifiedMs: version.lastModifiedMs,
    plaintextSize: version.plaintextSize,
    headers: version.headers,
    userMetadata: version.userMetadata,
    checksum: version.checksum,
    protection: protectionFacts(version.protection),
  }
}

/** A bucket whose default is not simply AES256 gives a copy in place something to change. */
const isConfigured = (bucket: BucketRecord) =>
  bucket.encryption.algorithm !== 'AES256' || bucket.encryption.bucketKeyEnabled

function requireObjectKey(objectKey: string): void {
  if (objectKey.includes('\0')) {
    throw new Fault('ArgumentInvalid', {
      argument: 'Key',
      value: '',
      message: 'Object keys with a NUL character are not supported.',
    })
  }
}

function requireVersionId(versionId: string): void {
  if (versionId === NULL_VERSION || sequenceOf(versionId) !== undefined) return
  throw new Fault('ArgumentInvalid', {
    argument: 'versionId',
    value: versionId,
    message: 'Invalid version id specified',
  })
}
