/** Backups of a small store on disk: what is in them, what is new, and what a failure at each step leaves. */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../core/clock.ts'
import { MaterialSecretFiles } from '../keys/material-secrets.ts'
import { blobReference, garbageBlob, names } from '../objects/records.ts'
import { RecordStore } from '../records/record-store.ts'
import { StoreKey } from '../root-key/store-key.ts'
import type { BlobStore } from '../storage/blobs.ts'
import { FileBlobStore } from '../storage/file-blobs.ts'
import { LmdbCatalog } from '../storage/lmdb-catalog.ts'
import { type BackupSource, backUp } from './back-up.ts'
import { BackupDamaged, BackupFolderError, backupFolder } from './folder.ts'
import { findManifest, type Manifest, readManifest } from './manifest.ts'
import { restoreBackup } from './restore.ts'
import { encodeSecrets } from './small-files.ts'
import { verifyBackup } from './verify.ts'

let dir: string
let catalog: LmdbCatalog
let records: RecordStore
let blobs: FileBlobStore
let small: Map<string, Uint8Array>
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'backup-'))
  catalog = await LmdbCatalog.open(join(dir, 'data', 'catalog'))
  records = new RecordStore(catalog, recordKey())
  blobs = await FileBlobStore.open(join(dir, 'data', 'blobs'))
  small = new Map([
    ['root-key.check', Buffer.from('check')],
    ['tls/ca.pem', Buffer.from('authority')],
  ])
})
afterEach(async () => {
  await catalog.close()
  await rm(dir, { recursive: true })
})

const recordKey = () => StoreKey.of(new Uint8Array(32)).derive('records')
const folder = () => backupFolder(join(dir, 'backup'))
const source = (more: Partial<BackupSource> = {}): BackupSource => ({
  catalog,
  catalogName: 'catalog',
  blobs,
  files: async () => new Map(small),
  keySecrets: async () => new Map([['0'.repeat(32), Buffer.alloc(32, 7)]]),
  secrets: undefined,
  ...more,
})
const take = (more?: Partial<BackupSource>) => backUp(source(more), folder(), systemClock, () => {})

async function addBlob(text: string): Promise<string> {
  const staged = await blobs.stage()
  await staged.write([Buffer.from(text)])
  await staged.keep()
  await records.commit([], [records.put(blobReference, names.blob(staged.id), {})])
  return staged.id
}

async function giveUp(id: string): Promise<void> {
  await records.commit(
    [],
    [records.remove(blobReference, names.blob(id)), records.put(garbageBlob, names.garbage(0, id), {})],
  )
}

async function problems(): Promise<string[]> {
  const found: string[] = []
  await verifyBackup(
    folder(),
    await readManifest(folder()),
    (path, problem) => found.push(`${path} ${problem}`),
    () => {},
  )
  return found
}

const target = (name = 'restored') => {
  const at = join(dir, name)
  return {
    dir: at,
    blobsDir: join(at, 'blobs'),
    keySecretsDir: join(at, 'key-secrets'),
    secretsDir: join(at, 'secrets'),
    unfinishedPath: join(at, 'unfinished'),
  }
}
const restore = async (to = target()) => restoreBackup(folder(), await readManifest(folder()), to, () => {})

/** The texts of all blobs that a restored catalog names. */
async function textsIn(at: ReturnType<typeof target>): Promise<string[]> {
  const store = await FileBlobStore.open(at.blobsDir)
  const restored = await LmdbCatalog.open(join(at.dir, 'catalog'))
  try {
    const all = await new RecordStore(restored, recordKey()).range(blobReference, {
      gte: new Uint8Array(),
      lt: new Uint8Array([255]),
      limit: 100,
    })
    return await Promise.all(
      all.map(async ({ name }) => {
        const reader = (await store.open(Buffer.from(name).toString()))!
        const bytes = await reader.read(0, 100)
        await reader.close()
        return Buffer.from(bytes).toString()
      }),
    )
  } finally {
    await restored.close()
  }
}

test('what the catalog names is in it, and what it does not is not', async () => {
  await addBlob('a')
  await giveUp(await addBlob('given up'))
  expect(await take()).toMatchObject({ blobs: 1, copiedBlobs: 1, copiedBytes: 1 })
  expect(await problems()).toEqual([])
  await restore()
  expect(await textsIn(target())).toEqual(['a'])
  expect(await readFile(join(target().dir, 'tls/ca.pem'), 'utf8')).toBe('authority')
  expect(new MaterialSecretFiles(target().keySecretsDir).read('0'.repeat(32))).toEqual(Buffer.alloc(32, 7))
  expect(await readdir(target().dir)).not.toContain('unfinished')
})

