import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Cell } from './cell.ts'
import {
  type Block,
  cellKey,
  decodeBlock,
  decodeCell,
  decodeSeries,
  encodeBlock,
  encodeCell,
  encodeSeries,
} from './metric-codec.ts'
import { UNITS } from './metric-data.ts'
import { ByteReader, ByteWriter } from './packed-bytes.ts'

const plain = ({ sampleCount, sum, minimum, maximum, distribution }: Cell) => ({
  ...{ sampleCount, sum, minimum, maximum, buckets: distribution?.buckets },
})
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

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
        const written = new Map(all.map(([place, unit, one]) => [cellKey(place, unit), Cell.of(one)]))
        const block: Block = new Map([...written].map(([key, cell]) => [key, encodeCell(cell)]))
        const read = [...decodeBlock(encodeBlock(block))].map(([key, bytes]) => [key, plain(decodeCell(bytes))])
        expect(read).toEqual([...written].sort(([a], [b]) => a - b).map(([key, cell]) => [key, plain(cell)]))
      }),
    )
  })

  test('bytes are as docs/formats/metrics.md has them', () => {
    const equal = encodeCell(Cell.of({ values: [1], counts: [50] }))
    // Flags, count, sum, value.
    expect(hex(equal)).toBe('03' + '64' + '64' + '02')
    const two = encodeCell(Cell.of({ values: [0, 1], counts: [1, 2] }))
    // Flags, count, sum, minimum, maximum, the bucket 0 once, the bucket 40000 twice.
    expect(hex(two)).toBe('02' + '06' + '04' + '00' + '02' + '00' + '02' + '80f104' + '04')
    const set = encodeCell(Cell.of({ sampleCount: 2, sum: -1, minimum: -1.5, maximum: 0.5 }))
    expect(hex(set)).toBe('00' + '04' + '01000000000000f0bf' + '01000000000000f8bf' + '01000000000000e03f')
    const block: Block = new Map([
      [cellKey(7, 'Count'), equal],
      [cellKey(7, 'Seconds'), two],
    ])
    // Version; place, unit, length and bytes of each cell.
    expect(hex(encodeBlock(block))).toBe(`01${'07' + '00' + '0b'}${hex(two)}${'07' + '0e' + '04'}${hex(equal)}`)
  })

  test('what is no block or cell is damaged', () => {
    const cell = encodeCell(Cell.of({ values: [1, 2.5], counts: [1, 1] }))
    const block = encodeBlock(new Map([[cellKey(0, 'None'), cell]]))
    const damaged = expect.objectContaining({ code: 'Damaged' })
    const blocks: [string, Uint8Array][] = [
      ['nothing', new Uint8Array()],
      ['another version', Uint8Array.from([2, ...block.subarray(1)])],
      ['no such unit', Uint8Array.from([1, 0, 31, 0])],
      ['no such place', Uint8Array.from([1, 60, 0, 0])],
      ...Array.from({ length: block.length - 2 }, (_, i): [string, Uint8Array] => ['cut', block.subarray(0, i + 2)]),
    ]
    for (const [what, bytes] of blocks) expect(() => decodeBlock(bytes), `${what} ${hex(bytes)}`).toThrow(damaged)
    const cells: [string, Uint8Array][] = [
      ['nothing', new Uint8Array()],
      ['no such flags', Uint8Array.from([4, ...cell.subarray(1)])],
      ['cut in a bucket', cell.subarray(0, cell.length - 1)],
      ['cut in the sums', cell.subarray(0, 5)],
      ['too long', Uint8Array.from([3, 2, 2, 2, 0])],
      ['too large a number', Uint8Array.from([3, ...Array(12).fill(255), 2, 2])],
    ]
    for (const [what, bytes] of cells) expect(() => decodeCell(bytes), `${what} ${hex(bytes)}`).toThrow(damaged)
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
