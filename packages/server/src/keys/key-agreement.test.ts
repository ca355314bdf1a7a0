/** Shared secrets held against Wycheproof's (vectors/asymmetric.json), and public keys that are none. */
import { createECDH, createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { sharedSecret } from './key-agreement.ts'

interface Row {
  readonly tcId: number
  readonly comment: string
  readonly public: string
  readonly private: string
  readonly shared: string
}
const vectors: { readonly ecdhP256: readonly Row[] } = JSON.parse(
  readFileSync(new URL('vectors/asymmetric.json', import.meta.url), 'utf8'),
)
const bytes = (hex: string) => Buffer.from(hex, 'hex')

function privateKeyOf(scalar: Buffer) {
  const ecdh = createECDH('prime256v1')
  ecdh.setPrivateKey(scalar)
  const point = ecdh.getPublicKey()
  const [x, y, d] = [point.subarray(1, 33), point.subarray(33), scalar].map((part) => part.toString('base64url'))
  return createPrivateKey({ key: { kty: 'EC', crv: 'P-256', x: x!, y: y!, d: d! }, format: 'jwk' })
}

test.each(vectors.ecdhP256)('Wycheproof, $tcId: $comment', (row) => {
  const secret = sharedSecret(privateKeyOf(bytes(row.private)), bytes(row.public))
  expect(Buffer.from(secret!).toString('hex')).toBe(row.shared)
})

test('only a point of the same curve is a public key', () => {
  const [row] = vectors.ecdhP256
  const privateKey = privateKeyOf(bytes(row!.private))
  const offCurve = bytes(row!.public)
  offCurve[offCurve.length - 1]! ^= 1
  const others = [
    generateKeyPairSync('ec', { namedCurve: 'secp384r1' }),
    generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
    generateKeyPairSync('ed25519'),
    generateKeyPairSync('x25519'),
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ].map(({ publicKey }) => publicKey.export({ type: 'spki', format: 'der' }))
  const noKeys = [offCurve, bytes(row!.public).subarray(0, -1), bytes(row!.public).subarray(26), Buffer.alloc(0)]
  for (const wrong of [...others, ...noKeys]) expect(sharedSecret(privateKey, wrong)).toBeUndefined()
})
