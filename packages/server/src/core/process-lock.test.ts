/** Locks by a file: one holder at a time, whatever a killed process has left. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { link, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { takeProcessLock } from './process-lock.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lock-'))
})
afterEach(() => rm(dir, { recursive: true }))

const path = () => join(dir, 'x.lock')
/** No process has this id. */
const DEAD = '4194305 1\n'

/** Many at once; what gives back the lock of each that got it. */
async function takers(count = 30) {
  const all = await Promise.all(Array.from({ length: count }, () => takeProcessLock(path())))
  for (const one of all) if (typeof one !== 'function') expect(one).toEqual({ heldBy: process.pid })
  return all.filter((one) => typeof one === 'function')
}

const LEFT: Record<string, () => Promise<void>> = {
  async nothing() {},
  'a dead process’s': () => writeFile(path(), DEAD),
  'that of an earlier process with this id': () => writeFile(path(), `${process.pid} 1\n`),
  'an empty one': () => writeFile(path(), ''),
  'one that names no process': () => writeFile(path(), 'x'),
  async 'one whose breaking was cut off'() {
    await writeFile(path(), DEAD)
    await link(path(), `${path()}.break.tmp`)
  },
}
test.each(Object.keys(LEFT))('with %s there, one of many gets it, and leaves nothing', async (name) => {
  await LEFT[name]!()
  for (let round = 0; round < 10; round++) {
    const got = await takers()
    expect(got).toHaveLength(1)
    expect(await readFile(path(), 'utf8')).toMatch(new RegExp(`^${process.pid} \\w+\n$`))
    expect(await takeProcessLock(path())).toEqual({ heldBy: process.pid })
    expect(await readdir(dir)).toEqual(['x.lock'])
    await got[0]!()
    expect(await readdir(dir)).toEqual([])
    await LEFT[name]!()
  }
})

test('it is never there without its holder’s name', async () => {
  let done = false
  const seen = new Set<string>()
  const looking = (async () => {
    while (!done) seen.add(await readFile(path(), 'utf8').catch(() => 'absent'))
  })()
  for (let i = 0; i < 200; i++) await ((await takeProcessLock(path())) as () => Promise<void>)()
  done = true
  await looking
  expect([...seen]).not.toContain('')
})

test.skipIf(!existsSync('/proc/self/stat'))(
  'a holder that has ended and that nobody has asked how keeps nobody out',
  async () => {
    // The shell becomes a program that never asks.
    const parent = spawn('sh', ['-c', 'true & exec sleep 60'])
    try {
      const children = `/proc/${parent.pid}/task/${parent.pid}/children`
      await expect.poll(async () => (await readFile(children, 'utf8')).trim()).not.toBe('')
      const pid = (await readFile(children, 'utf8')).trim()
      const fields = async () => (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]!.split(' ')
      await expect.poll(async () => (await fields())[0]).toBe('Z')
      await writeFile(path(), `${pid} ${(await fields())[19]}\n`)
      const giveBack = await takeProcessLock(path())
      expect(giveBack).toBeTypeOf('function')
    } finally {
      parent.kill()
    }
  },
)
