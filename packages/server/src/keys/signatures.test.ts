/** Signatures and OAEP held against published vectors (vectors/asymmetric.json names them), as messages and as digests. */
import {
  constants,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  publicEncrypt,
  randomBytes,
} from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { HASH_BYTES, type MessageType, SIGNING_ALGORITHMS, type SigningAlgorithm, signingFacts } from './algorithms.ts'
import { signEcdsa } from './digest-signatures.ts'
import { oaepDecrypt } from './oaep.ts'
import { encodePss, isPss } from './rsa-encoding.ts'
import { bytes, derOf, forms } from './signatures.fixture.ts'
import { isSignature, makeSignature, requireSignable } from './signatures.ts'

interface Row {
  readonly tcId: number
  readonly comment: string
  readonly msg: string
  readonly sig: string
  readonly result: 'valid' | 'invalid' | 'acceptable'
}
interface Ed25519Row {
  readonly seed: string
  readonly public: string
  readonly msg: string
  readonly sig: string
}
interface Rfc6979Key {
  readonly curve: string
  readonly algorithm: SigningAlgorithm
  readonly x: string
  readonly y: string
  readonly d: string
  readonly signatures: readonly { readonly message: string; readonly r: string; readonly s: string }[]
}
interface Vectors {
  readonly rsa: {
    readonly privateKeyPkcs8: string
    readonly pkcs1: readonly Row[]
    readonly pss: readonly Row[]
    readonly oaepSha256: readonly { readonly tcId: number; readonly msg: string; readonly ct: string }[]
  }
  readonly ecdsaP256: { readonly publicKeyDer: string; readonly msg: string; readonly tests: readonly Row[] }
  readonly rfc6979: readonly Rfc6979Key[]
  readonly rfc8032: { readonly ed25519: readonly Ed25519Row[]; readonly ed25519ph: readonly Ed25519Row[] }
}
const vectors: Vectors = JSON.parse(readFileSync(new URL('vectors/asymmetric.json', import.meta.url), 'utf8'))
const der = (key: Buffer, type: 'pkcs8') => createPrivateKey({ key, format: 'der', type })

