/** PostObject: forms as browsers send them. Codes and texts are those of AWS. */
import { createHash, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Agent } from 'node:https'
import {
  CreateBucketCommand,
  DeletePublicAccessBlockCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { GetSessionTokenCommand, STSClient } from '@aws-sdk/client-sts'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Fields, field, fieldsOf, fileHead, form, formEnd, post, signed } from '../support/form.ts'
import { failure, s3Client } from '../support/sdk.ts'
import { childrenOf, startServer, type TestServer } from '../support/server.ts'

const alice = { accessKeyId: 'AKIAALICE', secretAccessKey: 'secretalice' }
const accounts = [{ id: '000000000000', users: [{ name: 'alice', ...alice }] }]
const SSE = 'x-amz-server-side-encryption'

let server: TestServer
let s3: S3Client
let count = 0
let Bucket: string
beforeAll(async () => {
  server = await startServer({ config: { accounts } })
  s3 = s3Client(server)
})
afterAll(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error/)
  await server.remove()
})
beforeEach(async () => {
  Bucket = `form-${++count}`
  await s3.send(new CreateBucketCommand({ Bucket }))
})

const upload = (fields: Fields, file: string | Uint8Array = 'a picture', more: { plain?: boolean } = {}) =>
  post(server, { path: `/${Bucket}`, body: form(fields, file), ...more })
