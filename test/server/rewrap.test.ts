/** Another key or method for objects that are there: one by UpdateObjectEncryption, a bucket by `strongroom keys rewrap`. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { CreateKeyCommand, DisableKeyCommand, ScheduleKeyDeletionCommand } from '@aws-sdk/client-kms'
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketEncryptionCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
  UpdateObjectEncryptionCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { failure, kmsClient, s3Client } from '../support/sdk.ts'
import { fsck, program, startServer, type TestServer } from '../support/server.ts'

const Bucket = 'moved'
const customer = { SSECustomerAlgorithm: 'AES256', SSECustomerKey: Buffer.alloc(32, 3).toString('base64') }
const MIB = 1 << 20

let server: TestServer
let s3: S3Client
beforeEach(async () => {
  server = await startServer()
  s3 = s3Client(server)
  await s3.send(new CreateBucketCommand({ Bucket }))
})
afterEach(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error/)
  await server.stop()
  expect(await fsck(server.dataDir)).toMatchObject({ code: 0 })
  await server.remove()
})

const newKey = async () => (await kmsClient(server).send(new CreateKeyCommand({}))).KeyMetadata!.Arn!
const put = (Key: string, Body: string | Buffer, more: Partial<PutObjectCommandInput> = {}) =>
  s3.send(new PutObjectCommand({ Bucket, Key, Body, ...more }))
const get = async (Key: string, more: object = {}) =>
  Buffer.from(await (await s3.send(new GetObjectCommand({ Bucket, Key, ...more }))).Body!.transformToByteArray())
const head = (Key: string, VersionId?: string) => s3.send(new HeadObjectCommand({ Bucket, Key, VersionId }))
const update = (Key: string, KMSKeyArn: string, more: object = {}) =>
  s3.send(new UpdateObjectEncryptionCommand({ Bucket, Key, ObjectEncryption: { SSEKMS: { KMSKeyArn, ...more } } }))
/** What must stay. */
const kept = ({
  ETag,
  LastModified,
  ContentLength,
  ChecksumCRC64NVME,
  Metadata,
  VersionId,
}: Awaited<ReturnType<typeof head>>) => ({
  ...{ ETag, LastModified, ContentLength, ChecksumCRC64NVME, Metadata, VersionId },
})

const environment = () => ({ ...process.env, AWS_ENDPOINT_URL: server.https, AWS_CA_BUNDLE: server.ca })
const rewrapArgs = (...args: string[]) => [program, 'keys', 'rewrap', Bucket, '--data', server.dataDir, ...args]
async function rewrap(...args: string[]) {
  const run = promisify(execFile)(process.execPath, rewrapArgs('--json', ...args), { env: environment() })
  return JSON.parse((await run).stdout) as Record<string, unknown>
}

async function uploadInParts(Key: string, parts: readonly Buffer[], write: Partial<PutObjectCommandInput> = {}) {
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ...write }))
  const at = { Bucket, Key, UploadId }
  const sent = await Promise.all(
    parts.map((Body, i) =>
      s3.send(new UploadPartCommand({ ...at, PartNumber: i + 1, Body, ChecksumAlgorithm: write.ChecksumAlgorithm })),
    ),
  )
  const Parts = sent.map(({ ETag, ChecksumSHA256 }, i) => ({ ETag, ChecksumSHA256, PartNumber: i + 1 }))
  await s3.send(new CompleteMultipartUploadCommand({ ...at, MultipartUpload: { Parts } }))
}

test('UpdateObjectEncryption: from SSE-S3 to a key, to another, to a bucket key; what it is else stays', async () => {
  const [first, second] = [await newKey(), await newKey()]
  await put('k', 'letter', { Metadata: { of: 'mine' } })
  const before = kept(await head('k'))
  for (const [arn, BucketKeyEnabled] of [
    [first, false],
    [second, false],
    [second, true],
    [first, true],
    [first, false],
  ] as const) {
    await update('k', arn, { BucketKeyEnabled })
    const after = await head('k')
    expect(kept(after)).toEqual(before)
    expect(after).toMatchObject({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: arn })
    expect(after.BucketKeyEnabled).toBe(BucketKeyEnabled || undefined)
    expect((await get('k')).toString()).toBe('letter')
  }
  // The first key decides, and the second no more.
  await kmsClient(server).send(new DisableKeyCommand({ KeyId: second }))
  expect((await get('k')).toString()).toBe('letter')
  await kmsClient(server).send(new DisableKeyCommand({ KeyId: first }))
  expect((await failure(get('k'))).code).toBe('KMS.DisabledException')
})

