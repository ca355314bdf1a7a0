import { describe, expect, test } from 'vitest'
import { encodeBase64 } from '../base64.ts'
import type { EncryptionErrorCode } from '../errors.ts'
import type { Envelope } from './envelope.ts'
import { readEnvelope } from './read-envelope.ts'
import { withUserMetadata, writeEnvelope } from './write-envelope.ts'

type Fields = Record<string, string>

const b64 = (length: number, fill = 7) => encodeBase64(new Uint8Array(length).fill(fill))

const V1: Fields = { 'x-amz-key': b64(48), 'x-amz-iv': b64(16), 'x-amz-matdesc': '{}' }
const V2: Fields = {
  'x-amz-key-v2': b64(60),
  'x-amz-iv': b64(12),
  'x-amz-cek-alg': 'AES/GCM/NoPadding',
  'x-amz-wrap-alg': 'AES/GCM',
  'x-amz-tag-len': '128',
  'x-amz-matdesc': '{"who":"me"}',
}
const V3_OBJECT: Fields = { 'x-amz-c': '115', 'x-amz-d': b64(28), 'x-amz-i': b64(28) }
const V3_KEYS: Fields = { 'x-amz-3': b64(60), 'x-amz-w': '02', 'x-amz-m': '{"who":"me"}' }
const V3: Fields = { ...V3_OBJECT, ...V3_KEYS }
const SEALED: Fields = {
  'strongroom-sealed': '1',
  'strongroom-header': b64(72),
  'strongroom-keys': JSON.stringify([{ w: '02', k: b64(60) }]),
  'strongroom-context': '{"a":"b"}',
}

const without = (fields: Fields, ...names: string[]) =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)))

const read = (metadata: Fields, file?: Fields | string) =>
  readEnvelope(metadata, async () => (typeof file === 'object' ? JSON.stringify(file) : file))

describe('reads', () => {
  const CBC = { ...without(V2, 'x-amz-tag-len'), 'x-amz-cek-alg': 'AES/CBC/PKCS5Padding', 'x-amz-iv': b64(16) }
  test.each<[string, Fields, Fields | string | undefined, Partial<Envelope>, string?]>([
    ['V1', V1, undefined, { format: 'V1', contentAlgorithm: 'AES/CBC/PKCS5Padding' }],
    ['V2', V2, undefined, { format: 'V2', contentAlgorithm: 'AES/GCM/NoPadding' }],
    ['V2 with what nobody trusts', { ...V2, 'x-amz-unencrypted-content-length': '9' }, undefined, { format: 'V2' }],
    ['V2 without a description', without(V2, 'x-amz-matdesc'), undefined, { format: 'V2' }],
    ['V2 in CBC', CBC, undefined, { format: 'V2', contentAlgorithm: 'AES/CBC/PKCS5Padding' }],
    [
      'V2 in CBC by Ruby’s name',
      { ...CBC, 'x-amz-cek-alg': 'AES/CBC/PKCS7Padding' },
      undefined,
      { contentAlgorithm: 'AES/CBC/PKCS5Padding' },
    ],
    ['V3', V3, undefined, { format: 'V3', contentAlgorithm: '115' }],
    ['V3 without a description', without(V3, 'x-amz-m'), undefined, { format: 'V3' }],
    ['the sealed format', SEALED, undefined, { format: 'sealed', encryptionContext: { a: 'b' } }],
    ['V3, key in a file', V3_OBJECT, V3_KEYS, { format: 'V3' }, 'instruction-file'],
    ['V2 in a file', {}, V2, { format: 'V2' }, 'instruction-file'],
    ['V2 in a file of Ruby', { 'x-amz-unencrypted-content-length': '9' }, V2, { format: 'V2' }, 'instruction-file'],
    ['V2 in CBC in a file of Go', {}, { ...CBC, 'x-amz-tag-len': '' }, { format: 'V2' }, 'instruction-file'],
    ['V1 in a file', {}, V1, { format: 'V1' }, 'instruction-file'],
    [
      'names in capitals',
      Object.fromEntries(Object.entries(V3).map(([name, value]) => [name.toUpperCase(), value])),
      undefined,
      { format: 'V3' },
    ],
  ])('%s', async (_, metadata, file, expected, location = 'metadata') => {
    expect(await read({ ...metadata, mine: 'own' }, file)).toMatchObject({ envelope: expected, location })
  })

  test('the context of KMS from its own field, and nothing of the other', async () => {
    const kms = { ...V3, 'x-amz-w': '12', 'x-amz-t': '{"aws:x-amz-cek-alg":"115"}' }
    const { envelope } = await read(kms)
    expect(envelope.wrapped[0]?.description).toEqual({ 'aws:x-amz-cek-alg': '115' })
  })

  test.each([
    ['plain', '{"größe":"1"}'],
    ['escaped', '{"gr\\u00f6\\u00dfe":"1"}'],
    ['UTF-8 read as Latin-1', Buffer.from('{"größe":"1"}').toString('latin1')],
    ['an encoded word', `=?UTF-8?B?${Buffer.from('{"größe":"1"}').toString('base64')}?=`],
    ['an encoded word in Q', '=?UTF-8?Q?{"gr=C3=B6=C3=9Fe":"1"}?='],
    [
      'both, as AWS has it',
      `=?UTF-8?B?${Buffer.from(Buffer.from('{"größe":"1"}').toString('latin1')).toString('base64')}?=`,
    ],
  ])('descriptions that are not ASCII: %s', async (_, text) => {
    const { envelope } = await read({ ...V2, 'x-amz-matdesc': text })
    expect(envelope.wrapped[0]?.description).toEqual({ größe: '1' })
  })
})

