/** `strongroom audit set-aside`: a damaged journal is kept as it is and begun anew, and the trail says so. */
import { JOURNAL_NAMES, type JournalName, journalDir } from '../audit/journals.ts'
import { systemClock } from '../core/clock.ts'
import { ROOT_ACCOUNT } from '../identity/accounts.ts'
import { setAside } from '../journal/set-aside.ts'
import { openJournals } from './audit-folder.ts'
import { dataFolder, lockCatalog, lockDataFolder } from './data-folder.ts'
import { EXIT, UsageError } from './exit.ts'
import { requireRing } from './root-key.ts'
import { resolveSettings, type ServeFlags } from './settings.ts'
import { openForUpkeep } from './store.ts'

export async function auditSetAsideCommand(
  journal: string,
  { json, ...flags }: ServeFlags & { readonly json?: boolean },
): Promise<number> {
  const name = JOURNAL_NAMES.find((one): one is JournalName => one === journal)
  if (!name) throw new UsageError(`there is no journal ${journal}: management, data or access`)
  const settings = await resolveSettings(flags, process.env)
  const folder = dataFolder(settings.dataDir)
  const unlock = await lockDataFolder(folder)
  let unlockCatalog: (() => Promise<void>) | undefined
  try {
    unlockCatalog = await lockCatalog(folder)
    const store = await openForUpkeep(settings, await requireRing(settings, process.env))
    try {
      const { records } = store
      const aside = await setAside({ dir: journalDir(folder.auditDir, name), name, records, clock: systemClock })
      await tell(settings, store, name, aside)
      process.stdout.write(
        json
          ? `${JSON.stringify({ journal: name, aside })}\n`
          : `The journal ${name} begins anew; what there was is kept in ${journalDir(folder.auditDir, aside)}\n`,
      )
      return EXIT.done
    } finally {
      await store.close()
    }
  } finally {
    await unlockCatalog?.()
    await unlock()
  }
}

/** On record, where nothing else of the trail is damaged. */
async function tell(
  settings: Awaited<ReturnType<typeof resolveSettings>>,
  { records }: Awaited<ReturnType<typeof openForUpkeep>>,
  journal: string,
  aside: string,
): Promise<void> {
  const complain = (text: string) => {
    process.stderr.write(`strongroom: ${text}\n`)
  }
  const journals = await openJournals(settings, records, complain).catch((error: Error) => complain(error.message))
  if (!journals) return
  await journals.appendEvent({
    ...{ atMs: systemClock.nowMs(), source: 'strongroom', name: 'SetJournalAside', region: settings.region },
    ...{ accountId: ROOT_ACCOUNT, resources: [], serviceEventDetails: { journal, aside } },
  })
  await journals.close()
}
