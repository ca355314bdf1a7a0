import { expect, test } from 'vitest'
import { inParallel } from './in-parallel.ts'

const turn = () => new Promise(setImmediate)

test.each(['sync', 'async'])('each item once, so many at a time (%s)', async (kind) => {
  const numbers = Array.from({ length: 50 }, (_, i) => i)
  const items =
    kind === 'sync'
      ? numbers
      : (async function* () {
          yield* numbers
        })()
  const done: number[] = []
  let running = 0
  let most = 0
  await inParallel(items, 4, async (item) => {
    most = Math.max(most, ++running)
    await turn()
    running--
    done.push(item)
  })
  expect(done.sort((a, b) => a - b)).toEqual(numbers)
  expect(most).toBe(4)
})

test('a failure ends it once what runs has ended, and nothing more begins', async () => {
  const begun: number[] = []
  const ended: number[] = []
  const all = inParallel([0, 1, 2, 3, 4, 5], 2, async (item) => {
    begun.push(item)
    if (item === 1) throw new Error('one')
    await turn()
    ended.push(item)
  })
  await expect(all).rejects.toThrow('one')
  expect([begun, ended]).toEqual([[0, 1], [0]])
})
