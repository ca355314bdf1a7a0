/** Object Lock from outside: what it keeps, from whom, and what it says. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { CreateAccessKeyCommand, CreateUserCommand, PutUserPolicyCommand } from '@aws-sdk/client-iam'
import { CreateKeyCommand } from '@aws-sdk/client-kms'
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetObjectLegalHoldCommand,
  GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand,
  HeadObjectCommand,
  type ObjectLockConfiguration,
  type ObjectLockLegalHoldStatus,
  type ObjectLockRetention,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  PutObjectLegalHoldCommand,
  PutObjectLockConfigurationCommand,
  PutObjectRetentionCommand,
  type S3Client,
  UpdateObjectEncryptionCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { form, post, signed } from '../support/form.ts'
import { send } from '../support/raw.ts'
import { failure, iamClient, kmsClient, s3Client } from '../support/sdk.ts'
import { program, startServer, type TestServer } from '../support/server.ts'

const alice = { accessKeyId: 'AKIAALICE', secretAccessKey: 'secretalice' }
const accounts = [{ id: '000000000000', users: [{ name: 'alice', ...alice }] }]
const ALICE = { AWS: 'arn:aws:iam::000000000000:user/alice' }
const DAY = 86_400_000

let server: TestServer
let s3: S3Client
let asAlice: S3Client
let count = 0
let Bucket: string
beforeAll(async () => {
  server = await startServer({ config: { accounts } })
  s3 = s3Client(server)
  asAlice = s3Client(server, { credentials: alice })
})
afterAll(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error/)
  await server.remove()
})
beforeEach(async () => {
  Bucket = `locked-${++count}`
  await s3.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }))
})

const Key = 'k'
/** Whole seconds, which is what the SDK sends. */
const inDays = (days: number) => new Date(Math.floor(Date.now() / 1000) * 1000 + days * DAY)
const governance = (days: number) => ({ Mode: 'GOVERNANCE', RetainUntilDate: inDays(days) }) as const
const compliance = (days: number) => ({ Mode: 'COMPLIANCE', RetainUntilDate: inDays(days) }) as const
const asHeaders = ({ Mode, RetainUntilDate }: ReturnType<typeof governance> | ReturnType<typeof compliance>) => ({
  ObjectLockMode: Mode,
  ObjectLockRetainUntilDate: RetainUntilDate,
})
const put = async (more: Partial<PutObjectCommandInput> = {}, client = s3) =>
  (await client.send(new PutObjectCommand({ Bucket, Key, Body: 'x', ...more }))).VersionId!
const head = (more: object = {}, client = s3) => client.send(new HeadObjectCommand({ Bucket, Key, ...more }))
const remove = (VersionId: string | undefined, more: object = {}, client = s3) =>
  client.send(new DeleteObjectCommand({ Bucket, Key, VersionId, ...more }))
const retain = (Retention: ObjectLockRetention, more: object = {}, client = s3) =>
  client.send(new PutObjectRetentionCommand({ Bucket, Key, Retention, ...more }))
const retention = async (more: object = {}) =>
  (await s3.send(new GetObjectRetentionCommand({ Bucket, Key, ...more }))).Retention
const hold = (Status: ObjectLockLegalHoldStatus, more: object = {}, client = s3) =>
  client.send(new PutObjectLegalHoldCommand({ Bucket, Key, LegalHold: { Status }, ...more }))
const heldBy = async (more: object = {}) =>
  (await s3.send(new GetObjectLegalHoldCommand({ Bucket, Key, ...more }))).LegalHold
const configure = (ObjectLockConfiguration: ObjectLockConfiguration, of = Bucket) =>
  s3.send(new PutObjectLockConfigurationCommand({ Bucket: of, ObjectLockConfiguration }))
const configuration = async (of = Bucket) =>
  (await s3.send(new GetObjectLockConfigurationCommand({ Bucket: of }))).ObjectLockConfiguration
const version = (status: 'Enabled' | 'Suspended', of = Bucket) =>
  s3.send(new PutBucketVersioningCommand({ Bucket: of, VersioningConfiguration: { Status: status } }))
