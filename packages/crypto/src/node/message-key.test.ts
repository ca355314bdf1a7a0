import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeContext, SealError } from '../index.ts'
import { generateDataKey, MessageKey, unwrapKey, wrapKey } from './index.ts'

/** Known answers of c2sp.org/XAES-256-GCM, as nonce, ciphertext and tag. */
const nonce = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWX')
test.each([
  [0x01, '', 'ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271'],
  [0x03, 'c2sp.org/XAES-256-GCM', '986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d'],
])('XAES-256-GCM known answer, key of %d', (byte, aad, answer) => {
  const key = new MessageKey(new Uint8Array(32).fill(byte))
  const sealed = Buffer.concat([nonce, Buffer.from(answer, 'hex')])
  expect(Buffer.from(key.open(sealed, Buffer.from(aad))).toString()).toBe('XAES-256-GCM')
})

test('a message opens under its own key and associated data only', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.uint8Array({ maxLength: 20 }), fc.nat(), (plaintext, aad, at) => {
      const key = new MessageKey(generateDataKey().bytes())
      const sealed = key.seal(plaintext, aad)
      expect([...key.open(sealed, aad)]).toEqual([...plaintext])
      const flipped = Uint8Array.from(sealed)
      flipped[at % sealed.length]! ^= 1
      expect(() => key.open(flipped, aad)).toThrow(SealError)
      expect(() => key.open(sealed, Buffer.concat([aad, new Uint8Array(1)]))).toThrow(SealError)
      expect(() => key.open(sealed.subarray(0, -1), aad)).toThrow(SealError)
      expect(() => new MessageKey(generateDataKey().bytes()).open(sealed, aad)).toThrow(SealError)
    }),
  )
})

test('a wrapped key comes back in its context only', () => {
  const wrapping = new MessageKey(generateDataKey().bytes())
  const dataKey = generateDataKey()
  const wrapped = wrapKey(wrapping, dataKey, encodeContext({ bucket: 'b', key: 'k' }))
  expect([...unwrapKey(wrapping, wrapped, encodeContext({ key: 'k', bucket: 'b' })).bytes()]).toEqual([
    ...dataKey.bytes(),
  ])
  expect(() => unwrapKey(wrapping, wrapped, encodeContext({ bucket: 'bk', key: '' }))).toThrow(SealError)
})

test('no two contexts share an encoding', () => {
  const map = fc.dictionary(fc.string({ maxLength: 4 }), fc.string({ maxLength: 4 }), { maxKeys: 3 })
  fc.assert(
    fc.property(map, map, (a, b) => {
      const same = Buffer.compare(encodeContext(a), encodeContext(b)) === 0
      const sorted = (m: Record<string, string>) =>
        JSON.stringify(Object.entries(m).sort(([x], [y]) => (x < y ? -1 : 1)))
      expect(same).toBe(sorted(a) === sorted(b))
    }),
  )
})
