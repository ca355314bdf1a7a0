/** One server that answers the KMS in several regions, from outside: who is meant, multi-Region keys, and what lasts. */
import { randomBytes } from 'node:crypto'
import {
  CreateAliasCommand,
  CreateKeyCommand,
  type CreateKeyCommandInput,
  DecryptCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyRotationCommand,
  EncryptCommand,
  GenerateMacCommand,
  GetKeyPolicyCommand,
  GetKeyRotationStatusCommand,
  GetPublicKeyCommand,
  type KMSClient,
  ListAliasesCommand,
  ListKeyRotationsCommand,
  ListKeysCommand,
  ListResourceTagsCommand,
  PutKeyPolicyCommand,
  ReEncryptCommand,
  ReplicateKeyCommand,
  type ReplicateKeyCommandInput,
  RotateKeyOnDemandCommand,
  ScheduleKeyDeletionCommand,
  SignCommand,
  UpdatePrimaryRegionCommand,
  VerifyCommand,
  VerifyMacCommand,
} from '@aws-sdk/client-kms'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { importInto, newExternalKey } from '../support/import.ts'
import { failure, kmsClient, s3Client } from '../support/sdk.ts'
import { fsck, startServer, type TestServer } from '../support/server.ts'

/** As often as both workers are sure to be asked. */
const OFTEN = 8
const [OURS, EUROPE, ASIA] = ['us-east-1', 'eu-west-1', 'ap-south-1'] as const
const ann = { name: 'ann', accessKeyId: 'AKIAANN', secretAccessKey: 'secretann' }
const annArn = 'arn:aws:iam::000000000000:user/ann'
const config = {
  accounts: [{ id: '000000000000', users: [ann] }],
  kms: { regions: [EUROPE, ASIA] },
}

let server: TestServer
let kms: KMSClient
let europe: KMSClient
let asia: KMSClient
beforeAll(async () => {
  server = await startServer({ config })
  kms = kmsClient(server)
  europe = kmsClient(server, { region: EUROPE })
  asia = kmsClient(server, { region: ASIA })
})
afterAll(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error/)
  await server.remove()
})

async function newKey(input: CreateKeyCommandInput = {}, by = kms) {
  const { KeyMetadata } = await by.send(new CreateKeyCommand({ MultiRegion: true, ...input }))
  return { KeyId: KeyMetadata!.KeyId!, arn: KeyMetadata!.Arn!, KeyMetadata: KeyMetadata! }
}
const replicate = (KeyId: string, ReplicaRegion: string, more: Partial<ReplicateKeyCommandInput> = {}, by = kms) =>
  by.send(new ReplicateKeyCommand({ KeyId, ReplicaRegion, ...more }))
const describeKey = async (by: KMSClient, KeyId: string) =>
  (await by.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata!
const sealed = async (by: KMSClient, KeyId: string) =>
  (await by.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('secret') }))).CiphertextBlob!
async function opened(by: KMSClient, CiphertextBlob: Uint8Array, KeyId?: string) {
  const { Plaintext, KeyId: keyArn } = await by.send(new DecryptCommand({ CiphertextBlob, KeyId }))
  return [Buffer.from(Plaintext!).toString(), keyArn]
}
const inRegion = (arn: string, region: string) => arn.replace(OURS, region)

test('a key is of the region that the request is signed for', async () => {
  const ids = new Set<string>()
  for (const [region, by] of [
    [OURS, kms],
    [EUROPE, europe],
    [ASIA, asia],
  ] as const) {
    const { KeyId, arn } = await newKey({ MultiRegion: false }, by)
    expect(arn).toBe(`arn:aws:kms:${region}:000000000000:key/${KeyId}`)
    ids.add(KeyId)
    expect((await by.send(new ListKeysCommand({}))).Keys!.map((key) => key.KeyId)).toContain(KeyId)
    for (const other of [kms, europe, asia].filter((one) => one !== by)) {
      expect(await failure(describeKey(other, KeyId))).toMatchObject({ code: 'NotFoundException' })
      expect(await failure(describeKey(other, arn))).toMatchObject({
        code: 'NotFoundException',
        message: `Invalid arn ${region}`,
      })
      expect((await other.send(new ListKeysCommand({}))).Keys!.map((key) => key.KeyId)).not.toContain(KeyId)
    }
  }
})

