import { expect, test } from 'vitest'
import { EncryptionError } from '../errors.ts'
import { CONTENT_ALGORITHMS, type ContentAlgorithm } from '../suites.ts'
import { describeKeyring } from './keyring.contract.ts'
import type { Keyring } from './keyring.ts'
import { FakeKms } from './kms.fixture.ts'
import { kmsKeyring } from './kms.ts'
import { multiKeyring } from './multi.ts'
import { rawAesKeyring } from './raw-aes.ts'
import { rawRsaKeyring } from './raw-rsa.ts'
import { forContent, knownDataKey, knownRsa, toHex } from './wraps.fixture.ts'

const aes = (byte: number) => rawAesKeyring({ wrappingKey: new Uint8Array(32).fill(byte) })
const sealed = forContent('strongroom/sealed/1')

describeKeyring('several keyrings as one', () => ({
  keyring: multiKeyring({ generator: aes(1), children: [aes(2), rawRsaKeyring(knownRsa)] }),
  another: multiKeyring({ generator: aes(3) }),
  foreign: 'kms+context',
}))

test('each of several reads a sealed object; only the generator other formats', async () => {
  const kms = new FakeKms()
  const members = [aes(1), rawRsaKeyring(knownRsa), kmsKeyring({ client: kms.client, keyId: kms.createKey() })]
  const keyring = multiKeyring({ generator: members[0]!, children: members.slice(1) })
  const { dataKey, wraps } = await keyring.generate(sealed)
  expect(wraps.map(({ algorithm }) => algorithm)).toEqual(['AES/GCM', 'RSA-OAEP-SHA1', 'kms+context'])
  for (const [index, member] of members.entries())
    expect(toHex((await member.unwrap(wraps[index]!, sealed))!.bytes())).toBe(toHex(dataKey.bytes()))
  expect(await keyring.wrap(knownDataKey(), sealed)).toHaveLength(3)

  for (const contentAlgorithm of Object.keys(CONTENT_ALGORITHMS) as ContentAlgorithm[]) {
    if (contentAlgorithm === sealed.contentAlgorithm) continue
    expect((await keyring.generate(forContent(contentAlgorithm))).wraps).toHaveLength(1)
    expect(await keyring.wrap(knownDataKey(), forContent(contentAlgorithm))).toHaveLength(1)
  }
})

test('one within another gives the wraps of both', async () => {
  const keyring = multiKeyring({
    generator: aes(1),
    children: [multiKeyring({ generator: aes(2), children: [aes(3)] })],
  })
  expect((await keyring.generate(sealed)).wraps).toHaveLength(3)
})

test('a child that cannot wrap fails the writing, and the data key is wiped', async () => {
  let made: Uint8Array | undefined
  const generator: Keyring = {
    ...aes(1),
    async generate(request) {
      const generated = await aes(1).generate(request)
      made = generated.dataKey.bytes()
      return generated
    },
  }
  const children = [rawRsaKeyring({ privateKey: knownRsa.privateKey })]
  await expect(multiKeyring({ generator, children }).generate(sealed)).rejects.toMatchObject({
    code: 'InvalidConfiguration',
  })
  expect(toHex(made!)).toBe('00'.repeat(32))
})

const refusing = (error: Error): Keyring => ({ ...aes(9), unwrap: () => Promise.reject(error) })

test('a refusal of one does not stop the next', async () => {
  const [wrapped] = await aes(1).wrap(knownDataKey(), forContent('115'))
  const denied = Object.assign(new Error('denied'), { name: 'AccessDeniedException' })
  const mismatch = new EncryptionError('EncryptionContextMismatch')
  const keyring = multiKeyring({ generator: refusing(denied), children: [refusing(mismatch), aes(2), aes(1)] })
  expect(await keyring.unwrap(wrapped, forContent('115'))).toBeDefined()
})

test('where none opens, tells all refusals; a context that does not match before others', async () => {
  const [wrapped] = await aes(1).wrap(knownDataKey(), forContent('115'))
  const unwrap = (...members: Keyring[]) =>
    multiKeyring({ generator: members[0]!, children: members.slice(1) }).unwrap(wrapped, forContent('115'))
  const denied = new Error('denied')
  const rsa = rawRsaKeyring(knownRsa)
  await expect(unwrap(refusing(denied), rsa, aes(2))).rejects.toMatchObject({
    code: 'DataKeyNotOpened',
    cause: { name: 'AggregateError', errors: [denied, { code: 'DataKeyNotOpened' }] },
  })
  const mismatch = new EncryptionError('EncryptionContextMismatch')
  await expect(unwrap(refusing(denied), refusing(mismatch), aes(2))).rejects.toBe(mismatch)
  expect(await unwrap(rsa, rsa)).toBeUndefined()
})