test('UpdateObjectEncryption is refused as AWS refuses it, and nothing changes', async () => {
  const arn = await newKey()
  const disabled = await newKey()
  await kmsClient(server).send(new DisableKeyCommand({ KeyId: disabled }))
  await put('plain', 'letter')
  await put('dsse', 'letter', { ServerSideEncryption: 'aws:kms:dsse' })
  await put('customer', 'letter', customer)
  const absent = arn.replace(/[^/]+$/, '00000000-0000-4000-8000-000000000000')
  const refused: readonly (readonly [call: () => Promise<unknown>, code: string, message: RegExp])[] = [
    [() => update('absent', arn), 'NoSuchKey', /does not exist/],
    [() => update('dsse', arn), 'InvalidRequest', /doesn't support source objects with the encryption type DSSE-KMS/],
    [() => update('customer', arn), 'InvalidRequest', /doesn't support source objects/],
    [() => update('plain', 'alias/x'), 'InvalidRequest', /require a valid .* ARN/],
    [() => update('plain', ''), 'InvalidRequest', /require an .* ARN/],
    [() => update('plain', absent), 'KMS.NotFoundException', /does not exist/],
    [() => update('plain', disabled), 'KMS.DisabledException', /is disabled/],
    [() => update('plain', arn.replace('000000000000', '111111111111')), 'AccessDenied', /same account as the bucket/],
  ]
  for (const [call, code, message] of refused) {
    expect(await failure(call())).toMatchObject({ code, message: expect.stringMatching(message) })
  }
  expect((await head('plain')).ServerSideEncryption).toBe('AES256')
  expect((await get('plain')).toString()).toBe('letter')
})

test('conditions see the encryption that the body asks for, whatever headers say', async () => {
  const [allowed, other] = [await newKey(), await newKey()]
  const keyId = 's3:x-amz-server-side-encryption-aws-kms-key-id'
  const statement = {
    Effect: 'Deny',
    Principal: '*',
    Action: 's3:UpdateObjectEncryption',
    Resource: `arn:aws:s3:::${Bucket}/*`,
    Condition: { StringNotEquals: { [keyId]: allowed, 's3:x-amz-server-side-encryption': 'none' } },
  }
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
  await s3.send(new PutBucketPolicyCommand({ Bucket, Policy }))
  await put('k', 'letter')
  const command = new UpdateObjectEncryptionCommand({
    Bucket,
    Key: 'k',
    ObjectEncryption: { SSEKMS: { KMSKeyArn: other } },
  })
  command.middlewareStack.add(
    (next) => (args) => {
      const { headers } = args.request as { headers: Record<string, string> }
      headers['x-amz-server-side-encryption-aws-kms-key-id'] = allowed
      headers['x-amz-server-side-encryption'] = 'none'
      return next(args)
    },
    { step: 'build' },
  )
  expect((await failure(s3.send(command))).code).toBe('AccessDenied')
  expect((await head('k')).ServerSideEncryption).toBe('AES256')
  await update('k', allowed)
  expect((await head('k')).SSEKMSKeyId).toBe(allowed)
})

test('a bucket of everything goes from method to method, byte for byte', async () => {
  const versioned = { Bucket, VersioningConfiguration: { Status: 'Enabled' as const } }
  await put('before versioning', 'null version')
  await s3.send(new PutBucketVersioningCommand(versioned))
  const large = randomBytes(3 * MIB + 17)
  const parts = [randomBytes(5 * MIB), randomBytes(5 * MIB + 1), randomBytes(100)]
  await put('two', 'one')
  await put('two', 'two', { ServerSideEncryption: 'aws:kms', BucketKeyEnabled: true })
  await put('a key/with späces + "signs"', 'odd', { ServerSideEncryption: 'aws:kms' })
  await put('empty', '')
  await put('large', large, { ServerSideEncryption: 'aws:kms:dsse' })
  await put('deleted', 'older')
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'deleted' }))
  await put('customer', 'letter', customer)
  await uploadInParts('parts', parts)
  await uploadInParts('composite', parts, { ChecksumAlgorithm: 'SHA256', ServerSideEncryption: 'aws:kms' })

  const versions = async () => {
    const { Versions } = await s3.send(new ListObjectVersionsCommand({ Bucket }))
    return Versions!.map(({ Key, VersionId, ETag, Size, LastModified }) => ({
      Key,
      VersionId,
      ETag,
      Size,
      LastModified,
    }))
  }
  const before = await versions()
  const contents = async () => {
    const found: Record<string, string> = {}
    for (const { Key, VersionId } of before) {
      const bytes = await get(Key!, { VersionId, ...(Key === 'customer' && customer) })
      found[`${Key} ${VersionId}`] = createHash('sha256').update(bytes).digest('hex')
    }
    return found
  }
  const hashes = await contents()
  const methods = async () => {
    const heads = before.filter(({ Key }) => Key !== 'customer').map(({ Key, VersionId }) => head(Key!, VersionId))
    return (await Promise.all(heads)).map((one) => [one.ServerSideEncryption, one.SSEKMSKeyId, one.BucketKeyEnabled])
  }
  const key = await newKey()
  const all = before.length - 1
  const steps = [
    [
      ['--to', key],
      ['aws:kms', key, undefined],
    ],
    [
      ['--method', 'AES256'],
      ['AES256', undefined, undefined],
    ],
    [
      ['--to', key, '--method', 'aws:kms:dsse'],
      ['aws:kms:dsse', key, undefined],
    ],
    [
      ['--to', key, '--bucket-key'],
      ['aws:kms', key, true],
    ],
    [
      ['--method', 'AES256'],
      ['AES256', undefined, undefined],
    ],
  ] as const
  for (const [args, expected] of steps) {
    const done = await rewrap(...args)
    expect(done).toMatchObject({ customerKey: 1, gone: 0, failed: [] })
    expect(await methods()).toEqual(Array(all).fill(expected))
    expect(await versions()).toEqual(before)
    expect(await contents()).toEqual(hashes)
    expect(await rewrap(...args)).toMatchObject({ already: all, rewrapped: 0, 'sealed-anew': 0 })
  }
  const range = await get('parts', { Range: `bytes=${5 * MIB - 3}-${5 * MIB + 2}` })
  expect(range).toEqual(Buffer.concat(parts).subarray(5 * MIB - 3, 5 * MIB + 3))
  expect(await get('parts', { PartNumber: 3 })).toEqual(parts[2])
}, 240_000)

