/** @strongroom/client against a started server: what its users do, on both platforms. */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { CreateKeyCommand } from '@aws-sdk/client-kms'
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import * as node from '@strongroom/client'
import { kmsKeyring } from '@strongroom/client/kms'
import { passphraseKeyring } from '@strongroom/client/passphrase'
import * as web from '@strongroom/client/web'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { patterned, refusal, stored, trickled } from '../support/encryption.ts'
import { kmsClient, s3Client } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

const Bucket = 'encrypted'
let server: TestServer
let s3: S3Client
/** The SDK would sign a checksum of no body into a URL. */
let presigner: S3Client
let kmsKeyId: string

const aes = node.rawAesKeyring({ wrappingKey: randomBytes(32) })
const otherAes = node.rawAesKeyring({ wrappingKey: randomBytes(32), materialDescription: { key: 'other' } })
const { publicKey, privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
})
const rsa = node.rawRsaKeyring({ publicKey, privateKey })
const kms = () => kmsKeyring({ client: kmsClient(server), keyId: kmsKeyId })
const KEYRINGS: Record<string, () => node.Keyring> = {
  aes: () => aes,
  rsa: () => rsa,
  kms,
  passphrase: () => passphraseKeyring({ passphrase: 'correct horse battery staple', memoryKiB: 1024 }),
}

beforeAll(async () => {
  server = await startServer()
  s3 = s3Client(server)
  presigner = s3Client(server, { plain: true })
  presigner.config.requestChecksumCalculation = async () => 'WHEN_REQUIRED'
  await s3.send(new CreateBucketCommand({ Bucket }))
  kmsKeyId = (await kmsClient(server).send(new CreateKeyCommand({}))).KeyMetadata!.KeyId!
})
afterAll(() => server?.remove())

const plaintextOf = async (reading: Promise<{ Body: { transformToByteArray(): Promise<Uint8Array> } }>) =>
  Buffer.from(await (await reading).Body.transformToByteArray())

const WRITERS: Record<string, Omit<node.EncryptingClientOptions, 'keyring'>> = {
  V3: {},
  'V3 with an instruction file': { envelope: 'instruction-file' },
  V2: { commitmentPolicy: 'FORBID_ENCRYPT_ALLOW_DECRYPT' },
  'V2 with an instruction file': { commitmentPolicy: 'FORBID_ENCRYPT_ALLOW_DECRYPT', envelope: 'instruction-file' },
  sealed: { format: 'sealed' },
}
const SIZES = [0, 1, 15, 16, 17, 65_535, 65_536, 65_537, 1_200_000]

