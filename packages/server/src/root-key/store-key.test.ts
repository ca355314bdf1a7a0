/** What the versions of the store key seal and open. */
import { inspect } from 'node:util'
import { SealError } from '@strongroom/crypto'
import { deriveKey, MessageKey } from '@strongroom/crypto/node'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { StoreKey } from './store-key.ts'

const keyOf = (byte: number) => ({ version: byte, key: Buffer.alloc(32, byte).toString('base64') })
const bound = Buffer.from('bound to')
const text = Buffer.from('material')

test('the version that seals seals, each opens what it sealed, and one that is gone opens nothing', () => {
  const ring = new StoreKey({ sealing: 1, versions: [keyOf(1), keyOf(2)] })
  const key = ring.derive('use')
  const first = key.seal(text, bound)
  expect([key.isNewest(first), key.knows(first)]).toEqual([true, true])
  ring.update({ sealing: 2, versions: [keyOf(1), keyOf(2)] })
  const second = key.seal(text, bound)
  expect([key.isNewest(first), key.knows(first), key.isNewest(second)]).toEqual([false, true, true])
  for (const sealed of [first, second]) expect(Buffer.from(key.open(sealed, bound))).toEqual(text)
  ring.update({ sealing: 2, versions: [keyOf(2)] })
  expect(key.knows(first)).toBe(false)
  expect(() => key.open(first, bound)).toThrow(SealError)
  expect(Buffer.from(key.open(second, bound))).toEqual(text)
})

test('a message that names another version than its own does not open', () => {
  const key = new StoreKey({ sealing: 1, versions: [keyOf(1), keyOf(2)] }).derive('use')
  const sealed = Buffer.from(key.seal(text, bound))
  sealed.writeUInt32BE(2)
  expect(() => key.open(sealed, bound)).toThrow(SealError)
  for (const cut of [0, 3, 4, 20]) expect(() => key.open(sealed.subarray(0, cut), bound)).toThrow(SealError)
})

test('uses and associated data are kept apart', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.uint8Array(), fc.uint8Array(), (labelA, labelB, a, b) => {
      const ring = StoreKey.of(new Uint8Array(32))
      const sealed = ring.derive(labelA).seal(text, a)
      const opens = labelA === labelB && Buffer.compare(a, b) === 0
      const open = () => ring.derive(labelB).open(sealed, b)
      if (opens) expect(Buffer.from(open())).toEqual(text)
      else expect(open).toThrow(SealError)
    }),
  )
})

test('material is wrapped anew only where it must be, also what was wrapped before there were versions', () => {
  const ring = StoreKey.of(Buffer.alloc(32, 1))
  const key = ring.derive('use')
  const old = new MessageKey(deriveKey(Buffer.alloc(32, 1), 'strongroom root use')).seal(text, bound)
  const unmarked = Buffer.from(old).toString('base64')
  expect(Buffer.from(key.unwrap(unmarked, bound))).toEqual(text)
  const wrapped = key.wrap(text, bound)
  expect(key.rewrap(wrapped, bound)).toBe(wrapped)
  ring.update({ sealing: 2, versions: [keyOf(1), keyOf(2)] })
  const anew = [unmarked, wrapped].map((each) => key.rewrap(each, bound))
  ring.update({ sealing: 2, versions: [keyOf(2)] })
  for (const each of anew) {
    expect(Buffer.from(key.unwrap(each, bound))).toEqual(text)
    expect(key.rewrap(each, bound)).toBe(each)
  }
  for (const each of [unmarked, wrapped]) expect(() => key.unwrap(each, bound)).toThrow(SealError)
})

test('it prints as nothing', () => {
  const storeKey = StoreKey.of(Buffer.from('0123456789abcdef0123456789abcdef'))
  const shown = [JSON.stringify({ storeKey }), inspect({ storeKey, use: storeKey.derive('x') }, { depth: 9 })]
  for (const each of shown) expect(each).not.toMatch(/0123|MDEy/)
})
