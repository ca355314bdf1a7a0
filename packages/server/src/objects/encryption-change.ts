/**
 * Another encryption for an object that is there: its version, ETag, time, tags and checksums stay. Between SSE-S3 and
 * SSE-KMS, and from key to key, the data key alone is wrapped anew and no byte moves; to and from DSSE-KMS the content is
 * sealed anew. Either way one commit changes from the old to the new, and whoever reads meanwhile reads on; of a content of
 * several parts that is sealed anew, for a minute, as after an overwrite.
 */
import { freshBytes } from '@strongroom/crypto/node'
import type { Clock } from '../core/clock.ts'
import { Fault, isFault } from '../core/fault.ts'
import type { CallContext } from '../policy/call.ts'
import type { RecordStore } from '../records/record-store.ts'
import type { BlobStore } from '../storage/blobs.ts'
import type { Mutation } from '../storage/catalog.ts'
import type { ContentReader } from './content-reader.ts'
import { ContentRecords } from './content-records.ts'
import type { ContentWriter, WrittenContent } from './content-writer.ts'
import { MAX_PUT_BYTES } from './objects.ts'
import { type ActiveProtection, callersContextOf, type Protector } from './protection.ts'
import { type Manifest, manifestRecord, names, type ObjectVersion } from './records.ts'
import { type StoredContent, type StoredProtection, type StoredStream, streamIdOf } from './stored-content.ts'
import type { ChecksumAlgorithm, IncomingBody } from './types.ts'
import { type CommitMore, type FoundVersion, VersionStore } from './version-store.ts'

/** `keyArn`: the full ARN. */
export type EncryptionTarget =
  | { readonly kind: 'AES256' }
  | { readonly kind: 'aws:kms'; readonly keyArn: string; readonly bucketKeyEnabled: boolean }
  | { readonly kind: 'aws:kms:dsse'; readonly keyArn: string }

export interface ChangedObject {
  readonly bucket: string
  readonly objectKey: string
  readonly versionId: string | undefined
}

export interface EncryptionChangesOptions {
  readonly records: RecordStore
  readonly blobs: BlobStore
  readonly protector: Protector
  readonly writer: ContentWriter
  readonly reader: ContentReader
  readonly clock: Clock
}

export type EncryptionChange = 'already' | 'rewrapped' | 'sealed-anew'

export class EncryptionChanges {
  readonly #records: RecordStore
  readonly #blobs: BlobStore
  readonly #protector: Protector
  readonly #writer: ContentWriter
  readonly #reader: ContentReader
  readonly #clock: Clock
  readonly #versions: VersionStore
  readonly #contents: ContentRecords

  constructor({ records, blobs, protector, writer, reader, clock }: EncryptionChangesOptions) {
    this.#records = records
    this.#blobs = blobs
    this.#protector = protector
    this.#writer = writer
    this.#reader = reader
    this.#clock = clock
    this.#versions = new VersionStore(records, clock)
    this.#contents = new ContentRecords(records)
  }

