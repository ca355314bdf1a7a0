/** ACLs of objects. They stand in the version's record; changing one keeps the version, its ETag and its time. */
import type { Clock } from '../core/clock.ts'
import type { Acl } from '../policy/acl.ts'
import type { CallContext } from '../policy/call.ts'
import type { RecordStore } from '../records/record-store.ts'
import type { BucketRecord } from './records.ts'
import type { ObjectAccess } from './types.ts'
import { type FoundVersion, VersionStore } from './version-store.ts'

export interface AclTarget {
  readonly bucket: string
  readonly objectKey: string
  /** Undefined: the current version. */
  readonly versionId: string | undefined
}

export class ObjectAcls {
  readonly #versions: VersionStore

  constructor(records: RecordStore, clock: Clock) {
    this.#versions = new VersionStore(records, clock)
  }

  /** For deciding who may use the object: undefined where there is no such version, or it is a delete marker. */
  async find(
    bucket: BucketRecord,
    objectKey: string,
    versionId: string | undefined,
  ): Promise<ObjectAccess | undefined> {
    const version = await this.#versions.peek(bucket, objectKey, versionId)
    return version && (version.access ?? {})
  }

  /** Throws what a read of the version would. */
  read(call: CallContext, target: AclTarget): Promise<FoundVersion> {
    return this.#versions.find(call, { ...target, conditions: {} })
  }

  /** `change` says the new ACL of what was found, or throws. Throws what a read of the version would, too. */
  put(call: CallContext, target: AclTarget, change: (found: FoundVersion) => Acl): Promise<FoundVersion> {
    return this.#versions.amend(call, target, (found) => ({
      access: { ...found.version.access, acl: change(found) },
    }))
  }
}
