/** What the primary has once the root key is at hand: the store, made ready, and the journals, which it alone writes. */
import { AuditTrail, toJournalEntry } from '../audit/audit-trail.ts'
import type { Journals } from '../audit/journals.ts'
import { systemClock } from '../core/clock.ts'
import { isFault } from '../core/fault.ts'
import type { Trail } from '../core/outcome.ts'
import { ROOT_ACCOUNT } from '../identity/accounts.ts'
import { ensureConfiguredUser } from '../identity/users.ts'
import type { PrimaryMetrics } from '../metrics/primary-metrics.ts'
import type { Shortage } from '../metrics/series-store.ts'
import type { KeyRing } from '../root-key/key-ring.ts'
import { openJournals } from './audit-folder.ts'
import { ConfigurationError } from './exit.ts'
import type { AppendToJournal } from './primary.ts'
import type { Settings } from './settings.ts'
import { openForUpkeep, type Store } from './store.ts'

export interface PrimaryStore {
  readonly store: Store
  readonly journals: Journals
  readonly append: AppendToJournal
  /** Of what the primary does for its users, such as writing log files. */
  readonly trail: Trail
  /** Of the primary itself. */
  readonly metrics: PrimaryMetrics
  close(): Promise<void>
}

export async function openPrimaryStore(
  settings: Settings,
  ring: KeyRing,
  metrics: PrimaryMetrics,
  complain: (text: string) => void,
): Promise<PrimaryStore> {
  let journals: Journals | undefined
  let payloads = 0
  const append: AppendToJournal = (journal, entries) =>
    metrics.journaling(() => journals!.append(journal, entries), journal === 'management')
  const trail = new AuditTrail({
    sink: {
      keep: (journal, entries) => append(journal, entries.map(toJournalEntry)),
      add: (journal, entries) =>
        void append(journal, entries.map(toJournalEntry)).catch((error: Error) =>
          complain(`the audit trail could not be written: ${error.message}`),
        ),
      // Each is a payload of its own.
      payloadOf: () => payloads++,
    },
    operatorsAccount: ROOT_ACCOUNT,
    dataEvents: settings.file.audit.dataEvents,
  })
  const onMetricShortage = ({ stepSeconds, beforeMs, maxBytes }: Shortage) =>
    complain(
      `metrics have reached ${maxBytes} bytes: data of ${stepSeconds} seconds from before ` +
        `${new Date(beforeMs).toISOString()} went before its time`,
    )
  const store = await openForUpkeep(settings, ring, {
    trail,
    committed: (seconds) => metrics.committed(seconds),
    onMetricShortage,
  })
  await prepare(store, settings)
  journals = await openJournals(settings, store.records, complain)
  return {
    store,
    journals,
    append,
    trail,
    metrics,
    async close() {
      await journals.close()
      await store.close()
    },
  }
}

/** What is to be done in the store before anybody is served from it. */
async function prepare(store: Store, { file }: Settings): Promise<void> {
  await store.blobs.clearStaging()
  for (const { id, users } of file.accounts) {
    for (const user of users) {
      if (user.root) continue
      await ensureConfiguredUser(store.identity, id, user, systemClock.nowMs()).catch((error: Error) => {
        if (!isFault(error, 'IdentityRefused')) throw error
        throw new ConfigurationError(`user ${user.name}: ${error.detail.message}`, { cause: error })
      })
    }
  }
  for (const { lastUsage } of store.kmsByRegion.values()) await lastUsage.begin()
  for (const key of file.kms.keys) await store.kms.keys.ensureConfiguredKey(key)
}