const allow = (...statements: object[]) =>
  s3.send(
    new PutBucketPolicyCommand({
      Bucket,
      Policy: JSON.stringify({
        Version: '2012-10-17',
        Statement: statements.map((statement) => ({
          Effect: 'Allow',
          Principal: ALICE,
          Resource: `arn:aws:s3:::${Bucket}/*`,
          ...statement,
        })),
      }),
    }),
  )

const PROTECTED = {
  code: 'AccessDenied',
  status: 403,
  message: 'Access Denied because object protected by object lock.',
}
const BYPASS = { BypassGovernanceRetention: true }

describe('buckets', () => {
  const plain = async () => {
    const of = `${Bucket}-plain`
    await s3.send(new CreateBucketCommand({ Bucket: of }))
    return of
  }

  test('Object Lock from the start comes with versioning, for good', async () => {
    expect(await configuration()).toEqual({ ObjectLockEnabled: 'Enabled' })
    expect(await s3.send(new GetBucketVersioningCommand({ Bucket }))).toMatchObject({ Status: 'Enabled' })
    expect(await failure(version('Suspended'))).toEqual({
      code: 'InvalidBucketState',
      status: 409,
      message: 'An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.',
    })
    await version('Enabled')
  })

  test('an existing bucket gets it once it has versioning', async () => {
    const of = await plain()
    expect(await failure(configuration(of))).toEqual({
      code: 'ObjectLockConfigurationNotFoundError',
      status: 404,
      message: 'Object Lock configuration does not exist for this bucket',
    })
    const early = {
      code: 'InvalidBucketState',
      status: 409,
      message: "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
    }
    expect(await failure(configure({ ObjectLockEnabled: 'Enabled' }, of))).toEqual(early)
    await version('Suspended', of)
    expect(await failure(configure({ ObjectLockEnabled: 'Enabled' }, of))).toEqual(early)
    await version('Enabled', of)
    const Rule = { DefaultRetention: { Mode: 'GOVERNANCE', Days: 7 } } as const
    await configure({ ObjectLockEnabled: 'Enabled', Rule }, of)
    expect(await configuration(of)).toEqual({ ObjectLockEnabled: 'Enabled', Rule })
    await configure({ ObjectLockEnabled: 'Enabled' }, of)
    expect(await configuration(of)).toEqual({ ObjectLockEnabled: 'Enabled' })
  })

  test('without it nothing can be locked, nor governance mode spoken of', async () => {
    const of = { Bucket: await plain() }
    await put(of)
    const missing = { code: 'InvalidRequest', status: 400, message: 'Bucket is missing Object Lock Configuration' }
    const calls = [() => retain(governance(1), of), () => retention(of), () => hold('ON', of), () => heldBy(of)]
    for (const call of calls) expect(await failure(call())).toEqual(missing)
    const write = { ...missing, message: 'Bucket is missing ObjectLockConfiguration' }
    const locked = { ...of, ...asHeaders(governance(1)) }
    expect(await failure(put(locked))).toEqual(write)
    expect(await failure(put({ ...of, ObjectLockLegalHoldStatus: 'OFF' }))).toEqual(write)
    const CopySource = `${of.Bucket}/${Key}`
    expect(await failure(s3.send(new CopyObjectCommand({ Key: 'copy', CopySource, ...locked })))).toEqual(write)
    expect(await failure(s3.send(new CreateMultipartUploadCommand({ Key, ...locked })))).toEqual(write)
    const Delete = { Objects: [{ Key }] }
    const bypassed = [
      () => remove(undefined, { ...of, ...BYPASS }),
      () => s3.send(new DeleteObjectsCommand({ ...of, Delete, ...BYPASS })),
    ]
    for (const call of bypassed) {
      expect(await failure(call())).toEqual({
        code: 'InvalidArgument',
        status: 400,
        message: 'x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets.',
      })
    }
  })

  test('to make one with it asks for three permissions', async () => {
    const iam = iamClient(server)
    await iam.send(new CreateUserCommand({ UserName: 'maker' }))
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'maker' }))
    const credentials = { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! }
    const maker = s3Client(server, { credentials })
    const actions = ['s3:CreateBucket', 's3:PutBucketObjectLockConfiguration', 's3:PutBucketVersioning']
    const may = (Action: readonly string[]) =>
      iam.send(
        new PutUserPolicyCommand({
          UserName: 'maker',
          PolicyName: 'make',
          PolicyDocument: JSON.stringify({
            Version: '2012-10-17',
            Statement: [{ Effect: 'Allow', Action, Resource: '*' }],
          }),
        }),
      )
    const make = () =>
      maker.send(new CreateBucketCommand({ Bucket: `${Bucket}-made`, ObjectLockEnabledForBucket: true }))
    for (const missing of actions) {
      await may(actions.filter((action) => action !== missing))
      expect(await failure(make())).toMatchObject({
        code: 'AccessDenied',
        message: expect.stringContaining(`perform: ${missing} on`),
      })
    }
    await may(actions)
    await make()
  })

  test('one that holds anything is not deleted', async () => {
    const versionId = await put(asHeaders(governance(1)))
    await remove(undefined)
    expect(await failure(s3.send(new DeleteBucketCommand({ Bucket })))).toMatchObject({ code: 'BucketNotEmpty' })
    expect(await failure(remove(versionId))).toEqual(PROTECTED)
  })
})

