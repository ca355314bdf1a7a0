/**
 * A backup's folder (docs/formats/backup.md): blobs as a blob store keeps them, a folder for each snapshot of the rest, and
 * the manifest, which says what belongs to the backup that is complete. Whatever it does not name is of no account.
 */
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileDurably } from '../core/durable-file.ts'
import { takeProcessLock } from '../core/process-lock.ts'

/** It cannot be used as it is: not empty and no backup, in use, absent. */
export class BackupFolderError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'BackupFolderError'
  }
}

/** What stands there is not what was written. */
export class BackupDamaged extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'BackupDamaged'
  }
}

export interface BackupFolder {
  readonly dir: string
  readonly blobsDir: string
  readonly snapshotsDir: string
  readonly manifestPath: string
}

export function backupFolder(dir: string): BackupFolder {
  return {
    dir,
    blobsDir: join(dir, 'blobs'),
    snapshotsDir: join(dir, 'snapshots'),
    manifestPath: join(dir, 'manifest.jsonl'),
  }
}

/**
 * Makes `dir` a backup's folder, or takes one that is, and keeps other backups out of it. Returns what lets them in again.
 * Throws BackupFolderError.
 */
export async function takeBackupFolder({ dir }: BackupFolder): Promise<() => Promise<void>> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const present = await readdir(dir)
  if (!present.includes(MARK_FILE)) {
    if (present.length > 0) throw new BackupFolderError(`${dir} is neither empty nor a backup`)
    await writeFileDurably(join(dir, MARK_FILE), MARK, 0o600)
  }
  const lock = await takeProcessLock(join(dir, 'backup.lock'))
  if (typeof lock === 'function') return lock
  throw new BackupFolderError(`another backup is being written to ${dir}, by the process ${lock.heldBy}`)
}

const MARK_FILE = 'STRONGROOM-BACKUP.txt'
const MARK = `This folder is a backup of a Strongroom data folder.

  strongroom backup verify FOLDER            whether all of it is as it was written; needs no key
  strongroom restore FOLDER --data NEW       makes a data folder of it; to open that, the root key is needed

Leave the files as they are. A later backup into this folder copies only what is new.
`
