/** Finds object versions for reading and commits new ones; every check that a request's target must pass is here. */
import type { Clock } from '../core/clock.ts'
import { Fault, isFault } from '../core/fault.ts'
import type { CallContext } from '../policy/call.ts'
import type { RecordStore, Stored } from '../records/record-store.ts'
import type { Check, Mutation } from '../storage/catalog.ts'
import { requireOpened } from './buckets.ts'
import { checkRead, checkWrite, hasConditions } from './conditions.ts'
import { lockOfNew, type ObjectLock, requireLockable } from './object-lock.ts'
import type { ProtectedPlace } from './protection.ts'
import { protectionFacts } from './protection.ts'
import { type BucketRecord, bucketRecord, currentVersion, names, type ObjectVersion } from './records.ts'
import { streamIdOf } from './stored-content.ts'
import type { Conditions, ObjectFacts } from './types.ts'
import { NULL_VERSION, sequenceOf } from './version-id.ts'
import { type Change, KeyVersions } from './versions.ts'

/** Commits that lose against others are tried again this often: of many that want one key at once, one wins at a time. */
export const COMMIT_ATTEMPTS = 200

export interface FoundVersion {
  readonly bucket: Stored<BucketRecord>
  readonly version: ObjectVersion
  readonly facts: ObjectFacts
  readonly place: ProtectedPlace
}

/** Where a new version goes. */
export interface WriteTarget {
  readonly bucket: string
  readonly objectKey: string
  readonly conditions: Conditions
  /** What the write asks to be locked by. */
  readonly lock?: ObjectLock | undefined
}

/** What the writer decides of a new version; the rest follows from the key's state. Its lock is what the write asks for. */
export type NewVersion = Omit<ObjectVersion, 'kind' | 'versionId' | 'sequence' | 'lastModifiedMs'>

export interface CommitMore {
  readonly checks: readonly Check[]
  readonly mutations: readonly Mutation[]
}

export class VersionStore {
  readonly keys: KeyVersions
  readonly #records: RecordStore
  readonly #clock: Clock

  constructor(records: RecordStore, clock: Clock) {
    this.#records = records
    this.#clock = clock
    this.keys = new KeyVersions(records)
  }

