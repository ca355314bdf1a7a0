/**
 * Makes a data folder of a backup. A mark stands in the folder from the first byte to the last, and while it does no
 * command takes the folder for a data folder. All that is copied is checked against the manifest on the way.
 */
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { syncFolder, writeFileDurably } from '../core/durable-file.ts'
import { inParallel } from '../core/in-parallel.ts'
import { MaterialSecretFiles } from '../keys/material-secrets.ts'
import { FileBlobStore } from '../storage/file-blobs.ts'
import type { Progress } from './back-up.ts'
import { BLOBS_AT_ONCE, type Content, contentOf, copyBlob, isSame, readFileContent } from './content.ts'
import { BackupDamaged, type BackupFolder, BackupFolderError } from './folder.ts'
import type { Manifest } from './manifest.ts'
import { decodeSecrets, KEY_SECRETS_FILE, SECRETS_FILE } from './small-files.ts'

export interface RestoreTarget {
  readonly dir: string
  readonly blobsDir: string
  readonly keySecretsDir: string
  /** Where the secrets go, if the backup has them. */
  readonly secretsDir: string
  /** The mark's path. */
  readonly unfinishedPath: string
}

/** Leaves nothing behind where it throws: BackupDamaged, or BackupFolderError where the target is not empty. */
export async function restoreBackup(
  folder: BackupFolder,
  manifest: Manifest,
  target: RestoreTarget,
  progress: Progress,
): Promise<void> {
  const snapshotDir = join(folder.snapshotsDir, manifest.snapshot)
  const source = await FileBlobStore.open(folder.blobsDir)
  await requireAllThere(snapshotDir, source, manifest)
  const secrets = await readSecrets(snapshotDir, manifest, SECRETS_FILE)
  const keySecrets = await readSecrets(snapshotDir, manifest, KEY_SECRETS_FILE)
  for (const dir of secrets ? [target.dir, target.secretsDir] : [target.dir]) await requireEmpty(dir)

  await mkdir(target.dir, { recursive: true, mode: 0o700 })
  await writeFileDurably(target.unfinishedPath, 'strongroom restore has begun here and not ended\n', 0o600)
  await syncFolder(dirname(target.dir))
  try {
    await copyBlobs(source, target.blobsDir, manifest, progress)
    for (const { file, ...expected } of manifest.files) {
      if (file === SECRETS_FILE || file === KEY_SECRETS_FILE) continue
      await copyFile(join(snapshotDir, file), join(target.dir, file), expected)
    }
    // Beside those that hold files, the folders of folders.
    for (const folder of new Set(manifest.files.map(({ file }) => dirname(dirname(file)))))
      if (folder !== '.') await syncFolder(join(target.dir, folder))
    const material = new MaterialSecretFiles(target.keySecretsDir)
    await inParallel(keySecrets ?? [], SECRETS_AT_ONCE, ([id, secret]) => material.put(id, secret))
    if (secrets) {
      await mkdir(target.secretsDir, { recursive: true, mode: 0o700 })
      for (const [file, bytes] of secrets) await writeFileDurably(join(target.secretsDir, file), bytes, 0o600)
    }
    await syncFolder(target.dir)
  } catch (error) {
    for (const [file] of secrets ?? []) await rm(join(target.secretsDir, file), { force: true })
    for (const name of await readdir(target.dir)) {
      const path = join(target.dir, name)
      if (path !== target.unfinishedPath) await rm(path, { recursive: true, force: true })
    }
    await rm(target.unfinishedPath)
    throw error
  }
  await rm(target.unfinishedPath)
  await syncFolder(target.dir)
}

/** Looks for what is missing before hours are spent on the rest. */
async function requireAllThere(snapshotDir: string, blobs: FileBlobStore, manifest: Manifest): Promise<void> {
  const check = async (path: string, expected: Content) => {
    const size = await stat(path).then(
      (facts) => facts.size,
      () => undefined,
    )
    if (size === undefined) throw new BackupDamaged(`${path} is missing`)
    if (size !== expected.size) throw changed(path)
  }
  for (const entry of manifest.files) await check(join(snapshotDir, entry.file), entry)
  await inParallel(manifest.blobs, BLOBS_AT_ONCE, (entry) => check(blobs.pathOf(entry.blob), entry))
}

async function requireEmpty(dir: string): Promise<void> {
  const present = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error.code === 'ENOTDIR' ? new BackupFolderError(`${dir} is no folder`) : error
  })
  if (present.length > 0)
    throw new BackupFolderError(`${dir} is not empty: a restore goes into an empty or absent folder`)
}

/** Undefined where the backup has no such file. */
async function readSecrets(snapshotDir: string, { files }: Manifest, name: string) {
  const entry = files.find(({ file }) => file === name)
  if (!entry) return undefined
  const path = join(snapshotDir, name)
  const bytes = await readFile(path)
  if (!isSame(contentOf(bytes), entry)) throw changed(path)
  return decodeSecrets(bytes)
}

async function copyBlobs(
  source: FileBlobStore,
  blobsDir: string,
  { blobs }: Manifest,
  progress: Progress,
): Promise<void> {
  const to = await FileBlobStore.open(blobsDir)
  const total = blobs.reduce((sum, { size }) => sum + size, 0)
  let done = 0
  progress(0, total)
  await inParallel(blobs, BLOBS_AT_ONCE, async ({ blob, ...expected }) => {
    const content = await copyBlob(source, to, blob, expected)
    if (!content || !isSame(content, expected)) throw changed(source.pathOf(blob))
    done += expected.size
    progress(done, total)
  })
}

async function copyFile(from: string, to: string, expected: Content): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 })
  const file = await open(to, 'wx', 0o600)
  try {
    for await (const bytes of createReadStream(from)) await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
  await syncFolder(dirname(to))
  // What counts is what was written.
  if (!isSame((await readFileContent(to))!, expected)) throw changed(from)
}

const SECRETS_AT_ONCE = 32
const changed = (path: string) => new BackupDamaged(`${path} has changed since it was written`)
