/** Both platforms read what docs/formats/client-sealed-object.md gives, and refuse what it refuses. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { Encryptor } from './client/encryptor.ts'
import { plaintextBytesOf } from './client/plaintext-size.ts'
import { collect } from './content/chunks.ts'
import { openSealedRange } from './content/sealed-body.ts'
import { bytesOf } from './content/sources.ts'
import { readEnvelope } from './envelope/read-envelope.ts'
import type { EncryptionErrorCode } from './errors.ts'
import type { Description, Keyring } from './keyrings/keyring.ts'
import { rawAesKeyring } from './keyrings/raw-aes.ts'
import { rawRsaKeyring } from './keyrings/raw-rsa.ts'
import { nodePlatform } from './node/platform.ts'
import { openEnvelope } from './open-envelope.ts'
import type { Platform } from './platform.ts'
import { webPlatform } from './web/platform.ts'

interface Vector {
  readonly name: string
  readonly metadata: Readonly<Record<string, string>>
  readonly body: string
  readonly reader: { readonly aes?: string; readonly rsa?: string; readonly encryptionContext: Description }
  readonly range?: readonly [start: number, endExclusive: number]
  readonly plaintext?: string
  readonly refused?: keyof typeof CODES
}

/** What is thrown, by the rule that a vector breaks. */
const CODES = {
  C2: 'MalformedEnvelope',
  'C2 mixed': 'MixedFormats',
  C3: 'MalformedEnvelope',
  C4: 'MalformedEnvelope',
  C5: 'DataKeyNotOpened',
  'C5 kind': 'NoKeyringFits',
  C6: 'EncryptionContextMismatch',
  C7: 'CommitmentMismatch',
  C8: 'BodyNotAuthentic',
  C9: 'BodyNotAuthentic',
} as const satisfies Record<string, EncryptionErrorCode>

const vectors = JSON.parse(
  readFileSync(new URL('../vectors/client-sealed-1.json', import.meta.url), 'utf8'),
) as readonly Vector[]

describe.each(Object.entries({ node: nodePlatform, web: webPlatform }))('%s', (_name, platform) => {
  test.each(vectors)('$name', async (vector) => {
    const opened = vector.range ? openRange(platform, vector, vector.range) : openWhole(platform, vector)
    if (vector.refused) await expect(opened).rejects.toMatchObject({ code: CODES[vector.refused] })
    else expect(Buffer.from(await opened).toString('base64')).toBe(vector.plaintext)
  })
})

const keyringOf = ({ aes, rsa }: Vector['reader']): Keyring =>
  rsa === undefined
    ? rawAesKeyring({ wrappingKey: Buffer.from(aes!, 'hex') })
    : rawRsaKeyring({ privateKey: `-----BEGIN PRIVATE KEY-----\n${rsa}\n-----END PRIVATE KEY-----` })

async function openWhole(platform: Platform, { metadata, body, reader }: Vector): Promise<Uint8Array> {
  const encryptor = new Encryptor(platform, { keyring: keyringOf(reader) })
  const stored = Buffer.from(body, 'base64')
  const reply = { metadata, body: stored, contentLength: stored.length }
  const decrypted = await encryptor.decrypt(reply, { encryptionContext: reader.encryptionContext })
  const plaintext = await collect(bytesOf(decrypted.body))
  expect(plaintext.length).toBe(decrypted.contentLength)
  const { envelope } = await readEnvelope(metadata, async () => undefined)
  expect(plaintextBytesOf(envelope, stored.length)).toBe(plaintext.length)
  return plaintext
}

async function openRange(
  platform: Platform,
  { metadata, body, reader }: Vector,
  [start, endExclusive]: readonly [number, number],
): Promise<Uint8Array> {
  const stored = Buffer.from(body, 'base64')
  const { envelope } = await readEnvelope(metadata, async () => undefined)
  const key = await openEnvelope(envelope, keyringOf(reader), reader.encryptionContext)
  if (key.kind !== 'sealed') throw new Error('a vector of another format')
  const fetch = async (from: number, to: number) => bytesOf(stored.subarray(from, to))
  const sealed = { header: key.header, sealedBytes: stored.length, range: { start, endExclusive }, fetch }
  return collect((await openSealedRange(platform, sealed, key.dataKey, key.context)).chunks)
}
