/** Sign and Verify from outside, each algorithm held against node:crypto with the public key that the KMS tells. */
import { constants, createHash, verify as cryptoVerify, randomBytes } from 'node:crypto'
import {
  CreateAliasCommand,
  CreateGrantCommand,
  CreateKeyCommand,
  DisableKeyCommand,
  GetPublicKeyCommand,
  type KeySpec,
  type KMSClient,
  type MessageType,
  PutKeyPolicyCommand,
  ScheduleKeyDeletionCommand,
  SignCommand,
  type SignCommandInput,
  type SigningAlgorithmSpec,
  UpdateAliasCommand,
  VerifyCommand,
} from '@aws-sdk/client-kms'
import { ed25519ph } from '@noble/curves/ed25519.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { keysOfKinds, newKey, publicKeyOf } from '../support/asymmetric.ts'
import { failure, kmsClient } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

let server: TestServer
let kms: KMSClient
const user = { name: 'ann', accessKeyId: 'AKIAANN', secretAccessKey: 'secretann' }
const ann = 'arn:aws:iam::000000000000:user/ann'
const admin = ['arn:aws:iam::aws:policy/AdministratorAccess']
const other = { name: 'bob', accessKeyId: 'AKIABOB', secretAccessKey: 'secretbob', policies: admin }
beforeAll(async () => {
  const accounts = [
    { id: '000000000000', users: [user] },
    { id: '222222222222', users: [other] },
  ]
  server = await startServer({ config: { accounts } })
  kms = kmsClient(server)
})
afterAll(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error/)
  await server.remove()
})
const keyOf = keysOfKinds(() => kms)
const signingKey = async (spec: KeySpec) => (await keyOf(spec, 'SIGN_VERIFY')) as { KeyId: string; Arn: string }

const Message = Buffer.from('pay 10 to bob')
/** What the SDK tells of an empty message. */
const EMPTY = 'UnknownError'
const hashOf = (algorithm: string) => `sha${algorithm.slice(-3)}`
const digestOf = (algorithm: string, message: Uint8Array) => createHash(hashOf(algorithm)).update(message).digest()
const sign = (input: SignCommandInput, by = kms) => by.send(new SignCommand(input))
const verify = (input: SignCommandInput & { Signature: Uint8Array }, by = kms) => by.send(new VerifyCommand(input))

const RSA_ALGORITHMS = [
  'RSASSA_PSS_SHA_256',
  'RSASSA_PSS_SHA_384',
  'RSASSA_PSS_SHA_512',
  'RSASSA_PKCS1_V1_5_SHA_256',
  'RSASSA_PKCS1_V1_5_SHA_384',
  'RSASSA_PKCS1_V1_5_SHA_512',
] as const
type Case = readonly [KeySpec, SigningAlgorithmSpec, MessageType]
const both = (spec: KeySpec, algorithm: SigningAlgorithmSpec): Case[] => [
  [spec, algorithm, 'RAW'],
  [spec, algorithm, 'DIGEST'],
]
const CASES: readonly Case[] = [
  ...(['RSA_2048', 'RSA_3072', 'RSA_4096'] as const).flatMap((spec) =>
    RSA_ALGORITHMS.flatMap((algorithm) => both(spec, algorithm)),
  ),
  ...both('ECC_NIST_P256', 'ECDSA_SHA_256'),
  ...both('ECC_NIST_P384', 'ECDSA_SHA_384'),
  ...both('ECC_NIST_P521', 'ECDSA_SHA_512'),
  ...both('ECC_SECG_P256K1', 'ECDSA_SHA_256'),
  ['ECC_NIST_EDWARDS25519', 'ED25519_SHA_512', 'RAW'],
  ['ECC_NIST_EDWARDS25519', 'ED25519_PH_SHA_512', 'DIGEST'],
]

/** By node:crypto, which has no Ed25519ph. */
async function isValidOutside(
  KeyId: string,
  algorithm: SigningAlgorithmSpec,
  message: Uint8Array,
  signature: Uint8Array,
) {
  const key = await publicKeyOf(kms, KeyId)
  if (algorithm === 'ED25519_SHA_512') return cryptoVerify(null, message, key, signature)
  if (algorithm === 'ED25519_PH_SHA_512') {
    // AWS hashes the digest again (API reference, Sign).
    const point = key.export({ type: 'spki', format: 'der' }).subarray(-32)
    return ed25519ph.verify(signature, digestOf(algorithm, message), point, { zip215: false })
  }
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
  const padding = algorithm.startsWith('RSASSA_PSS') ? pss : {}
  return cryptoVerify(hashOf(algorithm), message, { key, ...padding }, signature)
}

