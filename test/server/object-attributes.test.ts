/** GetObjectAttributes: what it tells, of which versions, by each method of encryption, and who may ask. */
import { createHash, randomBytes } from 'node:crypto'
import {
  type ChecksumAlgorithm,
  type ChecksumType,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  DeleteObjectCommand,
  GetObjectAttributesCommand,
  type GetObjectAttributesCommandInput,
  GetObjectCommand,
  ObjectAttributes,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { auditEvents } from '../support/audit.ts'
import { send } from '../support/raw.ts'
import { failure, s3Client } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

const alice = { accessKeyId: 'AKIAALICE', secretAccessKey: 'secretalice' }
const accounts = [{ id: '000000000000', users: [{ name: 'alice', ...alice }] }]
const MiB = 1024 * 1024
const Bucket = 'attributes'
const ALL = Object.values(ObjectAttributes)

let server: TestServer
let s3: S3Client
let asAlice: S3Client
beforeAll(async () => {
  server = await startServer({ config: { accounts } })
  s3 = s3Client(server)
  asAlice = s3Client(server, { credentials: alice })
  await s3.send(new CreateBucketCommand({ Bucket }))
})
afterAll(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error/)
  await server.remove()
})

async function attributes(Key: string, more: Partial<GetObjectAttributesCommandInput> = {}, client = s3) {
  const command = new GetObjectAttributesCommand({ Bucket, Key, ObjectAttributes: ALL, ...more })
  const { $metadata: _, ...reply } = await client.send(command)
  return reply
}

const put = (Key: string, Body: Uint8Array | string, more: Partial<PutObjectCommandInput> = {}) =>
  s3.send(new PutObjectCommand({ Bucket, Key, Body, ...more }))

/** In three parts, as short as S3 lets them be. */
async function upload(Key: string, more: Partial<CreateMultipartUploadCommandInput>, customer: object = {}) {
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ...more, ...customer }))
  const bodies = [Buffer.alloc(5 * MiB, 1), Buffer.alloc(5 * MiB, 2), Buffer.alloc(1, 3)]
  const Parts: CompletedPart[] = []
  for (const [index, Body] of bodies.entries()) {
    const part = { PartNumber: index + 1, Body, ChecksumAlgorithm: more.ChecksumAlgorithm, ...customer }
    const { $metadata: _, ...done } = await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, ...part }))
    const { ETag, ChecksumCRC32, ChecksumSHA256 } = done
    Parts.push({ PartNumber: part.PartNumber, ETag, ...(more.ChecksumAlgorithm && { ChecksumCRC32, ChecksumSHA256 }) })
  }
  const MultipartUpload = { Parts }
  const done = await s3.send(
    new CompleteMultipartUploadCommand({
      Bucket,
      Key,
      UploadId,
      MultipartUpload,
      ...customer,
      ChecksumType: more.ChecksumType,
    }),
  )
  return { done, Parts, sizes: bodies.map(({ length }) => length) }
}

const customer = { SSECustomerAlgorithm: 'AES256', SSECustomerKey: randomBytes(32).toString('base64') }
const METHODS: readonly (readonly [string, Partial<PutObjectCommandInput>, object])[] = [
  ['AES256', {}, {}],
  ['aws:kms', { ServerSideEncryption: 'aws:kms' }, {}],
  ['aws:kms:dsse', { ServerSideEncryption: 'aws:kms:dsse' }, {}],
  ['SSE-C', customer, customer],
]

describe.each(METHODS)('encrypted by %s', (method, more, key) => {
  test('of one PUT: all but parts', async () => {
    const Body = randomBytes(1000)
    const written = await put(method, Body, { ...more, ChecksumAlgorithm: 'SHA256', StorageClass: 'STANDARD_IA' })
    expect(await attributes(method, key)).toEqual({
      LastModified: expect.any(Date),
      ETag: written.ETag?.replaceAll('"', ''),
      Checksum: { ChecksumSHA256: createHash('sha256').update(Body).digest('base64'), ChecksumType: 'FULL_OBJECT' },
      StorageClass: 'STANDARD_IA',
      ObjectSize: 1000,
    })
  })

  test('of parts with checksums of their own: each of them', async () => {
    const Key = `${method}-parts`
    const algorithm = { ChecksumAlgorithm: 'SHA256', ChecksumType: 'COMPOSITE' } as const
    const { ServerSideEncryption } = more
    const { done, Parts, sizes } = await upload(
      Key,
      { ...algorithm, ...(ServerSideEncryption && { ServerSideEncryption }) },
      key,
    )
    const listed = Parts.map(({ PartNumber, ChecksumSHA256 }, i) => ({ PartNumber, Size: sizes[i], ChecksumSHA256 }))
    expect(await attributes(Key, key)).toEqual({
      LastModified: expect.any(Date),
      ETag: done.ETag?.replaceAll('"', ''),
      Checksum: { ChecksumSHA256: done.ChecksumSHA256, ChecksumType: 'COMPOSITE' },
      ObjectParts: {
        TotalPartsCount: 3,
        PartNumberMarker: '0',
        NextPartNumberMarker: '3',
        MaxParts: 1000,
        IsTruncated: false,
        Parts: listed,
      },
      StorageClass: 'STANDARD',
      ObjectSize: 10 * MiB + 1,
    })
  })
})

