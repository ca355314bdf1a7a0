import { expect, test } from 'vitest'
import { Double, readCbor, writeCbor } from './cbor.ts'

const hex = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const written = (value: unknown) => Buffer.from(writeCbor(value)).toString('hex')

test.each([
  ['integers', 'a1 61 61 19 0400', { a: 1024 }],
  ['a negative integer', '20', -1],
  ['floats of 16, 32 and 64 bits', '83 f93c00 fa3fc00000 fb3ff8000000000000', [1, 1.5, 1.5]],
  ['what is no number', '82 f97e00 f97c00', [Number.NaN, Number.POSITIVE_INFINITY]],
  ['bytes', '42 0102', new Uint8Array([1, 2])],
  ['null and undefined', '82 f6 f7', [null, null]],
  ['a time of whole seconds', 'c1 1a 6553f100', new Date(1_700_000_000_000)],
  ['a time to the millisecond', 'c1 fb 41d954fc4007ef9e', new Date(1_700_000_000_124)],
  ['maps and lists of indefinite length', 'bf 61 61 9f 01 02 ff ff', { a: [1, 2] }],
  ['an empty list of indefinite length in a list', '82 9f ff 01', [[], 1]],
  ['a key that is special elsewhere', 'a1 69 5f5f70726f746f5f5f 01', JSON.parse('{"__proto__":1}')],
  ['wide lists, not deep', `9820${'8101'.repeat(32)}`, Array(32).fill([1])],
])('reads %s', (_what, bytes, value) => {
  expect(readCbor(hex(bytes))).toEqual(value)
})

test.each([
  ['nothing', ''],
  ['a map that ends early', 'a2 61 61 01'],
  ['more than one value', '01 02'],
  ['a key twice', 'a2 61 61 01 61 61 02'],
  ['a key that is no text', 'a1 01 02'],
  ['deep nesting', '81'.repeat(100_000)],
  ['deep nesting of indefinite length', '9f'.repeat(100_000)],
  ['deep tags', 'c1'.repeat(100_000)],
  ['an integer beyond what a number holds', '1b ffffffffffffffff'],
  ['another tag', 'c2 41 01'],
  ['a time that is none', 'c1 61 61'],
  ['a break where nothing is open', 'ff'],
  ['a list that claims to be huge', '9b 001fffffffffffff 01'],
])('refuses %s', (_what, bytes) => {
  expect(() => readCbor(hex(bytes))).toThrow()
})

test('writes times as tag 1 with a float, doubles as floats, integers short, and leaves out what is undefined', () => {
  expect(written(new Date(1_700_000_000_124))).toBe('c1fb41d954fc4007ef9e')
  expect(written({ b: new Double(1), a: 1, c: undefined })).toBe('a26162fb3ff0000000000000616101')
  expect(written([true, null, 'é'])).toBe('83f5f662c3a9')
})
