/** Tags of objects and buckets, and policies that look at them. */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketTaggingCommand,
  DeleteObjectCommand,
  DeleteObjectTaggingCommand,
  GetBucketTaggingCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { failure, s3Client } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

const alice = { accessKeyId: 'AKIAALICE', secretAccessKey: 'secretalice' }
const accounts = [{ id: '000000000000', users: [{ name: 'alice', ...alice }] }]
const ALICE = { AWS: 'arn:aws:iam::000000000000:user/alice' }

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
  Bucket = `tagging-${++count}`
  await s3.send(new CreateBucketCommand({ Bucket }))
})

const Key = 'k'
const tagSet = (tags: Readonly<Record<string, string>>) => ({
  TagSet: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
})
const put = (Tagging?: string, more: object = {}) =>
  s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x', Tagging, ...more }))
const retag = (tags: Readonly<Record<string, string>>, more: object = {}, client = s3) =>
  client.send(new PutObjectTaggingCommand({ Bucket, Key, Tagging: tagSet(tags), ...more }))
const tags = async (more: object = {}, client = s3) => {
  const { TagSet } = await client.send(new GetObjectTaggingCommand({ Bucket, Key, ...more }))
  return Object.fromEntries(TagSet!.map(({ Key, Value }) => [Key, Value]))
}
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
const versioned = () =>
  s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
const refused = (call: Promise<unknown>) => failure(call).then(({ code, status }) => `${status} ${code}`)
const DENIED = '403 AccessDenied'

describe('tags of an object', () => {
  test('are put, read and deleted; nothing else of it changes', async () => {
    await put()
    expect(await tags()).toEqual({})
    const before = await s3.send(new HeadObjectCommand({ Bucket, Key }))
    expect(before.TagCount).toBeUndefined()
    await retag({ a: '1', 'b c': 'é/=' })
    expect(await tags()).toEqual({ a: '1', 'b c': 'é/=' })
    const { ETag, LastModified, TagCount } = await s3.send(new HeadObjectCommand({ Bucket, Key }))
    expect({ ETag, LastModified, TagCount }).toEqual({
      ETag: before.ETag,
      LastModified: before.LastModified,
      TagCount: 2,
    })
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }))
    expect(await Body!.transformToString()).toBe('x')
    await s3.send(new DeleteObjectTaggingCommand({ Bucket, Key }))
    expect(await tags()).toEqual({})
  })

  test('come with the object, and go with it', async () => {
    await put('a=1&b')
    expect(await tags()).toEqual({ a: '1', b: '' })
    await put()
    expect(await tags()).toEqual({})
  })

  test('come with a presigned URL', async () => {
    const plain = s3Client(server, { plain: true })
    const url = await getSignedUrl(plain, new PutObjectCommand({ Bucket, Key, Tagging: 'a=1&b=2' }))
    expect(new URL(url).searchParams.get('x-amz-tagging')).toBe('a=1&b=2')
    expect((await fetch(url, { method: 'PUT', body: 'x' })).status).toBe(200)
    expect(await tags()).toEqual({ a: '1', b: '2' })
  })

  test('come with a multipart upload', async () => {
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, Tagging: 'a=1' }))
    const { ETag } = await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: 'x' }))
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
    await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }))
    expect(await tags()).toEqual({ a: '1' })
  })

  test('each version has its own', async () => {
    await put('null=1')
    await versioned()
    const { VersionId: first } = await put('first=1')
    const { VersionId: second } = await put('second=1')
    expect((await retag({ first: '2' }, { VersionId: first })).VersionId).toBe(first)
    expect((await retag({ null: '2' }, { VersionId: 'null' })).VersionId).toBe('null')
    expect(await tags({ VersionId: first })).toEqual({ first: '2' })
    expect(await tags({ VersionId: 'null' })).toEqual({ null: '2' })
    expect(await tags()).toEqual({ second: '1' })
    expect((await s3.send(new DeleteObjectTaggingCommand({ Bucket, Key }))).VersionId).toBe(second)
    expect(await tags()).toEqual({})
    // The versions are what and where they were.
    await s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId: second }))
    expect((await s3.send(new HeadObjectCommand({ Bucket, Key }))).VersionId).toBe(first)
    expect(await tags()).toEqual({ first: '2' })
    const { VersionId: marker } = await s3.send(new DeleteObjectCommand({ Bucket, Key }))
    expect(await refused(tags())).toBe('404 NoSuchKey')
    expect(await refused(tags({ VersionId: marker }))).toBe('405 MethodNotAllowed')
  })

  test('what is not there has none', async () => {
    expect(await refused(tags())).toBe('404 NoSuchKey')
    expect(await refused(retag({ a: '1' }))).toBe('404 NoSuchKey')
    await put()
    await versioned()
    const { VersionId } = await put()
    await s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId }))
    expect(await refused(retag({ a: '1' }, { VersionId }))).toBe('404 NoSuchVersion')
  })

  test('many at once, of which one stays whole', async () => {
    await put()
    await Promise.all(Array.from({ length: 8 }, (_, i) => retag({ a: String(i), b: String(i) })))
    const { a, b } = await tags()
    expect(a).toBe(b)
  })

  test.each<[string, () => Promise<unknown>, string]>([
    ['eleven', () => retag(Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`k${i}`, '']))), '400 BadRequest'],
    ['a sign that may not be', () => retag({ 'a,b': '1' }), '400 InvalidTag'],
    ['a reserved key', () => retag({ 'aws:a': '1' }), '400 InvalidTag'],
    ['a header with one key twice', () => put('a=1&a=2'), '400 InvalidArgument'],
    ['a header with a reserved key', () => put('aws:a=1'), '400 InvalidTag'],
    [
      'an unknown directive',
      () =>
        s3.send(
          new CopyObjectCommand({ Bucket, Key: 'c', CopySource: `${Bucket}/k`, TaggingDirective: 'X' as 'COPY' }),
        ),
      '400 InvalidArgument',
    ],
  ])('%s', async (_name, call, expected) => {
    await put('was=1')
    expect(await refused(call())).toBe(expected)
    expect(await tags()).toEqual({ was: '1' })
  })
})

