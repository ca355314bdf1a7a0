/** ACLs and ownership from outside: who owns what is written, whom ACLs let in, and where they do not speak. */
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  type CreateBucketCommandInput,
  CreateMultipartUploadCommand,
  DeleteBucketOwnershipControlsCommand,
  DeletePublicAccessBlockCommand,
  GetBucketAclCommand,
  GetBucketOwnershipControlsCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  type Grant,
  ListMultipartUploadsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  ListPartsCommand,
  PutBucketAclCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  PutPublicAccessBlockCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { send } from '../support/raw.ts'
import { failure, s3Client } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

const otherRoot = { accessKeyId: 'AKIAOTHER', secretAccessKey: 'secretother' }
const bob = { accessKeyId: 'AKIABOB', secretAccessKey: 'secretbob' }
const carol = { accessKeyId: 'AKIACAROL', secretAccessKey: 'secretcarol' }
const [MAIN, OTHER] = ['a'.repeat(64), 'b'.repeat(64)]
const ALL_USERS = 'http://acs.amazonaws.com/groups/global/AllUsers'
const config = {
  accounts: [
    { id: '000000000000', canonicalId: MAIN, displayName: 'main', users: [] },
    {
      id: '222222222222',
      canonicalId: OTHER,
      displayName: 'other',
      email: 'other@example.com',
      users: [
        { name: 'root', ...otherRoot, root: true },
        { name: 'bob', ...bob, policies: ['arn:aws:iam::aws:policy/AmazonS3FullAccess'] },
        { name: 'carol', ...carol },
      ],
    },
  ],
}

let server: TestServer
let root: S3Client
let other: S3Client
let count = 0
let Bucket: string
const Key = 'k'

beforeAll(async () => {
  server = await startServer({ config })
  root = s3Client(server)
  other = s3Client(server, { credentials: otherRoot })
})
afterAll(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error/)
  await server.remove()
})

/** A bucket where ACLs speak, unless it is said otherwise, and are not blocked. */
async function makeBucket(more: Partial<CreateBucketCommandInput> = {}, blocked = false) {
  Bucket = `listed-${++count}`
  await root.send(new CreateBucketCommand({ Bucket, ObjectOwnership: 'ObjectWriter', ...more }))
  if (!blocked) await root.send(new DeletePublicAccessBlockCommand({ Bucket }))
}
const put = (client: S3Client, more: object = {}) =>
  client.send(new PutObjectCommand({ Bucket, Key, Body: 'x', ...more }))
const get = (client: S3Client) => client.send(new GetObjectCommand({ Bucket, Key }))
const anonymous = (path = `/${Bucket}/${Key}`, method = 'GET') => send(server, { method, path, anonymous: true })
const brief = (grants: readonly Grant[] | undefined) =>
  grants?.map(({ Grantee, Permission }) => `${Grantee?.ID ?? Grantee?.URI} ${Permission}`)
const denied = { code: 'AccessDenied', status: 403 }

