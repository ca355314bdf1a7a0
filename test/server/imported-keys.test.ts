/** Imported key material from outside: every wrap, what is refused and in which words, and what survives a restart. */
import { createHmac, generateKeyPairSync, randomBytes, verify } from 'node:crypto'
import {
  type AlgorithmSpec,
  CreateKeyCommand,
  DecryptCommand,
  DeleteImportedKeyMaterialCommand,
  DescribeKeyCommand,
  EncryptCommand,
  GenerateMacCommand,
  GetParametersForImportCommand,
  type GetParametersForImportCommandInput,
  GetPublicKeyCommand,
  ImportKeyMaterialCommand,
  type ImportKeyMaterialCommandInput,
  type KMSClient,
  ListKeyRotationsCommand,
  PutKeyPolicyCommand,
  RotateKeyOnDemandCommand,
  SignCommand,
  VerifyCommand,
  type WrappingKeySpec,
} from '@aws-sdk/client-kms'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { importInto, newExternalKey, wrappedFor } from '../support/import.ts'
import { failure, kmsClient, s3Client } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

/** As often as both workers are sure to be asked. */
const OFTEN = 8
const DAY_MS = 86_400_000

let server: TestServer
let kms: KMSClient
beforeAll(async () => {
  server = await startServer()
  kms = kmsClient(server)
})
afterAll(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error/)
  await server.remove()
})

const describeKey = async (KeyId: string, by = kms) => (await by.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata!
const sealed = async (KeyId: string, by = kms) =>
  (await by.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('secret') }))).CiphertextBlob!
const opened = async (CiphertextBlob: Uint8Array, by = kms) =>
  Buffer.from((await by.send(new DecryptCommand({ CiphertextBlob }))).Plaintext!).toString()
