/** Buckets that pages of other origins use: preflights, and what browsers read of every reply. */
import { createHash } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import {
  type CORSRule,
  CreateBucketCommand,
  DeleteBucketCorsCommand,
  GetObjectCommand,
  PutBucketCorsCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type RawReply, type RawRequest, replyTo, send } from '../support/raw.ts'
import { s3Client } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

const alice = { accessKeyId: 'AKIAALICE', secretAccessKey: 'secretalice' }
const accounts = [{ id: '000000000000', users: [{ name: 'alice', ...alice }] }]
const ORIGIN = 'https://app.test'
const VARY = 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method'
const NOT_ALLOWED =
  'CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / ' +
  'Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the ' +
  "resource's CORS spec."

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
  Bucket = `cors-${++count}`
  await s3.send(new CreateBucketCommand({ Bucket }))
})

const RULE: CORSRule = { AllowedOrigins: [ORIGIN], AllowedMethods: ['GET', 'PUT'] }
const put = (CORSRules: CORSRule[]) => s3.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules } }))
const remove = () => s3.send(new DeleteBucketCorsCommand({ Bucket }))

/** A request as a browser makes it: nobody has signed it. */
const anonymous = (
  method: string,
  path: string,
  headers: Record<string, string> = {},
  more: Partial<RawRequest> = {},
) => send(server, { method, path, headers, anonymous: true, ...more })
const preflight = (method: string, headers: Record<string, string> = {}, path = `/${Bucket}/k`) =>
  anonymous('OPTIONS', path, { origin: ORIGIN, 'access-control-request-method': method, ...headers })
/** What browsers read of a reply. */
const corsOf = ({ headers }: RawReply) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('access-control-') || name === 'vary'))
const ALLOWED = {
  'access-control-allow-origin': ORIGIN,
  'access-control-allow-methods': 'GET, PUT',
  'access-control-allow-credentials': 'true',
  vary: VARY,
}