test('a second one copies what is new and removes what is not named any more', async () => {
  const [first] = [await addBlob('first'), await addBlob('second')]
  await take()
  await giveUp(first)
  await addBlob('third')
  expect(await take()).toMatchObject({ blobs: 2, copiedBlobs: 1, copiedBytes: 5, removedBlobs: 1 })
  expect(await take()).toMatchObject({ blobs: 2, copiedBlobs: 0, removedBlobs: 0 })
  expect(await problems()).toEqual([])
  expect(await readdir(folder().snapshotsDir)).toHaveLength(1)
  await restore()
  expect((await textsIn(target())).sort()).toEqual(['second', 'third'])
})

test('the blobs are held while they are copied, and not longer', async () => {
  await addBlob('a')
  const held: boolean[] = []
  const watching = watched(async () => void held.push(await blobs.isHeld()))
  await take({ blobs: watching })
  expect(held).toEqual([true, true])
  expect(await blobs.isHeld()).toBe(false)
})

test('the small files are of the same moment as the catalog', async () => {
  const id = await addBlob('old')
  let reads = 0
  const files = async () => {
    // As when the ring of keys changes while the catalog is copied.
    if (++reads === 2) {
      small.set('root-key.ring', Buffer.from('ring'))
      await giveUp(id)
      await addBlob('new')
    }
    return new Map(small)
  }
  await take({ files })
  expect(reads).toBe(3)
  await restore()
  expect(await textsIn(target())).toEqual(['new'])
  expect(await readdir(target().dir)).toContain('root-key.ring')
})

test('material secrets that go or come while the catalog is copied are in it, as they were', async () => {
  const [going, coming, staying] = ['a', 'b', 'c'].map((digit) => digit.repeat(32)) as [string, string, string]
  const bytes = (value: number) => Buffer.alloc(32, value)
  const readings = [
    [[going, bytes(1)] as const, [staying, bytes(2)] as const],
    // The second is overwritten before it is removed.
    [[coming, bytes(3)] as const, [staying, bytes(0)] as const],
  ]
  await take({ keySecrets: async () => new Map(readings.shift()) })
  expect(readings).toEqual([])
  await restore()
  const restored = new MaterialSecretFiles(target().keySecretsDir)
  expect([going, coming, staying].map((id) => restored.read(id))).toEqual([bytes(1), bytes(3), bytes(2)])
})

describe('a failure', () => {
  /** Fails at the opening of a blob, which is once to look and once to copy. */
  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'at step %d leaves the former backup, and the next one is complete',
    async (step) => {
      for (const text of ['a', 'b']) await addBlob(text)
      await take()
      const before = await readManifest(folder())
      for (const text of ['c', 'd', 'e', 'f']) await addBlob(text)
      let left = step
      const failing = watched(async () => {
        if (--left <= 0) throw new Error('crash')
      })
      await expect(take({ blobs: failing })).rejects.toThrow('crash')
      expect(await readManifest(folder())).toEqual(before)
      expect(await problems()).toEqual([])
      expect(await blobs.isHeld()).toBe(false)
      await restore(target('former'))
      expect((await textsIn(target('former'))).sort()).toEqual(['a', 'b'])
      expect(await take()).toMatchObject({ blobs: 6, copiedBlobs: 4 })
      expect(await problems()).toEqual([])
      expect(await readdir(folder().snapshotsDir)).toHaveLength(1)
    },
  )

  test('of the first backup leaves none, and the next one is complete', async () => {
    await addBlob('a')
    await expect(take({ blobs: watched(() => Promise.reject(new Error('crash'))) })).rejects.toThrow('crash')
    expect(await findManifest(folder())).toBeUndefined()
    await expect(restore()).rejects.toBeInstanceOf(BackupFolderError)
    expect(await take()).toMatchObject({ blobs: 1 })
  })

  test('a blob that the catalog names and that is not there is told', async () => {
    await blobs.delete(await addBlob('a'))
    await expect(take()).rejects.toThrow(/missing.*fsck/)
  })
})

