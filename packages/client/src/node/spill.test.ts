import { existsSync, lstatSync, readdirSync, readlinkSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { patterned, same } from '../content/bodies.fixture.ts'
import { collect } from '../content/chunks.ts'
import { openSpillFile, spillInto } from './spill.ts'

const folders = () => readdirSync(tmpdir()).filter((name) => name.startsWith('strongroom-'))
/** Spill files that this process has open. What lists the folder is itself in it, and gone when it is looked at. */
const openFiles = () =>
  readdirSync('/proc/self/fd')
    .map((fd) => `/proc/self/fd/${fd}`)
    .filter((path) => lstatSync(path, { throwIfNoEntry: false }))
    .filter((path) => readlinkSync(path).includes('strongroom-')).length

test.each([0, 1, 2 ** 20 - 1, 2 ** 20, 2 ** 20 + 1, 5_000_000])('gives %d bytes back', async (size) => {
  const spill = await openSpillFile()
  const bytes = patterned(size)
  for (let at = 0; at < size; at += 300_000) {
    const chunk = bytes.slice(at, at + 300_000)
    await spill.write(chunk)
    chunk.fill(0)
  }
  expect(same(await collect(spill.read()), bytes)).toBe(true)
  await spill.close()
  await spill.close()
})

test('chunks of any size', async () => {
  const spill = await openSpillFile()
  const bytes = patterned(3_000_000)
  await spill.write(bytes)
  await spill.write(bytes.subarray(0, 1))
  await spill.write(bytes.subarray(0, 0))
  const back = await collect(spill.read())
  expect(back.length).toBe(3_000_001)
  expect(same(back.subarray(0, -1), bytes)).toBe(true)
  await spill.close()
})

test('has no name while it is open, and no file once it is closed', async () => {
  const before = folders()
  const spill = await openSpillFile()
  expect(folders().filter((name) => !before.includes(name))).toEqual([])
  await spill.close()
})

test.runIf(existsSync('/dev/full'))('says that the disk is full', async () => {
  const spill = spillInto(await open('/dev/full', 'r+'))
  await expect(
    (async () => {
      await spill.write(new Uint8Array(2 ** 20 + 1))
      await collect(spill.read())
    })(),
  ).rejects.toMatchObject({ code: 'ENOSPC' })
  await spill.close()
})

test.runIf(existsSync('/proc/self/fd'))('closed early, frees its file', async () => {
  const before = openFiles()
  const spill = await openSpillFile()
  await spill.write(patterned(3 * 2 ** 20))
  expect(openFiles()).toBe(before + 1)
  for await (const _ of spill.read()) break
  await spill.close()
  expect(openFiles()).toBe(before)
})
