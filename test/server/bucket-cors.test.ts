/** The CORS configurations of buckets. */
import { createHash } from 'node:crypto'
import {
  type CORSRule,
  CreateBucketCommand,
  DeleteBucketCorsCommand,
  GetBucketCorsCommand,
  GetObjectCommand,
  PutBucketCorsCommand,
  PutBucketPolicyCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { auditEvents } from '../support/audit.ts'
import { send } from '../support/raw.ts'
import { failure, s3Client } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

const alice = { accessKeyId: 'AKIAALICE', secretAccessKey: 'secretalice' }
const accounts = [{ id: '000000000000', users: [{ name: 'alice', ...alice }] }]
const ORIGIN = 'https://app.test'

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
  Bucket = `cors-${++count}`
  await s3.send(new CreateBucketCommand({ Bucket }))
})

const RULE: CORSRule = { AllowedOrigins: [ORIGIN], AllowedMethods: ['GET', 'PUT'] }
const put = (CORSRules: CORSRule[], client = s3) =>
  client.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules } }))
const get = async (client = s3) => (await client.send(new GetBucketCorsCommand({ Bucket }))).CORSRules
const remove = (client = s3) => client.send(new DeleteBucketCorsCommand({ Bucket }))
const putXml = (body: string, headers: Record<string, string> = {}) => {
  const md5 = createHash('md5').update(body).digest('base64')
  return send(server, {
    method: 'PUT',
    path: `/${Bucket}`,
    query: { cors: '' },
    headers: { 'content-md5': md5, ...headers },
    body,
  })
}
const configuration = (rules: string) => `<CORSConfiguration>${rules}</CORSConfiguration>`
const MINIMAL = '<AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>'

