import { beforeEach, expect, test } from 'vitest'
import type { ContentAlgorithm, WrapAlgorithm } from '../suites.ts'
import { describeKeyring } from './keyring.contract.ts'
import type { Description } from './keyring.ts'
import { FakeKms } from './kms.fixture.ts'
import { kmsDiscoveryKeyring, kmsKeyring } from './kms.ts'
import { forContent, fromHex, knownDataKey, toHex, vectors } from './wraps.fixture.ts'

let kms: FakeKms
let keyId: string
beforeEach(() => {
  kms = new FakeKms()
  keyId = kms.createKey()
})
const keyring = () => kmsKeyring({ client: kms.client, keyId })
const CEK = 'aws:x-amz-cek-alg'

describeKeyring('a keyring of a KMS key', () => {
  const shared = new FakeKms()
  return {
    keyring: kmsKeyring({ client: shared.client, keyId: shared.createKey() }),
    another: kmsKeyring({ client: shared.client, keyId: shared.createKey() }),
    foreign: 'AES/GCM',
  }
})

test('stores the whole context, and overwrites the key in what the SDK gave', async () => {
  const request = forContent('115', { team: 'blue' })
  const { dataKey, wraps } = await keyring().generate(request)
  expect(wraps).toHaveLength(1)
  expect(wraps[0]).toMatchObject({ algorithm: 'kms+context', description: { team: 'blue', [CEK]: '115' } })
  const opened = await keyring().unwrap(wraps[0], request)
  expect(toHex(opened!.bytes())).toBe(toHex(dataKey.bytes()))
  expect(kms.calls).toEqual(['GenerateDataKey', 'Decrypt'])
  expect(kms.given.map(toHex)).toEqual(['00'.repeat(32), '00'.repeat(32)])

  const [wrapped] = await keyring().wrap(knownDataKey(), request)
  expect(kms.calls.at(-1)).toBe('Encrypt')
  expect(wrapped.description).toEqual({ team: 'blue', [CEK]: '115' })
})

/** A wrap as KMS made it for `stored`, relabelled or not. */
const wrapFor = (stored: Record<string, string>, algorithm: WrapAlgorithm = 'kms+context') => ({
  algorithm,
  bytes: kms.encrypt(keyId, fromHex(vectors.dataKey), stored),
  description: stored,
})

test.each<[string, WrapAlgorithm, Description, ContentAlgorithm, Description, string | undefined]>([
  ['equal', 'kms+context', { a: '1', [CEK]: '115' }, '115', { a: '1' }, undefined],
  ['both empty', 'kms+context', { [CEK]: '115' }, '115', {}, undefined],
  ['with a legacy key id', 'kms+context', { kms_cmk_id: 'x', [CEK]: '115' }, '115', {}, undefined],
  ['another value', 'kms+context', { a: '1', [CEK]: '115' }, '115', { a: '2' }, 'EncryptionContextMismatch'],
  ['less than stored', 'kms+context', { a: '1', [CEK]: '115' }, '115', {}, 'EncryptionContextMismatch'],
  ['more than stored', 'kms+context', { [CEK]: '115' }, '115', { a: '1' }, 'EncryptionContextMismatch'],
  ['a name that objects have', 'kms+context', { [CEK]: '115' }, '115', { toString: 'x' }, 'EncryptionContextMismatch'],
  ['another content algorithm', 'kms+context', { [CEK]: '115' }, 'AES/GCM/NoPadding', {}, 'DataKeyNotOpened'],
  ['no content algorithm', 'kms+context', { a: '1' }, '115', { a: '1' }, 'DataKeyNotOpened'],
  ['reserved: the content algorithm', 'kms+context', { [CEK]: '115' }, '115', { [CEK]: '115' }, 'ReservedName'],
  ['reserved: the legacy key id', 'kms', { kms_cmk_id: 'x' }, '115', { kms_cmk_id: 'x' }, 'ReservedName'],
  ['legacy, none', 'kms', { kms_cmk_id: 'x', b: '2' }, 'AES/GCM/NoPadding', {}, undefined],
  ['legacy, part of it', 'kms', { kms_cmk_id: 'x', b: '2', c: '3' }, 'AES/GCM/NoPadding', { b: '2' }, undefined],
  ['legacy, other', 'kms', { kms_cmk_id: 'x', b: '2' }, 'AES/GCM/NoPadding', { b: '3' }, 'EncryptionContextMismatch'],
  ['legacy, absent', 'kms', { kms_cmk_id: 'x' }, 'AES/GCM/NoPadding', { b: '2' }, 'EncryptionContextMismatch'],
  ['relabelled as legacy', 'kms', { [CEK]: '115' }, 'AES/CBC/PKCS5Padding', {}, 'DataKeyNotOpened'],
  ['relabelled, less', 'kms', { a: '1', [CEK]: '115' }, '115', {}, 'EncryptionContextMismatch'],
])('context %s', async (_, algorithm, stored, contentAlgorithm, own, code) => {
  const unwrap = keyring().unwrap(wrapFor({ ...stored }, algorithm), forContent(contentAlgorithm, own))
  if (code === undefined) return expect(toHex((await unwrap)!.bytes())).toBe(vectors.dataKey)
  await expect(unwrap).rejects.toMatchObject({ code })
  expect(kms.calls).toEqual([])
})

