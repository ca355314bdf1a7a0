import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { describeCatalog } from './catalog.contract.ts'
import { LmdbCatalog } from './lmdb-catalog.ts'
import { MemoryCatalog } from './memory-catalog.ts'

describeCatalog('the catalog in memory', async () => ({ catalog: new MemoryCatalog(), end: async () => {} }))

describeCatalog('the catalog on LMDB', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'catalog-'))
  const catalog = await LmdbCatalog.open(dir)
  return {
    catalog,
    end: async () => {
      await catalog.close()
      await rm(dir, { recursive: true })
    },
  }
})

test('LMDB gives back after reopening what was committed', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'catalog-'))
  const key = Buffer.from('k')
  const first = await LmdbCatalog.open(dir)
  await first.commit([], [{ key, value: Buffer.from('v') }])
  await first.close()
  const second = await LmdbCatalog.open(dir)
  const [entry] = await second.getMany([key])
  expect(Buffer.from(entry!.value).toString()).toBe('v')
  await second.close()
  await rm(dir, { recursive: true })
})