describe.each([
  ['Node.js', node],
  ['Web Crypto', web],
])('on %s', (_, { createEncryptingClient, createEncryptor }) => {
  describe.each(Object.entries(WRITERS))('%s', (name, options) => {
    test.each(Object.keys(KEYRINGS))('what %s wraps comes back', async (which) => {
      const client = createEncryptingClient(s3, { keyring: KEYRINGS[which]!(), ...options })
      const binds = which === 'kms' || name === 'sealed'
      const encryptionContext: Record<string, string> = binds ? { tenant: 'größe', document: '7' } : {}
      for (const size of SIZES) {
        const Key = `${name}/${which}/${size}`
        const plaintext = patterned(size)
        await client.putObject({ Bucket, Key, Body: plaintext, Metadata: { mine: 'own' } }, { encryptionContext })
        const reading = await client.getObject({ Bucket, Key }, { encryptionContext })
        expect(reading.ContentLength).toBe(size)
        expect(reading.Metadata).toEqual({ mine: 'own' })
        expect(Buffer.from(await reading.Body.transformToByteArray()).equals(plaintext)).toBe(true)
        expect((await client.headObject({ Bucket, Key })).ContentLength).toBe(size)
        const { body } = await stored(s3, Bucket, Key)
        if (size > 16) expect(Buffer.from(body).includes(Buffer.from(plaintext.subarray(0, 17)))).toBe(false)
      }
    })

    test('a stream of unknown length, in parts, with progress', async () => {
      const client = createEncryptingClient(s3, { keyring: aes, ...options, partBytes: 5 * 2 ** 20 })
      const plaintext = patterned(12 * 2 ** 20 + 1)
      const Key = `${name}/stream`
      const seen: number[] = []
      const onProgress = ({ bytes }: node.Progress) => seen.push(bytes)
      await client.putObject({ Bucket, Key, Body: trickled(plaintext) }, { onProgress })
      expect(seen.length).toBeGreaterThan(2)
      const { ContentLength, ETag } = await s3.send(new HeadObjectCommand({ Bucket, Key }))
      expect(ETag).toMatch(/-3"$/)
      expect(Math.max(...seen)).toBe(ContentLength)
      const down: number[] = []
      const reading = client.getObject({ Bucket, Key }, { onProgress: ({ bytes }) => down.push(bytes) })
      expect((await plaintextOf(reading)).equals(plaintext)).toBe(true)
      expect(down.at(-1)).toBe(ContentLength)
    })
  })

  test('a presigned URL carries what was encrypted for it, both ways', async () => {
    const encryptor = createEncryptor({ keyring: aes })
    const plaintext = patterned(100_000)
    const { body, metadata, contentLength } = await encryptor.encrypt(plaintext, { metadata: { mine: 'own' } })
    const bytes = await new Response(body as BodyInit).arrayBuffer()
    expect(bytes.byteLength).toBe(contentLength)
    const headers = Object.fromEntries(Object.entries(metadata).map(([field, value]) => [`x-amz-meta-${field}`, value]))
    const object = { Bucket, Key: 'presigned' }
    const put = await getSignedUrl(presigner, new PutObjectCommand({ ...object, Metadata: { ...metadata } }), {
      unhoistableHeaders: new Set(Object.keys(headers)),
    })
    expect((await fetch(put, { method: 'PUT', body: bytes, headers })).status).toBe(200)
    const reply = await fetch(await getSignedUrl(presigner, new GetObjectCommand(object)))
    const opened = await encryptor.decrypt({
      metadata: reply.headers,
      body: reply.body,
      contentLength: Number(reply.headers.get('content-length')),
    })
    expect(opened.contentLength).toBe(plaintext.length)
    expect(Buffer.from(await new Response(opened.body as BodyInit).arrayBuffer()).equals(plaintext)).toBe(true)
  })
})

describe('large bodies', () => {
  const plaintext = patterned(9 * 2 ** 20 + 5)
  const small = { keyring: aes, bufferBytes: 2 ** 20 }
  beforeAll(() => node.createEncryptingClient(s3, small).putObject({ Bucket, Key: 'large', Body: plaintext }))
  const reader = (largeBodies: node.LargeBodies, store = s3) =>
    node.createEncryptingClient(store, { ...small, largeBodies })

  test.each(['spill', 'read-twice'] as const)('%s', async (largeBodies) => {
    const reading = reader(largeBodies).getObject({ Bucket, Key: 'large' })
    expect((await plaintextOf(reading)).equals(plaintext)).toBe(true)
  })

  test('are refused where the caller says so, and in a browser', async () => {
    const get = { Bucket, Key: 'large' }
    expect(await refusal(reader('refuse').getObject(get) as never)).toBe('BodyTooLarge')
    expect(await refusal(web.createEncryptingClient(s3, small).getObject(get) as never)).toBe('BodyTooLarge')
    expect(() => web.createEncryptingClient(s3, { ...small, largeBodies: 'spill' })).toThrow('not valid')
  })

  test('a store that answers otherwise at the second reading gets nothing out', async () => {
    let readings = 0
    const lying = s3Client(server)
    lying.middlewareStack.add(
      (next) => async (args) => {
        const reply = await next(args)
        const output = reply.output as { Body?: unknown }
        if (!('Body' in output) || output.Body === undefined || ++readings < 2) return reply
        const bytes = Buffer.concat(await Readable.from(output.Body as AsyncIterable<Uint8Array>).toArray())
        bytes[100]! ^= 1
        output.Body = Readable.from([bytes])
        return reply
      },
      { step: 'initialize' },
    )
    expect(await refusal(reader('read-twice', lying).getObject({ Bucket, Key: 'large' }) as never)).toBe(
      'ChangedWhileRead',
    )
    expect(readings).toBe(2)
  })

  test('an object that is overwritten between the readings is not mixed', async () => {
    const Key = 'overwritten'
    const client = reader('read-twice')
    await client.putObject({ Bucket, Key, Body: plaintext })
    const { Body } = await client.getObject({ Bucket, Key })
    await client.putObject({ Bucket, Key, Body: patterned(9 * 2 ** 20 + 6) })
    await expect(Body.transformToByteArray()).rejects.toMatchObject({ name: 'PreconditionFailed' })
  })
})

describe('ranges', () => {
  const plaintext = patterned(300_000)
  const SPANS = [
    'bytes=0-0',
    'bytes=1-15',
    'bytes=65530-65545',
    'bytes=131072-',
    'bytes=-7',
    'bytes=299990-400000',
    'bytes=0-',
  ]
  const slice = (span: string) => {
    const [, first, last] = /bytes=(\d*)-(\d*)/.exec(span)!
    return first === ''
      ? plaintext.subarray(-Number(last))
      : plaintext.subarray(Number(first), last ? Number(last) + 1 : undefined)
  }

  test.each(SPANS)('of the sealed format are authenticated: %s', async (Range) => {
    const client = node.createEncryptingClient(s3, { keyring: aes, format: 'sealed' })
    await client.putObject({ Bucket, Key: 'ranged', Body: plaintext })
    const reading = await client.getObject({ Bucket, Key: 'ranged', Range })
    const wanted = slice(Range)
    expect((await plaintextOf(Promise.resolve(reading))).equals(wanted)).toBe(true)
    expect(reading.ContentLength).toBe(wanted.length)
    expect(reading.ContentRange).toMatch(/^bytes \d+-\d+\/300000$/)
  })

  test('a range behind the end is the store’s refusal', async () => {
    const client = node.createEncryptingClient(s3, { keyring: aes, format: 'sealed' })
    await client.putObject({ Bucket, Key: 'short', Body: 'short' })
    await expect(client.getObject({ Bucket, Key: 'short', Range: 'bytes=5-' })).rejects.toMatchObject({
      name: 'InvalidRange',
    })
  })

  test.each(['V3', 'V3 with an instruction file', 'V2'])(
    'of %s nothing authenticates, and the name says so',
    async (name) => {
      const options = { keyring: aes, commitmentPolicy: 'REQUIRE_ENCRYPT_ALLOW_DECRYPT' as const, ...WRITERS[name] }
      const client = node.createEncryptingClient(s3, options)
      const Key = `${name}/ranged`
      await client.putObject({ Bucket, Key, Body: plaintext })
      await expect(client.getObject({ Bucket, Key, Range: 'bytes=0-1' })).rejects.toMatchObject({
        code: 'UnsupportedParameter',
      })
      await expect(client.getObjectRangeUnauthenticated({ Bucket, Key, Range: 'bytes=0-1' })).rejects.toMatchObject({
        code: 'UnauthenticatedModesDisabled',
      })
      const legacy = node.createEncryptingClient(s3, { ...options, enableLegacyUnauthenticatedModes: true })
      for (const Range of SPANS) {
        const reading = legacy.getObjectRangeUnauthenticated({ Bucket, Key, Range })
        expect((await plaintextOf(reading)).equals(slice(Range)), Range).toBe(true)
      }
    },
  )
})

describe('instruction files', () => {
  const client = () => node.createEncryptingClient(s3, { keyring: aes, envelope: 'instruction-file' })

  test('go with the object when it is copied or deleted', async () => {
    await client().putObject({ Bucket, Key: 'filed', Body: 'text' })
    await client().copyObject({ Bucket, Key: 'copied', CopySource: `${Bucket}/filed` })
    expect((await plaintextOf(client().getObject({ Bucket, Key: 'copied' }))).toString()).toBe('text')
    await client().deleteObject({ Bucket, Key: 'filed' })
    await client().deleteObjects({ Bucket, Delete: { Objects: [{ Key: 'copied' }] } })
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'filed' }))
    const { Contents: copies = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'copied' }))
    expect([...Contents, ...copies].map(({ Key }) => Key)).toEqual([])
  })

  test('are encrypted anew under another key, and the object stays as it is', async () => {
    const Key = 'rotated'
    await client().putObject({ Bucket, Key, Body: 'text' })
    const before = await stored(s3, Bucket, Key)
    await client().reEncryptInstructionFile({ Bucket, Key }, { newKeyring: otherAes, enforceRotation: true })
    expect(await stored(s3, Bucket, Key)).toEqual(before)
    const rotated = node.createEncryptingClient(s3, { keyring: otherAes })
    expect((await plaintextOf(rotated.getObject({ Bucket, Key }))).toString()).toBe('text')
    expect(await refusal(client().getObject({ Bucket, Key }) as never)).toBe('DataKeyNotOpened')
    await rotated.reEncryptInstructionFile({ Bucket, Key }, { newKeyring: rsa, newInstructionFileSuffix: '.for-rsa' })
    const byRsa = node.createEncryptingClient(s3, { keyring: rsa, instructionFileSuffix: '.for-rsa' })
    expect((await plaintextOf(byRsa.getObject({ Bucket, Key }))).toString()).toBe('text')
    expect((await plaintextOf(rotated.getObject({ Bucket, Key }))).toString()).toBe('text')
  })

  test('are not encrypted anew where that would rotate nothing', async () => {
    const Key = 'kept'
    await client().putObject({ Bucket, Key, Body: 'text' })
    const object = { Bucket, Key }
    const to = (newKeyring: node.Keyring, more = {}) =>
      client().reEncryptInstructionFile(object, { newKeyring, ...more })
    await expect(to(aes)).rejects.toMatchObject({ code: 'UnsupportedParameter' })
    await expect(to(kms())).rejects.toMatchObject({ code: 'UnsupportedParameter' })
    await expect(to(otherAes, { newInstructionFileSuffix: '.other' })).rejects.toMatchObject({
      code: 'UnsupportedParameter',
    })
    expect((await plaintextOf(client().getObject(object))).toString()).toBe('text')
  })
})

