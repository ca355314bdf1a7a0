/** Rotation of keys from outside: objects and ciphertexts of old material still open, on every worker and after a crash. */
import {
  CreateKeyCommand,
  DecryptCommand,
  DescribeKeyCommand,
  DisableKeyRotationCommand,
  EnableKeyRotationCommand,
  EncryptCommand,
  GetKeyRotationStatusCommand,
  type KMSClient,
  ListAliasesCommand,
  ListKeyRotationsCommand,
  type ListKeyRotationsCommandInput,
  PutKeyPolicyCommand,
  RotateKeyOnDemandCommand,
  ScheduleKeyDeletionCommand,
} from '@aws-sdk/client-kms'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { failure, kmsClient, s3Client } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

const DAY_MS = 86_400_000
/** As often as both workers are sure to be asked. */
const OFTEN = 8

let server: TestServer
let s3: S3Client
let kms: KMSClient
beforeAll(async () => {
  server = await startServer()
  s3 = s3Client(server)
  kms = kmsClient(server)
})
afterAll(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error/)
  await server.remove()
})

const newKey = async () => {
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}))
  return { KeyId: KeyMetadata!.KeyId!, arn: KeyMetadata!.Arn!, firstMaterial: KeyMetadata!.CurrentKeyMaterialId }
}
const status = async (KeyId: string) => {
  const { $metadata: _, ...rest } = await kms.send(new GetKeyRotationStatusCommand({ KeyId }))
  return rest
}
const listed = (input: ListKeyRotationsCommandInput) => kms.send(new ListKeyRotationsCommand(input))
const inDays = (date: Date | undefined) => (date!.getTime() - Date.now()) / DAY_MS

test('objects sealed before a rotation are read as ever, those after it are under new material', async () => {
  const { KeyId, firstMaterial } = await newKey()
  const Bucket = 'rotated'
  await s3.send(new CreateBucketCommand({ Bucket }))
  const methods = ['aws:kms', 'aws:kms:dsse'] as const
  const put = (Key: string, ServerSideEncryption: (typeof methods)[number]) =>
    s3.send(new PutObjectCommand({ Bucket, Key, Body: Key, ServerSideEncryption, SSEKMSKeyId: KeyId }))
  for (const method of methods) await put(`before ${method}`, method)
  expect((await kms.send(new RotateKeyOnDemandCommand({ KeyId }))).KeyId).toBe(KeyId)
  for (const method of methods) await put(`after ${method}`, method)
  for (const Key of methods.flatMap((method) => [`before ${method}`, `after ${method}`])) {
    for (let i = 0; i < OFTEN; i++) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }))
      expect(await Body!.transformToString()).toBe(Key)
    }
  }
  const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId }))
  expect(KeyMetadata!.CurrentKeyMaterialId).not.toBe(firstMaterial)
  const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('x') }))
  const { KeyMaterialId } = await kms.send(new DecryptCommand({ CiphertextBlob }))
  expect(KeyMaterialId).toBe(KeyMetadata!.CurrentKeyMaterialId)
})

test('a schedule is set, changed and ended', async () => {
  const { KeyId, arn } = await newKey()
  expect(await status(KeyId)).toEqual({ KeyId: arn, KeyRotationEnabled: false })
  await kms.send(new EnableKeyRotationCommand({ KeyId }))
  const yearly = await status(arn)
  expect(yearly).toMatchObject({ KeyId: arn, KeyRotationEnabled: true, RotationPeriodInDays: 365 })
  expect(inDays(yearly.NextRotationDate)).toBeCloseTo(365, 1)
  await kms.send(new EnableKeyRotationCommand({ KeyId, RotationPeriodInDays: 90 }))
  expect(inDays((await status(KeyId)).NextRotationDate)).toBeCloseTo(90, 1)
  await kms.send(new DisableKeyRotationCommand({ KeyId }))
  expect(await status(KeyId)).toEqual({ KeyId: arn, KeyRotationEnabled: false })
  for (const RotationPeriodInDays of [89, 2561, 0]) {
    const call = kms.send(new EnableKeyRotationCommand({ KeyId, RotationPeriodInDays }))
    expect(await failure(call)).toMatchObject({ code: 'ValidationException', status: 400 })
  }
})

test('what a key cannot do in its state, or by another name, is refused as AWS refuses it', async () => {
  const { KeyId, arn } = await newKey()
  await kms.send(new EnableKeyRotationCommand({ KeyId }))
  await kms.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }))
  expect(await status(KeyId)).toEqual({ KeyId: arn, KeyRotationEnabled: false })
  const changes = [EnableKeyRotationCommand, DisableKeyRotationCommand, RotateKeyOnDemandCommand]
  for (const Change of changes) {
    expect(await failure(kms.send(new Change({ KeyId })))).toMatchObject({
      code: 'KMSInvalidStateException',
      message: `${arn} is pending deletion.`,
    })
    expect(await failure(kms.send(new Change({ KeyId: 'alias/aws/s3' })))).toMatchObject({
      code: 'NotFoundException',
      message: "Invalid keyId 'alias/aws/s3'",
    })
  }
})

