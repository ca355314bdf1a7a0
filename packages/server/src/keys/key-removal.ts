/** The end of keys: when its waiting period is over the material goes, and with it whatever was sealed under it. */

import { each } from '../records/each-record.ts'
import type { Check, Mutation } from '../storage/catalog.ts'
import { grantNames, grantRecord } from './grant-records.ts'
import { grantRemovals } from './grants.ts'
import { isWhole } from './imported-material.ts'
import { aliasesOf } from './key-aliases.ts'
import { isFollowed, type KeyRegions, replacing } from './key-regions.ts'
import { eachKey, type KmsKey, kmsAliasRecord, kmsKeyRecord } from './kms-records.ts'
import { keyUsageRecord } from './last-usage.ts'

/**
 * Removes every key of a region that is due by `nowMs`, with its aliases and grants, as the AWS KMS does (developer guide, "Deleting
 * keys"). Resolves to their ARNs. A deletion that is cancelled meanwhile holds.
 */
export async function destroyDueKeys(regions: KeyRegions, region: string, nowMs: number): Promise<readonly string[]> {
  const records = regions.of(region)
  const destroyed: string[] = []
  for await (const key of eachKey(records)) {
    const { accountId, keyId, arn, deletionAtMs } = key.value
    if (deletionAtMs === undefined || deletionAtMs > nowMs) continue
    const removals: Mutation[] = [records.remove(kmsKeyRecord, key.name), records.remove(keyUsageRecord, key.name)]
    for (const alias of await aliasesOf(records, key.value)) removals.push(records.remove(kmsAliasRecord, alias.name))
    for await (const grant of each(records, grantRecord, grantNames.ofKey(accountId, keyId))) {
      removals.push(...grantRemovals(records, grant.value))
    }
    // A grant made meanwhile would have changed the key's record.
    const checks: Check[] = [records.unchanged(kmsKeyRecord, key)]
    for (const related of await regions.relatedTo(key.value)) {
      const [check, mutation] = replacing(related, without(region, related.stored.value, nowMs))
      checks.push(check)
      removals.push(mutation)
    }
    const done = await records.commit(checks, removals)
    if (done) destroyed.push(arn)
  }
  return destroyed
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
