/** The Amazon S3 Encryption Clients of the AWS SDKs for Ruby and Go, over this server's S3 and KMS. */
import { randomBytes } from 'node:crypto'
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  CONTEXT,
  type EncryptedObjects,
  installed,
  type Kind,
  openEncryptedObjects,
  passes,
  RUBY_KINDS,
} from '../support/encrypted-objects.ts'
import type { EncryptedObject } from '../support/encryption-clients.ts'

let objects: EncryptedObjects
beforeAll(async () => {
  objects = await openEncryptedObjects()
}, 180_000)
afterAll(() => objects?.close())

async function envelopeOf(written: EncryptedObject): Promise<Record<string, string>> {
  if (written.envelope !== 'instruction_file') return (await objects.head(written)).metadata
  const where = { Bucket: written.bucket, Key: `${written.objectKey}.instruction` }
  const { Body } = await objects.s3.send(new GetObjectCommand(where))
  return JSON.parse(await Body!.transformToString())
}

describe.skipIf(!installed.ruby)('Ruby', () => {
  test.each(RUBY_KINDS)('V2, $wrap, in $envelope: there and back', (kind) =>
    passes(() => objects.object(kind), objects.ruby, objects.ruby),
  )

  test.each(['aes', 'rsa', 'kms'] as const)('V1, %s: there, and back by V2 with legacy reading alone', async (wrap) => {
    const { object, ruby } = objects
    const body = randomBytes(1000)
    const written = object({ wrap, generation: 'V1' })
    await ruby.put(written, body)
    expect(await ruby.get(written)).toEqual(body)
    await expect(ruby.get({ ...written, generation: 'V2' })).rejects.toThrow(/LegacyDecryptionError/)
    expect(await ruby.get({ ...written, generation: 'V2', legacy: true })).toEqual(body)
  })

  test('what it writes is where and what the formats say', async () => {
    const { object, ruby, head } = objects
    const plain = object({ wrap: 'kms', encryptionContext: { a: 'b' } })
    await ruby.put(plain, randomBytes(100))
    expect((await head(plain)).size).toBe(116)
    const metadata = await envelopeOf(plain)
    expect(metadata).toMatchObject({ 'x-amz-wrap-alg': 'kms+context', 'x-amz-cek-alg': 'AES/GCM/NoPadding' })
    expect(JSON.parse(metadata['x-amz-matdesc']!)).toEqual({ 'aws:x-amz-cek-alg': 'AES/GCM/NoPadding', a: 'b' })

    const apart = object({ wrap: 'aes', envelope: 'instruction_file' })
    await ruby.put(apart, randomBytes(100))
    expect(Object.keys((await head(apart)).metadata)).toEqual(['x-amz-unencrypted-content-length'])

    const first = object({ wrap: 'aes', generation: 'V1' })
    await ruby.put(first, randomBytes(54))
    expect((await head(first)).size).toBe(64)
    expect(Buffer.from((await envelopeOf(first))['x-amz-key']!, 'base64')).toHaveLength(48)
  })

  test('a body changed in the store is refused', async () => {
    const { object, ruby, s3 } = objects
    const written = object({ wrap: 'aes' })
    await ruby.put(written, randomBytes(100))
    const where = { Bucket: written.bucket, Key: written.objectKey }
    const { Body, Metadata } = await s3.send(new GetObjectCommand(where))
    const body = await Body!.transformToByteArray()
    body[50]! ^= 1
    await s3.send(new PutObjectCommand({ ...where, Body: body, Metadata }))
    await expect(ruby.get(written)).rejects.toThrow(/OpenSSL::Cipher::CipherError/)
  })
})

describe.skipIf(!installed.go)('Go', () => {
  test.each(['metadata', 'instruction_file'] as const)('V2, kms, in %s: there and back', (envelope) =>
    passes(() => objects.object({ wrap: 'kms', envelope, encryptionContext: CONTEXT }), objects.go, objects.go),
  )

  test.each([
    { content: 'GCM', envelope: 'metadata', name: 'AES/GCM/NoPadding' },
    { content: 'CBC', envelope: 'instruction_file', name: 'AES/CBC/PKCS5Padding' },
  ] as const)('V1, kms, $content: there, and back by V2 with legacy reading alone', async ({ name, ...kind }) => {
    const { object, go } = objects
    const body = randomBytes(1000)
    const written = object({ wrap: 'kms', generation: 'V1', ...kind })
    await go.put(written, body)
    expect(await envelopeOf(written)).toMatchObject({ 'x-amz-wrap-alg': 'kms', 'x-amz-cek-alg': name })
    const reading = { ...written, generation: 'V2' } as const
    await expect(go.get(reading)).rejects.toThrow(/InvalidWrapAlgorithmError/)
    expect(await go.get({ ...reading, legacy: true })).toEqual(body)
  })
})

describe.skipIf(!installed.ruby || !installed.go)('Ruby and Go', () => {
  test.each(['metadata', 'instruction_file'] as const)('V2, kms, in %s: written by either', async (envelope) => {
    const { object, ruby, go } = objects
    const kind: Kind = { wrap: 'kms', envelope, encryptionContext: CONTEXT }
    await passes(() => object(kind), ruby, go)
    await passes(() => object(kind), go, ruby)
  })

  test('V1, kms with CBC of Ruby, by Go', async () => {
    const { object, ruby, go } = objects
    const body = randomBytes(1000)
    const written = object({ wrap: 'kms', generation: 'V1' })
    await ruby.put(written, body)
    expect(await go.get({ ...written, generation: 'V2', legacy: true })).toEqual(body)
  })
})