describe('a copy', () => {
  const copy = (more: object = {}, client = s3) =>
    client.send(new CopyObjectCommand({ Bucket, Key: 'c', CopySource: `${Bucket}/k`, ...more }))

  test('takes the tags of its source, or brings its own', async () => {
    await put('a=1')
    await copy()
    expect(await tags({ Key: 'c' })).toEqual({ a: '1' })
    await copy({ Tagging: 'b=2' })
    expect(await tags({ Key: 'c' })).toEqual({ a: '1' })
    await copy({ TaggingDirective: 'REPLACE', Tagging: 'b=2' })
    expect(await tags({ Key: 'c' })).toEqual({ b: '2' })
    await copy({ TaggingDirective: 'REPLACE' })
    expect(await tags({ Key: 'c' })).toEqual({})
  })

  test('needs leave to read and to set tags, but only where there are some', async () => {
    const plain = { Action: ['s3:GetObject', 's3:PutObject'] }
    await allow(plain)
    await put()
    await copy({}, asAlice)
    expect(await refused(copy({ TaggingDirective: 'REPLACE', Tagging: 'b=2' }, asAlice))).toBe(DENIED)
    await put('a=1')
    expect(await refused(copy({}, asAlice))).toBe(DENIED)
    await copy({ TaggingDirective: 'REPLACE' }, asAlice)
    await allow(plain, { Action: 's3:GetObjectTagging' })
    expect(await refused(copy({}, asAlice))).toBe(DENIED)
    await allow(plain, { Action: ['s3:GetObjectTagging', 's3:PutObjectTagging'] })
    await copy({}, asAlice)
    expect(await tags({ Key: 'c' })).toEqual({ a: '1' })
  })
})

describe('who may', () => {
  test('bring tags with an object', async () => {
    await allow({ Action: ['s3:PutObject', 's3:AbortMultipartUpload'] })
    const write = (Tagging?: string) => asAlice.send(new PutObjectCommand({ Bucket, Key, Body: 'x', Tagging }))
    const begin = (Tagging?: string) => asAlice.send(new CreateMultipartUploadCommand({ Bucket, Key, Tagging }))
    await write()
    const { UploadId } = await begin()
    await asAlice.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }))
    expect(await refused(write('a=1'))).toBe(DENIED)
    expect(await refused(begin('a=1'))).toBe(DENIED)
    await allow({ Action: ['s3:PutObject', 's3:PutObjectTagging'] })
    await write('a=1')
    expect(await tags()).toEqual({ a: '1' })
  })

  test('touch those of a named version is told apart', async () => {
    await versioned()
    const { VersionId } = await put('a=1')
    await allow({ Action: ['s3:GetObjectTagging', 's3:PutObjectTagging', 's3:DeleteObjectTagging'] })
    expect(await tags({}, asAlice)).toEqual({ a: '1' })
    expect(await refused(tags({ VersionId }, asAlice))).toBe(DENIED)
    expect(await refused(retag({ a: '2' }, { VersionId }, asAlice))).toBe(DENIED)
    await retag({ a: '2' }, {}, asAlice)
    const remove = (more: object) => asAlice.send(new DeleteObjectTaggingCommand({ Bucket, Key, ...more }))
    expect(await refused(remove({ VersionId }))).toBe(DENIED)
    await remove({})
  })

  test('learn how many there are: whoever may read them', async () => {
    await put('a=1')
    await allow({ Action: 's3:GetObject' })
    const count = async () => (await asAlice.send(new GetObjectCommand({ Bucket, Key }))).TagCount
    expect(await count()).toBeUndefined()
    await allow({ Action: ['s3:GetObject', 's3:GetObjectTagging'] })
    expect(await count()).toBe(1)
  })
})

