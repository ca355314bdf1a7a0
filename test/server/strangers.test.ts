/** What strangers may send is refused as AWS refuses it, and never answered as if the server had failed. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RawRequest, send } from '../support/raw.ts'
import { startServer, type TestServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.remove())

const DATE = new Date().toISOString().replaceAll(/[-:]|\.\d{3}/g, '')
const authorization = (service: string, signedHeaders: string) =>
  `AWS4-HMAC-SHA256 Credential=${server.root.accessKeyId}/${DATE.slice(0, 8)}/us-east-1/${service}/aws4_request, ` +
  `SignedHeaders=${signedHeaders}, Signature=00`
const form = { 'content-type': 'application/x-www-form-urlencoded' }
const jwt = (payload: object) =>
  [{ alg: 'RS256' }, payload, {}].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')

const cases: readonly (readonly [what: string, request: () => RawRequest, status: number, code: string | undefined])[] =
  [
    [
      'a signed header that no request has, but every object',
      () => ({
        method: 'GET',
        path: '/',
        anonymous: true,
        headers: {
          'x-amz-date': DATE,
          'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
          authorization: authorization('s3', 'constructor;host;x-amz-content-sha256;x-amz-date'),
        },
      }),
      403,
      'SignatureDoesNotMatch',
    ],
    [
      'a trailer called so',
      () => ({ method: 'PUT', path: '/strangers/a', headers: { 'x-amz-trailer': 'constructor' } }),
      400,
      'InvalidRequest',
    ],
    [
      'a service called so',
      () => ({
        method: 'GET',
        path: '/',
        anonymous: true,
        headers: { authorization: authorization('constructor', 'host') },
      }),
      501,
      undefined,
    ],
    [
      'a bucket of ten thousand characters',
      () => ({ method: 'GET', path: `/${'b'.repeat(10_000)}` }),
      404,
      'NoSuchBucket',
    ],
    [
      'a prefix of ten thousand characters',
      () => ({ method: 'GET', path: '/strangers', query: { prefix: 'p'.repeat(10_000) } }),
      200,
      undefined,
    ],
    [
      'an action that is a structure',
      () => ({
        method: 'POST',
        path: '/',
        service: 'iam',
        headers: form,
        body: 'Action.toString=x&Version=2010-05-08',
      }),
      400,
      'InvalidAction',
    ],
    [
      'a web identity whose issuer has ten thousand characters',
      () => ({
        method: 'POST',
        path: '/',
        anonymous: true,
        headers: form,
        body: new URLSearchParams({
          Action: 'AssumeRoleWithWebIdentity',
          Version: '2011-06-15',
          RoleArn: 'arn:aws:iam::000000000000:role/r',
          RoleSessionName: 's-1',
          WebIdentityToken: jwt({ iss: `https://${'i'.repeat(10_000)}` }),
        }).toString(),
      }),
      400,
      'InvalidIdentityToken',
    ],
    [
      'a policy of ten thousand levels',
      () => ({
        method: 'PUT',
        path: '/strangers',
        query: { policy: '' },
        body: `{"Statement":${'['.repeat(5000)}${']'.repeat(5000)}}`,
      }),
      400,
      'MalformedPolicy',
    ],
  ]

test('a bucket for them', async () => {
  expect(await send(server, { method: 'PUT', path: '/strangers' })).toMatchObject({ status: 200 })
})

test.each(cases)('%s', async (_what, request, status, code) => {
  expect(await send(server, request())).toMatchObject({ status, code })
})

test('a member without a name is refused, and stands in the audit trail as what it is', async () => {
  const headers = { 'x-amz-target': 'TrentService.DescribeKey', 'content-type': 'application/x-amz-json-1.1' }
  const reply = await send(server, { method: 'POST', path: '/', service: 'kms', headers, body: '{"":1}' })
  expect([reply.status, JSON.parse(reply.body).__type]).toEqual([400, 'ValidationException'])
})