describe('retention', () => {
  test('keeps its version, and nothing else of the key', async () => {
    const locked = await put(asHeaders(governance(1)))
    expect(await failure(remove(locked))).toEqual(PROTECTED)
    const other = await put()
    expect(await failure(remove(locked))).toEqual(PROTECTED)
    await remove(other)
    const { VersionId: marker, DeleteMarker } = await remove(undefined)
    expect(DeleteMarker).toBe(true)
    expect(await failure(retention({ VersionId: marker }))).toMatchObject({ code: 'MethodNotAllowed', status: 405 })
    await remove(marker)
    expect(await head()).toMatchObject({
      VersionId: locked,
      ...asHeaders(governance(1)),
      ObjectLockRetainUntilDate: expect.any(Date),
    })
  })

  test('governance gives way to those who ask and may; compliance to nobody', async () => {
    const first = await put(asHeaders(governance(2)))
    expect(await failure(retain(governance(1)))).toEqual(PROTECTED)
    expect(await failure(retain({}))).toEqual(PROTECTED)
    expect(await failure(retain(compliance(3)))).toEqual(PROTECTED)
    const later = governance(3)
    await retain(later)
    expect(await retention()).toEqual(later)
    await retain(governance(1), BYPASS)
    await retain({}, BYPASS)
    expect(await failure(retention())).toEqual({
      code: 'NoSuchObjectLockConfiguration',
      status: 404,
      message: 'The specified object does not have a ObjectLock configuration',
    })
    await retain(governance(1))
    await remove(first, BYPASS)

    const second = await put(asHeaders(compliance(2)))
    for (const next of [compliance(1), governance(9), {}])
      expect(await failure(retain(next, BYPASS))).toEqual(PROTECTED)
    await retain(compliance(3))
    for (const more of [{}, BYPASS]) expect(await failure(remove(second, more))).toEqual(PROTECTED)
  })

  test('is over when its time has come', async () => {
    const until = new Date(Math.floor(Date.now() / 1000) * 1000 + 2000)
    const VersionId = await put({ ObjectLockMode: 'COMPLIANCE', ObjectLockRetainUntilDate: until })
    while (Date.now() <= until.getTime()) await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await retention()).toEqual({ Mode: 'COMPLIANCE', RetainUntilDate: until })
    await remove(VersionId)
  })

  test('of many deletions only the locked ones fail', async () => {
    const locked = await put(asHeaders(governance(1)))
    const free = await put()
    const Objects = [{ Key, VersionId: locked }, { Key, VersionId: free }, { Key }]
    const reply = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
    expect(reply.Errors).toEqual([{ Key, VersionId: locked, Code: PROTECTED.code, Message: PROTECTED.message }])
    expect(reply.Deleted).toHaveLength(2)
    const again = await s3.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key, VersionId: locked }] }, ...BYPASS }),
    )
    expect(again).toMatchObject({ Deleted: [{ Key, VersionId: locked }] })
  })

  test('by default for what asks for none of its own, whichever way it comes', async () => {
    await put({ Key: 'before' })
    await configure({
      ObjectLockEnabled: 'Enabled',
      Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 3 } },
    })
    expect((await head({ Key: 'before' })).ObjectLockMode).toBeUndefined()
    await put({ Key: 'put' })
    await s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/before` }))
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'parts' }))
    const part = await s3.send(new UploadPartCommand({ Bucket, Key: 'parts', UploadId, PartNumber: 1, Body: 'x' }))
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: part.ETag }] }
    await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key: 'parts', UploadId, MultipartUpload }))
    for (const Key of ['put', 'copy', 'parts']) {
      const found = await head({ Key })
      expect(found.ObjectLockMode).toBe('GOVERNANCE')
      const days = (found.ObjectLockRetainUntilDate!.getTime() - found.LastModified!.getTime()) / DAY
      expect(Math.abs(days - 3) * DAY).toBeLessThan(1001)
    }
    await put({ Key: 'own', ...asHeaders(compliance(1)) })
    expect((await head({ Key: 'own' })).ObjectLockMode).toBe('COMPLIANCE')
  })
})

describe('legal hold', () => {
  test('keeps its version until it is lifted, whatever becomes of its retention', async () => {
    const VersionId = await put()
    expect(await failure(heldBy())).toMatchObject({ code: 'NoSuchObjectLockConfiguration', status: 404 })
    expect((await head()).ObjectLockLegalHoldStatus).toBeUndefined()
    await hold('ON')
    expect(await heldBy({ VersionId })).toEqual({ Status: 'ON' })
    for (const more of [{}, BYPASS]) expect(await failure(remove(VersionId, more))).toEqual(PROTECTED)
    await retain(governance(1))
    await retain({}, BYPASS)
    expect((await head()).ObjectLockLegalHoldStatus).toBe('ON')
    await hold('OFF')
    expect(await heldBy()).toEqual({ Status: 'OFF' })
    expect((await head()).ObjectLockLegalHoldStatus).toBe('OFF')
    await remove(VersionId)
  })

  test('is bound to the version that it names', async () => {
    const older = await put()
    const newer = await put()
    await hold('ON', { VersionId: older })
    expect(await failure(heldBy())).toMatchObject({ code: 'NoSuchObjectLockConfiguration' })
    await remove(newer)
    expect(await failure(remove(older))).toEqual(PROTECTED)
  })
})

const FORM_CONDITIONS = [
  ['starts-with', '$bucket', 'locked-'],
  ['starts-with', '$key', ''],
  ['starts-with', '$content-md5', ''],
  ['starts-with', '$x-amz-object-lock-mode', ''],
  ['starts-with', '$x-amz-object-lock-retain-until-date', ''],
  ['starts-with', '$x-amz-object-lock-legal-hold', ''],
]

describe('writes', () => {
  const lock = () => ({ ...asHeaders(compliance(1)), ObjectLockLegalHoldStatus: 'ON' }) as const

  test('copies, uploads in parts and forms lock as they are asked to; a copy takes no lock along', async () => {
    const asked = lock()
    await put(asked)
    await s3.send(new CopyObjectCommand({ Bucket, Key: 'free', CopySource: `${Bucket}/${Key}` }))
    expect((await head({ Key: 'free' })).ObjectLockMode).toBeUndefined()
    await s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/free`, ...asked }))
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'parts', ...asked }))
    const part = await s3.send(new UploadPartCommand({ Bucket, Key: 'parts', UploadId, PartNumber: 1, Body: 'x' }))
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: part.ETag }] }
    await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key: 'parts', UploadId, MultipartUpload }))
    const given = {
      key: 'form',
      'content-md5': createHash('md5').update('x').digest('base64'),
      'x-amz-object-lock-mode': asked.ObjectLockMode,
      'x-amz-object-lock-retain-until-date': asked.ObjectLockRetainUntilDate.toISOString(),
      'x-amz-object-lock-legal-hold': 'ON',
    }
    const fields = signed(server.root, given, { conditions: FORM_CONDITIONS })
    expect(await post(server, { path: `/${Bucket}`, body: form(fields, 'x') })).toMatchObject({ status: 204 })
    for (const Key of ['k', 'copy', 'parts', 'form']) {
      expect(await head({ Key })).toMatchObject(asked)
      const got = await s3.send(new GetObjectCommand({ Bucket, Key }))
      await got.Body!.transformToByteArray()
      expect(got).toMatchObject(asked)
    }
  })

  test('must promise what they send, and be signed by version 4', async () => {
    const path = `/${Bucket}/raw`
    const headers = {
      'x-amz-object-lock-mode': 'GOVERNANCE',
      'x-amz-object-lock-retain-until-date': inDays(1).toISOString(),
    }
    const md5 = { 'content-md5': createHash('md5').update('x').digest('base64') }
    const raw = { method: 'PUT', path, body: 'x' }
    const promise = {
      status: 400,
      code: 'InvalidRequest',
      message:
        'Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters',
    }
    expect(await send(server, { ...raw, headers })).toMatchObject(promise)
    expect(await send(server, { ...raw, headers: { 'x-amz-object-lock-legal-hold': 'OFF' } })).toMatchObject(promise)
    expect(await send(server, { ...raw, headers: { ...headers, ...md5 } })).toMatchObject({ status: 200 })
    expect(await send(server, raw)).toMatchObject({ status: 200 })
    await configure({ ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 1 } } })
    expect(await send(server, raw)).toMatchObject(promise)
    expect(await send(server, { ...raw, headers: md5 })).toMatchObject({ status: 200 })
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'raw' }))
    const query = { uploadId: UploadId!, partNumber: '1' }
    expect(await send(server, { ...raw, query })).toMatchObject({
      ...promise,
      message:
        'Content-MD5 OR x-amz-checksum- HTTP header is required for Put Part requests with Object Lock parameters',
    })
    expect(await send(server, { ...raw, query, headers: md5 })).toMatchObject({ status: 200 })
    for (const [query, body] of [
      ['retention', '<Retention/>'],
      ['legal-hold', '<LegalHold><Status>ON</Status></LegalHold>'],
    ] as const) {
      const reply = await send(server, { method: 'PUT', path, query: { [query]: '' }, body })
      expect(reply).toMatchObject({ status: 400, code: 'InvalidRequest' })
    }
    const given = { key: 'form', ...headers, ...md5, 'x-amz-object-lock-legal-hold': 'ON' }
    const old = signed(server.root, given, { version: 'v2', conditions: FORM_CONDITIONS })
    expect(await post(server, { path: `/${Bucket}`, body: form(old, 'x') })).toMatchObject({
      status: 400,
      code: 'InvalidArgument',
      message: 'Put Object requests with Object Lock parameters require AWS Signature Version 4',
    })
  })

  test.each([
    ['x-amz-object-lock-event-hold', 'ON'],
    ['x-amz-object-lock-event-hold-duration-days', '1'],
  ])('%s is refused by name', async (name, value) => {
    const reply = await send(server, { method: 'PUT', path: `/${Bucket}/raw`, body: 'x', headers: { [name]: value } })
    expect(reply).toMatchObject({ status: 501, code: 'NotImplemented' })
  })
})