const bySigner = (fields: Fields, options: Parameters<typeof signed>[2] = {}) => signed(server.root, fields, options)
const content = async (Key: string) => (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body!.transformToString()
const put = (statement: object) =>
  s3.send(
    new PutBucketPolicyCommand({
      Bucket,
      Policy: JSON.stringify({
        Version: '2012-10-17',
        Statement: { Principal: '*', Resource: [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`], ...statement },
      }),
    }),
  )

describe('a signed form', () => {
  test.each(['v4', 'v2'] as const)('makes the object (%s)', async (version) => {
    const reply = await upload(bySigner({ key: 'user/a b.jpg' }, { version }))
    expect(reply).toMatchObject({ status: 204, body: '' })
    const md5 = createHash('md5').update('a picture').digest('hex')
    expect(reply.headers).toMatchObject({
      etag: `"${md5}"`,
      location: `${server.https}/${Bucket}/user/a%20b.jpg`,
      [SSE]: 'AES256',
      'x-amz-checksum-type': 'FULL_OBJECT',
    })
    expect(reply.headers['x-amz-checksum-crc64nvme']).toBeDefined()
    expect(await content('user/a b.jpg')).toBe('a picture')
  })

  test('by temporary credentials', async () => {
    const sts = new STSClient({
      endpoint: server.https,
      region: 'us-east-1',
      credentials: server.root,
      requestHandler: new NodeHttpHandler({ httpsAgent: new Agent({ ca: server.caPem }) }),
    })
    const session = await sts.send(new GetSessionTokenCommand({})).then(({ Credentials }) => Credentials!)
    const credentials = { accessKeyId: session.AccessKeyId!, secretAccessKey: session.SecretAccessKey! }
    const fields = signed(credentials, { key: 'k' }, { sessionToken: session.SessionToken! })
    expect(await upload(fields)).toMatchObject({ status: 204 })
    const { 'x-amz-security-token': _, ...without } = fields
    expect((await upload(without)).status).toBe(403)
  })

  test('names in any case; the key from the name of the file, without its path', async () => {
    const { key: _, policy, ...rest } = bySigner({ key: 'k' }, { conditions: [['starts-with', '$KEY', 'up/']] })
    const body = form({ KEY: 'up/$' + '{filename}', POLICY: policy!, ...rest }, 'x', 'C:\\\\pictures\\\\me.jpg')
    expect((await post(server, { path: `/${Bucket}/`, body })).status).toBe(204)
    expect(await content('up/me.jpg')).toBe('x')
  })

  test('a file without a name leaves the variable as it is', async () => {
    const key = 'a-$' + '{filename}'
    const head = `${fieldsOf(bySigner({ key }))}${fileHead(undefined)}`
    expect((await post(server, { path: `/${Bucket}`, body: Buffer.from(`${head}x${formEnd}`) })).status).toBe(204)
    expect(await content(key)).toBe('x')
  })

  test('fields become headers, metadata and tags', async () => {
    const tagging = '<Tagging><TagSet><Tag><Key>é</Key><Value>1</Value></Tag></TagSet></Tagging>'
    const fields = {
      key: 'k',
      'Content-Type': 'image/jpeg',
      'Cache-Control': 'no-store',
      'x-amz-meta-UUID': '14',
      'x-amz-storage-class': 'STANDARD_IA',
      acl: 'private',
      tagging,
    }
    expect((await upload(bySigner(fields))).status).toBe(204)
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'k' }))
    expect(head).toMatchObject({
      ContentType: 'image/jpeg',
      CacheControl: 'no-store',
      Metadata: { uuid: '14' },
      StorageClass: 'STANDARD_IA',
      TagCount: 1,
    })
    const { TagSet } = await s3.send(new GetObjectTaggingCommand({ Bucket, Key: 'k' }))
    expect(TagSet).toEqual([{ Key: 'é', Value: '1' }])
  })

  test('a field that could not be sent back in a header', async () => {
    for (const name of ['x-amz-meta-a', 'Content-Disposition']) {
      const reply = await upload(bySigner({ key: 'k', [name]: 'a\r\nSet-Cookie: b' }))
      expect(reply).toMatchObject({ status: 400, code: 'InvalidArgument' })
    }
    expect((await upload(bySigner({ key: 'k', 'x-amz-meta-a b': '1' }))).code).toBe('InvalidArgument')
  })

  test('checksums are held to', async () => {
    const sum = (text: string) => createHash('sha256').update(text).digest('base64')
    const name = 'x-amz-checksum-sha256'
    const reply = await upload(bySigner({ key: 'k', [name]: sum('a picture') }))
    expect(reply).toMatchObject({ status: 204 })
    expect(reply.headers[name]).toBe(sum('a picture'))
    expect(await upload(bySigner({ key: 'k', [name]: sum('another') }))).toMatchObject({
      status: 400,
      code: 'BadDigest',
    })
    const md5 = createHash('md5').update('another').digest('base64')
    expect(await upload(bySigner({ key: 'k', 'Content-MD5': md5 }))).toMatchObject({ status: 400, code: 'BadDigest' })
  })

  test('a version of its own, virtual-host style, and a key too long', async () => {
    const VersioningConfiguration = { Status: 'Enabled' as const }
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }))
    const host = `${Bucket}.s3.localhost:${new URL(server.https).port}`
    const body = form(bySigner({ key: 'k' }), 'x')
    const reply = await post(server, { path: '/', body, headers: { host } })
    expect(reply).toMatchObject({ status: 204, headers: { location: `https://${host}/k` } })
    expect(reply.headers['x-amz-version-id']).toBeDefined()
    expect(await upload(bySigner({ key: 'k'.repeat(1025) }))).toMatchObject({ status: 400, code: 'KeyTooLongError' })
  })
})

describe('answers', () => {
  test.each([
    ['200', 200, ''],
    ['404', 204, ''],
  ])('status %s', async (success_action_status, status, body) => {
    expect(await upload(bySigner({ key: 'k', success_action_status }))).toMatchObject({ status, body })
  })

  test('status 201 tells in XML', async () => {
    const reply = await upload(bySigner({ key: 'a&b', success_action_status: '201' }))
    const { etag } = reply.headers
    expect(reply.status).toBe(201)
    expect(reply.body).toBe(
      `<?xml version="1.0" encoding="UTF-8"?>\n<PostResponse><Location>${server.https}/${Bucket}/a%26b</Location>` +
        `<Bucket>${Bucket}</Bucket><Key>a&amp;b</Key><ETag>${String(etag).replaceAll('"', '&quot;')}</ETag></PostResponse>`,
    )
  })

  test('a redirect, with what was there kept', async () => {
    const success_action_redirect = 'https://example.com/done?a=1'
    const reply = await upload(bySigner({ key: 'a/b c', success_action_redirect, success_action_status: '201' }))
    const etag = createHash('md5').update('a picture').digest('hex')
    expect(reply).toMatchObject({ status: 303, body: '' })
    expect(reply.headers.location).toBe(`https://example.com/done?a=1&bucket=${Bucket}&key=a%2Fb+c&etag=%22${etag}%22`)
    expect((await upload(bySigner({ key: 'k', redirect: 'http://example.com/' }))).status).toBe(303)
  })

  test.each(['/relative', 'javascript:alert(1)', ''])('no redirect to %j', async (success_action_redirect) => {
    expect((await upload(bySigner({ key: 'k', success_action_redirect }))).status).toBe(204)
  })
})

describe('refused', () => {
  const policy = (text: string) => `Invalid according to Policy: ${text}`
  test.each<[string, () => Fields, number, string, string | undefined]>([
    [
      'a policy whose time is over',
      () => bySigner({ key: 'k' }, { expiration: '2020-01-01T00:00:00Z' }),
      403,
      'AccessDenied',
      policy('Policy expired.'),
    ],
    [
      'a condition that fails',
      () => bySigner({ key: 'k' }, { conditions: [{ key: 'x' }] }),
      403,
      'AccessDenied',
      policy('Policy Condition failed: ["eq", "$key", "x"]'),
    ],
    [
      'a field too many',
      () => ({ ...bySigner({ key: 'k' }), 'x-amz-meta-y': '1' }),
      403,
      'AccessDenied',
      policy('Extra input fields: x-amz-meta-y'),
    ],
    [
      'a policy for another bucket',
      () => bySigner({ key: 'k' }, { conditions: [{ key: 'k' }, { bucket: 'other' }] }),
      403,
      'AccessDenied',
      policy('Policy Condition failed: ["eq", "$bucket", "other"]'),
    ],
    [
      'what is no policy',
      () => bySigner({ key: 'k' }, { conditions: [{}] }),
      400,
      'InvalidPolicyDocument',
      'Invalid Policy: Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.',
    ],
    [
      'no key',
      () => bySigner({}),
      400,
      'InvalidArgument',
      "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields.",
    ],
    [
      'a policy that was changed',
      () => ({ ...bySigner({ key: 'k' }), policy: bySigner({ key: 'k2' }).policy! }),
      403,
      'SignatureDoesNotMatch',
      undefined,
    ],
    [
      'a signature of another secret',
      () => signed({ ...server.root, secretAccessKey: 'x' }, { key: 'k' }),
      403,
      'SignatureDoesNotMatch',
      undefined,
    ],
    [
      'an unknown key id',
      () => signed({ accessKeyId: 'AKIANOBODY', secretAccessKey: 'x' }, { key: 'k' }),
      403,
      'InvalidAccessKeyId',
      undefined,
    ],
    ['a token that is none', () => bySigner({ key: 'k' }, { sessionToken: 'x' }), 400, 'InvalidToken', undefined],
    [
      'no signature',
      () => ({ key: 'k', policy: bySigner({ key: 'k' }).policy! }),
      403,
      'AccessDenied',
      'Access Denied',
    ],
    [
      'half a signature',
      () => ({ key: 'k', 'x-amz-credential': 'a' }),
      400,
      'InvalidArgument',
      "Bucket POST must contain a field named 'Policy'.  If it is specified, please check the order of the fields.",
    ],
    ['a user who may not', () => signed(alice, { key: 'k' }), 403, 'AccessDenied', undefined],
    [
      'an ACL that gives something away',
      () => bySigner({ key: 'k', acl: 'public-read' }),
      400,
      'AccessControlListNotSupported',
      undefined,
    ],
    [
      'a storage class that is none',
      () => bySigner({ key: 'k', 'x-amz-storage-class': 'FakeClass' }),
      400,
      'InvalidStorageClass',
      undefined,
    ],
    ['tags that are no XML', () => bySigner({ key: 'k', tagging: 'not-xml' }), 400, 'MalformedXML', undefined],
    [
      'fields past 20 KB',
      () => bySigner({ key: 'k', 'x-ignore-a': 'a'.repeat(20 * 1024) }),
      400,
      'MaxPostPreDataLengthExceeded',
      'Your POST request fields preceeding the upload file were too large.',
    ],
  ])('%s', async (_name, fields, status, code, message) => {
    const reply = await upload(fields())
    expect(reply).toMatchObject({ status, code })
    if (message !== undefined) expect(reply.message?.replaceAll('&quot;', '"')).toBe(message)
    expect((await failure(s3.send(new HeadObjectCommand({ Bucket, Key: 'k' })))).status).toBe(404)
  })

  test.each([
    ['too large', 11, 'EntityTooLarge', '<ProposedSize>11</ProposedSize><MaxSizeAllowed>10</MaxSizeAllowed>'],
    ['too small', 4, 'EntityTooSmall', '<ProposedSize>4</ProposedSize><MinSizeAllowed>5</MinSizeAllowed>'],
  ])('a file %s', async (_name, bytes, code, elements) => {
    const conditions = [{ key: 'k' }, ['content-length-range', 5, 10]]
    const reply = await upload(bySigner({ key: 'k' }, { conditions }), randomBytes(bytes))
    expect(reply).toMatchObject({ status: 400, code })
    expect(reply.body).toContain(elements)
    expect((await upload(bySigner({ key: 'k' }, { conditions }), randomBytes(10))).status).toBe(204)
    expect((await upload(bySigner({ key: 'k' }, { conditions }), randomBytes(5))).status).toBe(204)
  })

  test('a large file is refused on the way, and the client hears it', async () => {
    const conditions = [{ key: 'k' }, ['content-length-range', 0, 10]]
    const reply = await upload(bySigner({ key: 'k' }, { conditions }), randomBytes(600 * 1024))
    expect(reply).toMatchObject({ status: 400, code: 'EntityTooLarge' })
    expect((await upload({ key: 'k' }, randomBytes(600 * 1024))).code).toBe('AccessDenied')
    // Each worker writes its own lines, so their order says nothing.
    const logged = () => {
      const lines = server.log().split('\n')
      return lines
        .filter((line) => line.includes(`"bucket":"${Bucket}"`))
        .map((line) => JSON.parse(line).operation)
        .sort()
    }
    await expect.poll(logged, { timeout: 20_000 }).toEqual(['CreateBucket', 'PostObject', 'PostObject'])
  })

  test('Signature Version 2 where it is switched off', async () => {
    const strict = await startServer({ config: { allowSigV2: false }, workers: 1 })
    try {
      const body = form(signed(strict.root, { key: 'k' }, { version: 'v2' }), 'x')
      expect(await post(strict, { path: '/b', body })).toMatchObject({ status: 400, code: 'InvalidRequest' })
    } finally {
      await strict.remove()
    }
  })
})

describe('bodies', () => {
  const send = (body: string, headers: Record<string, string> = {}) =>
    post(server, { path: `/${Bucket}`, body: Buffer.from(body), headers })
  const lead = () => fieldsOf(bySigner({ key: 'k' })) + fileHead('f')

  test('what follows the file is ignored', async () => {
    const after = `\r\n${field('x-amz-meta-a', '1')}${field('key', 'other')}`.slice(0, -2)
    expect((await send(`${lead()}x${after}${formEnd}and more\r\nand more`)).status).toBe(204)
    expect(await content('k')).toBe('x')
    const { Metadata } = await s3.send(new HeadObjectCommand({ Bucket, Key: 'k' }))
    expect(Metadata).toEqual({})
  })

  test('a key after the file is no key', async () => {
    const { key: _, ...rest } = bySigner({ key: 'k' })
    const reply = await send(`${fieldsOf(rest)}${fileHead('f')}x\r\n${field('key', 'k').slice(0, -2)}${formEnd}`)
    expect(reply).toMatchObject({ status: 400, code: 'InvalidArgument' })
  })

  test('an empty file', async () => {
    expect((await send(`${lead()}${formEnd}`)).status).toBe(204)
    expect(await content('k')).toBe('')
  })

  test.each<[string, () => string, number, string]>([
    ['no file', () => fieldsOf(bySigner({ key: 'k' })).slice(0, -2) + formEnd, 400, 'InvalidArgument'],
    ['two files', () => `${lead()}x\r\n${fileHead('g')}y${formEnd}`, 400, 'IncorrectNumberOfFilesInPostRequest'],
    ['a file that does not end', () => `${lead()}x`, 400, 'MalformedPOSTRequest'],
    ['a field that does not end', () => fieldsOf(bySigner({ key: 'k' })).slice(0, -2), 400, 'MalformedPOSTRequest'],
    ['nothing', () => '', 400, 'MalformedPOSTRequest'],
    [
      'another boundary',
      () => `${lead()}x${formEnd}`.replaceAll('a-boundary', 'b-boundary'),
      400,
      'MalformedPOSTRequest',
    ],
    ['a field twice', () => field('key', 'j') + lead() + formEnd, 400, 'InvalidArgument'],
    ['no end of what belongs to no field', () => 'x'.repeat(300 * 1024), 400, 'MaxPostPreDataLengthExceeded'],
  ])('%s', async (_name, body, status, code) => {
    expect(await send(body())).toMatchObject({ status, code })
    expect((await failure(s3.send(new HeadObjectCommand({ Bucket, Key: 'k' })))).status).toBe(404)
  })

  test('no form at all', async () => {
    const plainText = await send('x', { 'content-type': 'text/plain' })
    expect(plainText).toMatchObject({ status: 412, code: 'PreconditionFailed' })
    expect(plainText.body).toContain(
      '<Condition>Bucket POST must be of the enclosure-type multipart/form-data</Condition>',
    )
    const noBoundary = await send('x', { 'content-type': 'multipart/form-data' })
    expect(noBoundary).toMatchObject({ status: 400, code: 'MalformedPOSTRequest' })
  })

  test('a connection that breaks off leaves nothing', async () => {
    async function* broken() {
      yield Buffer.from(`${lead()}${'x'.repeat(100_000)}`)
      throw new Error('gone')
    }
    await expect(post(server, { path: `/${Bucket}`, body: broken() })).rejects.toThrow('gone')
    expect((await failure(s3.send(new HeadObjectCommand({ Bucket, Key: 'k' })))).status).toBe(404)
  })

  test('200 MB in flat memory, byte by byte what was sent', { timeout: 120_000 }, async () => {
    const piece = randomBytes(1_000_000)
    const sent = createHash('sha256')
    const head = lead()
    async function* body() {
      yield Buffer.from(head)
      for (let i = 0; i < 200; i++) {
        piece.writeUInt32BE(i)
        sent.update(piece)
        yield Buffer.from(piece)
      }
      yield Buffer.from(formEnd)
    }
    expect((await post(server, { path: `/${Bucket}`, body: body() })).status).toBe(204)
    const { Body, ContentLength } = await s3.send(new GetObjectCommand({ Bucket, Key: 'k' }))
    expect(ContentLength).toBe(200_000_000)
    const got = createHash('sha256')
    for await (const chunk of Body as AsyncIterable<Uint8Array>) got.update(chunk)
    expect(got.digest('hex')).toBe(sent.digest('hex'))
    for (const pid of [server.pid, ...(await childrenOf(server.pid))]) {
      const peak = Number(/^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))![1])
      expect(peak).toBeLessThan(300 * 1024)
    }
  })
})

describe('encryption', () => {
  const key = randomBytes(32)
  const customer = {
    [`${SSE}-customer-algorithm`]: 'AES256',
    [`${SSE}-customer-key`]: key.toString('base64'),
    [`${SSE}-customer-key-MD5`]: createHash('md5').update(key).digest('base64'),
  }

  test('SSE-KMS and SSE-C by fields', async () => {
    const kms = await upload(bySigner({ key: 'k', [SSE]: 'aws:kms' }))
    expect(kms).toMatchObject({ status: 204, headers: { [SSE]: 'aws:kms' } })
    expect(kms.headers[`${SSE}-aws-kms-key-id`]).toMatch(/^arn:aws:kms:us-east-1:000000000000:key\//)
    const own = await upload(bySigner({ key: 'c', ...customer }))
    expect(own).toMatchObject({ status: 204, headers: { [`${SSE}-customer-algorithm`]: 'AES256' } })
    const read = { SSECustomerAlgorithm: 'AES256', SSECustomerKey: key.toString('base64') }
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: 'c', ...read }))
    expect(await Body!.transformToString()).toBe('a picture')
  })

  test.each<[string, Fields, string]>([
    ['SSE-KMS', { [SSE]: 'aws:kms' }, 'InvalidArgument'],
    ['SSE-C', customer, 'InvalidRequest'],
  ])('%s is refused in clear', async (_name, fields, code) => {
    const reply = await upload(bySigner({ key: 'k', ...fields }), 'x', { plain: true })
    expect(reply).toMatchObject({ status: 400, code })
    expect(reply.message).toContain('must be made over a secure connection.')
    expect((await upload(bySigner({ key: 'k' }), 'x', { plain: true })).status).toBe(204)
  })

  test('SSE-KMS needs Signature Version 4', async () => {
    const reply = await upload(bySigner({ key: 'k', [SSE]: 'aws:kms' }, { version: 'v2' }))
    expect(reply).toMatchObject({ status: 400, code: 'InvalidArgument' })
  })
})

