/** What somebody who can write to the store may try on encrypted objects; each is refused by its code, with nothing out. */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { CreateKeyCommand } from '@aws-sdk/client-kms'
import { CreateBucketCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import {
  createEncryptingClient,
  type EncryptingClientOptions,
  type EncryptionErrorCode,
  type Keyring,
  type RequestOptions,
  rawAesKeyring,
  rawRsaKeyring,
} from '@strongroom/client'
import { kmsKeyring } from '@strongroom/client/kms'
import * as web from '@strongroom/client/web'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { patterned, refusal, type Stored, stored, tamper } from '../support/encryption.ts'
import { kmsClient, s3Client } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

const Bucket = 'tampered'
const plaintext = patterned(200_000)
const ALLOW = { commitmentPolicy: 'REQUIRE_ENCRYPT_ALLOW_DECRYPT' } as const
const V2 = { commitmentPolicy: 'FORBID_ENCRYPT_ALLOW_DECRYPT' } as const
const FILE = { envelope: 'instruction-file' } as const
const SEALED = { format: 'sealed' } as const

let server: TestServer
let s3: S3Client
const keyrings: Record<'aes' | 'rsa' | 'kms', Keyring> = {} as never

beforeAll(async () => {
  server = await startServer()
  s3 = s3Client(server)
  await s3.send(new CreateBucketCommand({ Bucket }))
  const keyId = (await kmsClient(server).send(new CreateKeyCommand({}))).KeyMetadata!.KeyId!
  keyrings.kms = kmsKeyring({ client: kmsClient(server), keyId })
  keyrings.aes = rawAesKeyring({ wrappingKey: randomBytes(32) })
  keyrings.rsa = rawRsaKeyring(
    generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    }),
  )
})
afterAll(() => server?.remove())

type Options = Omit<EncryptingClientOptions, 'keyring'>
let objects = 0

/** Puts an object, lets `change` have it, and says with what code it is refused. */
async function attempt(
  write: Options,
  change: (Key: string) => Promise<void>,
  {
    read = write,
    which = 'aes',
    context = {},
  }: { read?: Options; which?: keyof typeof keyrings; context?: RequestOptions } = {},
): Promise<EncryptionErrorCode> {
  const Key = `object-${++objects}`
  const keyring = keyrings[which]
  await createEncryptingClient(s3, { keyring, ...write }).putObject({ Bucket, Key, Body: plaintext }, context)
  await change(Key)
  return refusal(createEncryptingClient(s3, { keyring, ...read }).getObject({ Bucket, Key }, context) as never)
}

const body = (edit: (bytes: Buffer) => Uint8Array) => (Key: string) =>
  tamper(s3, Bucket, Key, (object) => ({ body: edit(Buffer.from(object.body)) }))
const metadata =
  (edit: (fields: Stored['metadata']) => Stored['metadata']) =>
  (Key: string): Promise<void> =>
    tamper(s3, Bucket, Key, (object) => ({ metadata: edit(object.metadata) }))
const file =
  (edit: (fields: Record<string, string>) => Record<string, string>) =>
  (Key: string): Promise<void> =>
    tamper(s3, Bucket, `${Key}.instruction`, ({ body }) => ({
      body: Buffer.from(JSON.stringify(edit(JSON.parse(Buffer.from(body).toString())))),
    }))

const flip = (at: (bytes: Buffer) => number) => (bytes: Buffer) => {
  bytes[at(bytes)]! ^= 0x01
  return bytes
}
const flipped = (base64: string) => flip(() => 5)(Buffer.from(base64, 'base64')).toString('base64')
const resized = (base64: string, by: number) => {
  const bytes = Buffer.from(base64, 'base64')
  return Buffer.concat([bytes, Buffer.alloc(1)])
    .subarray(0, bytes.length + by)
    .toString('base64')
}

