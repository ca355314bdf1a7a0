import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nodePlatform } from '../node/platform.ts'
import { chunked, hex, patterned, same } from './bodies.fixture.ts'
import { collect } from './chunks.ts'
import { counterBlock, decryptCtrRange, storedCtrRange } from './ctr-range.ts'
import { encryptGcmBody } from './gcm-body.ts'
import type { ByteRange, StoredPart } from './ranges.ts'

/** The associated data of V3 changes the tag and nothing else. */
const parameters = { key: patterned(32), iv: patterned(12), associatedData: hex('0073') }
const seal = (plaintext: Uint8Array) => collect(encryptGcmBody(nodePlatform, chunked(plaintext), parameters))

/** What a store answers. */
const answer = (body: Uint8Array, { start, endExclusive }: ByteRange): StoredPart => ({
  start,
  total: body.length,
  bytes: body.subarray(start, endExclusive),
})

describe('counter', () => {
  test.each([
    [0, '00000002'],
    [16, '00000003'],
    [2 ** 20, '00010002'],
    [2 ** 36 - 48, 'ffffffff'],
  ])('at %d', (offset, counter) => {
    expect(Buffer.from(counterBlock(new Uint8Array(12).fill(1), offset)).toString('hex')).toBe(
      '01'.repeat(12) + counter,
    )
  })
})

test.each([
  [0, 1, 0, 1],
  [15, 16, 0, 16],
  [16, 17, 16, 17],
  [31, 40, 16, 40],
  [100, Number.POSITIVE_INFINITY, 96, Number.POSITIVE_INFINITY],
])('plaintext %d to %d is in stored bytes %d to %d', (start, endExclusive, storedStart, storedEnd) => {
  expect(storedCtrRange({ start, endExclusive })).toEqual({ start: storedStart, endExclusive: storedEnd })
})

test('any range is the slice', async () => {
  const length = fc.oneof(fc.nat({ max: 80 }), fc.nat({ max: 70_000 }))
  await fc.assert(
    fc.asyncProperty(length, fc.nat(), fc.integer({ min: 1, max: 100_000 }), async (size, at, wanted) => {
      const plaintext = patterned(size)
      const body = await seal(plaintext)
      // Also where the range begins in the tag.
      const start = at % body.length
      for (const endExclusive of [start + wanted, Number.POSITIVE_INFINITY]) {
        const range = { start, endExclusive }
        const got = await decryptCtrRange(parameters, answer(body, storedCtrRange(range)), range)
        expect(same(got, plaintext.subarray(start, endExclusive))).toBe(true)
      }
    }),
  )
})

test.each([
  ['tag only', 20, { start: 20, endExclusive: 36 }, 0],
  ['end of the tag', 20, { start: 35, endExclusive: Number.POSITIVE_INFINITY }, 0],
  ['last byte and tag', 20, { start: 19, endExclusive: 30 }, 1],
  ['an empty body', 0, { start: 0, endExclusive: 10 }, 0],
])('%s', async (_, size, range, length) => {
  const body = await seal(patterned(size))
  expect(await decryptCtrRange(parameters, answer(body, storedCtrRange(range)), range)).toHaveLength(length)
})

test('a part that is no answer is refused', async () => {
  const range = { start: 20, endExclusive: 40 }
  const part = answer(await seal(patterned(100)), storedCtrRange(range))
  for (const other of [
    { ...part, start: 0 },
    { ...part, start: 20 },
    { ...part, bytes: part.bytes.subarray(1) },
    { ...part, bytes: new Uint8Array(0) },
    { ...part, total: 30 },
    { ...part, total: 15 },
  ]) {
    await expect(decryptCtrRange(parameters, other, range)).rejects.toMatchObject({ code: 'BodyNotAuthentic' })
  }
  const short = { start: 0, total: 15, bytes: new Uint8Array(15) }
  await expect(decryptCtrRange(parameters, short, { start: 0, endExclusive: 15 })).rejects.toMatchObject({
    code: 'BodyNotAuthentic',
  })
  await expect(decryptCtrRange(parameters, { ...part, total: 2 ** 36 - 15 }, range)).rejects.toMatchObject({
    code: 'BodyTooLarge',
  })
})