describe('bucket policies', () => {
  test('HTTP is denied where the policy denies it', async () => {
    await put({ Effect: 'Deny', Action: 's3:*', Condition: { Bool: { 'aws:SecureTransport': 'false' } } })
    expect(await upload(bySigner({ key: 'k' }), 'x', { plain: true })).toMatchObject({
      status: 403,
      code: 'AccessDenied',
    })
    expect(await upload({ key: 'k' }, 'x', { plain: true })).toMatchObject({ status: 403, code: 'AccessDenied' })
    expect((await upload(bySigner({ key: 'k' }))).status).toBe(204)
  })

  test('anonymous forms where the policy lets everybody write', async () => {
    expect(await upload({ key: 'k' })).toMatchObject({ status: 403, code: 'AccessDenied' })
    await s3.send(new DeletePublicAccessBlockCommand({ Bucket }))
    await put({ Effect: 'Allow', Action: 's3:PutObject', Resource: `arn:aws:s3:::${Bucket}/*` })
    expect((await upload({ key: 'k', 'x-amz-meta-a': '1' })).status).toBe(204)
    // Tags are another action.
    expect((await upload({ key: 'k', 'x-amz-tagging': 'a=b' })).status).toBe(403)
  })

  test.each<[string, object, Fields, number]>([
    ['s3:authType', { StringEquals: { 's3:authType': 'POST' } }, {}, 403],
    ['s3:authType of headers', { StringEquals: { 's3:authType': 'REST-HEADER' } }, {}, 204],
    ['a method of encryption that is missing', { Null: { [`s3:${SSE}`]: 'true' } }, {}, 403],
    ['a method of encryption that is there', { Null: { [`s3:${SSE}`]: 'true' } }, { [SSE]: 'AES256' }, 204],
    ['another method of encryption', { StringNotEquals: { [`s3:${SSE}`]: 'aws:kms' } }, { [SSE]: 'AES256' }, 403],
    ['an ACL', { StringEquals: { 's3:x-amz-acl': 'private' } }, { acl: 'private' }, 403],
    ['a tag', { StringEquals: { 's3:RequestObjectTag/team': 'red' } }, { 'x-amz-tagging': 'team=red' }, 403],
    ['another tag', { StringEquals: { 's3:RequestObjectTag/team': 'red' } }, { 'x-amz-tagging': 'team=blue' }, 204],
  ])('see the fields: %s', async (_name, Condition, fields, status) => {
    await put({ Effect: 'Deny', Action: 's3:PutObject', Resource: `arn:aws:s3:::${Bucket}/*`, Condition })
    expect((await upload(bySigner({ key: 'k', ...fields }))).status).toBe(status)
  })

  test('and the key of the form', async () => {
    await put({ Effect: 'Deny', Action: 's3:PutObject', Resource: `arn:aws:s3:::${Bucket}/secret/*` })
    expect((await upload(bySigner({ key: 'secret/k' }))).status).toBe(403)
    expect((await upload(bySigner({ key: 'open/k' }))).status).toBe(204)
  })
})
