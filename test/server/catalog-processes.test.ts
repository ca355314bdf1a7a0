/** One catalog under several processes at once: no commit is lost, and none passes a check that no longer holds. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { root } from '../support/server.ts'

const PROCESSES = 3
const WRITERS = 4
const STEPS = 40

/** Each writer adds 1 to the shared counter STEPS times, by reading it and committing on what was read. */
const program = `
  import { LmdbCatalog } from ${JSON.stringify(join(root, 'packages/server/dist/storage/lmdb-catalog.js'))}
  const catalog = await LmdbCatalog.open(process.argv[1])
  const key = Buffer.from('counter')
  const count = async () => {
    for (let done = 0; done < ${STEPS}; ) {
      const [entry] = await catalog.getMany([key])
      const next = Buffer.from(String(Number(Buffer.from(entry?.value ?? '0').toString()) + 1))
      if (await catalog.commit([{ key, version: entry?.version }], [{ key, value: next }])) done++
    }
  }
  await Promise.all(Array.from({ length: ${WRITERS} }, count))
  const [entry] = await catalog.getMany([key])
  console.log(Buffer.from(entry.value).toString())
  await catalog.close()
`

test('counters that several processes raise lose nothing', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'catalog-'))
  const args = ['--input-type=module', '-e', program, dir]
  const seen = await Promise.all(
    Array.from({ length: PROCESSES }, () =>
      promisify(execFile)(process.execPath, args).then(({ stdout }) => Number(stdout)),
    ),
  )
  // Each sees at least what itself has done, and the last one to end sees all.
  expect(Math.min(...seen)).toBeGreaterThanOrEqual(WRITERS * STEPS)
  expect(Math.max(...seen)).toBe(PROCESSES * WRITERS * STEPS)
  await rm(dir, { recursive: true })
})
