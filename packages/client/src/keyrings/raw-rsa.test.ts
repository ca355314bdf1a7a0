import { constants, createPublicKey, publicEncrypt } from 'node:crypto'
import { expect, test } from 'vitest'
import { legacyOaep } from '../node/legacy-oaep.ts'
import { describeKeyring } from './keyring.contract.ts'
import { rawRsaKeyring } from './raw-rsa.ts'
import { forContent, fromBase64, knownDataKey, knownRsa, pem, toHex, vectors } from './wraps.fixture.ts'

const { wraps } = vectors.rsa
const LEGACY = wraps.find(({ algorithm }) => algorithm !== 'RSA-OAEP-SHA1')!
const invalid = { code: 'InvalidConfiguration' }
const notOpened = { code: 'DataKeyNotOpened' }
const algorithm = 'RSA-OAEP-SHA1'

const generatePair = () =>
  crypto.subtle.generateKey(
    { name: 'RSA-OAEP', hash: 'SHA-1', modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) },
    false,
    ['encrypt', 'decrypt'],
  )
const anotherPair = await generatePair()

describeKeyring('a keyring of an RSA pair', () => ({
  keyring: rawRsaKeyring(knownRsa),
  another: rawRsaKeyring(anotherPair),
  foreign: 'AES/GCM',
}))

test.each(wraps)('opens the known wrap $algorithm for $contentAlgorithm', async (wrap) => {
  const wrapped = { algorithm: wrap.algorithm, bytes: fromBase64(wrap.bytes), description: {} }
  const keyring = rawRsaKeyring({ privateKey: knownRsa.privateKey, legacyOaep })
  const dataKey = await keyring.unwrap(wrapped, forContent(wrap.contentAlgorithm))
  expect(toHex(dataKey!.bytes())).toBe(vectors.dataKey)
})

