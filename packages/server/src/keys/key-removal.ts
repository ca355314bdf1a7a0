/** Ends keys whose waiting period is over: the material goes, and with it whatever was sealed under it. */

import { each } from '../records/each-record.ts'
import type { RecordStore } from '../records/record-store.ts'
import type { Mutation } from '../storage/catalog.ts'
import { grantNames, grantRecord } from './grant-records.ts'
import { grantRemovals } from './grants.ts'
import { aliasesOf } from './key-aliases.ts'
import { kmsAliasRecord, kmsKeyRecord } from './kms-records.ts'

/**
 * Removes every key that is due by `nowMs`, with its aliases and grants, as the AWS KMS does (developer guide, "Deleting
 * keys"). Resolves to their ARNs. A deletion that is cancelled meanwhile holds.
 */
export async function destroyDueKeys(records: RecordStore, nowMs: number): Promise<readonly string[]> {
  const destroyed: string[] = []
  for await (const key of each(records, kmsKeyRecord)) {
    const { accountId, keyId, arn, deletionAtMs } = key.value
    if (deletionAtMs === undefined || deletionAtMs > nowMs) continue
    const removals: Mutation[] = [records.remove(kmsKeyRecord, key.name)]
    for (const alias of await aliasesOf(records, key.value)) removals.push(records.remove(kmsAliasRecord, alias.name))
    for await (const grant of each(records, grantRecord, grantNames.ofKey(accountId, keyId))) {
      removals.push(...grantRemovals(records, grant.value))
    }
    // A grant made meanwhile would have changed the key's record.
    const done = await records.commit([records.unchanged(kmsKeyRecord, key)], removals)
    if (done) destroyed.push(arn)
  }
  return destroyed
}