describe('damage', () => {
  const kept = async () => {
    const { blobs: entries } = await readManifest(folder())
    return (await FileBlobStore.open(folder().blobsDir)).pathOf(entries[0]!.blob)
  }
  const damages: Record<string, () => Promise<string>> = {
    async 'a changed blob'() {
      await writeFile(await kept(), 'x')
      return 'blobs/kept'
    },
    async 'a lost blob'() {
      await rm(await kept())
      return 'blobs/kept'
    },
    async 'a longer file'() {
      const [snapshot] = await readdir(folder().snapshotsDir)
      await writeFile(join(folder().snapshotsDir, snapshot!, 'root-key.check'), 'longer than it was')
      return `snapshots/${snapshot}/root-key.check`
    },
    async 'a cut catalog'() {
      const [snapshot] = await readdir(folder().snapshotsDir)
      await truncate(join(folder().snapshotsDir, snapshot!, 'catalog/catalog.mdb'), 4096)
      return `snapshots/${snapshot}/catalog/catalog.mdb`
    },
  }
  test.each(Object.keys(damages))('%s is named, and is not restored', async (name) => {
    await addBlob('a')
    await take()
    const path = await damages[name]!()
    expect(await problems()).toEqual([expect.stringContaining(path)])
    await expect(restore()).rejects.toBeInstanceOf(BackupDamaged)
    expect(await readdir(target().dir).catch(() => [])).toEqual([])
  })

  test('a lost blob is copied again by the next backup', async () => {
    await addBlob('a')
    await take()
    await rm(await kept())
    expect(await take()).toMatchObject({ copiedBlobs: 1 })
    expect(await problems()).toEqual([])
  })

  const MANIFESTS: Record<string, (text: string) => string> = {
    'one that is cut off': (text) => text.slice(0, text.lastIndexOf('{')),
    'one that is cut within a line': (text) => text.slice(0, -30),
    'one that lacks a line': (text) => text.replace(/\{"blob".*\n/, ''),
    'one that names other bytes': (text) => text.replace(/"sha256":"../, '"sha256":"zz'),
    'one with something after its end': (text) => `${text}{"blob":"aa"}\n`,
    'an empty one': () => '',
  }
  test.each(Object.keys(MANIFESTS))('of the manifest, %s, is told, and the next backup is complete', async (name) => {
    await addBlob('a')
    await take()
    const { manifestPath } = folder()
    await writeFile(manifestPath, MANIFESTS[name]!(await readFile(manifestPath, 'utf8')))
    await expect(readManifest(folder())).rejects.toBeInstanceOf(BackupDamaged)
    expect(await take()).toMatchObject({ blobs: 1, copiedBlobs: 1 })
    expect(await problems()).toEqual([])
  })
})

test('a manifest that names a path elsewhere is not followed', async () => {
  await take()
  const { writeManifest } = await import('./manifest.ts')
  const evil: Manifest[] = [
    { snapshot: '..', takenAtMs: 0, files: [], blobs: [] },
    { snapshot: 'a', takenAtMs: 0, files: [{ file: 'tls/../../x', size: 0, sha256: '' }], blobs: [] },
    { snapshot: 'a', takenAtMs: 0, files: [], blobs: [{ blob: '../x', size: 0, sha256: '' }] },
  ]
  for (const manifest of evil) {
    await writeManifest(folder(), manifest)
    await expect(readManifest(folder())).rejects.toThrow(/outside/)
  }
})

test('secrets are in it only where they are asked for, and go where they are wanted', async () => {
  const secrets = new Map([['root.key', Buffer.from('secret')]])
  await take({ secrets })
  await restore()
  expect(await readFile(join(target().secretsDir, 'root.key'), 'utf8')).toBe('secret')
  await take()
  const [snapshot] = await readdir(folder().snapshotsDir)
  expect(await readdir(join(folder().snapshotsDir, snapshot!))).not.toContain('secrets.json')
  await restore(target('without'))
  expect(await readdir(target('without').dir)).not.toContain('secrets')
  expect(Buffer.from(encodeSecrets(secrets)).toString()).not.toContain('secret"')
})

test('only an empty folder or a backup is written to, by one at a time', async () => {
  await mkdir(folder().dir)
  await writeFile(join(folder().dir, 'mine'), 'x')
  await expect(take()).rejects.toBeInstanceOf(BackupFolderError)
  expect(await readdir(folder().dir)).toEqual(['mine'])
  await rm(join(folder().dir, 'mine'))
  await addBlob('a')
  let second: unknown
  const watching = watched(async () => {
    second ??= await take().catch((error: unknown) => error)
  })
  await take({ blobs: watching })
  expect(second).toBeInstanceOf(BackupFolderError)
})

test('only an empty or absent folder is restored to', async () => {
  await take()
  await cp(folder().dir, target().dir, { recursive: true })
  const before = await readdir(target().dir)
  await expect(restore()).rejects.toBeInstanceOf(BackupFolderError)
  expect(await readdir(target().dir)).toEqual(before)
  await mkdir(target('empty').dir)
  await restore(target('empty'))
})

/** The blobs of the source; `before` is called at each opening. */
function watched(before: () => Promise<void>): BlobStore {
  return new Proxy(blobs, {
    get(store, name) {
      if (name === 'open') return (id: string) => before().then(() => store.open(id))
      const value = Reflect.get(store, name, store)
      return typeof value === 'function' ? value.bind(store) : value
    },
  })
}
