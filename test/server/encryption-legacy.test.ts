/** Objects that no client writes any more: what Amazon SES stores, and formats V1 and V2 as old SDKs wrote them. */
import { createCipheriv, generateKeyPairSync, publicEncrypt, randomBytes } from 'node:crypto'
import { CreateKeyCommand, GenerateDataKeyCommand } from '@aws-sdk/client-kms'
import { CreateBucketCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import {
  createEncryptingClient,
  type EncryptingClientOptions,
  type Keyring,
  rawAesKeyring,
  rawRsaKeyring,
} from '@strongroom/client'
import { kmsKeyring } from '@strongroom/client/kms'
import * as web from '@strongroom/client/web'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { patterned, refusal, stored } from '../support/encryption.ts'
import { kmsClient, s3Client } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

const Bucket = 'legacy'
const plaintext = Buffer.from(patterned(100_000))
const ALLOW = { commitmentPolicy: 'REQUIRE_ENCRYPT_ALLOW_DECRYPT' } as const
const WRAPS = { ...ALLOW, enableLegacyWrappingAlgorithms: true } as const
const ALL = { ...WRAPS, enableLegacyUnauthenticatedModes: true } as const

let server: TestServer
let s3: S3Client
let kms: Keyring
let kmsKeyId: string
const wrappingKey = randomBytes(32)
const aes = rawAesKeyring({ wrappingKey })

beforeAll(async () => {
  server = await startServer()
  s3 = s3Client(server)
  await s3.send(new CreateBucketCommand({ Bucket }))
  const { KeyMetadata } = await kmsClient(server).send(new CreateKeyCommand({}))
  kmsKeyId = KeyMetadata!.Arn!
  kms = kmsKeyring({ client: kmsClient(server), keyId: kmsKeyId })
})
afterAll(() => server?.remove())

const put = (Key: string, Body: Uint8Array, Metadata: Record<string, string>) =>
  s3.send(new PutObjectCommand({ Bucket, Key, Body, Metadata }))
const get = (Key: string, options: EncryptingClientOptions, context = {}) =>
  createEncryptingClient(s3, options).getObject({ Bucket, Key }, context)
const b64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')

function gcm(key: Uint8Array, iv: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

function cbc(key: Uint8Array, iv: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-cbc', key, iv)
  return Buffer.concat([cipher.update(plaintext), cipher.final()])
}

describe('mail that Amazon SES stored', () => {
  // https://docs.aws.amazon.com/ses/latest/dg/receiving-email-action-s3.html: the context has no content algorithm.
  const context = () => ({
    kms_cmk_id: kmsKeyId,
    'aws:ses:message-id': 'm1',
    'aws:ses:rule-name': 'to-s3',
    'aws:ses:source-account': '000000000000',
  })

  beforeAll(async () => {
    const { CiphertextBlob, Plaintext } = await kmsClient(server).send(
      new GenerateDataKeyCommand({ KeyId: kmsKeyId, KeySpec: 'AES_256', EncryptionContext: context() }),
    )
    const iv = randomBytes(12)
    await put('mail', gcm(Plaintext!, iv), {
      'x-amz-key-v2': b64(CiphertextBlob!),
      'x-amz-iv': b64(iv),
      'x-amz-cek-alg': 'AES/GCM/NoPadding',
      'x-amz-wrap-alg': 'kms',
      'x-amz-tag-len': '128',
      'x-amz-matdesc': JSON.stringify(context()),
      'x-amz-unencrypted-content-length': String(plaintext.length),
    })
  })

  test('is read behind the switch, without knowing its context', async () => {
    const { Body } = await get('mail', { keyring: kms, ...WRAPS })
    expect(Buffer.from(await Body.transformToByteArray()).equals(plaintext)).toBe(true)
  })

  test('is read only if it has what the reader expects of it', async () => {
    const expecting = (name: string, value: string) =>
      get('mail', { keyring: kms, ...WRAPS }, { encryptionContext: { [name]: value } })
    expect((await expecting('aws:ses:rule-name', 'to-s3')).ContentLength).toBe(plaintext.length)
    expect(await refusal(expecting('aws:ses:rule-name', 'other') as never)).toBe('EncryptionContextMismatch')
  })

  test('is refused otherwise', async () => {
    expect(await refusal(get('mail', { keyring: kms }) as never)).toBe('CommitmentPolicyForbids')
    expect(await refusal(get('mail', { keyring: kms, ...ALLOW }) as never)).toBe('LegacyWrappingDisabled')
  })
})

describe('format V1 under AES', () => {
  beforeAll(async () => {
    const [dataKey, iv] = [randomBytes(32), randomBytes(16)]
    const ecb = createCipheriv('aes-256-ecb', wrappingKey, null)
    await put('v1', cbc(dataKey, iv), {
      'x-amz-key': b64(Buffer.concat([ecb.update(dataKey), ecb.final()])),
      'x-amz-iv': b64(iv),
      'x-amz-matdesc': '{}',
      'x-amz-unencrypted-content-length': String(plaintext.length),
    })
  })

  test.each([
    ['Node.js', createEncryptingClient],
    ['Web Crypto', web.createEncryptingClient],
  ])('is read behind both switches, on %s', async (_, create) => {
    const client = create(s3, { keyring: aes, ...ALL })
    const { Body } = await client.getObject({ Bucket, Key: 'v1' })
    expect(Buffer.from(await Body.transformToByteArray()).equals(plaintext)).toBe(true)
    expect((await client.headObject({ Bucket, Key: 'v1' })).ContentLength).toBeUndefined()
    for (const [Range, from, to] of [
      ['bytes=0-0', 0, 1],
      ['bytes=15-33', 15, 34],
      ['bytes=99990-', 99_990, 100_000],
    ] as const) {
      const part = await client.getObjectRangeUnauthenticated({ Bucket, Key: 'v1', Range })
      expect(Buffer.from(await part.Body.transformToByteArray()).equals(plaintext.subarray(from, to)), Range).toBe(true)
    }
  })

  test('is refused with either switch alone', async () => {
    const modes = { ...ALLOW, enableLegacyUnauthenticatedModes: true }
    expect(await refusal(get('v1', { keyring: aes, ...WRAPS }) as never)).toBe('UnauthenticatedModesDisabled')
    expect(await refusal(get('v1', { keyring: aes, ...modes }) as never)).toBe('LegacyWrappingDisabled')
  })

  test('cut to what is no whole block, it has one face', async () => {
    const client = createEncryptingClient(s3, { keyring: aes, ...ALL })
    const whole = await stored(s3, Bucket, 'v1')
    for (const length of [0, 15, 17, 99_999]) {
      await put(`v1-${length}`, whole.body.subarray(0, length), whole.metadata)
      expect(await refusal(client.getObject({ Bucket, Key: `v1-${length}` }) as never)).toBe('BodyNotAuthentic')
    }
  })
})

describe('format V2 under what nobody writes any more', () => {
  const dataKey = randomBytes(32)
  const iv = randomBytes(12)
  const fields = (wrap: string, wrapped: Uint8Array) => ({
    'x-amz-key-v2': b64(wrapped),
    'x-amz-iv': b64(iv),
    'x-amz-cek-alg': 'AES/GCM/NoPadding',
    'x-amz-wrap-alg': wrap,
    'x-amz-tag-len': '128',
    'x-amz-matdesc': '{}',
  })

  test('AESWrap', async () => {
    const kw = createCipheriv('id-aes256-wrap', wrappingKey, Buffer.alloc(8, 0xa6))
    await put('aeswrap', gcm(dataKey, iv), fields('AESWrap', Buffer.concat([kw.update(dataKey), kw.final()])))
    const { Body } = await get('aeswrap', { keyring: aes, ...WRAPS })
    expect(Buffer.from(await Body.transformToByteArray()).equals(plaintext)).toBe(true)
    expect(await refusal(get('aeswrap', { keyring: aes, ...ALLOW }) as never)).toBe('LegacyWrappingDisabled')
  })

  test('RSA by PKCS#1 v1.5 is never opened', async () => {
    const pair = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    })
    const wrapped = publicEncrypt({ key: pair.publicKey, padding: 1 }, dataKey)
    const v1 = { 'x-amz-key': b64(wrapped), 'x-amz-iv': b64(randomBytes(16)), 'x-amz-matdesc': '{}' }
    await put('v1-rsa', cbc(dataKey, randomBytes(16)), v1)
    expect(await refusal(get('v1-rsa', { keyring: rawRsaKeyring(pair), ...ALL }) as never)).toBe(
      'LegacyWrappingDisabled',
    )
    await put('v2-rsa', gcm(dataKey, iv), fields('RSA', wrapped))
    expect(await refusal(get('v2-rsa', { keyring: rawRsaKeyring(pair), ...ALL }) as never)).toBe('MalformedEnvelope')
  })
})
