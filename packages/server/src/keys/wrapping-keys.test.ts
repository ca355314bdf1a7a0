/** Wraps that material comes in: known answers, every algorithm, and what does not open. */
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import type { EncodedPair } from './asymmetric-material.ts'
import { wrapAes, wrapMaterial } from './wrap-material.fixture.ts'
import {
  makeWrappingKey,
  unwrapAes,
  unwrapMaterial,
  WRAPPING_ALGORITHMS,
  type WrappingAlgorithm,
} from './wrapping-keys.ts'

const hex = (text: string) => Buffer.from(text, 'hex')
const KEK = hex('5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8')

test.each([
  ['c37b7e6492584340bed12207808941155068f738', '138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a'],
  ['466f7250617369', 'afbeb0f07dfbf5419200f2ccb50bb24f'],
])('AES key wrap with padding, RFC 5649 section 6: %s', (plaintext, wrapped) => {
  expect(Buffer.from(unwrapAes(KEK, hex(wrapped))).toString('hex')).toBe(plaintext)
  expect(Buffer.from(wrapAes(KEK, hex(plaintext))).toString('hex')).toBe(wrapped)
})

test('a wrap that was changed in any bit, cut or lengthened does not open', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 100 }), fc.nat(), fc.nat(7), (plaintext, at, bit) => {
      const wrapped = wrapAes(KEK, plaintext)
      expect([...unwrapAes(KEK, wrapped)]).toEqual([...plaintext])
      const changed = Uint8Array.from(wrapped)
      changed[at % changed.length]! ^= 1 << bit
      for (const bad of [changed, new Uint8Array(0), wrapped.subarray(8), Buffer.concat([wrapped, Buffer.alloc(8)])]) {
        expect(() => unwrapAes(KEK, bad)).toThrow()
      }
    }),
  )
})

const ALGORITHMS = Object.keys(WRAPPING_ALGORITHMS) as WrappingAlgorithm[]
const others = (algorithm: WrappingAlgorithm) => ALGORITHMS.filter((one) => one !== algorithm)

describe.each(['RSA_2048', 'RSA_3072'] as const)('under %s', (spec) => {
  let key: EncodedPair
  beforeAll(async () => {
    key = await makeWrappingKey(spec)
  })

  test.each(ALGORITHMS)('%s', (algorithm) => {
    const material = randomBytes(32)
    const wrapped = wrapMaterial(key.publicKey, algorithm, material)
    expect(Buffer.compare(unwrapMaterial(key.privateKey, algorithm, wrapped), material)).toBe(0)
    for (const other of others(algorithm)) {
      expect(() => unwrapMaterial(key.privateKey, other, wrapped)).toThrow(
        expect.objectContaining({ code: 'KmsCiphertextInvalid' }),
      )
    }
    for (const bad of [
      wrapped.subarray(1),
      wrapped.subarray(0, -1),
      new Uint8Array(1),
      new Uint8Array(wrapped.length),
    ]) {
      expect(() => unwrapMaterial(key.privateKey, algorithm, bad)).toThrow(
        expect.objectContaining({ code: 'KmsCiphertextInvalid' }),
      )
    }
  })

  // A private key, as of an asymmetric KMS key, is longer than any RSA key takes at once.
  test.each(ALGORITHMS.filter((algorithm) => WRAPPING_ALGORITHMS[algorithm].viaAes))(
    '%s wraps long material',
    (algorithm) => {
      const wrapped = wrapMaterial(key.publicKey, algorithm, key.privateKey)
      expect(Buffer.compare(unwrapMaterial(key.privateKey, algorithm, wrapped), key.privateKey)).toBe(0)
    },
  )
})
