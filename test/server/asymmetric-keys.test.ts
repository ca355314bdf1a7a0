/** Asymmetric keys from outside: made, described, encrypted with; and what is refused. */
import { constants, privateDecrypt, publicEncrypt, randomBytes } from 'node:crypto'
import { PutUserPolicyCommand } from '@aws-sdk/client-iam'
import {
  CreateAliasCommand,
  CreateGrantCommand,
  CreateKeyCommand,
  type CreateKeyCommandInput,
  DecryptCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyRotationCommand,
  EncryptCommand,
  type EncryptionAlgorithmSpec,
  GenerateDataKeyCommand,
  GenerateDataKeyWithoutPlaintextCommand,
  GetKeyRotationStatusCommand,
  GetPublicKeyCommand,
  type KeySpec,
  type KeyUsageType,
  type KMSClient,
  ListKeyRotationsCommand,
  PutKeyPolicyCommand,
  ReEncryptCommand,
  RotateKeyOnDemandCommand,
  ScheduleKeyDeletionCommand,
  UpdateAliasCommand,
} from '@aws-sdk/client-kms'
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { keysOfKinds, newKey, publicKeyOf } from '../support/asymmetric.ts'
import { failure, iamClient, kmsClient, s3Client } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

let server: TestServer
let kms: KMSClient
const user = { name: 'ann', accessKeyId: 'AKIAANN', secretAccessKey: 'secretann' }
beforeAll(async () => {
  server = await startServer({ config: { accounts: [{ id: '000000000000', users: [user] }] } })
  kms = kmsClient(server)
})
afterAll(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error|BEGIN|PRIVATE/)
  await server.remove()
})
const keyOf = keysOfKinds(() => kms)

const OAEP = ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'] as const
const RSA_SIGNING = [
  'RSASSA_PKCS1_V1_5_SHA_256',
  'RSASSA_PKCS1_V1_5_SHA_384',
  'RSASSA_PKCS1_V1_5_SHA_512',
  'RSASSA_PSS_SHA_256',
  'RSASSA_PSS_SHA_384',
  'RSASSA_PSS_SHA_512',
]
const KINDS: readonly (readonly [KeySpec, KeyUsageType, Record<string, readonly string[]>])[] = [
  ['RSA_2048', 'ENCRYPT_DECRYPT', { EncryptionAlgorithms: OAEP }],
  ['RSA_2048', 'SIGN_VERIFY', { SigningAlgorithms: RSA_SIGNING }],
  ['RSA_3072', 'ENCRYPT_DECRYPT', { EncryptionAlgorithms: OAEP }],
  ['RSA_3072', 'SIGN_VERIFY', { SigningAlgorithms: RSA_SIGNING }],
  ['RSA_4096', 'ENCRYPT_DECRYPT', { EncryptionAlgorithms: OAEP }],
  ['RSA_4096', 'SIGN_VERIFY', { SigningAlgorithms: RSA_SIGNING }],
  ['ECC_NIST_P256', 'SIGN_VERIFY', { SigningAlgorithms: ['ECDSA_SHA_256'] }],
  ['ECC_NIST_P256', 'KEY_AGREEMENT', { KeyAgreementAlgorithms: ['ECDH'] }],
  ['ECC_NIST_P384', 'SIGN_VERIFY', { SigningAlgorithms: ['ECDSA_SHA_384'] }],
  ['ECC_NIST_P384', 'KEY_AGREEMENT', { KeyAgreementAlgorithms: ['ECDH'] }],
  ['ECC_NIST_P521', 'SIGN_VERIFY', { SigningAlgorithms: ['ECDSA_SHA_512'] }],
  ['ECC_NIST_P521', 'KEY_AGREEMENT', { KeyAgreementAlgorithms: ['ECDH'] }],
  ['ECC_SECG_P256K1', 'SIGN_VERIFY', { SigningAlgorithms: ['ECDSA_SHA_256'] }],
  ['ECC_NIST_EDWARDS25519', 'SIGN_VERIFY', { SigningAlgorithms: ['ED25519_SHA_512', 'ED25519_PH_SHA_512'] }],
]

