import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Cell } from './cell.ts'
import { type Block, cellKey, decodeBlock, decodeSeries, encodeBlock, encodeSeries } from './metric-codec.ts'
import { UNITS } from './metric-data.ts'
import { ByteReader, ByteWriter } from './packed-bytes.ts'

const plain = (block: Block) =>
  [...block].map(([key, { sampleCount, sum, minimum, maximum, distribution }]) => [
    key,
    { sampleCount, sum, minimum, maximum, buckets: distribution?.buckets },
  ])

describe('metrics as bytes', () => {
  test('numbers come back exactly', () => {
    const check = (value: number) => {
      const out = new ByteWriter()
      out.number(value)
      const input = new ByteReader(out.bytes())
      expect(input.number()).toBe(value)
      expect(input.ended).toBe(true)
    }
    for (const value of [0, -0, 1, 63, 64, 2 ** 52 - 1, 2 ** 52, 2 ** 53, -1, 0.5, 2 ** 360, -(2 ** 360), 5e-324])
      check(value)
    fc.assert(fc.property(fc.double({ noNaN: true }), check))
    fc.assert(fc.property(fc.maxSafeNat(), check))
  })

  test('a block comes back as it was, in order', () => {
    const values = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e100, max: 1e100 }), {
      minLength: 1,
      maxLength: 20,
    })
    const data = fc.oneof(
      values.map((all) => ({ values: all, counts: all.map(() => 1) })),
      fc.constantFrom(
        { sampleCount: 3, sum: 6, minimum: 1, maximum: 3 },
        { sampleCount: 2.5, sum: 5, minimum: 2, maximum: 2 },
      ),
    )
    const cells = fc.array(fc.tuple(fc.nat(59), fc.constantFrom(...UNITS), data), { maxLength: 10 })
    fc.assert(
      fc.property(cells, (all) => {
        const block: Block = new Map()
        for (const [place, unit, one] of all) block.set(cellKey(place, unit), Cell.of(one))
        const sorted = new Map([...block].sort(([a], [b]) => a - b))
        expect(plain(decodeBlock(encodeBlock(block)))).toEqual(plain(sorted))
      }),
    )
  })

  test('a minute of equal counts takes few bytes', () => {
    const block: Block = new Map([[cellKey(7, 'Count'), Cell.of({ values: [1], counts: [50] })]])
    // Version, place, unit, flags, count, sum, value.
    expect(Buffer.from(encodeBlock(block)).toString('hex')).toBe('01' + '07' + '0e' + '03' + '64' + '64' + '02')
  })

  test('what is no block is damaged', () => {
    const good = encodeBlock(new Map([[cellKey(0, 'None'), Cell.of({ values: [1, 2.5], counts: [1, 1] })]]))
    const cases: [string, Uint8Array][] = [
      ['nothing', new Uint8Array()],
      ['another version', Uint8Array.from([2, ...good.subarray(1)])],
      ['no such unit', Uint8Array.from([1, 0, 31, 3, 2, 2, 2])],
      ...Array.from({ length: good.length - 2 }, (_, i): [string, Uint8Array] => ['cut', good.subarray(0, i + 2)]),
    ]
    for (const [what, bytes] of cases)
      expect(() => decodeBlock(bytes), `${what} ${Buffer.from(bytes).toString('hex')}`).toThrow(
        expect.objectContaining({ code: 'Damaged' }),
      )
  })

  test('a series comes back, its time to the minute', () => {
    const metric = { namespace: 'AWS/S3', name: '4xxErrors', dimensions: [{ name: 'BucketName', value: 'ä-b' }] }
    const bytes = encodeSeries({ metric, activeMs: 1_000_000_030_000 })
    expect(decodeSeries(bytes)).toEqual({ metric, activeMs: 999_999_960_000 + 60_000 })
    expect(() => decodeSeries(bytes.subarray(0, bytes.length - 1))).toThrow(
      expect.objectContaining({ code: 'Damaged' }),
    )
    expect(() => decodeSeries(Uint8Array.from([9]))).toThrow(expect.objectContaining({ code: 'Damaged' }))
  })
})
