/** `strongroom restore`: makes a data folder of a backup, and says how it is opened. */
import { join, resolve } from 'node:path'
import { backupFolder } from '../backup/folder.ts'
import { readManifest } from '../backup/manifest.ts'
import { restoreBackup } from '../backup/restore.ts'
import { SECRETS_FILE } from '../backup/small-files.ts'
import { asUsage, sayProgress } from './backup.ts'
import { dataFolder, UNFINISHED_RESTORE } from './data-folder.ts'
import { EXIT } from './exit.ts'
import { resolveSettings } from './settings.ts'

export interface RestoreFlags {
  readonly data?: string
  readonly secrets?: string
  readonly json?: boolean
}

export async function restoreCommand(target: string, { json, ...flags }: RestoreFlags): Promise<number> {
  const { dataDir, secretsDir } = await resolveSettings(flags, process.env)
  const folder = backupFolder(resolve(target))
  const manifest = await readManifest(folder).catch(asUsage)
  const say = sayProgress('restoring', json)
  const data = { ...dataFolder(dataDir), secretsDir, unfinishedPath: join(dataDir, UNFINISHED_RESTORE) }
  await restoreBackup(folder, manifest, data, say.progress).catch(asUsage)
  const hasSecrets = manifest.files.some(({ file }) => file === SECRETS_FILE)
  const takenAt = new Date(manifest.takenAtMs).toISOString()
  say.end(
    { takenAt, data: dataDir, blobs: manifest.blobs.length, secrets: hasSecrets },
    text(dataDir, takenAt, hasSecrets ? secretsDir : undefined),
  )
  return EXIT.done
}

function text(dataDir: string, takenAt: string, secretsDir: string | undefined): string {
  const state = `${dataDir} is as it was at ${takenAt}.`
  if (secretsDir !== undefined) return `${state} Its secrets are in ${secretsDir}.`
  return [
    state,
    '',
    'It opens with the root key that it was made with. Give it as the old server had it:',
    `  as ${join(dataDir, 'secrets', 'root.key')} (mode 0600, in a folder of mode 0700),`,
    '  or by STRONGROOM_ROOT_KEY_FILE, STRONGROOM_ROOT_PASSPHRASE_FILE or STRONGROOM_ROOT_KEY, or by rootKey in the configuration.',
    '',
    `Then: strongroom fsck --data ${dataDir} && strongroom serve --data ${dataDir}`,
    'The first start makes new credentials for the root user and a new certificate authority, unless secrets has the old ones.',
  ].join('\n')
}
