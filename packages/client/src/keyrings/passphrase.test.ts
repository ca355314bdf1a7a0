import { expect, test } from 'vitest'
import { deriveArgon2id } from './argon2id.ts'
import { describeKeyring } from './keyring.contract.ts'
import type { Description, Keyring } from './keyring.ts'
import { passphraseKeyring } from './passphrase.ts'
import { rawAesKeyring } from './raw-aes.ts'
import { forContent, fromHex, knownDataKey, toHex, vectors } from './wraps.fixture.ts'

/** Little, so that tests are quick. */
const cheap = { memoryKiB: 64, passes: 1, lanes: 1 }
const known = vectors.passphrase
const knownWrap = { algorithm: 'AES/GCM', bytes: fromHex(known.bytes), description: known.description } as const
const request = forContent(known.contentAlgorithm)

describeKeyring('a keyring of a passphrase', () => ({
  keyring: passphraseKeyring({ passphrase: 'correct horse', ...cheap }),
  another: passphraseKeyring({ passphrase: 'battery staple', ...cheap }),
  foreign: 'RSA-OAEP-SHA1',
}))

test.each(vectors.argon2id)(
  'derives as the reference does, $lanes lanes',
  async ({ passphrase, salt, key, ...costs }) => {
    const bytes = (text: string) => new TextEncoder().encode(text)
    expect(toHex(await deriveArgon2id(bytes(passphrase), { salt: bytes(salt), ...costs }))).toBe(key)
  },
)

test('opens the known wrap, whose key an AES keyring can hold too', async () => {
  const dataKey = await passphraseKeyring({ passphrase: known.passphrase }).unwrap(knownWrap, request)
  expect(toHex(dataKey!.bytes())).toBe(vectors.dataKey)
  const byKey = await rawAesKeyring({ wrappingKey: fromHex(known.wrappingKey) }).unwrap(knownWrap, request)
  expect(toHex(byKey!.bytes())).toBe(vectors.dataKey)
})

test('text is the same however its characters are composed, and as bytes of UTF-8', async () => {
  const composed = known.passphrase.normalize('NFC')
  const decomposed = known.passphrase.normalize('NFD')
  expect(decomposed).not.toBe(composed)
  const bytes = new TextEncoder().encode(composed)
  const keyrings = [composed, decomposed, bytes].map((passphrase) => passphraseKeyring({ passphrase }))
  bytes.fill(0)
  for (const keyring of keyrings) expect(await keyring.unwrap(knownWrap, request)).toBeDefined()
})

test('writes its parameters beside the wrap, and one salt for each instance', async () => {
  const keyring = () => passphraseKeyring({ passphrase: 'x', memoryKiB: 128, passes: 2, lanes: 3 })
  const one = keyring()
  const wrap = async (each: Keyring) => (await each.wrap(knownDataKey(), request))[0]
  const [first, second, third] = await Promise.all([wrap(one), wrap(one), wrap(keyring())])
  expect(first.description).toMatchObject({
    'strongroom-kdf': 'argon2id',
    'strongroom-kdf-memory': '128',
    'strongroom-kdf-passes': '2',
    'strongroom-kdf-lanes': '3',
  })
  expect(second.description).toEqual(first.description)
  expect(third.description['strongroom-kdf-salt']).not.toBe(first.description['strongroom-kdf-salt'])
})

test('reads on after more salts than it keeps keys for', async () => {
  const reader = passphraseKeyring({ passphrase: 'x', ...cheap })
  const wraps = await Promise.all(
    Array.from({ length: 20 }, () => passphraseKeyring({ passphrase: 'x', ...cheap }).wrap(knownDataKey(), request)),
  )
  for (const [wrapped] of [...wraps, ...wraps])
    expect(toHex((await reader.unwrap(wrapped, request))!.bytes())).toBe(vectors.dataKey)
})

const PREFIX = 'strongroom-kdf'
test.each<[string, Description, string | undefined]>([
  ['another derivation', { [PREFIX]: 'scrypt' }, undefined],
  ['no base64', { [`${PREFIX}-salt`]: 'x' }, 'MalformedEnvelope'],
  ['a short salt', { [`${PREFIX}-salt`]: 'AAAA' }, 'MalformedEnvelope'],
  ['no number', { [`${PREFIX}-memory`]: '0x40' }, 'MalformedEnvelope'],
  ['nought', { [`${PREFIX}-passes`]: '0' }, 'MalformedEnvelope'],
  ['an empty field', { [`${PREFIX}-lanes`]: '' }, 'MalformedEnvelope'],
  ['a leading zero', { [`${PREFIX}-lanes`]: '02' }, 'MalformedEnvelope'],
  [
    'more than 1 GiB over all passes',
    { [`${PREFIX}-memory`]: String(2 ** 19), [`${PREFIX}-passes`]: '3' },
    'DataKeyNotOpened',
  ],
  ['more than 1 GiB', { [`${PREFIX}-memory`]: String(2 ** 20 + 1) }, 'DataKeyNotOpened'],
  ['more than 16 passes', { [`${PREFIX}-passes`]: '17' }, 'DataKeyNotOpened'],
  ['more than 16 lanes', { [`${PREFIX}-lanes`]: '17' }, 'DataKeyNotOpened'],
  ['less memory than its lanes need', { [`${PREFIX}-memory`]: '15' }, 'DataKeyNotOpened'],
  ['another salt', { [`${PREFIX}-salt`]: 'AAAAAAAAAAAAAAAAAAAAAA==' }, 'DataKeyNotOpened'],
  ['other costs', { [`${PREFIX}-passes`]: '3' }, 'DataKeyNotOpened'],
])('does not open a wrap that tells of %s', async (_, change, code) => {
  const keyring = passphraseKeyring({ passphrase: known.passphrase })
  const unwrap = keyring.unwrap({ ...knownWrap, description: { ...known.description, ...change } }, request)
  if (code === undefined) expect(await unwrap).toBeUndefined()
  else await expect(unwrap).rejects.toMatchObject({ code })
})

test('leaves wraps of AES keys to others', async () => {
  const [wrapped] = await rawAesKeyring({ wrappingKey: new Uint8Array(32) }).wrap(knownDataKey(), request)
  expect(await passphraseKeyring({ passphrase: 'x' }).unwrap(wrapped, request)).toBeUndefined()
})

test.each([
  { passphrase: '' },
  { passphrase: new Uint8Array(0) },
  { passphrase: 'x', memoryKiB: 2 ** 20 + 1 },
  { passphrase: 'x', memoryKiB: 2 ** 19, passes: 3 },
  { passphrase: 'x', memoryKiB: 8, lanes: 2 },
  { passphrase: 'x', passes: 0 },
  { passphrase: 'x', passes: 1.5 },
  { passphrase: 'x', lanes: 17 },
  { passphrase: 'x', lanes: Number.NaN },
])('refuses options %o', (options) => {
  expect(() => passphraseKeyring(options)).toThrow(expect.objectContaining({ code: 'InvalidConfiguration' }))
})