test.each(KINDS)('%s for %s says by which algorithms', async (spec, usage, algorithms) => {
  const made = await keyOf(spec, usage)
  expect(made).toMatchObject({
    KeySpec: spec,
    CustomerMasterKeySpec: spec,
    KeyUsage: usage,
    Enabled: true,
    Origin: 'AWS_KMS',
    MultiRegion: false,
    ...algorithms,
  })
  expect(Object.keys(made).filter((name) => name.endsWith('Algorithms'))).toEqual(Object.keys(algorithms))
  expect(made).not.toHaveProperty('CurrentKeyMaterialId')
  const KeyId = made.KeyId!
  expect((await kms.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata).toEqual(made)
  const { $metadata: _, PublicKey, ...told } = await kms.send(new GetPublicKeyCommand({ KeyId }))
  expect(told).toEqual({
    KeyId: made.Arn,
    KeySpec: spec,
    CustomerMasterKeySpec: spec,
    KeyUsage: usage,
    ...algorithms,
  })
  expect(PublicKey!.length).toBeGreaterThan(40)
})

const SPECS_WITHOUT: readonly (readonly [CreateKeyCommandInput, string, string])[] = [
  [
    { KeySpec: 'RSA_2048' },
    'ValidationException',
    'You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.',
  ],
  [
    { KeySpec: 'ECC_NIST_P256' },
    'ValidationException',
    'You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.',
  ],
  [
    { KeySpec: 'RSA_2048', KeyUsage: 'KEY_AGREEMENT' },
    'ValidationException',
    'KeyUsage KEY_AGREEMENT is not compatible with KeySpec RSA_2048',
  ],
  [
    { KeySpec: 'RSA_4096', KeyUsage: 'GENERATE_VERIFY_MAC' },
    'ValidationException',
    'KeyUsage GENERATE_VERIFY_MAC is not compatible with KeySpec RSA_4096',
  ],
  [
    { KeySpec: 'ECC_NIST_P384', KeyUsage: 'ENCRYPT_DECRYPT' },
    'ValidationException',
    'KeyUsage ENCRYPT_DECRYPT is not compatible with KeySpec ECC_NIST_P384',
  ],
  [
    { KeySpec: 'ECC_SECG_P256K1', KeyUsage: 'KEY_AGREEMENT' },
    'ValidationException',
    'KeyUsage KEY_AGREEMENT is not compatible with KeySpec ECC_SECG_P256K1',
  ],
  [
    { KeySpec: 'ECC_NIST_EDWARDS25519', KeyUsage: 'KEY_AGREEMENT' },
    'ValidationException',
    'KeyUsage KEY_AGREEMENT is not compatible with KeySpec ECC_NIST_EDWARDS25519',
  ],
  [
    { KeyUsage: 'SIGN_VERIFY' },
    'ValidationException',
    'KeyUsage SIGN_VERIFY is not compatible with KeySpec SYMMETRIC_DEFAULT',
  ],
  [
    { KeySpec: 'SM2', KeyUsage: 'SIGN_VERIFY' },
    'UnsupportedOperationException',
    'KeySpec SM2 is not supported by this server.',
  ],
]
test.each(SPECS_WITHOUT)('%o cannot be made', async (input, code, message) => {
  expect(await failure(kms.send(new CreateKeyCommand(input)))).toMatchObject({ code, message, status: 400 })
})

test('a policy says which keys somebody may make', async () => {
  const Condition = { StringEquals: { 'kms:KeySpec': 'ECC_NIST_P256', 'kms:KeyUsage': 'SIGN_VERIFY' } }
  const Statement = [{ Effect: 'Allow', Action: 'kms:CreateKey', Resource: '*', Condition }]
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement })
  await iamClient(server).send(new PutUserPolicyCommand({ UserName: 'ann', PolicyName: 'keys', PolicyDocument }))
  const theirs = kmsClient(server, { credentials: user })
  expect((await newKey(theirs, 'ECC_NIST_P256', 'SIGN_VERIFY')).KeyUsage).toBe('SIGN_VERIFY')
  for (const [spec, usage] of [
    ['ECC_NIST_P256', 'KEY_AGREEMENT'],
    ['ECC_NIST_P384', 'SIGN_VERIFY'],
    ['HMAC_256', 'GENERATE_VERIFY_MAC'],
  ] as const) {
    expect(await failure(newKey(theirs, spec, usage))).toMatchObject({ code: 'AccessDeniedException' })
  }
})

