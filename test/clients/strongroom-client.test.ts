/** @strongroom/client with the Amazon S3 Encryption Clients of the AWS SDKs for Ruby and Go: what one writes, the other reads. */
import { createPublicKey, randomBytes } from 'node:crypto'
import {
  createEncryptingClient,
  type Description,
  type Keyring,
  rawAesKeyring,
  rawRsaKeyring,
} from '@strongroom/client'
import { kmsKeyring } from '@strongroom/client/kms'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  CONTEXT,
  type EncryptedObjects,
  installed,
  type Kind,
  newRsaKey,
  openEncryptedObjects,
  passes,
  RUBY_KINDS,
  SIZES,
} from '../support/encrypted-objects.ts'
import type { EncryptedObject, EncryptionClient, WrappingKey } from '../support/encryption-clients.ts'
import { kmsClient } from '../support/sdk.ts'

let objects: EncryptedObjects
beforeAll(async () => {
  objects = await openEncryptedObjects()
}, 180_000)
afterAll(() => objects?.close())

type Options = Omit<Parameters<typeof createEncryptingClient>[1], 'keyring'>
const LEGACY: Options = { enableLegacyWrappingAlgorithms: true, enableLegacyUnauthenticatedModes: true }
const COMMITTING: Options = { commitmentPolicy: 'REQUIRE_ENCRYPT_REQUIRE_DECRYPT' }

/** Writes format V2 unless told. */
const encrypting = (key: WrappingKey, options: Options = {}, keyring = keyringOf(key)) =>
  createEncryptingClient(objects.s3, {
    keyring,
    commitmentPolicy: 'FORBID_ENCRYPT_ALLOW_DECRYPT',
    ...options,
  })

function keyringOf({ wrap, key }: WrappingKey, materialDescription: Description = {}): Keyring {
  if (wrap === 'aes') return rawAesKeyring({ wrappingKey: key, materialDescription })
  if (wrap === 'kms') return kmsKeyring({ client: kmsClient(objects.server), keyId: key })
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString()
  return rawRsaKeyring({ publicKey, privateKey: key, materialDescription })
}

const where = ({ bucket, objectKey }: EncryptedObject) => ({ Bucket: bucket, Key: objectKey })

async function read(object: EncryptedObject, options: Options = {}): Promise<Buffer> {
  const { wrappingKey, encryptionContext = {} } = object
  const { Body } = await encrypting(wrappingKey, options).getObject(where(object), { encryptionContext })
  return Buffer.from(await Body.transformToByteArray())
}

/** The package, as the other clients are used. */
const ours: EncryptionClient = {
  async put(object, body) {
    const { wrappingKey, envelope, encryptionContext = {}, materialDescription } = object
    const options: Options = envelope === 'instruction_file' ? { envelope: 'instruction-file' } : {}
    const client = encrypting(wrappingKey, options, keyringOf(wrappingKey, materialDescription))
    await client.putObject({ ...where(object), Body: body }, { encryptionContext })
  },
  get: read,
  close: async () => {},
}

describe.skipIf(!installed.ruby)('Ruby, V2', () => {
  test.each(RUBY_KINDS)('$wrap, in $envelope: written there', (kind) =>
    passes(() => objects.object(kind), objects.ruby, ours),
  )
  test.each(RUBY_KINDS)('$wrap, in $envelope: written here', (kind) =>
    passes(() => objects.object(kind), ours, objects.ruby),
  )

  test('of another encryption context, neither opens what the other wrote', async () => {
    const { object, ruby } = objects
    const encryptionContext = { tenant: 'other' }
    const theirs = object({ wrap: 'kms', encryptionContext: CONTEXT })
    await ruby.put(theirs, randomBytes(10))
    const refused = { code: 'EncryptionContextMismatch' }
    await expect(read({ ...theirs, encryptionContext })).rejects.toMatchObject(refused)
    await expect(read({ ...theirs, encryptionContext: {} })).rejects.toMatchObject(refused)
    const own = object({ wrap: 'kms', encryptionContext: CONTEXT })
    await ours.put(own, randomBytes(10))
    await expect(ruby.get({ ...own, encryptionContext })).rejects.toThrow(/does not match the provided/)
  })

  test('is not read where the policy requires a commitment', async () => {
    const written = objects.object({ wrap: 'aes' })
    await objects.ruby.put(written, randomBytes(10))
    await expect(read(written, COMMITTING)).rejects.toMatchObject({ code: 'CommitmentPolicyForbids' })
  })

  test('refuses what is written here in V3, and does not misread it', async () => {
    const { object, ruby } = objects
    const written = object({ wrap: 'kms' })
    await encrypting(written.wrappingKey, COMMITTING).putObject({ ...where(written), Body: 'committed' })
    await expect(ruby.get(written)).rejects.toThrow(/unable to locate encryption envelope/)
    expect((await read(written, COMMITTING)).toString()).toBe('committed')
  })

  test.each(['metadata', 'instruction_file'] as const)('its wrap in %s made anew for another key', async (envelope) => {
    const { object, ruby } = objects
    const body = randomBytes(1000)
    const written = object({ wrap: 'aes', envelope })
    await ruby.put(written, body)
    const wrappingKey: WrappingKey = { wrap: 'rsa', key: newRsaKey() }
    await encrypting(written.wrappingKey).rewrapObject(where(written), { newKeyring: keyringOf(wrappingKey) })
    expect(await ruby.get({ ...written, wrappingKey })).toEqual(body)
    expect(await read({ ...written, wrappingKey })).toEqual(body)
    await expect(ruby.get(written)).rejects.toThrow(/Key mismatch/)
  })
})

