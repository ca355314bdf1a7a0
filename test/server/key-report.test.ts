/** What hangs on a KMS key, told before its deletion is confirmed. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { CreateAliasCommand, CreateKeyCommand, DescribeKeyCommand, ReplicateKeyCommand } from '@aws-sdk/client-kms'
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  PutBucketEncryptionCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { kmsClient, s3Client } from '../support/sdk.ts'
import { type Credentials, program, startServer, type TestServer } from '../support/server.ts'

let server: TestServer
const ann = { name: 'ann', accessKeyId: 'AKIAANN', secretAccessKey: 'secretann' }
const other = { name: 'other', accessKeyId: 'AKIAOTHER', secretAccessKey: 'secretother', root: true }
beforeAll(async () => {
  const accounts = [
    { id: '000000000000', users: [ann] },
    { id: '222222222222', users: [other] },
  ]
  server = await startServer({ config: { accounts, kms: { regions: ['eu-west-1'] } } })
})
afterAll(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error/)
  await server.remove()
})

async function keys(args: readonly string[], who: Credentials = server.root) {
  const env = {
    ...process.env,
    AWS_ENDPOINT_URL: server.https,
    AWS_CA_BUNDLE: server.ca,
    AWS_ACCESS_KEY_ID: who.accessKeyId,
    AWS_SECRET_ACCESS_KEY: who.secretAccessKey,
  }
  return promisify(execFile)(process.execPath, [program, 'keys', ...args], { env }).then(
    ({ stdout }) => ({ code: 0, out: stdout }),
    ({ code, stderr }: { code: number; stderr: string }) => ({ code, out: stderr }),
  )
}

test('versions, uploads, defaults and buckets of others; deletion only when it is confirmed', async () => {
  const [s3, kms] = [s3Client(server), kmsClient(server)]
  const Policy = JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Principal: { AWS: ['000000000000', '222222222222'] }, Action: 'kms:*', Resource: '*' },
    ],
  })
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Policy }))
  const { KeyId, Arn: SSEKMSKeyId } = KeyMetadata!
  await kms.send(new CreateAliasCommand({ AliasName: 'alias/doomed', TargetKeyId: KeyId }))
  for (const Bucket of ['one', 'two', 'untouched'])
    await s3.send(new CreateBucketCommand({ Bucket: `report-${Bucket}` }))
  const under = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId } as const
  const put = (Bucket: string, Key: string, more: object = under, by = s3) =>
    by.send(new PutObjectCommand({ Bucket, Key, Body: 'x'.repeat(1000), ...more }))
  await s3.send(
    new PutBucketVersioningCommand({ Bucket: 'report-one', VersioningConfiguration: { Status: 'Enabled' } }),
  )
  await put('report-one', 'k')
  await put('report-one', 'k', { ...under, BucketKeyEnabled: true })
  await put('report-one', 'k', { ...under, ServerSideEncryption: 'aws:kms:dsse' })
  await put('report-one', 'plain', {})
  await put('report-one', 'managed', { ServerSideEncryption: 'aws:kms' })
  await s3.send(new CreateMultipartUploadCommand({ Bucket: 'report-one', Key: 'u', ...under }))
  const byDefault = { SSEAlgorithm: 'aws:kms' as const, KMSMasterKeyID: KeyId }
  const Rules = [{ ApplyServerSideEncryptionByDefault: byDefault }]
  await s3.send(new PutBucketEncryptionCommand({ Bucket: 'report-two', ServerSideEncryptionConfiguration: { Rules } }))
  const others = s3Client(server, { credentials: other })
  await others.send(new CreateBucketCommand({ Bucket: 'report-others' }))
  await put('report-others', 'k', under, others)

  const expected = {
    keyArn: SSEKMSKeyId,
    state: 'Enabled',
    aliases: ['alias/doomed'],
    grants: 0,
    versions: 4,
    bytes: 4000,
    uploads: 1,
    lockedVersions: 0,
    buckets: [
      {
        bucket: 'report-one',
        isDefault: false,
        currentVersions: 1,
        olderVersions: 2,
        bytes: 3000,
        uploads: 1,
        lockedVersions: 0,
        locked: [],
      },
      {
        bucket: 'report-two',
        isDefault: true,
        currentVersions: 0,
        olderVersions: 0,
        bytes: 0,
        uploads: 0,
        lockedVersions: 0,
        locked: [],
      },
    ],
    bucketsOfOthers: 1,
  }
  for (const name of [KeyId!, SSEKMSKeyId!, 'alias/doomed']) {
    const report = await keys(['report', name, '--json'])
    expect(JSON.parse(report.out)).toEqual(expected)
  }
  expect((await keys(['report', KeyId!])).out).toMatch(
    /4 versions of objects \(3.9 KiB\) and 1 uploads could never be read/,
  )

  const state = async () => (await kms.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata!
  expect(await keys(['delete', KeyId!])).toMatchObject({ code: 2, out: expect.stringContaining('--yes') })
  expect(await keys(['delete', KeyId!, '--yes', '--days', '3'])).toMatchObject({ code: 2 })
  expect((await state()).KeyState).toBe('Enabled')
  const deleted = await keys(['delete', KeyId!, '--yes', '--days', '7', '--json'])
  expect(JSON.parse(deleted.out)).toMatchObject({ versions: 4, KeyState: 'PendingDeletion' })
  expect((await state()).DeletionDate!.getTime()).toBeGreaterThan(Date.now() + 6.9 * 86_400_000)
})

test('what Object Lock keeps is named, for its key is not kept', async () => {
  const [s3, kms] = [s3Client(server), kmsClient(server)]
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}))
  const { KeyId: SSEKMSKeyId } = KeyMetadata!
  const Bucket = 'report-locked'
  await s3.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }))
  const under = { Bucket, Body: 'x', ServerSideEncryption: 'aws:kms', SSEKMSKeyId } as const
  const ObjectLockRetainUntilDate = new Date('2200-01-01T00:00:00Z')
  const until = { ObjectLockMode: 'COMPLIANCE', ObjectLockRetainUntilDate } as const
  const { VersionId: older } = await s3.send(new PutObjectCommand({ ...under, ...until, Key: 'a b' }))
  await s3.send(new PutObjectCommand({ ...under, Key: 'a b' }))
  const held = { ...under, Key: 'held', ObjectLockLegalHoldStatus: 'ON' } as const
  const { VersionId: current } = await s3.send(new PutObjectCommand(held))
  const report = await keys(['report', SSEKMSKeyId!, '--json'])
  expect(JSON.parse(report.out)).toMatchObject({
    versions: 3,
    lockedVersions: 2,
    buckets: [
      {
        lockedVersions: 2,
        locked: [
          { objectKey: 'held', versionId: current, legalHold: 'ON' },
          {
            objectKey: 'a b',
            versionId: older,
            retention: { mode: 'COMPLIANCE', retainUntilMs: ObjectLockRetainUntilDate.getTime() },
          },
        ],
      },
    ],
  })
  const { out } = await keys(['delete', SSEKMSKeyId!, '--yes'])
  expect(out).toContain('WARNING: Object Lock keeps 2 of these versions from being deleted')
  expect(out).toContain(`report-locked/held (${current}): legal hold\n`)
  expect(out).toContain(`report-locked/a%20b (${older}): COMPLIANCE until 2200-01-01T00:00:00.000Z\n`)
})

test('only for who may schedule the deletion', async () => {
  const { KeyMetadata } = await kmsClient(server).send(new CreateKeyCommand({}))
  const { KeyId, Arn } = KeyMetadata!
  for (const who of [ann, other]) {
    expect(await keys(['report', who === ann ? KeyId! : Arn!], who)).toMatchObject({
      code: 1,
      out: expect.stringMatching(/AccessDeniedException.*kms:ScheduleKeyDeletion/),
    })
  }
  expect(await keys(['report', '00000000-0000-4000-8000-000000000000'])).toMatchObject({
    code: 1,
    out: expect.stringContaining('does not exist'),
  })
})

test('a primary key with replicas waits for them, and the command says so', async () => {
  const kms = kmsClient(server)
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({ MultiRegion: true }))
  const KeyId = KeyMetadata!.KeyId!
  await kms.send(new ReplicateKeyCommand({ KeyId, ReplicaRegion: 'eu-west-1' }))
  const deleted = await keys(['delete', KeyId, '--yes'])
  expect(deleted).toMatchObject({
    code: 0,
    out: expect.stringContaining('It will be deleted once its replicas are gone;'),
  })
  expect((await kms.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata!.KeyState).toBe('PendingReplicaDeletion')
})
