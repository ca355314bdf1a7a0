/**
 * Objects: put, get, head, delete, copy.
 * Order of a write: conditions, protection, sealed content, blob durable, one commit, reply. A crash anywhere leaves at
 * worst a blob that no record names, which the sweep removes.
 */
import { freshBytes } from '@strongroom/crypto/node'
import type { Clock } from '../core/clock.ts'
import { Fault, isFault } from '../core/fault.ts'
import type { CallContext } from '../policy/call.ts'
import type { RecordStore } from '../records/record-store.ts'
import { checkCopySource } from './conditions.ts'
import type { ContentReader } from './content-reader.ts'
import { ContentRecords } from './content-records.ts'
import type { ContentWriter, WrittenContent } from './content-writer.ts'
import type { ObjectLock } from './object-lock.ts'
import type { Protector } from './protection.ts'
import type { BucketRecord, ObjectVersion } from './records.ts'
import type {
  Conditions,
  CustomerKey,
  GetInput,
  GetResult,
  IncomingBody,
  PutInput,
  PutResult,
  RequestedAccess,
  RequestedProtection,
  RequestedRange,
  StoredHeaders,
  Tags,
  UserMetadata,
} from './types.ts'
import { type PlainRange, unreplaced, VersionOpener } from './version-opener.ts'
import {
  COMMIT_ATTEMPTS,
  type FoundVersion,
  placeOf,
  requireObjectKey,
  requireVersionId,
  VersionStore,
} from './version-store.ts'
import type { Change } from './versions.ts'

export interface ObjectsOptions {
  readonly records: RecordStore
  readonly protector: Protector
  readonly writer: ContentWriter
  readonly reader: ContentReader
  readonly clock: Clock
  /** Absent: its own. */
  readonly versions?: VersionStore
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
  /** What tags the copy has, once the source's are known; throws where those may not be taken. Absent: the source's. */
  readonly tags?: (source: Tags) => Promise<Tags>
  /** That of the source is not taken. */
  readonly lock?: ObjectLock | undefined
  readonly storageClass: string | undefined
  readonly access?: RequestedAccess | undefined
  readonly protection: RequestedProtection
  readonly checksumAlgorithm: IncomingBody['checksumAlgorithm']
  readonly conditions: Conditions
}

export interface CopyResult extends PutResult {
  readonly lastModifiedMs: number
  readonly sourceVersionId: string | undefined
}

export interface DeleteInput {
  readonly bucket: string
  readonly objectKey: string
  /** Undefined: whatever is current. */
  readonly versionId: string | undefined
  /** Whether governance mode is passed over. */
  readonly bypassGovernance?: boolean
}

export interface DeleteResult {
  readonly versionId: string | undefined
  readonly deleteMarker: boolean
}

/** A single PUT takes 5 GiB at most. */
export const MAX_PUT_BYTES = 5 * 1024 ** 3

export class Objects {
  readonly #protector: Protector
  readonly #writer: ContentWriter
  readonly #opener: VersionOpener
  readonly #clock: Clock
  readonly #versions: VersionStore
  readonly #contents: ContentRecords

  constructor(options: ObjectsOptions) {
    this.#protector = options.protector
    this.#writer = options.writer
    this.#clock = options.clock
    this.#versions = options.versions ?? new VersionStore(options.records, options.clock)
    this.#contents = new ContentRecords(options.records)
    this.#opener = new VersionOpener(options.protector, options.reader, this.#contents)
  }

  async put(call: CallContext, input: PutInput): Promise<PutResult> {
    const { result } = await this.#write(call, input)
    return result
  }

