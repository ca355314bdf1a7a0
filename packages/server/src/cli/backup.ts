/** `strongroom backup` and `backup verify`: a copy of a data folder, beside a running server or of a stopped one. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { backUp } from '../backup/back-up.ts'
import { BackupFolderError, backupFolder } from '../backup/folder.ts'
import { readManifest } from '../backup/manifest.ts'
import type { SmallFiles } from '../backup/small-files.ts'
import { verifyBackup } from '../backup/verify.ts'
import { systemClock } from '../core/clock.ts'
import { isFault } from '../core/fault.ts'
import { MaterialSecretFiles } from '../keys/material-secrets.ts'
import { FileBlobStore } from '../storage/file-blobs.ts'
import { CATALOG_FILE, LmdbCatalog } from '../storage/lmdb-catalog.ts'
import { type DataFolder, dataFolder, filesBeside, lockCatalog, requireWhole } from './data-folder.ts'
import { ConfigurationError, EXIT, UsageError } from './exit.ts'
import { ProgressBar } from './progress-bar.ts'
import { resolveSettings } from './settings.ts'

export interface BackupFlags {
  readonly data?: string
  readonly secrets?: string
  readonly config?: string
  readonly withSecrets?: boolean
  readonly json?: boolean
}

export async function backupCommand(target: string, { withSecrets, json, ...flags }: BackupFlags): Promise<number> {
  const { dataDir, secretsDir } = await resolveSettings(flags, process.env)
  const data = dataFolder(dataDir)
  const folder = backupFolder(resolve(target))
  if (!relative(dataDir, folder.dir).startsWith('..'))
    throw new UsageError('a backup does not go into the data folder itself')
  await requireWhole(data)
  if (!(await isFile(join(data.catalogDir, CATALOG_FILE)))) throw new ConfigurationError(`${dataDir} is no data folder`)

  const { unknown } = await filesBeside(data, secretsDir)
  for (const file of unknown) complain(`${file} is no file of the server’s, and not in the backup`)
  const unlock = await lockCatalog(data)
  let catalog: LmdbCatalog | undefined
  try {
    catalog = await LmdbCatalog.open(data.catalogDir)
    const source = {
      catalog,
      catalogName: relative(dataDir, data.catalogDir),
      blobs: await FileBlobStore.open(data.blobsDir),
      journalsDir: data.auditDir,
      journalsName: relative(dataDir, data.auditDir),
      files: () => neededFiles(data, secretsDir),
      keySecrets: () => keySecretsOf(data),
      secrets: withSecrets ? await readFiles(secretsDir, await filesOf(secretsDir)) : undefined,
    }
    const say = sayProgress('copying', json)
    const summary = await backUp(source, folder, systemClock, say.progress).catch(asUsage)
    const { blobs, copiedBlobs, copiedBytes, removedBlobs } = summary
    say.end(
      summary,
      `${dataDir} is in ${folder.dir}: ${blobs} blobs, ${copiedBlobs} of them new (${copiedBytes} bytes), ${removedBlobs} old ones removed`,
    )
  } finally {
    await catalog?.close()
    await unlock()
  }
  if (withSecrets) complain(`${WITH_SECRETS} (${folder.dir})`)
  else complain(WITHOUT_SECRETS)
  return EXIT.done
}

const WITH_SECRETS = 'the secrets are in this backup: whoever has it can read everything'
const WITHOUT_SECRETS =
  'the secrets folder is not in this backup: keep the root key elsewhere, since without it nothing in here opens'

/** Exit code 1 where anything is not as it was written. */
export async function verifyBackupCommand(target: string, { json }: { readonly json?: boolean }): Promise<number> {
  const folder = backupFolder(resolve(target))
  const manifest = await readManifest(folder).catch(asUsage)
  const say = sayProgress('checking', json)
  const problems: { readonly path: string; readonly problem: string }[] = []
  await verifyBackup(folder, manifest, (path, problem) => problems.push({ path, problem }), say.progress)
  const { files, blobs, takenAtMs } = manifest
  const takenAt = new Date(takenAtMs).toISOString()
  say.end(
    { takenAt, files: files.length, blobs: blobs.length, problems },
    [
      ...problems.map(({ path, problem }) => `damaged: ${path} ${problem}`),
      `backup of ${takenAt}: ${files.length} files and ${blobs.length} blobs checked; ${problems.length} problems`,
    ].join('\n'),
  )
  return problems.length === 0 ? EXIT.done : EXIT.failed
}

/** How far it is and how it ended, for people or as JSON lines on standard output. */
export function sayProgress(what: string, json = false) {
  if (json) {
    const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)
    return {
      progress: (done: number, total: number) => say({ event: 'progress', done, total }),
      end: (facts: object, _text: string) => say({ event: 'end', ...facts }),
    }
  }
  const bar = new ProgressBar(what)
  return {
    progress: (done: number, total: number) => bar.show(done, total, 'bytes'),
    end(_facts: object, text: string) {
      bar.end()
      process.stdout.write(`${text}\n`)
    },
  }
}

export const complain = (text: string) => process.stderr.write(`strongroom: ${text}\n`)

/** A folder that cannot be used was wrongly named. */
export function asUsage(error: unknown): never {
  throw error instanceof BackupFolderError ? new UsageError(error.message) : error
}

/** Those that are still there. */
async function keySecretsOf({ keySecretsDir }: DataFolder): Promise<SmallFiles> {
  const secrets = new MaterialSecretFiles(keySecretsDir)
  const found = new Map<string, Uint8Array>()
  for await (const id of secrets.list()) {
    try {
      found.set(id, secrets.read(id))
    } catch (error) {
      if (!isFault(error, 'Damaged')) throw error
    }
  }
  return found
}

const neededFiles = async (data: DataFolder, secretsDir: string) =>
  readFiles(data.dir, (await filesBeside(data, secretsDir)).needed)

/** Those that are still there. */
async function readFiles(dir: string, files: readonly string[]): Promise<SmallFiles> {
  const found = new Map<string, Uint8Array>()
  for (const file of files) {
    const bytes = await readFile(join(dir, file)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
    if (bytes) found.set(file, bytes)
  }
  return found
}

async function filesOf(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch((error: Error) => {
    throw new ConfigurationError(`cannot read the secrets folder: ${error.message}`)
  })
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name)
}

const isFile = (path: string) =>
  stat(path).then(
    (facts) => facts.isFile(),
    () => false,
  )