describe('a configuration', () => {
  test.each<[string, CORSRule[]]>([
    ['of what a rule must have', [{ AllowedOrigins: ['*'], AllowedMethods: ['GET'] }]],
    [
      'of all that a rule can have',
      [
        {
          ID: 'one <&>',
          AllowedOrigins: ['https://*.app.test', 'http://test.com:80', ''],
          AllowedMethods: ['GET', 'PUT', 'POST', 'DELETE', 'HEAD'],
          AllowedHeaders: ['x-AMZ-Date', '*'],
          ExposeHeaders: ['ETag', 'x-amz-request-id'],
          MaxAgeSeconds: 3000,
        },
        { AllowedOrigins: ['null'], AllowedMethods: ['HEAD'], MaxAgeSeconds: 0 },
      ],
    ],
    ['of a long id', [{ ...RULE, ID: 'i'.repeat(255) }]],
    ['of 100 rules', Array.from({ length: 100 }, (_, i) => ({ ...RULE, ID: `${i}` }))],
  ])('%s comes back as it was put', async (_, rules) => {
    expect((await put(rules)).$metadata.httpStatusCode).toBe(200)
    expect(await get()).toEqual(rules)
  })

  test('takes the place of the one before, and goes', async () => {
    await put([RULE, RULE])
    await put([RULE])
    expect(await get()).toEqual([RULE])
    expect((await remove()).$metadata.httpStatusCode).toBe(204)
    expect((await remove()).$metadata.httpStatusCode).toBe(204)
    expect(await failure(get())).toEqual({
      code: 'NoSuchCORSConfiguration',
      status: 404,
      message: 'The CORS configuration does not exist',
    })
  })

  test.each<[string, string, string, string | undefined]>([
    ['no rules', '', 'MalformedXML', undefined],
    ['an empty rule', '<CORSRule/>', 'MalformedXML', undefined],
    ['no origin', '<CORSRule><AllowedMethod>GET</AllowedMethod></CORSRule>', 'MalformedXML', undefined],
    ['no method', '<CORSRule><AllowedOrigin>*</AllowedOrigin></CORSRule>', 'MalformedXML', undefined],
    ['another element', `<CORSRule>${MINIMAL}<AllowedOrgin>*</AllowedOrgin></CORSRule>`, 'MalformedXML', undefined],
    ['another rule', `<Rule>${MINIMAL}</Rule>`, 'MalformedXML', undefined],
    ['two ids', `<CORSRule>${MINIMAL}<ID>a</ID><ID>b</ID></CORSRule>`, 'MalformedXML', undefined],
    ...['-1', '1.5', 'soon', '', '2147483648'].map((age): [string, string, string, undefined] => [
      `an age of "${age}"`,
      `<CORSRule>${MINIMAL}<MaxAgeSeconds>${age}</MaxAgeSeconds></CORSRule>`,
      'MalformedXML',
      undefined,
    ]),
    [
      '101 rules',
      `<CORSRule>${MINIMAL}</CORSRule>`.repeat(101),
      'InvalidRequest',
      'The number of CORS rules should not exceed allowed limit of 100 rules.',
    ],
    [
      'a long id',
      `<CORSRule>${MINIMAL}<ID>${'i'.repeat(256)}</ID></CORSRule>`,
      'InvalidArgument',
      'ID length should not exceed allowed limit of 255',
    ],
    ...['OPTIONS', 'PATCH', 'get', ''].map((method): [string, string, string, string] => [
      `the method "${method}"`,
      `<CORSRule>${MINIMAL}<AllowedMethod>${method}</AllowedMethod></CORSRule>`,
      'InvalidRequest',
      `Found unsupported HTTP method in CORS config. Unsupported method is ${method}`,
    ]),
    [
      'an origin with two stars',
      `<CORSRule>${MINIMAL}<AllowedOrigin>*example*.com</AllowedOrigin></CORSRule>`,
      'InvalidRequest',
      'AllowedOrigin &quot;*example*.com&quot; can not have more than one wildcard.',
    ],
    [
      'a header with two stars',
      `<CORSRule>${MINIMAL}<AllowedHeader>**</AllowedHeader></CORSRule>`,
      'InvalidRequest',
      'AllowedHeader &quot;**&quot; can not have more than one wildcard.',
    ],
    [
      'every header exposed',
      `<CORSRule>${MINIMAL}<ExposeHeader>*</ExposeHeader></CORSRule>`,
      'InvalidRequest',
      'ExposeHeader &quot;*&quot; contains wildcard. We currently do not support wildcard for ExposeHeader.',
    ],
    [
      'an exposed header that none can be called',
      `<CORSRule>${MINIMAL}<ExposeHeader>ETag\nx-evil: 1</ExposeHeader></CORSRule>`,
      'InvalidRequest',
      'ExposeHeader &quot;ETag\nx-evil: 1&quot; contains invalid character.',
    ],
  ])('with %s is refused', async (_, rules, code, message) => {
    const reply = await putXml(configuration(rules))
    expect(reply).toMatchObject({ status: 400, code })
    if (message !== undefined) expect(reply.message).toBe(message)
    expect(await failure(get())).toMatchObject({ code: 'NoSuchCORSConfiguration' })
  })

  test('needs a promise of its body, which is held', async () => {
    const body = configuration(`<CORSRule>${MINIMAL}</CORSRule>`)
    expect(await putXml(body)).toMatchObject({ status: 200 })
    const unpromised = { method: 'PUT', path: `/${Bucket}`, query: { cors: '' }, body }
    expect(await send(server, unpromised)).toMatchObject({
      status: 400,
      code: 'InvalidRequest',
      message: 'Missing required header for this request: Content-MD5',
    })
    const other = createHash('md5').update('other').digest('base64')
    expect(await putXml(body, { 'content-md5': other })).toMatchObject({ status: 400, code: 'BadDigest' })
  })

  test('is 64 KB at most', async () => {
    const padded = (bytes: number) => {
      const body = configuration(`<CORSRule>${MINIMAL}</CORSRule>`)
      return body + ' '.repeat(bytes - body.length)
    }
    expect(await putXml(padded(64 * 1024))).toMatchObject({ status: 200 })
    expect(await putXml(padded(64 * 1024 + 1))).toMatchObject({ status: 400, code: 'MaxMessageLengthExceeded' })
  })

  test('needs its actions', async () => {
    const allow = (Action: string) =>
      s3.send(
        new PutBucketPolicyCommand({
          Bucket,
          Policy: JSON.stringify({
            Version: '2012-10-17',
            Statement: [
              {
                Effect: 'Allow',
                Principal: { AWS: 'arn:aws:iam::000000000000:user/alice' },
                Action,
                Resource: `arn:aws:s3:::${Bucket}`,
              },
            ],
          }),
        }),
      )
    await put([RULE])
    await allow('s3:GetBucketCORS')
    expect(await get(asAlice)).toEqual([RULE])
    expect(await failure(put([RULE], asAlice))).toMatchObject({ code: 'AccessDenied' })
    expect(await failure(remove(asAlice))).toMatchObject({ code: 'AccessDenied' })
    await allow('s3:PutBucketCORS')
    expect(await failure(get(asAlice))).toMatchObject({ code: 'AccessDenied' })
    await put([RULE], asAlice)
    await remove(asAlice)
  })

  test('is told in the audit trail, preflights are not', async () => {
    await put([RULE])
    for (const method of ['PUT', 'DELETE']) {
      const headers = { origin: ORIGIN, 'access-control-request-method': method }
      await send(server, { method: 'OPTIONS', path: `/${Bucket}/k`, headers, anonymous: true })
    }
    await failure(s3.send(new GetObjectCommand({ Bucket, Key: 'k' })))
    await remove()
    const events = await auditEvents(server, ['--management', '--bucket', Bucket])
    const names = ['CreateBucket', 'DeleteBucketCors', 'PutBucketCors']
    expect(events.map(({ eventName }) => eventName).sort()).toEqual(names)
    const ofObjects = await auditEvents(server, ['--bucket', Bucket])
    expect(ofObjects.map(({ eventName }) => eventName)).toEqual(['GetObject'])
    const told = events.find(({ eventName }) => eventName === 'PutBucketCors')
    expect(told!.requestParameters).toMatchObject({
      bucketName: Bucket,
      CORSConfiguration: { CORSRule: { AllowedOrigin: ORIGIN, AllowedMethod: ['GET', 'PUT'] } },
    })
  })
})
