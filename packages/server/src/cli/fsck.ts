/** `strongroom fsck`: verifies everything at rest and says what does not hold. */
import { fsck } from '../objects/fsck.ts'
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
    process.stdout.write(
      `${keys} KMS keys, ${summary.buckets} buckets, ${summary.versions} versions, ${summary.bytes} bytes at rest checked, ` +
        `${summary.opened} opened with their keys; ${problems} problems\n`,
    )
    await store.close()
    return problems === 0 ? EXIT.done : EXIT.failed
  } finally {
    await unlock()
  }
}
