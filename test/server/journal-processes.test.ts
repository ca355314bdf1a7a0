/** A journal that one process writes while others read it: they see all of it, in order, and nothing twice; in little memory. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { root } from '../support/server.ts'

const ENTRIES = 20_000
const READERS = 2

const dist = (file: string) => JSON.stringify(join(root, 'packages/server/dist', file))
const common = `
  import { LmdbCatalog } from ${dist('storage/lmdb-catalog.js')}
  import { RecordStore } from ${dist('records/record-store.js')}
  import { StoreKey } from ${dist('root-key/store-key.js')}
  import { JournalWriter } from ${dist('journal/journal-writer.js')}
  import { JournalReader } from ${dist('journal/journal-reader.js')}
  const [, dir] = process.argv
  const catalog = await LmdbCatalog.open(dir + '/catalog')
  const records = new RecordStore(catalog, StoreKey.of(new Uint8Array(32)).derive('records'))
  const place = { dir: dir + '/audit/data', name: 'data', records }
`

/** Small segments, so that readers come by many ends; groups of one to forty entries. Half of them wait for the readers. */
const writer = `${common}
  import { readdir } from 'node:fs/promises'
  const writer = await JournalWriter.open({ ...place, clock: { nowMs: () => Date.now() }, segmentBytes: 20_000 })
  for (let next = 0; next < ${ENTRIES}; ) {
    const group = []
    for (let i = 0; i <= next % 40 && next < ${ENTRIES}; i++) group.push({ atMs: next, bytes: Buffer.from(String(next++)) })
    await writer.append(group)
    while (next >= ${ENTRIES / 2} && (await readdir(dir)).filter((name) => name.startsWith('ready')).length < ${READERS}) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  await writer.close()
  await catalog.close()
`

const reader = `${common}
  import { writeFile } from 'node:fs/promises'
  const reader = new JournalReader(place)
  let next = 0
  let from
  let passes = 0
  while (next < ${ENTRIES}) {
    for await (const frame of reader.frames(from)) {
      for (const { bytes } of frame.entries) {
        if (Buffer.from(bytes).toString() !== String(next)) throw new Error('not ' + next + ' but ' + Buffer.from(bytes))
        next++
      }
      from = frame.next
    }
    passes++
    await writeFile(dir + '/ready.' + process.pid, '')
    if (passes % 5 === 0) await reader.verify((problem) => { throw new Error(problem) })
    for await (const frame of reader.backwards()) {
      if (frame.header.sequence < 1) throw new Error('no such frame')
      break
    }
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  console.log(passes)
  await catalog.close()
`

test('readers beside a writer get every entry once, in order', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'journal-'))
  const start = (program: string) =>
    promisify(execFile)(process.execPath, ['--input-type=module', '-e', program, dir]).then(({ stdout }) => stdout)
  const [, ...passes] = await Promise.all([start(writer), ...Array.from({ length: READERS }, () => start(reader))])
  expect(Math.min(...passes.map(Number))).toBeGreaterThan(1)
  await rm(dir, { recursive: true })
})

/** Of 1.2 KB each, as records of events are. */
const large = `${common}
  const writer = await JournalWriter.open({ ...place, clock: { nowMs: () => Date.now() } })
  const group = Array.from({ length: 1000 }, (_, i) => ({ atMs: i, bytes: Buffer.alloc(1200, i) }))
  for (let i = 0; i < 100; i++) await writer.append(group)
  await writer.close()
  const reader = new JournalReader(place)
  const readAll = async (frames) => {
    let entries = 0
    let mostBytes = 0
    for await (const frame of frames) {
      entries += frame.entries.length
      mostBytes = Math.max(mostBytes, process.memoryUsage.rss())
    }
    if (entries !== 100_000) throw new Error(entries + ' entries')
    return mostBytes
  }
  await readAll(reader.frames())
  const before = process.memoryUsage.rss()
  const most = Math.max(await readAll(reader.frames()), await readAll(reader.backwards()))
  console.log(most - before)
  await catalog.close()
`

test('reading keeps a few frames in memory, however many there are', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'journal-'))
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', large, dir])
  // What was read has 240 MB.
  expect(Number(stdout)).toBeLessThan(48 * 1024 * 1024)
  await rm(dir, { recursive: true })
})
