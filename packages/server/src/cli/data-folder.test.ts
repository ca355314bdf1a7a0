/** Whose the files of a data folder are; the lock on the catalog's file: backups and what replaces the file keep each other out. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { LmdbCatalog } from '../storage/lmdb-catalog.ts'
import { backupCommand } from './backup.ts'
import { dataFolder, filesBeside, lockCatalog } from './data-folder.ts'
import { ConfigurationError } from './exit.ts'
import { shredCommand } from './shred.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'data-folder-'))
  await mkdir(data())
  await (await LmdbCatalog.open(folder().catalogDir)).close()
})
afterEach(() => rm(dir, { recursive: true }))

const data = () => join(dir, 'data')
const folder = () => dataFolder(data())

test('journals are files of the server, and what stands beside them is told', async () => {
  await mkdir(folder().auditDir)
  await writeFile(join(data(), 'mine'), '')
  expect((await filesBeside(folder(), join(data(), 'secrets'))).unknown).toEqual(['mine'])
})

test('a backup and keys shred are refused while another process has the catalog, and then go on', async () => {
  const unlock = await lockCatalog(folder())
  const message = expect.objectContaining({ message: expect.stringContaining(`process id ${process.pid}`) })
  for (const run of [
    () => backupCommand(join(dir, 'backup'), { data: data() }),
    () => shredCommand({ data: data() }),
  ]) {
    const refused = await run().catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(ConfigurationError)
    expect(refused).toEqual(message)
  }
  expect(await readdir(dir)).toEqual(['data'])
  expect((await readdir(data())).filter((name) => name.endsWith('.lock'))).toEqual(['catalog.lock'])
  expect((await filesBeside(folder(), join(data(), 'secrets'))).unknown).toEqual([])
  await unlock()
  expect(await backupCommand(join(dir, 'backup'), { data: data() })).toBe(0)
  expect((await readdir(data())).filter((name) => name.endsWith('.lock'))).toEqual([])
})