test.each(CASES)('%s by %s of a message sent %s', async (spec, SigningAlgorithm, MessageType) => {
  const { KeyId, Arn } = await signingKey(spec)
  const sent = MessageType === 'RAW' ? Message : digestOf(SigningAlgorithm, Message)
  const input = { KeyId, SigningAlgorithm, MessageType, Message: sent }
  const signed = await sign(input)
  expect([signed.KeyId, signed.SigningAlgorithm]).toEqual([Arn, SigningAlgorithm])
  const Signature = signed.Signature!
  expect(await isValidOutside(KeyId, SigningAlgorithm, Message, Signature)).toBe(true)

  const verified = await verify({ ...input, Signature })
  expect(verified).toMatchObject({ KeyId: Arn, SignatureValid: true, SigningAlgorithm })
  const flipped = Uint8Array.from(Signature)
  flipped[flipped.length - 3]! ^= 1
  const another = MessageType === 'RAW' ? Buffer.from('pay 99 to bob') : digestOf(SigningAlgorithm, Signature)
  for (const wrong of [
    { ...input, Signature: flipped },
    { ...input, Signature: Signature.subarray(1) },
    { ...input, Signature: randomBytes(6144) },
    { ...input, Signature, Message: another },
  ]) {
    expect(await failure(verify(wrong))).toMatchObject({
      code: 'KMSInvalidSignatureException',
      message: EMPTY,
      status: 400,
    })
  }
})

test('a message goes in raw where nothing is said, and has up to 4096 bytes', async () => {
  const { KeyId } = await signingKey('ECC_NIST_P256')
  const SigningAlgorithm = 'ECDSA_SHA_256'
  for (const size of [1, 32, 4096]) {
    const message = randomBytes(size)
    const { Signature } = await sign({ KeyId, SigningAlgorithm, Message: message })
    expect(await isValidOutside(KeyId, SigningAlgorithm, message, Signature!)).toBe(true)
  }
  // 32 bytes that are no digest are hashed all the same.
  const digest = digestOf(SigningAlgorithm, Message)
  const { Signature } = await sign({ KeyId, SigningAlgorithm, Message: digest })
  const asDigest = { KeyId, SigningAlgorithm, Message: digest, MessageType: 'DIGEST', Signature: Signature! } as const
  expect(await failure(verify(asDigest))).toMatchObject({ code: 'KMSInvalidSignatureException' })
})

test('every worker verifies what one has signed', async () => {
  const { KeyId } = await signingKey('ECC_NIST_P384')
  const input = { KeyId, SigningAlgorithm: 'ECDSA_SHA_384', Message } as const
  const { Signature } = await sign(input)
  const all = Array.from({ length: 16 }, () => verify({ ...input, Signature: Signature! }, kmsClient(server)))
  for (const { SignatureValid } of await Promise.all(all)) expect(SignatureValid).toBe(true)
})

