/** Buckets, and who may use them. */
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  RestoreObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { failure, s3Client } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

let server: TestServer
let s3: S3Client
const other = { accessKeyId: 'AKIAOTHER', secretAccessKey: 'secretother' }
const policies = ['arn:aws:iam::aws:policy/AdministratorAccess']
const accounts = [{ id: '222222222222', users: [{ name: 'bob', ...other, policies }] }]
beforeAll(async () => {
  server = await startServer({ config: { accounts } })
  s3 = s3Client(server)
})
afterAll(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error/)
  await server.remove()
})

test('a bucket is made, found, listed, and removed only when empty', async () => {
  const Bucket = 'lifecycle'
  await s3.send(new CreateBucketCommand({ Bucket }))
  expect((await s3.send(new HeadBucketCommand({ Bucket }))).BucketRegion).toBe('us-east-1')
  expect((await s3.send(new ListBucketsCommand({}))).Buckets?.map(({ Name }) => Name)).toContain(Bucket)
  await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }))
  expect(await failure(s3.send(new DeleteBucketCommand({ Bucket })))).toMatchObject({
    code: 'BucketNotEmpty',
    status: 409,
  })
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'k' }))
  await s3.send(new DeleteBucketCommand({ Bucket }))
  expect(await failure(s3.send(new ListObjectsV2Command({ Bucket })))).toMatchObject({
    code: 'NoSuchBucket',
    status: 404,
  })
  expect(await failure(s3.send(new CreateBucketCommand({ Bucket: 'No_Good' })))).toMatchObject({
    code: 'InvalidBucketName',
  })
})

test('another account is kept out, and may not take the name', async () => {
  const Bucket = 'ours'
  await s3.send(new CreateBucketCommand({ Bucket }))
  const theirs = s3Client(server, { credentials: other })
  expect(await failure(theirs.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' })))).toMatchObject({
    code: 'AccessDenied',
    status: 403,
  })
  expect(await failure(theirs.send(new CreateBucketCommand({ Bucket })))).toMatchObject({
    code: 'BucketAlreadyExists',
    status: 409,
  })
  const unknown = s3Client(server, { credentials: { ...other, accessKeyId: 'AKIANOBODY' } })
  expect(await failure(unknown.send(new ListBucketsCommand({})))).toMatchObject({
    code: 'InvalidAccessKeyId',
    status: 403,
  })
  const forged = s3Client(server, { credentials: { ...other, secretAccessKey: 'wrong' } })
  expect(await failure(forged.send(new ListBucketsCommand({})))).toMatchObject({
    code: 'SignatureDoesNotMatch',
    status: 403,
  })
})

test('a request that expects another owner is refused, of a copy also its source', async () => {
  const Bucket = 'expected-owner'
  const [ExpectedBucketOwner, wrong] = ['000000000000', '222222222222']
  await s3.send(new CreateBucketCommand({ Bucket }))
  await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', ExpectedBucketOwner }))
  const copy = { Bucket, Key: 'copy', CopySource: `${Bucket}/k`, ExpectedBucketOwner }
  await s3.send(new CopyObjectCommand({ ...copy, ExpectedSourceBucketOwner: ExpectedBucketOwner }))
  const denied = { code: 'AccessDenied', status: 403 }
  for (const call of [
    () => s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'y', ExpectedBucketOwner: wrong })),
    () => s3.send(new DeleteObjectCommand({ Bucket, Key: 'k', ExpectedBucketOwner: wrong })),
    () => s3.send(new ListObjectsV2Command({ Bucket, ExpectedBucketOwner: wrong })),
    () => s3.send(new CopyObjectCommand({ ...copy, ExpectedSourceBucketOwner: wrong })),
  ]) {
    expect(await failure(call())).toMatchObject(denied)
  }
  expect(await failure(s3.send(new ListObjectsV2Command({ Bucket, ExpectedBucketOwner: 'somebody' })))).toMatchObject({
    code: 'InvalidBucketOwnerAWSAccountID',
    status: 400,
  })
})

test('what is not there yet is refused by name', async () => {
  const refused = await failure(s3.send(new RestoreObjectCommand({ Bucket: 'ours', Key: 'k' })))
  expect(refused).toMatchObject({
    code: 'NotImplemented',
    status: 501,
    message: expect.stringContaining('RestoreObject'),
  })
})
