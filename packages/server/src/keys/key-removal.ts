/** Ends keys whose waiting period is over: the material goes, and with it whatever was sealed under it. */
import { nameAfter, prefixEnd } from '../records/names.ts'
import type { RecordKind, RecordStore, Stored } from '../records/record-store.ts'
import { keyName, kmsAliasRecord, kmsKeyRecord } from './kms-records.ts'

const BATCH = 500
const ALL = { gte: new Uint8Array(0), lt: new Uint8Array([0xff]) }

/**
 * Removes every key that is due by `nowMs`, with its aliases, as the AWS KMS does (developer guide, "Deleting keys").
 * Resolves to their ARNs. A deletion that is cancelled meanwhile holds.
 */
export async function destroyDueKeys(records: RecordStore, nowMs: number): Promise<readonly string[]> {
  const destroyed: string[] = []
  for await (const key of each(records, kmsKeyRecord, ALL)) {
    const { accountId, keyId, arn, deletionAtMs } = key.value
    if (deletionAtMs === undefined || deletionAtMs > nowMs) continue
    const aliases: Stored<unknown>[] = []
    const gte = keyName(accountId, '')
    for await (const alias of each(records, kmsAliasRecord, { gte, lt: prefixEnd(gte) })) {
      if (alias.value.keyId === keyId) aliases.push(alias)
    }
    const done = await records.commit(
      [records.unchanged(kmsKeyRecord, key)],
      [records.remove(kmsKeyRecord, key.name), ...aliases.map((alias) => records.remove(kmsAliasRecord, alias.name))],
    )
    if (done) destroyed.push(arn)
  }
  return destroyed
}

async function* each<T>(
  records: RecordStore,
  kind: RecordKind<T>,
  range: { readonly gte: Uint8Array; readonly lt: Uint8Array },
): AsyncIterable<Stored<T>> {
  let { gte } = range
  for (;;) {
    const page = await records.range(kind, { gte, lt: range.lt, limit: BATCH })
    yield* page
    if (page.length < BATCH) return
    gte = nameAfter(page.at(-1)!.name)
  }
}
