import { expect, test } from 'vitest'
import { Input } from './input.ts'

const json = (members: Record<string, unknown>) => new Input(members, 'ValidationException')
const form = (members: Record<string, unknown>) => new Input(members, 'ValidationError', true)

test.each<[string, Input, number]>([
  ['seconds, in JSON', json({ At: 1_700_000_000.123 }), 1_700_000_000_123],
  ['a time, in CBOR', json({ At: new Date(1_700_000_000_123) }), 1_700_000_000_123],
  ['ISO 8601, in a form', form({ At: '2023-11-14T22:13:20.123Z' }), 1_700_000_000_123],
  ['with an offset', form({ At: '2023-11-14T23:13:20+01:00' }), 1_700_000_000_000],
  ['a day', form({ At: '2023-11-14' }), 1_699_920_000_000],
])('a time: %s', (_what, input, ms) => {
  expect(input.optionalTimestamp('At')).toBe(ms)
})

test.each<[string, Input]>([
  ['a text in JSON', json({ At: '2023-11-14T22:13:20Z' })],
  ['a date that is none', json({ At: new Date(Number.NaN) })],
  ['a month that is none', form({ At: '2023-13-14T22:13:20Z' })],
  ['a time after the last', json({ At: 1e300 })],
  ['any words', form({ At: 'yesterday' })],
])('no time: %s', (_what, input) => {
  expect(() => input.optionalTimestamp('At')).toThrow('not of type Timestamp')
})

test.each<[string, Input, number]>([
  ['a number', json({ N: 1.5 }), 1.5],
  ['its text in a form', form({ N: '-1.5E+3' }), -1500],
  ['NaN as JSON writes it', json({ N: 'NaN' }), Number.NaN],
  ['infinity in a form', form({ N: '-Infinity' }), Number.NEGATIVE_INFINITY],
])('a double: %s', (_what, input, value) => {
  expect(input.anyDouble('N')).toBe(value)
})

test.each<[string, Input]>([
  ['a text in JSON', json({ N: '1.5' })],
  ['a hexadecimal one', form({ N: '0x10' })],
  ['nothing', form({ N: '' })],
  ['a time', json({ N: new Date() })],
])('no double: %s', (_what, input) => {
  expect(() => input.anyDouble('N')).toThrow('not of type Double')
})

test('bytes come as such or in base64; times and bytes are no structures', () => {
  expect(json({ B: new Uint8Array([1, 2]) }).blob('B', 9)).toEqual(new Uint8Array([1, 2]))
  expect([...json({ B: 'AQI=' }).blob('B', 9)]).toEqual([1, 2])
  expect(() => json({ B: new Uint8Array(10) }).blob('B', 9)).toThrow('less than or equal to 9')
  for (const value of [new Date(), new Uint8Array(1), null, 'x', []]) {
    expect(() => json({ List: [value] }).structures('List')).toThrow('not of type Structure')
  }
})

test('flags that are not given are as the operation says', () => {
  expect(json({}).flagOr('F', true)).toBe(true)
  expect(form({ F: 'false' }).flagOr('F', true)).toBe(false)
  expect(json({ F: true }).flagOr('F', false)).toBe(true)
})
