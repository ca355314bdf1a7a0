/** Tags of objects. They stand in the version's record; changing them keeps the version, its ETag and its time. */
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'
import type { CallContext } from '../policy/call.ts'
import type { RecordStore, Stored } from '../records/record-store.ts'
import { type BucketRecord, currentVersion, names, type ObjectVersion } from './records.ts'
import type { ObjectFacts, Tags } from './types.ts'
import { COMMIT_ATTEMPTS, VersionStore } from './version-store.ts'

export interface TaggedTarget {
  readonly bucket: string
  readonly objectKey: string
  /** Undefined: the current version. */
  readonly versionId: string | undefined
}

export class Tagging {
  readonly #records: RecordStore
  readonly #versions: VersionStore

  constructor(records: RecordStore, clock: Clock) {
    this.#records = records
    this.#versions = new VersionStore(records, clock)
  }

  /** For deciding who may use the object: undefined where there is no such version, or it is a delete marker. */
  async find({ bucketId }: BucketRecord, objectKey: string, versionId: string | undefined): Promise<Tags | undefined> {
    const stored =
      versionId === undefined
        ? await this.#records.get(currentVersion, names.objectKey(bucketId, objectKey))
        : await this.#versions.keys.find(bucketId, objectKey, versionId)
    return stored?.value.kind === 'object' ? (stored.value.tags ?? []) : undefined
  }

  /** The version with its tags. Throws what a read of it would. */
  async read(call: CallContext, target: TaggedTarget): Promise<ObjectFacts> {
    return (await this.#versions.find(call, { ...target, conditions: {} })).facts
  }

  /** Puts these tags in the place of all that were there. Throws what a read of the version would. */
  async put(call: CallContext, target: TaggedTarget, tags: Tags): Promise<ObjectFacts> {
    const { keys } = this.#versions
    for (let attempt = 0; attempt < COMMIT_ATTEMPTS; attempt++) {
      const { bucket, version, facts } = await this.#versions.find(call, { ...target, conditions: {} })
      const { bucketId, versioning } = bucket.value
      const state = await keys.read(bucketId, target.objectKey, versioning)
      const stored = await keys.find(bucketId, target.objectKey, version.versionId)
      if (stored?.value.kind !== 'object') continue
      const change = keys.amend(state, stored as Stored<ObjectVersion>, { ...stored.value, tags })
      if (await this.#versions.commitChange(bucket, change)) return { ...facts, tags }
    }
    throw new Fault('Contention', { what: target.objectKey })
  }
}
