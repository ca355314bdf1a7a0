/** Bucket policies from outside: who is let in, who is kept out, what they are told, and that changes hold at once. */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketPolicyCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  DeletePublicAccessBlockCommand,
  GetBucketEncryptionCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketPolicyStatusCommand,
  GetObjectCommand,
  GetPublicAccessBlockCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { send } from '../support/raw.ts'
import { failure, s3Client } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

const alice = { accessKeyId: 'AKIAALICE', secretAccessKey: 'secretalice' }
const reader = { accessKeyId: 'AKIAREADER', secretAccessKey: 'secretreader' }
const bob = { accessKeyId: 'AKIABOB', secretAccessKey: 'secretbob' }
const carol = { accessKeyId: 'AKIACAROL', secretAccessKey: 'secretcarol' }
const managed = (name: string) => [`arn:aws:iam::aws:policy/${name}`]
const accounts = [
  {
    id: '000000000000',
    users: [
      { name: 'alice', ...alice },
      { name: 'reader', ...reader, policies: managed('AmazonS3ReadOnlyAccess') },
    ],
  },
  {
    id: '222222222222',
    users: [
      { name: 'bob', ...bob, policies: managed('AmazonS3FullAccess') },
      { name: 'carol', ...carol },
    ],
  },
]

let server: TestServer
let root: S3Client
const as = (credentials: typeof alice, plain = false) => s3Client(server, { credentials, plain })
let count = 0
let Bucket: string
beforeAll(async () => {
  server = await startServer({ config: { accounts } })
  root = s3Client(server)
})
afterAll(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error/)
  await server.remove()
})
beforeEach(async () => {
  Bucket = `policed-${++count}`
  await root.send(new CreateBucketCommand({ Bucket }))
  await root.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }))
})

const statement = (more: object) => ({
  Effect: 'Allow',
  Principal: '*',
  Action: 's3:GetObject',
  Resource: `arn:aws:s3:::${Bucket}/*`,
  ...more,
})
const put = (...statements: object[]) =>
  root.send(
    new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify({ Version: '2012-10-17', Statement: statements }) }),
  )
const get = (client: S3Client, Key = 'k') => client.send(new GetObjectCommand({ Bucket, Key }))
const anonymous = (path: string, plain = false) => send(server, { method: 'GET', path, plain, anonymous: true })
const ARN = (account: string, user: string) => `arn:aws:iam::${account}:user/${user}`

test('what was put comes back to the letter; none is told; deleting is idempotent', async () => {
  expect(await failure(root.send(new GetBucketPolicyCommand({ Bucket })))).toMatchObject({
    code: 'NoSuchBucketPolicy',
    status: 404,
    message: 'The bucket policy does not exist',
  })
  const Policy = `{ "Version":"2012-10-17",\n "Statement": ${JSON.stringify(statement({ Principal: { AWS: '222222222222' } }))} }`
  await root.send(new PutBucketPolicyCommand({ Bucket, Policy }))
  expect((await root.send(new GetBucketPolicyCommand({ Bucket }))).Policy).toBe(Policy)
  expect((await root.send(new GetBucketPolicyStatusCommand({ Bucket }))).PolicyStatus).toEqual({ IsPublic: false })
  await root.send(new DeleteBucketPolicyCommand({ Bucket }))
  await root.send(new DeleteBucketPolicyCommand({ Bucket }))
})

