/**
 * Takes a backup of a data folder beside whatever uses it. It needs no key: what names blobs stands in clear.
 *
 * Order: hold the blobs, so that none of them is swept, and the journals' files; copy the catalog as of one moment; copy the
 * segments and blobs that this copy names and the backup does not have; write the manifest; remove what it does not name. Until the manifest is there the
 * former backup is whole, and a crash leaves at worst files that nothing names.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Clock } from '../core/clock.ts'
import { syncFolder, writeFileDurably } from '../core/durable-file.ts'
import { inParallel } from '../core/in-parallel.ts'
import { blobReference } from '../objects/records.ts'
import { eachName } from '../records/each-record.ts'
import type { BlobId, BlobStore } from '../storage/blobs.ts'
import { FileBlobStore } from '../storage/file-blobs.ts'
import { CATALOG_FILE, LmdbCatalog } from '../storage/lmdb-catalog.ts'
import { BLOBS_AT_ONCE, type Content, contentOf, copyBlob, readFileContent } from './content.ts'
import { BackupDamaged, type BackupFolder, takeBackupFolder } from './folder.ts'
import { type FormerCopies, HeldJournals } from './journals.ts'
import { type BlobEntry, type FileEntry, findManifest, type Manifest, writeManifest } from './manifest.ts'
import { encodeSecrets, KEY_SECRETS_FILE, SECRETS_FILE, type SmallFiles } from './small-files.ts'

export interface BackupSource {
  readonly catalog: LmdbCatalog
  /** Where the catalog stands in the data folder. */
  readonly catalogName: string
  readonly blobs: BlobStore
  /** The folder of the journals' folders, and where it stands in the data folder. */
  readonly journalsDir: string
  readonly journalsName: string
  /** The small files that a restored folder needs, by their path in the data folder. */
  files(): Promise<SmallFiles>
  /** The material secrets of KMS keys by their ids. */
  keySecrets(): Promise<SmallFiles>
  /** The files of the secrets folder, where they are to be in the backup. */
  readonly secrets: SmallFiles | undefined
}

export interface BackupSummary {
  readonly blobs: number
  /** Those that the folder did not have yet, and their size. */
  readonly copiedBlobs: number
  readonly copiedBytes: number
  /** Those that it had and that nothing names any more. */
  readonly removedBlobs: number
  readonly bytes: number
}

/** In bytes. */
export type Progress = (done: number, total: number) => void

/** A blob that the catalog names is not there. */
export class BlobMissing extends Error {
  constructor(id: BlobId) {
    super(`the blob ${id} is missing: strongroom fsck tells which object needs it`)
    this.name = 'BlobMissing'
  }
}

/** Throws BackupFolderError, BlobMissing and SegmentMissing. */
export async function backUp(
  source: BackupSource,
  folder: BackupFolder,
  clock: Clock,
  progress: Progress,
): Promise<BackupSummary> {
  const giveBack = await takeBackupFolder(folder)
  try {
    const target = await FileBlobStore.open(folder.blobsDir)
    await target.clearStaging()
    const former = await formerManifest(folder)
    const present = await presentBlobs(former, target)

    const snapshot = randomBytes(8).toString('hex')
    const snapshotDir = join(folder.snapshotsDir, snapshot)
    const hold = await source.blobs.hold()
    const blobs: BlobEntry[] = []
    let copied: readonly BlobEntry[]
    let takenAtMs: number
    let files: readonly FileEntry[]
    try {
      takenAtMs = clock.nowMs()
      files = await takeSnapshot(
        source,
        snapshotDir,
        former && { dir: join(folder.snapshotsDir, former.snapshot), files: former.files },
      )
      const missing: BlobId[] = []
      for (const id of await namedBlobs(join(snapshotDir, source.catalogName))) {
        const entry = present.get(id)
        if (entry) blobs.push(entry)
        else missing.push(id)
      }
      copied = await copyBlobs(source.blobs, target, missing, progress)
      blobs.push(...copied)
    } finally {
      await hold.release()
    }
    await syncFolder(folder.snapshotsDir)
    await syncFolder(folder.dir)
    await writeManifest(folder, { snapshot, takenAtMs, files, blobs })
    const removedBlobs = await removeRest(folder, target, snapshot, new Set(blobs.map(({ blob }) => blob)))
    return {
      blobs: blobs.length,
      copiedBlobs: copied.length,
      copiedBytes: bytesOf(copied),
      removedBlobs,
      bytes: bytesOf([...blobs, ...files]),
    }
  } finally {
    await giveBack()
  }
}