describe('refused', () => {
  const INCOMPATIBLE: readonly (readonly [KeySpec, SigningAlgorithmSpec])[] = [
    ['RSA_2048', 'ECDSA_SHA_256'],
    ['RSA_2048', 'ED25519_SHA_512'],
    ['ECC_NIST_P256', 'ECDSA_SHA_384'],
    ['ECC_NIST_P384', 'ECDSA_SHA_256'],
    ['ECC_NIST_P521', 'RSASSA_PSS_SHA_512'],
    ['ECC_SECG_P256K1', 'ECDSA_SHA_512'],
    ['ECC_NIST_EDWARDS25519', 'ECDSA_SHA_512'],
    ['ECC_NIST_P256', 'ML_DSA_SHAKE_256'],
  ]
  test.each(INCOMPATIBLE)('%s by %s', async (spec, SigningAlgorithm) => {
    const { KeyId } = await signingKey(spec)
    const input = { KeyId, SigningAlgorithm, Message }
    for (const call of [() => sign(input), () => verify({ ...input, Signature: randomBytes(64) })]) {
      expect(await failure(call())).toMatchObject({
        code: 'InvalidKeyUsageException',
        message: `Algorithm ${SigningAlgorithm} is incompatible with key spec ${spec}.`,
        status: 400,
      })
    }
  })

  const LENGTHS: readonly (readonly [KeySpec, SigningAlgorithmSpec, number])[] = [
    ['RSA_2048', 'RSASSA_PSS_SHA_256', 31],
    ['RSA_2048', 'RSASSA_PSS_SHA_256', 48],
    ['RSA_2048', 'RSASSA_PKCS1_V1_5_SHA_512', 32],
    ['ECC_NIST_P256', 'ECDSA_SHA_256', 20],
    ['ECC_NIST_P384', 'ECDSA_SHA_384', 32],
    ['ECC_NIST_P521', 'ECDSA_SHA_512', 66],
    ['ECC_NIST_EDWARDS25519', 'ED25519_PH_SHA_512', 32],
  ]
  test.each(LENGTHS)('%s by %s of a digest of %d bytes', async (spec, SigningAlgorithm, length) => {
    const { KeyId } = await signingKey(spec)
    const input = { KeyId, SigningAlgorithm, MessageType: 'DIGEST', Message: randomBytes(length) } as const
    for (const call of [() => sign(input), () => verify({ ...input, Signature: randomBytes(64) })]) {
      expect(await failure(call())).toMatchObject({
        code: 'ValidationException',
        message: `Digest is invalid length for algorithm ${SigningAlgorithm}.`,
      })
    }
  })

  test('other things', async () => {
    const { KeyId } = await signingKey('ECC_NIST_P256')
    const edwards = await signingKey('ECC_NIST_EDWARDS25519')
    const encryption = await keyOf('RSA_2048', 'ENCRYPT_DECRYPT')
    const agreement = await keyOf('ECC_NIST_P256', 'KEY_AGREEMENT')
    const symmetric = (await kms.send(new CreateKeyCommand({}))).KeyMetadata!
    const macKey = await newKey(kms, 'HMAC_256', 'GENERATE_VERIFY_MAC')
    const input = { KeyId, SigningAlgorithm: 'ECDSA_SHA_256', Message } as const
    const Signature = (await sign(input)).Signature!
    const usage = (arn: string, has: string, operation: string) =>
      `${arn} key usage is ${has} which is not valid for ${operation}.`
    const refusals: readonly (readonly [Promise<unknown>, string, string | RegExp])[] = [
      [
        sign({ ...input, KeyId: symmetric.KeyId }),
        'InvalidKeyUsageException',
        usage(symmetric.Arn!, 'ENCRYPT_DECRYPT', 'Sign'),
      ],
      [
        verify({ ...input, KeyId: symmetric.KeyId, Signature }),
        'InvalidKeyUsageException',
        usage(symmetric.Arn!, 'ENCRYPT_DECRYPT', 'Verify'),
      ],
      [
        sign({ ...input, KeyId: macKey.KeyId }),
        'InvalidKeyUsageException',
        usage(macKey.Arn!, 'GENERATE_VERIFY_MAC', 'Sign'),
      ],
      [
        sign({ ...input, KeyId: encryption.KeyId, SigningAlgorithm: 'RSASSA_PSS_SHA_256' }),
        'InvalidKeyUsageException',
        usage(encryption.Arn!, 'ENCRYPT_DECRYPT', 'Sign'),
      ],
      [
        sign({ ...input, KeyId: agreement.KeyId }),
        'InvalidKeyUsageException',
        usage(agreement.Arn!, 'KEY_AGREEMENT', 'Sign'),
      ],
      [sign({ ...input, DryRun: true }), 'DryRunOperationException', /would have succeeded/],
      [verify({ ...input, Signature, DryRun: true }), 'DryRunOperationException', /would have succeeded/],
      [verify({ ...input, Signature: randomBytes(70), DryRun: true }), 'KMSInvalidSignatureException', EMPTY],
      [
        sign({ ...input, Message: randomBytes(4097) }),
        'ValidationException',
        "1 validation error detected: Value at 'message' failed to satisfy constraint: Member must have length less than or equal to 4096",
      ],
      [
        sign({ ...input, Message: Buffer.alloc(0) }),
        'ValidationException',
        /at 'message'.* greater than or equal to 1$/,
      ],
      [verify({ ...input, Signature: randomBytes(6145) }), 'ValidationException', /at 'signature'/],
      [
        sign({ ...input, SigningAlgorithm: 'ECDSA' as 'ECDSA_SHA_256' }),
        'ValidationException',
        /at 'signingAlgorithm'/,
      ],
      [sign({ ...input, SigningAlgorithm: undefined }), 'ValidationException', /null at 'signingAlgorithm'/],
      [sign({ ...input, MessageType: 'HASH' as 'RAW' }), 'ValidationException', /at 'messageType'/],
      [sign({ ...input, MessageType: 'EXTERNAL_MU' }), 'UnsupportedOperationException', /EXTERNAL_MU/],
      [sign({ ...input, SigningAlgorithm: 'SM2DSA' }), 'UnsupportedOperationException', /SM2DSA/],
      [sign({ ...input, GrantTokens: ['none'] }), 'InvalidGrantTokenException', 'Invalid grant token'],
      [sign({ ...input, KeyId: 'alias/none' }), 'NotFoundException', /alias\/none is not found/],
      [
        sign({
          KeyId: edwards.KeyId,
          SigningAlgorithm: 'ED25519_SHA_512',
          MessageType: 'DIGEST',
          Message: randomBytes(64),
        }),
        'ValidationException',
        'MessageType DIGEST is not valid for algorithm ED25519_SHA_512.',
      ],
      [
        sign({ KeyId: edwards.KeyId, SigningAlgorithm: 'ED25519_PH_SHA_512', Message }),
        'ValidationException',
        'MessageType RAW is not valid for algorithm ED25519_PH_SHA_512.',
      ],
    ]
    const seen = await Promise.all(refusals.map(([call]) => failure(call)))
    for (const [index, [, code, message]] of refusals.entries()) {
      const told = typeof message === 'string' ? message : expect.stringMatching(message)
      expect(seen[index]).toMatchObject({ code, message: told, status: 400 })
    }
  })
})