describe('RSA, of Wycheproof', () => {
  const privateKey = der(bytes(vectors.rsa.privateKeyPkcs8), 'pkcs8')
  const publicKey = createPublicKey(privateKey)
  const verified = (algorithm: SigningAlgorithm, msg: string, sig: Uint8Array) =>
    Promise.all(forms(algorithm, bytes(msg)).map((signed) => isSignature(publicKey, signed, sig)))

  test.each(vectors.rsa.pkcs1)('PKCS #1 v1.5, $tcId: $comment', async ({ msg, sig, result }) => {
    const isValid = result === 'valid'
    expect(await verified('RSASSA_PKCS1_V1_5_SHA_256', msg, bytes(sig))).toEqual([isValid, isValid])
    // The scheme has no chance in it, so a valid signature is what we make.
    const made = forms('RSASSA_PKCS1_V1_5_SHA_256', bytes(msg)).map((signed) => makeSignature(privateKey, signed))
    for (const one of await Promise.all(made)) expect(Buffer.from(one).toString('hex') === sig).toBe(isValid)
  })

  test.each(vectors.rsa.pss)('PSS, $tcId: $comment', async ({ msg, sig, result }) => {
    const isValid = result === 'valid'
    expect(await verified('RSASSA_PSS_SHA_256', msg, bytes(sig))).toEqual([isValid, isValid])
  })

  const { msg, sig } = vectors.rsa.pss[0]!
  const modulus = Buffer.from(publicKey.export({ format: 'jwk' }).n!, 'base64url')
  const zero = Buffer.alloc(256)
  const oneLess = Buffer.from(modulus)
  oneLess[255]! -= 1
  const DERIVED: readonly (readonly [number, string, Uint8Array])[] = [
    [99, 'signature is 0', zero],
    [100, 'signature is 1', Buffer.concat([zero.subarray(1), Buffer.from([1])])],
    [101, 'signature is n-1', oneLess],
    [102, 'signature is n', modulus],
    [104, "prepending 0's to signature", Buffer.concat([zero.subarray(0, 2), bytes(sig)])],
    [105, "appending 0's to signature", Buffer.concat([bytes(sig), zero.subarray(0, 2)])],
    [106, 'truncated signature', bytes(sig).subarray(0, -2)],
    [107, 'empty signature', Buffer.alloc(0)],
    [108, 'PKCS #1 v1.5 signature with SHA-256', bytes(vectors.rsa.pkcs1[0]!.sig)],
  ]
  test.each(DERIVED)('PSS, %d: %s', async (_, __, wrong) => {
    expect(await verified('RSASSA_PSS_SHA_256', msg, wrong)).toEqual([false, false])
    expect(await verified('RSASSA_PKCS1_V1_5_SHA_512', msg, wrong)).toEqual([false, false])
  })

  test.each(vectors.rsa.oaepSha256)('OAEP, $tcId', ({ msg, ct }) => {
    const pair = { privateKey, publicKey }
    expect(Buffer.from(oaepDecrypt(pair, 'RSAES_OAEP_SHA_256', bytes(ct))).toString('hex')).toBe(msg)
    const flipped = bytes(ct)
    flipped[100]! ^= 1
    for (const wrong of [flipped, bytes(ct).subarray(1), Buffer.alloc(0), modulus]) {
      expect(() => oaepDecrypt(pair, 'RSAES_OAEP_SHA_256', wrong)).toThrow('KmsCiphertextInvalid')
    }
    expect(() => oaepDecrypt(pair, 'RSAES_OAEP_SHA_1', bytes(ct))).toThrow('KmsCiphertextInvalid')
  })

  test.each(['RAW', 'DIGEST'] as const)('%s: a signature without its leading 0 is none', async (messageType) => {
    for (const algorithm of ['RSASSA_PSS_SHA_256', 'RSASSA_PKCS1_V1_5_SHA_256'] as const) {
      for (let i = 0; ; i++) {
        const signed = { algorithm, messageType, message: createHash('sha256').update(`${i}`).digest() }
        const signature = await makeSignature(privateKey, signed)
        if (signature[0] !== 0) continue
        expect(await isSignature(publicKey, signed, signature)).toBe(true)
        expect(await isSignature(publicKey, signed, signature.subarray(1))).toBe(false)
        break
      }
    }
  })

  test('a ciphertext without its leading 0 is none', () => {
    const pair = { privateKey, publicKey }
    for (;;) {
      const oaep = { key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }
      const sealed = publicEncrypt(oaep, Buffer.from('x'))
      if (sealed[0] !== 0) continue
      expect(Buffer.from(oaepDecrypt(pair, 'RSAES_OAEP_SHA_256', sealed)).toString()).toBe('x')
      expect(() => oaepDecrypt(pair, 'RSAES_OAEP_SHA_256', sealed.subarray(1))).toThrow('KmsCiphertextInvalid')
      break
    }
  })

  test('any bit of a PSS encoding matters', () => {
    const digest = createHash('sha384').update('x').digest()
    const encoded = encodePss(digest, 'sha384', 256, randomBytes(48))
    expect(isPss(encoded, digest, 'sha384')).toBe(true)
    for (let at = 0; at < 256 * 8; at++) {
      const wrong = Uint8Array.from(encoded)
      wrong[at >> 3]! ^= 1 << (at & 7)
      if (isPss(wrong, digest, 'sha384')) throw new Error(`bit ${at} does not matter`)
    }
  })
})

describe('ECDSA', () => {
  const { publicKeyDer, msg, tests } = vectors.ecdsaP256
  test.each(tests)('Wycheproof, $tcId: $comment', async ({ sig, result }) => {
    const key = createPublicKey({ key: bytes(publicKeyDer), format: 'der', type: 'spki' })
    const seen = forms('ECDSA_SHA_256', bytes(msg)).map((signed) => isSignature(key, signed, bytes(sig)))
    expect(await Promise.all(seen)).toEqual([result === 'valid', result === 'valid'])
  })

  const cases = vectors.rfc6979.flatMap(({ signatures, ...key }) =>
    signatures.map((signature) => ({ ...key, ...signature })),
  )
  test.each(cases)('RFC 6979, $curve, $message', async ({ curve, algorithm, x, y, d, message, r, s }) => {
    const base64url = (hex: string) => bytes(hex).toString('base64url')
    const jwk = { kty: 'EC', crv: curve, x: base64url(x), y: base64url(y), d: base64url(d) }
    const privateKey = createPrivateKey({ key: jwk, format: 'jwk' })
    const [raw, digest] = forms(algorithm, Buffer.from(message))
    const expected = derOf(bytes(r), bytes(s))
    expect(Buffer.from(signEcdsa(privateKey, digest.message, false)).toString('hex')).toBe(expected.toString('hex'))
    const publicKey = createPublicKey(privateKey)
    for (const signed of [raw, digest]) expect(await isSignature(publicKey, signed, expected)).toBe(true)
  })
})

