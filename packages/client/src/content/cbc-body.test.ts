import { createCipheriv } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { copyOf, hex, patterned, same } from './bodies.fixture.ts'
import { decryptCbcBody, decryptCbcRange, storedCbcRange } from './cbc-body.ts'
import type { ByteRange, StoredPart } from './ranges.ts'

const parameters = { key: patterned(32), iv: patterned(16) }
function encrypt(plaintext: Uint8Array, { key, iv } = parameters): Uint8Array {
  const cipher = createCipheriv('aes-256-cbc', key, iv)
  return Buffer.concat([cipher.update(plaintext), cipher.final()])
}
const answer = (body: Uint8Array, { start, endExclusive }: ByteRange): StoredPart => ({
  start,
  total: body.length,
  bytes: body.subarray(start, endExclusive),
})
const refused = { name: 'EncryptionError', code: 'BodyNotAuthentic', message: 'the body does not authenticate' }

// NIST SP 800-38A, F.2.6, without padding: so all but the last block, as a range.
test('a known answer', async () => {
  const known = {
    key: hex('603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4'),
    iv: hex('000102030405060708090a0b0c0d0e0f'),
  }
  const body = hex(
    'f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b',
  )
  const range = { start: 0, endExclusive: 48 }
  expect(await decryptCbcRange(known, answer(body, storedCbcRange(range)), range)).toEqual(
    hex('6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52ef'),
  )
})

test.each([0, 1, 15, 16, 17, 54, 65_536, 2 ** 20 + 1])('%d bytes', async (size) => {
  const plaintext = patterned(size)
  expect(same(await decryptCbcBody(parameters, encrypt(plaintext)), plaintext)).toBe(true)
})

test('whatever is wrong, the error is one', async () => {
  const body = encrypt(patterned(40))
  const wrongPadding = copyOf(body)
  wrongPadding[body.length - 17]! ^= 0xff
  for (const other of [
    new Uint8Array(0),
    body.subarray(0, -1),
    body.subarray(0, -16),
    Buffer.concat([body, new Uint8Array(1)]),
    wrongPadding,
  ]) {
    await expect(decryptCbcBody(parameters, other)).rejects.toMatchObject(refused)
  }
  await expect(decryptCbcBody({ ...parameters, key: new Uint8Array(32) }, body)).rejects.toMatchObject(refused)
  const range = { start: 20, endExclusive: Number.POSITIVE_INFINITY }
  const part = answer(wrongPadding, storedCbcRange(range))
  await expect(decryptCbcRange(parameters, part, range)).rejects.toMatchObject(refused)
})

test.each([
  [0, 1, 0, 16],
  [15, 16, 0, 16],
  [16, 17, 0, 32],
  [32, 33, 16, 48],
  [100, Number.POSITIVE_INFINITY, 80, Number.POSITIVE_INFINITY],
])('plaintext %d to %d is in stored bytes %d to %d', (start, endExclusive, storedStart, storedEnd) => {
  expect(storedCbcRange({ start, endExclusive })).toEqual({ start: storedStart, endExclusive: storedEnd })
})

test('any range is the slice', async () => {
  const length = fc.oneof(fc.nat({ max: 80 }), fc.nat({ max: 70_000 }))
  await fc.assert(
    fc.asyncProperty(length, fc.nat(), fc.integer({ min: 1, max: 100_000 }), async (size, at, wanted) => {
      const plaintext = patterned(size)
      const body = encrypt(plaintext)
      // Also where the range begins in the padding, or a little behind it.
      const start = at % (body.length + 16)
      for (const endExclusive of [start + wanted, Number.POSITIVE_INFINITY]) {
        const range = { start, endExclusive }
        const got = await decryptCbcRange(parameters, answer(body, storedCbcRange(range)), range)
        expect(same(got, plaintext.subarray(start, endExclusive))).toBe(true)
      }
    }),
  )
})

test('a part that is no answer is refused', async () => {
  const range = { start: 40, endExclusive: 50 }
  const part = answer(encrypt(patterned(100)), storedCbcRange(range))
  for (const other of [
    { ...part, start: 0 },
    { ...part, bytes: part.bytes.subarray(16) },
    { ...part, total: 48 },
    { ...part, total: 111 },
    { start: 16, total: 0, bytes: new Uint8Array(0) },
  ]) {
    await expect(decryptCbcRange(parameters, other, range)).rejects.toMatchObject({ code: 'BodyNotAuthentic' })
  }
})