describe('refuses', () => {
  const refused: [string, EncryptionErrorCode, Fields, (Fields | string)?][] = [
    ['what has no envelope', 'NotEncrypted', { mine: 'own' }],
    ['V2 with fields of V3 put in', 'MixedFormats', { ...V2, 'x-amz-c': '115', 'x-amz-w': '02' }],
    ['V3 with a key of V2 put in', 'MixedFormats', { ...V3, 'x-amz-key-v2': b64(60) }],
    ['V3 with an IV', 'MixedFormats', { ...V3, 'x-amz-iv': b64(12) }],
    ['V1 and V2', 'MixedFormats', { ...V2, 'x-amz-key': b64(48) }],
    ['V1 with an algorithm', 'MixedFormats', { ...V1, 'x-amz-cek-alg': 'AES/GCM/NoPadding' }],
    ['sealed with fields of V3', 'MixedFormats', { ...SEALED, 'x-amz-c': '115' }],
    ['V1 and V2 in a file', 'MixedFormats', {}, { ...V2, 'x-amz-key': b64(48) }],
    ...['x-amz-c', 'x-amz-d', 'x-amz-i'].map(
      (name) =>
        [`V3 whose file holds ${name}`, 'InstructionFileTampered', V3_OBJECT, { ...V3_KEYS, [name]: V3[name]! }] as [
          string,
          EncryptionErrorCode,
          Fields,
          Fields,
        ],
    ),
    ['V3 all in a file', 'InstructionFileTampered', {}, V3],
    ['V2 whose file holds a field of V3', 'InstructionFileTampered', {}, { ...V2, 'x-amz-d': b64(28) }],
    ['a file with a field that nobody writes', 'InstructionFileTampered', V3_OBJECT, { ...V3_KEYS, other: 'x' }],
    ['V3 whose file is missing', 'MalformedEnvelope', V3_OBJECT],
    ['V3 with a wrap and no key', 'MalformedEnvelope', { ...V3_OBJECT, 'x-amz-w': '02' }, V3_KEYS],
    ['a file that is no JSON', 'MalformedEnvelope', {}, 'no'],
    ['a file that is a list', 'MalformedEnvelope', {}, '[]'],
    ['a file that holds numbers', 'MalformedEnvelope', {}, '{"x-amz-key-v2":1}'],
    ['an empty file', 'MalformedEnvelope', {}, '{}'],
    ...[27, 29, 0].flatMap((length): [string, EncryptionErrorCode, Fields][] => [
      [`a commitment of ${length} bytes`, 'MalformedEnvelope', { ...V3, 'x-amz-d': b64(length) }],
      [`a message id of ${length} bytes`, 'MalformedEnvelope', { ...V3, 'x-amz-i': b64(length) }],
    ]),
    ['a message id of zeros', 'MalformedEnvelope', { ...V3, 'x-amz-i': b64(28, 0) }],
    ['another content algorithm in V3', 'MalformedEnvelope', { ...V3, 'x-amz-c': '114' }],
    ['another wrap in V3', 'MalformedEnvelope', { ...V3, 'x-amz-w': '03' }],
    ['a name where V3 has a code', 'MalformedEnvelope', { ...V3, 'x-amz-w': 'AES/GCM' }],
    ['a key that is no base64', 'MalformedEnvelope', { ...V3, 'x-amz-3': '!!' }],
    ['GCM relabelled as CBC', 'MalformedEnvelope', { ...V2, 'x-amz-cek-alg': 'AES/CBC/PKCS5Padding' }],
    ['GCM without its tag’s length', 'MalformedEnvelope', without(V2, 'x-amz-tag-len')],
    ['GCM with its tag’s length empty', 'MalformedEnvelope', { ...V2, 'x-amz-tag-len': '' }],
    ['a short tag', 'MalformedEnvelope', { ...V2, 'x-amz-tag-len': '96' }],
    ['an IV of GCM with 16 bytes', 'MalformedEnvelope', { ...V2, 'x-amz-iv': b64(16) }],
    ['an unknown content algorithm', 'MalformedEnvelope', { ...V2, 'x-amz-cek-alg': 'AES/CTR/NoPadding' }],
    ['an unknown wrap', 'MalformedEnvelope', { ...V2, 'x-amz-wrap-alg': 'constructor' }],
    ['V1’s wrap under V2’s name', 'MalformedEnvelope', { ...V2, 'x-amz-wrap-alg': 'AES' }],
    ['a description that is no JSON', 'MalformedEnvelope', { ...V2, 'x-amz-matdesc': '{' }],
    ['V1 without a description', 'MalformedEnvelope', without(V1, 'x-amz-matdesc')],
    ['V1 under RSA', 'LegacyWrappingDisabled', { ...V1, 'x-amz-key': b64(256) }],
    ['another version of the sealed format', 'MalformedEnvelope', { ...SEALED, 'strongroom-sealed': '2' }],
    ['a sealed object without wraps', 'MalformedEnvelope', { ...SEALED, 'strongroom-keys': '[]' }],
    [
      'a sealed object with a wrap of more',
      'MalformedEnvelope',
      { ...SEALED, 'strongroom-keys': '[{"w":"02","k":"","x":1}]' },
    ],
    ['a sealed object with a short header', 'MalformedEnvelope', { ...SEALED, 'strongroom-header': b64(71) }],
    ...Object.keys(V2)
      .filter((name) => !['x-amz-matdesc', 'x-amz-key-v2'].includes(name))
      .map((name): [string, EncryptionErrorCode, Fields] => [
        `V2 without ${name}`,
        'MalformedEnvelope',
        without(V2, name),
      ]),
    ...['x-amz-c', 'x-amz-d', 'x-amz-i', 'x-amz-w'].map((name): [string, EncryptionErrorCode, Fields] => [
      `V3 without ${name}`,
      'MalformedEnvelope',
      without(V3, name),
    ]),
    ['fields of V2 on the object and in a file', 'MalformedEnvelope', { 'x-amz-iv': b64(12) }, V2],
  ]
  test.each(refused)('%s', async (_, code, metadata, file?: Fields | string) => {
    await expect(read(metadata, file)).rejects.toMatchObject({ name: 'EncryptionError', code })
  })
})