test("without options it goes to the bucket's default; a key that can no longer open is told by name", async () => {
  const [lost, wanted] = [await newKey(), await newKey()]
  await put('plain', 'letter')
  await put('lost', 'letter', { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: lost })
  await kmsClient(server).send(new ScheduleKeyDeletionCommand({ KeyId: lost, PendingWindowInDays: 7 }))
  const Rules = [
    {
      ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' as const, KMSMasterKeyID: wanted },
      BucketKeyEnabled: true,
    },
  ]
  await s3.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration: { Rules } }))
  const failed = promisify(execFile)(process.execPath, rewrapArgs(), { env: environment() })
  await expect(failed).rejects.toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/failed: lost .*KMS.*pending deletion/),
  })
  expect(await head('plain')).toMatchObject({ SSEKMSKeyId: wanted, BucketKeyEnabled: true })
})

test('under a small quota it waits, and objects are read meanwhile', async () => {
  await Promise.all(Array.from({ length: 60 }, (_, i) => put(`${i}`, `body ${i}`)))
  const key = await newKey()
  await server.stop()
  server = await startServer({ dataDir: server.dataDir, config: { kms: { quotaProfile: { symmetric: 30 } } } })
  s3 = s3Client(server, { retries: { retryMode: 'standard', maxAttempts: 20 } })
  const moving = rewrap('--to', key)
  let isMoving = true
  const done = moving.finally(() => {
    isMoving = false
  })
  for (let i = 0; isMoving; i = (i + 1) % 60) expect((await get(`${i}`)).toString()).toBe(`body ${i}`)
  expect(await done).toMatchObject({ rewrapped: 60, failed: [] })
})