  /** Throws BucketNotFound. */
  async requireBucket(call: CallContext, bucket: string): Promise<Stored<BucketRecord>> {
    return requireOpened(call, bucket, await this.#records.get(bucketRecord, names.bucket(bucket)))
  }

  /** The version that a read is about. Throws what S3 answers where there is none or a condition does not hold. */
  async find(
    call: CallContext,
    input: { bucket: string; objectKey: string; versionId: string | undefined; conditions: Conditions },
  ): Promise<FoundVersion> {
    requireObjectKey(input.objectKey)
    const bucket = await this.requireBucket(call, input.bucket)
    const version = await this.#findVersion(bucket.value.bucketId, input)
    checkRead(input.conditions, version)
    return {
      bucket,
      version,
      facts: factsOf(input.objectKey, bucket.value, version),
      place: placeOf(input.bucket, bucket.value, input.objectKey, streamIdOf(version.content)),
    }
  }

  /** For deciding who may use an object: undefined where there is no such version, or it is a delete marker. */
  async peek(
    { bucketId }: BucketRecord,
    objectKey: string,
    versionId: string | undefined,
  ): Promise<ObjectVersion | undefined> {
    const stored =
      versionId === undefined
        ? await this.#records.get(currentVersion, names.objectKey(bucketId, objectKey))
        : await this.keys.find(bucketId, objectKey, versionId)
    return stored?.value.kind === 'object' ? stored.value : undefined
  }

  /**
   * Says something else of a version; its plaintext, ETag and time stay. Throws what a read of it would. `change` may
   * throw, and may be asked again where somebody else was first.
   */
  async amend(
    call: CallContext,
    target: { bucket: string; objectKey: string; versionId: string | undefined },
    change: (
      found: FoundVersion,
    ) => Partial<Pick<ObjectVersion, 'tags' | 'access' | 'lock' | 'protection' | 'content'>>,
    more?: CommitMore,
  ): Promise<FoundVersion> {
    for (let attempt = 0; attempt < COMMIT_ATTEMPTS; attempt++) {
      const found = await this.find(call, { ...target, conditions: {} })
      const { bucketId, versioning } = found.bucket.value
      const state = await this.keys.read(bucketId, target.objectKey, versioning)
      const stored = await this.keys.find(bucketId, target.objectKey, found.version.versionId)
      if (stored?.value.kind !== 'object') continue
      // Judged as it will be committed: another object may have the id `null` by now.
      const changes = change({ ...found, version: stored.value })
      const amended = this.keys.amend(state, stored as Stored<ObjectVersion>, { ...stored.value, ...changes })
      if (await this.commitChange(found.bucket, amended, more)) return found
    }
    throw new Fault('Contention', { what: target.objectKey })
  }

  /** What can be said of a write before its body has come. */
  async beginWrite(call: CallContext, target: WriteTarget): Promise<Stored<BucketRecord>> {
    requireObjectKey(target.objectKey)
    const bucket = await this.requireBucket(call, target.bucket)
    requireLockable(bucket.value, target.lock)
    if (hasConditions(target.conditions)) {
      const state = await this.keys.read(bucket.value.bucketId, target.objectKey, bucket.value.versioning)
      checkWrite(target.conditions, target.objectKey, state.current?.value)
    }
    return bucket
  }

  /** Makes a new version the current one, with `mutations` in the same commit. */
  async commit(
    call: CallContext,
    target: WriteTarget,
    bucketId: string,
    made: NewVersion,
    mutations: readonly Mutation[],
  ): Promise<{ facts: ObjectFacts; version: ObjectVersion }> {
    for (let attempt = 0; attempt < COMMIT_ATTEMPTS; attempt++) {
      try {
        const done = await this.tryCommit(call, target, bucketId, made, { checks: [], mutations })
        if (done) return done
      } catch (error) {
        if (attempt === 0 || !isFault(error, 'PreconditionFailed')) throw error
        // A condition that held before the first attempt was broken by somebody at the same time.
        throw new Fault('ConditionalConflict', { objectKey: target.objectKey }, { cause: error })
      }
    }
    throw new Fault('Contention', { what: target.objectKey })
  }

  /** One attempt; undefined where the bucket, the key or what `more` checks has changed since it was read. */
  async tryCommit(
    call: CallContext,
    target: WriteTarget,
    bucketId: string,
    made: NewVersion,
    more: CommitMore,
  ): Promise<{ facts: ObjectFacts; version: ObjectVersion } | undefined> {
    const bucket = await this.requireBucket(call, target.bucket)
    // Sealed for a bucket that has been removed and made anew meanwhile, the content belongs nowhere.
    if (bucket.value.bucketId !== bucketId) throw new Fault('BucketNotFound', { bucket: target.bucket })
    const state = await this.keys.read(bucketId, target.objectKey, bucket.value.versioning)
    checkWrite(target.conditions, target.objectKey, state.current?.value)
    const nowMs = this.#clock.nowMs()
    const lock = lockOfNew(bucket.value, made.lock, nowMs)
    const version: ObjectVersion = {
      kind: 'object',
      ...this.keys.next(state, nowMs),
      lastModifiedMs: nowMs,
      ...made,
      ...(lock && { lock }),
    }
    const change = await this.keys.put(state, version, nowMs)
    if (!(await this.commitChange(bucket, change, more))) return undefined
    return { version, facts: factsOf(target.objectKey, bucket.value, version) }
  }

  /** False where the bucket, the key or what `more` checks has changed since it was read. */
  commitChange(bucket: Stored<BucketRecord>, change: Change, more: CommitMore = NOTHING_MORE): Promise<boolean> {
    return this.#records.commit(
      [this.#records.unchanged(bucketRecord, bucket), ...change.checks, ...more.checks],
      [...change.mutations, ...more.mutations],
    )
  }

  async #findVersion(
    bucketId: string,
    { objectKey, versionId }: { objectKey: string; versionId: string | undefined },
  ): Promise<ObjectVersion> {
    if (versionId === undefined) {
      const current = await this.#records.get(currentVersion, names.objectKey(bucketId, objectKey))
      if (current) return current.value
      const newest = await this.keys.newestOlder(bucketId, objectKey)
      if (newest) throw new Fault('ObjectDeleted', { objectKey, versionId: newest.value.versionId })
      throw new Fault('ObjectNotFound', { objectKey })
    }
    requireVersionId(versionId)
    const found = await this.keys.find(bucketId, objectKey, versionId)
    if (!found) throw new Fault('VersionNotFound', { objectKey, versionId })
    if (found.value.kind === 'object') return found.value
    throw new Fault('VersionIsDeleteMarker', { objectKey, versionId, lastModifiedMs: found.value.lastModifiedMs })
  }
}

const NOTHING_MORE: CommitMore = { checks: [], mutations: [] }

export function placeOf(bucket: string, record: BucketRecord, objectKey: string, streamId: string): ProtectedPlace {
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
    tags: version.tags ?? [],
    checksum: version.checksum,
    protection: protectionFacts(version.protection),
    lock: version.lock,
  }
}

export function requireObjectKey(objectKey: string): void {
  if (objectKey.includes('\0')) {
    throw new Fault('ArgumentInvalid', {
      argument: 'Key',
      value: '',
      message: 'Object keys with a NUL character are not supported.',
    })
  }
}

export function requireVersionId(versionId: string): void {
  if (versionId === NULL_VERSION || sequenceOf(versionId) !== undefined) return
  throw new Fault('ArgumentInvalid', {
    argument: 'versionId',
    value: versionId,
    message: 'Invalid version id specified',
  })
}
