/** Objects by each method, over HTTP and HTTPS, through the official SDK. */
import { createHash, randomBytes } from 'node:crypto'
import {
  CopyObjectCommand,
  CreateBucketCommand,
  GetBucketEncryptionCommand,
  GetObjectCommand,
  type GetObjectCommandInput,
  HeadObjectCommand,
  PutBucketEncryptionCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { failure, s3Client } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

let server: TestServer
let s3: S3Client
let plain: S3Client
const Bucket = 'encryption'
beforeAll(async () => {
  server = await startServer()
  s3 = s3Client(server)
  plain = s3Client(server, { plain: true })
  await s3.send(new CreateBucketCommand({ Bucket }))
})
afterAll(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error/)
  await server.remove()
})

const customer = { SSECustomerAlgorithm: 'AES256', SSECustomerKey: randomBytes(32).toString('base64') }
const METHODS: Record<string, { write: Partial<PutObjectCommandInput>; read: Partial<GetObjectCommandInput> }> = {
  default: { write: {}, read: {} },
  AES256: { write: { ServerSideEncryption: 'AES256' }, read: {} },
  'aws:kms': { write: { ServerSideEncryption: 'aws:kms' }, read: {} },
  'aws:kms:dsse': { write: { ServerSideEncryption: 'aws:kms:dsse' }, read: {} },
  'SSE-C': { write: customer, read: customer },
}
const get = async (client: S3Client, input: Partial<GetObjectCommandInput> & { Key: string }) => {
  const reply = await client.send(new GetObjectCommand({ Bucket, ...input }))
  return Buffer.from(await reply.Body!.transformToByteArray())
}

describe.each(Object.entries(METHODS))('%s', (name, { write, read }) => {
  test.each([0, 1, 20_000, 3_000_001])('%d bytes: whole, range, suffix range, head', async (size) => {
    const Key = `${name}/${size}`
    const Body = randomBytes(size)
    const put = await s3.send(new PutObjectCommand({ Bucket, Key, Body, ...write, Metadata: { colour: 'blue' } }))
    expect((await get(s3, { Key, ...read })).equals(Body)).toBe(true)
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key, ...read }))
    expect(head).toMatchObject({ ContentLength: size, Metadata: { colour: 'blue' }, ETag: put.ETag })
    const md5 = createHash('md5').update(Body).digest('hex')
    const isMd5 = name === 'default' || name === 'AES256'
    expect(put.ETag === `"${md5}"`).toBe(isMd5)
    if (isMd5) expect(put.ServerSideEncryption).toBe('AES256')
    if (name.startsWith('aws:')) expect(head.SSEKMSKeyId).toMatch(/^arn:aws:kms:us-east-1:000000000000:key\//)
    if (size > 10) {
      expect((await get(s3, { Key, ...read, Range: 'bytes=3-9' })).equals(Body.subarray(3, 10))).toBe(true)
      expect((await get(s3, { Key, ...read, Range: 'bytes=-5' })).equals(Body.subarray(-5))).toBe(true)
    } else if (size === 0) {
      expect(await failure(get(s3, { Key, ...read, Range: 'bytes=0-0' }))).toMatchObject({
        code: 'InvalidRange',
        status: 416,
      })
    }
  })

  test.each(Object.keys(METHODS))('is copied to %s, sealed anew', async (to) => {
    const Body = randomBytes(100_000)
    await s3.send(new PutObjectCommand({ Bucket, Key: 'source', Body, ...write }))
    const source =
      name === 'SSE-C'
        ? { CopySourceSSECustomerAlgorithm: 'AES256', CopySourceSSECustomerKey: customer.SSECustomerKey }
        : {}
    const target = METHODS[to]!
    await s3.send(
      new CopyObjectCommand({
        Bucket,
        Key: 'copy',
        CopySource: `${Bucket}/source`,
        ...source,
        ...(target.write as object),
      }),
    )
    expect((await get(s3, { Key: 'copy', ...target.read })).equals(Body)).toBe(true)
  })
})