describe('policies', () => {
  test('by the tags that an object has', async () => {
    await put('Team=red')
    await allow({ Action: 's3:GetObject*', Condition: { StringEquals: { 's3:ExistingObjectTag/Team': 'red' } } })
    const read = (more: object = {}) => asAlice.send(new GetObjectCommand({ Bucket, Key, ...more }))
    await read()
    expect(await tags({}, asAlice)).toEqual({ Team: 'red' })
    await retag({ Team: 'blue' })
    expect(await refused(read())).toBe(DENIED)
    await retag({})
    expect(await refused(read())).toBe(DENIED)
    expect(await refused(read({ Key: 'absent' }))).toBe(DENIED)
  })

  test('each version by its own', async () => {
    await versioned()
    const { VersionId: red } = await put('team=red')
    const { VersionId: blue } = await put('team=blue')
    await allow({ Action: 's3:GetObjectVersion', Condition: { StringEquals: { 's3:ExistingObjectTag/team': 'red' } } })
    const read = (VersionId: string | undefined) => asAlice.send(new GetObjectCommand({ Bucket, Key, VersionId }))
    await read(red)
    expect(await refused(read(blue))).toBe(DENIED)
  })

  test('by the tags that a request sets', async () => {
    await put()
    await allow({
      Action: 's3:PutObjectTagging',
      Condition: {
        StringEquals: { 's3:RequestObjectTag/team': 'red' },
        'ForAllValues:StringEquals': { 's3:RequestObjectTagKeys': ['team', 'cost'] },
      },
    })
    await retag({ team: 'red' }, {}, asAlice)
    await retag({ team: 'red', cost: '1' }, {}, asAlice)
    expect(await refused(retag({ team: 'blue' }, {}, asAlice))).toBe(DENIED)
    expect(await refused(retag({ team: 'red', other: '1' }, {}, asAlice))).toBe(DENIED)
    expect(await tags()).toEqual({ team: 'red', cost: '1' })
  })
})

describe('tags of a bucket', () => {
  const set = (given: Readonly<Record<string, string>>) =>
    s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: tagSet(given) }))
  const read = async () => (await s3.send(new GetBucketTaggingCommand({ Bucket }))).TagSet

  test('are put, read and deleted', async () => {
    expect(await failure(read())).toMatchObject({
      code: 'NoSuchTagSet',
      status: 404,
      message: 'The TagSet does not exist',
    })
    await set({ a: '1', b: '' })
    expect(await read()).toEqual(tagSet({ a: '1', b: '' }).TagSet)
    await s3.send(new DeleteBucketTaggingCommand({ Bucket }))
    expect(await refused(read())).toBe('404 NoSuchTagSet')
    await set({ a: '1' })
    await set({})
    expect(await refused(read())).toBe('404 NoSuchTagSet')
  })

  test('policies see those it has and those it is given', async () => {
    const asked = (Condition: object) =>
      allow({ Action: ['s3:PutBucketTagging', 's3:GetBucketTagging'], Resource: `arn:aws:s3:::${Bucket}`, Condition })
    const ask = (given: Readonly<Record<string, string>>) =>
      asAlice.send(new PutBucketTaggingCommand({ Bucket, Tagging: tagSet(given) }))
    await asked({
      StringEquals: { 'aws:RequestTag/team': 'red' },
      'ForAllValues:StringEquals': { 'aws:TagKeys': 'team' },
    })
    await ask({ team: 'red' })
    expect(await refused(ask({ team: 'blue' }))).toBe(DENIED)
    expect(await refused(ask({ team: 'red', cost: '1' }))).toBe(DENIED)
    await asked({ StringEquals: { 'aws:ResourceTag/team': 'red' } })
    await asAlice.send(new GetBucketTaggingCommand({ Bucket }))
    await set({ team: 'blue' })
    expect(await refused(asAlice.send(new GetBucketTaggingCommand({ Bucket })))).toBe(DENIED)
  })

  test('are up to fifty', async () => {
    const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, '']))
    await set(many(50))
    expect(await refused(set(many(51)))).toBe('400 BadRequest')
    expect(await read()).toHaveLength(50)
  })
})