test('a region in which the server does not answer is refused as a wrong signature', async () => {
  const nowhere = kmsClient(server, { region: 'sa-east-1' })
  expect(await failure(nowhere.send(new ListKeysCommand({})))).toMatchObject({
    message: expect.stringContaining("'sa-east-1' is wrong; expecting 'us-east-1'"),
  })
})

test('aliases are of one region; S3 stays in its own', async () => {
  const [here, there] = [await newKey({ MultiRegion: false }), await newKey({ MultiRegion: false }, europe)]
  await kms.send(new CreateAliasCommand({ AliasName: 'alias/shared', TargetKeyId: here.KeyId }))
  await europe.send(new CreateAliasCommand({ AliasName: 'alias/shared', TargetKeyId: there.KeyId }))
  expect([(await describeKey(kms, 'alias/shared')).Arn, (await describeKey(europe, 'alias/shared')).Arn]).toEqual([
    here.arn,
    there.arn,
  ])
  expect((await asia.send(new ListAliasesCommand({}))).Aliases).toEqual([])
  const s3 = s3Client(server)
  await s3.send(new CreateBucketCommand({ Bucket: 'here' }))
  const put = (SSEKMSKeyId: string) =>
    s3.send(new PutObjectCommand({ Bucket: 'here', Key: 'k', Body: 'x', ServerSideEncryption: 'aws:kms', SSEKMSKeyId }))
  expect((await put('alias/shared')).SSEKMSKeyId).toBe(here.arn)
  expect(await failure(put(there.arn))).toMatchObject({
    code: 'KMS.NotFoundException',
    message: `Invalid arn ${EUROPE}`,
  })
})

test('what a multi-Region key says of itself', async () => {
  const { KeyId, arn, KeyMetadata } = await newKey({ Description: 'first' })
  expect(KeyId).toMatch(/^mrk-[0-9a-f]{32}$/)
  const at = (region: string) => ({ Arn: inRegion(arn, region), Region: region })
  const said = (MultiRegionKeyType: string, ...replicas: string[]) => ({
    MultiRegion: true,
    MultiRegionConfiguration: { MultiRegionKeyType, PrimaryKey: at(OURS), ReplicaKeys: replicas.map(at) },
  })
  expect(KeyMetadata).toMatchObject(said('PRIMARY'))
  const tags = [{ TagKey: 'a', TagValue: 'b' }]
  const { ReplicaKeyMetadata, ReplicaPolicy, ReplicaTags } = await replicate(KeyId, EUROPE, {
    Description: 'second',
    Tags: tags,
  })
  expect(ReplicaKeyMetadata).toMatchObject({
    ...said('REPLICA', EUROPE),
    KeyId,
    Arn: inRegion(arn, EUROPE),
    Description: 'second',
    KeyState: 'Enabled',
    KeySpec: 'SYMMETRIC_DEFAULT',
    Origin: 'AWS_KMS',
    CurrentKeyMaterialId: KeyMetadata.CurrentKeyMaterialId,
  })
  expect(ReplicaTags).toEqual(tags)
  expect((await europe.send(new ListResourceTagsCommand({ KeyId }))).Tags).toEqual(tags)
  expect((await kms.send(new ListResourceTagsCommand({ KeyId }))).Tags).toEqual([])
  expect((await europe.send(new GetKeyPolicyCommand({ KeyId }))).Policy).toBe(ReplicaPolicy)
  await replicate(KeyId, ASIA)
  for (let i = 0; i < OFTEN; i++) {
    expect(await describeKey(kms, KeyId)).toMatchObject({ ...said('PRIMARY', EUROPE, ASIA), Description: 'first' })
    expect(await describeKey(europe, KeyId)).toMatchObject(said('REPLICA', EUROPE, ASIA))
  }
  expect((await newKey({ MultiRegion: false })).KeyMetadata).not.toHaveProperty('MultiRegionConfiguration')
})