describe('where the bucket’s owner is enforced', () => {
  beforeEach(() => makeBucket({ ObjectOwnership: undefined }))

  test('ACLs are refused, but for the harmless ones, and show the owner alone', async () => {
    const refused = { code: 'AccessControlListNotSupported', status: 400, message: 'The bucket does not allow ACLs' }
    expect(await failure(put(root, { ACL: 'public-read' }))).toEqual(refused)
    expect(await failure(put(root, { GrantRead: `id="${OTHER}"` }))).toEqual(refused)
    await put(root, { ACL: 'bucket-owner-full-control' })
    expect(await failure(root.send(new PutBucketAclCommand({ Bucket, ACL: 'public-read' })))).toEqual(refused)
    expect(await failure(root.send(new PutObjectAclCommand({ Bucket, Key, ACL: 'public-read' })))).toEqual(refused)
    await root.send(new PutObjectAclCommand({ Bucket, Key, ACL: 'private' }))
    const bucketAcl = await root.send(new GetBucketAclCommand({ Bucket }))
    const objectAcl = await root.send(new GetObjectAclCommand({ Bucket, Key }))
    for (const { Owner, Grants } of [bucketAcl, objectAcl]) {
      expect(Owner).toEqual({ ID: MAIN, DisplayName: 'main' })
      expect(brief(Grants)).toEqual([`${MAIN} FULL_CONTROL`])
    }
  })

  test('what others write is the bucket’s owner’s, and listings say so', async () => {
    const statement = { Effect: 'Allow', Principal: { AWS: '222222222222' }, Action: ['s3:*'] }
    const Resource = [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`]
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: { ...statement, Resource } })
    await root.send(new PutBucketPolicyCommand({ Bucket, Policy }))
    await put(other)
    const owner = { ID: MAIN, DisplayName: 'main' }
    const listed = await other.send(new ListObjectsCommand({ Bucket }))
    expect(listed.Contents?.[0]?.Owner).toEqual(owner)
    const { UploadId } = await other.send(new CreateMultipartUploadCommand({ Bucket, Key }))
    const uploads = await other.send(new ListMultipartUploadsCommand({ Bucket }))
    expect(uploads.Uploads?.[0]?.Owner).toEqual(owner)
    expect((await other.send(new ListPartsCommand({ Bucket, Key, UploadId }))).Owner).toEqual(owner)
  })
})

describe('buckets are made', () => {
  const create = (more: object) => root.send(new CreateBucketCommand({ Bucket: `listed-${++count}`, ...more }))

  test.each(['BucketOwnerEnforced', 'BucketOwnerPreferred', 'ObjectWriter'] as const)('with %s', async (wanted) => {
    await makeBucket({ ObjectOwnership: wanted })
    const { OwnershipControls } = await root.send(new GetBucketOwnershipControlsCommand({ Bucket }))
    expect(OwnershipControls?.Rules).toEqual([{ ObjectOwnership: wanted }])
  })

  test.each<[object, string]>([
    [{ ObjectOwnership: 'Nobody' }, 'InvalidArgument'],
    [{ ACL: 'public-read' }, 'InvalidBucketAclWithObjectOwnership'],
    [{ GrantRead: `id="${OTHER}"` }, 'InvalidBucketAclWithObjectOwnership'],
    [{ ACL: 'public-read', ObjectOwnership: 'ObjectWriter' }, 'InvalidBucketAclWithBlockPublicAccessError'],
    [{ ACL: 'nonsense' }, 'InvalidArgument'],
  ])('not with %j', async (more, code) => {
    expect(await failure(create(more))).toMatchObject({ code, status: 400 })
  })

  test('with grants', async () => {
    await makeBucket({ GrantRead: `emailAddress="other@example.com"`, GrantFullControl: `id=${MAIN}` })
    const { Grants } = await root.send(new GetBucketAclCommand({ Bucket }))
    expect(brief(Grants)).toEqual([`${MAIN} FULL_CONTROL`, `${OTHER} READ`])
  })
})

describe('where ACLs speak', () => {
  beforeEach(async () => {
    await makeBucket()
    await put(root)
  })

  test('an object’s ACL lets its grantees in, and what it no longer grants it does not', async () => {
    expect(await failure(get(other))).toMatchObject(denied)
    await root.send(new PutObjectAclCommand({ Bucket, Key, GrantRead: `id="${OTHER}"` }))
    await get(other)
    // An account passes its grants on by identity policies.
    await get(s3Client(server, { credentials: bob }))
    expect(await failure(get(s3Client(server, { credentials: carol })))).toMatchObject(denied)
    expect(await failure(other.send(new GetObjectAclCommand({ Bucket, Key })))).toMatchObject(denied)
    expect((await anonymous()).status).toBe(403)
    await root.send(new PutObjectAclCommand({ Bucket, Key, ACL: 'private' }))
    expect(await failure(get(other))).toMatchObject(denied)
  })

  test('everybody reads what is public; a policy’s deny wins', async () => {
    await put(root, { ACL: 'public-read' })
    expect(await anonymous()).toMatchObject({ status: 200, body: 'x' })
    expect((await anonymous(undefined, 'DELETE')).status).toBe(403)
    const Policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: { Effect: 'Deny', Principal: '*', Action: 's3:GetObject', Resource: `arn:aws:s3:::${Bucket}/*` },
    })
    await root.send(new PutBucketPolicyCommand({ Bucket, Policy }))
    expect(await anonymous()).toMatchObject({ status: 403, code: 'AccessDenied', message: 'Access Denied' })
  })

  test('those who sign', async () => {
    await put(root, { ACL: 'authenticated-read' })
    await get(other)
    expect((await anonymous()).status).toBe(403)
  })

  test('a bucket’s ACL: listing, writing, its own ACL', async () => {
    expect(await failure(other.send(new ListObjectsV2Command({ Bucket })))).toMatchObject(denied)
    await root.send(new PutBucketAclCommand({ Bucket, GrantRead: `id=${OTHER}`, GrantWriteACP: `id=${OTHER}` }))
    await other.send(new ListObjectsV2Command({ Bucket }))
    expect(await failure(put(other, { Key: 'new' }))).toMatchObject(denied)
    await other.send(new PutBucketAclCommand({ Bucket, GrantWrite: `id=${OTHER}` }))
    await put(other, { Key: 'new', ACL: 'bucket-owner-full-control' })
    expect(await failure(other.send(new ListObjectsV2Command({ Bucket })))).toMatchObject(denied)
    expect((await anonymous(`/${Bucket}`)).status).toBe(403)
    await root.send(new PutBucketAclCommand({ Bucket, ACL: 'public-read' }))
    expect((await anonymous(`/${Bucket}`)).body).toContain('<Key>new</Key>')
  })

  test('a document', async () => {
    const Owner = { ID: MAIN }
    const Grants: Grant[] = [
      { Grantee: { Type: 'CanonicalUser', ID: MAIN }, Permission: 'FULL_CONTROL' },
      { Grantee: { Type: 'Group', URI: ALL_USERS }, Permission: 'READ' },
      { Grantee: { Type: 'AmazonCustomerByEmail', EmailAddress: 'other@example.com' }, Permission: 'READ_ACP' },
    ]
    await root.send(new PutObjectAclCommand({ Bucket, Key, AccessControlPolicy: { Owner, Grants } }))
    expect((await anonymous()).status).toBe(200)
    const found = await other.send(new GetObjectAclCommand({ Bucket, Key }))
    expect(brief(found.Grants)).toEqual([`${MAIN} FULL_CONTROL`, `${ALL_USERS} READ`, `${OTHER} READ_ACP`])
    expect(found.Grants?.map(({ Grantee }) => Grantee?.Type)).toEqual(['CanonicalUser', 'Group', 'CanonicalUser'])
    await root.send(new PutBucketAclCommand({ Bucket, AccessControlPolicy: { Owner, Grants } }))
    expect((await anonymous(`/${Bucket}`)).status).toBe(200)
    const foreign = { Owner: { ID: OTHER }, Grants }
    expect(await failure(root.send(new PutBucketAclCommand({ Bucket, AccessControlPolicy: foreign })))).toMatchObject(
      denied,
    )
  })

  test('a version has an ACL of its own', async () => {
    const VersioningConfiguration = { Status: 'Enabled' } as const
    await root.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }))
    const { VersionId: older } = await put(root)
    const { VersionId: newest, ETag } = await put(root)
    await root.send(new PutObjectAclCommand({ Bucket, Key, VersionId: older, ACL: 'public-read' }))
    const acls = [older, newest].map(async (VersionId) => {
      const reply = await root.send(new GetObjectAclCommand({ Bucket, Key, VersionId }))
      return brief(reply.Grants)?.length
    })
    expect(await Promise.all(acls)).toEqual([2, 1])
    const version = (id = '') => send(server, { ...read, query: { versionId: id } })
    const read = { method: 'GET', path: `/${Bucket}/${Key}`, anonymous: true }
    expect((await version(older)).status).toBe(200)
    expect((await version(newest)).status).toBe(403)
    const { Versions } = await root.send(new ListObjectVersionsCommand({ Bucket }))
    expect(Versions?.find(({ IsLatest }) => IsLatest)).toMatchObject({ VersionId: newest, ETag })
    expect(Versions).toHaveLength(3)
  })

  test('copies and uploads in parts have the ACL that their request says, not the source’s', async () => {
    const CopySource = `${Bucket}/${Key}`
    await put(root, { ACL: 'public-read' })
    await root.send(new CopyObjectCommand({ Bucket, Key: 'plain', CopySource }))
    await root.send(new CopyObjectCommand({ Bucket, Key: 'public', CopySource, ACL: 'public-read' }))
    const upload = { Bucket, Key: 'parts' }
    const { UploadId } = await root.send(new CreateMultipartUploadCommand({ ...upload, ACL: 'public-read' }))
    const { ETag } = await root.send(new UploadPartCommand({ ...upload, UploadId, PartNumber: 1, Body: 'p' }))
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
    await root.send(new CompleteMultipartUploadCommand({ ...upload, UploadId, MultipartUpload }))
    const statuses = ['plain', 'public', 'parts'].map(async (key) => (await anonymous(`/${Bucket}/${key}`)).status)
    expect(await Promise.all(statuses)).toEqual([403, 200, 200])
  })

  test('tags and ACL of an object leave each other alone', async () => {
    const Tagging = { TagSet: [{ Key: 'a', Value: 'b' }] }
    await root.send(new PutObjectTaggingCommand({ Bucket, Key, Tagging }))
    await root.send(new PutObjectAclCommand({ Bucket, Key, ACL: 'public-read' }))
    expect((await root.send(new GetObjectTaggingCommand({ Bucket, Key }))).TagSet).toEqual(Tagging.TagSet)
    await root.send(new PutObjectTaggingCommand({ Bucket, Key, Tagging: { TagSet: [] } }))
    expect((await anonymous()).status).toBe(200)
  })

  test('a form says its ACL in a field', async () => {
    await root.send(new PutBucketAclCommand({ Bucket, ACL: 'public-read-write' }))
    const fields = { key: 'form', acl: 'public-read', file: 'x' }
    const body = Object.entries(fields)
      .map(([name, value]) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
      .join('')
    const headers = { 'content-type': 'multipart/form-data; boundary=b' }
    const post = { method: 'POST', path: `/${Bucket}`, anonymous: true, headers, body: `${body}--b--\r\n` }
    expect((await send(server, post)).status).toBe(204)
    expect(await anonymous(`/${Bucket}/form`)).toMatchObject({ status: 200, body: 'x' })
  })

  test('to say an ACL is an action of its own', async () => {
    const statement = { Effect: 'Allow', Principal: { AWS: '222222222222' }, Resource: `arn:aws:s3:::${Bucket}/*` }
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: { ...statement, Action: 's3:PutObject' } })
    await root.send(new PutBucketPolicyCommand({ Bucket, Policy }))
    await put(other, { Key: 'without' })
    expect(await failure(put(other, { Key: 'with', ACL: 'bucket-owner-full-control' }))).toMatchObject(denied)
  })

  const grant = (grantee: string, permission = 'READ') =>
    `<Grant><Grantee>${grantee}</Grantee><Permission>${permission}</Permission></Grant>`
  const policy = (grants: string, owner = MAIN) =>
    `<AccessControlPolicy><Owner><ID>${owner}</ID></Owner><AccessControlList>${grants}</AccessControlList></AccessControlPolicy>`
  test.each<[string, { headers?: Record<string, string>; body?: string }, string, number]>([
    ['neither header nor body', {}, 'MissingSecurityHeader', 400],
    ['both', { headers: { 'x-amz-acl': 'private' }, body: policy('') }, 'UnexpectedContent', 400],
    [
      'two kinds of headers',
      { headers: { 'x-amz-acl': 'private', 'x-amz-grant-read': `id=${OTHER}` } },
      'InvalidRequest',
      400,
    ],
    ['no such canned ACL', { headers: { 'x-amz-acl': 'Private' } }, 'InvalidArgument', 400],
    ['a grant that is none', { headers: { 'x-amz-grant-read': 'somebody' } }, 'InvalidArgument', 400],
    ['no such account', { headers: { 'x-amz-grant-read': 'id=nobody' } }, 'InvalidArgument', 400],
    ['no such group', { headers: { 'x-amz-grant-read': 'uri=http://example.com' } }, 'InvalidArgument', 400],
    [
      'no such address',
      { headers: { 'x-amz-grant-read': 'emailAddress=x@y' } },
      'UnresolvableGrantByEmailAddress',
      400,
    ],
    ['no XML', { body: '{}' }, 'MalformedXML', 400],
    ['another document', { body: '<Owner/>' }, 'MalformedACLError', 400],
    ['no such permission', { body: policy(grant(`<ID>${OTHER}</ID>`, 'EXECUTE')) }, 'MalformedACLError', 400],
    ['no grantee', { body: policy(grant('')) }, 'MalformedACLError', 400],
    ['no such grantee', { body: policy(grant('<ID>nobody</ID>')) }, 'InvalidArgument', 400],
    ['another owner', { body: policy('', OTHER) }, 'AccessDenied', 403],
  ])('refused: %s', async (_name, given, code, status) => {
    for (const path of [`/${Bucket}`, `/${Bucket}/${Key}`]) {
      expect(await send(server, { method: 'PUT', path, query: { acl: '' }, ...given })).toMatchObject({ code, status })
    }
    expect(brief((await root.send(new GetBucketAclCommand({ Bucket }))).Grants)).toEqual([`${MAIN} FULL_CONTROL`])
  })
})

describe('who writes, owns', () => {
  const letWrite = (objectOwnership: 'ObjectWriter' | 'BucketOwnerPreferred') => async () => {
    await makeBucket({ ObjectOwnership: objectOwnership, GrantWrite: `id=${OTHER}`, GrantFullControl: `id=${MAIN}` })
  }
  const ownerOf = async () => (await root.send(new ListObjectsCommand({ Bucket }))).Contents?.[0]?.Owner?.ID

  test('under ObjectWriter: the bucket’s owner reads only what is granted, but may deny', async () => {
    await letWrite('ObjectWriter')()
    await put(other)
    expect(await ownerOf()).toBe(OTHER)
    expect(await failure(get(root))).toMatchObject(denied)
    expect((await other.send(new GetObjectAclCommand({ Bucket, Key }))).Owner?.ID).toBe(OTHER)
    await other.send(new PutObjectAclCommand({ Bucket, Key, ACL: 'bucket-owner-read' }))
    await get(root)
    expect(await failure(root.send(new GetObjectAclCommand({ Bucket, Key })))).toMatchObject(denied)
    // A policy of the bucket gives nothing of it away, and denies it to its owner.
    const policy = (Effect: string) =>
      JSON.stringify({
        Version: '2012-10-17',
        Statement: { Effect, Principal: '*', Action: 's3:GetObject', Resource: `arn:aws:s3:::${Bucket}/*` },
      })
    await root.send(new PutBucketPolicyCommand({ Bucket, Policy: policy('Allow') }))
    expect((await anonymous()).status).toBe(403)
    await root.send(new PutBucketPolicyCommand({ Bucket, Policy: policy('Deny') }))
    expect(await failure(get(other))).toMatchObject(denied)
  })

  test('under BucketOwnerPreferred: the writer, unless it gives the object away', async () => {
    await letWrite('BucketOwnerPreferred')()
    await put(other)
    expect(await ownerOf()).toBe(OTHER)
    await put(other, { ACL: 'bucket-owner-full-control' })
    expect(await ownerOf()).toBe(MAIN)
    await get(root)
    expect(await failure(get(other))).toMatchObject(denied)
  })

  test('until the bucket’s owner is enforced', async () => {
    await letWrite('ObjectWriter')()
    await put(other, { ACL: 'public-read' })
    const OwnershipControls = { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' as const }] }
    const enforce = () => root.send(new PutBucketOwnershipControlsCommand({ Bucket, OwnershipControls }))
    expect(await failure(enforce())).toMatchObject({ code: 'InvalidBucketAclWithObjectOwnership', status: 400 })
    await root.send(new PutBucketAclCommand({ Bucket, ACL: 'private' }))
    await enforce()
    expect(await ownerOf()).toBe(MAIN)
    await get(root)
    expect(await failure(get(other))).toMatchObject(denied)
    expect((await anonymous()).status).toBe(403)
    await root.send(new DeleteBucketOwnershipControlsCommand({ Bucket }))
    expect((await anonymous()).status).toBe(200)
    expect(await failure(root.send(new GetBucketOwnershipControlsCommand({ Bucket })))).toMatchObject({
      code: 'OwnershipControlsNotFoundError',
      status: 404,
    })
  })

  test('somebody without a signature', async () => {
    await makeBucket({})
    await root.send(new PutBucketAclCommand({ Bucket, ACL: 'public-read-write' }))
    const write = { method: 'PUT', path: `/${Bucket}/${Key}`, anonymous: true, body: 'x' }
    expect((await send(server, write)).status).toBe(200)
    expect(await ownerOf()).toBe('65a011a29cdf8ec533ec3d1ccaae921c')
    expect((await anonymous(undefined, 'DELETE')).status).toBe(204)
  })
})

describe('public access that is blocked', () => {
  const block = (more: object) =>
    root.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration: more }))
  beforeEach(async () => {
    await makeBucket()
    await put(root, { ACL: 'public-read' })
    await root.send(new PutBucketAclCommand({ Bucket, ACL: 'public-read' }))
  })

  test('BlockPublicAcls refuses new ones and leaves old ones', async () => {
    await block({ BlockPublicAcls: true })
    expect((await anonymous()).status).toBe(200)
    const because = 'because public ACLs are prevented by the BlockPublicAcls setting in S3 Block Public Access.'
    const told = (action: string, at: string) =>
      `User: arn:aws:iam::000000000000:root is not authorized to perform: ${action} on resource: "arn:aws:s3:::${at}" ${because}`
    expect(await failure(root.send(new PutBucketAclCommand({ Bucket, ACL: 'public-read' })))).toEqual({
      ...denied,
      message: told('s3:PutBucketAcl', Bucket),
    })
    expect(await failure(root.send(new PutObjectAclCommand({ Bucket, Key, ACL: 'authenticated-read' })))).toEqual({
      ...denied,
      message: told('s3:PutObjectAcl', `${Bucket}/${Key}`),
    })
    expect(await failure(put(root, { GrantRead: `uri="${ALL_USERS}"` }))).toEqual({
      ...denied,
      message: told('s3:PutObject', `${Bucket}/${Key}`),
    })
    await put(root, { GrantRead: `id="${OTHER}"` })
  })

  test('IgnorePublicAcls lets them stand, and count for nothing', async () => {
    await block({ IgnorePublicAcls: true })
    expect((await anonymous()).status).toBe(403)
    expect((await anonymous(`/${Bucket}`)).status).toBe(403)
    expect(await failure(get(other))).toMatchObject(denied)
    expect(brief((await root.send(new GetObjectAclCommand({ Bucket, Key }))).Grants)).toHaveLength(2)
    await block({})
    expect((await anonymous()).status).toBe(200)
  })

  test('RestrictPublicBuckets keeps ACLs from letting others in where the policy is public', async () => {
    await block({ RestrictPublicBuckets: true })
    expect((await anonymous()).status).toBe(200)
    const statement = { Effect: 'Allow', Principal: '*', Action: 's3:GetObject' }
    const Policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: { ...statement, Resource: `arn:aws:s3:::${Bucket}/unrelated` },
    })
    await root.send(new PutBucketPolicyCommand({ Bucket, Policy }))
    expect((await anonymous()).status).toBe(403)
    await get(root)
  })
})

test('a refusal to somebody without a signature says nothing more', async () => {
  for (const path of ['/', '/a-bucket-to-be']) {
    const reply = await anonymous(path, path === '/' ? 'GET' : 'PUT')
    expect(reply).toMatchObject({ status: 403, code: 'AccessDenied', message: 'Access Denied' })
  }
})
