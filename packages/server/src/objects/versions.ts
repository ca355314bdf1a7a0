/**
 * What a change of one key does to its versions: from what was read to the checks and mutations of one commit.
 * The only reads here are of the key's own records; the rules are those of S3 versioning (user guide, "Using versioning").
 */
import { nameAfter, prefixEnd } from '../records/names.ts'
import type { RecordStore, Stored } from '../records/record-store.ts'
import type { Check, Mutation } from '../storage/catalog.ts'
import { ContentRecords } from './content-records.ts'
import { requireUnlocked } from './object-lock.ts'
import {
  currentVersion,
  type DeleteMarker,
  type KeyHead,
  keyHead,
  names,
  nullVersion,
  type ObjectVersion,
  olderVersion,
  type Versioning,
} from './records.ts'
import { NULL_VERSION, newVersionId, nextSequence, sequenceOf } from './version-id.ts'

/** One key of one bucket, as read just now. */
export interface KeyState {
  readonly bucketId: string
  readonly objectKey: string
  readonly versioning: Versioning
  readonly current: Stored<ObjectVersion> | undefined
  readonly head: Stored<KeyHead> | undefined
}

export interface Change {
  readonly checks: Check[]
  readonly mutations: Mutation[]
}

export class KeyVersions {
  readonly #records: RecordStore
  readonly #contents: ContentRecords

  constructor(records: RecordStore) {
    this.#records = records
    this.#contents = new ContentRecords(records)
  }

  async read(bucketId: string, objectKey: string, versioning: Versioning): Promise<KeyState> {
    const at = names.objectKey(bucketId, objectKey)
    const [current, head] = await this.#records.getBoth([currentVersion, at], [keyHead, at])
    return { bucketId, objectKey, versioning, current, head }
  }