describe('preflights', () => {
  test('are answered over HTTP and HTTPS, by path and by host name', async () => {
    await put([{ ...RULE, AllowedHeaders: ['*'], ExposeHeaders: ['ETag'], MaxAgeSeconds: 3000 }])
    const headers = { origin: ORIGIN, 'access-control-request-method': 'PUT' }
    const host = `${Bucket}.s3.localhost`
    const replies = [
      await anonymous('OPTIONS', `/${Bucket}/k`, headers),
      await anonymous('OPTIONS', `/${Bucket}/k`, headers, { plain: true }),
      await anonymous('OPTIONS', `/${Bucket}`, headers),
      await anonymous('OPTIONS', `/${Bucket}/k`, headers, { query: { uploadId: 'x', partNumber: '1' } }),
      await replyTo(
        httpRequest(`${server.http}/k`, { method: 'OPTIONS', headers: { ...headers, host }, agent: false }).end(),
      ),
    ]
    for (const reply of replies) {
      expect(reply).toMatchObject({ status: 200, body: '', headers: { 'content-length': '0' } })
      expect(corsOf(reply)).toEqual({
        ...ALLOWED,
        'access-control-expose-headers': 'ETag',
        'access-control-max-age': '3000',
      })
    }
  })

  test('name the headers that were asked for, where all are allowed', async () => {
    await put([{ ...RULE, AllowedHeaders: ['x-amz-*', 'Content-Type'] }])
    const asking = (names: string) => preflight('PUT', { 'access-control-request-headers': names })
    expect(corsOf(await asking('X-Amz-Date,content-type'))).toEqual({
      ...ALLOWED,
      'access-control-allow-headers': 'x-amz-date, content-type',
    })
    expect(await asking('x-amz-date, authorization')).toMatchObject({ status: 403, code: 'AccessForbidden' })
  })

  test('of any origin say so, without credentials', async () => {
    await put([{ AllowedOrigins: ['*'], AllowedMethods: ['GET'] }])
    expect(corsOf(await preflight('GET'))).toEqual({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET',
      vary: VARY,
    })
  })

  test('of a presigned URL need no signature of their own', async () => {
    await put([RULE])
    const url = new URL(await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: 'k' })))
    const query = Object.fromEntries(url.searchParams)
    const headers = { origin: ORIGIN, 'access-control-request-method': 'PUT' }
    const reply = await anonymous('OPTIONS', url.pathname, headers, { query })
    expect(reply.status).toBe(200)
    expect(corsOf(reply)).toEqual(ALLOWED)
  })

  test('follow the configuration', async () => {
    await put([RULE])
    expect((await preflight('GET')).status).toBe(200)
    await put([{ ...RULE, AllowedMethods: ['PUT'] }])
    expect((await preflight('GET')).status).toBe(403)
    await remove()
    expect((await preflight('PUT')).status).toBe(403)
  })

  const element = (name: string, { body }: RawReply) => new RegExp(`<${name}>(.*?)</${name}>`).exec(body)?.[1]
  test.each<[string, CORSRule | undefined, Record<string, string>, object, object]>([
    [
      'without an origin',
      RULE,
      { 'access-control-request-method': 'GET' },
      { status: 400, code: 'BadRequest', message: 'Insufficient information. Origin request header needed.' },
      {},
    ],
    [
      'without a method',
      RULE,
      { origin: ORIGIN },
      { status: 400, code: 'BadRequest', message: 'Invalid Access-Control-Request-Method: null' },
      {},
    ],
    [
      'for another method than there is',
      RULE,
      { origin: ORIGIN, 'access-control-request-method': 'PATCH' },
      { status: 400, code: 'BadRequest', message: 'Invalid Access-Control-Request-Method: PATCH' },
      {},
    ],
    [
      'from another origin',
      RULE,
      { origin: 'http://app.test', 'access-control-request-method': 'PUT' },
      { status: 403, code: 'AccessForbidden', message: NOT_ALLOWED },
      { Method: 'PUT', ResourceType: 'OBJECT' },
    ],
    [
      'for a method that is not allowed',
      RULE,
      { origin: ORIGIN, 'access-control-request-method': 'DELETE' },
      { status: 403, code: 'AccessForbidden', message: NOT_ALLOWED },
      { Method: 'DELETE', ResourceType: 'OBJECT' },
    ],
    [
      'for a header where none is allowed',
      RULE,
      { origin: ORIGIN, 'access-control-request-method': 'PUT', 'access-control-request-headers': 'x-a' },
      { status: 403, code: 'AccessForbidden', message: NOT_ALLOWED },
      { Method: 'PUT', ResourceType: 'OBJECT' },
    ],
    [
      'without a configuration',
      undefined,
      { origin: ORIGIN, 'access-control-request-method': 'PUT' },
      { status: 403, code: 'AccessForbidden', message: 'CORSResponse: CORS is not enabled for this bucket.' },
      { Method: 'PUT', ResourceType: 'BUCKET' },
    ],
    [
      'without a configuration and a method',
      undefined,
      { origin: ORIGIN },
      { status: 403, code: 'AccessForbidden', message: 'CORSResponse: CORS is not enabled for this bucket.' },
      { Method: 'OPTIONS', ResourceType: 'BUCKET' },
    ],
  ])('%s are refused', async (_, rule, headers, refusal, fields) => {
    if (rule) await put([rule])
    const reply = await anonymous('OPTIONS', `/${Bucket}/k`, headers)
    expect(reply).toMatchObject(refusal)
    expect(corsOf(reply)).toEqual({})
    for (const [name, value] of Object.entries(fields)) expect(element(name, reply)).toBe(value)
  })

  test.each(['/absent-bucket/k', '/', `/${'x'.repeat(300)}/k`])('of no bucket are refused: %s', async (path) => {
    expect(await preflight('GET', {}, path)).toMatchObject({
      status: 403,
      code: 'AccessForbidden',
      message: 'CORSResponse: Bucket not found',
    })
  })

  test('stand in the log of requests', async () => {
    await put([RULE])
    const { headers } = await preflight('PUT')
    await expect.poll(() => server.log()).toContain(headers['x-amz-request-id'])
    const line = server
      .log()
      .split('\n')
      .find((one) => one.includes(String(headers['x-amz-request-id'])))
    expect(JSON.parse(line!)).toMatchObject({ operation: 'OptionsObject', status: 200 })
  })
})

