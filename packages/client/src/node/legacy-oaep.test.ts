import { constants, createHash, createPublicKey, publicEncrypt } from 'node:crypto'
import { expect, test } from 'vitest'
import { fromBase64, knownRsa, toHex, vectors } from '../keyrings/wraps.fixture.ts'
import { legacyOaep } from './legacy-oaep.ts'

const privateKey = await crypto.subtle.importKey(
  'pkcs8',
  fromBase64(vectors.rsa.pkcs8),
  { name: 'RSA-OAEP', hash: 'SHA-1' },
  false,
  ['decrypt'],
)
const LABEL_HASH = createHash('sha256').digest()
const DATA_BYTES = 256 - 33

function mask(seed: Uint8Array, length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 20) }, (_, i) =>
    createHash('sha1')
      .update(seed)
      .update(Uint8Array.of(0, 0, 0, i))
      .digest(),
  )
  return Buffer.concat(blocks).subarray(0, length)
}

const add = (a: Uint8Array, b: Uint8Array) => Uint8Array.from(a, (byte, i) => byte ^ b[i]!)

/** The raw operation on what RFC 8017, 7.1.1, step 2 makes of `data`, with `first` before it. */
function encrypted(data: Uint8Array, first = 0): Buffer {
  const seed = Uint8Array.from({ length: 32 }, (_, i) => i)
  const maskedData = add(data, mask(seed, DATA_BYTES))
  const maskedSeed = add(seed, mask(maskedData, 32))
  const key = { key: createPublicKey(knownRsa.publicKey), padding: constants.RSA_NO_PADDING }
  return publicEncrypt(key, Buffer.concat([Uint8Array.of(first), maskedSeed, maskedData]))
}

/** The label's hash, zeros, and `rest` at the end. */
function dataOf(rest: readonly number[], change: (data: Uint8Array) => void = () => undefined): Uint8Array {
  const data = new Uint8Array(DATA_BYTES)
  data.set(LABEL_HASH)
  data.set(rest, DATA_BYTES - rest.length)
  change(data)
  return data
}

test.each<[string, number[]]>([
  ['no byte', []],
  ['one byte', [7]],
  ['bytes that look like padding', [0, 1, 0, 1]],
  ['as many bytes as there is room for', Array.from({ length: DATA_BYTES - 33 }, (_, i) => i & 0xff)],
])('opens a message of %s', async (_, message) => {
  expect(toHex(await legacyOaep(privateKey, encrypted(dataOf([1, ...message]))))).toBe(
    Buffer.from(message).toString('hex'),
  )
})

test.each<[string, Buffer]>([
  ['a first byte that is not zero', encrypted(dataOf([1, 7]), 1)],
  ['a label', encrypted(dataOf([1, 7], (data) => data.set([LABEL_HASH[0]! ^ 1])))],
  ['the last byte of the hash changed', encrypted(dataOf([1, 7], (data) => data.set([LABEL_HASH[31]! ^ 0x80], 31)))],
  ['padding that is not zero', encrypted(dataOf([2, 0, 1, 7]))],
  ['padding that is not zero at its beginning', encrypted(dataOf([1, 7], (data) => data.set([0x80], 32)))],
  ['nothing after its padding', encrypted(dataOf([]))],
])('refuses what has %s', async (_, wrapped) => {
  await expect(legacyOaep(privateKey, wrapped)).rejects.toMatchObject({
    code: 'DataKeyNotOpened',
    message: 'the data key does not open',
  })
})
