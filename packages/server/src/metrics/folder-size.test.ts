import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { FolderSize, spaceOf } from './folder-size.ts'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'folder-size-'))
})
afterAll(() => rm(dir, { recursive: true }))

test('the space of all files below; nothing for a folder that is not there', async () => {
  const empty = await spaceOf(dir)
  await mkdir(join(dir, 'a/b'), { recursive: true })
  await writeFile(join(dir, 'a/one'), Buffer.alloc(1_000_000, 1))
  await writeFile(join(dir, 'a/b/two'), Buffer.alloc(500_000, 1))
  expect(empty).toBe(0)
  // Whole blocks of the file system.
  const space = await spaceOf(dir)
  expect(space).toBeGreaterThanOrEqual(1_500_000)
  expect(space).toBeLessThan(1_700_000)
  expect(await spaceOf(join(dir, 'nowhere'))).toBe(0)

  const size = new FolderSize(dir)
  expect(size.bytes).toBeUndefined()
  size.start()
  await vi.waitFor(() => expect(size.bytes).toBe(space))
  await size.stop()
})