describe('permissions', () => {
  test('to lock is an action of its own, and so is each thing about locks', async () => {
    await allow({ Action: ['s3:PutObject', 's3:GetObject', 's3:DeleteObjectVersion'] })
    await put({}, asAlice)
    for (const more of [asHeaders(governance(1)), { ObjectLockLegalHoldStatus: 'ON' } as const]) {
      expect(await failure(put(more, asAlice))).toMatchObject({ code: 'AccessDenied', status: 403 })
    }
    const VersionId = await put({ ...asHeaders(governance(1)), ObjectLockLegalHoldStatus: 'OFF' })
    expect((await head({}, asAlice)).ObjectLockMode).toBeUndefined()
    expect((await head({}, asAlice)).ObjectLockLegalHoldStatus).toBeUndefined()
    const calls = [
      () => retain(governance(2), {}, asAlice),
      () => hold('ON', {}, asAlice),
      () => remove(VersionId, BYPASS, asAlice),
    ]
    for (const call of calls) expect(await failure(call())).toMatchObject({ code: 'AccessDenied', status: 403 })
    expect(await failure(remove(VersionId, {}, asAlice))).toEqual(PROTECTED)

    const more = ['PutObjectRetention', 'GetObjectRetention', 'PutObjectLegalHold', 'GetObjectLegalHold']
    await allow({
      Action: ['s3:PutObject', 's3:GetObject', 's3:DeleteObjectVersion', ...more.map((name) => `s3:${name}`)],
    })
    await retain(governance(2), {}, asAlice)
    expect(await failure(retain({}, BYPASS, asAlice))).toMatchObject({ code: 'AccessDenied', status: 403 })
    expect(await head({}, asAlice)).toMatchObject({ ObjectLockMode: 'GOVERNANCE', ObjectLockLegalHoldStatus: 'OFF' })
    await allow({ Action: ['s3:DeleteObjectVersion', 's3:BypassGovernanceRetention'] })
    await remove(VersionId, BYPASS, asAlice)
  })

  test('conditions see what is asked for, in headers and bodies', async () => {
    const lock = { 's3:object-lock-mode': 'GOVERNANCE' }
    const least = { 's3:object-lock-remaining-retention-days': '10' }
    const latest = { 's3:object-lock-retain-until-date': '2200-01-01T00:00:00Z' }
    await allow(
      { Action: 's3:PutObject' },
      {
        Action: 's3:PutObjectRetention',
        Condition: { StringEquals: lock, NumericLessThanEquals: least, DateLessThan: latest },
      },
      { Action: 's3:PutObjectLegalHold', Condition: { StringEquals: { 's3:object-lock-legal-hold': 'ON' } } },
    )
    const denied = { code: 'AccessDenied', status: 403 }
    await put(asHeaders(governance(10)), asAlice)
    expect(await failure(put(asHeaders(governance(11)), asAlice))).toMatchObject(denied)
    expect(await failure(put(asHeaders(compliance(1)), asAlice))).toMatchObject(denied)
    await put({ ObjectLockLegalHoldStatus: 'ON' }, asAlice)
    expect(await failure(put({ ObjectLockLegalHoldStatus: 'OFF' }, asAlice))).toMatchObject(denied)
    await retain(governance(9), {}, asAlice)
    expect(await failure(retain(governance(12), {}, asAlice))).toMatchObject(denied)
    expect(await failure(retain(compliance(10), {}, asAlice))).toMatchObject(denied)
    await hold('ON', {}, asAlice)
    expect(await failure(hold('OFF', {}, asAlice))).toMatchObject(denied)
  })
})

