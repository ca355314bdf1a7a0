import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeBase64, encodeBase64 } from './base64.ts'

test('encodes as Node.js does, and decodes what it encoded', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20_000 }), (bytes) => {
      const text = encodeBase64(bytes)
      expect(text).toBe(Buffer.from(bytes).toString('base64'))
      expect(decodeBase64(text)).toEqual(bytes)
    }),
  )
})

test.each([
  'A',
  'AA',
  'AAA',
  'AA=',
  'A===',
  '====',
  'AAAA=',
  'AB==',
  'AAB=',
  'AA==AA==',
  'AA==\n',
  ' AAAA',
  'AA A',
  'AAA-',
  'AA_A',
  'ÄAAA',
])('refuses %j', (text) => {
  expect(() => decodeBase64(text)).toThrow(expect.objectContaining({ code: 'MalformedEnvelope' }))
})

test('takes long fields', () => {
  const bytes = new Uint8Array(1_000_000).fill(7)
  expect(Buffer.compare(decodeBase64(encodeBase64(bytes)), bytes)).toBe(0)
})
