/**
 * Copies the journals' segments that a copy of the catalog names (docs/formats/journal.md). Their files are opened before
 * the catalog is copied, so that those which are pruned afterwards are still there; what has come since is left out.
 */
import { type FileHandle, link, mkdir, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { syncFolder } from '../core/durable-file.ts'
import { scanFrames } from '../journal/scan.ts'
import { openToRead, segmentFile, segmentsOnDisk } from '../journal/segment-files.ts'
import { segmentOf, segmentRecord } from '../journal/segment-records.ts'
import { eachName } from '../records/each-record.ts'
import type { Catalog } from '../storage/catalog.ts'
import { copyFromFile } from './content.ts'
import type { FileEntry } from './manifest.ts'

/** A segment that the catalog names is not there. */
export class SegmentMissing extends Error {
  constructor(path: string) {
    super(`${path} is missing, which is a part of the audit trail`)
    this.name = 'SegmentMissing'
  }
}

/** The former backup, whose copies of complete segments are taken over. */
export interface FormerCopies {
  readonly dir: string
  readonly files: readonly FileEntry[]
}

interface Segment {
  readonly journal: string
  readonly segment: number
  /** Its file may be unfinished, or not made yet. */
  readonly isLast: boolean
}

export class HeldJournals {
  readonly #dir: string
  readonly #files: Map<string, FileHandle>

  private constructor(dir: string, files: Map<string, FileHandle>) {
    this.#dir = dir
    this.#files = files
  }

  /** Opens the files of all segments in a folder of journals, which may be absent. */
  static async hold(dir: string): Promise<HeldJournals> {
    const held = new HeldJournals(dir, new Map())
    try {
      const entries = await readdir(dir, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return []
        throw error
      })
      for (const { name } of entries.filter((entry) => entry.isDirectory()))
        for (const segment of await segmentsOnDisk(join(dir, name))) await held.#open(pathOf(name, segment))
      return held
    } catch (error) {
      await held.release()
      throw error
    }
  }

  /**
   * Copies what `catalog` names into the folder `to`; `as` is that folder's path in the data folder. Throws
   * SegmentMissing.
   */
  async copyTo(to: string, as: string, catalog: Catalog, former?: FormerCopies): Promise<FileEntry[]> {
    const entries: FileEntry[] = []
    const folders = new Set<string>()
    for await (const { journal, segment, isLast } of eachSegmentIn(catalog)) {
      const path = pathOf(journal, segment)
      const file = this.#files.get(path) ?? (await this.#open(path))
      if (!file && isLast) continue
      if (!file) throw new SegmentMissing(join(this.#dir, path))
      const { size } = await file.stat()
      const bytes = isLast ? await wholeFrames(file, size) : size
      const target = join(to, path)
      await mkdir(dirname(target), { recursive: true, mode: 0o700 })
      folders.add(dirname(target))
      const known = isLast ? undefined : former?.files.find((entry) => entry.file === `${as}/${path}`)
      const isTaken = known?.size === bytes && (await takeOver(join(former!.dir, known.file), target, file, bytes))
      const content = isTaken ? known : await copyFromFile(file, bytes, target)
      entries.push({ file: `${as}/${path}`, size: content.size, sha256: content.sha256 })
    }
    for (const folder of folders) await syncFolder(folder)
    if (folders.size > 0) await syncFolder(to)
    return entries
  }

  async release(): Promise<void> {
    for (const file of this.#files.values()) await file.close()
    this.#files.clear()
  }

  async #open(path: string): Promise<FileHandle | undefined> {
    const file = await openToRead(join(this.#dir, path))
    if (file) this.#files.set(path, file)
    return file
  }
}

const pathOf = (journal: string, segment: number) => `${journal}/${segmentFile(segment)}`

/** Names are in clear: no key is needed. */
async function* eachSegmentIn(catalog: Catalog): AsyncGenerator<Segment> {
  let current: Omit<Segment, 'isLast'> | undefined
  for await (const name of eachName(catalog, segmentRecord)) {
    const next = segmentOf(name)
    if (current) yield { ...current, isLast: next.journal !== current.journal }
    current = next
  }
  if (current) yield { ...current, isLast: true }
}

/** The end of the last whole frame: behind it is what is being written now. */
async function wholeFrames(file: FileHandle, size: number): Promise<number> {
  let end = 0
  for await (const { next } of scanFrames(file, 0, size)) end = next
  return end
}

/**
 * Links a copy of the former backup where it ends as the segment does: the last frame names the one before it, and so on,
 * so all before it is the same. Whether the copy is still as it was written is for `backup verify` to say.
 */
async function takeOver(from: string, to: string, file: FileHandle, bytes: number): Promise<boolean> {
  const copy = await openToRead(from)
  if (!copy) return false
  try {
    if ((await copy.stat()).size !== bytes) return false
    const [end, endOfCopy] = [await lastBytes(file, bytes), await lastBytes(copy, bytes)]
    if (!end.equals(endOfCopy)) return false
  } finally {
    await copy.close()
  }
  try {
    await link(from, to)
    return true
  } catch (error) {
    // File systems without links are copied to.
    if (['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return false
    throw error
  }
}

async function lastBytes(file: FileHandle, size: number): Promise<Buffer> {
  const bytes = Buffer.alloc(Math.min(size, END_BYTES))
  await file.read(bytes, 0, bytes.length, size - bytes.length)
  return bytes
}

/** A tag, and more. */
const END_BYTES = 64