const materials = async (KeyId: string) =>
  (await kms.send(new ListKeyRotationsCommand({ KeyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' }))).Rotations!
const deleted = (KeyId: string, KeyMaterialId?: string) =>
  kms.send(new DeleteImportedKeyMaterialCommand({ KeyId, KeyMaterialId }))

const ALGORITHMS: readonly AlgorithmSpec[] = [
  'RSAES_OAEP_SHA_1',
  'RSAES_OAEP_SHA_256',
  'RSA_AES_KEY_WRAP_SHA_1',
  'RSA_AES_KEY_WRAP_SHA_256',
]
const SPECS: readonly WrappingKeySpec[] = ['RSA_2048', 'RSA_3072', 'RSA_4096']

describe.each(SPECS)('under a wrapping key %s', (spec) => {
  test.each(ALGORITHMS)('by %s', async (algorithm) => {
    const { KeyId, arn, KeyMetadata } = await newExternalKey(kms)
    expect(KeyMetadata).toMatchObject({ Origin: 'EXTERNAL', KeyState: 'PendingImport', Enabled: false })
    expect(KeyMetadata).not.toHaveProperty('CurrentKeyMaterialId')
    expect(KeyMetadata).not.toHaveProperty('ExpirationModel')
    const { KeyId: ofReply, KeyMaterialId } = await importInto(kms, KeyId, randomBytes(32), {}, { algorithm, spec })
    expect([ofReply, KeyMaterialId]).toEqual([arn, expect.stringMatching(/^[0-9a-f]{64}$/)])
    expect(await describeKey(KeyId)).toMatchObject({
      KeyState: 'Enabled',
      Enabled: true,
      ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
      CurrentKeyMaterialId: KeyMaterialId,
    })
    const blob = await sealed(KeyId)
    for (let i = 0; i < OFTEN; i++) expect(await opened(blob)).toBe('secret')
  })
})

test('parameters are of the key that they were asked for, and hold a day', async () => {
  const { KeyId, arn } = await newExternalKey(kms)
  const parameters = await kms.send(
    new GetParametersForImportCommand({
      KeyId: arn,
      WrappingAlgorithm: 'RSAES_OAEP_SHA_256',
      WrappingKeySpec: 'RSA_2048',
    }),
  )
  expect(parameters.KeyId).toBe(arn)
  expect((parameters.ParametersValidTo!.getTime() - Date.now()) / DAY_MS).toBeCloseTo(1, 2)
  expect(parameters.PublicKey!.length).toBe(294)
  expect(parameters.ImportToken!.length).toBeLessThanOrEqual(6144)
  expect((await describeKey(KeyId)).KeyState).toBe('PendingImport')
})

const PARAMETERS: readonly [string, Partial<Record<keyof GetParametersForImportCommandInput, string>>, string][] = [
  ['RSAES_PKCS1_V1_5', { WrappingAlgorithm: 'RSAES_PKCS1_V1_5' }, 'UnsupportedOperationException'],
  ['SM2PKE', { WrappingAlgorithm: 'SM2PKE' }, 'UnsupportedOperationException'],
  ['SM2', { WrappingKeySpec: 'SM2' }, 'UnsupportedOperationException'],
  ['an unknown algorithm', { WrappingAlgorithm: 'ROT13' }, 'ValidationException'],
  ['an unknown spec', { WrappingKeySpec: 'RSA_1024' }, 'ValidationException'],
  ['an alias', { KeyId: 'alias/any' }, 'NotFoundException'],
  ['a key that is not there', { KeyId: '00000000-0000-4000-8000-0000000000ff' }, 'NotFoundException'],
]
test.each(PARAMETERS)('no parameters for %s', async (_, change, code) => {
  const { KeyId } = await newExternalKey(kms)
  const input = { KeyId, WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_2048', ...change }
  const call = kms.send(new GetParametersForImportCommand(input as GetParametersForImportCommandInput))
  expect(await failure(call)).toMatchObject({ code, status: 400 })
})

test.each(['WrappingAlgorithm', 'WrappingKeySpec'] as const)('no parameters without %s', async (absent) => {
  const { KeyId } = await newExternalKey(kms)
  const input = { KeyId, WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_2048', [absent]: undefined }
  const call = kms.send(new GetParametersForImportCommand(input as GetParametersForImportCommandInput))
  expect(await failure(call)).toMatchObject({ code: 'ValidationException', status: 400 })
})

test.each(['AWS_CLOUDHSM', 'EXTERNAL_KEY_STORE'] as const)('no key of origin %s', async (Origin) => {
  expect(await failure(kms.send(new CreateKeyCommand({ Origin })))).toMatchObject({
    code: 'UnsupportedOperationException',
  })
})

type Change = Partial<ImportKeyMaterialCommandInput>
const EXPIRES = { ExpirationModel: 'KEY_MATERIAL_EXPIRES' } as const
const NEW = { ImportType: 'NEW_KEY_MATERIAL' } as const
const KNOWN = { ImportType: 'EXISTING_KEY_MATERIAL' } as const
const SOME_ID = '0'.repeat(64)
const inDays = (days: number) => new Date(Date.now() + days * DAY_MS)
const REFUSED_FIRST: readonly [string, () => Change, string, string?][] = [
  [
    'without a date, since expiring is the default',
    () => ({ ExpirationModel: undefined }),
    'ValidationException',
    'A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES',
  ],
  ['that expires, without a date', () => EXPIRES, 'ValidationException'],
  ['of yesterday', () => ({ ...EXPIRES, ValidTo: inDays(-1) }), 'ValidationException'],
  ['of more than a year', () => ({ ...EXPIRES, ValidTo: inDays(366) }), 'ValidationException'],
  ['that does not expire, with a date', () => ({ ValidTo: inDays(1) }), 'ValidationException'],
  ['of an unknown model', () => ({ ExpirationModel: 'NEVER' as never }), 'ValidationException'],
  ['of an unknown type', () => ({ ImportType: 'OTHER' as never }), 'ValidationException'],
  ['that is said to be there already', () => KNOWN, 'IncorrectKeyMaterialException'],
  ['that is new and has an id', () => ({ ...NEW, KeyMaterialId: SOME_ID }), 'ValidationException'],
  ['that has another id', () => ({ KeyMaterialId: SOME_ID }), 'IncorrectKeyMaterialException'],
  ['with what is no id', () => ({ KeyMaterialId: 'XYZ' }), 'ValidationException'],
  ['with a description that cannot be', () => ({ KeyMaterialDescription: '<b>' }), 'ValidationException'],
  ['with a description that is too long', () => ({ KeyMaterialDescription: 'x'.repeat(257) }), 'ValidationException'],
  ['with a token of nothing', () => ({ ImportToken: randomBytes(100) }), 'InvalidImportTokenException'],
  ['with a token too large', () => ({ ImportToken: randomBytes(6145) }), 'ValidationException'],
  ['under no wrap', () => ({ EncryptedKeyMaterial: randomBytes(32) }), 'InvalidCiphertextException'],
  ['under a wrap of other bytes', () => ({ EncryptedKeyMaterial: randomBytes(256) }), 'InvalidCiphertextException'],
  ['without a wrap', () => ({ EncryptedKeyMaterial: undefined as never }), 'ValidationException'],
]
test.each(REFUSED_FIRST)('no first material %s', async (_, change, code, message) => {
  const { KeyId } = await newExternalKey(kms)
  const refused = await failure(importInto(kms, KeyId, randomBytes(32), change()))
  expect(refused).toMatchObject({ code, status: 400, ...(message !== undefined && { message }) })
  expect((await describeKey(KeyId)).KeyState).toBe('PendingImport')
})

const WRONG_WRAP: readonly [AlgorithmSpec, AlgorithmSpec][] = ALGORITHMS.flatMap((asked) =>
  ALGORITHMS.filter((used) => used !== asked).map((used) => [asked, used] as [AlgorithmSpec, AlgorithmSpec]),
)
test.each(WRONG_WRAP)('asked for %s, wrapped by %s', async (asked, used) => {
  const { KeyId } = await newExternalKey(kms)
  const { ImportToken, EncryptedKeyMaterial } = await wrappedFor(kms, KeyId, randomBytes(32), {
    algorithm: asked,
    as: used,
  })
  const input = { KeyId, ImportToken, EncryptedKeyMaterial, ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' } as const
  expect(await failure(kms.send(new ImportKeyMaterialCommand(input)))).toMatchObject({
    code: 'InvalidCiphertextException',
  })
})

test('a token is of one key; a wrap is of one token', async () => {
  const [one, two] = [await newExternalKey(kms), await newExternalKey(kms)]
  const [forOne, forTwo] = [
    await wrappedFor(kms, one.KeyId, randomBytes(32)),
    await wrappedFor(kms, two.KeyId, randomBytes(32)),
  ]
  const send = (input: Pick<ImportKeyMaterialCommandInput, 'KeyId' | 'ImportToken' | 'EncryptedKeyMaterial'>) =>
    kms.send(new ImportKeyMaterialCommand({ ...input, ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' }))
  expect(await failure(send({ KeyId: one.KeyId, ...forTwo }))).toMatchObject({ code: 'InvalidImportTokenException' })
  const mixed = { ...forOne, EncryptedKeyMaterial: forTwo.EncryptedKeyMaterial }
  expect(await failure(send({ KeyId: one.KeyId, ...mixed }))).toMatchObject({ code: 'InvalidCiphertextException' })
  await send({ KeyId: one.KeyId, ...forOne })
  // Within its day it serves again.
  await send({ KeyId: one.arn, ...forOne })
})

test.each([0, 16, 24, 31, 33, 64])('a symmetric key is not made of %d bytes', async (bytes) => {
  const { KeyId } = await newExternalKey(kms)
  const code = await failure(importInto(kms, KeyId, randomBytes(bytes)))
  expect(code).toMatchObject({ code: 'IncorrectKeyMaterialException', status: 400 })
})

const MACS = [
  ['HMAC_224', 'HMAC_SHA_224', 28],
  ['HMAC_256', 'HMAC_SHA_256', 32],
  ['HMAC_384', 'HMAC_SHA_384', 48],
  ['HMAC_512', 'HMAC_SHA_512', 64],
] as const
test.each(MACS)('%s has material of %s, and only its own', async (KeySpec, MacAlgorithm, bytes) => {
  const { KeyId } = await newExternalKey(kms, { KeySpec, KeyUsage: 'GENERATE_VERIFY_MAC' })
  const material = randomBytes(bytes)
  expect(await importInto(kms, KeyId, material)).not.toHaveProperty('KeyMaterialId')
  const Message = Buffer.from('m')
  const code = async () => (await kms.send(new GenerateMacCommand({ KeyId, MacAlgorithm, Message }))).Mac!
  const before = await code()
  for (const change of [NEW, KNOWN, { KeyMaterialDescription: 'd' }, { KeyMaterialId: SOME_ID }]) {
    expect(await failure(importInto(kms, KeyId, material, change))).toMatchObject({
      code: 'UnsupportedOperationException',
    })
  }
  expect(await failure(importInto(kms, KeyId, randomBytes(bytes)))).toMatchObject({
    code: 'IncorrectKeyMaterialException',
  })
  expect(await failure(importInto(kms, KeyId, randomBytes(bytes + 1)))).toMatchObject({
    code: 'IncorrectKeyMaterialException',
  })
  await deleted(KeyId)
  await importInto(kms, KeyId, material)
  expect(Buffer.compare(await code(), before)).toBe(0)
})

const PAIRS = [
  ['ECC_NIST_P256', 'ECDSA_SHA_256', 'sha256', { namedCurve: 'prime256v1' }],
  ['ECC_NIST_P384', 'ECDSA_SHA_384', 'sha384', { namedCurve: 'secp384r1' }],
  ['ECC_NIST_P521', 'ECDSA_SHA_512', 'sha512', { namedCurve: 'secp521r1' }],
  ['ECC_SECG_P256K1', 'ECDSA_SHA_256', 'sha256', { namedCurve: 'secp256k1' }],
  ['RSA_2048', 'RSASSA_PKCS1_V1_5_SHA_256', 'sha256', { modulusLength: 2048 }],
  ['RSA_4096', 'RSASSA_PKCS1_V1_5_SHA_512', 'sha512', { modulusLength: 4096 }],
] as const
test.each(PAIRS)('%s signs by %s with a private key of one’s own', async (KeySpec, SigningAlgorithm, hash, options) => {
  const made = (type: 'ec' | 'rsa') => generateKeyPairSync(type as 'ec', options as { namedCurve: string })
  const type = 'namedCurve' in options ? 'ec' : 'rsa'
  const [own, other] = [made(type), made(type)]
  const { KeyId, KeyMetadata } = await newExternalKey(kms, { KeySpec, KeyUsage: 'SIGN_VERIFY' })
  expect(KeyMetadata).toMatchObject({ KeySpec, KeyState: 'PendingImport' })
  const wrapping = { algorithm: 'RSA_AES_KEY_WRAP_SHA_256' } as const
  const bring = ({ privateKey }: typeof own, more: Change = {}) =>
    importInto(kms, KeyId, privateKey.export({ type: 'pkcs8', format: 'der' }), more, wrapping)
  expect(await bring(own)).not.toHaveProperty('KeyMaterialId')
  const Message = Buffer.from('m')
  const { Signature } = await kms.send(new SignCommand({ KeyId, Message, SigningAlgorithm }))
  expect(verify(hash, Message, own.publicKey, Signature!)).toBe(true)
  const { PublicKey } = await kms.send(new GetPublicKeyCommand({ KeyId }))
  expect(Buffer.compare(PublicKey!, own.publicKey.export({ type: 'spki', format: 'der' }))).toBe(0)
  for (const bad of [() => bring(other), () => importInto(kms, KeyId, randomBytes(32), {}, wrapping)]) {
    expect(await failure(bad())).toMatchObject({ code: 'IncorrectKeyMaterialException' })
  }
  expect(await failure(bring(own, NEW))).toMatchObject({ code: 'UnsupportedOperationException' })
  await deleted(KeyId)
  expect(await failure(kms.send(new GetPublicKeyCommand({ KeyId })))).toMatchObject({
    code: 'KMSInvalidStateException',
  })
  await bring(own)
  const again = { KeyId, Message, SigningAlgorithm, Signature }
  expect((await kms.send(new VerifyCommand(again))).SignatureValid).toBe(true)
})

test('a key that was given the same material elsewhere gives the same codes', async () => {
  const material = randomBytes(32)
  const Message = Buffer.from('m')
  const codes = new Set<string>()
  for (let i = 0; i < 2; i++) {
    const { KeyId } = await newExternalKey(kms, { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' })
    await importInto(kms, KeyId, material)
    const { Mac } = await kms.send(new GenerateMacCommand({ KeyId, MacAlgorithm: 'HMAC_SHA_256', Message }))
    codes.add(Buffer.from(Mac!).toString('hex'))
  }
  expect([...codes]).toEqual([createHmac('sha256', material).update('m').digest('hex')])
})

test('rotation: new material is pending, encrypts once it is activated, and the list says all of it', async () => {
  const { KeyId, arn } = await newExternalKey(kms)
  const [first, second, third] = [randomBytes(32), randomBytes(32), randomBytes(32)]
  const one = await importInto(kms, KeyId, first, { KeyMaterialDescription: 'one' })
  const before = await sealed(KeyId)
  const ValidTo = new Date(Math.floor(Date.now() / 1000) * 1000 + DAY_MS)
  const two = await importInto(kms, KeyId, second, { ...NEW, ...EXPIRES, ValidTo, KeyMaterialDescription: 'two' })
  expect(await failure(importInto(kms, KeyId, third, NEW))).toMatchObject({
    code: 'KMSInvalidStateException',
    message: expect.stringMatching(
      new RegExp(
        `^New key material \\(id: [0-9a-f]{64}\\) cannot be imported into KMS key ${arn}, because another key material \\(id: ${two.KeyMaterialId}\\) is pending rotation\\.$`,
      ),
    ),
  })
  expect(await materials(KeyId)).toEqual([
    {
      KeyId,
      KeyMaterialId: one.KeyMaterialId,
      KeyMaterialDescription: 'one',
      KeyMaterialState: 'CURRENT',
      ImportState: 'IMPORTED',
      ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
    },
    {
      KeyId,
      KeyMaterialId: two.KeyMaterialId,
      KeyMaterialDescription: 'two',
      KeyMaterialState: 'PENDING_ROTATION',
      ImportState: 'IMPORTED',
      ExpirationModel: 'KEY_MATERIAL_EXPIRES',
      ValidTo,
    },
  ])
  const rotations = async () => (await kms.send(new ListKeyRotationsCommand({ KeyId }))).Rotations!
  expect(await rotations()).toEqual([])
  // What waits has no say yet.
  expect(await describeKey(KeyId)).toMatchObject({ CurrentKeyMaterialId: one.KeyMaterialId })
  expect(await describeKey(KeyId)).not.toHaveProperty('ValidTo')
  expect((await kms.send(new RotateKeyOnDemandCommand({ KeyId }))).KeyId).toBe(KeyId)
  expect(await describeKey(KeyId)).toMatchObject({
    CurrentKeyMaterialId: two.KeyMaterialId,
    ExpirationModel: 'KEY_MATERIAL_EXPIRES',
    ValidTo,
  })
  expect(await rotations()).toMatchObject([
    { KeyMaterialState: 'CURRENT', RotationType: 'ON_DEMAND', ImportState: 'IMPORTED' },
  ])
  const after = await sealed(KeyId)
  for (let i = 0; i < OFTEN; i++) expect([await opened(before), await opened(after)]).toEqual(['secret', 'secret'])
  const gone = await deleted(KeyId, one.KeyMaterialId)
  expect(gone).toMatchObject({ KeyId: arn, KeyMaterialId: one.KeyMaterialId })
  expect(await materials(KeyId)).toMatchObject([
    { KeyMaterialState: 'NON_CURRENT', ImportState: 'PENDING_IMPORT', KeyMaterialDescription: 'one' },
    { KeyMaterialState: 'CURRENT', ImportState: 'IMPORTED' },
  ])
  expect((await materials(KeyId))[0]).not.toHaveProperty('ExpirationModel')
  for (const blob of [before, after]) {
    expect(await failure(opened(blob))).toMatchObject({
      code: 'KMSInvalidStateException',
      message: `${arn} is pending import.`,
    })
  }
  await importInto(kms, KeyId, first, { ...KNOWN, KeyMaterialId: one.KeyMaterialId })
  for (const blob of [before, after]) expect(await opened(blob)).toBe('secret')
})

const WRONG_AGAIN: readonly [string, 'same' | 'other', Change, string][] = [
  ['the same as new', 'same', NEW, 'IncorrectKeyMaterialException'],
  ['other as known', 'other', KNOWN, 'IncorrectKeyMaterialException'],
  ['other without a word', 'other', {}, 'IncorrectKeyMaterialException'],
  ['the same by another id', 'same', { KeyMaterialId: SOME_ID }, 'IncorrectKeyMaterialException'],
]
test.each(WRONG_AGAIN)('a key that has material does not take %s', async (_, which, change, code) => {
  const { KeyId } = await newExternalKey(kms)
  const material = randomBytes(32)
  await importInto(kms, KeyId, material)
  const blob = await sealed(KeyId)
  for (const gone of [false, true]) {
    if (gone) await deleted(KeyId)
    const call = importInto(kms, KeyId, which === 'same' ? material : randomBytes(32), change)
    expect(await failure(call)).toMatchObject({ code, status: 400 })
  }
  await importInto(kms, KeyId, material)
  expect(await opened(blob)).toBe('secret')
})

test('deleting is of no effect where there is nothing, and refused of what never was', async () => {
  const { KeyId, arn } = await newExternalKey(kms)
  const nothing = await deleted(KeyId)
  expect(nothing.KeyId).toBe(arn)
  expect(nothing).not.toHaveProperty('KeyMaterialId')
  expect(await failure(deleted(KeyId, SOME_ID))).toMatchObject({ code: 'NotFoundException' })
  const { KeyMaterialId } = await importInto(kms, KeyId, randomBytes(32))
  for (let i = 0; i < 2; i++) expect((await deleted(KeyId)).KeyMaterialId).toBe(KeyMaterialId)
})

test('material that expires is of no use from its instant on, on every worker, for S3 as well', async () => {
  const { KeyId, arn } = await newExternalKey(kms)
  const material = randomBytes(32)
  const s3 = s3Client(server)
  const Bucket = 'expiring'
  await s3.send(new CreateBucketCommand({ Bucket }))
  const ValidTo = new Date(Date.now() + 3000)
  await importInto(kms, KeyId, material, { ...EXPIRES, ValidTo })
  const put = { Bucket, Key: 'k', Body: 'x', ServerSideEncryption: 'aws:kms' as const, SSEKMSKeyId: KeyId }
  await s3.send(new PutObjectCommand(put))
  const blob = await sealed(KeyId)
  while (Date.now() <= ValidTo.getTime()) await new Promise((resolve) => setTimeout(resolve, 50))
  for (let i = 0; i < OFTEN; i++) {
    expect(await failure(opened(blob))).toMatchObject({ code: 'KMSInvalidStateException' })
    expect(await failure(s3.send(new GetObjectCommand({ Bucket, Key: 'k' })))).toMatchObject({
      code: 'KMS.KMSInvalidStateException',
      message: `${arn} is pending import.`,
    })
  }
  const metadata = await describeKey(KeyId)
  expect(metadata.KeyState).toBe('PendingImport')
  expect(metadata).not.toHaveProperty('ValidTo')
  await importInto(kms, KeyId, material)
  expect(await (await s3.send(new GetObjectCommand({ Bucket, Key: 'k' }))).Body!.transformToString()).toBe('x')
})

const CONDITIONS: readonly [
  string,
  object,
  (KeyId: string) => Promise<unknown>,
  (KeyId: string) => Promise<unknown>,
][] = [
  [
    'kms:WrappingAlgorithm',
    { StringEquals: { 'kms:WrappingAlgorithm': 'RSAES_OAEP_SHA_1' } },
    (KeyId) => wrappedFor(kms, KeyId, randomBytes(32), { algorithm: 'RSAES_OAEP_SHA_1' }),
    (KeyId) => wrappedFor(kms, KeyId, randomBytes(32)),
  ],
  [
    'kms:WrappingKeySpec',
    { StringNotEquals: { 'kms:WrappingKeySpec': 'RSA_3072' }, Null: { 'kms:WrappingKeySpec': 'false' } },
    (KeyId) => wrappedFor(kms, KeyId, randomBytes(32), { spec: 'RSA_2048' }),
    (KeyId) => wrappedFor(kms, KeyId, randomBytes(32), { spec: 'RSA_3072' }),
  ],
  [
    'kms:ExpirationModel',
    { StringEquals: { 'kms:ExpirationModel': 'KEY_MATERIAL_DOES_NOT_EXPIRE' } },
    (KeyId) => importInto(kms, KeyId, randomBytes(32)),
    (KeyId) => importInto(kms, KeyId, randomBytes(32), { ...EXPIRES, ValidTo: inDays(1) }),
  ],
  [
    'kms:ValidTo, as a number',
    { NumericGreaterThan: { 'kms:ValidTo': String(Math.floor(inDays(10).getTime() / 1000)) } },
    (KeyId) => importInto(kms, KeyId, randomBytes(32), { ...EXPIRES, ValidTo: inDays(20) }),
    (KeyId) => importInto(kms, KeyId, randomBytes(32), { ...EXPIRES, ValidTo: inDays(5) }),
  ],
  [
    'kms:ValidTo, as a date',
    { DateGreaterThan: { 'kms:ValidTo': inDays(10).toISOString() } },
    (KeyId) => importInto(kms, KeyId, randomBytes(32), { ...EXPIRES, ValidTo: inDays(20) }),
    (KeyId) => importInto(kms, KeyId, randomBytes(32), { ...EXPIRES, ValidTo: inDays(5) }),
  ],
  [
    'kms:KeyOrigin',
    { StringEquals: { 'kms:KeyOrigin': 'EXTERNAL', 'kms:WrappingKeySpec': 'RSA_4096' } },
    (KeyId) => wrappedFor(kms, KeyId, randomBytes(32), { spec: 'RSA_4096' }),
    (KeyId) => wrappedFor(kms, KeyId, randomBytes(32)),
  ],
]
test.each(CONDITIONS)('a key policy denies by %s', async (_, Condition, denied, allowed) => {
  const { KeyId } = await newExternalKey(kms)
  const any = { Principal: { AWS: '*' }, Resource: '*' }
  const Policy = JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Action: 'kms:*', ...any },
      { Effect: 'Deny', Action: ['kms:GetParametersForImport', 'kms:ImportKeyMaterial'], ...any, Condition },
    ],
  })
  await kms.send(new PutKeyPolicyCommand({ KeyId, Policy }))
  expect(await failure(denied(KeyId))).toMatchObject({ code: 'AccessDeniedException' })
  await allowed(KeyId)
})

test('a token made before a restart still opens, and imported material survives a kill', async () => {
  const first = await startServer()
  const before = kmsClient(first)
  const [kept, empty] = [await newExternalKey(before), await newExternalKey(before)]
  const material = randomBytes(32)
  await importInto(before, kept.KeyId, material)
  const blob = await sealed(kept.KeyId, before)
  const wrapped = await wrappedFor(before, empty.KeyId, material)
  const gone = await newExternalKey(before)
  await importInto(before, gone.KeyId, material)
  await before.send(new DeleteImportedKeyMaterialCommand({ KeyId: gone.KeyId }))
  await first.kill()
  const second = await startServer({ dataDir: first.dataDir })
  try {
    const after = kmsClient(second)
    expect(await opened(blob, after)).toBe('secret')
    for (let i = 0; i < OFTEN; i++) {
      const input = { KeyId: empty.KeyId, ...wrapped, ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' } as const
      await after.send(new ImportKeyMaterialCommand(input))
    }
    expect((await describeKey(empty.KeyId, after)).KeyState).toBe('Enabled')
    expect((await describeKey(gone.KeyId, after)).KeyState).toBe('PendingImport')
    await importInto(after, gone.KeyId, material)
    expect((await describeKey(gone.KeyId, after)).KeyState).toBe('Enabled')
  } finally {
    await second.remove()
  }
})
