/** What can be imported into an asymmetric key, in whatever encoding, and what cannot. */
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { expect, test } from 'vitest'
import { identityOf } from './fitting-material.ts'
import type { KeySpec } from './key-specs.ts'
import type { KmsKey } from './kms-records.ts'

const keyOf = (keySpec: KeySpec) => ({ arn: 'arn', keySpec }) as unknown as KmsKey
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey
const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength }).privateKey
const spki = (key: KeyObject): Buffer => createPublicKey(key).export({ type: 'spki', format: 'der' })
const pkcs8 = (key: KeyObject): Buffer => key.export({ type: 'pkcs8', format: 'der' })

const KEYS: Partial<Record<KeySpec, KeyObject>> = {
  RSA_2048: rsa(2048),
  RSA_3072: rsa(3072),
  ECC_NIST_P256: ec('prime256v1'),
  ECC_NIST_P384: ec('secp384r1'),
  ECC_NIST_P521: ec('secp521r1'),
  ECC_SECG_P256K1: ec('secp256k1'),
  ECC_NIST_EDWARDS25519: generateKeyPairSync('ed25519').privateKey,
}
const SPECS = Object.keys(KEYS) as KeySpec[]

test.each(SPECS)('%s takes private keys of its own kind only', (spec) => {
  for (const other of SPECS) {
    const bytes = pkcs8(KEYS[other]!)
    if (other === spec) expect(Buffer.compare(identityOf(keyOf(spec), bytes), spki(KEYS[other]!))).toBe(0)
    else {
      expect(() => identityOf(keyOf(spec), bytes)).toThrow(expect.objectContaining({ code: 'KmsMaterialIncorrect' }))
    }
  }
  const bytes = pkcs8(KEYS[spec]!)
  for (const bad of [bytes.subarray(1), bytes.subarray(0, -1), Buffer.alloc(32, 1), new Uint8Array(0)]) {
    expect(() => identityOf(keyOf(spec), bad)).toThrow(expect.objectContaining({ code: 'KmsMaterialIncorrect' }))
  }
})

test('one private key in two encodings is one material', () => {
  const { d, crv } = KEYS.ECC_NIST_P256!.export({ format: 'jwk' })
  expect(crv).toBe('P-256')
  // RFC 5915 leaves it open whether the public key stands beside the private one.
  const head = Buffer.from(
    '3041020100301306072a8648ce3d020106082a8648ce3d0301070427302502010104 20'.replace(' ', ''),
    'hex',
  )
  const short = Buffer.concat([head, Buffer.from(d!, 'base64url')])
  const key = keyOf('ECC_NIST_P256')
  expect(Buffer.compare(identityOf(key, short), identityOf(key, pkcs8(KEYS.ECC_NIST_P256!)))).toBe(0)
})

test('a private key that does not fit the public one beside it is none', () => {
  const [one, two] = [pkcs8(ec('prime256v1')), pkcs8(ec('prime256v1'))]
  // The last 65 bytes are the point.
  const mixed = Buffer.concat([one.subarray(0, -65), two.subarray(-65)])
  expect(() => identityOf(keyOf('ECC_NIST_P256'), mixed)).toThrow(
    expect.objectContaining({ code: 'KmsMaterialIncorrect' }),
  )
})
