import { afterEach, expect, test, vi } from 'vitest'
import { describeKeyring } from './keyring.contract.ts'
import { rawAesKeyring } from './raw-aes.ts'
import { forContent, fromHex, knownDataKey, toHex, vectors } from './wraps.fixture.ts'

const { wrappingKey, wraps } = vectors.aes
const known = (index: number) => ({ ...wraps[index]!, bytes: fromHex(wraps[index]!.bytes), description: {} })
const webKey = (name: string, usages: KeyUsage[], bytes = 32) =>
  crypto.subtle.importKey('raw', fromHex(wrappingKey).subarray(0, bytes), name, false, usages)
const invalid = { code: 'InvalidConfiguration' }
const notOpened = { code: 'DataKeyNotOpened' }

afterEach(() => {
  vi.restoreAllMocks()
})

describeKeyring('a keyring of an AES key', () => ({
  keyring: rawAesKeyring({ wrappingKey: new Uint8Array(32).fill(1) }),
  another: rawAesKeyring({ wrappingKey: new Uint8Array(32).fill(2) }),
  foreign: 'kms+context',
}))

test.each(wraps)('opens the known wrap $algorithm for $contentAlgorithm', async (wrap) => {
  const wrapped = { algorithm: wrap.algorithm, bytes: fromHex(wrap.bytes), description: {} }
  const keyring = rawAesKeyring({ wrappingKey: fromHex(wrappingKey) })
  const dataKey = await keyring.unwrap(wrapped, forContent(wrap.contentAlgorithm))
  expect(toHex(dataKey!.bytes())).toBe(vectors.dataKey)

  for (let bit = 0; bit < wrapped.bytes.length * 8; bit++) {
    // A data key in ECB is bound by nothing but its padding.
    if (wrap.algorithm === 'AES' && bit < 256) continue
    const bytes = wrapped.bytes.slice()
    bytes[bit >> 3]! ^= 1 << (bit & 7)
    const opening = keyring.unwrap({ ...wrapped, bytes }, forContent(wrap.contentAlgorithm))
    await expect(opening, `bit ${bit}`).rejects.toMatchObject(notOpened)
  }
  for (const bytes of [wrapped.bytes.subarray(1), new Uint8Array(0), new Uint8Array(64)])
    await expect(keyring.unwrap({ ...wrapped, bytes }, forContent(wrap.contentAlgorithm))).rejects.toMatchObject(
      notOpened,
    )
})

test.each([0, 1])('makes known wrap %i, given its IV', async (index) => {
  const { bytes, contentAlgorithm, algorithm } = known(index)
  vi.spyOn(crypto, 'getRandomValues').mockImplementation((array) => {
    ;(array as Uint8Array).set(bytes.subarray(0, 12))
    return array
  })
  const keyring = rawAesKeyring({ wrappingKey: fromHex(wrappingKey), materialDescription: { name: 'a' } })
  const [wrapped] = await keyring.wrap(knownDataKey(), forContent(contentAlgorithm))
  expect(wrapped).toEqual({ algorithm, bytes, description: { name: 'a' } })
})

test('keeps a copy of the key, which the caller may overwrite', async () => {
  const key = fromHex(wrappingKey)
  const keyring = rawAesKeyring({ wrappingKey: key })
  key.fill(0)
  expect(await keyring.unwrap(known(1), forContent('115'))).toBeDefined()
})

test('takes a CryptoKey for what it is for', async () => {
  const gcm = rawAesKeyring({ wrappingKey: await webKey('AES-GCM', ['encrypt', 'decrypt']) })
  const [wrapped] = await gcm.wrap(knownDataKey(), forContent('115'))
  expect(await gcm.unwrap(wrapped, forContent('115'))).toBeDefined()
  expect(await gcm.unwrap(known(1), forContent('115'))).toBeDefined()
  await expect(gcm.unwrap(known(2), forContent('AES/GCM/NoPadding'))).rejects.toMatchObject(invalid)

  const keyWrap = rawAesKeyring({ wrappingKey: await webKey('AES-KW', ['unwrapKey']) })
  expect(await keyWrap.unwrap(known(2), forContent('AES/GCM/NoPadding'))).toBeDefined()
  await expect(keyWrap.generate(forContent('115'))).rejects.toMatchObject(invalid)

  const cbc = rawAesKeyring({ wrappingKey: await webKey('AES-CBC', ['encrypt', 'decrypt']) })
  expect(await cbc.unwrap(known(3), forContent('AES/CBC/PKCS5Padding'))).toBeDefined()

  const reads = rawAesKeyring({ wrappingKey: await webKey('AES-GCM', ['decrypt']) })
  await expect(reads.generate(forContent('115'))).rejects.toMatchObject(invalid)
})

test('refuses what is no AES key of 256 bits', async () => {
  const short = await webKey('AES-GCM', ['encrypt', 'decrypt'], 16)
  const hmac = await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256', length: 256 }, false, ['sign'])
  for (const key of [new Uint8Array(16), new Uint8Array(0), short, hmac, undefined, 'key', {}, null])
    expect(() => rawAesKeyring({ wrappingKey: key as Uint8Array })).toThrow(expect.objectContaining(invalid))
})

test('chooses the key for reading by the material description, whatever the order of its names', async () => {
  const old = rawAesKeyring({
    wrappingKey: new Uint8Array(32).fill(1),
    materialDescription: { year: '2024', of: 'x' },
  })
  const now = rawAesKeyring({
    wrappingKey: new Uint8Array(32).fill(2),
    materialDescription: { year: '2025' },
    additionalDecryptionKeys: [
      { wrappingKey: new Uint8Array(32).fill(3), materialDescription: { year: '2023' } },
      { wrappingKey: new Uint8Array(32).fill(1), materialDescription: { of: 'x', year: '2024' } },
    ],
  })
  const [wrapped] = await old.wrap(knownDataKey(), forContent('115'))
  expect(toHex((await now.unwrap(wrapped, forContent('115')))!.bytes())).toBe(vectors.dataKey)
  await expect(now.unwrap({ ...wrapped, description: { year: '2024' } }, forContent('115'))).rejects.toMatchObject(
    notOpened,
  )
  const [written] = await now.wrap(knownDataKey(), forContent('115'))
  expect(await now.unwrap({ ...written, description: { any: 'other' } }, forContent('115'))).toBeDefined()
  await expect(old.unwrap(written, forContent('115'))).rejects.toMatchObject(notOpened)
})