describe('over plain HTTP', () => {
  test('SSE-S3 works', async () => {
    await plain.send(new PutObjectCommand({ Bucket, Key: 'plain', Body: 'x' }))
    expect((await get(plain, { Key: 'plain' })).toString()).toBe('x')
  })

  test.each(['aws:kms', 'aws:kms:dsse'] as const)('%s is refused in every direction', async (method) => {
    const refused = { code: 'InvalidArgument', status: 400 }
    await s3.send(new PutObjectCommand({ Bucket, Key: 'kms', Body: 'x', ServerSideEncryption: method }))
    expect(
      await failure(plain.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', ServerSideEncryption: method }))),
    ).toMatchObject(refused)
    const read = await failure(get(plain, { Key: 'kms' }))
    expect(read).toMatchObject(refused)
    expect(read.message).toBe(
      'Requests specifying Server Side Encryption with AWS KMS managed keys must be made over a secure connection.',
    )
    expect(await failure(plain.send(new HeadObjectCommand({ Bucket, Key: 'kms' })))).toMatchObject({ status: 400 })
    expect(
      await failure(plain.send(new CopyObjectCommand({ Bucket, Key: 'c', CopySource: `${Bucket}/kms` }))),
    ).toMatchObject(refused)
  })

  test('SSE-C is refused before anything else', async () => {
    const call = plain.send(new PutObjectCommand({ Bucket: 'no-such-bucket', Key: 'k', Body: 'x', ...customer }))
    expect(await failure(call)).toMatchObject({ code: 'InvalidRequest', status: 400 })
  })
})

test('the customer’s key: wrong 403, missing 400, blocked 403; HEAD too', async () => {
  await s3.send(new PutObjectCommand({ Bucket, Key: 'c', Body: 'x', ...customer }))
  const wrong = { SSECustomerAlgorithm: 'AES256', SSECustomerKey: randomBytes(32).toString('base64') }
  expect(await failure(get(s3, { Key: 'c', ...wrong }))).toMatchObject({ code: 'AccessDenied', status: 403 })
  expect(await failure(get(s3, { Key: 'c' }))).toMatchObject({ code: 'InvalidRequest', status: 400 })
  expect(await failure(s3.send(new HeadObjectCommand({ Bucket, Key: 'c', ...wrong })))).toMatchObject({ status: 403 })
  expect(await failure(s3.send(new HeadObjectCommand({ Bucket, Key: 'c' })))).toMatchObject({ status: 400 })
  const algorithm = await failure(
    s3.send(new PutObjectCommand({ Bucket, Key: 'c', Body: 'x', ...customer, SSECustomerAlgorithm: 'KMS' })),
  )
  expect(algorithm).toMatchObject({ code: 'InvalidEncryptionAlgorithmError', status: 400 })

  const block = (EncryptionType: 'SSE-C' | 'NONE') =>
    s3.send(
      new PutBucketEncryptionCommand({
        Bucket,
        ServerSideEncryptionConfiguration: {
          Rules: [{ BlockedEncryptionTypes: { EncryptionType: [EncryptionType] } }],
        },
      }),
    )
  await block('SSE-C')
  const blocked = await failure(s3.send(new PutObjectCommand({ Bucket, Key: 'c2', Body: 'x', ...customer })))
  expect(blocked).toMatchObject({ code: 'AccessDenied', status: 403 })
  expect((await get(s3, { Key: 'c', ...customer })).toString()).toBe('x')
  await block('NONE')
})

test('a bucket default is used where the request asks for nothing', async () => {
  const bucket = 'with-default'
  await s3.send(new CreateBucketCommand({ Bucket: bucket }))
  const fresh = await s3.send(new GetBucketEncryptionCommand({ Bucket: bucket }))
  expect(fresh.ServerSideEncryptionConfiguration?.Rules).toEqual([
    { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' }, BucketKeyEnabled: false },
  ])
  const rule = { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' as const } }
  await s3.send(
    new PutBucketEncryptionCommand({ Bucket: bucket, ServerSideEncryptionConfiguration: { Rules: [rule] } }),
  )
  const put = await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'k', Body: 'x' }))
  expect(put.ServerSideEncryption).toBe('aws:kms')
  expect(await failure(plain.send(new PutObjectCommand({ Bucket: bucket, Key: 'k', Body: 'x' })))).toMatchObject({
    status: 400,
  })
})

test.each([
  ['fake-key-id', "Invalid keyId 'fake-key-id'"],
  [
    '134f2428-cec1-4b25-a1ae-9048164dba47',
    "Key 'arn:aws:kms:us-east-1:000000000000:key/134f2428-cec1-4b25-a1ae-9048164dba47' does not exist",
  ],
  ['arn:aws:kms:eu-west-1:000000000000:key/134f2428-cec1-4b25-a1ae-9048164dba47', 'Invalid arn eu-west-1'],
])('the KMS key %s is not found', async (SSEKMSKeyId, message) => {
  const call = s3.send(
    new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', ServerSideEncryption: 'aws:kms', SSEKMSKeyId }),
  )
  expect(await failure(call)).toEqual({ code: 'KMS.NotFoundException', status: 400, message })
})

test('the notes’ spelling AES-256 is refused', async () => {
  const call = s3.send(
    new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', ServerSideEncryption: 'AES-256' as 'AES256' }),
  )
  expect(await failure(call)).toMatchObject({ code: 'InvalidArgument', status: 400 })
})

test('a presigned URL works with no more than itself, until it ends', async () => {
  await s3.send(new PutObjectCommand({ Bucket, Key: 'p', Body: 'presigned' }))
  const url = await getSignedUrl(plain, new GetObjectCommand({ Bucket, Key: 'p' }), { expiresIn: 60 })
  expect(await (await fetch(url)).text()).toBe('presigned')
  const tampered = await fetch(url.replace('/p?', '/q?'))
  expect(tampered.status).toBe(403)
  expect((await fetch(`${server.http}/${Bucket}/p`)).status).toBe(403)
})