/** The catalog, the small files and the journals. */
async function takeSnapshot(source: BackupSource, dir: string, former: FormerCopies | undefined): Promise<FileEntry[]> {
  const journals = await HeldJournals.hold(source.journalsDir)
  try {
    const entries = await copyCatalogAndSmallFiles(source, dir)
    const to = join(dir, source.journalsName)
    const segments = await LmdbCatalog.read(join(dir, source.catalogName), (catalog) =>
      journals.copyTo(to, source.journalsName, catalog, former),
    )
    await syncFolder(dir)
    return [...entries, ...segments]
  } finally {
    await journals.release()
  }
}

/** The catalog and the small files, which belong together: the ring of keys must open what the catalog's copy holds. */
async function copyCatalogAndSmallFiles(source: BackupSource, dir: string): Promise<FileEntry[]> {
  const catalogDir = join(dir, source.catalogName)
  await mkdir(dirname(dir), { recursive: true, mode: 0o700 })
  let small = await source.files()
  const keySecrets = new Map<string, Uint8Array>()
  const addKeySecrets = async () => {
    // One that was read stays as it was then: it may be half destroyed by now.
    for (const [id, secret] of await source.keySecrets()) if (!keySecrets.has(id)) keySecrets.set(id, secret)
  }
  for (;;) {
    await addKeySecrets()
    await source.catalog.copyTo(catalogDir)
    const after = await source.files()
    if (isAllSame(small, after)) break
    small = after
    await rm(catalogDir, { recursive: true })
  }
  const entries: FileEntry[] = []
  const beside = new Map(small)
  // Each is there before the record that names it, and until that is gone: what the copy names was read before it or is
  // there now, unless it came and went while the catalog was copied.
  await addKeySecrets()
  beside.set(KEY_SECRETS_FILE, encodeSecrets(keySecrets))
  if (source.secrets) beside.set(SECRETS_FILE, encodeSecrets(source.secrets))
  for (const [file, bytes] of beside) {
    await mkdir(dirname(join(dir, file)), { recursive: true, mode: 0o700 })
    await writeFileDurably(join(dir, file), bytes, 0o600)
    entries.push({ file, ...contentOf(bytes) })
  }
  const file = `${source.catalogName}/${CATALOG_FILE}`
  return [...entries, { file, ...(await readFileContent(join(dir, file)))! }]
}

const isAllSame = (a: SmallFiles, b: SmallFiles) =>
  a.size === b.size && [...a].every(([file, bytes]) => Buffer.from(b.get(file) ?? []).equals(bytes))

const namedBlobs = (catalogDir: string) =>
  LmdbCatalog.read(catalogDir, async (catalog) => {
    const ids: BlobId[] = []
    for await (const name of eachName(catalog, blobReference)) ids.push(Buffer.from(name).toString())
    return ids
  })

/** Of the backup that is there already. */
const formerManifest = (folder: BackupFolder): Promise<Manifest | undefined> =>
  findManifest(folder).catch((error: unknown) => {
    // All of it is copied anew then.
    if (error instanceof BackupDamaged) return undefined
    throw error
  })

/** Those that the former backup has; one that was lost since, or has another length, is none. */
async function presentBlobs(former: Manifest | undefined, blobs: BlobStore): Promise<ReadonlyMap<BlobId, BlobEntry>> {
  const named = new Map(former?.blobs.map((entry) => [entry.blob, entry]))
  const present = new Map<BlobId, BlobEntry>()
  for await (const { id, size } of blobs.list()) {
    const entry = named.get(id)
    if (entry?.size === size) present.set(id, entry)
  }
  return present
}

async function copyBlobs(
  from: BlobStore,
  to: FileBlobStore,
  ids: readonly BlobId[],
  progress: Progress,
): Promise<BlobEntry[]> {
  let total = 0
  await inParallel(ids, BLOBS_AT_ONCE, async (id) => {
    const blob = await from.open(id)
    if (!blob) throw new BlobMissing(id)
    total += blob.size
    await blob.close()
  })
  progress(0, total)
  let done = 0
  const copied: BlobEntry[] = []
  await inParallel(ids, BLOBS_AT_ONCE, async (id) => {
    const content = await copyBlob(from, to, id)
    if (!content) throw new BlobMissing(id)
    copied.push({ blob: id, ...content })
    done += content.size
    progress(done, total)
  })
  return copied
}

/** What former backups left, and those that were cut off. Returns how many blobs. */
async function removeRest(
  { snapshotsDir }: BackupFolder,
  blobs: BlobStore,
  snapshot: string,
  named: ReadonlySet<BlobId>,
): Promise<number> {
  for (const other of await readdir(snapshotsDir)) {
    if (other !== snapshot) await rm(join(snapshotsDir, other), { recursive: true })
  }
  let removed = 0
  for await (const { id } of blobs.list()) {
    if (named.has(id)) continue
    await blobs.delete(id)
    removed++
  }
  return removed
}

const bytesOf = (contents: readonly Content[]) => contents.reduce((sum, { size }) => sum + size, 0)