test('reserved names are refused before any call', async () => {
  for (const name of [CEK, 'kms_cmk_id']) {
    const request = forContent('115', { [name]: 'x' })
    await expect(keyring().generate(request)).rejects.toMatchObject({ code: 'ReservedName' })
    await expect(keyring().wrap(knownDataKey(), request)).rejects.toMatchObject({ code: 'ReservedName' })
  }
  expect(kms.calls).toEqual([])
})

test('tells a wrap that does not open from what the service says of itself', async () => {
  const { wraps } = await keyring().generate(forContent('115'))
  const changed = { ...wraps[0], description: { ...wraps[0].description, a: '1' } }
  await expect(keyring().unwrap(changed, forContent('115', { a: '1' }))).rejects.toMatchObject({
    code: 'DataKeyNotOpened',
    cause: { name: 'InvalidCiphertextException' },
  })
  for (const name of ['AccessDeniedException', 'ThrottlingException', 'DisabledException', 'TimeoutError']) {
    kms.failure = Object.assign(new Error('said by the service'), { name })
    await expect(keyring().unwrap(wraps[0], forContent('115'))).rejects.toBe(kms.failure)
    await expect(keyring().generate(forContent('115'))).rejects.toBe(kms.failure)
  }
})

test('does not take a key of another length', async () => {
  const wrapped = { ...wrapFor({ [CEK]: '115' }), bytes: kms.encrypt(keyId, new Uint8Array(16), { [CEK]: '115' }) }
  await expect(keyring().unwrap(wrapped, forContent('115'))).rejects.toMatchObject({ code: 'DataKeyNotOpened' })
})

test('needs a key id', () => {
  for (const keyId of ['', undefined])
    expect(() => kmsKeyring({ client: kms.client, keyId: keyId as string })).toThrow(
      expect.objectContaining({ code: 'InvalidConfiguration' }),
    )
})

test('discovery opens wraps of any key of the accounts allowed, and writes nothing', async () => {
  const { client } = kms
  const { wraps } = await keyring().generate(forContent('115'))
  const opens = async (discovery: ReturnType<typeof kmsDiscoveryKeyring>) =>
    (await discovery.unwrap(wraps[0], forContent('115'))) !== undefined
  expect(await opens(kmsDiscoveryKeyring({ client }))).toBe(true)
  expect(await opens(kmsDiscoveryKeyring({ client, accounts: ['999988887777', '111122223333'] }))).toBe(true)
  const refused = { code: 'DataKeyNotOpened', message: expect.stringContaining('account') }
  await expect(opens(kmsDiscoveryKeyring({ client, accounts: ['999988887777'] }))).rejects.toMatchObject(refused)
  const elsewhere = kmsDiscoveryKeyring({ client, accounts: ['111122223333'], partition: 'aws-cn' })
  await expect(opens(elsewhere)).rejects.toMatchObject(refused)

  const invalid = { code: 'InvalidConfiguration' }
  await expect(elsewhere.generate(forContent('115'))).rejects.toMatchObject(invalid)
  await expect(elsewhere.wrap(knownDataKey(), forContent('115'))).rejects.toMatchObject(invalid)
  expect(() => kmsDiscoveryKeyring({ client, accounts: [] })).toThrow(expect.objectContaining(invalid))
  expect(await elsewhere.unwrap({ ...wraps[0], algorithm: 'AES/GCM' }, forContent('115'))).toBeUndefined()
})