const BODIES: [string, (bytes: Buffer) => Uint8Array][] = [
  ['a bit in the first byte', flip(() => 0)],
  ['a bit in the middle', flip((bytes) => bytes.length >> 1)],
  ['a bit in the tag', flip((bytes) => bytes.length - 1)],
  ['a byte cut off', (bytes) => bytes.subarray(0, -1)],
  ['a block cut off', (bytes) => bytes.subarray(0, -16)],
  ['the tag at an earlier end', (bytes) => Buffer.concat([bytes.subarray(0, 64), bytes.subarray(-16)])],
  ['half cut off', (bytes) => bytes.subarray(0, bytes.length >> 1)],
  ['all but the tag cut off', (bytes) => bytes.subarray(-16)],
  ['nothing left', () => Buffer.alloc(0)],
  ['a byte added', (bytes) => Buffer.concat([bytes, Buffer.alloc(1)])],
  ['a block added', (bytes) => Buffer.concat([bytes, Buffer.alloc(16)])],
  [
    'two blocks exchanged',
    (bytes) => Buffer.concat([bytes.subarray(16, 32), bytes.subarray(0, 16), bytes.subarray(32)]),
  ],
  ['twice the body', (bytes) => Buffer.concat([bytes, bytes])],
]

describe.each<[string, Options]>([
  ['V3', {}],
  ['V2', V2],
  ['V3, spilled', { bufferBytes: 65_536, largeBodies: 'spill' }],
  ['V3, read twice', { bufferBytes: 65_536, largeBodies: 'read-twice' }],
])('the body of %s', (_, options) => {
  test.each(BODIES)('%s', async (_, edit) => {
    expect(await attempt(options, body(edit))).toBe('BodyNotAuthentic')
  })
})

describe('the body of the sealed format', () => {
  // What comes out before the fault is whole segments that have authenticated; a fault in the first lets nothing out.
  const STRIDE = 65_536 + 16
  test.each<[string, (bytes: Buffer) => Uint8Array, number, EncryptionErrorCode?]>([
    ['a bit in the salt', flip(() => 10), 0, 'CommitmentMismatch'],
    ['a bit in the commitment', flip(() => 50), 0, 'CommitmentMismatch'],
    ['a bit in the first segment', flip(() => 72), 0],
    ['a bit in the second segment', flip(() => 72 + STRIDE), 1],
    ['a bit in the last tag', flip((bytes) => bytes.length - 1), 3],
    ['a byte cut off', (bytes) => bytes.subarray(0, -1), 3],
    ['the last segment cut off', (bytes) => bytes.subarray(0, 72 + 3 * STRIDE), 2],
    ['a segment left out', (bytes) => Buffer.concat([bytes.subarray(0, 72), bytes.subarray(72 + STRIDE)]), 0],
    [
      'two segments exchanged',
      (bytes) =>
        Buffer.concat([
          bytes.subarray(0, 72),
          bytes.subarray(72 + STRIDE, 72 + 2 * STRIDE),
          bytes.subarray(72, 72 + STRIDE),
          bytes.subarray(72 + 2 * STRIDE),
        ]),
      0,
    ],
    ['a byte added', (bytes) => Buffer.concat([bytes, Buffer.alloc(1)]), 3],
    ['nothing left', () => Buffer.alloc(0), 0],
  ])('%s', async (_, edit, segments, code = 'BodyNotAuthentic') => {
    const Key = `sealed-${++objects}`
    const client = createEncryptingClient(s3, { keyring: keyrings.aes, ...SEALED })
    await client.putObject({ Bucket, Key, Body: plaintext })
    await body(edit)(Key)
    const released: Uint8Array[] = []
    const read = async () => {
      const { Body } = await client.getObject({ Bucket, Key })
      for await (const chunk of Body as AsyncIterable<Uint8Array>) released.push(chunk)
    }
    await expect(read()).rejects.toMatchObject({ name: 'EncryptionError', code })
    const out = Buffer.concat(released)
    expect(out.length).toBeLessThanOrEqual(segments * 65_536)
    expect(out.equals(plaintext.subarray(0, out.length))).toBe(true)
  })

  test.each([
    ['cut at a segment', (bytes: Buffer) => bytes.subarray(0, 72 + 2 * STRIDE)],
    ['with a changed end', flip((bytes) => bytes.length - 1)],
  ])('a range of a body %s is refused, though its own segments are whole', async (_, edit) => {
    const Key = `range-${++objects}`
    const client = createEncryptingClient(s3, { keyring: keyrings.aes, ...SEALED })
    await client.putObject({ Bucket, Key, Body: plaintext })
    await body(edit)(Key)
    expect(await refusal(client.getObject({ Bucket, Key, Range: 'bytes=0-9' }) as never)).toBe('BodyNotAuthentic')
  })
})