describe('another key for an object', () => {
  test.each(Object.entries(WRITERS).filter(([name]) => name !== 'V2'))('%s', async (name, options) => {
    const Key = `rewrapped ${name}/ö`
    const settings = { commitmentPolicy: 'REQUIRE_ENCRYPT_ALLOW_DECRYPT' as const, ...options }
    const client = node.createEncryptingClient(s3, { keyring: aes, ...settings })
    const encryptionContext: Record<string, string> = name === 'sealed' ? { tenant: 'one' } : {}
    await client.putObject(
      { Bucket, Key, Body: 'text', Metadata: { mine: 'own' }, ContentType: 'text/plain', CacheControl: 'no-store' },
      { encryptionContext },
    )
    const before = await stored(s3, Bucket, Key)
    await client.rewrapObject({ Bucket, Key }, { newKeyring: otherAes, enforceRotation: true, encryptionContext })
    expect((await stored(s3, Bucket, Key)).body).toEqual(before.body)
    const reader = node.createEncryptingClient(s3, { keyring: otherAes, ...settings })
    const reading = await reader.getObject({ Bucket, Key }, { encryptionContext })
    expect(reading).toMatchObject({ Metadata: { mine: 'own' }, ContentType: 'text/plain', CacheControl: 'no-store' })
    expect(await reading.Body.transformToString()).toBe('text')
    expect(await refusal(client.getObject({ Bucket, Key }, { encryptionContext }) as never)).toBe('DataKeyNotOpened')
    expect((await reader.headObject({ Bucket, Key })).Encryption?.encryptionContext).toEqual(
      name === 'sealed' ? encryptionContext : undefined,
    )
  })

  test.each(Object.entries(WRITERS).filter(([name]) => name !== 'V2'))(
    '%s: is passed over where it has the new one alone',
    async (name, options) => {
      const Key = `passed over ${name}`
      const both = node.multiKeyring({ generator: otherAes, children: [aes] })
      const client = node.createEncryptingClient(s3, { keyring: aes, ...options })
      await node.createEncryptingClient(s3, { keyring: both, ...options }).putObject({ Bucket, Key, Body: 'text' })
      const to = (newKeyring: node.Keyring) =>
        client.rewrapObject({ Bucket, Key }, { newKeyring, passOverWrapped: true })
      // In the sealed format the old key is still among the wraps, which is not what was asked for.
      expect(await to(otherAes)).toBe(name === 'sealed')
      expect(await to(otherAes)).toBe(false)
      const reader = node.createEncryptingClient(s3, { keyring: otherAes, ...options })
      const back = { newKeyring: aes, passOverWrapped: true }
      expect(await reader.rewrapObject({ Bucket, Key }, back)).toBe(true)
      expect((await plaintextOf(client.getObject({ Bucket, Key }))).toString()).toBe('text')
    },
  )
})

