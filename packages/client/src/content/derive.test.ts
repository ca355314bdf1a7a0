/** Known answers of vectors/bodies.json, and what is refused in their place. */
import { readFileSync } from 'node:fs'
import { DataKey } from '@strongroom/crypto'
import { describe, expect, test } from 'vitest'
import { nodePlatform } from '../node/platform.ts'
import { chunked, hex, PLATFORMS } from './bodies.fixture.ts'
import { collect } from './chunks.ts'
import { deriveCommitted, deriveVerified } from './derive.ts'
import { decryptGcmBody, encryptGcmBody } from './gcm-body.ts'

const known = JSON.parse(readFileSync(new URL('../../vectors/bodies.json', import.meta.url), 'utf8'))
const counting = (from: number, length: number) => Uint8Array.from({ length }, (_, i) => from + i)
const dataKey = () => new DataKey(counting(0, 32))
const MESSAGE_ID = hex(known.V3.messageId)
const COMMITMENT = hex(known.V3.commitment)
const KEY = hex(known.V3.key)
const PLAINTEXT = new TextEncoder().encode(known.plaintext)
const V3_BODY = hex(known.V3.body)
const V2 = { key: counting(0, 32), iv: hex(known.V2.iv) }
const V2_BODY = hex(known.V2.body)

test('a writer gets commitment and key', async () => {
  const { commitment, parameters } = await deriveCommitted(dataKey(), MESSAGE_ID)
  expect(commitment).toEqual(COMMITMENT)
  expect(parameters).toEqual({ key: KEY, iv: new Uint8Array(12).fill(1), associatedData: hex('0073') })
})

test('a reader gets the key against the commitment', async () => {
  expect((await deriveVerified(dataKey(), MESSAGE_ID, COMMITMENT)).key).toEqual(KEY)
})

test('no other commitment, data key or message id will do', async () => {
  for (let bit = 0; bit < COMMITMENT.length * 8; bit++) {
    const other = COMMITMENT.slice()
    other[bit >>> 3]! ^= 1 << (bit & 7)
    await expect(deriveVerified(dataKey(), MESSAGE_ID, other)).rejects.toMatchObject({ code: 'CommitmentMismatch' })
  }
  const mismatch = { code: 'CommitmentMismatch' }
  await expect(deriveVerified(new DataKey(counting(1, 32)), MESSAGE_ID, COMMITMENT)).rejects.toMatchObject(mismatch)
  await expect(deriveVerified(dataKey(), counting(0x21, 28), COMMITMENT)).rejects.toMatchObject(mismatch)
})

test.each([
  ['a commitment too short', MESSAGE_ID, COMMITMENT.slice(0, 27)],
  ['a commitment too long', MESSAGE_ID, Uint8Array.from([...COMMITMENT, 0])],
  ['no commitment', MESSAGE_ID, new Uint8Array(0)],
  ['a message id too short', MESSAGE_ID.slice(1), COMMITMENT],
  ['a message id too long', Uint8Array.from([...MESSAGE_ID, 0]), COMMITMENT],
  ['a message id of zeros', new Uint8Array(28), COMMITMENT],
])('%s is malformed', async (_, messageId, commitment) => {
  await expect(deriveVerified(dataKey(), messageId, commitment)).rejects.toMatchObject({ code: 'MalformedEnvelope' })
})

describe.each(PLATFORMS)('bodies on %s', (_, platform) => {
  test.each([
    ['V2', async () => V2, V2_BODY],
    ['V3', async () => (await deriveCommitted(dataKey(), MESSAGE_ID)).parameters, V3_BODY],
  ])('%s', async (_, parameters, body) => {
    expect(await collect(encryptGcmBody(platform, chunked(PLAINTEXT, 5), await parameters()))).toEqual(body)
    const { plaintextBytes, chunks } = await decryptGcmBody(platform, {
      sealed: chunked(body, 5),
      sealedBytes: body.length,
      parameters: await parameters(),
      bufferBytes: 100,
      large: 'refuse',
    })
    expect(plaintextBytes).toBe(PLAINTEXT.length)
    expect(await collect(chunks)).toEqual(PLAINTEXT)
  })
})

test('one format does not open the body of the other', async () => {
  const v3 = { sealed: chunked(V3_BODY), sealedBytes: V3_BODY.length, parameters: V2, bufferBytes: 100 } as const
  await expect(decryptGcmBody(nodePlatform, { ...v3, large: 'refuse' })).rejects.toMatchObject({
    code: 'BodyNotAuthentic',
  })
})
