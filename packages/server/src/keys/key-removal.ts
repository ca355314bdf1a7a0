/** The end of keys: when its waiting period is over the material goes, and with it whatever was sealed under it. */

import { each } from '../records/each-record.ts'
import type { RecordStore, Stored } from '../records/record-store.ts'
import type { Check, Mutation } from '../storage/catalog.ts'
import type { DoomedSecrets } from './doomed-secrets.ts'
import { grantNames, grantRecord } from './grant-records.ts'
import { grantRemovals } from './grants.ts'
import { isWhole } from './imported-material.ts'
import { aliasesOf } from './key-aliases.ts'
import { isFollowed, type KeyRegions, replacing } from './key-regions.ts'
import { type KmsKey, kmsAliasRecord, kmsKeyRecord } from './kms-records.ts'
import { keyUsageRecord } from './last-usage.ts'

export interface KeyRemoval {
  readonly records: RecordStore
  readonly regions: KeyRegions
  readonly region: string
  readonly doomed: DoomedSecrets
}

/**
 * Removes a key with its aliases and grants, as the AWS KMS does (developer guide, "Deleting keys"); what its material
 * needs is doomed. False where the key was changed meanwhile, so that a deletion that is cancelled holds.
 */
export async function removeKey(
  { records, regions, region, doomed }: KeyRemoval,
  key: Stored<KmsKey>,
  nowMs: number,
): Promise<boolean> {
  const { accountId, keyId } = key.value
  const removals: Mutation[] = [records.remove(kmsKeyRecord, key.name), records.remove(keyUsageRecord, key.name)]
  for (const alias of await aliasesOf(records, key.value)) removals.push(records.remove(kmsAliasRecord, alias.name))
  for await (const grant of each(records, grantRecord, grantNames.ofKey(accountId, keyId))) {
    removals.push(...grantRemovals(records, grant.value))
  }
  // A grant made meanwhile would have changed the key's record.
  const checks: Check[] = [records.unchanged(kmsKeyRecord, key)]
  const related = await regions.relatedTo(key.value)
  for (const one of related) {
    const [check, mutation] = replacing(one, without(region, one.stored.value, nowMs))
    checks.push(check)
    removals.push(mutation)
  }
  // The keys of a set may have theirs in common.
  const left = related.map(({ stored }) => stored.value)
  return records.commit(checks, [...removals, ...doomed.doom([key.value], left)])
}

/** A key of a set that has lost its replica in `region`. A primary key that has waited for it begins its waiting period. */
function without(region: string, key: KmsKey, nowMs: number): KmsKey {
  const { primaryRegion, replicaRegions } = key.multiRegion!
  const left = replicaRegions.filter((one) => one !== region)
  const next = { ...key, multiRegion: { primaryRegion, replicaRegions: left } }
  if (key.state !== 'PendingReplicaDeletion' || left.length > 0) return next
  return withWaitingPeriod(next, key.pendingWindowDays!, nowMs)
}

/** A key that is scheduled for deletion; a primary key waits for its replicas first. */
export function scheduledForDeletion(key: KmsKey, days: number, nowMs: number): KmsKey {
  if (!isFollowed(key)) return withWaitingPeriod(key, days, nowMs)
  return { ...key, state: 'PendingReplicaDeletion', pendingWindowDays: days }
}

/** A key whose deletion is cancelled. */
export function withoutDeletion(key: KmsKey): KmsKey {
  const { deletionAtMs: _, pendingWindowDays: __, ...rest } = key
  return { ...rest, state: isWhole(key) ? 'Disabled' : 'PendingImport' }
}

function withWaitingPeriod(key: KmsKey, days: number, nowMs: number): KmsKey {
  const { pendingWindowDays: _, ...rest } = key
  return { ...rest, state: 'PendingDeletion', deletionAtMs: nowMs + days * DAY_MS }
}

const DAY_MS = 86_400_000
