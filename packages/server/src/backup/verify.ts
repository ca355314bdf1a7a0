/** Checks all that a backup's manifest names; needs no key. */
import { join, relative } from 'node:path'
import { inParallel } from '../core/in-parallel.ts'
import { FileBlobStore } from '../storage/file-blobs.ts'
import type { Progress } from './back-up.ts'
import { BLOBS_AT_ONCE, type Content, isSame, readBlobContent, readFileContent } from './content.ts'
import type { BackupFolder } from './folder.ts'
import type { Manifest } from './manifest.ts'

/** Calls `report` with the path in the folder of each thing that is not as it was written, and how. */
export async function verifyBackup(
  folder: BackupFolder,
  { snapshot, files, blobs }: Manifest,
  report: (path: string, problem: string) => void,
  progress: Progress,
): Promise<void> {
  const total = [...files, ...blobs].reduce((sum, { size }) => sum + size, 0)
  let done = 0
  const check = (path: string, expected: Content, found: Content | undefined) => {
    if (!found) report(relative(folder.dir, path), 'is missing')
    else if (!isSame(found, expected)) report(relative(folder.dir, path), 'has changed')
    done += expected.size
    progress(done, total)
  }
  progress(0, total)
  for (const entry of files) {
    const path = join(folder.snapshotsDir, snapshot, entry.file)
    check(path, entry, await readFileContent(path))
  }
  const store = await FileBlobStore.open(folder.blobsDir)
  await inParallel(blobs, BLOBS_AT_ONCE, async (entry) => {
    check(store.pathOf(entry.blob), entry, await readBlobContent(store, entry.blob))
  })
}