describe('a policy that is wrong is refused, and nothing changes', () => {
  test.each<[string, string | (() => object), string]>([
    ['no JSON', 'x', "Policies must be valid JSON and the first byte must be '{'"],
    [
      'a misspelt key',
      () => statement({ Condition: { Bool: { 'aws:SecureTrsnaport': 'false' } } }),
      'Policy has an invalid condition key',
    ],
    ['an unknown action', () => statement({ Action: 's3:Get' }), 'Policy has invalid action'],
    ['another bucket', () => statement({ Resource: 'arn:aws:s3:::somebody-elses/*' }), 'Policy has invalid resource'],
    [
      'the wrong resource',
      () => statement({ Action: 's3:ListBucket' }),
      'Action does not apply to any resource(s) in statement',
    ],
    ['nobody', () => statement({ Principal: { AWS: ARN('000000000000', 'nobody') } }), 'Invalid principal in policy'],
    ['no principal', () => statement({ Principal: undefined }), 'Missing required field Principal'],
  ])('%s', async (_name, given, message) => {
    const Policy = typeof given === 'string' ? given : JSON.stringify({ Version: '2012-10-17', Statement: [given()] })
    expect(await failure(root.send(new PutBucketPolicyCommand({ Bucket, Policy })))).toMatchObject({
      code: 'MalformedPolicy',
      status: 400,
      message,
    })
    expect(await failure(root.send(new GetBucketPolicyCommand({ Bucket })))).toMatchObject({ status: 404 })
  })

  test('one that is too long', async () => {
    const Policy = JSON.stringify({ Version: '2012-10-17', Id: 'x'.repeat(20_480), Statement: [statement({})] })
    expect(await failure(root.send(new PutBucketPolicyCommand({ Bucket, Policy })))).toMatchObject({ status: 400 })
  })
})

test('what a policy may get wrong is told by a header, whatever its statements are called', async () => {
  const Statement = statement({
    Sid: 'Nur über TLS\n',
    Effect: 'Deny',
    Action: 's3:*',
    Resource: `arn:aws:s3:::${Bucket}`,
    Condition: { Bool: { 'aws:SecureTransport': 'false' } },
  })
  const body = JSON.stringify({ Version: '2012-10-17', Statement })
  const reply = await send(server, { method: 'PUT', path: `/${Bucket}`, query: { policy: '' }, body })
  expect(reply.status).toBe(204)
  expect(reply.headers['x-strongroom-policy-warnings']).toBe('https-only-incomplete (Nur ?ber TLS?)')
})

test('within the account: one of both is enough; across accounts both must allow', async () => {
  expect(await failure(get(as(alice)))).toMatchObject({
    code: 'AccessDenied',
    status: 403,
    message: `User: ${ARN('000000000000', 'alice')} is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::${Bucket}/k" because no identity-based policy allows the s3:GetObject action`,
  })
  await get(as(reader))
  expect(await failure(get(as(bob)))).toMatchObject({ code: 'AccessDenied', message: 'Access Denied' })
  await put(
    statement({ Principal: { AWS: [ARN('000000000000', 'alice'), ARN('222222222222', 'carol'), '222222222222'] } }),
  )
  await get(as(alice))
  await get(as(bob))
  // Named by the bucket's owner, but her own account has given her nothing.
  expect(await failure(get(as(carol)))).toMatchObject({ code: 'AccessDenied' })
  // What was given is reading, nothing else.
  const write = new PutObjectCommand({ Bucket, Key: 'w', Body: 'x' })
  for (const who of [alice, bob]) expect(await failure(as(who).send(write))).toMatchObject({ code: 'AccessDenied' })
})