  /**
   * `allowed`: throws where the version that is found may not be changed. Throws what a read of it would, Kms* faults,
   * and EncryptionRefused SourceNotChangeable of an SSE-C object.
   */
  async change(
    call: CallContext,
    object: ChangedObject,
    target: EncryptionTarget,
    allowed: (found: FoundVersion) => void = () => undefined,
  ): Promise<{ change: EncryptionChange; versionId: string | undefined }> {
    const found = await this.#versions.find(call, { ...object, conditions: {} })
    allowed(found)
    const { method } = found.version.protection
    if (method === 'SSE-C') throw new Fault('EncryptionRefused', { refusal: 'SourceNotChangeable' })
    const { versionId } = found.facts
    if (
      isAlready(found.version.protection, target) &&
      (await this.#protector.mayResume(call, found.version.protection))
    ) {
      return { change: 'already', versionId }
    }
    if (method === 'aws:kms:dsse' || target.kind === 'aws:kms:dsse') {
      // The first parts wait for the last to be named, maybe longer than the sweep lets a blob be without a name.
      const hold = await this.#blobs.hold()
      try {
        await this.#sealAnew(call, object, found, target)
      } catch (error) {
        // What was overwritten meanwhile may have gone before it was read.
        if (!isFault(error, 'Damaged') || (await this.#isStill(object, found))) throw error
        throw new Fault('Contention', { what: object.objectKey }, { cause: error })
      } finally {
        await hold.release()
      }
      return { change: 'sealed-anew', versionId }
    }
    const protection = await this.#protector.rewrap(call, found.place, found.version.protection, target)
    await this.#commit(call, object, found, { protection })
    return { change: 'rewrapped', versionId }
  }

  async #sealAnew(call: CallContext, object: ChangedObject, found: FoundVersion, target: EncryptionTarget) {
    const { version, place, bucket } = found
    const streamId = Buffer.from(freshBytes(16))
    const newPlace = { ...place, streamId: streamId.toString('hex') }
    const parts = await this.#partsOf(version)
    const opened = await this.#protector.resume(call, place, version.protection, undefined)
    const all: WrittenContent[] = []
    let sealing: ActiveProtection | undefined
    try {
      const encryptionContext = callersContextOf(version.protection)
      const requested = { encryptionContext, bucketKeyEnabled: false, ...requestOf(target) }
      sealing = await this.#protector.begin(call, newPlace, requested, bucket.value.encryption)
      for (const { stream, checksum } of parts) {
        const body = await this.#bodyOf(stream, opened, version.checksum?.algorithm, checksum)
        const written = await this.#writer.write(body, sealing, {
          streamId,
          partNumber: stream.partNumber,
          maxBytes: MAX_PUT_BYTES,
          checksumAlgorithm: version.checksum?.algorithm ?? 'CRC64NVME',
        })
        all.push(written)
        await written.keep()
      }
      const streams = all.map(({ stream }) => stream)
      const content = contentOf(version.content, newPlace.streamId, streams)
      const mutations = [
        ...all.flatMap((written) => this.#contents.keep(written)),
        ...this.#manifest(content, parts, streams),
        ...(await this.#contents.release(version.content, this.#clock.nowMs())),
      ]
      await this.#commit(call, object, found, { protection: sealing.stored, content }, { checks: [], mutations })
    } catch (error) {
      // As with a write: a commit that broke off may yet have become durable, and the sweep will see.
      if (isFault(error)) for (const written of all) await written.discard()
      throw error
    } finally {
      opened.wipe()
      sealing?.wipe()
    }
  }

  /** Throws Contention where the version was changed meanwhile. */
  async #commit(
    call: CallContext,
    object: ChangedObject,
    found: FoundVersion,
    changes: Pick<ObjectVersion, 'protection'> & Partial<Pick<ObjectVersion, 'content'>>,
    more?: CommitMore,
  ): Promise<void> {
    const change = (now: FoundVersion) => {
      if (!isSame(now.version, found.version)) throw new Fault('Contention', { what: object.objectKey })
      return changes
    }
    await this.#versions.amend(call, { ...object, versionId: found.version.versionId }, change, more)
  }

  async #isStill({ objectKey }: ChangedObject, { bucket, version }: FoundVersion): Promise<boolean> {
    const now = await this.#versions.peek(bucket.value, objectKey, version.versionId)
    return now !== undefined && isSame(now, version)
  }

  /** The streams with the checksums, base64, that their plaintext had when it came. */
  async #partsOf({ content, checksum }: ObjectVersion): Promise<readonly Part[]> {
    if (content.kind === 'stream') return [{ stream: content.stream, checksum: checksum?.value }]
    return (await this.#contents.manifest(content.streamId)).parts
  }

  async #bodyOf(
    stream: StoredStream,
    opened: ActiveProtection,
    algorithm: ChecksumAlgorithm | undefined,
    checksum: string | undefined,
  ): Promise<IncomingBody> {
    // The keys are needed for the next part as well.
    const shared = { ...opened, wipe: () => undefined }
    const content = await this.#reader.open([stream], shared, 0, stream.plaintextSize)
    const expected = algorithm !== undefined && checksum !== undefined ? { algorithm, value: checksum } : undefined
    return {
      chunks: content.chunks(),
      declaredBytes: stream.plaintextSize,
      checksumAlgorithm: expected?.algorithm,
      needsMd5: false,
      needsSha256: false,
      expectations: () => ({ contentMd5: undefined, payloadSha256: undefined, checksum: expected }),
    }
  }

  #manifest(content: StoredContent, parts: readonly Part[], streams: readonly StoredStream[]): Mutation[] {
    if (content.kind === 'stream') return []
    const manifest: Manifest = { parts: streams.map((stream, i) => ({ stream, checksum: parts[i]!.checksum! })) }
    return [this.#records.put(manifestRecord, names.manifest(content.streamId), manifest)]
  }
}

const isSame = (a: ObjectVersion, b: ObjectVersion) =>
  streamIdOf(a.content) === streamIdOf(b.content) && JSON.stringify(a.protection) === JSON.stringify(b.protection)

interface Part {
  readonly stream: StoredStream
  readonly checksum: string | undefined
}

function contentOf(old: StoredContent, streamId: string, streams: readonly StoredStream[]): StoredContent {
  return old.kind === 'stream'
    ? { kind: 'stream', stream: streams[0]! }
    : { kind: 'parts', streamId, partsCount: streams.length }
}

const requestOf = (target: EncryptionTarget) =>
  target.kind === 'AES256' ? ({ kind: 'AES256' } as const) : { ...target, keyId: target.keyArn }

function isAlready(stored: StoredProtection, target: EncryptionTarget): boolean {
  if (stored.method !== target.kind) return false
  if (target.kind === 'AES256') return true
  if (!('kmsKeyArn' in stored) || stored.kmsKeyArn !== target.keyArn) return false
  return target.kind !== 'aws:kms' || 'wrappedBucketKey' in stored === target.bucketKeyEnabled
}
