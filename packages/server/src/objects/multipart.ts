/**
 * Multipart uploads. The data key is made once, at the start; every part is a sealed stream of its own under it, bound
 * to its part number. Completing an upload moves no bytes: one commit writes the manifest and the version.
 */
import type { Clock } from '../core/clock.ts'
import { Fault, isFault } from '../core/fault.ts'
import type { CallContext } from '../policy/call.ts'
import { prefixEnd } from '../records/names.ts'
import type { RecordStore, Stored } from '../records/record-store.ts'
import type { Mutation } from '../storage/catalog.ts'
import { completedChecksum, multipartEtag, selectParts } from './completion.ts'
import { ContentRecords } from './content-records.ts'
import type { ContentWriter, WrittenContent } from './content-writer.ts'
import type { CompleteInput, CreateInput, PartResult, UploadTarget } from './multipart-types.ts'
import type { CopySource } from './objects.ts'
import { MAX_PUT_BYTES, type Objects } from './objects.ts'
import { ownerOf } from './ownership.ts'
import { type Protector, protectionFacts, requireTransport } from './protection.ts'
import {
  type BucketRecord,
  bucketRecord,
  manifestRecord,
  names,
  partNumberOfName,
  type UploadPart,
  type UploadRecord,
  uploadPart,
  uploadRecord,
} from './records.ts'
import { streamIdOf } from './stored-content.ts'
import type { CustomerKey, IncomingBody, ObjectFacts, ProtectionFacts } from './types.ts'
import { newUploadId, readUploadId, type UploadId } from './upload-id.ts'
import { partRemoval, partsOf, uploadRemoval } from './upload-removal.ts'
import type { PlainRange } from './version-opener.ts'
import { COMMIT_ATTEMPTS, placeOf, VersionStore } from './version-store.ts'

export interface MultipartOptions {
  readonly records: RecordStore
  readonly protector: Protector
  readonly writer: ContentWriter
  readonly objects: Objects
  readonly clock: Clock
}

interface FoundUpload {
  readonly id: UploadId
  readonly bucket: Stored<BucketRecord>
  readonly upload: Stored<UploadRecord>
}

export class Multipart {
  readonly #records: RecordStore
  readonly #protector: Protector
  readonly #writer: ContentWriter
  readonly #objects: Objects
  readonly #clock: Clock
  readonly #versions: VersionStore
  readonly #contents: ContentRecords

  constructor(options: MultipartOptions) {
    this.#records = options.records
    this.#protector = options.protector
    this.#writer = options.writer
    this.#objects = options.objects
    this.#clock = options.clock
    this.#versions = new VersionStore(options.records, options.clock)
    this.#contents = new ContentRecords(options.records)
  }

  /** Exactly one GenerateDataKey for the KMS methods. */
  async create(call: CallContext, input: CreateInput): Promise<{ uploadId: string; protection: ProtectionFacts }> {
    const bucket = await this.#versions.beginWrite(call, { ...input, conditions: {} })
    const { bucketId, encryption } = bucket.value
    const access = input.access?.(bucket.value)
    const nowMs = this.#clock.nowMs()
    const id = newUploadId(nowMs)
    const place = placeOf(input.bucket, bucket.value, input.objectKey, id.streamId)
    const protection = await this.#protector.begin(call, place, input.protection, encryption)
    protection.wipe()
    const record: UploadRecord = {
      initiatedAtMs: nowMs,
      initiator: { arn: call.principal.arn, displayName: call.principal.displayName },
      headers: input.headers,
      userMetadata: input.userMetadata,
      tags: input.tags,
      protection: protection.stored,
      checksum: input.checksum,
      ...(access && { access }),
      ...(input.lock && { lock: input.lock }),
    }
    const put = this.#records.put(uploadRecord, names.upload(bucketId, input.objectKey, id.bytes), record)
    for (let attempt = 0; attempt < COMMIT_ATTEMPTS; attempt++) {
      const current = await this.#versions.requireBucket(call, input.bucket)
      if (current.value.bucketId !== bucketId) throw new Fault('BucketNotFound', { bucket: input.bucket })
      if (await this.#records.commit([this.#records.unchanged(bucketRecord, current)], [put])) {
        return { uploadId: id.text, protection: protectionFacts(protection.stored) }
      }
    }
    throw new Fault('Contention', { what: input.objectKey })
  }