describe.skipIf(!installed.go)('Go, V2', () => {
  test.each(['metadata', 'instruction_file'] as const)('kms, in %s: written by either', async (envelope) => {
    const kind: Kind = { wrap: 'kms', envelope, encryptionContext: CONTEXT }
    await passes(() => objects.object(kind), objects.go, ours)
    await passes(() => objects.object(kind), ours, objects.go)
  })
})

const V1_KINDS: (Kind & { readonly by: 'ruby' | 'go'; readonly content: 'CBC' | 'GCM' })[] = [
  { by: 'ruby', wrap: 'aes', envelope: 'metadata', content: 'CBC' },
  { by: 'ruby', wrap: 'aes', envelope: 'instruction_file', content: 'CBC' },
  { by: 'ruby', wrap: 'kms', envelope: 'metadata', content: 'CBC' },
  { by: 'go', wrap: 'kms', envelope: 'metadata', content: 'CBC' },
  { by: 'go', wrap: 'kms', envelope: 'instruction_file', content: 'CBC' },
  { by: 'go', wrap: 'kms', envelope: 'metadata', content: 'GCM' },
]

describe.each(V1_KINDS.filter(({ by }) => installed[by]))('$by, V1, $wrap, $content, in $envelope', (row) => {
  const { by, ...kind } = row
  const object = () => objects.object({ ...kind, generation: 'V1' })

  test('is read behind the legacy switches, and refused without', async () => {
    for (const size of SIZES) {
      const body = randomBytes(size)
      const written = object()
      await objects[by].put(written, body)
      // CBC is decrypted in memory alone.
      const readable = { ...LEGACY, bufferBytes: 32 * 2 ** 20 }
      expect((await read(written, readable)).equals(body), `${size} bytes`).toBe(true)
    }
    const written = object()
    await objects[by].put(written, randomBytes(10))
    const refusals: [Options, string][] = [
      [{ enableLegacyUnauthenticatedModes: true }, 'LegacyWrappingDisabled'],
      [{ ...LEGACY, ...COMMITTING }, 'CommitmentPolicyForbids'],
    ]
    if (kind.content === 'CBC')
      refusals.push([{ enableLegacyWrappingAlgorithms: true }, 'UnauthenticatedModesDisabled'])
    for (const [options, code] of refusals) await expect(read(written, options)).rejects.toMatchObject({ code })
  })

  test('ranges are read unauthenticated', async () => {
    const body = randomBytes(1000)
    const written = object()
    await objects[by].put(written, body)
    const client = encrypting(written.wrappingKey, LEGACY)
    for (const [range, first, end] of RANGES) {
      const { Body } = await client.getObjectRangeUnauthenticated({ ...where(written), Range: `bytes=${range}` })
      const plaintext = Buffer.from(await Body.transformToByteArray())
      expect(plaintext.equals(body.subarray(first, end)), range).toBe(true)
    }
    const refused = { code: 'UnauthenticatedModesDisabled' }
    const ranged = { ...where(written), Range: 'bytes=0-9' }
    await expect(encrypting(written.wrappingKey).getObjectRangeUnauthenticated(ranged)).rejects.toMatchObject(refused)
  })
})

/** Of 1000 bytes: as asked for, first byte, and behind the last. */
const RANGES: [string, number, number][] = [
  ['0-0', 0, 1],
  ['0-15', 0, 16],
  ['15-16', 15, 17],
  ['100-899', 100, 900],
  ['990-', 990, 1000],
  ['999-999', 999, 1000],
]

test.skipIf(!installed.ruby)('Ruby, V1, rsa: not read, whatever is switched on', async () => {
  const written = objects.object({ wrap: 'rsa', generation: 'V1' })
  await objects.ruby.put(written, randomBytes(10))
  await expect(read(written, LEGACY)).rejects.toMatchObject({ code: 'LegacyWrappingDisabled' })
})