  /** A version by id: the current one, an older one, or undefined. */
  async find(
    bucketId: string,
    objectKey: string,
    versionId: string,
  ): Promise<Stored<ObjectVersion | DeleteMarker> | undefined> {
    const at = names.objectKey(bucketId, objectKey)
    const current = await this.#records.get(currentVersion, at)
    if (current?.value.versionId === versionId) return current
    const sequence =
      versionId === NULL_VERSION ? (await this.#records.get(nullVersion, at))?.value.sequence : sequenceOf(versionId)
    if (sequence === undefined) return undefined
    const older = await this.#records.get(olderVersion, names.version(bucketId, objectKey, sequence))
    return older?.value.versionId === versionId ? older : undefined
  }

  /** The newest version that is not the current one. */
  async newestOlder(bucketId: string, objectKey: string, after?: Uint8Array) {
    const prefix = names.versionsOf(bucketId, objectKey)
    const gte = after === undefined ? prefix : nameAfter(after)
    return (await this.#records.range(olderVersion, { gte, lt: prefixEnd(prefix), limit: 1 }))[0]
  }

  /** Sequence and id of the next version. */
  next(state: KeyState, nowMs: number): { sequence: string; versionId: string } {
    const sequence = nextSequence(nowMs, state.head?.value.sequence ?? state.current?.value.sequence)
    return { sequence, versionId: state.versioning === 'Enabled' ? newVersionId(sequence) : NULL_VERSION }
  }

  /** Makes `version` the current one; its content's own records are the caller's. */
  async put(state: KeyState, version: ObjectVersion, nowMs: number): Promise<Change> {
    const change = await this.#step(state, version, nowMs)
    const at = names.objectKey(state.bucketId, state.objectKey)
    change.mutations.push(this.#records.put(currentVersion, at, version))
    return change
  }

  /** A DELETE without a version id: a delete marker where there is versioning, else the object's end. */
  async delete(state: KeyState, marker: DeleteMarker, nowMs: number): Promise<Change> {
    const { bucketId, objectKey } = state
    const change = await this.#step(state, marker, nowMs)
    const at = names.objectKey(bucketId, objectKey)
    change.mutations.push(this.#records.remove(currentVersion, at))
    if (state.versioning !== undefined) this.#file(change, bucketId, objectKey, marker)
    return change
  }

  /**
   * Removes one version for good. Where it was the newest, the one below it becomes the newest. Throws ObjectLockRefused
   * Protected.
   */
  async remove(
    state: KeyState,
    version: Stored<ObjectVersion | DeleteMarker>,
    nowMs: number,
    bypassGovernance = false,
  ): Promise<Change> {
    const { bucketId, objectKey, current } = state
    const at = names.objectKey(bucketId, objectKey)
    const change = this.#begin(state)
    const isCurrent = current !== undefined && current.value.versionId === version.value.versionId
    if (isCurrent) change.mutations.push(this.#records.remove(currentVersion, at))
    else {
      change.checks.push(this.#records.unchanged(olderVersion, version))
      change.mutations.push(this.#records.remove(olderVersion, version.name))
      if (version.value.versionId === NULL_VERSION) change.mutations.push(this.#records.remove(nullVersion, at))
    }
    await this.#release(change, version.value, nowMs, bypassGovernance)

    if (state.versioning === undefined || (current && !isCurrent)) return change
    const below = await this.newestOlder(bucketId, objectKey)
    const next =
      below && !isCurrent && sameName(below, version) ? await this.newestOlder(bucketId, objectKey, below.name) : below
    if (!next) change.mutations.push(this.#records.remove(keyHead, at))
    else if (next.value.kind === 'object' && (isCurrent || sameName(below!, version))) {
      change.checks.push(this.#records.unchanged(olderVersion, next))
      change.mutations.push(
        this.#records.remove(olderVersion, next.name),
        this.#records.put(currentVersion, at, next.value),
      )
      if (next.value.versionId === NULL_VERSION) change.mutations.push(this.#records.remove(nullVersion, at))
    }
    return change
  }

  /** The same version, saying something else of itself; its content stays. */
  amend(state: KeyState, version: Stored<ObjectVersion>, next: ObjectVersion): Change {
    const change = this.#begin(state)
    const isCurrent = state.current?.value.versionId === version.value.versionId
    if (!isCurrent) change.checks.push(this.#records.unchanged(olderVersion, version))
    change.mutations.push(this.#records.put(isCurrent ? currentVersion : olderVersion, version.name, next))
    return change
  }

  /** What every new version does to those before it. */
  async #step(state: KeyState, newest: ObjectVersion | DeleteMarker, nowMs: number): Promise<Change> {
    const { bucketId, objectKey, versioning, current } = state
    const at = names.objectKey(bucketId, objectKey)
    const change = this.#begin(state)
    if (versioning !== undefined) change.mutations.push(this.#records.put(keyHead, at, { sequence: newest.sequence }))
    const replaced = newest.versionId === NULL_VERSION
    if (current && replaced && current.value.versionId === NULL_VERSION)
      await this.#release(change, current.value, nowMs)
    else if (current) this.#file(change, bucketId, objectKey, current.value)
    if (versioning === 'Suspended') {
      const older = await this.find(bucketId, objectKey, NULL_VERSION)
      if (older && older.name.length !== at.length) {
        change.checks.push(this.#records.unchanged(olderVersion, older))
        change.mutations.push(this.#records.remove(olderVersion, older.name), this.#records.remove(nullVersion, at))
        await this.#release(change, older.value, nowMs)
      }
    }
    return change
  }

  /** Both checks together see every other change of this key: all write one of the two. */
  #begin(state: KeyState): Change {
    const at = names.objectKey(state.bucketId, state.objectKey)
    return {
      checks: [this.#records.still(currentVersion, at, state.current), this.#records.still(keyHead, at, state.head)],
      mutations: state.head ? [this.#records.put(keyHead, at, state.head.value)] : [],
    }
  }

  /** Puts a version among the older ones. */
  #file(change: Change, bucketId: string, objectKey: string, version: ObjectVersion | DeleteMarker): void {
    const { sequence } = version
    change.mutations.push(this.#records.put(olderVersion, names.version(bucketId, objectKey, sequence), version))
    if (version.versionId === NULL_VERSION) {
      change.mutations.push(this.#records.put(nullVersion, names.objectKey(bucketId, objectKey), { sequence }))
    }
  }

  /**
   * Gives up a version's content: every version that goes, goes here, and none does that is locked. The lock that is judged is
   * the one that the commit checks. Throws ObjectLockRefused Protected.
   */
  async #release(
    change: Change,
    version: ObjectVersion | DeleteMarker,
    nowMs: number,
    bypassGovernance = false,
  ): Promise<void> {
    if (version.kind !== 'object') return
    requireUnlocked(version.lock, nowMs, bypassGovernance)
    change.mutations.push(...(await this.#contents.release(version.content, nowMs)))
  }
}

const sameName = (a: Stored<unknown>, b: Stored<unknown>) => Buffer.compare(a.name, b.name) === 0
