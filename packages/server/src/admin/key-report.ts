/** What would become unreadable if a KMS key were deleted, for whoever may schedule that. */
import type { Kms } from '../keys/kms.ts'
import { bucketsUnderKey } from '../objects/key-report.ts'
import type { CallContext } from '../policy/call.ts'
import type { Input } from '../protocols/input.ts'
import type { RecordStore } from '../records/record-store.ts'

export interface KeyReportServices {
  readonly kms: Kms
  readonly records: RecordStore
}

/** Buckets of other accounts are told by their number alone. Throws as ScheduleKeyDeletion would. */
export async function reportKey({ kms, records }: KeyReportServices, call: CallContext, input: Input) {
  const key = await kms.keys.describeKey(call, input.keyId('keyId'), 'kms:ScheduleKeyDeletion')
  const aliases = await kms.aliases.namesOf(key)
  const all = await bucketsUnderKey(records, key, call.atMs)
  const own = all.filter(({ accountId }) => accountId === call.principal.accountId)
  const sum = (of: (use: (typeof all)[number]) => number) => all.reduce((total, use) => total + of(use), 0)
  return {
    keyArn: key.arn,
    state: key.state,
    deletionAtMs: key.deletionAtMs,
    aliases,
    grants: key.grants ?? 0,
    versions: sum(({ currentVersions, olderVersions }) => currentVersions + olderVersions),
    bytes: sum(({ bytes }) => bytes),
    uploads: sum(({ uploads }) => uploads),
    lockedVersions: sum(({ lockedVersions }) => lockedVersions),
    buckets: own.map(({ accountId: _, ...use }) => use),
    bucketsOfOthers: all.length - own.length,
  }
}