test('a policy lets no other account at itself', async () => {
  const Resource = [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`]
  const Policy = JSON.stringify({
    Version: '2012-10-17',
    Statement: statement({ Principal: { AWS: '222222222222' }, Action: 's3:*', Resource }),
  })
  await root.send(new PutBucketPolicyCommand({ Bucket, Policy }))
  const refused = { code: 'MethodNotAllowed', status: 405 }
  expect(await failure(as(bob).send(new GetBucketPolicyCommand({ Bucket })))).toMatchObject(refused)
  expect(await failure(as(bob).send(new PutBucketPolicyCommand({ Bucket, Policy })))).toMatchObject(refused)
  expect(await failure(as(bob).send(new DeleteBucketPolicyCommand({ Bucket })))).toMatchObject(refused)
  expect((await root.send(new GetBucketPolicyCommand({ Bucket }))).Policy).toBe(Policy)
})

test('an explicit deny wins over everything, also for the owner, and says so to its own', async () => {
  await put(statement({ Effect: 'Deny' }))
  expect(await failure(get(root))).toMatchObject({
    code: 'AccessDenied',
    message: `User: arn:aws:iam::000000000000:root is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::${Bucket}/k" with an explicit deny in a resource-based policy`,
  })
  expect(await failure(get(as(reader)))).toMatchObject({ code: 'AccessDenied' })
  await put(
    statement({ Effect: 'Deny', Action: 's3:*', Resource: [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`] }),
  )
  expect(await failure(root.send(new ListObjectsV2Command({ Bucket })))).toMatchObject({ code: 'AccessDenied' })
  // The root user can always take it away.
  expect(await failure(as(reader).send(new GetBucketPolicyCommand({ Bucket })))).toMatchObject({ code: 'AccessDenied' })
  await root.send(new GetBucketPolicyCommand({ Bucket }))
  await root.send(new DeleteBucketPolicyCommand({ Bucket }))
  await get(root)
})

test('who may not list is not told what is absent', async () => {
  const expected = { code: 'AccessDenied', status: 403 }
  await put(statement({ Principal: { AWS: ARN('000000000000', 'alice') } }))
  expect(await failure(get(as(alice), 'absent'))).toMatchObject(expected)
  expect(await failure(get(as(reader), 'absent'))).toMatchObject({ code: 'NoSuchKey', status: 404 })
  await put(
    statement({ Principal: { AWS: ARN('000000000000', 'alice') } }),
    statement({
      Principal: { AWS: ARN('000000000000', 'alice') },
      Action: 's3:ListBucket',
      Resource: `arn:aws:s3:::${Bucket}`,
    }),
  )
  expect(await failure(get(as(alice), 'absent'))).toMatchObject({ code: 'NoSuchKey', status: 404 })
})

test('DeleteObjects asks for each key by itself', async () => {
  await put(
    statement({
      Principal: { AWS: ARN('000000000000', 'alice') },
      Action: 's3:DeleteObject',
      Resource: `arn:aws:s3:::${Bucket}/mine/*`,
    }),
  )
  const Objects = [{ Key: 'k' }, { Key: 'mine/1' }]
  const reply = await as(alice).send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
  expect(reply.Deleted?.map(({ Key }) => Key)).toEqual(['mine/1'])
  expect(reply.Errors?.map(({ Key, Code }) => [Key, Code])).toEqual([['k', 'AccessDenied']])
  await get(root)
})

test('a named version is another action', async () => {
  const VersioningConfiguration = { Status: 'Enabled' as const }
  await root.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }))
  const { VersionId } = await root.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'y' }))
  await put(statement({ Principal: { AWS: ARN('000000000000', 'alice') } }))
  await get(as(alice))
  const version = new GetObjectCommand({ Bucket, Key: 'k', VersionId })
  expect(await failure(as(alice).send(version))).toMatchObject({ code: 'AccessDenied' })
})

test('keys of encryption headers, prefixes and TLS', async () => {
  await put(
    statement({
      Effect: 'Deny',
      Action: 's3:PutObject',
      Condition: { StringNotEquals: { 's3:x-amz-server-side-encryption': 'aws:kms' } },
    }),
    statement({
      Effect: 'Deny',
      Action: 's3:ListBucket',
      Resource: `arn:aws:s3:::${Bucket}`,
      Condition: { StringNotLike: { 's3:prefix': 'home/*' } },
    }),
    statement({
      Effect: 'Deny',
      Resource: `arn:aws:s3:::${Bucket}/new/*`,
      Condition: { NumericLessThan: { 's3:TlsVersion': '1.3' } },
    }),
  )
  const write = { Bucket, Key: 'w', Body: 'x' }
  expect(await failure(root.send(new PutObjectCommand(write)))).toMatchObject({ code: 'AccessDenied' })
  const parts = new CreateMultipartUploadCommand({ Bucket, Key: 'w' })
  expect(await failure(root.send(parts))).toMatchObject({ code: 'AccessDenied' })
  await root.send(new PutObjectCommand({ ...write, ServerSideEncryption: 'aws:kms' }))
  expect(await failure(root.send(new ListObjectsV2Command({ Bucket })))).toMatchObject({ code: 'AccessDenied' })
  await root.send(new ListObjectsV2Command({ Bucket, Prefix: 'home/x' }))
  // The connection is TLS 1.3, so that statement denies nothing.
  await root.send(new PutObjectCommand({ ...write, Key: 'new/x', ServerSideEncryption: 'aws:kms' }))
  await get(root, 'new/x')
})

test('anonymous callers get what a policy gives, once public access is not blocked', async () => {
  const path = `/${Bucket}/k`
  expect(await anonymous(path)).toMatchObject({ status: 403, code: 'AccessDenied', message: 'Access Denied' })
  expect((await root.send(new GetPublicAccessBlockCommand({ Bucket }))).PublicAccessBlockConfiguration).toEqual({
    BlockPublicAcls: true,
    IgnorePublicAcls: true,
    BlockPublicPolicy: true,
    RestrictPublicBuckets: true,
  })
  expect(await failure(put(statement({})))).toMatchObject({ code: 'AccessDenied', status: 403 })
  await root.send(new DeletePublicAccessBlockCommand({ Bucket }))
  expect(await failure(root.send(new GetPublicAccessBlockCommand({ Bucket })))).toMatchObject({
    code: 'NoSuchPublicAccessBlockConfiguration',
    status: 404,
  })
  await put(statement({}))
  expect((await root.send(new GetBucketPolicyStatusCommand({ Bucket }))).PolicyStatus).toEqual({ IsPublic: true })
  expect(await anonymous(path)).toMatchObject({ status: 200, body: 'x' })
  expect(await anonymous(`/${Bucket}`)).toMatchObject({ status: 403, code: 'AccessDenied' })
  expect(await anonymous('/no-such-bucket/k')).toMatchObject({ status: 404, code: 'NoSuchBucket' })
  await root.send(new PutObjectCommand({ Bucket, Key: 'kms', Body: 'x', ServerSideEncryption: 'aws:kms' }))
  expect(await anonymous(`/${Bucket}/kms`)).toMatchObject({ status: 400, code: 'InvalidArgument' })
  // Blocked again, the policy stays and gives to nobody outside.
  const PublicAccessBlockConfiguration = { RestrictPublicBuckets: true }
  await root.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration }))
  for (let i = 0; i < 8; i++) expect(await anonymous(path)).toMatchObject({ status: 403 })
  expect(await failure(get(as(bob)))).toMatchObject({ code: 'AccessDenied' })
  await get(as(alice))
})

test('ownership is enforced by default', async () => {
  expect((await root.send(new GetBucketOwnershipControlsCommand({ Bucket }))).OwnershipControls?.Rules).toEqual([
    { ObjectOwnership: 'BucketOwnerEnforced' },
  ])
})

describe('HTTPS only', () => {
  beforeEach(() =>
    put(
      statement({
        Sid: 'RestrictToTLSRequestsOnly',
        Effect: 'Deny',
        Action: 's3:*',
        Resource: [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`],
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      }),
    ),
  )

  test('every operation over HTTP is refused, also to the owner; the same over HTTPS is let through', async () => {
    const plain = s3Client(server, { plain: true })
    const upload = { Bucket, Key: 'm', UploadId: '' }
    const calls: Record<string, (client: S3Client) => Promise<unknown>> = {
      GetObject: (client) => get(client),
      HeadObject: (client) => client.send(new HeadObjectCommand({ Bucket, Key: 'k' })),
      PutObject: (client) => client.send(new PutObjectCommand({ Bucket, Key: 'p', Body: 'x' })),
      CopyObject: (client) => client.send(new CopyObjectCommand({ Bucket, Key: 'c', CopySource: `${Bucket}/k` })),
      ListObjectsV2: (client) => client.send(new ListObjectsV2Command({ Bucket })),
      DeleteObject: (client) => client.send(new DeleteObjectCommand({ Bucket, Key: 'c' })),
      GetBucketEncryption: (client) => client.send(new GetBucketEncryptionCommand({ Bucket })),
      CreateMultipartUpload: async (client) => {
        const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'm' }))
        upload.UploadId = UploadId!
      },
      UploadPart: (client) => client.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: 'x' })),
      CompleteMultipartUpload: async (client) => {
        const { ETag } = await client
          .send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: 'x' }))
          .catch(() => ({ ETag: '"0"' }))
        const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
        await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload }))
      },
      AbortMultipartUpload: async (client) => {
        if (client === root) await calls.CreateMultipartUpload!(client)
        await client.send(new AbortMultipartUploadCommand(upload))
      },
    }
    for (const [name, call] of Object.entries(calls)) {
      expect([name, (await failure(call(plain))).status]).toEqual([name, 403])
      await call(root)
    }
    const Objects = [{ Key: 'k' }]
    const deleted = await plain.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
    expect(deleted.Errors).toMatchObject([{ Key: 'k', Code: 'AccessDenied' }])
    await get(root)
  })

  test('presigned URLs', async () => {
    const url = new URL(
      await getSignedUrl(s3Client(server, { plain: true }), new GetObjectCommand({ Bucket, Key: 'k' })),
    )
    const reply = await fetch(url)
    expect([reply.status, /<Code>(.*?)</.exec(await reply.text())?.[1]]).toEqual([403, 'AccessDenied'])
  })

  test('a header that claims HTTPS changes nothing', async () => {
    const headers = { 'x-forwarded-proto': 'https' }
    const reply = await send(server, { method: 'GET', path: `/${Bucket}/k`, plain: true, headers })
    expect(reply).toMatchObject({ status: 403, code: 'AccessDenied' })
    const unsigned = await send(server, { method: 'GET', path: `/${Bucket}/k`, plain: true, headers, anonymous: true })
    expect(unsigned).toMatchObject({ status: 403, code: 'AccessDenied' })
  })
})

test('a trusted proxy’s word for HTTPS counts', async () => {
  const trusting = await startServer({ config: { trustedProxies: ['127.0.0.1'] } })
  try {
    const client = s3Client(trusting)
    await client.send(new CreateBucketCommand({ Bucket: 'proxied' }))
    await client.send(new PutObjectCommand({ Bucket: 'proxied', Key: 'k', Body: 'x' }))
    const Statement = {
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:*',
      Resource: 'arn:aws:s3:::proxied/*',
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    }
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement })
    await client.send(new PutBucketPolicyCommand({ Bucket: 'proxied', Policy }))
    const ask = (headers: Record<string, string>) =>
      send(trusting, { method: 'GET', path: '/proxied/k', plain: true, headers })
    expect(await ask({ 'x-forwarded-proto': 'https' })).toMatchObject({ status: 200 })
    expect(await ask({ 'x-forwarded-proto': 'https, http' })).toMatchObject({ status: 403 })
    expect(await ask({})).toMatchObject({ status: 403 })
  } finally {
    await trusting.remove()
  }
})

test('a change holds at once, on every worker process', async () => {
  for (let round = 0; round < 5; round++) {
    await put(statement({ Principal: { AWS: ARN('000000000000', 'alice') } }))
    await Promise.all(Array.from({ length: 8 }, () => get(as(alice))))
    await root.send(new DeleteBucketPolicyCommand({ Bucket }))
    const refused = await Promise.all(Array.from({ length: 8 }, () => failure(get(as(alice)))))
    expect(refused.every(({ code }) => code === 'AccessDenied')).toBe(true)
  }
})
