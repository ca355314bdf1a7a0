/** A catalog written anew: all that is there stays, and nothing that was deleted. */
import { link, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { compactCatalog } from './catalog-compaction.ts'
import { CATALOG_FILE, LmdbCatalog } from './lmdb-catalog.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'compaction-'))
})
afterEach(() => rm(dir, { recursive: true }))

const path = () => join(dir, CATALOG_FILE)
const key = (text: string) => Buffer.from(text)
async function changed(change: (catalog: LmdbCatalog) => Promise<unknown>) {
  const catalog = await LmdbCatalog.open(dir)
  await change(catalog)
  await catalog.close()
}
async function filled() {
  const value = Buffer.alloc(20_000, 'marked content of the deleted ')
  await changed(async (catalog) => {
    for (let i = 0; i < 50; i++) {
      await catalog.commit(
        [],
        [
          { key: key(`deleted ${i}`), value },
          { key: key(`kept ${i}`), value: key(`value ${i}`) },
        ],
      )
    }
    for (let i = 0; i < 50; i++) await catalog.commit([], [{ key: key(`deleted ${i}`), value: undefined }])
  })
}
async function expectOnlyKept() {
  expect((await readFile(path())).includes('marked content of the deleted')).toBe(false)
  expect((await readdir(dir)).filter((name) => name.includes('.old') || name.includes('.compact'))).toEqual([])
  await changed(async (catalog) => {
    const found = await catalog.range({ gte: key('a'), lt: key('z'), limit: 1000, reverse: false })
    expect(found).toHaveLength(50)
    expect(found.map(({ value }) => Buffer.from(value).toString()).sort()).toEqual(
      Array.from({ length: 50 }, (_, i) => `value ${i}`).sort(),
    )
    expect(await catalog.commit([{ key: found[0]!.key, version: found[0]!.version }], [])).toBe(true)
  })
}

test('what was deleted stands in the file until it is written anew', async () => {
  await filled()
  expect((await readFile(path())).includes('marked content of the deleted')).toBe(true)
  const { bytesBefore, bytesAfter } = await compactCatalog(dir)
  expect(bytesAfter).toBeLessThan(bytesBefore)
  await expectOnlyKept()
})

test('the old file is overwritten before it goes', async () => {
  await filled()
  const other = join(dir, 'another name')
  await link(path(), other)
  await compactCatalog(dir)
  expect((await readFile(other)).every((byte) => byte === 0)).toBe(true)
})

test.each([
  ['a copy that was not finished', async () => writeFile(`${path()}.tmp`, 'half').then(() => undefined)],
  ['the old file under its second name, before the new one took its place', () => link(path(), `${path()}.old`)],
  ['an old file that was not overwritten yet', () => writeFile(`${path()}.old`, 'marked content of the deleted')],
])('after a crash that left %s it is done all the same', async (_, leave) => {
  await filled()
  await leave()
  await compactCatalog(dir)
  await expectOnlyKept()
})
