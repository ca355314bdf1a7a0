/**
 * Changes a key: found and allowed as every use of it is, and committed only if it is still the one that was read. The
 * replicas of a multi-Region primary key follow it in the same commit.
 */
import type { Clock } from '../core/clock.ts'
import type { CallContext } from '../policy/call.ts'
import type { RecordStore, Stored } from '../records/record-store.ts'
import type { Check, Mutation } from '../storage/catalog.ts'
import { attempt } from './attempt.ts'
import type { KeyUse } from './condition-keys.ts'
import type { DoomedSecrets } from './doomed-secrets.ts'
import { asOf } from './imported-material.ts'
import type { KeyAccess } from './key-access.ts'
import { isPrimary, type KeyRegions, type RelatedKey, replacing } from './key-regions.ts'
import { type KmsKey, kmsKeyRecord } from './kms-records.ts'
import { following, isShared } from './shared-properties.ts'

/** What a key becomes; `replicas` are those that follow it. */
export type Change = (key: KmsKey, replicas: readonly KmsKey[]) => KmsKey | Promise<KmsKey>

export interface KeyChangesOptions {
  readonly records: RecordStore
  readonly access: KeyAccess
  readonly regions: KeyRegions
  readonly doomed: DoomedSecrets
  readonly clock: Clock
}

export class KeyChanges {
  readonly #records: RecordStore
  readonly #access: KeyAccess
  readonly #regions: KeyRegions
  readonly #doomed: DoomedSecrets
  readonly #clock: Clock

  constructor({ records, access, regions, doomed, clock }: KeyChangesOptions) {
    this.#records = records
    this.#access = access
    this.#regions = regions
    this.#doomed = doomed
    this.#clock = clock
  }

  /** Resolves to the key as it is from now on. `change` is asked again where somebody else was faster. */
  change(call: CallContext, keyId: string, use: KeyUse, change: Change): Promise<KmsKey> {
    return attempt(keyId, async () => {
      const found = await this.#access.find(call, keyId, use.action)
      await this.#access.require(call, found, use)
      return this.changeStored(found.stored, change)
    })
  }

  /** As `change`, of a key that was read; undefined where it is not that any more. `also` goes into the same commit. */
  async changeStored(
    stored: Stored<KmsKey>,
    change: Change,
    also: readonly (readonly [Check, Mutation])[] = [],
  ): Promise<KmsKey | undefined> {
    const replicas = isPrimary(stored.value) ? await this.#regions.relatedTo(stored.value) : []
    const now = (replica: RelatedKey) => asOf(replica.stored.value, this.#clock.nowMs())
    const next = await change(stored.value, replicas.map(now))
    const followers = isShared(stored.value, next) ? replicas : []
    const followed = followers.map((replica) => following(now(replica), next))
    const replaced = [
      replacing({ records: this.#records, stored }, next),
      ...followers.map((replica, i) => replacing(replica, followed[i]!)),
      ...also,
    ]
    // A primary key's own secrets may be its replicas' too, and a replica's own change gives up none that it shares.
    const before = [await this.#asStored(stored), ...followers.map((replica) => replica.stored.value)]
    const doomed = this.#doomed.doom(before, [next, ...followed])
    const done = await this.#records.commit(
      replaced.map(([check]) => check),
      [...replaced.map(([, mutation]) => mutation), ...doomed],
    )
    if (!done) return undefined
    if (doomed.length > 0) await this.#doomed.destroy()
    return next
  }

  /** Whoever uses a key is given it as it is now; its record may still have secrets of material that has expired. */
  async #asStored(read: Stored<KmsKey>): Promise<KmsKey> {
    return (await this.#records.get(kmsKeyRecord, read.name))?.value ?? read.value
  }
}