test('what is encrypted in one region is decrypted in another, as often as the key is rotated', async () => {
  const { KeyId, arn } = await newKey()
  await replicate(KeyId, EUROPE)
  const blobs = [await sealed(kms, KeyId), await sealed(europe, KeyId)]
  await kms.send(new RotateKeyOnDemandCommand({ KeyId }))
  blobs.push(await sealed(kms, KeyId), await sealed(europe, KeyId))
  for (const blob of blobs) {
    for (let i = 0; i < OFTEN; i++) {
      expect(await opened(kms, blob)).toEqual(['secret', arn])
      expect(await opened(europe, blob)).toEqual(['secret', inRegion(arn, EUROPE)])
    }
    expect(await opened(europe, blob, KeyId)).toEqual(['secret', inRegion(arn, EUROPE)])
    expect(await failure(opened(asia, blob))).toMatchObject({ code: 'InvalidCiphertextException' })
    const { CiphertextBlob, KeyId: destination } = await europe.send(
      new ReEncryptCommand({ CiphertextBlob: blob, DestinationKeyId: KeyId }),
    )
    expect(destination).toBe(inRegion(arn, EUROPE))
    expect((await opened(kms, CiphertextBlob!))[0]).toBe('secret')
  }
  const list = async (by: KMSClient) =>
    (await by.send(new ListKeyRotationsCommand({ KeyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' }))).Rotations
  expect(await list(europe)).toEqual(await list(kms))
  await kms.send(new EnableKeyRotationCommand({ KeyId, RotationPeriodInDays: 100 }))
  expect(await europe.send(new GetKeyRotationStatusCommand({ KeyId }))).toMatchObject({
    KeyRotationEnabled: true,
    RotationPeriodInDays: 100,
  })
})

test('an HMAC key of several regions makes one code', async () => {
  const { KeyId } = await newKey({ KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' })
  await replicate(KeyId, EUROPE)
  const input = { KeyId, Message: Buffer.from('m'), MacAlgorithm: 'HMAC_SHA_256' as const }
  const { Mac } = await kms.send(new GenerateMacCommand(input))
  expect((await europe.send(new VerifyMacCommand({ ...input, Mac }))).MacValid).toBe(true)
})

test('an asymmetric key of several regions is one pair', async () => {
  const { KeyId } = await newKey({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' })
  await replicate(KeyId, EUROPE)
  const input = { KeyId, Message: Buffer.from('m'), SigningAlgorithm: 'ECDSA_SHA_256' as const }
  const { Signature } = await kms.send(new SignCommand(input))
  expect((await europe.send(new VerifyCommand({ ...input, Signature }))).SignatureValid).toBe(true)
  const keys = [kms, europe].map(async (by) => (await by.send(new GetPublicKeyCommand({ KeyId }))).PublicKey!)
  expect(Buffer.compare(...((await Promise.all(keys)) as [Uint8Array, Uint8Array]))).toBe(0)
})

const REFUSED: readonly [
  string,
  (KeyId: string, arn: string) => Promise<unknown>,
  string,
  ((arn: string) => string)?,
][] = [
  [
    'a replica of a replica',
    (KeyId) => replicate(KeyId, ASIA, {}, europe),
    'UnsupportedOperationException',
    (arn) => `${inRegion(arn, EUROPE)} is not a multi-region primary key.`,
  ],
  [
    'a rotation of a replica',
    (KeyId) => europe.send(new RotateKeyOnDemandCommand({ KeyId })),
    'UnsupportedOperationException',
    (arn) => `${inRegion(arn, EUROPE)} is not a multi-region primary key.`,
  ],
  [
    'a schedule of a replica',
    (KeyId) => europe.send(new EnableKeyRotationCommand({ KeyId })),
    'UnsupportedOperationException',
  ],
  ['a second replica', (KeyId) => replicate(KeyId, EUROPE), 'AlreadyExistsException'],
  ['a replica in its own region', (KeyId) => replicate(KeyId, OURS), 'AlreadyExistsException'],
  ['a replica in a region that is not here', (KeyId) => replicate(KeyId, 'sa-east-1'), 'UnsupportedOperationException'],
  ['a replica in what is no region', (KeyId) => replicate(KeyId, 'Europe'), 'ValidationException'],
  ['a replica without a region', (KeyId) => replicate(KeyId, undefined as never), 'ValidationException'],
  ['a replica by alias', () => replicate('alias/x', ASIA), 'NotFoundException'],
  [
    'a replica with a bad policy',
    (KeyId) => replicate(KeyId, ASIA, { Policy: '{}' }),
    'MalformedPolicyDocumentException',
  ],
  [
    'a replica whose policy locks everybody out',
    (KeyId) => replicate(KeyId, ASIA, { Policy: policyFor(annArn, 'kms:Decrypt') }),
    'MalformedPolicyDocumentException',
  ],
  [
    'a replica with two tags of one key',
    (KeyId) => replicate(KeyId, ASIA, { Tags: [1, 2].map((n) => ({ TagKey: 'a', TagValue: `${n}` })) }),
    'TagException',
  ],
  [
    'a move to where there is no replica',
    (KeyId) => kms.send(new UpdatePrimaryRegionCommand({ KeyId, PrimaryRegion: ASIA })),
    'NotFoundException',
    (arn) => `Key '${inRegion(arn, ASIA)}' does not exist`,
  ],
  [
    'a move that a replica asks for',
    (KeyId) => europe.send(new UpdatePrimaryRegionCommand({ KeyId, PrimaryRegion: EUROPE })),
    'UnsupportedOperationException',
  ],
  [
    'a move without a region',
    (KeyId) => kms.send(new UpdatePrimaryRegionCommand({ KeyId, PrimaryRegion: undefined as never })),
    'ValidationException',
  ],
]
test.each(REFUSED)('refused: %s', async (_, run, code, message) => {
  const { KeyId, arn } = await newKey()
  await replicate(KeyId, EUROPE)
  expect(await failure(run(KeyId, arn))).toMatchObject({ code, status: 400, ...(message && { message: message(arn) }) })
  expect((await describeKey(kms, KeyId)).MultiRegionConfiguration!.ReplicaKeys).toHaveLength(1)
})

test('refused: a key of one region has no replicas and no primary', async () => {
  const { KeyId, arn } = await newKey({ MultiRegion: false })
  const message = `${arn} is not a multi-region primary key.`
  for (const call of [
    replicate(KeyId, EUROPE),
    kms.send(new UpdatePrimaryRegionCommand({ KeyId, PrimaryRegion: EUROPE })),
  ]) {
    expect(await failure(call)).toMatchObject({ code: 'UnsupportedOperationException', message })
  }
})

test('the primary key moves to a replica', async () => {
  const { KeyId } = await newKey()
  await replicate(KeyId, EUROPE)
  const before = await sealed(kms, KeyId)
  await kms.send(new UpdatePrimaryRegionCommand({ KeyId, PrimaryRegion: EUROPE }))
  for (const [by, type] of [
    [kms, 'REPLICA'],
    [europe, 'PRIMARY'],
  ] as const) {
    const { MultiRegionConfiguration } = await describeKey(by, KeyId)
    expect(MultiRegionConfiguration).toMatchObject({
      MultiRegionKeyType: type,
      PrimaryKey: { Region: EUROPE },
      ReplicaKeys: [{ Region: OURS }],
    })
  }
  await europe.send(new RotateKeyOnDemandCommand({ KeyId }))
  await replicate(KeyId, ASIA, {}, europe)
  for (const blob of [before, await sealed(europe, KeyId)]) {
    for (const by of [kms, europe, asia]) expect((await opened(by, blob))[0]).toBe('secret')
  }
})

test('each key has its own state; the primary key ends last', async () => {
  const { KeyId, arn } = await newKey()
  await replicate(KeyId, EUROPE)
  const blob = await sealed(kms, KeyId)
  await europe.send(new DisableKeyCommand({ KeyId }))
  expect(await failure(opened(europe, blob))).toMatchObject({
    code: 'DisabledException',
    message: `${inRegion(arn, EUROPE)} is disabled.`,
  })
  expect((await opened(kms, blob))[0]).toBe('secret')
  const scheduled = await kms.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 9 }))
  expect(scheduled).toMatchObject({ KeyState: 'PendingReplicaDeletion', PendingWindowInDays: 9 })
  expect(scheduled).not.toHaveProperty('DeletionDate')
  const metadata = await describeKey(kms, KeyId)
  expect(metadata).toMatchObject({ KeyState: 'PendingReplicaDeletion', PendingDeletionWindowInDays: 9 })
  expect(metadata).not.toHaveProperty('DeletionDate')
  expect(await failure(opened(kms, blob))).toMatchObject({
    code: 'KMSInvalidStateException',
    message: `${arn} is pending replica deletion.`,
  })
})

test('imported material: the primary key first, then each replica, then the rotation', async () => {
  const { KeyId, arn } = await newExternalKey(kms, { MultiRegion: true })
  const [first, second] = [randomBytes(32), randomBytes(32)]
  const { KeyMaterialId } = await importInto(kms, KeyId, first)
  await replicate(KeyId, EUROPE)
  expect((await describeKey(europe, KeyId)).KeyState).toBe('PendingImport')
  expect((await importInto(europe, KeyId, first)).KeyMaterialId).toBe(KeyMaterialId)
  const blob = await sealed(europe, KeyId)
  const states = async (by: KMSClient) =>
    (await by.send(new ListKeyRotationsCommand({ KeyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' }))).Rotations!.map(
      ({ KeyMaterialState, ImportState }) => [KeyMaterialState, ImportState],
    )
  expect(await failure(importInto(europe, KeyId, second, { ImportType: 'NEW_KEY_MATERIAL' }))).toMatchObject({
    code: 'UnsupportedOperationException',
    message: `${inRegion(arn, EUROPE)} is not a multi-region primary key.`,
  })
  await importInto(kms, KeyId, second, { ImportType: 'NEW_KEY_MATERIAL' })
  expect(await states(kms)).toEqual([
    ['CURRENT', 'IMPORTED'],
    ['PENDING_MULTI_REGION_IMPORT_AND_ROTATION', 'IMPORTED'],
  ])
  expect(await states(europe)).toEqual([
    ['CURRENT', 'IMPORTED'],
    ['PENDING_MULTI_REGION_IMPORT_AND_ROTATION', 'PENDING_IMPORT'],
  ])
  expect(await failure(kms.send(new RotateKeyOnDemandCommand({ KeyId })))).toMatchObject({
    code: 'KMSInvalidStateException',
    message: `No available key material pending rotation for the key: ${arn}.`,
  })
  await importInto(europe, KeyId, second, { ImportType: 'EXISTING_KEY_MATERIAL' })
  for (const by of [kms, europe]) expect((await states(by))[1]).toEqual(['PENDING_ROTATION', 'IMPORTED'])
  await kms.send(new RotateKeyOnDemandCommand({ KeyId }))
  for (const by of [kms, europe]) {
    expect((await opened(by, blob))[0]).toBe('secret')
    expect((await opened(by, await sealed(kms, KeyId)))[0]).toBe('secret')
  }
})

function policyFor(principal: string, action: string | string[], condition?: object): string {
  const to = (AWS: string, Action: string | string[], more: object = {}) => ({
    ...{ Effect: 'Allow', Principal: { AWS }, Action, Resource: '*' },
    ...more,
  })
  const root = to('arn:aws:iam::000000000000:root', 'kms:*')
  const statements = condition === undefined ? [] : [root]
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [...statements, to(principal, action, { Condition: condition ?? {} })],
  })
}

const CONDITIONS: readonly [string, string, object, (by: KMSClient, KeyId: string) => Promise<unknown>, boolean][] = [
  ['kms:MultiRegion', 'kms:DescribeKey', { Bool: { 'kms:MultiRegion': 'true' } }, describeKey, true],
  ['kms:MultiRegion', 'kms:DescribeKey', { Bool: { 'kms:MultiRegion': 'false' } }, describeKey, false],
  [
    'kms:MultiRegionKeyType',
    'kms:DescribeKey',
    { StringEquals: { 'kms:MultiRegionKeyType': 'PRIMARY' } },
    describeKey,
    true,
  ],
  [
    'kms:MultiRegionKeyType',
    'kms:DescribeKey',
    { StringEquals: { 'kms:MultiRegionKeyType': 'REPLICA' } },
    describeKey,
    false,
  ],
  [
    'kms:PrimaryRegion',
    'kms:UpdatePrimaryRegion',
    { StringEquals: { 'kms:PrimaryRegion': ASIA } },
    (by, KeyId) => by.send(new UpdatePrimaryRegionCommand({ KeyId, PrimaryRegion: EUROPE })),
    false,
  ],
  [
    'kms:ReplicaRegion',
    'kms:ReplicateKey',
    { StringEquals: { 'kms:ReplicaRegion': EUROPE } },
    (by, KeyId) => replicate(KeyId, ASIA, {}, by),
    false,
  ],
]
test.each(CONDITIONS)('a key policy allows by %s: %s %j', async (_, action, condition, run, isAllowed) => {
  const { KeyId } = await newKey()
  await replicate(KeyId, EUROPE)
  await kms.send(new PutKeyPolicyCommand({ KeyId, Policy: policyFor(annArn, action, condition) }))
  const sent = run(kmsClient(server, { credentials: ann }), KeyId)
  if (isAllowed) await sent
  else expect(await failure(sent)).toMatchObject({ code: 'AccessDeniedException' })
})

test('whoever replicates must be allowed to make a key there; whoever moves, on both keys', async () => {
  const { KeyId } = await newKey()
  await replicate(KeyId, EUROPE)
  const byAnn = kmsClient(server, { credentials: ann })
  const both = ['kms:ReplicateKey', 'kms:UpdatePrimaryRegion']
  await kms.send(new PutKeyPolicyCommand({ KeyId, Policy: policyFor(annArn, both, {}) }))
  expect(await failure(replicate(KeyId, ASIA, {}, byAnn))).toMatchObject({
    code: 'AccessDeniedException',
    message: expect.stringContaining('not authorized to perform: kms:CreateKey'),
  })
  const move = () => byAnn.send(new UpdatePrimaryRegionCommand({ KeyId, PrimaryRegion: EUROPE }))
  expect(await failure(move())).toMatchObject({
    code: 'AccessDeniedException',
    message: expect.stringContaining(EUROPE),
  })
  await europe.send(new PutKeyPolicyCommand({ KeyId, Policy: policyFor(annArn, both, {}) }))
  await move()
  expect((await describeKey(europe, KeyId)).MultiRegionConfiguration!.MultiRegionKeyType).toBe('PRIMARY')
})

test('regions can be added to a data folder that had none, and everything lasts through kills', async () => {
  const first = await startServer()
  const before = kmsClient(first)
  const old = await newKey({ MultiRegion: false }, before)
  const many = await newKey({}, before)
  expect(await failure(replicate(many.KeyId, EUROPE, {}, before))).toMatchObject({
    code: 'UnsupportedOperationException',
  })
  const blobs = [await sealed(before, old.KeyId), await sealed(before, many.KeyId)]
  const s3 = s3Client(first)
  await s3.send(new CreateBucketCommand({ Bucket: 'lasting' }))
  const put = {
    Bucket: 'lasting',
    Key: 'k',
    Body: 'x',
    ServerSideEncryption: 'aws:kms' as const,
    SSEKMSKeyId: many.KeyId,
  }
  await s3.send(new PutObjectCommand(put))
  await first.kill()
  const second = await startServer({ dataDir: first.dataDir, config })
  const [home, there] = [kmsClient(second), kmsClient(second, { region: EUROPE })]
  for (const blob of blobs) expect((await opened(home, blob))[0]).toBe('secret')
  await replicate(many.KeyId, EUROPE, {}, home)
  await home.send(new RotateKeyOnDemandCommand({ KeyId: many.KeyId }))
  blobs.push(await sealed(there, many.KeyId))
  await second.kill()
  const third = await startServer({ dataDir: first.dataDir, config })
  try {
    const [ours, theirs] = [kmsClient(third), kmsClient(third, { region: EUROPE })]
    for (const blob of blobs) expect((await opened(ours, blob))[0]).toBe('secret')
    for (const blob of blobs.slice(1)) expect((await opened(theirs, blob))[0]).toBe('secret')
    const { Body } = await s3Client(third).send(new GetObjectCommand({ Bucket: 'lasting', Key: 'k' }))
    expect(await Body!.transformToString()).toBe('x')
    expect((await theirs.send(new ListKeysCommand({}))).Keys).toHaveLength(1)
    expect(await third.stop()).toBe(0)
    expect((await fsck(first.dataDir)).code).toBe(0)
  } finally {
    await third.remove()
  }
})
