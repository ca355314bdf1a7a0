import { concat, sameBytes } from '@strongroom/crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chunked, patterned, same } from './bodies.fixture.ts'
import { ChunkReader, chunksOf, collect } from './chunks.ts'

describe('ending early', () => {
  test('before the first chunk', async () => {
    const chunks = chunked(patterned(10))
    expect(await chunks.return()).toEqual({ done: true, value: undefined })
    expect(chunks.freed).toBe(true)
    expect(await collect(chunks)).toHaveLength(0)
  })

  test('while a chunk is awaited, more than once', async () => {
    let wake = () => {}
    let freed = 0
    async function* stalled(): AsyncGenerator<Uint8Array> {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
    const chunks = chunksOf(stalled(), () => {
      freed++
      wake()
    })
    const pending = chunks.next()
    await chunks.return()
    await chunks.return()
    expect(await pending).toEqual({ done: true, value: undefined })
    expect(freed).toBe(2)
  })

  test('by leaving a loop', async () => {
    const chunks = chunked(patterned(10), 1)
    for await (const _ of chunks) break
    expect(chunks.freed).toBe(true)
  })
})

test('a reader gives pieces of any size from chunks of any size', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 200 }),
      fc.integer({ min: 1, max: 40 }),
      fc.array(fc.nat({ max: 60 }), { maxLength: 20 }),
      async (bytes, size, takes) => {
        const reader = new ChunkReader(chunked(bytes, size))
        let at = 0
        for (const take of takes) {
          expect(same(await reader.take(take), bytes.subarray(at, at + take))).toBe(true)
          at = Math.min(bytes.length, at + take)
          expect(await reader.ended()).toBe(at === bytes.length)
        }
      },
    ),
  )
})

test('collect and concat keep the order', async () => {
  expect(await collect(chunked(patterned(1_000), 7))).toEqual(patterned(1_000))
  expect(concat([])).toHaveLength(0)
})

test.each([
  [[], [], true],
  [[1, 2], [1, 2], true],
  [[1, 2], [1, 3], false],
  [[0, 2], [1, 2], false],
  [[1], [1, 0], false],
])('%j and %j: same %s', (a, b, expected) => {
  expect(sameBytes(Uint8Array.from(a), Uint8Array.from(b))).toBe(expected)
})