describe('who may sign', () => {
  const theirs = () => kmsClient(server, { credentials: user })
  const SigningAlgorithm = 'ECDSA_SHA_256'

  test('by a grant, with its token', async () => {
    const { KeyId, Arn } = await newKey(kms, 'ECC_NIST_P256', 'SIGN_VERIFY')
    const input = { KeyId: Arn, SigningAlgorithm, Message } as const
    const denied = { code: 'AccessDeniedException' }
    expect(await failure(sign(input, theirs()))).toMatchObject(denied)
    const Operations = ['Sign', 'GetPublicKey'] as const
    const granted = await kms.send(
      new CreateGrantCommand({ KeyId, GranteePrincipal: ann, Operations: [...Operations] }),
    )
    const { Signature } = await sign({ ...input, GrantTokens: [granted.GrantToken!] }, theirs())
    await theirs().send(new GetPublicKeyCommand({ KeyId: Arn }))
    expect(await failure(verify({ ...input, Signature: Signature! }, theirs()))).toMatchObject(denied)
    expect((await verify({ ...input, Signature: Signature! })).SignatureValid).toBe(true)
    for (const operation of ['Encrypt', 'DeriveSharedSecret', 'GenerateMac', 'GenerateDataKeyPair'] as const) {
      const wrong = kms.send(new CreateGrantCommand({ KeyId, GranteePrincipal: ann, Operations: [operation] }))
      expect(await failure(wrong)).toMatchObject({
        code: 'ValidationException',
        message: `The operation ${operation} is not valid for a key with key spec ECC_NIST_P256.`,
      })
    }
  })

  test('by a policy that asks for algorithm and message type, in another account too', async () => {
    const { KeyId, Arn } = await newKey(kms, 'RSA_2048', 'SIGN_VERIFY')
    const Statement = [
      { Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::000000000000:root' }, Action: 'kms:*', Resource: '*' },
      {
        Effect: 'Allow',
        Principal: { AWS: ['222222222222', ann] },
        Action: ['kms:Sign', 'kms:Verify'],
        Resource: '*',
        Condition: {
          StringEquals: {
            'kms:SigningAlgorithm': 'RSASSA_PSS_SHA_256',
            'kms:MessageType': 'RAW',
            'kms:KeySpec': 'RSA_2048',
            'kms:KeyUsage': 'SIGN_VERIFY',
          },
        },
      },
    ]
    await kms.send(new PutKeyPolicyCommand({ KeyId, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) }))
    const input = { KeyId: Arn, SigningAlgorithm: 'RSASSA_PSS_SHA_256', Message } as const
    for (const by of [theirs(), kmsClient(server, { credentials: other })]) {
      const { Signature } = await sign(input, by)
      expect((await verify({ ...input, Signature: Signature! }, by)).SignatureValid).toBe(true)
      for (const wrong of [
        () => sign({ ...input, SigningAlgorithm: 'RSASSA_PSS_SHA_384' }, by),
        () => sign({ ...input, MessageType: 'DIGEST', Message: randomBytes(32) }, by),
        () => by.send(new GetPublicKeyCommand({ KeyId: Arn })),
      ]) {
        expect(await failure(wrong())).toMatchObject({ code: 'AccessDeniedException' })
      }
    }
  })

  test('by an alias, and while the key is enabled', async () => {
    const { KeyId, Arn } = await newKey(kms, 'ECC_NIST_P256', 'SIGN_VERIFY')
    const AliasName = 'alias/signing'
    await kms.send(new CreateAliasCommand({ AliasName, TargetKeyId: KeyId }))
    const input = { KeyId: AliasName, SigningAlgorithm, Message } as const
    const { Signature, KeyId: of } = await sign(input)
    expect(of).toBe(Arn)
    const { KeyId: agreement } = await keyOf('ECC_NIST_P256', 'KEY_AGREEMENT')
    const moved = kms.send(new UpdateAliasCommand({ AliasName, TargetKeyId: agreement }))
    expect(await failure(moved)).toMatchObject({ code: 'ValidationException' })
    const { KeyId: next } = await newKey(kms, 'ECC_NIST_P384', 'SIGN_VERIFY')
    await kms.send(new UpdateAliasCommand({ AliasName, TargetKeyId: next }))
    await kms.send(new UpdateAliasCommand({ AliasName, TargetKeyId: KeyId }))

    const uses = [() => sign(input), () => verify({ ...input, Signature: Signature! })]
    await kms.send(new DisableKeyCommand({ KeyId }))
    for (const use of uses) {
      expect(await failure(use())).toMatchObject({ code: 'DisabledException', message: `${Arn} is disabled.` })
    }
    await kms.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }))
    for (const use of uses) {
      expect(await failure(use())).toMatchObject({
        code: 'KMSInvalidStateException',
        message: `${Arn} is pending deletion.`,
      })
    }
  })
})