  async get(call: CallContext, input: GetInput): Promise<GetResult> {
    return unreplaced(
      () => this.#versions.find(call, input),
      async (found) => {
        const selection =
          input.partNumber === undefined ? wholeOrRange(input.range, found) : await this.#part(input.partNumber, found)
        const range = selection.range ?? { start: 0, endExclusive: found.version.plaintextSize }
        return { ...selection, content: await this.#opener.open(call, found, input.customerKey, range) }
      },
    )
  }

  async head(call: CallContext, input: GetInput): Promise<Omit<GetResult, 'content'>> {
    const found = await this.#versions.find(call, input)
    const selection =
      input.partNumber === undefined ? wholeOrRange(input.range, found) : await this.#part(input.partNumber, found)
    this.#protector.verifyRead(call, found.place, found.version.protection, input.customerKey)
    return selection
  }

  /** Throws ObjectLockRefused Protected of a version that is locked; a delete marker can always be made. */
  async delete(call: CallContext, input: DeleteInput): Promise<DeleteResult> {
    requireObjectKey(input.objectKey)
    const { keys } = this.#versions
    for (let attempt = 0; attempt < COMMIT_ATTEMPTS; attempt++) {
      const bucket = await this.#versions.requireBucket(call, input.bucket)
      const { bucketId, versioning } = bucket.value
      const state = await keys.read(bucketId, input.objectKey, versioning)
      const nowMs = this.#clock.nowMs()
      let change: Change
      let result: DeleteResult
      if (input.versionId !== undefined) {
        requireVersionId(input.versionId)
        const version = await keys.find(bucketId, input.objectKey, input.versionId)
        if (!version) return { versionId: input.versionId, deleteMarker: false }
        change = await keys.remove(state, version, nowMs, input.bypassGovernance)
        result = { versionId: input.versionId, deleteMarker: version.value.kind === 'deleteMarker' }
      } else {
        if (versioning === undefined && !state.current) return { versionId: undefined, deleteMarker: false }
        const marker = { kind: 'deleteMarker' as const, ...keys.next(state, nowMs), lastModifiedMs: nowMs }
        change = await keys.delete(state, marker, nowMs)
        const versioned = versioning !== undefined
        result = { versionId: versioned ? marker.versionId : undefined, deleteMarker: versioned }
      }
      if (await this.#versions.commitChange(bucket, change)) return result
    }
    throw new Fault('Contention', { what: input.objectKey })
  }

  /** Reads the source and seals it anew, under a data key of its own. */
  async copy(call: CallContext, input: CopyInput): Promise<CopyResult> {
    const { source } = input
    const { found, body } = await this.openSource(call, source, (one) => {
      requireCopyable(one, input)
      return wholeOf(one)
    })
    try {
      const taken = input.metadata === 'COPY' ? found.version : input.metadata
      const { 'x-amz-storage-class': _, 'x-amz-website-redirect-location': __, ...headers } = taken.headers
      const sourceTags = found.facts.tags
      const tags = input.tags ? await input.tags(sourceTags) : sourceTags
      const { result, version } = await this.#write(call, {
        bucket: input.bucket,
        objectKey: input.objectKey,
        headers: { ...headers, ...(input.storageClass !== undefined && { 'x-amz-storage-class': input.storageClass }) },
        userMetadata: taken.userMetadata,
        access: input.access,
        lock: input.lock,
        tags,
        protection: input.protection,
        conditions: input.conditions,
        body: { ...body, checksumAlgorithm: input.checksumAlgorithm ?? found.version.checksum?.algorithm },
      })
      return { ...result, lastModifiedMs: version.lastModifiedMs, sourceVersionId: found.facts.versionId }
    } finally {
      await body.close()
    }
  }

  /**
   * What a copy reads, as the body of a write, which closes itself at its end. `rangeOf` says which part of the version that
   * is found, and throws where there is none to take.
   */
  async openSource(
    call: CallContext,
    source: CopySource,
    rangeOf: (found: FoundVersion) => PlainRange,
  ): Promise<{ readonly found: FoundVersion; readonly body: IncomingBody & { close(): Promise<void> } }> {
    return unreplaced(
      () => this.#findSource(call, source),
      async (found) => {
        const content = await this.#opener.open(call, found, source.customerKey, rangeOf(found))
        const body = {
          chunks: content.chunks(),
          declaredBytes: content.bytes,
          checksumAlgorithm: undefined,
          needsMd5: false,
          needsSha256: false,
          expectations: () => ({ contentMd5: undefined, payloadSha256: undefined, checksum: undefined }),
          close: () => content.close(),
        }
        return { found, body }
      },
    )
  }