const LIMITS = [
  ['RSA_2048', 'RSAES_OAEP_SHA_1', 214],
  ['RSA_2048', 'RSAES_OAEP_SHA_256', 190],
  ['RSA_3072', 'RSAES_OAEP_SHA_1', 342],
  ['RSA_3072', 'RSAES_OAEP_SHA_256', 318],
  ['RSA_4096', 'RSAES_OAEP_SHA_1', 470],
  ['RSA_4096', 'RSAES_OAEP_SHA_256', 446],
] as const

describe('encryption', () => {
  const encrypt = (KeyId: string, Plaintext: Uint8Array, EncryptionAlgorithm?: EncryptionAlgorithmSpec, more = {}) =>
    kms.send(new EncryptCommand({ KeyId, Plaintext, EncryptionAlgorithm, ...more }))
  const decrypt = (KeyId: string | undefined, CiphertextBlob: Uint8Array, more = {}) =>
    kms.send(new DecryptCommand({ KeyId, CiphertextBlob, EncryptionAlgorithm: 'RSAES_OAEP_SHA_256', ...more }))

  test.each(LIMITS)('%s by %s, up to %d bytes', async (spec, algorithm, most) => {
    const { KeyId, Arn } = (await keyOf(spec, 'ENCRYPT_DECRYPT')) as { KeyId: string; Arn: string }
    for (const size of [1, most]) {
      const plaintext = randomBytes(size)
      const sealed = await encrypt(KeyId, plaintext, algorithm)
      expect([sealed.KeyId, sealed.EncryptionAlgorithm]).toEqual([Arn, algorithm])
      const opened = await decrypt(KeyId, sealed.CiphertextBlob!, { EncryptionAlgorithm: algorithm })
      expect(Buffer.compare(opened.Plaintext!, plaintext)).toBe(0)
      expect([opened.KeyId, opened.EncryptionAlgorithm, opened.KeyMaterialId]).toEqual([Arn, algorithm, undefined])
    }
    expect(await failure(encrypt(KeyId, randomBytes(most + 1), algorithm))).toMatchObject({
      code: 'ValidationException',
      message: `Algorithm ${algorithm} and key spec ${spec} cannot encrypt data larger than ${most} bytes.`,
    })
  })

  test.each(OAEP)('what anybody encrypts with the public key by %s', async (algorithm) => {
    const KeyId = (await keyOf('RSA_2048', 'ENCRYPT_DECRYPT')).KeyId!
    const padding = constants.RSA_PKCS1_OAEP_PADDING
    const oaepHash = algorithm === 'RSAES_OAEP_SHA_1' ? 'sha1' : 'sha256'
    const key = await publicKeyOf(kms, KeyId)
    const sealed = publicEncrypt({ key, padding, oaepHash }, Buffer.from('from outside'))
    const opened = await decrypt(KeyId, sealed, { EncryptionAlgorithm: algorithm })
    expect(Buffer.from(opened.Plaintext!).toString()).toBe('from outside')
    // And the reverse cannot be: the private key stays in.
    expect(() => privateDecrypt({ key, padding, oaepHash }, sealed)).toThrow()
  })

  test('a ciphertext that is not of the key, the algorithm or any', async () => {
    const KeyId = (await keyOf('RSA_2048', 'ENCRYPT_DECRYPT')).KeyId!
    const another = (await newKey(kms, 'RSA_2048', 'ENCRYPT_DECRYPT')).KeyId!
    const CiphertextBlob = (await encrypt(KeyId, Buffer.from('x'), 'RSAES_OAEP_SHA_256')).CiphertextBlob!
    const flipped = Uint8Array.from(CiphertextBlob)
    flipped[77]! ^= 1
    for (const wrong of [
      () => decrypt(another, CiphertextBlob),
      () => decrypt(KeyId, CiphertextBlob, { EncryptionAlgorithm: 'RSAES_OAEP_SHA_1' }),
      () => decrypt(KeyId, flipped),
      () => decrypt(KeyId, CiphertextBlob.subarray(1)),
      () => decrypt(KeyId, randomBytes(6144)),
      () => decrypt(KeyId, CiphertextBlob, { EncryptionAlgorithm: undefined }),
    ]) {
      expect(await failure(wrong())).toMatchObject({ code: 'InvalidCiphertextException', status: 400 })
    }
  })

  test('what is refused, and why', async () => {
    const rsa = await keyOf('RSA_2048', 'ENCRYPT_DECRYPT')
    const signing = await keyOf('ECC_NIST_P256', 'SIGN_VERIFY')
    const symmetric = (await kms.send(new CreateKeyCommand({}))).KeyMetadata!
    const [KeyId, x] = [rsa.KeyId!, Buffer.from('x')]
    const CiphertextBlob = (await encrypt(KeyId, x, 'RSAES_OAEP_SHA_256')).CiphertextBlob!
    const context = { EncryptionContext: { a: 'b' } }
    const dataKey = { KeyId, KeySpec: 'AES_256' as const }
    const refusals: [() => Promise<unknown>, string, string | RegExp][] = [
      [
        () => encrypt(KeyId, x),
        'InvalidKeyUsageException',
        'Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048.',
      ],
      [
        () => encrypt(symmetric.KeyId!, x, 'RSAES_OAEP_SHA_256'),
        'InvalidKeyUsageException',
        'Algorithm RSAES_OAEP_SHA_256 is incompatible with key spec SYMMETRIC_DEFAULT.',
      ],
      [
        () => decrypt(symmetric.KeyId!, CiphertextBlob),
        'InvalidKeyUsageException',
        'Algorithm RSAES_OAEP_SHA_256 is incompatible with key spec SYMMETRIC_DEFAULT.',
      ],
      [
        () => encrypt(signing.KeyId!, x, 'RSAES_OAEP_SHA_256'),
        'InvalidKeyUsageException',
        `${signing.Arn} key usage is SIGN_VERIFY which is not valid for Encrypt.`,
      ],
      [
        () => decrypt(signing.KeyId!, CiphertextBlob),
        'InvalidKeyUsageException',
        `${signing.Arn} key usage is SIGN_VERIFY which is not valid for Decrypt.`,
      ],
      [() => encrypt(KeyId, x, 'RSAES_OAEP_SHA_256', context), 'ValidationException', /encryption context/],
      [() => decrypt(KeyId, CiphertextBlob, context), 'ValidationException', /encryption context/],
      [() => decrypt(undefined, CiphertextBlob), 'ValidationException', /key ID is required/],
      [() => encrypt(KeyId, x, 'RSA' as 'RSAES_OAEP_SHA_1'), 'ValidationException', /at 'encryptionAlgorithm'/],
      [() => encrypt(KeyId, x, 'SM2PKE'), 'UnsupportedOperationException', /SM2PKE/],
      [() => encrypt(KeyId, x, 'RSAES_OAEP_SHA_256', { DryRun: true }), 'DryRunOperationException', /would have/],
      [() => decrypt(KeyId, CiphertextBlob, { DryRun: true }), 'DryRunOperationException', /would have/],
      [
        () => kms.send(new GenerateDataKeyCommand(dataKey)),
        'InvalidKeyUsageException',
        `${rsa.Arn} key spec is RSA_2048 which is not valid for GenerateDataKey.`,
      ],
      [
        () => kms.send(new GenerateDataKeyWithoutPlaintextCommand(dataKey)),
        'InvalidKeyUsageException',
        `${rsa.Arn} key spec is RSA_2048 which is not valid for GenerateDataKeyWithoutPlaintext.`,
      ],
      ...[EnableKeyRotationCommand, GetKeyRotationStatusCommand, ListKeyRotationsCommand, RotateKeyOnDemandCommand].map(
        (Rotation): [() => Promise<unknown>, string, string] => [
          () => kms.send(new (Rotation as typeof EnableKeyRotationCommand)({ KeyId })),
          'UnsupportedOperationException',
          `${rsa.Arn} key spec is RSA_2048 which is not valid for this operation.`,
        ],
      ),
      [
        () => kms.send(new GetPublicKeyCommand({ KeyId: symmetric.KeyId })),
        'UnsupportedOperationException',
        `${symmetric.Arn} key spec is SYMMETRIC_DEFAULT which is not valid for GetPublicKey.`,
      ],
    ]
    for (const [call, code, message] of refusals) {
      const told = typeof message === 'string' ? message : expect.stringMatching(message)
      expect(await failure(call())).toMatchObject({ code, message: told, status: 400 })
    }
  })

  test('re-encryption, from and to asymmetric keys', async () => {
    const rsa = (await keyOf('RSA_2048', 'ENCRYPT_DECRYPT')) as { KeyId: string; Arn: string }
    const larger = (await keyOf('RSA_3072', 'ENCRYPT_DECRYPT')) as { KeyId: string; Arn: string }
    const symmetric = (await kms.send(new CreateKeyCommand({}))).KeyMetadata!
    const EncryptionContext = { a: 'b' }
    const first = await encrypt(symmetric.KeyId!, Buffer.from('moved'), undefined, { EncryptionContext })
    const toRsa = {
      CiphertextBlob: first.CiphertextBlob,
      SourceEncryptionContext: EncryptionContext,
      DestinationKeyId: rsa.KeyId,
      DestinationEncryptionAlgorithm: 'RSAES_OAEP_SHA_256' as const,
    }
    const second = await kms.send(new ReEncryptCommand(toRsa))
    expect(second).toMatchObject({
      KeyId: rsa.Arn,
      SourceKeyId: symmetric.Arn,
      SourceEncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      DestinationEncryptionAlgorithm: 'RSAES_OAEP_SHA_256',
      SourceKeyMaterialId: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    expect(second).not.toHaveProperty('DestinationKeyMaterialId')
    const fromRsa = {
      CiphertextBlob: second.CiphertextBlob,
      SourceKeyId: rsa.KeyId,
      SourceEncryptionAlgorithm: 'RSAES_OAEP_SHA_256' as const,
      DestinationKeyId: larger.KeyId,
      DestinationEncryptionAlgorithm: 'RSAES_OAEP_SHA_1' as const,
    }
    const third = await kms.send(new ReEncryptCommand(fromRsa))
    const opened = await decrypt(larger.KeyId, third.CiphertextBlob!, { EncryptionAlgorithm: 'RSAES_OAEP_SHA_1' })
    expect(Buffer.from(opened.Plaintext!).toString()).toBe('moved')
    const refusals: [ReEncryptCommand, string][] = [
      [new ReEncryptCommand({ ...toRsa, DestinationEncryptionAlgorithm: undefined }), 'InvalidKeyUsageException'],
      [new ReEncryptCommand({ ...toRsa, DestinationEncryptionContext: EncryptionContext }), 'ValidationException'],
      [new ReEncryptCommand({ ...fromRsa, SourceKeyId: undefined }), 'ValidationException'],
      [new ReEncryptCommand({ ...fromRsa, SourceKeyId: larger.KeyId }), 'InvalidCiphertextException'],
      [new ReEncryptCommand({ ...fromRsa, SourceEncryptionAlgorithm: undefined }), 'InvalidCiphertextException'],
      [new ReEncryptCommand({ ...fromRsa, DryRun: true }), 'DryRunOperationException'],
    ]
    for (const [command, code] of refusals) expect((await failure(kms.send(command))).code).toBe(code)
  })

  test('S3 refuses such a key', async () => {
    const { Arn } = await keyOf('RSA_2048', 'ENCRYPT_DECRYPT')
    const s3 = s3Client(server)
    await s3.send(new CreateBucketCommand({ Bucket: 'asymmetric' }))
    const put = { Bucket: 'asymmetric', Key: 'x', Body: 'x', ServerSideEncryption: 'aws:kms' as const }
    expect(await failure(s3.send(new PutObjectCommand({ ...put, SSEKMSKeyId: Arn })))).toMatchObject({
      code: 'KMS.InvalidKeyUsageException',
      status: 400,
    })
  })

  test('policies by algorithm, spec and usage; grants; aliases; states', async () => {
    const { KeyId, Arn } = await newKey(kms, 'RSA_2048', 'ENCRYPT_DECRYPT')
    const sealed = await encrypt(KeyId!, Buffer.from('x'), 'RSAES_OAEP_SHA_256')
    const everybody = { Effect: 'Allow', Principal: { AWS: '*' }, Action: 'kms:*', Resource: '*' }
    const denied = (Action: string, condition: Record<string, string>) =>
      kms.send(
        new PutKeyPolicyCommand({
          KeyId,
          Policy: JSON.stringify({
            Version: '2012-10-17',
            Statement: [everybody, { ...everybody, Effect: 'Deny', Action, Condition: { StringEquals: condition } }],
          }),
        }),
      )
    await denied('kms:Encrypt', {
      'kms:EncryptionAlgorithm': 'RSAES_OAEP_SHA_1',
      'kms:KeySpec': 'RSA_2048',
      'kms:KeyUsage': 'ENCRYPT_DECRYPT',
    })
    const sha1 = encrypt(KeyId!, Buffer.from('x'), 'RSAES_OAEP_SHA_1')
    expect(await failure(sha1)).toMatchObject({ code: 'AccessDeniedException' })
    await encrypt(KeyId!, Buffer.from('x'), 'RSAES_OAEP_SHA_256')
    await denied('kms:Encrypt', { 'kms:KeyUsage': 'SIGN_VERIFY' })
    await encrypt(KeyId!, Buffer.from('x'), 'RSAES_OAEP_SHA_1')

    const grant = { KeyId, GranteePrincipal: 'arn:aws:iam::000000000000:root' }
    await kms.send(new CreateGrantCommand({ ...grant, Operations: ['Encrypt', 'Decrypt', 'GetPublicKey'] }))
    for (const Operations of [['Sign'], ['GenerateDataKey'], ['DeriveSharedSecret']] as const) {
      const wrong = kms.send(new CreateGrantCommand({ ...grant, Operations: [...Operations] }))
      expect(await failure(wrong)).toMatchObject({
        code: 'ValidationException',
        message: `The operation ${Operations[0]} is not valid for a key with key spec RSA_2048.`,
      })
    }
    const Constraints = { EncryptionContextSubset: { a: 'b' } }
    const constrained = kms.send(new CreateGrantCommand({ ...grant, Operations: ['Encrypt'], Constraints }))
    expect(await failure(constrained)).toMatchObject({ code: 'ValidationException' })

    const symmetric = (await kms.send(new CreateKeyCommand({}))).KeyMetadata!
    await kms.send(new CreateAliasCommand({ AliasName: 'alias/rsa', TargetKeyId: KeyId }))
    expect((await decrypt('alias/rsa', sealed.CiphertextBlob!)).KeyId).toBe(Arn)
    const moved = kms.send(new UpdateAliasCommand({ AliasName: 'alias/rsa', TargetKeyId: symmetric.KeyId }))
    expect(await failure(moved)).toMatchObject({ code: 'ValidationException' })

    await kms.send(new DisableKeyCommand({ KeyId }))
    const asked = [
      () => decrypt(KeyId, sealed.CiphertextBlob!),
      () => encrypt(KeyId!, Buffer.from('x'), 'RSAES_OAEP_SHA_256'),
      () => kms.send(new GetPublicKeyCommand({ KeyId })),
    ]
    for (const ask of asked) {
      expect(await failure(ask())).toMatchObject({ code: 'DisabledException', message: `${Arn} is disabled.` })
    }
    await kms.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }))
    for (const ask of asked) {
      expect(await failure(ask())).toMatchObject({
        code: 'KMSInvalidStateException',
        message: `${Arn} is pending deletion.`,
      })
    }
  })
})

test('keys are the same after a restart', async () => {
  const first = await startServer()
  const before = kmsClient(first)
  const { KeyId } = await newKey(before, 'RSA_2048', 'ENCRYPT_DECRYPT')
  const sealing = { KeyId, EncryptionAlgorithm: 'RSAES_OAEP_SHA_256' as const }
  const { CiphertextBlob } = await before.send(new EncryptCommand({ ...sealing, Plaintext: Buffer.from('kept') }))
  await first.stop()
  const second = await startServer({ dataDir: first.dataDir })
  try {
    const opened = await kmsClient(second).send(new DecryptCommand({ ...sealing, CiphertextBlob }))
    expect(Buffer.from(opened.Plaintext!).toString()).toBe('kept')
  } finally {
    await second.remove()
  }
})