/** What is made must work; what cannot be is refused by name. */
test.each(['ML_DSA_44', 'ML_DSA_65', 'ML_DSA_87'] as const)('%s, where Node.js offers it', async (KeySpec) => {
  const made = kms.send(new CreateKeyCommand({ KeySpec, KeyUsage: 'SIGN_VERIFY' }))
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < 24 || (major === 24 && minor < 6)) {
    expect(await failure(made)).toMatchObject({
      code: 'UnsupportedOperationException',
      message: `ML-DSA needs a Node.js that offers it (24.6 or newer); this server runs on ${process.version}.`,
    })
    return
  }
  const { KeyMetadata } = await made
  const { KeyId } = KeyMetadata!
  expect(KeyMetadata!.SigningAlgorithms).toEqual(['ML_DSA_SHAKE_256'])
  const input = { KeyId, SigningAlgorithm: 'ML_DSA_SHAKE_256', Message } as const
  const { Signature } = await sign(input)
  expect(cryptoVerify(null, Message, await publicKeyOf(kms, KeyId!), Signature!)).toBe(true)
  expect((await verify({ ...input, Signature: Signature! })).SignatureValid).toBe(true)
  for (const wrong of [
    { ...input, Signature: Signature!, Message: Buffer.from('pay 99 to bob') },
    { ...input, Signature: Signature!.subarray(1) },
    { ...input, Signature: randomBytes(Signature!.length) },
    { ...input, Signature: randomBytes(1) },
  ]) {
    expect(await failure(verify(wrong))).toMatchObject({ code: 'KMSInvalidSignatureException' })
  }
})
