/** Data key pairs and secrets that are agreed on, from outside. */
import {
  createECDH,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  sign,
  verify,
} from 'node:crypto'
import {
  CreateAliasCommand,
  CreateGrantCommand,
  CreateKeyCommand,
  type DataKeyPairSpec,
  DecryptCommand,
  DeriveSharedSecretCommand,
  DisableKeyCommand,
  GenerateDataKeyPairCommand,
  GenerateDataKeyPairWithoutPlaintextCommand,
  GetPublicKeyCommand,
  type KeySpec,
  type KMSClient,
  PutKeyPolicyCommand,
} from '@aws-sdk/client-kms'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { keysOfKinds, newKey, publicKeyOf, readSpki } from '../support/asymmetric.ts'
import { importInto, newExternalKey } from '../support/import.ts'
import { failure, kmsClient } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

let server: TestServer
let kms: KMSClient
let symmetric: { KeyId: string; Arn: string }
const user = { name: 'ann', accessKeyId: 'AKIAANN', secretAccessKey: 'secretann' }
const ann = 'arn:aws:iam::000000000000:user/ann'
beforeAll(async () => {
  server = await startServer({ config: { accounts: [{ id: '000000000000', users: [user] }] } })
  kms = kmsClient(server)
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}))
  symmetric = { KeyId: KeyMetadata!.KeyId!, Arn: KeyMetadata!.Arn! }
})
afterAll(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error/)
  await server.remove()
})
const keyOf = keysOfKinds(() => kms)
const theirs = () => kmsClient(server, { credentials: user })
const spki = (key: ReturnType<typeof readSpki>) => key.export({ type: 'spki', format: 'der' })
const KIND = { type: 'pkcs8', format: 'der' } as const

const PAIRS: readonly (readonly [DataKeyPairSpec, string, object])[] = [
  ['RSA_2048', 'rsa', { modulusLength: 2048, publicExponent: 65537n }],
  ['RSA_3072', 'rsa', { modulusLength: 3072, publicExponent: 65537n }],
  ['RSA_4096', 'rsa', { modulusLength: 4096, publicExponent: 65537n }],
  ['ECC_NIST_P256', 'ec', { namedCurve: 'prime256v1' }],
  ['ECC_NIST_P384', 'ec', { namedCurve: 'secp384r1' }],
  ['ECC_NIST_P521', 'ec', { namedCurve: 'secp521r1' }],
  ['ECC_SECG_P256K1', 'ec', { namedCurve: 'secp256k1' }],
  ['ECC_NIST_EDWARDS25519', 'ed25519', {}],
]

