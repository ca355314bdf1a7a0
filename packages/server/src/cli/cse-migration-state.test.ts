import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { MigrationState } from './cse-migration-state.ts'
import { UsageError } from './exit.ts'

const name = { endpoint: 'https://s3.example.com', target: 's3://b/' }
let dir: string
let path: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'strongroom-state-'))
  path = join(dir, 'state')
})
afterEach(() => rm(dir, { recursive: true }))

const open = () => MigrationState.open(path, name)

test('the mark stays before what is under way, whatever is done behind it', async () => {
  const state = await open()
  for (const key of ['a', 'b', 'c', 'd']) state.begun(key)
  await state.ended('c', true)
  await state.ended('a', false)
  await state.save()
  // What failed behind the mark is met again anyway.
  expect(await open()).toMatchObject({ after: 'a', failedBefore: [] })
  await state.ended('b', false)
  await state.save()
  expect(await open()).toMatchObject({ after: 'c', failedBefore: ['c'] })
})

test('what failed is tried again, and the file goes once nothing did', async () => {
  const first = await open()
  for (const key of ['a', 'b']) first.begun(key)
  await first.ended('a', true)
  await first.ended('b', false)
  await first.finish()
  const second = await open()
  expect(second).toMatchObject({ after: 'b', failedBefore: ['a'] })
  await second.ended('a', false)
  await second.finish()
  expect(await readdir(dir)).toEqual([])
  expect(await open()).toMatchObject({ after: undefined, failedBefore: [] })
})

test('the file of another migration, or of something else, is refused', async () => {
  const state = await open()
  await state.save()
  await expect(MigrationState.open(path, { ...name, target: 's3://c/' })).rejects.toThrow(UsageError)
  await expect(MigrationState.open(path, { ...name, endpoint: 'https://elsewhere' })).rejects.toThrow(UsageError)
  for (const text of ['letter', '{}', '{"version":2,"failed":[]}']) {
    await writeFile(path, text)
    await expect(open()).rejects.toThrow(UsageError)
  }
})

test('without a path nothing is written', async () => {
  const state = await MigrationState.open(undefined, name)
  state.begun('a')
  await state.ended('a', true)
  await state.finish()
  expect(await readdir(dir)).toEqual([])
})
