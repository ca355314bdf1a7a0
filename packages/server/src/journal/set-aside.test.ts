/** A damaged journal that is set aside: kept as it is, and gone on with after it. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { entry, JournalFixture, NAME, textOf } from './journal.fixture.ts'
import { JournalReader } from './journal-reader.ts'
import { setAside } from './set-aside.ts'

let journal: JournalFixture
beforeEach(async () => {
  journal = await JournalFixture.make()
})
afterEach(() => journal.remove())

const aside = () => setAside({ dir: journal.dir, name: NAME, records: journal.records, clock: journal.clock })

test('it begins anew after its last segment, and what there was can be read as far as it could be', async () => {
  await journal.write(2, 3)
  await journal.change((bytes) => {
    bytes[bytes.length - 1]! ^= 1
    return bytes
  }, 2)
  await expect(journal.writer()).rejects.toMatchObject({ code: 'Damaged' })
  const name = await aside()

  const writer = await journal.writer()
  expect(writer.end).toEqual({ segment: 3, offset: 0 })
  await writer.append([entry(9)])
  await writer.close()
  expect(await journal.texts()).toEqual(['entry 9'])
  expect(await journal.problems()).toEqual([])
  // Whoever was in the midst of it goes on with what there is.
  const later: string[] = []
  for await (const { entries } of journal.reader().frames({ segment: 2, offset: 10 }))
    later.push(...entries.map(textOf))
  expect(later).toEqual(['entry 9'])

  const kept = new JournalReader({ dir: join(journal.dir, '..', name), name, records: journal.records })
  const found: string[] = []
  await expect(
    (async () => {
      for await (const { entries } of kept.frames()) found.push(...entries.map(textOf))
    })(),
  ).rejects.toMatchObject({ code: 'Damaged' })
  expect(found.slice(0, 2)).toEqual(['entry 1', 'entry 2'])
  const problems: string[] = []
  await kept.verify((problem) => problems.push(problem))
  expect(problems.length).toBeGreaterThan(0)
  expect(problems.every((problem) => problem.includes('0000000002.log'))).toBe(true)
})

test('also where files are missing, or there is nothing', async () => {
  await journal.write(1)
  await rm(journal.path(1))
  await aside()
  await (await journal.writer()).close()
  expect(await journal.problems()).toEqual([])
})