describe('replies to a page', () => {
  const path = () => `/${Bucket}/k`
  const signed = (method: string, headers: Record<string, string> = {}, more: Partial<RawRequest> = {}) =>
    send(server, { method, path: path(), headers: { origin: ORIGIN, ...headers }, ...more })
  beforeEach(async () => {
    await put([RULE])
    await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'body' }))
  })

  test('of an origin that may read them say so', async () => {
    const got = await signed('GET')
    expect(got).toMatchObject({ status: 200, body: 'body' })
    expect(corsOf(got)).toEqual(ALLOWED)
    const etag = String(got.headers.etag)
    const unchanged = await signed('GET', { 'if-none-match': etag })
    expect(unchanged.status).toBe(304)
    expect(corsOf(unchanged)).toEqual(ALLOWED)
    expect(corsOf(await signed('PUT', {}, { body: 'new' }))).toEqual(ALLOWED)
    expect(corsOf(await signed('GET', {}, { path: `/${Bucket}`, query: { 'list-type': '2' } }))).toEqual(ALLOWED)
  })

  test('of others say nothing, and are no different', async () => {
    for (const origin of ['http://app.test', 'null', '']) {
      const reply = await signed('GET', { origin })
      expect(reply).toMatchObject({ status: 200, body: 'body' })
      expect(corsOf(reply)).toEqual({})
    }
    expect(corsOf(await send(server, { method: 'GET', path: path() }))).toEqual({})
    const head = await signed('HEAD')
    expect(head.status).toBe(200)
    expect(corsOf(head)).toEqual({})
    await remove()
    expect(corsOf(await signed('GET'))).toEqual({})
  })

  test('of a method that the request says it is are what they are of that method', async () => {
    expect(corsOf(await signed('GET', { 'access-control-request-method': 'DELETE' }))).toEqual({})
    expect(corsOf(await signed('DELETE', { 'access-control-request-method': 'GET' }))).toEqual(ALLOWED)
  })

  test('that are errors can be read', async () => {
    const wrong = { accessKeyId: server.root.accessKeyId, secretAccessKey: 'wrong' }
    const errors: [RawReply, number, string][] = [
      [await signed('GET', {}, { path: `/${Bucket}/absent` }), 404, 'NoSuchKey'],
      [await signed('GET', {}, { anonymous: true }), 403, 'AccessDenied'],
      [await signed('PUT', {}, { credentials: wrong, body: 'x' }), 403, 'SignatureDoesNotMatch'],
      [await signed('GET', {}, { credentials: { ...alice } }), 403, 'AccessDenied'],
      [await signed('GET', { range: 'bytes=9-' }), 416, 'InvalidRange'],
      [await signed('GET', {}, { path: `/${Bucket}`, query: { session: '' } }), 501, 'NotImplemented'],
    ]
    for (const [reply, status, code] of errors) {
      expect(reply).toMatchObject({ status, code })
      expect(corsOf(reply)).toEqual(ALLOWED)
    }
  })

  test('of a presigned URL, too', async () => {
    const url = await getSignedUrl(s3Client(server, { plain: true }), new GetObjectCommand({ Bucket, Key: 'k' }))
    const reply = await replyTo(httpRequest(url, { headers: { origin: ORIGIN }, agent: false }).end())
    expect(reply).toMatchObject({ status: 200, body: 'body' })
    expect(corsOf(reply)).toEqual(ALLOWED)
  })

  test('of a form, and of a deletion of several keys', async () => {
    await put([{ ...RULE, AllowedMethods: ['POST'] }])
    const expected = { ...ALLOWED, 'access-control-allow-methods': 'POST' }
    const body = '--b\r\ncontent-disposition: form-data; name="key"\r\n\r\nk\r\n--b--\r\n'
    const headers = { origin: ORIGIN, 'content-type': 'multipart/form-data; boundary=b' }
    const form = await anonymous('POST', `/${Bucket}`, headers, { body })
    expect(form.status).toBe(400)
    expect(corsOf(form)).toEqual(expected)
    const deletion = '<Delete><Object><Key>k</Key></Object></Delete>'
    const md5 = createHash('md5').update(deletion).digest('base64')
    const to = { path: `/${Bucket}`, query: { delete: '' }, body: deletion }
    const deleted = await signed('POST', { 'content-md5': md5 }, to)
    expect(deleted.status).toBe(200)
    expect(corsOf(deleted)).toEqual(expected)
  })
})