test.each([
  [['--concurrency', '0']],
  [['--method', 'AES256', '--bucket-key']],
  [['--method', 'aws:kms:dsse', '--bucket-key']],
  [['--method', 'ROT13']],
])('%j is refused before the server is asked', async (args) => {
  const env = { ...environment(), AWS_ENDPOINT_URL: 'https://127.0.0.1:1' }
  await expect(promisify(execFile)(process.execPath, rewrapArgs(...args), { env })).rejects.toMatchObject({ code: 2 })
})

test.each([
  [20, { rewrapped: 1, failed: [] }],
  [21, { rewrapped: 0, failed: [{ error: expect.stringMatching(/^OperationAborted/) }] }],
])('a version that others change is tried again: %d times in their way', async (times, expected) => {
  let left = times
  const contended = createServer((request, response) => {
    const isChange = request.method === 'PUT'
    const isAborted = isChange && left-- > 0
    if (isAborted) response.statusCode = 409
    else if (isChange) response.setHeader('x-strongroom-encryption-change', 'rewrapped')
    if (isAborted) response.end('<Error><Code>OperationAborted</Code></Error>')
    else if (isChange) response.end()
    else response.end('<L><Version><Key>k</Key><VersionId>null</VersionId></Version></L>')
  }).listen(0, '127.0.0.1')
  await once(contended, 'listening')
  const env = { ...environment(), AWS_ENDPOINT_URL: `http://127.0.0.1:${(contended.address() as AddressInfo).port}` }
  const args = rewrapArgs('--json', '--method', 'AES256')
  const run = promisify(execFile)(process.execPath, args, { env }).catch((error: { stdout: string }) => error)
  expect(JSON.parse((await run).stdout)).toMatchObject(expected)
  contended.close()
})

test('killed in the midst, on either side, it is begun again and ends; every object opens throughout', async () => {
  const bodies = Array.from({ length: 200 }, (_, i) => Buffer.alloc(i % 10 === 0 ? 400_000 : 1000, `body ${i} `))
  await Promise.all(bodies.map((body, i) => put(`${i}`, body)))
  const key = await newKey()
  const started = (...args: string[]): ChildProcess =>
    spawn(process.execPath, rewrapArgs('--concurrency', '2', ...args), { env: environment(), stdio: 'ignore' })
  const moved = async () => {
    const heads = await Promise.all(bodies.map((_, i) => head(`${i}`)))
    return heads.filter(({ ServerSideEncryption }) => ServerSideEncryption === 'aws:kms:dsse').length
  }
  for (const killed of ['client', 'server'] as const) {
    const child = started('--to', key, '--method', 'aws:kms:dsse')
    const ended = new Promise((resolve) => child.once('exit', resolve))
    const before = await moved()
    while ((await moved()) < Math.min(before + 3, bodies.length));
    if (killed === 'server') await server.kill()
    child.kill('SIGKILL')
    await ended
    if (killed === 'server') {
      server = await startServer({ dataDir: server.dataDir })
      s3 = s3Client(server)
    }
    for (const [i, body] of bodies.entries()) expect((await get(`${i}`)).equals(body)).toBe(true)
  }
  expect(await moved()).toBeLessThan(bodies.length)
  await rewrap('--to', key, '--method', 'aws:kms:dsse')
  expect(await moved()).toBe(bodies.length)
  for (const [i, body] of bodies.entries()) expect((await get(`${i}`)).equals(body)).toBe(true)
})