describe('parts', () => {
  test.each<[string, ChecksumAlgorithm | undefined, ChecksumType | undefined]>([
    ['of which nobody asked for a checksum', undefined, undefined],
    ['under one checksum of the whole', 'CRC32', 'FULL_OBJECT'],
  ])('%s are counted', async (Key, ChecksumAlgorithm, ChecksumType) => {
    await upload(Key, { ChecksumAlgorithm, ChecksumType })
    const { ObjectParts, Checksum } = await attributes(Key)
    expect(ObjectParts).toEqual({ TotalPartsCount: 3 })
    expect(Checksum).toMatchObject({ ChecksumType: 'FULL_OBJECT' })
  })

  test('by pages; each can be read by its number', async () => {
    const { Parts, sizes } = await upload('pages', { ChecksumAlgorithm: 'CRC32', ChecksumType: 'COMPOSITE' })
    const page = async (PartNumberMarker: string | undefined, MaxParts: number) => {
      const { ObjectParts } = await attributes('pages', {
        PartNumberMarker,
        MaxParts,
        ObjectAttributes: ['ObjectParts'],
      })
      const { Parts: listed = [], ...rest } = ObjectParts!
      return { ...rest, parts: listed.map(({ PartNumber }) => PartNumber) }
    }
    const common = { TotalPartsCount: 3 }
    expect(await page(undefined, 2)).toEqual({
      ...common,
      PartNumberMarker: '0',
      NextPartNumberMarker: '2',
      MaxParts: 2,
      IsTruncated: true,
      parts: [1, 2],
    })
    expect(await page('2', 2)).toEqual({
      ...common,
      PartNumberMarker: '2',
      NextPartNumberMarker: '3',
      MaxParts: 2,
      IsTruncated: false,
      parts: [3],
    })
    expect(await page('3', 5000)).toEqual({
      ...common,
      PartNumberMarker: '3',
      NextPartNumberMarker: '3',
      MaxParts: 1000,
      IsTruncated: false,
      parts: [],
    })
    for (const { PartNumber, ChecksumCRC32 } of Parts) {
      const command = new GetObjectCommand({ Bucket, Key: 'pages', PartNumber, ChecksumMode: 'ENABLED' })
      const { ContentLength, ChecksumCRC32: read, Body } = await s3.send(command)
      await Body!.transformToByteArray()
      expect({ ContentLength, read }).toEqual({ ContentLength: sizes[PartNumber! - 1], read: ChecksumCRC32 })
    }
  })

  test('a copy has none', async () => {
    await upload('source', { ChecksumAlgorithm: 'CRC32', ChecksumType: 'COMPOSITE' })
    await s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/source` }))
    expect(await attributes('copy')).not.toHaveProperty('ObjectParts')
  })
})

describe('what is asked for', () => {
  const ask = (names: string | undefined, more: Record<string, string> = {}) =>
    send(server, {
      method: 'GET',
      path: `/${Bucket}/asked`,
      query: { attributes: '' },
      headers: { ...(names !== undefined && { 'x-amz-object-attributes': names }), ...more },
    })
  beforeAll(() => put('asked', 'x'))

  const answer = (inner: string) =>
    `<?xml version="1.0" encoding="UTF-8"?>\n<GetObjectAttributesResponse xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner}</GetObjectAttributesResponse>`
  const ETAG = '<ETag>9dd4e461268c8034f5c8564e155c67a6</ETag>'

  test.each([
    ['ETag', ETAG],
    ['ObjectSize, ETag', `${ETAG}<ObjectSize>1</ObjectSize>`],
    ['ETag,', ETAG],
    ['ObjectParts', ''],
    ['StorageClass', '<StorageClass>STANDARD</StorageClass>'],
  ])('%s', async (names, inner) => {
    expect(await ask(names)).toMatchObject({ status: 200, body: answer(inner) })
  })

  test.each([[undefined], [','], [',,']])('nothing: %s', async (names) => {
    expect(await ask(names)).toMatchObject({
      status: 400,
      code: 'InvalidRequest',
      message:
        'The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty',
    })
  })

  test.each([
    ['garbage', 'garbage'],
    ['etag', 'etag'],
    ['ETag, etag', 'etag'],
    ['', ''],
    [',ETag', ''],
    ['ETag, ,ObjectSize', ''],
  ])('what is no attribute: %s', async (names, value) => {
    const reply = await ask(names)
    expect(reply).toMatchObject({ status: 400, code: 'InvalidArgument', message: 'Invalid attribute name specified.' })
    expect(reply.body).toContain(`<ArgumentValue>${value}</ArgumentValue>`)
  })

  test.each([
    ['x-amz-max-parts', '-1'],
    ['x-amz-max-parts', 'many'],
    ['x-amz-part-number-marker', '2147483648'],
  ])('%s: %s', async (name, value) => {
    expect(await ask('ObjectParts', { [name]: value })).toMatchObject({ status: 400, code: 'InvalidArgument' })
  })
})

test('a customer’s key is asked for as by HEAD', async () => {
  await put('customer', 'x', customer)
  const other = { ...customer, SSECustomerKey: randomBytes(32).toString('base64') }
  expect(await failure(attributes('customer'))).toMatchObject({ code: 'InvalidRequest', status: 400 })
  expect(await failure(attributes('customer', other))).toMatchObject({ code: 'AccessDenied', status: 403 })
  await put('plain', 'x')
  expect(await failure(attributes('plain', customer))).toMatchObject({ code: 'InvalidRequest', status: 400 })
  const kms = { method: 'GET', path: `/${Bucket}/plain`, query: { attributes: '' } }
  const headers = { 'x-amz-object-attributes': 'ETag', 'x-amz-server-side-encryption': 'AES256' }
  expect(await send(server, { ...kms, headers })).toMatchObject({ status: 400, code: 'BadRequest' })
})

test('versions, and what is not there', async () => {
  const input = { Bucket: 'attributes-versions', Key: 'k' }
  await s3.send(new CreateBucketCommand(input))
  expect(await failure(attributes('k', input))).toMatchObject({ code: 'NoSuchKey', status: 404 })
  const VersioningConfiguration = { Status: 'Enabled' } as const
  await s3.send(new PutBucketVersioningCommand({ ...input, VersioningConfiguration }))
  const first = await s3.send(new PutObjectCommand({ ...input, Body: 'one' }))
  const second = await s3.send(new PutObjectCommand({ ...input, Body: 'second' }))
  expect(await attributes('k', input)).toMatchObject({ VersionId: second.VersionId, ObjectSize: 6 })
  const { VersionId } = first
  expect(await attributes('k', { ...input, VersionId })).toMatchObject({ VersionId, ObjectSize: 3 })
  const marker = await s3.send(new DeleteObjectCommand(input))
  expect(await failure(attributes('k', input))).toMatchObject({ code: 'NoSuchKey', status: 404 })
  expect(await failure(attributes('k', { ...input, VersionId: marker.VersionId }))).toMatchObject({
    code: 'MethodNotAllowed',
    status: 405,
  })
  expect(await failure(attributes('k', { ...input, VersionId: 'garbage' }))).toMatchObject({
    code: 'InvalidArgument',
    status: 400,
  })
  expect(await failure(attributes('k', { Bucket: 'no-such-bucket' }))).toMatchObject({
    code: 'NoSuchBucket',
    status: 404,
  })
})

test('it needs leave to read the object, and leave to read its attributes', async () => {
  const input = { Bucket: 'attributes-access', Key: 'k' }
  await s3.send(new CreateBucketCommand(input))
  await s3.send(new PutObjectCommand({ ...input, Body: 'x' }))
  const allow = (...Action: string[]) => {
    const Principal = { AWS: 'arn:aws:iam::000000000000:user/alice' }
    const statement = { Effect: 'Allow', Principal, Action, Resource: `arn:aws:s3:::${input.Bucket}/*` }
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
    return s3.send(new PutBucketPolicyCommand({ ...input, Policy }))
  }
  const asked = () => attributes('k', input, asAlice)
  const version = { ...input, VersionId: 'null' }
  const denied = { code: 'AccessDenied', status: 403 }
  for (const action of ['s3:GetObject', 's3:GetObjectAttributes']) {
    await allow(action)
    expect(await failure(asked())).toMatchObject(denied)
  }
  await allow('s3:GetObject', 's3:GetObjectAttributes')
  expect(await asked()).toMatchObject({ ObjectSize: 1 })
  expect(await failure(attributes('k', version, asAlice))).toMatchObject(denied)
  expect(await failure(attributes('k', { ...input, Key: 'absent' }, asAlice))).toMatchObject(denied)
  await allow('s3:GetObjectVersion', 's3:GetObjectVersionAttributes')
  expect(await attributes('k', version, asAlice)).toMatchObject({ ObjectSize: 1 })
  const [event] = await auditEvents(server, ['--bucket', input.Bucket, '--event', 'GetObjectAttributes'])
  expect(event).toMatchObject({ eventCategory: 'Data', readOnly: true })
})
