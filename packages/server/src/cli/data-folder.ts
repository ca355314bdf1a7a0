/** The data folder: where what stands, what of it a backup takes, and the locks that keep others out of it or its catalog. */
import { mkdir, readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { readIfPresent } from '../core/durable-file.ts'
import { takeProcessLock } from '../core/process-lock.ts'
import { ConfigurationError } from './exit.ts'

export interface DataFolder {
  readonly dir: string
  readonly catalogDir: string
  readonly blobsDir: string
  readonly tlsDir: string
  /** Deletable secrets of KMS keys. */
  readonly keySecretsDir: string
  /** The journals of the audit trail, a folder each. */
  readonly auditDir: string
  /** Made from them. */
  readonly eventIndexDir: string
  /** Data of metrics; a catalog of its own, which a backup leaves out. */
  readonly metricsDir: string
}

export function dataFolder(dir: string): DataFolder {
  return {
    dir,
    catalogDir: join(dir, 'catalog'),
    blobsDir: join(dir, 'blobs'),
    tlsDir: join(dir, 'tls'),
    keySecretsDir: join(dir, 'key-secrets'),
    auditDir: join(dir, 'audit'),
    eventIndexDir: join(dir, 'audit', 'index'),
    metricsDir: join(dir, 'metrics'),
  }
}

/**
 * Takes the folder for this process and returns what gives it back. Throws ConfigurationError where a living process
 * holds it, and where a restore into it did not come to its end.
 */
export async function lockDataFolder(folder: DataFolder): Promise<() => Promise<void>> {
  const { dir } = folder
  await mkdir(dir, { recursive: true, mode: 0o700 })
  await requireWhole(folder)
  const lock = await takeProcessLock(join(dir, LOCK_FILE))
  if (typeof lock === 'function') return lock
  throw new ConfigurationError(`${dir} is in use by the server with process id ${lock.heldBy}`)
}

/**
 * Keeps the catalog's file as it is for whoever opens it without the folder's lock, and returns what gives it back: to be had
 * by those and by what replaces the file. Throws ConfigurationError where a living process holds it.
 */
export async function lockCatalog({ dir }: DataFolder): Promise<() => Promise<void>> {
  const lock = await takeProcessLock(join(dir, CATALOG_LOCK_FILE))
  if (typeof lock === 'function') return lock
  throw new ConfigurationError(
    `the catalog of ${dir} is in use by the backup or keys shred with process id ${lock.heldBy}: try again once that has ended`,
  )
}

/** Throws ConfigurationError where a restore did not come to its end. */
export async function requireWhole({ dir }: DataFolder): Promise<void> {
  if ((await readIfPresent(join(dir, UNFINISHED_RESTORE))) === undefined) return
  throw new ConfigurationError(`a restore into ${dir} did not come to its end: remove the folder and restore again`)
}

/** Stands in a data folder while it is being restored, so that nobody takes what is there for all. */
export const UNFINISHED_RESTORE = 'restore.unfinished'

/** The small files beside catalog and blobs that a restored folder needs. No secret stands in them. */
const NEEDED = /^(root-key\.(ring|check|scrypt\.json)|tls\/(ca|server)\.pem)$/
const LOCK_FILE = 'server.lock'
const CATALOG_LOCK_FILE = 'catalog.lock'
/** What lives no longer than a process. */
const PASSING = /^((server|catalog)\.lock|control\.sock|.*\.tmp)$/

/**
 * What a backup must know of the files of a data folder: those that it takes, and those that the server did not make and
 * that it leaves alone. Both relative to the folder.
 */
export async function filesBeside(folder: DataFolder, secretsDir: string) {
  const { dir, catalogDir, blobsDir, tlsDir, keySecretsDir, auditDir, metricsDir } = folder
  const apart = [catalogDir, blobsDir, tlsDir, keySecretsDir, auditDir, metricsDir, secretsDir].map((path) =>
    relative(dir, path),
  )
  const [top, tls] = await Promise.all([readdir(dir), readdir(tlsDir).catch(() => [])])
  const paths = [...top, ...tls.map((file) => `tls/${file}`)].filter((path) => !apart.includes(path))
  return {
    needed: paths.filter((path) => NEEDED.test(path)),
    unknown: paths.filter((path) => !NEEDED.test(path) && !PASSING.test(path)),
  }
}
