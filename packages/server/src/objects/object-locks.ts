/** Locks of versions. They stand in the version's record; changing one keeps the version, its ETag and its time. */
import type { Clock } from '../core/clock.ts'
import type { CallContext } from '../policy/call.ts'
import type { RecordStore } from '../records/record-store.ts'
import { type ObjectLock, type Retention, requireEnabled, withRetention } from './object-lock.ts'
import type { ObjectFacts } from './types.ts'
import { VersionStore } from './version-store.ts'

export interface LockTarget {
  readonly bucket: string
  readonly objectKey: string
  /** Undefined: the current version. */
  readonly versionId: string | undefined
}

/** Every method throws what a read of the version would, and ObjectLockRefused NotEnabled. */
export class ObjectLocks {
  readonly #versions: VersionStore
  readonly #clock: Clock

  constructor(records: RecordStore, clock: Clock) {
    this.#versions = new VersionStore(records, clock)
    this.#clock = clock
  }

  /** The version with its lock. */
  async read(call: CallContext, target: LockTarget): Promise<ObjectFacts> {
    await this.#requireEnabled(call, target)
    return (await this.#versions.find(call, { ...target, conditions: {} })).facts
  }

  /** Undefined removes the retention. Throws ObjectLockRefused Protected where the one before forbids it. */
  putRetention(
    call: CallContext,
    target: LockTarget,
    retention: Retention | undefined,
    bypassGovernance: boolean,
  ): Promise<ObjectFacts> {
    return this.#change(call, target, (lock) => withRetention(lock, retention, this.#clock.nowMs(), bypassGovernance))
  }

  putLegalHold(call: CallContext, target: LockTarget, legalHold: 'ON' | 'OFF'): Promise<ObjectFacts> {
    return this.#change(call, target, (lock) => ({ ...lock, legalHold }))
  }

  async #change(
    call: CallContext,
    target: LockTarget,
    change: (lock: ObjectLock | undefined) => ObjectLock,
  ): Promise<ObjectFacts> {
    await this.#requireEnabled(call, target)
    return (await this.#versions.amend(call, target, ({ version }) => ({ lock: change(version.lock) }))).facts
  }

  async #requireEnabled(call: CallContext, { bucket }: LockTarget): Promise<void> {
    requireEnabled((await this.#versions.requireBucket(call, bucket)).value)
  }
}