test.each([
  ['ED25519_SHA_512', 'RAW', vectors.rfc8032.ed25519],
  ['ED25519_PH_SHA_512', 'DIGEST', vectors.rfc8032.ed25519ph],
] as const)('%s, of RFC 8032', async (algorithm, messageType, rows) => {
  for (const { seed, public: point, msg, sig } of rows) {
    const privateKey = der(Buffer.concat([bytes('302e020100300506032b657004220420'), bytes(seed)]), 'pkcs8')
    const publicKey = createPublicKey(privateKey)
    expect(publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('hex')).toBe(point)
    const signed = { algorithm, messageType, message: bytes(msg) }
    expect(Buffer.from(await makeSignature(privateKey, signed)).toString('hex')).toBe(sig)
    expect(await isSignature(publicKey, signed, bytes(sig))).toBe(true)
    const flipped = bytes(sig)
    flipped[40]! ^= 1
    for (const wrong of [flipped, bytes(sig).subarray(1), Buffer.alloc(0)]) {
      expect(await isSignature(publicKey, signed, wrong)).toBe(false)
    }
  }
})

const PAIRS: Readonly<Record<string, readonly [() => { privateKey: KeyObject; publicKey: KeyObject }, RegExp]>> = {
  'RSA 2048': [() => generateKeyPairSync('rsa', { modulusLength: 2048 }), /^RSASSA/],
  'P-256': [() => generateKeyPairSync('ec', { namedCurve: 'prime256v1' }), /^ECDSA_SHA_256/],
  'P-384': [() => generateKeyPairSync('ec', { namedCurve: 'secp384r1' }), /^ECDSA_SHA_384/],
  'P-521': [() => generateKeyPairSync('ec', { namedCurve: 'secp521r1' }), /^ECDSA_SHA_512/],
  secp256k1: [() => generateKeyPairSync('ec', { namedCurve: 'secp256k1' }), /^ECDSA_SHA_256/],
  Ed25519: [() => generateKeyPairSync('ed25519'), /^ED25519/],
}
test.each(Object.entries(PAIRS))('%s: what one way signs the other verifies', async (_, [make, algorithms]) => {
  const { privateKey, publicKey } = make()
  for (const algorithm of (Object.keys(SIGNING_ALGORITHMS) as SigningAlgorithm[]).filter((one) =>
    algorithms.test(one),
  )) {
    const { messageTypes } = signingFacts(algorithm)
    const both = messageTypes.length === 2
    const all = both ? forms(algorithm, randomBytes(100)) : [signedBy(algorithm, messageTypes[0]!)]
    for (const signed of all) {
      for (let i = 0; i < 4; i++) {
        const signature = await makeSignature(privateKey, signed)
        for (const other of all) expect(await isSignature(publicKey, other, signature)).toBe(true)
        const message = Uint8Array.from(signed.message)
        message[5]! ^= 1
        expect(await isSignature(publicKey, { ...signed, message }, signature)).toBe(false)
      }
    }
  }
})

test('what an algorithm does not take as its message', () => {
  const refused: [SigningAlgorithm, MessageType, number, string][] = [
    ['RSASSA_PSS_SHA_256', 'DIGEST', 31, 'Digest is invalid length for algorithm RSASSA_PSS_SHA_256.'],
    ['RSASSA_PSS_SHA_256', 'DIGEST', 33, 'Digest is invalid length for algorithm RSASSA_PSS_SHA_256.'],
    ['RSASSA_PKCS1_V1_5_SHA_384', 'DIGEST', 32, 'Digest is invalid length for algorithm RSASSA_PKCS1_V1_5_SHA_384.'],
    ['ECDSA_SHA_512', 'DIGEST', 48, 'Digest is invalid length for algorithm ECDSA_SHA_512.'],
    ['ED25519_PH_SHA_512', 'DIGEST', 32, 'Digest is invalid length for algorithm ED25519_PH_SHA_512.'],
    ['ED25519_PH_SHA_512', 'RAW', 64, 'MessageType RAW is not valid for algorithm ED25519_PH_SHA_512.'],
    ['ED25519_SHA_512', 'DIGEST', 64, 'MessageType DIGEST is not valid for algorithm ED25519_SHA_512.'],
    ['ML_DSA_SHAKE_256', 'DIGEST', 64, 'MessageType DIGEST is not valid for algorithm ML_DSA_SHAKE_256.'],
  ]
  for (const [algorithm, messageType, length, message] of refused) {
    const check = () => requireSignable({ algorithm, messageType, message: Buffer.alloc(length) })
    expect(check).toThrow(expect.objectContaining({ code: 'KmsValidation', detail: { message } }))
  }
  for (const [algorithm, facts] of Object.entries(SIGNING_ALGORITHMS) as [SigningAlgorithm, object][]) {
    const { messageTypes, hash } = signingFacts(algorithm)
    expect(facts).toHaveProperty('scheme')
    for (const messageType of messageTypes) {
      const message = Buffer.alloc(messageType === 'DIGEST' ? HASH_BYTES[hash!] : 4096)
      expect(() => requireSignable({ algorithm, messageType, message })).not.toThrow()
    }
  }
})

function signedBy(algorithm: SigningAlgorithm, messageType: MessageType) {
  return { algorithm, messageType, message: randomBytes(messageType === 'DIGEST' ? 64 : 100) }
}
