import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const source = join(import.meta.dirname, '..')

test('every module that defines a kind of record is named', () => {
  const all = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) => /(?<!\.test)\.ts$/.test(file))
  const defining = all.filter((file) => / = defineRecord[<(]/.test(readFileSync(join(source, file), 'utf8')))
  expect(defining.length).toBeGreaterThan(10)
  const named = readFileSync(join(source, 'cli/record-kinds.ts'), 'utf8')
  expect(defining.filter((file) => !named.includes(`'../${file}'`))).toEqual([])
})
