/** `strongroom fsck`: verifies everything at rest and says what does not hold. */
import { fsck } from '../objects/fsck.ts'
import { verifyJournals } from './audit-chain.ts'
import { dataFolder, lockDataFolder } from './data-folder.ts'
import { EXIT } from './exit.ts'
import { requireRing } from './root-key.ts'
import { resolveSettings } from './settings.ts'
import { openForUpkeep } from './store.ts'

export async function fsckCommand(flags: {
  readonly data?: string
  readonly secrets?: string
  readonly config?: string
}): Promise<number> {
  const settings = await resolveSettings(flags, process.env)
  const unlock = await lockDataFolder(dataFolder(settings.dataDir))
  try {
    const ring = await requireRing(settings, process.env, { readOnly: true })
    const store = await openForUpkeep(settings, ring)
    let problems = 0
    const report = (problem: string) => {
      problems++
      process.stdout.write(`damaged: ${problem}\n`)
    }
    let keys = 0
    for (const { upkeep } of store.kmsByRegion.values()) keys += await upkeep.verifyAll(report)
    const summary = await fsck(store, report)
    const journals = await verifyJournals(settings.dataDir, store.records, report)
    const events = journals.reduce((sum, { entries }) => sum + entries, 0)
    process.stdout.write(
      `${keys} KMS keys, ${summary.buckets} buckets, ${summary.versions} versions, ${summary.bytes} bytes at rest checked, ` +
        `${summary.opened} opened with their keys, ${events} events of the audit trail; ${problems} problems\n`,
    )
    await store.close()
    return problems === 0 ? EXIT.done : EXIT.failed
  } finally {
    await unlock()
  }
}
