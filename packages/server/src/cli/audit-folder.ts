/** Opens the audit trail of a data folder: for the process that writes it, and for those that read it. */
import { EVENT_JOURNALS, type EventJournal } from '../audit/audit-trail.ts'
import { EventIndex } from '../audit/event-index.ts'
import { eventIndexKey } from '../audit/event-index-key.ts'
import { EventSearch } from '../audit/event-search.ts'
import { type JournalName, Journals, journalDir } from '../audit/journals.ts'
import { systemClock } from '../core/clock.ts'
import { isFault } from '../core/fault.ts'
import { JournalReader } from '../journal/journal-reader.ts'
import type { RecordStore } from '../records/record-store.ts'
import { LmdbCatalog } from '../storage/lmdb-catalog.ts'
import { dataFolder } from './data-folder.ts'
import type { Settings } from './settings.ts'

export interface AuditFolder {
  readonly search: EventSearch
  reader(journal: JournalName): JournalReader
  close(): Promise<void>
}

/** For the one process that writes. Throws Fault Damaged where a journal is not as it was left. */
export async function openJournals(
  { dataDir, file }: Settings,
  records: RecordStore,
  complain: (text: string) => void,
): Promise<Journals> {
  const folder = dataFolder(dataDir)
  const catalog = await LmdbCatalog.open(folder.eventIndexDir)
  return Journals.open({
    dir: folder.auditDir,
    records,
    index: new EventIndex(catalog, await eventIndexKey(records)),
    clock: systemClock,
    retention: file.audit.retention,
    onIndexError: (error) => complain(`the index of events could not be written: ${error.message}`),
    onHeadFailed: (error) => complain(`how far a journal has come could not be written down: ${String(error)}`),
  }).catch((error: unknown) => {
    if (!isFault(error, 'Damaged')) throw error
    throw new Error(
      `the audit trail is damaged: ${error.detail.what}. Nothing is served without one. \`strongroom audit verify\` tells more; ` +
        '`strongroom audit set-aside JOURNAL` keeps the damaged journal as it is, for looking into it, and begins it anew',
      { cause: error },
    )
  })
}

/** For readers. */
export async function openAuditFolder(dataDir: string, records: RecordStore): Promise<AuditFolder> {
  const folder = dataFolder(dataDir)
  const catalog = await LmdbCatalog.open(folder.eventIndexDir)
  const reader = (name: JournalName) => new JournalReader({ dir: journalDir(folder.auditDir, name), name, records })
  const readers = Object.fromEntries(EVENT_JOURNALS.map((name) => [name, reader(name)])) as Record<
    EventJournal,
    JournalReader
  >
  return {
    search: new EventSearch(new EventIndex(catalog, await eventIndexKey(records)), readers),
    reader,
    close: () => catalog.close(),
  }
}
