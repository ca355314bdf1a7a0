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
