/** Tags of objects. They stand in the version's record; changing them keeps the version, its ETag and its time. */
import type { Clock } from '../core/clock.ts'
import type { CallContext } from '../policy/call.ts'
import type { RecordStore } from '../records/record-store.ts'
import type { BucketRecord } from './records.ts'
import type { ObjectFacts, Tags } from './types.ts'
import { VersionStore } from './version-store.ts'

export interface TaggedTarget {
  readonly bucket: string
  readonly objectKey: string
  /** Undefined: the current version. */
  readonly versionId: string | undefined
}

export class Tagging {
  readonly #versions: VersionStore

  constructor(records: RecordStore, clock: Clock) {
    this.#versions = new VersionStore(records, clock)
  }

  /** For deciding who may use the object: undefined where there is no such version, or it is a delete marker. */
  async find(bucket: BucketRecord, objectKey: string, versionId: string | undefined): Promise<Tags | undefined> {
    const version = await this.#versions.peek(bucket, objectKey, versionId)
    return version && (version.tags ?? [])
  }

  /** The version with its tags. Throws what a read of it would. */
  async read(call: CallContext, target: TaggedTarget): Promise<ObjectFacts> {
    return (await this.#versions.find(call, { ...target, conditions: {} })).facts
  }

  /** Puts these tags in the place of all that were there. Throws what a read of the version would. */
  async put(call: CallContext, target: TaggedTarget, tags: Tags): Promise<ObjectFacts> {
    const { facts } = await this.#versions.amend(call, target, () => ({ tags }))
    return { ...facts, tags }
  }
}
