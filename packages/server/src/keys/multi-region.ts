/** Makes replicas of multi-Region keys, and moves the primary key (API reference, ReplicateKey and UpdatePrimaryRegion). */
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'
import type { CallContext } from '../policy/call.ts'
import { attempt } from './attempt.ts'
import { asOf, hasPending, originOf } from './imported-material.ts'
import type { KeyAccess } from './key-access.ts'
import type { KeyChanges } from './key-change.ts'
import type { KeyLimits } from './key-limits.ts'
import { checkKeyPolicy } from './key-policy.ts'
import { arnIn, type KeyRegions, requireMultiRegionPrimary } from './key-regions.ts'
import { specOf } from './key-specs.ts'
import { requireUsable } from './key-state.ts'
import { withTags } from './key-tags.ts'
import { GONE, type ImportedMaterials, type KmsKey, type KmsTag, keyName, kmsKeyRecord } from './kms-records.ts'

export interface NewReplica {
  readonly keyId: string
  readonly region: string
  readonly description: string
  readonly tags: readonly KmsTag[]
  /** Undefined: the default one. */
  readonly policy: string | undefined
  readonly bypassesLockoutCheck: boolean
}

export interface MultiRegionKeysOptions {
  readonly access: KeyAccess
  readonly changes: KeyChanges
  readonly regions: KeyRegions
  readonly limits: KeyLimits
  readonly clock: Clock
}

export class MultiRegionKeys {
  readonly #access: KeyAccess
  readonly #changes: KeyChanges
  readonly #regions: KeyRegions
  readonly #limits: KeyLimits
  readonly #clock: Clock

  constructor({ access, changes, regions, limits, clock }: MultiRegionKeysOptions) {
    this.#access = access
    this.#changes = changes
    this.#regions = regions
    this.#limits = limits
    this.#clock = clock
  }

  /** Throws KmsUnsupported where the key is no primary one or the region not of this server, and KmsReplicaExists. */
  replicate(call: CallContext, input: NewReplica): Promise<KmsKey> {
    const { keyId, region } = input
    const use = { action: 'kms:ReplicateKey', replicaRegion: region } as const
    return attempt(keyId, async () => {
      const found = await this.#access.find(call, keyId, use.action)
      await this.#access.require(call, found, use)
      const primary = found.stored.value
      const { primaryRegion, replicaRegions } = requireMultiRegionPrimary(primary)
      requireUsable(primary)
      this.#requireHere(region)
      if ([primaryRegion, ...replicaRegions].includes(region)) {
        const message = `${arnIn(region, primary.arn)} already exists.`
        throw new Fault('KmsReplicaExists', { message })
      }
      const multiRegion = { primaryRegion, replicaRegions: [...replicaRegions, region] }
      await this.#limits.requireRoomForKey(this.#regions.of(region), primary.accountId, region)
      const replica = this.#newReplica(call, { ...primary, multiRegion }, input)
      const records = this.#regions.of(region)
      const at = keyName(replica.accountId, replica.keyId)
      const made = [records.still(kmsKeyRecord, at, undefined), records.put(kmsKeyRecord, at, replica)] as const
      const done = await this.#changes.changeStored(found.stored, (key) => ({ ...key, multiRegion }), [made])
      return done && replica
    })
  }

  /** The replica in `region` becomes the primary key, and the primary key a replica. Both must allow it. */
  async movePrimary(call: CallContext, keyId: string, region: string): Promise<void> {
    const use = { action: 'kms:UpdatePrimaryRegion', primaryRegion: region } as const
    await this.#changes.change(call, keyId, use, async (key) => {
      const { primaryRegion, replicaRegions } = requireMultiRegionPrimary(key)
      requireUsable(key)
      if (!replicaRegions.includes(region)) {
        throw new Fault('KmsKeyNotFound', { message: `Key '${arnIn(region, key.arn)}' does not exist` })
      }
      const there = this.#access.in(region, this.#regions.of(region))
      requireUsable(await there.allowed(call, arnIn(region, key.arn), use))
      const others = replicaRegions.filter((one) => one !== region)
      return { ...key, multiRegion: { primaryRegion: region, replicaRegions: [...others, primaryRegion] } }
    })
  }

  /** Whether pending material has been imported into every key of the set. */
  async isPendingEverywhere(key: KmsKey): Promise<boolean> {
    if (!key.imported?.pending) return false
    const related = await this.#regions.relatedTo(key)
    return [key, ...related.map(({ stored }) => asOf(stored.value, this.#clock.nowMs()))].every(hasPending)
  }

  #requireHere(region: string): void {
    if (this.#regions.names.includes(region)) return
    throw new Fault('KmsUnsupported', { message: `The KMS of this server does not answer in ${region}.` })
  }

  /** Whoever replicates makes a key in the other region, and must be allowed to. */
  #newReplica(call: CallContext, primary: KmsKey, input: NewReplica): KmsKey {
    const { description, policy, bypassesLockoutCheck, region } = input
    const tags = withTags([], input.tags)
    const there = { ...call, region }
    this.#access.requireOwn(there, {
      action: 'kms:CreateKey',
      ...(tags.length > 0 && { tags }),
      keySpec: specOf(primary),
      ...(primary.keyUsage && { keyUsage: primary.keyUsage }),
      origin: originOf(primary),
      multiRegionKeyType: 'REPLICA',
      bypassesLockoutCheck,
    })
    if (tags.length > 0) this.#access.requireOwn(there, { action: 'kms:TagResource', tags })
    if (policy !== undefined) checkKeyPolicy(policy)
    const { policy: _, grants: __, ...shared } = primary
    const replica: KmsKey = {
      ...shared,
      arn: arnIn(region, primary.arn),
      description,
      tags,
      ...(policy !== undefined && { policy }),
      createdAtMs: this.#clock.nowMs(),
      ...(primary.imported && awaiting(primary.imported)),
    }
    if (policy !== undefined && !bypassesLockoutCheck) this.#access.requireWayBack(there, replica)
    return replica
  }
}

/** Imported material does not come by itself: the same is to be imported into the replica. */
function awaiting({ salt, versions, pending }: ImportedMaterials): Pick<KmsKey, 'state' | 'material' | 'imported'> {
  const imported = { salt, versions: versions.map(({ id }) => ({ id })) }
  return {
    state: 'PendingImport',
    material: versions.map(() => GONE),
    imported: pending ? { ...imported, pending: { id: pending.id, wrapped: GONE } } : imported,
  }
}
