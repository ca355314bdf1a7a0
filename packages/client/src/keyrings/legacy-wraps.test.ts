/** Wraps by Java's own ciphers, which the S3 Encryption Client for Java used before format V2's. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { decodeBase64, encodeBase64 } from '../base64.ts'
import { legacyOaep } from '../node/legacy-oaep.ts'
import type { WrapAlgorithm } from '../suites.ts'
import type { Keyring } from './keyring.ts'
import { rawAesKeyring } from './raw-aes.ts'
import { rawRsaKeyring } from './raw-rsa.ts'
import { forContent } from './wraps.fixture.ts'

interface KnownWrap {
  readonly algorithm: WrapAlgorithm
  readonly wrapped: string
}

const vectors: {
  readonly privateKey: string
  readonly wrappingKey: string
  readonly dataKey: string
  readonly accepted: readonly KnownWrap[]
  readonly rejected: readonly (KnownWrap & { readonly why: string })[]
} = JSON.parse(readFileSync(new URL('../../vectors/legacy-wraps.json', import.meta.url), 'utf8'))

const AES = rawAesKeyring({ wrappingKey: decodeBase64(vectors.wrappingKey) })
const RSA = rawRsaKeyring({ privateKey: vectors.privateKey, legacyOaep })
const KEYRINGS: { readonly [algorithm in WrapAlgorithm]?: Keyring } = {
  'RSA/ECB/OAEPWithSHA-256AndMGF1Padding': RSA,
  AESWrap: AES,
  AES,
}

const unwrap = ({ algorithm, wrapped }: KnownWrap) =>
  KEYRINGS[algorithm]!.unwrap(
    { algorithm, bytes: decodeBase64(wrapped), description: {} },
    forContent('AES/CBC/PKCS5Padding'),
  )

test.each(vectors.accepted)('opens $algorithm', async (wrap) => {
  expect(encodeBase64((await unwrap(wrap))!.bytes())).toBe(vectors.dataKey)
})

test.each(vectors.rejected)('$algorithm, $why: refused', async (wrap) => {
  await expect(unwrap(wrap)).rejects.toMatchObject({ code: 'DataKeyNotOpened', message: 'the data key does not open' })
})
