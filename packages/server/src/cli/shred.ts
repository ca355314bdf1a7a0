/**
 * `strongroom keys shred`: rids a stopped data folder of what deleted keys have left: material secrets that no key needs, and
 * the freed pages of the catalog, which still hold sealed records of whatever was deleted.
 */
import { secretsOfAll } from '../keys/wrapped-material.ts'
import { compactCatalog } from '../storage/catalog-compaction.ts'
import { dataFolder, lockCatalog, lockDataFolder } from './data-folder.ts'
import { EXIT } from './exit.ts'
import { ProgressBar } from './progress-bar.ts'
import { requireRing } from './root-key.ts'
import { resolveSettings, type ServeFlags } from './settings.ts'
import { openForUpkeep, type Store } from './store.ts'

export async function shredCommand({ json, ...flags }: ServeFlags & { readonly json?: boolean }): Promise<number> {
  const settings = await resolveSettings(flags, process.env)
  const folder = dataFolder(settings.dataDir)
  const unlock = await lockDataFolder(folder)
  let unlockCatalog: (() => Promise<void>) | undefined
  try {
    // A backup has the catalog open without the folder's lock.
    unlockCatalog = await lockCatalog(folder)
    const ring = await requireRing(settings, process.env)
    const store = await openForUpkeep(settings, ring)
    let secrets: number
    try {
      for (const { upkeep } of store.kmsByRegion.values()) {
        const { problems } = await upkeep.pass()
        for (const problem of problems) process.stderr.write(`${problem}\n`)
      }
      secrets = await removeUnneededSecrets(store)
    } finally {
      await store.close()
    }
    const bar = new ProgressBar('overwriting the old catalog')
    const { bytesBefore, bytesAfter } = await compactCatalog(folder.catalogDir, (done, total) =>
      bar.show(done, total, 'bytes'),
    )
    bar.end()
    process.stdout.write(
      json
        ? `${JSON.stringify({ secrets, bytesBefore, bytesAfter })}\n`
        : `The catalog has ${bytesAfter} bytes instead of ${bytesBefore}, none of them of what was deleted; ` +
            `${secrets} material secrets that no key needed are gone.\n`,
    )
    return EXIT.done
  } finally {
    await unlockCatalog?.()
    await unlock()
  }
}

/** Such are left where a process ended between making one and naming it. */
async function removeUnneededSecrets({ records, materialSecrets }: Store): Promise<number> {
  const needed = await secretsOfAll(records)
  let removed = 0
  for await (const id of materialSecrets.list()) {
    if (needed.has(id)) continue
    await materialSecrets.destroy(id)
    removed++
  }
  return removed
}