  async #findSource(call: CallContext, source: CopySource): Promise<FoundVersion> {
    const found = await this.#versions.find(call, { ...source, conditions: {} })
    checkCopySource(source.conditions, found.version)
    return found
  }

  async #write(call: CallContext, input: PutInput): Promise<{ result: PutResult; version: ObjectVersion }> {
    const bucket = await this.#versions.beginWrite(call, input)
    const access = input.access?.(bucket.value)
    if ((input.body.declaredBytes ?? 0) > MAX_PUT_BYTES) {
      throw new Fault('BodyTooLarge', { maxBytes: MAX_PUT_BYTES, proposedBytes: input.body.declaredBytes! })
    }
    const streamId = Buffer.from(freshBytes(16))
    const place = placeOf(input.bucket, bucket.value, input.objectKey, streamId.toString('hex'))
    const protection = await this.#protector.begin(call, place, input.protection, bucket.value.encryption)
    let written: WrittenContent
    try {
      written = await this.#writer.write(input.body, protection, {
        streamId,
        partNumber: 1,
        maxBytes: MAX_PUT_BYTES,
        checksumAlgorithm: input.body.checksumAlgorithm ?? DEFAULT_CHECKSUM,
      })
    } finally {
      protection.wipe()
    }
    try {
      await written.keep()
      const made = {
        plaintextSize: written.stream.plaintextSize,
        etag: written.etag,
        checksum: { ...written.checksum, type: 'FULL_OBJECT' as const },
        headers: input.headers,
        userMetadata: input.userMetadata,
        tags: input.tags,
        protection: protection.stored,
        content: { kind: 'stream' as const, stream: written.stream },
        ...(access && { access }),
        ...(input.lock && { lock: input.lock }),
      }
      const keep = this.#contents.keep(written)
      const { facts, version } = await this.#versions.commit(call, input, bucket.value.bucketId, made, keep)
      return { result: facts, version }
    } catch (error) {
      // A commit that broke off may yet have become durable; whether it did, the sweep will see.
      if (isFault(error)) await written.discard()
      throw error
    }
  }

  async #part(partNumber: number, { version, facts }: FoundVersion): Promise<Omit<GetResult, 'content'>> {
    if (version.content.kind === 'stream') {
      if (partNumber !== 1) throw new Fault('PartNumberNotSatisfiable', { partNumber, partsCount: 1 })
      // An empty range cannot be told; an empty object's only part is the whole.
      const range = version.plaintextSize === 0 ? undefined : { start: 0, endExclusive: version.plaintextSize }
      return { facts, range, part: { count: undefined, checksum: facts.checksum } }
    }
    const { parts } = await this.#contents.manifest(version.content.streamId)
    const part = parts[partNumber - 1]
    if (!part) throw new Fault('PartNumberNotSatisfiable', { partNumber, partsCount: parts.length })
    const start = parts.slice(0, partNumber - 1).reduce((sum, { stream }) => sum + stream.plaintextSize, 0)
    const checksum = facts.checksum?.type === 'COMPOSITE' ? { ...facts.checksum, value: part.checksum } : undefined
    return {
      facts,
      range: { start, endExclusive: start + part.stream.plaintextSize },
      part: { count: parts.length, checksum },
    }
  }
}

export const DEFAULT_CHECKSUM = 'CRC64NVME'

/** Throws CopySourceTooLarge, and CopyToItself where nothing would change. */
function requireCopyable({ bucket, version }: FoundVersion, input: CopyInput): void {
  const { source } = input
  if (version.plaintextSize > MAX_PUT_BYTES) throw new Fault('CopySourceTooLarge', { maxBytes: MAX_PUT_BYTES })
  const inPlace =
    source.bucket === input.bucket && source.objectKey === input.objectKey && source.versionId === undefined
  const changes =
    input.metadata !== 'COPY' ||
    input.protection.kind !== 'default' ||
    input.storageClass !== undefined ||
    isConfigured(bucket.value)
  if (inPlace && !changes) throw new Fault('CopyToItself', { objectKey: input.objectKey })
}

const wholeOf = ({ version }: FoundVersion): PlainRange => ({ start: 0, endExclusive: version.plaintextSize })

function wholeOrRange(range: RequestedRange | undefined, { version, facts }: FoundVersion): Omit<GetResult, 'content'> {
  return { facts, range: range && resolveRange(range, version.plaintextSize), part: undefined }
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

/** A bucket whose default is not simply AES256 gives a copy in place something to change. */
const isConfigured = (bucket: BucketRecord) =>
  bucket.encryption.algorithm !== 'AES256' || bucket.encryption.bucketKeyEnabled