describe('as the SDK’s client', () => {
  const client = () => node.createEncryptingClient(s3, { keyring: aes })

  test('commands go through it', async () => {
    const Key = 'sent'
    await client().send(new PutObjectCommand({ Bucket, Key, Body: 'text' }))
    const { Body } = await client().send(new GetObjectCommand({ Bucket, Key }))
    expect(await Body!.transformToString()).toBe('text')
    expect(Buffer.from((await stored(s3, Bucket, Key)).body).includes('text')).toBe(false)
    const { Contents = [] } = await client().send(new ListObjectsV2Command({ Bucket, Prefix: Key }))
    expect(Contents.map((each) => each.Key)).toEqual([Key])
  })

  test('those that would carry clear bytes do not', async () => {
    const create = client().send(new CreateMultipartUploadCommand({ Bucket, Key: 'parts' }))
    await expect(create).rejects.toMatchObject({ code: 'UnsupportedCommand' })
    const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket }))
    expect(Uploads).toEqual([])
  })

  test.each([
    ['ContentMD5', { ContentMD5: 'XrY7u+Ae7tCTyyK7j1rNww==' }],
    ['a checksum', { ChecksumSHA256: 'x' }],
    ['an envelope’s name', { Metadata: { 'x-amz-3': 'x' } }],
    ['metadata that leaves no room', { Metadata: { big: 'x'.repeat(2000) } }],
    ['another length', { ContentLength: 3 }],
    ['a length past the format', { ContentLength: 2 ** 36 }],
  ])('a put with %s is refused, and nothing is stored', async (what, input) => {
    const Key = `refused/${what}`
    await expect(client().putObject({ Bucket, Key, Body: 'text', ...input })).rejects.toBeInstanceOf(
      node.EncryptionError,
    )
    await expect(s3.send(new HeadObjectCommand({ Bucket, Key }))).rejects.toMatchObject({ name: 'NotFound' })
  })

  test('a reserved name in the context of KMS is refused', async () => {
    const client = node.createEncryptingClient(s3, { keyring: kms() })
    const encryptionContext = { 'aws:x-amz-cek-alg': '115' }
    await expect(client.putObject({ Bucket, Key: 'reserved', Body: '' }, { encryptionContext })).rejects.toMatchObject({
      code: 'ReservedName',
    })
  })

  test('a context that the wrap cannot bind is refused, when writing and when reading', async () => {
    const encryptionContext = { tenant: 'one' }
    const Key = 'unbound'
    for (const keyring of [aes, rsa]) {
      const client = node.createEncryptingClient(s3, { keyring })
      await client.putObject({ Bucket, Key, Body: 'text' })
      const put = client.putObject({ Bucket, Key, Body: 'other' }, { encryptionContext })
      await expect(put).rejects.toMatchObject({ code: 'EncryptionContextMismatch' })
      expect(await refusal(client.getObject({ Bucket, Key }, { encryptionContext }) as never)).toBe(
        'EncryptionContextMismatch',
      )
      expect((await plaintextOf(client.getObject({ Bucket, Key }))).toString()).toBe('text')
    }
  })

  test('a body that fails half way leaves no object and no upload', async () => {
    async function* failing() {
      for (let i = 0; i < 12; i++) yield new Uint8Array(2 ** 20)
      throw new Error('the disk is gone')
    }
    const put = client().putObject({ Bucket, Key: 'half', Body: failing() })
    await expect(put).rejects.toThrow('the disk is gone')
    const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket }))
    expect(Uploads).toEqual([])
    await expect(s3.send(new HeadObjectCommand({ Bucket, Key: 'half' }))).rejects.toMatchObject({ name: 'NotFound' })
  })

  test('a put can be called off', async () => {
    const controller = new AbortController()
    async function* endless() {
      for (;;) {
        yield new Uint8Array(2 ** 20)
        if (!controller.signal.aborted) setTimeout(() => controller.abort(), 50)
      }
    }
    const put = client().putObject({ Bucket, Key: 'endless', Body: endless() }, { abortSignal: controller.signal })
    await expect(put).rejects.toMatchObject({ name: 'AbortError' })
  })

  test('a reading can be called off', async () => {
    const Key = 'long'
    await client().putObject({ Bucket, Key, Body: patterned(9 * 2 ** 20) })
    const controller = new AbortController()
    const onProgress = ({ bytes }: node.Progress) => bytes > 2 ** 20 && controller.abort()
    const reading = client().getObject({ Bucket, Key }, { onProgress, abortSignal: controller.signal })
    await expect(reading).rejects.toMatchObject({ name: 'AbortError' })
  })

  test('copies keep the envelope, whatever user metadata they get', async () => {
    await client().putObject({ Bucket, Key: 'copy/from', Body: 'text', Metadata: { mine: 'own' } })
    const copy = { Bucket, CopySource: `${Bucket}/copy/from` }
    await client().copyObject({ ...copy, Key: 'copy/same' })
    await client().copyObject({ ...copy, Key: 'copy/new', MetadataDirective: 'REPLACE', Metadata: { new: 'one' } })
    const same = await client().getObject({ Bucket, Key: 'copy/same' })
    const anew = await client().getObject({ Bucket, Key: 'copy/new' })
    expect([same.Metadata, anew.Metadata]).toEqual([{ mine: 'own' }, { new: 'one' }])
    expect([await same.Body.transformToString(), await anew.Body.transformToString()]).toEqual(['text', 'text'])
    await s3.send(new PutObjectCommand({ Bucket, Key: 'clear', Body: 'text' }))
    await expect(client().copyObject({ ...copy, CopySource: `${Bucket}/clear`, Key: 'copy/no' })).rejects.toMatchObject(
      {
        code: 'NotEncrypted',
      },
    )
  })

  test('what the store says is what the SDK says', async () => {
    await expect(client().getObject({ Bucket, Key: 'absent' })).rejects.toMatchObject({ name: 'NoSuchKey' })
    await expect(client().headObject({ Bucket, Key: 'absent' })).rejects.toMatchObject({ name: 'NotFound' })
    const { ETag } = await client().putObject({ Bucket, Key: 'conditional', Body: 'text' })
    await expect(
      client().putObject({ Bucket, Key: 'conditional', Body: 'other', IfNoneMatch: '*' }),
    ).rejects.toMatchObject({ name: 'PreconditionFailed' })
    await expect(client().getObject({ Bucket, Key: 'conditional', IfNoneMatch: ETag })).rejects.toMatchObject({
      $metadata: { httpStatusCode: 304 },
    })
  })
})
