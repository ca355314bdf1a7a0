import { expect, test } from 'vitest'
import { parseRange } from './byte-range.ts'

test.each([
  ['bytes=0-0', 10, [0, 1]],
  ['bytes=2-5', 10, [2, 6]],
  ['bytes=2-', 10, [2, 10]],
  ['bytes=-3', 10, [7, 10]],
  ['bytes=-30', 10, [0, 10]],
  ['bytes=2-50', 10, [2, 10]],
  ['bytes=10-', 10, undefined],
  ['bytes=10-20', 10, undefined],
  ['bytes=-0', 10, undefined],
  ['bytes=0-0', 0, undefined],
] as const)('%s of %i bytes', (text, total, range) => {
  const parsed = parseRange(text, total)
  expect(parsed && [parsed.start, parsed.endExclusive]).toEqual(range)
})

test.each(['bytes=', 'bytes=-', 'bytes=5-2', 'bytes=0-1,3-4', 'items=0-1', 'bytes=a-b', ''])('refuses %s', (text) => {
  expect(() => parseRange(text, 10)).toThrow(expect.objectContaining({ code: 'UnsupportedParameter' }))
})