test('rotations are listed by pages, the first material only where it is asked for', async () => {
  const { KeyId, firstMaterial } = await newKey()
  expect(await listed({ KeyId })).toMatchObject({ Rotations: [], Truncated: false })
  for (let i = 0; i < 5; i++) await kms.send(new RotateKeyOnDemandCommand({ KeyId }))
  const materials: (string | undefined)[] = []
  const all = { KeyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' } as const
  let Marker: string | undefined
  do {
    const page = await listed({ ...all, Limit: 4, ...(Marker !== undefined && { Marker }) })
    materials.push(...page.Rotations!.map(({ KeyMaterialId }) => KeyMaterialId))
    expect(page.Truncated).toBe(page.NextMarker !== undefined)
    Marker = page.NextMarker
  } while (Marker)
  expect(materials).toHaveLength(6)
  expect(new Set(materials).size).toBe(6)
  expect(materials[0]).toBe(firstMaterial)
  const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId }))
  expect(materials.at(-1)).toBe(KeyMetadata!.CurrentKeyMaterialId)
  const { Rotations } = await listed({ KeyId })
  expect(Rotations!.map(({ KeyMaterialId }) => KeyMaterialId)).toEqual(materials.slice(1))
  expect(Rotations!.map(({ KeyMaterialState }) => KeyMaterialState)).toEqual([
    ...Array(4).fill('NON_CURRENT'),
    'CURRENT',
  ])
  for (const { RotationDate, RotationType } of Rotations!) {
    expect([RotationDate instanceof Date, RotationType]).toEqual([true, 'ON_DEMAND'])
  }
  expect((await listed(all)).Rotations![0]).toEqual({
    KeyId,
    KeyMaterialId: firstMaterial,
    KeyMaterialState: 'NON_CURRENT',
  })
  for (const bad of ['1', 'x', `1${Buffer.from('-3').toString('base64url')}`]) {
    expect(await failure(listed({ KeyId, Marker: bad }))).toMatchObject({ code: 'InvalidMarkerException' })
  }
})

test('a key policy may say which period it takes', async () => {
  const { KeyId } = await newKey()
  const Policy = JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Principal: { AWS: '*' }, Action: 'kms:*', Resource: '*' },
      {
        Effect: 'Deny',
        Principal: '*',
        Action: 'kms:EnableKeyRotation',
        Resource: '*',
        Condition: { NumericGreaterThan: { 'kms:RotationPeriodInDays': '180' } },
      },
    ],
  })
  await kms.send(new PutKeyPolicyCommand({ KeyId, Policy }))
  const enable = (RotationPeriodInDays: number) =>
    kms.send(new EnableKeyRotationCommand({ KeyId, RotationPeriodInDays }))
  expect(await failure(enable(181))).toMatchObject({ code: 'AccessDeniedException' })
  await enable(180)
  expect((await status(KeyId)).RotationPeriodInDays).toBe(180)
})

test('the managed key of S3 says when it is rotated, and lets nobody change it', async () => {
  await s3.send(new CreateBucketCommand({ Bucket: 'managed' }))
  await s3.send(new PutObjectCommand({ Bucket: 'managed', Key: 'x', Body: 'x', ServerSideEncryption: 'aws:kms' }))
  const { Aliases } = await kms.send(new ListAliasesCommand({}))
  const KeyId = Aliases!.find(({ AliasName }) => AliasName === 'alias/aws/s3')!.TargetKeyId!
  expect(await status(KeyId)).toMatchObject({ KeyRotationEnabled: true, RotationPeriodInDays: 365 })
  expect(await failure(kms.send(new RotateKeyOnDemandCommand({ KeyId })))).toMatchObject({
    code: 'AccessDeniedException',
  })
})

test('a kill while keys rotate loses no material that anything was sealed under', async () => {
  const first = await startServer()
  const client = kmsClient(first)
  const { KeyMetadata } = await client.send(new CreateKeyCommand({}))
  const KeyId = KeyMetadata!.KeyId!
  const sealed: Uint8Array[] = []
  let rotations = 0
  let killed = false
  const rotating = (async () => {
    while (!killed && rotations < 25) {
      const done = await client.send(new RotateKeyOnDemandCommand({ KeyId })).catch(() => undefined)
      if (done) rotations++
    }
  })()
  const sealing = (async () => {
    while (!killed) {
      const made = await client.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('x') })).catch(() => undefined)
      if (made) sealed.push(made.CiphertextBlob!)
      if (rotations >= 10 && !killed) {
        killed = true
        await first.kill()
      }
    }
  })()
  await Promise.all([rotating, sealing])
  const second = await startServer({ dataDir: first.dataDir })
  try {
    const after = kmsClient(second)
    const materials = new Set<string>()
    for (const CiphertextBlob of sealed) {
      const { Plaintext, KeyMaterialId } = await after.send(new DecryptCommand({ CiphertextBlob }))
      expect(Buffer.from(Plaintext!).toString()).toBe('x')
      materials.add(KeyMaterialId!)
    }
    expect(materials.size).toBeGreaterThan(1)
    const { Rotations } = await after.send(new ListKeyRotationsCommand({ KeyId }))
    // The last one may have been kept though its reply was cut off.
    expect([rotations, rotations + 1]).toContain(Rotations!.length)
  } finally {
    await second.remove()
  }
})
