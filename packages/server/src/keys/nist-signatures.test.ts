/** Signatures held against NIST's own vectors (vectors/nist.json names them), by what Sign and Verify call. */
import { constants, createHash, createPrivateKey, createPublicKey, publicDecrypt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { SigningAlgorithm } from './algorithms.ts'
import { encodePss, type SignatureHash } from './rsa-encoding.ts'
import { bytes, derOf, forms } from './signatures.fixture.ts'
import { isSignature, makeSignature, type Signed } from './signatures.ts'

interface EcdsaRow {
  readonly curve: keyof typeof CURVES
  readonly qx: string
  readonly qy: string
  readonly r: string
  readonly s: string
}
interface AcvpRow {
  readonly tcId: number
  readonly testPassed: boolean
  readonly reason: string
  readonly message: string
}
interface Vectors {
  readonly ecdsaOfDigests: readonly (EcdsaRow & AcvpRow)[]
  readonly ecdsa: readonly (EcdsaRow & { readonly result: string; readonly msg: string })[]
  readonly eddsa: readonly (AcvpRow & {
    readonly preHash: boolean
    readonly d?: string
    readonly q: string
    readonly signature: string
  })[]
  readonly rsaPss: readonly {
    readonly mod: number
    readonly n: string
    readonly e: string
    readonly tests: readonly PssRow[]
  }[]
}
interface PssRow {
  readonly hash: SignatureHash
  readonly msg: string
  readonly s: string
  readonly salt: string
}

const CURVES = {
  'P-256': { algorithm: 'ECDSA_SHA_256', hexDigits: 64 },
  'P-384': { algorithm: 'ECDSA_SHA_384', hexDigits: 96 },
  'P-521': { algorithm: 'ECDSA_SHA_512', hexDigits: 132 },
} as const
const nist: Vectors = JSON.parse(readFileSync(new URL('vectors/nist.json', import.meta.url), 'utf8'))
const base64url = (hex: string) => bytes(hex).toString('base64url')

describe('ECDSA', () => {
  test.each(nist.ecdsaOfDigests)('$curve of a digest, $tcId: $reason', async ({ message, testPassed, ...row }) => {
    const { algorithm } = CURVES[row.curve]
    const signed = { algorithm, messageType: 'DIGEST', message: bytes(message) } as const
    expect(await isSignature(publicKeyOf(row), signed, signatureOf(row))).toBe(testPassed)
  })

  test.each(nist.ecdsa)('$curve: $result', async ({ msg, result, ...row }) => {
    const isValid = result.startsWith('P')
    for (const signed of forms(CURVES[row.curve].algorithm, bytes(msg))) {
      expect(await isSignature(publicKeyOf(row), signed, signatureOf(row))).toBe(isValid)
    }
  })

  /** Some numbers of the files are without their leading zeros. */
  const padded = ({ curve }: EcdsaRow, hex: string) => hex.padStart(CURVES[curve].hexDigits, '0')
  const signatureOf = (row: EcdsaRow) => derOf(bytes(padded(row, row.r)), bytes(padded(row, row.s)))
  function publicKeyOf(row: EcdsaRow) {
    const [x, y] = [base64url(padded(row, row.qx)), base64url(padded(row, row.qy))]
    return createPublicKey({ key: { kty: 'EC', crv: row.curve, x, y }, format: 'jwk' })
  }
})

test.each(nist.eddsa)('Ed25519, prehashed $preHash, $tcId: $reason', async (row) => {
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: base64url(row.q) }, format: 'jwk' })
  const message = bytes(row.message)
  const signed: Signed = row.preHash
    ? { algorithm: 'ED25519_PH_SHA_512', messageType: 'DIGEST', message }
    : { algorithm: 'ED25519_SHA_512', messageType: 'RAW', message }
  expect(await isSignature(publicKey, signed, bytes(row.signature))).toBe(row.testPassed)
  if (row.d === undefined) return
  const pair = { kty: 'OKP', crv: 'Ed25519', x: base64url(row.q), d: base64url(row.d) }
  const made = await makeSignature(createPrivateKey({ key: pair, format: 'jwk' }), signed)
  expect(Buffer.from(made).toString('hex').toUpperCase()).toBe(row.signature)
})

describe.each(nist.rsaPss)('RSASSA-PSS, $mod bits', ({ n, e, tests }) => {
  const key = createPublicKey({ key: { kty: 'RSA', n: base64url(n), e: base64url(e) }, format: 'jwk' })
  const algorithmOf = ({ hash }: PssRow) => `RSASSA_PSS_SHA_${hash.slice(3)}` as SigningAlgorithm
  const verified = (algorithm: SigningAlgorithm, msg: string, s: string) =>
    Promise.all(forms(algorithm, bytes(msg)).map((signed) => isSignature(key, signed, bytes(s))))

  test.each(tests)('%#: $hash, salt $salt', async (row) => {
    // The KMS has salts as long as the hash only; what NIST signed with others is a signature of another scheme.
    const isOurs = bytes(row.salt).length === createHash(row.hash).digest().length
    expect(await verified(algorithmOf(row), row.msg, row.s)).toEqual([isOurs, isOurs])

    const encoded = publicDecrypt({ key, padding: constants.RSA_NO_PADDING }, bytes(row.s))
    const digest = createHash(row.hash).update(bytes(row.msg)).digest()
    expect(encodePss(digest, row.hash, encoded.length, bytes(row.salt))).toEqual(encoded)
  })

  test('a signature is of its own message and hash only', async () => {
    for (const { msg, s } of tests) {
      for (const other of tests) {
        if (other.s !== s) expect(await verified(algorithmOf(other), other.msg, s)).toEqual([false, false])
      }
      expect(await verified('RSASSA_PSS_SHA_512', msg, s)).toEqual([false, false])
    }
  })
})