  /** Exactly one Decrypt for the KMS methods. A part sent again takes the earlier one's place. */
  async uploadPart(
    call: CallContext,
    target: UploadTarget & { readonly partNumber: number },
    body: IncomingBody,
    customerKey: CustomerKey | undefined,
  ): Promise<PartResult> {
    const found = await this.#find(call, target)
    requirePromise(found, body)
    return this.#writePart(call, target, found, body, customerKey)
  }

  async uploadPartCopy(
    call: CallContext,
    target: UploadTarget & { readonly partNumber: number },
    source: CopySource,
    range: { readonly first: number; readonly last: number } | undefined,
    customerKey: CustomerKey | undefined,
  ): Promise<PartResult & { readonly sourceVersionId: string | undefined }> {
    const found = await this.#find(call, target)
    const { found: from, body } = await this.#objects.openSource(call, source, ({ version }) =>
      partRange(version.plaintextSize, range),
    )
    try {
      const result = await this.#writePart(call, target, found, body, customerKey)
      return { ...result, sourceVersionId: from.facts.versionId }
    } finally {
      await body.close()
    }
  }

  /**
   * Makes the object. Done again after it succeeded, with the same parts, it answers as it did the first time, since a
   * client whose connection broke cannot know.
   */
  async complete(call: CallContext, input: CompleteInput): Promise<ObjectFacts> {
    for (let attempt = 0; attempt < COMMIT_ATTEMPTS; attempt++) {
      let found: FoundUpload
      try {
        found = await this.#find(call, input)
      } catch (error) {
        const done = isFault(error, 'UploadNotFound') && (await this.#completedBefore(call, input))
        if (done) return done
        throw error
      }
      const facts = await this.#tryComplete(call, input, found)
      if (facts) return facts
    }
    throw new Fault('Contention', { what: input.objectKey })
  }

  async abort(call: CallContext, target: UploadTarget): Promise<void> {
    for (let attempt = 0; attempt < COMMIT_ATTEMPTS; attempt++) {
      const { upload } = await this.#find(call, target)
      const nowMs = this.#clock.nowMs()
      const { checks, mutations } = await uploadRemoval(this.#records, this.#contents, upload, nowMs)
      if (await this.#records.commit(checks, mutations)) return
    }
    throw new Fault('Contention', { what: target.objectKey })
  }

  /** Parts after `marker`, at most `limit`. */
  async listParts(call: CallContext, target: UploadTarget, marker: number, limit: number) {
    const { id, bucket, upload } = await this.#find(call, target)
    const lt = prefixEnd(names.partsOf(id.streamId))
    const from = Math.min(marker + 1, 0xffff)
    const found = await this.#records.range(uploadPart, { gte: names.part(id.streamId, from), lt, limit: limit + 1 })
    const parts = found.map(({ name, value }) => ({ partNumber: partNumberOfName(name), ...value }))
    return {
      upload: upload.value,
      ownerAccountId: ownerOf(bucket.value, upload.value.access),
      parts: parts.slice(0, limit),
      isTruncated: found.length > limit,
    }
  }

  async #writePart(
    call: CallContext,
    target: UploadTarget & { readonly partNumber: number },
    { id, bucket, upload }: FoundUpload,
    body: IncomingBody,
    customerKey: CustomerKey | undefined,
  ): Promise<PartResult> {
    const { protection: stored, checksum } = upload.value
    if ((stored.method === 'SSE-C') !== (customerKey !== undefined)) {
      throw new Fault('EncryptionRefused', { refusal: 'UploadEncryptionMismatch' })
    }
    if (customerKey && bucket.value.encryption.blockedEncryptionTypes.includes('SSE-C')) {
      throw new Fault('EncryptionRefused', { refusal: 'SseCBlocked' })
    }
    if (checksum.declared && body.checksumAlgorithm && body.checksumAlgorithm !== checksum.algorithm) {
      throw new Fault('ChecksumTypeMismatch', { declared: checksum.algorithm, given: body.checksumAlgorithm })
    }
    if ((body.declaredBytes ?? 0) > MAX_PUT_BYTES) {
      throw new Fault('BodyTooLarge', { maxBytes: MAX_PUT_BYTES, proposedBytes: body.declaredBytes! })
    }
    const place = placeOf(target.bucket, bucket.value, target.objectKey, id.streamId)
    const protection = await this.#protector.resume(call, place, stored, customerKey).catch((error: unknown) => {
      if (isFault(error, 'EncryptionRefused') && error.detail.refusal === 'SseCKeyWrong') {
        throw new Fault('EncryptionRefused', { refusal: 'UploadKeyMismatch' }, { cause: error })
      }
      throw error
    })
    let written: WrittenContent
    try {
      written = await this.#writer.write(body, protection, {
        streamId: Buffer.from(id.streamId, 'hex'),
        partNumber: target.partNumber,
        maxBytes: MAX_PUT_BYTES,
        checksumAlgorithm: checksum.algorithm,
      })
    } finally {
      protection.wipe()
    }
    try {
      await written.keep()
      const part: UploadPart = {
        etag: written.etag,
        lastModifiedMs: this.#clock.nowMs(),
        checksum: written.checksum.value,
        stream: written.stream,
      }
      await this.#commitPart(call, target, id, part, this.#contents.keep(written))
      const shown = checksum.declared || stored.method !== 'SSE-C' ? written.checksum : undefined
      return {
        etag: part.etag,
        lastModifiedMs: part.lastModifiedMs,
        plaintextSize: written.stream.plaintextSize,
        checksum: written.announcedChecksum ?? shown,
        protection: protectionFacts(stored),
      }
    } catch (error) {
      // A commit that broke off may yet have become durable; whether it did, the sweep will see.
      if (isFault(error)) await written.discard()
      throw error
    }
  }

  async #commitPart(
    call: CallContext,
    target: UploadTarget & { readonly partNumber: number },
    id: UploadId,
    part: UploadPart,
    keep: readonly Mutation[],
  ): Promise<void> {
    const at = names.part(id.streamId, target.partNumber)
    for (let attempt = 0; attempt < COMMIT_ATTEMPTS; attempt++) {
      const { upload } = await this.#find(call, target)
      const before = await this.#records.get(uploadPart, at)
      const released = before ? this.#contents.releaseStream(before.value.stream, this.#clock.nowMs()) : []
      const checks = [this.#records.unchanged(uploadRecord, upload), this.#records.still(uploadPart, at, before)]
      const mutations = [...released, ...keep, this.#records.put(uploadPart, at, part)]
      if (await this.#records.commit(checks, mutations)) return
    }
    throw new Fault('Contention', { what: target.objectKey })
  }

  /** Undefined where something changed meanwhile. */
  async #tryComplete(
    call: CallContext,
    input: CompleteInput,
    { id, bucket, upload }: FoundUpload,
  ): Promise<ObjectFacts | undefined> {
    requireTransport(call, upload.value.protection)
    const stored = await partsOf(this.#records, id.streamId)
    const { checksum: uploadChecksum, protection, headers, userMetadata, tags, access, lock } = upload.value
    const values = new Map(stored.map((part) => [partNumberOfName(part.name), part.value]))
    const parts = selectParts(input.uploadId, input.parts, values, uploadChecksum)
    const plaintextSize = parts.reduce((sum, { stream }) => sum + stream.plaintextSize, 0)
    if (input.objectSize !== undefined && input.objectSize !== plaintextSize) {
      throw new Fault('UploadSizeMismatch', { expectedBytes: input.objectSize, actualBytes: plaintextSize })
    }
    const checksum = await completedChecksum(upload.value, parts, input)
    const chosen = new Set(parts)
    const manifest = { parts: parts.map(({ stream, checksum: value }) => ({ stream, checksum: value })) }
    const more = {
      checks: [
        this.#records.unchanged(uploadRecord, upload),
        ...stored.map((part) => this.#records.unchanged(uploadPart, part)),
      ],
      mutations: [
        this.#records.remove(uploadRecord, upload.name),
        this.#records.put(manifestRecord, names.manifest(id.streamId), manifest),
        ...stored.flatMap((part) =>
          chosen.has(part.value)
            ? [this.#records.remove(uploadPart, part.name)]
            : partRemoval(this.#records, this.#contents, part, this.#clock.nowMs()),
        ),
      ],
    }
    const made = {
      plaintextSize,
      etag: multipartEtag(parts),
      checksum,
      headers,
      userMetadata,
      tags,
      protection,
      content: { kind: 'parts' as const, streamId: id.streamId, partsCount: parts.length },
      ...(access && { access }),
      ...(lock && { lock }),
    }
    const done = await this.#versions.tryCommit(call, input, bucket.value.bucketId, made, more)
    return done?.facts
  }

  async #completedBefore(call: CallContext, input: CompleteInput): Promise<ObjectFacts | undefined> {
    const id = readUploadId(input.uploadId)
    const current = { ...input, versionId: undefined, conditions: {} }
    const found = await this.#versions.find(call, current).catch((error: unknown) => {
      if (isFault(error, 'ObjectNotFound') || isFault(error, 'ObjectDeleted')) return undefined
      throw error
    })
    if (found?.version.content.kind !== 'parts' || id?.streamId !== streamIdOf(found.version.content)) return
    const listed = input.parts.map(({ etag }) => ({ etag }) as UploadPart)
    return multipartEtag(listed) === found.facts.etag ? found.facts : undefined
  }

  async #find(call: CallContext, target: UploadTarget): Promise<FoundUpload> {
    const bucket = await this.#versions.requireBucket(call, target.bucket)
    const id = readUploadId(target.uploadId)
    const at = id && names.upload(bucket.value.bucketId, target.objectKey, id.bytes)
    const upload = at && (await this.#records.get(uploadRecord, at))
    if (!upload) throw new Fault('UploadNotFound', { uploadId: target.uploadId })
    return { id: id!, bucket, upload }
  }
}

/** Of what will be locked, damage on the way cannot be mended later. Throws ObjectLockRefused PartPromiseMissing. */
function requirePromise({ bucket, upload }: FoundUpload, { needsMd5, checksumAlgorithm }: IncomingBody): void {
  const willBeLocked = upload.value.lock ?? bucket.value.objectLock?.defaultRetention
  if (willBeLocked && !needsMd5 && !checksumAlgorithm) {
    throw new Fault('ObjectLockRefused', { refusal: 'PartPromiseMissing' })
  }
}

/** Throws ArgumentInvalid where the range is not in the source, and CopySourceTooLarge. */
function partRange(size: number, range: { readonly first: number; readonly last: number } | undefined): PlainRange {
  if (range && range.last >= size) {
    throw new Fault('ArgumentInvalid', {
      argument: 'x-amz-copy-source-range',
      value: `bytes=${range.first}-${range.last}`,
      message: `Range specified is not valid for source object of size: ${size}`,
    })
  }
  const taken = range ? { start: range.first, endExclusive: range.last + 1 } : { start: 0, endExclusive: size }
  if (taken.endExclusive - taken.start > MAX_PUT_BYTES) {
    throw new Fault('CopySourceTooLarge', { maxBytes: MAX_PUT_BYTES })
  }
  return taken
}