describe('the header of a sealed object, which ranges are opened with', () => {
  test.each<[string, (header: Buffer) => Uint8Array, EncryptionErrorCode]>([
    ['another salt', flip(() => 10), 'CommitmentMismatch'],
    ['another commitment', flip(() => 50), 'CommitmentMismatch'],
    ['another segment size', flip(() => 6), 'CommitmentMismatch'],
    ['no header', () => Buffer.alloc(72), 'BodyNotAuthentic'],
  ])('%s', async (_, edit, code) => {
    const Key = `header-${++objects}`
    const client = createEncryptingClient(s3, { keyring: keyrings.aes, ...SEALED })
    await client.putObject({ Bucket, Key, Body: plaintext })
    await metadata((fields) => ({
      ...fields,
      'strongroom-header': Buffer.from(edit(Buffer.from(fields['strongroom-header']!, 'base64'))).toString('base64'),
    }))(Key)
    expect(await refusal(client.getObject({ Bucket, Key, Range: 'bytes=0-9' }) as never)).toBe(code)
  })
})

describe('the envelope', () => {
  const set = (name: string, value: string | ((old: string) => string)) => (fields: Stored['metadata']) => ({
    ...fields,
    [name]: typeof value === 'string' ? value : value(fields[name]!),
  })
  const drop = (name: string) => (fields: Stored['metadata']) =>
    Object.fromEntries(Object.entries(fields).filter(([field]) => field !== name))
  const b64 = (length: number) => Buffer.alloc(length, 1).toString('base64')

  test.each<[string, Options, (Key: string) => Promise<void>, EncryptionErrorCode]>([
    [
      'V2 with headers of V3',
      V2,
      metadata((fields) => ({ ...fields, 'x-amz-c': '115', 'x-amz-w': '02' })),
      'MixedFormats',
    ],
    ['V3 with a key of V2', {}, metadata(set('x-amz-key-v2', b64(60))), 'MixedFormats'],
    ['V3 with fields of the sealed format', {}, metadata(set('strongroom-sealed', '1')), 'MixedFormats'],
    ['no envelope at all', {}, metadata(() => ({})), 'NotEncrypted'],
    ['a short commitment', {}, metadata(set('x-amz-d', (old) => resized(old, -1))), 'MalformedEnvelope'],
    ['a long commitment', {}, metadata(set('x-amz-d', (old) => resized(old, 1))), 'MalformedEnvelope'],
    ['an empty commitment', {}, metadata(set('x-amz-d', '')), 'MalformedEnvelope'],
    ['another commitment', {}, metadata(set('x-amz-d', flipped)), 'CommitmentMismatch'],
    ['no commitment', {}, metadata(drop('x-amz-d')), 'MalformedEnvelope'],
    ['another message id', {}, metadata(set('x-amz-i', flipped)), 'CommitmentMismatch'],
    ['a short message id', {}, metadata(set('x-amz-i', (old) => resized(old, -1))), 'MalformedEnvelope'],
    ['a changed wrap', {}, metadata(set('x-amz-3', flipped)), 'DataKeyNotOpened'],
    ['a short wrap', {}, metadata(set('x-amz-3', (old) => resized(old, -1))), 'DataKeyNotOpened'],
    ['another kind of wrap', {}, metadata(set('x-amz-w', '22')), 'NoKeyringFits'],
    ['V2: another IV', V2, metadata(set('x-amz-iv', flipped)), 'BodyNotAuthentic'],
    ['V2: GCM called CBC', V2, metadata(set('x-amz-cek-alg', 'AES/CBC/PKCS5Padding')), 'MalformedEnvelope'],
    ['c in the instruction file', FILE, file(set('x-amz-c', '115')), 'InstructionFileTampered'],
    ['d in the instruction file', FILE, file(set('x-amz-d', b64(28))), 'InstructionFileTampered'],
    ['i in the instruction file', FILE, file(set('x-amz-i', b64(28))), 'InstructionFileTampered'],
    ['a changed key in the instruction file', FILE, file(set('x-amz-3', flipped)), 'DataKeyNotOpened'],
    ['d taken off an object with an instruction file', FILE, metadata(drop('x-amz-d')), 'MalformedEnvelope'],
  ])('%s', async (_, options, change, code) => {
    expect(await attempt(options, change)).toBe(code)
  })

  test('GCM called CBC, and dressed as CBC, opens no key', async () => {
    const dressed = metadata((fields) => ({
      ...drop('x-amz-tag-len')(fields),
      'x-amz-cek-alg': 'AES/CBC/PKCS5Padding',
      'x-amz-iv': b64(16),
    }))
    const read = { ...ALLOW, enableLegacyUnauthenticatedModes: true, enableLegacyWrappingAlgorithms: true }
    for (const which of ['aes', 'rsa'] as const)
      expect(await attempt(V2, dressed, { read, which })).toBe('DataKeyNotOpened')
    expect(await attempt(V2, dressed, { which: 'aes' })).toBe('UnauthenticatedModesDisabled')
  })

  test('V3 dressed as V2, to get rid of the commitment, opens no key', async () => {
    const asV2 = metadata((fields) => ({
      'x-amz-key-v2': fields['x-amz-3']!,
      'x-amz-iv': b64(12),
      'x-amz-cek-alg': 'AES/GCM/NoPadding',
      'x-amz-wrap-alg': { '02': 'AES/GCM', 12: 'kms+context', 22: 'RSA-OAEP-SHA1' }[fields['x-amz-w']!]!,
      'x-amz-tag-len': '128',
      'x-amz-matdesc': fields['x-amz-t'] ?? '{}',
    }))
    expect(await attempt({}, asV2)).toBe('CommitmentPolicyForbids')
    for (const which of ['aes', 'rsa', 'kms'] as const)
      expect(await attempt({}, asV2, { read: ALLOW, which })).toBe('DataKeyNotOpened')
  })

  test('V2 and V1 are not read by default, nor legacy wraps', async () => {
    expect(await attempt(V2, async () => {}, { read: {} })).toBe('CommitmentPolicyForbids')
    const legacy = metadata(set('x-amz-wrap-alg', 'AESWrap'))
    expect(await attempt(V2, legacy)).toBe('LegacyWrappingDisabled')
    const v1 = metadata(() => ({ 'x-amz-key': b64(48), 'x-amz-iv': b64(16), 'x-amz-matdesc': '{}' }))
    expect(await attempt({}, v1)).toBe('CommitmentPolicyForbids')
    expect(await attempt({}, v1, { read: ALLOW })).toBe('UnauthenticatedModesDisabled')
    expect(await attempt({}, v1, { read: { ...ALLOW, enableLegacyUnauthenticatedModes: true } })).toBe(
      'LegacyWrappingDisabled',
    )
  })

  test('the key of another object opens nothing, though the keyring opens it', async () => {
    const other = `other-${++objects}`
    for (const which of ['aes', 'rsa', 'kms'] as const) {
      const keyring = keyrings[which]
      await createEncryptingClient(s3, { keyring }).putObject({ Bucket, Key: other, Body: 'x' })
      const { metadata: theirs } = await stored(s3, Bucket, other)
      const swap = metadata((fields) => ({ ...fields, 'x-amz-3': theirs['x-amz-3']! }))
      expect(await attempt({}, swap, { which }), which).toBe('CommitmentMismatch')
      const filed = file((fields) => ({ ...fields, 'x-amz-3': theirs['x-amz-3']! }))
      expect(await attempt(FILE, filed, { which }), which).toBe('CommitmentMismatch')
      await createEncryptingClient(s3, { keyring, ...SEALED }).putObject({ Bucket, Key: other, Body: 'x' })
      const sealed = (await stored(s3, Bucket, other)).metadata
      const swapped = metadata((fields) => ({ ...fields, 'strongroom-keys': sealed['strongroom-keys']! }))
      expect(await attempt(SEALED, swapped, { which }), which).toBe('CommitmentMismatch')
    }
  })

  test('the whole envelope of another object does not fit this body', async () => {
    for (const options of [{}, V2, SEALED]) {
      const other = `other-${++objects}`
      await createEncryptingClient(s3, { keyring: keyrings.aes, ...options }).putObject({
        Bucket,
        Key: other,
        Body: 'x',
      })
      const { metadata: theirs } = await stored(s3, Bucket, other)
      const code = 'format' in options ? 'CommitmentMismatch' : 'BodyNotAuthentic'
      expect(
        await attempt(
          options,
          metadata(() => theirs),
        ),
      ).toBe(code)
    }
  })

  test('the instruction file of another object, or none', async () => {
    const other = `other-${++objects}`
    await createEncryptingClient(s3, { keyring: keyrings.aes, ...FILE }).putObject({ Bucket, Key: other, Body: 'x' })
    const { body: theirs } = await stored(s3, Bucket, `${other}.instruction`)
    const put = (Body: Uint8Array) => async (Key: string) => {
      await s3.send(new PutObjectCommand({ Bucket, Key: `${Key}.instruction`, Body }))
    }
    expect(await attempt(FILE, put(theirs))).toBe('CommitmentMismatch')
    expect(await attempt(FILE, put(Buffer.from('{')))).toBe('MalformedEnvelope')
    expect(await attempt(FILE, put(Buffer.alloc(100_000, ' ')))).toBe('MalformedEnvelope')
  })
})