describe('what is written is read again', () => {
  const bytes = (length: number) => new Uint8Array(length).fill(3)
  const description = { größe: '…', '\u{1f511}': 'key', word: '=?utf-8?q?no=20word?=' }
  const envelopes: [string, Envelope][] = [
    [
      'V3',
      {
        format: 'V3',
        contentAlgorithm: '115',
        wrapped: [{ algorithm: 'RSA-OAEP-SHA1', bytes: bytes(256), description }],
        messageId: bytes(28),
        commitment: bytes(28),
      },
    ],
    [
      'V3 under KMS',
      {
        format: 'V3',
        contentAlgorithm: '115',
        wrapped: [{ algorithm: 'kms+context', bytes: bytes(150), description }],
        messageId: bytes(28),
        commitment: bytes(28),
      },
    ],
    [
      'V2',
      {
        format: 'V2',
        contentAlgorithm: 'AES/GCM/NoPadding',
        wrapped: [{ algorithm: 'AES/GCM', bytes: bytes(60), description: {} }],
        iv: bytes(12),
      },
    ],
    [
      'sealed',
      {
        format: 'sealed',
        contentAlgorithm: 'strongroom/sealed/1',
        wrapped: [
          { algorithm: 'AES/GCM', bytes: bytes(60), description },
          { algorithm: 'RSA-OAEP-SHA1', bytes: bytes(256), description: {} },
        ],
        encryptionContext: description,
        header: bytes(72),
      },
    ],
  ]
  test.each(envelopes)('%s', async (_, envelope) => {
    const { metadata } = writeEnvelope(envelope, 'metadata')
    for (const value of Object.values(metadata)) expect(value).toMatch(/^[\x20-\x7e]*$/)
    expect(await read({ ...metadata })).toEqual({ envelope, location: 'metadata' })
    if (envelope.format === 'sealed') return
    const split = writeEnvelope(envelope, 'instruction-file')
    expect(await read({ ...split.metadata }, split.instructionFile)).toEqual({ envelope, location: 'instruction-file' })
  })

  test('the caller’s metadata stays, and may use no name of an envelope', () => {
    expect(withUserMetadata({ mine: 'own' }, { 'x-amz-c': '115' })).toEqual({ mine: 'own', 'x-amz-c': '115' })
    for (const name of ['x-amz-C', 'X-Amz-Key-V2', 'strongroom-keys'])
      expect(() => withUserMetadata({ [name]: '' }, {})).toThrow(expect.objectContaining({ code: 'ReservedName' }))
  })

  test('what S3 would refuse as too large is refused before', () => {
    expect(() => withUserMetadata({ a: 'x'.repeat(2047) }, {})).not.toThrow()
    expect(() => withUserMetadata({ a: 'x'.repeat(2048) }, {})).toThrow(
      expect.objectContaining({ code: 'EnvelopeTooLarge' }),
    )
    expect(() => withUserMetadata({ a: 'ö'.repeat(1024) }, {})).toThrow(
      expect.objectContaining({ code: 'EnvelopeTooLarge' }),
    )
  })
})
