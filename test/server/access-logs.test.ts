/** Access logs: what is asked of a bucket comes to its target, as AWS writes it, sealed on its way and without secrets. */
import { createHash, randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  CreateBucketCommand,
  DeleteBucketPolicyCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketLoggingCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { failure, s3Client } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

const config = { accessLogs: { deliverySeconds: 0.2 } }
const Bucket = 'source'
const TargetBucket = 'target'

let server: TestServer
let s3: S3Client
beforeAll(async () => {
  server = await startServer({ config })
  s3 = s3Client(server)
  await s3.send(new CreateBucketCommand({ Bucket }))
  await s3.send(new CreateBucketCommand({ Bucket: TargetBucket }))
  await letIn()
  await s3.send(
    new PutBucketLoggingCommand({
      Bucket,
      BucketLoggingStatus: { LoggingEnabled: { TargetBucket, TargetPrefix: 'logs/' } },
    }),
  )
})
afterAll(async () => {
  expect(server.log()).not.toMatch(/internal-error|could not be delivered/)
  await server.remove()
})

function letIn() {
  const statement = {
    Effect: 'Allow',
    Principal: { Service: 'logging.s3.amazonaws.com' },
    Action: 's3:PutObject',
    Resource: `arn:aws:s3:::${TargetBucket}/logs/*`,
    Condition: {
      ArnLike: { 'aws:SourceArn': `arn:aws:s3:::${Bucket}` },
      StringEquals: { 'aws:SourceAccount': '000000000000' },
    },
  }
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
  return s3.send(new PutBucketPolicyCommand({ Bucket: TargetBucket, Policy }))
}

async function delivered(): Promise<{ readonly keys: readonly string[]; readonly lines: readonly string[] }> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: TargetBucket }))
  const keys = Contents.map(({ Key }) => Key!)
  const texts = await Promise.all(
    keys.map(async (Key) => {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: TargetBucket, Key }))
      return Body!.transformToString()
    }),
  )
  return { keys, lines: texts.flatMap((text) => text.trimEnd().split('\n')) }
}
/** The line of a request, once it is there. */
async function lineOf(requestId: string | undefined): Promise<string> {
  const find = async () => (await delivered()).lines.filter((line) => line.includes(` ${requestId} `))
  await expect.poll(find, { timeout: 20_000 }).toHaveLength(1)
  return (await find())[0]!
}

test('requests of each kind come to the target, each once', async () => {
  const put = await s3.send(new PutObjectCommand({ Bucket, Key: 'a b', Body: 'content' }))
  const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'a b' }))
  const plain = await s3Client(server, { plain: true }).send(new ListObjectsV2Command({ Bucket }))
  const line = await lineOf(put.$metadata.requestId)
  expect(line).toMatch(
    / REST\.PUT\.OBJECT a%20b "PUT \/source\/a%20b\?x-id=PutObject HTTP\/1\.1" 200 - - 7 \d+ \d+ "-" "/,
  )
  expect(line).toMatch(/ SigV4 TLS_AES_\S+ AuthHeader 127\.0\.0\.1:\d+ TLSv1\.3 - - -$/)
  expect(await lineOf(head.$metadata.requestId)).toMatch(/ REST\.HEAD\.OBJECT a%20b .* 200 - - 7 /)
  expect(await lineOf(plain.$metadata.requestId)).toMatch(/ REST\.GET\.BUCKET - .* SigV4 - AuthHeader \S+ - - - -$/)
  for (const key of (await delivered()).keys) expect(key).toMatch(/^logs\/\d{4}(-\d\d){5}-[0-9A-F]{16}$/)
})

test('no key, no signature and no token comes into a log, and no line stands in clear on disk', async () => {
  const customerKey = randomBytes(32)
  const SSECustomer = {
    SSECustomerAlgorithm: 'AES256',
    SSECustomerKey: customerKey.toString('base64'),
    SSECustomerKeyMD5: createHash('md5').update(customerKey).digest('base64'),
  }
  const put = await s3.send(new PutObjectCommand({ Bucket, Key: 'sealed', Body: 'x', ...SSECustomer }))
  const plain = s3Client(server, { plain: true })
  const url = await getSignedUrl(plain, new GetObjectCommand({ Bucket, Key: 'a b' }))
  const signature = new URL(url).searchParams.get('X-Amz-Signature')!
  const got = await fetch(url, { headers: { referer: url } })
  expect(got.status).toBe(200)
  await lineOf(put.$metadata.requestId)
  expect(await lineOf(got.headers.get('x-amz-request-id')!)).toContain('X-Amz-Signature=REDACTED')
  const all = (await delivered()).lines.join('\n')
  for (const secret of [signature, SSECustomer.SSECustomerKey, server.root.secretAccessKey]) {
    expect(all).not.toContain(secret)
  }
  const files = await readdir(server.dataDir, { recursive: true, withFileTypes: true })
  for (const file of files.filter((one) => one.isFile())) {
    const bytes = await readFile(join(file.parentPath, file.name))
    expect(bytes.includes('REST.PUT.OBJECT'), file.name).toBe(false)
  }
})

test('what the target refuses is dropped and told, and what comes later is delivered', async () => {
  await s3.send(new DeleteBucketPolicyCommand({ Bucket: TargetBucket }))
  const lost = await failure(s3.send(new GetObjectCommand({ Bucket, Key: 'absent' })))
  expect(lost.code).toBe('NoSuchKey')
  await expect
    .poll(() => server.log(), { timeout: 20_000 })
    .toMatch(/lines of the access log of source were dropped: target: AccessDenied/)
  await letIn()
  const kept = await s3.send(new HeadObjectCommand({ Bucket, Key: 'a b' }))
  await lineOf(kept.$metadata.requestId)
})

test('a server that is killed delivers what had become durable, each line once', async () => {
  const made = await Promise.all(
    Array.from({ length: 20 }, (_, i) => s3.send(new PutObjectCommand({ Bucket, Key: `k${i}`, Body: 'x' }))),
  )
  await lineOf(made[0]!.$metadata.requestId)
  const { dataDir } = server
  await server.kill()
  server = await startServer({ dataDir, config })
  s3 = s3Client(server)
  const after = await s3.send(new HeadObjectCommand({ Bucket, Key: 'k0' }))
  await lineOf(after.$metadata.requestId)
  const ids = (await delivered()).lines.map((line) => line.split(' ')[6])
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids).toContain(made[0]!.$metadata.requestId)
})
