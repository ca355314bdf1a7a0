/** ACLs of objects. They stand in the version's record; changing one keeps the version, its ETag and its time. */
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'
import type { Acl } from '../policy/acl.ts'
import type { CallContext } from '../policy/call.ts'
import type { RecordStore, Stored } from '../records/record-store.ts'
import { type BucketRecord, currentVersion, names, type ObjectVersion } from './records.ts'
import type { ObjectAccess } from './types.ts'
import { COMMIT_ATTEMPTS, type FoundVersion, VersionStore } from './version-store.ts'

export interface AclTarget {
  readonly bucket: string
  readonly objectKey: string
  /** Undefined: the current version. */
  readonly versionId: string | undefined
}

export class ObjectAcls {
  readonly #records: RecordStore
  readonly #versions: VersionStore

  constructor(records: RecordStore, clock: Clock) {
    this.#records = records
    this.#versions = new VersionStore(records, clock)
  }

  /** For deciding who may use the object: undefined where there is no such version, or it is a delete marker. */
  async find({ bucketId }: BucketRecord, target: Omit<AclTarget, 'bucket'>): Promise<ObjectAccess | undefined> {
    const { objectKey, versionId } = target
    const stored =
      versionId === undefined
        ? await this.#records.get(currentVersion, names.objectKey(bucketId, objectKey))
        : await this.#versions.keys.find(bucketId, objectKey, versionId)
    return stored?.value.kind === 'object' ? (stored.value.access ?? {}) : undefined
  }

  /** Throws what a read of the version would. */
  read(call: CallContext, target: AclTarget): Promise<FoundVersion> {
    return this.#versions.find(call, { ...target, conditions: {} })
  }

  /** `change` says the new ACL of what was found, or throws; it may be asked again where somebody else was first. */
  async put(call: CallContext, target: AclTarget, change: (found: FoundVersion) => Acl): Promise<FoundVersion> {
    const { keys } = this.#versions
    for (let attempt = 0; attempt < COMMIT_ATTEMPTS; attempt++) {
      const found = await this.read(call, target)
      const { bucketId, versioning } = found.bucket.value
      const acl = change(found)
      const state = await keys.read(bucketId, target.objectKey, versioning)
      const stored = await keys.find(bucketId, target.objectKey, found.version.versionId)
      if (stored?.value.kind !== 'object') continue
      const version = stored as Stored<ObjectVersion>
      const next = { ...version.value, access: { ...version.value.access, acl } }
      if (await this.#versions.commitChange(found.bucket, keys.amend(state, version, next))) return found
    }
    throw new Fault('Contention', { what: target.objectKey })
  }
}