describe('the encryption context', () => {
  const context = { encryptionContext: { tenant: 'one' } }
  const put = async (options: Options, which: keyof typeof keyrings) => {
    const Key = `context-${++objects}`
    await createEncryptingClient(s3, { keyring: keyrings[which], ...options }).putObject(
      { Bucket, Key, Body: plaintext },
      context,
    )
    return (encryptionContext: Record<string, string>) =>
      refusal(
        createEncryptingClient(s3, { keyring: keyrings[which], ...options }).getObject(
          { Bucket, Key },
          { encryptionContext },
        ) as never,
      )
  }

  test.each<[string, Options, keyof typeof keyrings]>([
    ['V3 under KMS', {}, 'kms'],
    ['V2 under KMS', V2, 'kms'],
    ['sealed under KMS', SEALED, 'kms'],
    ['sealed under AES', SEALED, 'aes'],
    ['sealed under RSA', SEALED, 'rsa'],
  ])('another than that of the object: %s', async (_, options, which) => {
    const read = await put(options, which)
    const wrongs: Record<string, string>[] = [{}, { tenant: 'two' }, { tenant: 'one', more: 'x' }, { Tenant: 'one' }]
    for (const wrong of wrongs) expect(await read(wrong)).toBe('EncryptionContextMismatch')
  })

  test('changed in the store, to what the reader expects, opens nothing', async () => {
    const expected = { encryptionContext: { tenant: 'two' } }
    const change = (name: string) => (fields: Stored['metadata']) => ({
      ...fields,
      [name]: fields[name]!.replace('one', 'two'),
    })
    const attack = async (options: Options, which: keyof typeof keyrings, name: string) => {
      const Key = `changed-${++objects}`
      await createEncryptingClient(s3, { keyring: keyrings[which], ...options }).putObject(
        { Bucket, Key, Body: plaintext },
        context,
      )
      await metadata(change(name))(Key)
      return refusal(
        createEncryptingClient(s3, { keyring: keyrings[which], ...options }).getObject(
          { Bucket, Key },
          expected,
        ) as never,
      )
    }
    expect(await attack({}, 'kms', 'x-amz-t')).toBe('DataKeyNotOpened')
    expect(await attack(V2, 'kms', 'x-amz-matdesc')).toBe('DataKeyNotOpened')
    expect(await attack(SEALED, 'aes', 'strongroom-context')).toBe('CommitmentMismatch')
    expect(await attack(SEALED, 'rsa', 'strongroom-context')).toBe('CommitmentMismatch')
  })
})

describe('keys', () => {
  test('another key of the same kind opens nothing', async () => {
    const Key = `foreign-${++objects}`
    await createEncryptingClient(s3, { keyring: keyrings.aes }).putObject({ Bucket, Key, Body: plaintext })
    const foreign = rawAesKeyring({ wrappingKey: randomBytes(32) })
    for (const create of [createEncryptingClient, web.createEncryptingClient])
      expect(await refusal(create(s3, { keyring: foreign }).getObject({ Bucket, Key }) as never)).toBe(
        'DataKeyNotOpened',
      )
    expect(
      await refusal(createEncryptingClient(s3, { keyring: keyrings.rsa }).getObject({ Bucket, Key }) as never),
    ).toBe('NoKeyringFits')
  })
})