/** A wrap whose message is `message`, whatever it is. */
const oaep = (message: readonly number[]) =>
  publicEncrypt(
    { key: createPublicKey(knownRsa.publicKey), padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' },
    Uint8Array.from(message),
  )
const key = Array.from({ length: 32 }, (_, i) => i)
const bound = [...Buffer.from('115')]

test.each<[string, number[]]>([
  ['nothing', []],
  ['a length alone', [32]],
  ['no content algorithm', [32, ...key]],
  ['the beginning of the content algorithm', [32, ...key, ...bound.slice(0, 2)]],
  ['more after the content algorithm', [32, ...key, ...bound, 0]],
  ['another content algorithm', [32, ...key, ...bound.slice(0, 2), 0x36]],
  ['a key of 16 bytes', [16, ...key.slice(0, 16), ...bound]],
  ['a length that is not that of the key', [16, ...key, ...bound]],
  ['no length', [...key, ...bound]],
])('does not open a message of %s', async (_, message) => {
  const keyring = rawRsaKeyring({ privateKey: knownRsa.privateKey })
  const unwrap = (bytes: Uint8Array) => keyring.unwrap({ algorithm, bytes, description: {} }, forContent('115'))
  await expect(unwrap(oaep(message))).rejects.toMatchObject(notOpened)
  expect(await unwrap(oaep([32, ...key, ...bound]))).toBeDefined()
})

test('writes with the public key alone, and reads with the private key alone', async () => {
  const writes = rawRsaKeyring({ publicKey: knownRsa.publicKey })
  const reads = rawRsaKeyring({ privateKey: knownRsa.privateKey })
  const [wrapped] = await writes.wrap(knownDataKey(), forContent('115'))
  expect(wrapped.bytes.length).toBe(256)
  expect(await reads.unwrap(wrapped, forContent('115'))).toBeDefined()
  await expect(writes.unwrap(wrapped, forContent('115'))).rejects.toMatchObject({
    ...notOpened,
    message: expect.stringContaining('no private key'),
  })
  await expect(reads.generate(forContent('115'))).rejects.toMatchObject(invalid)
})

test('chooses the private key by the material description', async () => {
  const old = rawRsaKeyring({ publicKey: knownRsa.publicKey, materialDescription: { year: '2024' } })
  const now = rawRsaKeyring({
    ...anotherPair,
    additionalDecryptionKeys: [{ privateKey: knownRsa.privateKey, materialDescription: { year: '2024' } }],
  })
  const [wrapped] = await old.wrap(knownDataKey(), forContent('115'))
  expect(await now.unwrap(wrapped, forContent('115'))).toBeDefined()
  await expect(now.unwrap({ ...wrapped, description: {} }, forContent('115'))).rejects.toMatchObject(notOpened)
})

test.each<[string, string, RegExp]>([
  ['a private key of PKCS#1', pem('RSA PRIVATE KEY', 'AAAA'), /openssl pkcs8 -topk8/],
  ['a private key with a passphrase', pem('ENCRYPTED PRIVATE KEY', 'AAAA'), /encrypted/],
  ['a public key', knownRsa.publicKey, /labelled PUBLIC KEY/],
  ['a key of another kind', pem('EC PRIVATE KEY', 'AAAA'), /labelled EC PRIVATE KEY/],
  ['no PEM', vectors.rsa.pkcs8, /not PEM/],
  ['PEM that is not base64', pem('PRIVATE KEY', 'A'), /not PEM/],
  ['PEM that is cut', knownRsa.privateKey.slice(0, -10), /not PEM/],
])('refuses %s at once', (_, privateKey, message) => {
  expect(() => rawRsaKeyring({ privateKey })).toThrow(
    expect.objectContaining({ ...invalid, message: expect.stringMatching(message) }),
  )
})

test.each<[string, string, RegExp]>([
  ['fewer than 2048 bits', pem('PUBLIC KEY', vectors.rsa.spkiOf1024Bits), /fewer than 2048 bits/],
  ['no key', pem('PUBLIC KEY', 'AAAA'), /not a key of RSA/],
])('refuses %s at its first use', async (_, publicKey, message) => {
  await expect(rawRsaKeyring({ publicKey }).generate(forContent('115'))).rejects.toMatchObject({
    ...invalid,
    message: expect.stringMatching(message),
  })
})

test('refuses a CryptoKey that is for something else, and no key at all', async () => {
  const signing = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify'])
  const { privateKey, publicKey } = anotherPair
  expect(() => rawRsaKeyring({ publicKey: signing.publicKey })).toThrow(expect.objectContaining(invalid))
  expect(() => rawRsaKeyring({ publicKey: privateKey })).toThrow(expect.objectContaining(invalid))
  expect(() => rawRsaKeyring({ privateKey: publicKey })).toThrow(expect.objectContaining(invalid))
  expect(() => rawRsaKeyring({})).toThrow(expect.objectContaining(invalid))
})

test('the legacy algorithm needs what only Node.js has, and refuses all that has changed', async () => {
  const wrapped = { algorithm: LEGACY.algorithm, bytes: fromBase64(LEGACY.bytes), description: {} }
  const request = forContent(LEGACY.contentAlgorithm)
  const without = rawRsaKeyring({ privateKey: knownRsa.privateKey })
  await expect(without.unwrap(wrapped, request)).rejects.toMatchObject(invalid)

  const keyring = rawRsaKeyring({ privateKey: knownRsa.privateKey, legacyOaep })
  const masked = fromBase64(vectors.rsa.maskedBySha256)
  for (const bytes of [masked, oaep(key), wrapped.bytes.subarray(1), new Uint8Array(0), new Uint8Array(256).fill(255)])
    await expect(keyring.unwrap({ ...wrapped, bytes }, request)).rejects.toMatchObject(notOpened)
  for (let at = 0; at < wrapped.bytes.length; at += 5) {
    const bytes = wrapped.bytes.slice()
    bytes[at]! ^= 1
    await expect(keyring.unwrap({ ...wrapped, bytes }, request), `byte ${at}`).rejects.toMatchObject(notOpened)
  }
})
