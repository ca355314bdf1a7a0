import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeContext } from './index.ts'

/** The definition of format section 5, step by step. */
function plainly(pairs: Record<string, string>): Buffer {
  const fields = Object.entries(pairs)
    .map(([name, value]) => [Buffer.from(name), Buffer.from(value)] as const)
    .sort(([a], [b]) => Buffer.compare(a, b))
    .flat()
  const count = Buffer.alloc(4)
  count.writeUInt32BE(fields.length / 2)
  const written = fields.flatMap((field) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(field.length)
    return [length, field]
  })
  return Buffer.concat([count, ...written])
}

test.each([
  {},
  { '': '' },
  { b: '1', a: '2', aa: '3' },
  { '\uFF5E': 'after the surrogates in UTF-16', '\u{1F600}': 'before them', é: 'ü' },
])('%j', (pairs) => {
  expect(Buffer.from(encodeContext(pairs as Record<string, string>))).toEqual(plainly(pairs as Record<string, string>))
})

test('any map', () => {
  const text = fc.string({ unit: 'binary' })
  fc.assert(
    fc.property(fc.dictionary(text, text), (pairs) => {
      expect(Buffer.from(encodeContext(pairs)).equals(plainly(pairs))).toBe(true)
    }),
  )
})