describe('data key pairs', () => {
  test.each(PAIRS)('%s, with and without its private key', async (KeyPairSpec, type, details) => {
    const EncryptionContext = { for: KeyPairSpec }
    const input = { KeyId: symmetric.KeyId, KeyPairSpec, EncryptionContext }
    const whole = await kms.send(new GenerateDataKeyPairCommand(input))
    expect(whole).toMatchObject({
      KeyId: symmetric.Arn,
      KeyPairSpec,
      KeyMaterialId: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    const { PrivateKeyCiphertextBlob: CiphertextBlob, PrivateKeyPlaintext } = whole
    const opened = await kms.send(new DecryptCommand({ CiphertextBlob, EncryptionContext }))
    expect(Buffer.compare(opened.Plaintext!, PrivateKeyPlaintext!)).toBe(0)

    const without = await kms.send(new GenerateDataKeyPairWithoutPlaintextCommand(input))
    expect(without).not.toHaveProperty('PrivateKeyPlaintext')
    const later = { CiphertextBlob: without.PrivateKeyCiphertextBlob, EncryptionContext }
    const privateKeys = [
      [PrivateKeyPlaintext!, whole.PublicKey!],
      [(await kms.send(new DecryptCommand(later))).Plaintext!, without.PublicKey!],
    ] as const
    for (const [pkcs8, publicDer] of privateKeys) {
      const privateKey = createPrivateKey({ key: Buffer.from(pkcs8), ...KIND })
      const publicKey = readSpki(publicDer)
      expect(publicKey.asymmetricKeyType).toBe(type)
      expect(publicKey.asymmetricKeyDetails).toEqual(details)
      expect(spki(createPublicKey(privateKey)).equals(spki(publicKey))).toBe(true)
      const hash = type === 'ed25519' ? null : 'sha256'
      const signature = sign(hash, Buffer.from('x'), privateKey)
      expect(verify(hash, Buffer.from('x'), publicKey, signature)).toBe(true)
    }
    expect(Buffer.compare(whole.PublicKey!, without.PublicKey!)).not.toBe(0)
    for (const context of [undefined, { for: 'another' }]) {
      const wrong = kms.send(new DecryptCommand({ CiphertextBlob, EncryptionContext: context }))
      expect(await failure(wrong)).toMatchObject({ code: 'InvalidCiphertextException' })
    }
  })

  test('what is refused, and why', async () => {
    const rsa = await keyOf('RSA_2048', 'ENCRYPT_DECRYPT')
    const signing = await keyOf('ECC_NIST_P256', 'SIGN_VERIFY')
    const input = { KeyId: symmetric.KeyId, KeyPairSpec: 'ECC_NIST_P256' as const }
    const refusals: readonly (readonly [object, string, string | RegExp])[] = [
      [
        { KeyId: rsa.KeyId },
        'InvalidKeyUsageException',
        /key spec is RSA_2048 which is not valid for GenerateDataKeyPair/,
      ],
      [
        { KeyId: signing.KeyId },
        'InvalidKeyUsageException',
        /key usage is SIGN_VERIFY which is not valid for GenerateDataKeyPair/,
      ],
      [{ KeyPairSpec: 'SM2' }, 'UnsupportedOperationException', 'KeyPairSpec SM2 is not supported by this server.'],
      [
        { KeyPairSpec: 'ML_KEM_768' },
        'UnsupportedOperationException',
        'KeyPairSpec ML_KEM_768 is not supported by this server.',
      ],
      [{ KeyPairSpec: 'RSA_1024' }, 'ValidationException', /at 'keyPairSpec' failed to satisfy constraint/],
      [{ KeyPairSpec: undefined }, 'ValidationException', /null at 'keyPairSpec'/],
      [{ DryRun: true }, 'DryRunOperationException', /would have succeeded/],
      [{ KeyId: 'alias/none' }, 'NotFoundException', /is not found/],
    ]
    for (const [change, code, message] of refusals) {
      const told = typeof message === 'string' ? message : expect.stringMatching(message)
      for (const call of [
        () => kms.send(new GenerateDataKeyPairCommand({ ...input, ...change })),
        () => kms.send(new GenerateDataKeyPairWithoutPlaintextCommand({ ...input, ...change })),
      ]) {
        expect(await failure(call())).toMatchObject({ code, message: told, status: 400 })
      }
    }
  })

  test('a grant, its constraints, and a policy that asks for the spec', async () => {
    const { KeyMetadata } = await kms.send(new CreateKeyCommand({}))
    const { KeyId, Arn } = KeyMetadata!
    const input = { KeyId: Arn, KeyPairSpec: 'ECC_NIST_P256' as const, EncryptionContext: { a: 'b', c: 'd' } }
    const generate = (more = {}) => theirs().send(new GenerateDataKeyPairWithoutPlaintextCommand({ ...input, ...more }))
    expect(await failure(generate())).toMatchObject({ code: 'AccessDeniedException' })
    await kms.send(
      new CreateGrantCommand({
        KeyId,
        GranteePrincipal: ann,
        Operations: ['GenerateDataKeyPairWithoutPlaintext'],
        Constraints: { EncryptionContextSubset: { a: 'b' } },
      }),
    )
    await generate()
    expect(await failure(generate({ EncryptionContext: { c: 'd' } }))).toMatchObject({ code: 'AccessDeniedException' })
    const plain = theirs().send(new GenerateDataKeyPairCommand(input))
    expect(await failure(plain)).toMatchObject({ code: 'AccessDeniedException' })

    const everybody = { Effect: 'Allow', Principal: { AWS: '*' }, Action: 'kms:*', Resource: '*' }
    const Condition = { StringLike: { 'kms:DataKeyPairSpec': 'RSA_*' } }
    const Statement = [everybody, { ...everybody, Effect: 'Deny', Action: 'kms:GenerateDataKeyPair*', Condition }]
    await kms.send(new PutKeyPolicyCommand({ KeyId, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) }))
    await generate()
    expect(await failure(generate({ KeyPairSpec: 'RSA_2048' }))).toMatchObject({ code: 'AccessDeniedException' })
    await kms.send(new DisableKeyCommand({ KeyId }))
    expect(await failure(generate())).toMatchObject({ code: 'DisabledException', message: `${Arn} is disabled.` })
  })
})

const CURVES: readonly (readonly [KeySpec, string, number])[] = [
  ['ECC_NIST_P256', 'prime256v1', 32],
  ['ECC_NIST_P384', 'secp384r1', 48],
  ['ECC_NIST_P521', 'secp521r1', 66],
]

describe('shared secrets', () => {
  const derive = (KeyId: string, PublicKey: Uint8Array, more = {}, by = kms) =>
    by.send(new DeriveSharedSecretCommand({ KeyId, PublicKey, KeyAgreementAlgorithm: 'ECDH', ...more }))

  test.each(CURVES)('%s with another key, and with somebody outside', async (spec, namedCurve, length) => {
    const [ours, second] = [await newKey(kms, spec, 'KEY_AGREEMENT'), await newKey(kms, spec, 'KEY_AGREEMENT')]
    const publicDer = async (KeyId: string) => (await kms.send(new GetPublicKeyCommand({ KeyId }))).PublicKey!
    const one = await derive(ours.KeyId!, await publicDer(second.KeyId!))
    const two = await derive(second.KeyId!, await publicDer(ours.KeyId!))
    expect(one).toMatchObject({ KeyId: ours.Arn, KeyAgreementAlgorithm: 'ECDH', KeyOrigin: 'AWS_KMS' })
    expect(one.SharedSecret!.length).toBe(length)
    expect(Buffer.compare(one.SharedSecret!, two.SharedSecret!)).toBe(0)

    const outside = generateKeyPairSync('ec', { namedCurve })
    const told = await derive(ours.KeyId!, spki(outside.publicKey))
    const publicKey = await publicKeyOf(kms, ours.KeyId!)
    const same = diffieHellman({ privateKey: outside.privateKey, publicKey })
    expect(same.equals(Buffer.from(told.SharedSecret!))).toBe(true)
    expect(same.equals(Buffer.from(one.SharedSecret!))).toBe(false)
  })

  test('a key of imported material says so', async () => {
    const { KeyId } = await newExternalKey(kms, { KeySpec: 'ECC_NIST_P256', KeyUsage: 'KEY_AGREEMENT' })
    const [mine, other] = [0, 1].map(() => generateKeyPairSync('ec', { namedCurve: 'prime256v1' }))
    await importInto(kms, KeyId, mine!.privateKey.export(KIND))
    const told = await derive(KeyId, spki(other!.publicKey))
    expect(told).toMatchObject({ KeyOrigin: 'EXTERNAL' })
    const same = diffieHellman({ privateKey: other!.privateKey, publicKey: mine!.publicKey })
    expect(same.equals(Buffer.from(told.SharedSecret!))).toBe(true)
  })

  test('what is refused, and why', async () => {
    const { KeyId } = (await keyOf('ECC_NIST_P256', 'KEY_AGREEMENT')) as { KeyId: string }
    const signing = await keyOf('ECC_NIST_P256', 'SIGN_VERIFY')
    const mine = spki(await publicKeyOf(kms, KeyId))
    const made = (namedCurve: string) => spki(generateKeyPairSync('ec', { namedCurve }).publicKey)
    const flipped = Buffer.from(mine)
    flipped[flipped.length - 1]! ^= 1
    const raw = createECDH('prime256v1').generateKeys()
    const invalid = 'The public key is not valid for key spec ECC_NIST_P256.'
    const refusals: readonly (readonly [() => Promise<unknown>, string, string | RegExp])[] = [
      [() => derive(KeyId, made('secp384r1')), 'ValidationException', invalid],
      [() => derive(KeyId, made('secp256k1')), 'ValidationException', invalid],
      [() => derive(KeyId, spki(generateKeyPairSync('ed25519').publicKey)), 'ValidationException', invalid],
      [
        () => derive(KeyId, spki(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey)),
        'ValidationException',
        invalid,
      ],
      [() => derive(KeyId, flipped), 'ValidationException', invalid],
      [() => derive(KeyId, raw), 'ValidationException', invalid],
      [() => derive(KeyId, Buffer.from('InvalidPublicKey')), 'ValidationException', invalid],
      [() => derive(KeyId, Buffer.alloc(8193)), 'ValidationException', /at 'publicKey'/],
      [
        () => derive(signing.KeyId!, mine),
        'InvalidKeyUsageException',
        `${signing.Arn} key usage is SIGN_VERIFY which is not valid for DeriveSharedSecret.`,
      ],
      [
        () => derive(symmetric.KeyId, mine),
        'InvalidKeyUsageException',
        `${symmetric.Arn} key usage is ENCRYPT_DECRYPT which is not valid for DeriveSharedSecret.`,
      ],
      [
        () => derive(KeyId, mine, { KeyAgreementAlgorithm: 'INVALID' }),
        'ValidationException',
        "1 validation error detected: Value 'INVALID' at 'keyAgreementAlgorithm' failed to satisfy constraint: Member must satisfy enum value set: [ECDH]",
      ],
      [() => derive(KeyId, mine, { KeyAgreementAlgorithm: undefined }), 'ValidationException', /null at/],
      [() => derive(KeyId, mine, { DryRun: true }), 'DryRunOperationException', /would have succeeded/],
      [
        () => derive(KeyId, mine, { Recipient: { AttestationDocument: Buffer.from('x') } }),
        'UnsupportedOperationException',
        'Recipient is not supported by this server.',
      ],
    ]
    for (const [call, code, message] of refusals) {
      const told = typeof message === 'string' ? message : expect.stringMatching(message)
      expect(await failure(call())).toMatchObject({ code, message: told, status: 400 })
    }
  })

  test('a grant, an alias, a policy that asks for the algorithm, and a state', async () => {
    const { KeyId, Arn } = await newKey(kms, 'ECC_NIST_P256', 'KEY_AGREEMENT')
    const mine = spki(await publicKeyOf(kms, KeyId!))
    expect(await failure(derive(Arn!, mine, {}, theirs()))).toMatchObject({ code: 'AccessDeniedException' })
    await kms.send(new CreateGrantCommand({ KeyId, GranteePrincipal: ann, Operations: ['DeriveSharedSecret'] }))
    await derive(Arn!, mine, {}, theirs())
    await kms.send(new CreateAliasCommand({ AliasName: 'alias/agreed', TargetKeyId: KeyId }))
    expect((await derive('alias/agreed', mine)).KeyId).toBe(Arn)
    const everybody = { Effect: 'Allow', Principal: { AWS: '*' }, Action: 'kms:*', Resource: '*' }
    const Condition = { StringEquals: { 'kms:KeyAgreementAlgorithm': 'ECDH', 'kms:KeyUsage': 'KEY_AGREEMENT' } }
    const Statement = [everybody, { ...everybody, Effect: 'Deny', Action: 'kms:DeriveSharedSecret', Condition }]
    await kms.send(new PutKeyPolicyCommand({ KeyId, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) }))
    expect(await failure(derive(KeyId!, mine))).toMatchObject({ code: 'AccessDeniedException' })
    const allowed = JSON.stringify({ Version: '2012-10-17', Statement: [everybody] })
    await kms.send(new PutKeyPolicyCommand({ KeyId, Policy: allowed }))
    await kms.send(new DisableKeyCommand({ KeyId }))
    expect(await failure(derive(KeyId!, mine))).toMatchObject({ code: 'DisabledException' })
  })
})