test('another key for a locked version: not by UpdateObjectEncryption, but by keys rewrap, which changes no byte', async () => {
  const VersionId = await put(asHeaders(compliance(1)))
  const KMSKeyArn = (await kmsClient(server).send(new CreateKeyCommand({}))).KeyMetadata!.Arn!
  const update = new UpdateObjectEncryptionCommand({ Bucket, Key, ObjectEncryption: { SSEKMS: { KMSKeyArn } } })
  expect(await failure(s3.send(update))).toMatchObject({
    code: 'AccessDenied',
    status: 403,
    message: expect.stringContaining('protected by S3 Object Lock'),
  })
  const env = {
    ...process.env,
    AWS_ENDPOINT_URL: server.https,
    AWS_CA_BUNDLE: server.ca,
    AWS_ACCESS_KEY_ID: server.root.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.root.secretAccessKey,
  }
  const args = [program, 'keys', 'rewrap', Bucket, '--to', KMSKeyArn, '--json']
  const { stdout } = await promisify(execFile)(process.execPath, args, { env })
  expect(JSON.parse(stdout)).toMatchObject({ rewrapped: 1, failed: [] })
  expect(await head()).toMatchObject({ VersionId, SSEKMSKeyId: KMSKeyArn, ObjectLockMode: 'COMPLIANCE' })
  expect(await failure(remove(VersionId))).toEqual(PROTECTED)
})
