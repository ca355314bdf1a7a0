/** Listings, versions and deleting many objects. */
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { failure, s3Client } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

let server: TestServer
let s3: S3Client
beforeAll(async () => {
  server = await startServer()
  s3 = s3Client(server)
})
afterAll(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error/)
  await server.remove()
})

test('listings page, and many objects are deleted at once', async () => {
  const Bucket = 'many'
  await s3.send(new CreateBucketCommand({ Bucket }))
  const keys = Array.from({ length: 25 }, (_, i) => `folder ${i % 3}/ü&<${String(i).padStart(2, '0')}>`)
  await Promise.all(keys.map((Key) => s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }))))
  const folders = await s3.send(new ListObjectsV2Command({ Bucket, Delimiter: '/' }))
  expect(folders.CommonPrefixes?.map(({ Prefix }) => Prefix)).toEqual(['folder 0/', 'folder 1/', 'folder 2/'])
  const seen: string[] = []
  let ContinuationToken: string | undefined
  do {
    const page: { Contents?: { Key?: string }[]; NextContinuationToken?: string } = await s3.send(
      new ListObjectsV2Command({ Bucket, MaxKeys: 7, EncodingType: 'url', ContinuationToken }),
    )
    seen.push(...(page.Contents ?? []).map(({ Key }) => decodeURIComponent(Key!.replaceAll('+', ' '))))
    ContinuationToken = page.NextContinuationToken
  } while (ContinuationToken)
  expect(seen).toEqual([...keys].sort())
  const Objects = keys.map((Key) => ({ Key }))
  expect((await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))).Deleted).toHaveLength(25)
  await s3.send(new DeleteBucketCommand({ Bucket }))
})

test('versions, delete markers and their listing', async () => {
  const Bucket = 'versions'
  await s3.send(new CreateBucketCommand({ Bucket }))
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
  const first = await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'one' }))
  await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'two' }))
  const marker = await s3.send(new DeleteObjectCommand({ Bucket, Key: 'k' }))
  expect(marker.DeleteMarker).toBe(true)
  expect(await failure(s3.send(new GetObjectCommand({ Bucket, Key: 'k' })))).toMatchObject({
    code: 'NoSuchKey',
    status: 404,
  })
  const old = await s3.send(new GetObjectCommand({ Bucket, Key: 'k', VersionId: first.VersionId }))
  expect(await old.Body?.transformToString()).toBe('one')
  const page = await s3.send(new ListObjectVersionsCommand({ Bucket, MaxKeys: 1 }))
  expect(page.DeleteMarkers?.[0]).toMatchObject({ VersionId: marker.VersionId, IsLatest: true })
  const rest = await s3.send(
    new ListObjectVersionsCommand({ Bucket, KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker }),
  )
  expect(rest.Versions?.map(({ IsLatest, Size }) => [IsLatest, Size])).toEqual([
    [false, 3],
    [false, 3],
  ])
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'k', VersionId: marker.VersionId }))
  expect(await (await s3.send(new GetObjectCommand({ Bucket, Key: 'k' }))).Body?.transformToString()).toBe('two')
})
