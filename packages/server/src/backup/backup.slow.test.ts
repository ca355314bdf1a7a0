/** Backups of a small store on disk: what is in them, what is new, and what a failure at each step leaves. */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../core/clock.ts'
import { JournalReader } from '../journal/journal-reader.ts'
import { JournalWriter } from '../journal/journal-writer.ts'
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
  journalsDir: join(dir, 'data', 'audit'),
  journalsName: 'audit',
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

describe('journals', () => {
  const journal = (name = 'management') => ({ dir: join(dir, 'data', 'audit', name), name, records })
  const write = async (from: number, to: number, { segmentBytes = 300, name = 'management' } = {}) => {
    const writer = await JournalWriter.open({ ...journal(name), clock: systemClock, segmentBytes })
    for (let i = from; i <= to; i++) await writer.append([{ atMs: i, bytes: Buffer.from(`entry ${i}`) }])
    return writer
  }
  /** What a restored folder's journal has; all of it verifies, and it can be gone on with. */
  const restored = async (name = 'management', to = 'restored') => {
    const at = target(to)
    const copy = await LmdbCatalog.open(join(at.dir, 'catalog'))
    try {
      const place = { dir: join(at.dir, 'audit', name), name, records: new RecordStore(copy, recordKey()) }
      await (await JournalWriter.open({ ...place, clock: systemClock })).close()
      const found: string[] = []
      const reader = new JournalReader(place)
      await reader.verify((problem) => found.push(problem))
      for await (const { entries } of reader.frames())
        for (const { bytes } of entries) found.push(Buffer.from(bytes).toString())
      return found
    } finally {
      await copy.close()
    }
  }
  const entries = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => `entry ${from + i}`)
  const segmentFiles = async (name = 'management') =>
    (await readManifest(folder())).files.map(({ file }) => file).filter((file) => file.startsWith(`audit/${name}/`))

  test('are in it, whole and verified', async () => {
    await (await write(1, 10)).close()
    await (await write(1, 2, { name: 'data' })).close()
    await take()
    expect(await segmentFiles()).toHaveLength(4)
    expect(await segmentFiles('data')).toEqual(['audit/data/0000000001.log'])
    expect(await problems()).toEqual([])
    await restore()
    expect(await restored()).toEqual(entries(1, 10))
    expect(await restored('data')).toEqual(entries(1, 2))
    expect((await stat(join(target().dir, 'audit'))).mode & 0o777).toBe(0o700)
  })

  test('what is written and pruned after the catalog was copied does no harm', async () => {
    const writer = await write(1, 10)
    await addBlob('a')
    // Opened between the copy of the catalog and that of the segments, which `copyTo` makes sure of.
    const catalogLike = new Proxy(catalog, {
      get(of, name) {
        const value = Reflect.get(of, name, of)
        if (name !== 'copyTo') return typeof value === 'function' ? value.bind(of) : value
        return async (to: string) => {
          await of.copyTo(to)
          await writer.append([{ atMs: 11, bytes: Buffer.from('entry 11') }])
          await writer.append([{ atMs: 12, bytes: Buffer.from('entry 12') }])
          await writer.append([{ atMs: 13, bytes: Buffer.from('entry 13') }])
          expect(await writer.prune({ maxBytes: 0 })).toBe(4)
        }
      },
    })
    await take({ catalog: catalogLike })
    await writer.close()
    await restore()
    // Entries 10 to 12 share the segment that was the last one.
    expect(await restored()).toEqual(entries(1, 12))
  })

  test('a frame that is being written is left out', async () => {
    await (await write(1, 2, { segmentBytes: 1e6 })).close()
    const path = join(journal().dir, '0000000001.log')
    const whole = await readFile(path)
    await writeFile(path, Buffer.concat([whole, whole.subarray(0, 90)]))
    await take()
    const { files } = await readManifest(folder())
    expect(files.find(({ file }) => file === 'audit/management/0000000001.log')!.size).toBe(whole.length)
    await restore()
    expect(await restored()).toEqual(entries(1, 2))
  })

  test('complete segments are taken over from the former backup, and the last one is copied', async () => {
    const files = async () => {
      const { snapshot } = await readManifest(folder())
      return Promise.all(
        (await segmentFiles()).map(async (file) => (await stat(join(folder().snapshotsDir, snapshot, file))).ino),
      )
    }
    await (await write(1, 10)).close()
    await take()
    const before = await files()
    await (await write(11, 15)).close()
    await take()
    const after = await files()
    expect(after.slice(0, 3)).toEqual(before.slice(0, 3))
    expect(after).not.toContain(before[3])
    expect(await problems()).toEqual([])
    await restore()
    expect(await restored()).toEqual(entries(1, 15))
  })

  test('another journal under the same names is not taken for the former one', async () => {
    await (await write(1, 10)).close()
    await take()
    const before = (await readManifest(folder())).files
    // As a data folder that was begun anew.
    await rm(journal().dir, { recursive: true })
    for (const { key } of await catalog.range({ gte: Buffer.from('J'), lt: Buffer.from('k'), limit: 99 }))
      await catalog.commit([], [{ key, value: undefined }])
    await (await write(1, 10)).close()
    await take()
    const after = (await readManifest(folder())).files
    const first = ({ file }: { file: string }) => file === 'audit/management/0000000001.log'
    expect(after.find(first)!.size).toBe(before.find(first)!.size)
    expect(after.find(first)!.sha256).not.toBe(before.find(first)!.sha256)
    await restore()
    expect(await restored()).toEqual(entries(1, 10))
  })

  test('a segment that was not begun yet is none; one that is missing is told', async () => {
    const writer = await write(1, 4)
    await writer.close()
    const last = join(journal().dir, '0000000002.log')
    await rm(last)
    await take()
    expect(await segmentFiles()).toEqual(['audit/management/0000000001.log'])
    await rm(join(journal().dir, '0000000001.log'))
    await expect(take()).rejects.toThrow(/0000000001.log is missing/)
    expect(await segmentFiles()).toEqual(['audit/management/0000000001.log'])
  })

  test('a copy that was lost is made again; one that has changed is named', async () => {
    await (await write(1, 10)).close()
    await take()
    const { snapshot } = await readManifest(folder())
    const copy = join(folder().snapshotsDir, snapshot, 'audit/management/0000000002.log')
    const bytes = await readFile(copy)
    bytes[100]! ^= 1
    await writeFile(copy, bytes)
    expect(await problems()).toEqual([`snapshots/${snapshot}/audit/management/0000000002.log has changed`])
    await expect(restore()).rejects.toBeInstanceOf(BackupDamaged)
    await rm(copy)
    expect(await problems()).toEqual([`snapshots/${snapshot}/audit/management/0000000002.log is missing`])
    await take()
    expect(await problems()).toEqual([])
  })
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
