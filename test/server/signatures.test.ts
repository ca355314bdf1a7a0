/** Who a request is from: what is refused, and SigV2 presigned URLs, which boto3 still makes by default in us-east-1. */
import { createHmac } from 'node:crypto'
import { request } from 'node:https'
import { CreateBucketCommand, ListBucketsCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { failure, s3Client } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
  await fill(server)
})
afterAll(() => server.remove())

async function fill(into: TestServer): Promise<void> {
  const s3 = s3Client(into)
  await s3.send(new CreateBucketCommand({ Bucket: 'signed' }))
  await s3.send(new PutObjectCommand({ Bucket: 'signed', Key: 'plain', Body: 'x' }))
  await s3.send(new PutObjectCommand({ Bucket: 'signed', Key: 'kms', Body: 'x', ServerSideEncryption: 'aws:kms' }))
}

function fetchUrl(from: TestServer, path: string): Promise<{ status: number; code: string | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(`${from.https}${path}`, { ca: from.caPem }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece
      })
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, code: /<Code>(.*?)</.exec(text)?.[1], text }),
      )
    })
    sent.on('error', reject)
    sent.end()
  })
}

/** AWS S3 developer guide, "Signing and authenticating REST requests": query string authentication. */
function presignV2(from: TestServer, path: string, seconds: number): string {
  const expires = Math.floor(Date.now() / 1000) + seconds
  const { accessKeyId, secretAccessKey } = from.root
  const signature = createHmac('sha1', secretAccessKey).update(`GET\n\n\n${expires}\n${path}`).digest('base64')
  const query = new URLSearchParams({ AWSAccessKeyId: accessKeyId, Expires: String(expires), Signature: signature })
  return `${path}?${query}`
}

test('SigV2 presigned URLs', async () => {
  expect(await fetchUrl(server, presignV2(server, '/signed/plain', 60))).toMatchObject({ status: 200, text: 'x' })
  const expired = presignV2(server, '/signed/plain', -1)
  expect(await fetchUrl(server, expired)).toMatchObject({ status: 403, code: 'AccessDenied' })
  const forged = presignV2(server, '/signed/plain', 60).replace('/plain', '/kms')
  expect(await fetchUrl(server, forged)).toMatchObject({ status: 403, code: 'SignatureDoesNotMatch' })
  const kms = await fetchUrl(server, presignV2(server, '/signed/kms', 60))
  expect(kms).toMatchObject({ status: 400, code: 'InvalidArgument' })
  expect(kms.text).toContain('require AWS Signature Version 4')
})

test('SigV2 is refused where the configuration says so', async () => {
  const strict = await startServer({ config: { allowSigV2: false } })
  await fill(strict)
  const reply = await fetchUrl(strict, presignV2(strict, '/signed/plain', 60))
  expect(reply).toMatchObject({ status: 400, code: 'InvalidRequest' })
  await strict.remove()
})

test('an anonymous request is refused', async () => {
  expect(await fetchUrl(server, '/signed/plain')).toMatchObject({ status: 403, code: 'AccessDenied' })
  expect(await fetchUrl(server, '/')).toMatchObject({ status: 403, code: 'AccessDenied' })
})

test('a clock that is wrong, and another region', async () => {
  const late = s3Client(server)
  late.config.systemClockOffset = -16 * 60_000
  expect(await failure(late.send(new ListBucketsCommand({})))).toMatchObject({
    code: 'RequestTimeTooSkewed',
    status: 403,
  })
  const elsewhere = s3Client(server)
  elsewhere.config.region = async () => 'eu-west-1'
  expect(await failure(elsewhere.send(new ListBucketsCommand({})))).toMatchObject({
    code: 'AuthorizationHeaderMalformed',
    status: 400,
  })
})
