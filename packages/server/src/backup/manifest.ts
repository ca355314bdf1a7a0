/**
 * The manifest of a backup: JSON lines. The first says what it is, one for each file and blob says its size and SHA-256,
 * the last holds the SHA-256 of all before it, so that a manifest which is cut off or changed does not pass for whole.
 */
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { syncFolder } from '../core/durable-file.ts'
import type { Content } from './content.ts'
import { BackupDamaged, type BackupFolder, BackupFolderError } from './folder.ts'

export interface Manifest {
  /** The folder in `snapshots/` with all but the blobs. */
  readonly snapshot: string
  readonly takenAtMs: number
  readonly files: readonly FileEntry[]
  readonly blobs: readonly BlobEntry[]
}

export interface FileEntry extends Content {
  /** Within the snapshot, and within a data folder; with `/`. */
  readonly file: string
}

export interface BlobEntry extends Content {
  readonly blob: string
}

const FORMAT = 'strongroom backup 1'

/** Replaces the manifest durably: before this the older backup counts, after it the newer one. */
export async function writeManifest({ manifestPath }: BackupFolder, manifest: Manifest): Promise<void> {
  const temporary = `${manifestPath}.${randomBytes(6).toString('hex')}.tmp`
  const hash = createHash('sha256')
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      for (const lines of batches(linesOf(manifest))) {
        hash.update(lines)
        await file.writeFile(lines)
      }
      await file.writeFile(`${JSON.stringify({ end: hash.digest('hex') })}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, manifestPath)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncFolder(dirname(manifestPath))
}

/** Undefined where there is none. Throws BackupDamaged. */
export async function findManifest({ manifestPath }: BackupFolder): Promise<Manifest | undefined> {
  const damaged = (reason: string, cause?: unknown) =>
    new BackupDamaged(`${manifestPath} ${reason}: the backup cannot be used`, { cause })
  const hash = createHash('sha256')
  const files: FileEntry[] = []
  const blobs: BlobEntry[] = []
  let head: { readonly format: string; readonly snapshot: string; readonly takenAtMs: number } | undefined
  let end: string | undefined
  try {
    for await (const text of createInterface({ input: createReadStream(manifestPath), crlfDelay: Infinity })) {
      if (end !== undefined) throw damaged('goes on after its end')
      const line = JSON.parse(text)
      if (line.end !== undefined) {
        end = line.end
        continue
      }
      hash.update(`${text}\n`)
      if (!head) head = line
      else if (line.blob !== undefined) blobs.push(line)
      else files.push(line)
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    if (error instanceof SyntaxError) throw damaged('has changed', error)
    throw error
  }
  if (end === undefined) throw damaged('is cut off')
  if (end !== hash.digest('hex')) throw damaged('has changed')
  if (head?.format !== FORMAT) throw damaged(`is of another format than ${FORMAT}`)
  const names = [head.snapshot, ...files.flatMap(({ file }) => file.split('/')), ...blobs.map(({ blob }) => blob)]
  if (!names.every((name) => PLAIN_NAME.test(name))) throw damaged('names a path outside of the folder')
  return { snapshot: head.snapshot, takenAtMs: head.takenAtMs, files, blobs }
}

/** Throws BackupFolderError where there is none, and BackupDamaged. */
export async function readManifest(folder: BackupFolder): Promise<Manifest> {
  const manifest = await findManifest(folder)
  if (!manifest) throw new BackupFolderError(`${folder.dir} holds no complete backup`)
  return manifest
}

/** Whoever made the backup is not trusted with paths. */
const PLAIN_NAME = /^(?!\.{1,2}$)[\w.-]+$/

function* linesOf({ files, blobs, ...head }: Manifest): Generator<string> {
  yield JSON.stringify({ format: FORMAT, ...head })
  for (const entry of files) yield JSON.stringify(entry)
  for (const entry of blobs) yield JSON.stringify(entry)
}

function* batches(lines: Iterable<string>): Generator<string> {
  let batch = ''
  for (const line of lines) {
    batch += `${line}\n`
    if (batch.length < BATCH_BYTES) continue
    yield batch
    batch = ''
  }
  yield batch
}

const BATCH_BYTES = 256 * 1024
