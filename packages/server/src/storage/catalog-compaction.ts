/**
 * Writes the catalog's file anew, entry by entry, since free pages and the slack of others still hold what was deleted, and
 * overwrites the file as it was. Nobody else may have the catalog open. A crash anywhere leaves the old file or the new one in its place, and at
 * worst a copy beside it, which the next run deals with.
 */
import { link, open, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolder } from '../core/durable-file.ts'
import { CATALOG_FILE, LmdbCatalog } from './lmdb-catalog.ts'

export interface Compaction {
  readonly bytesBefore: number
  readonly bytesAfter: number
}

const PAGE = 1000
const AFTER_ALL = new Uint8Array(64).fill(0xff)
const BLOCK_BYTES = 1024 * 1024

/** `overwritten`: told how much of the old file has been overwritten. */
export async function compactCatalog(
  dir: string,
  overwritten: (done: number, total: number) => void = () => undefined,
): Promise<Compaction> {
  const path = join(dir, CATALOG_FILE)
  const [compactDir, old] = [`${path}.compact`, `${path}.old`]
  const compact = join(compactDir, CATALOG_FILE)
  await rm(compactDir, { recursive: true, force: true })
  await removeOld(old, path, overwritten)
  const catalog = await LmdbCatalog.open(dir)
  try {
    await copyEntries(catalog, compactDir)
  } finally {
    await catalog.close()
  }
  const [before, after] = [await stat(path), await stat(compact)]
  await link(path, old)
  await rename(compact, path)
  await syncFolder(dir)
  await removeOld(old, path, overwritten)
  await rm(compactDir, { recursive: true })
  await syncFolder(dir)
  return { bytesBefore: before.size, bytesAfter: after.size }
}

/** LMDB's own copy would take whole pages, with whatever stands between their entries. */
async function copyEntries(from: LmdbCatalog, dir: string): Promise<void> {
  const to = await LmdbCatalog.open(dir)
  try {
    for (let gte: Uint8Array = new Uint8Array(); ; ) {
      const page = await from.range({ gte, lt: AFTER_ALL, limit: PAGE, reverse: false })
      await to.commit([], page)
      if (page.length < PAGE) return
      gte = Buffer.concat([page.at(-1)!.key, new Uint8Array(1)])
    }
  } finally {
    await to.close()
  }
}

/** What a run that was cut off has left may be another name of the file in use, which must not be overwritten. */
async function removeOld(old: string, path: string, overwritten: (done: number, total: number) => void) {
  const [oldFacts, facts] = await Promise.all([old, path].map((one) => stat(one).catch(() => undefined)))
  if (!oldFacts) return
  if (oldFacts.ino !== facts?.ino) await overwrite(old, oldFacts.size, overwritten)
  await rm(old)
}

async function overwrite(path: string, size: number, overwritten: (done: number, total: number) => void) {
  const file = await open(path, 'r+')
  try {
    const zeros = Buffer.alloc(BLOCK_BYTES)
    for (let at = 0; at < size; at += BLOCK_BYTES) {
      await file.write(zeros, 0, Math.min(BLOCK_BYTES, size - at), at)
      overwritten(Math.min(at + BLOCK_BYTES, size), size)
    }
    await file.sync()
  } finally {
    await file.close()
  }
}
