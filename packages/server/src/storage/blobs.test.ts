import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { BlobStore } from './blobs.ts'
import { FileBlobStore } from './file-blobs.ts'
import { MemoryBlobStore } from './memory-blobs.ts'

const makers: Record<string, (dir: string) => Promise<BlobStore>> = {
  memory: async () => new MemoryBlobStore(),
  files: (dir) => FileBlobStore.open(dir),
}

describe.each(Object.entries(makers))('blobs in %s', (_, make) => {
  let dir: string
  let blobs: BlobStore
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'blobs-'))
    blobs = await make(dir)
  })
  afterEach(async () => {
    await blobs.close()
    await rm(dir, { recursive: true })
  })
  const all = async () => {
    const ids: string[] = []
    for await (const { id } of blobs.list()) ids.push(id)
    return ids
  }

  test('a kept blob is read back in any range, a discarded one is not there', async () => {
    const staged = await blobs.stage()
    await staged.write([Buffer.from('ab'), Buffer.from('cd')])
    await staged.write([Buffer.from('ef')])
    expect(await blobs.open(staged.id)).toBeUndefined()
    await staged.keep()
    const gone = await blobs.stage()
    await gone.write([Buffer.from('x')])
    await gone.discard()

    const reader = (await blobs.open(staged.id))!
    expect(reader.size).toBe(6)
    expect(Buffer.from(await reader.read(1, 3)).toString()).toBe('bcd')
    expect(Buffer.from(await reader.read(4, 100)).toString()).toBe('ef')
    expect(await blobs.open(gone.id)).toBeUndefined()
    expect(await all()).toEqual([staged.id])
    await blobs.delete(staged.id)
    expect(Buffer.from(await reader.read(0, 2)).toString()).toBe('ab')
    await reader.close()
    await blobs.delete(staged.id)
    expect(await all()).toEqual([])
  })

  test('a copy has the id of what it is a copy of', async () => {
    const id = 'ab'.repeat(16)
    const staged = await blobs.stage(id)
    await staged.keep()
    expect([staged.id, await all()]).toEqual([id, [id]])
  })

  test('the blobs are held until the last hold is released', async () => {
    expect(await blobs.isHeld()).toBe(false)
    const [first, second] = [await blobs.hold(), await blobs.hold()]
    await first.release()
    expect(await blobs.isHeld()).toBe(true)
    await second.release()
    expect(await blobs.isHeld()).toBe(false)
  })
})

test('what a killed writer left half staged is cleared', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'blobs-'))
  const blobs = await FileBlobStore.open(dir)
  const staged = await blobs.stage()
  await staged.write([Buffer.from('half')])
  expect(await blobs.clearStaging()).toBe(1)
  expect(await readdir(join(dir, 'staging'))).toEqual([])
  await staged.discard()
  await rm(dir, { recursive: true })
})

test('a hold is seen by other stores of the folder, and not once its process has left it alone for long', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'blobs-'))
  let aheadMs = 0
  const other = await FileBlobStore.open(dir, { nowMs: () => Date.now() + aheadMs })
  const hold = await (await FileBlobStore.open(dir)).hold()
  aheadMs = 60_000
  expect(await other.isHeld()).toBe(true)
  aheadMs = 180_000
  expect(await other.isHeld()).toBe(false)
  expect(await readdir(join(dir, 'holds'))).toEqual([])
  await hold.release()
  await rm(dir, { recursive: true })
})
