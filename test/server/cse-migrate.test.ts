/** `strongroom cse migrate`: a bucket of plain objects encrypted in place, also where others write and the run is cut off. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketVersioningCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { createEncryptingClient, rawAesKeyring } from '@strongroom/client'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { CseDesk, endOf, jsonOf, until, V2 } from '../support/cse.ts'
import { stored } from '../support/encryption.ts'

const MIB = 1 << 20

const desk = new CseDesk()
const { dir, aes, otherAes, cse, start, ok, url, get, put, head, file } = desk
beforeAll(() => desk.open())
afterAll(() => desk.close())
beforeEach(() => desk.newBucket())

const migrate = (...args: string[]) => cse(['migrate', `s3://${desk.bucket}`, '--key', aes, ...args])

test('encrypts what is plain, keeps what it is, passes over the rest, and does nothing the second time', async () => {
  const kept = {
    ...{ ContentType: 'text/html', CacheControl: 'no-cache', ContentLanguage: 'de', ContentEncoding: 'identity' },
    ...{ ContentDisposition: 'attachment', Expires: new Date('2030-01-01T00:00:00Z') },
  }
  await put('a/head', '<p>', { ...kept, Metadata: { of: 'mine' }, Tagging: 'a=b&c=d%20e' })
  await put('a/kms', 'under a key', { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: desk.kmsKeyId })
  await put('b c+d%41ü', 'odd name')
  await put('empty', '')
  const parts = randomBytes(11 * MIB)
  await uploadInParts('parts', [parts.subarray(0, 6 * MIB), parts.subarray(6 * MIB)])
  const letter = await file('letter', 'dear reader')
  await ok(cse(['put', letter, url('encrypted'), '--key', otherAes]))
  await ok(cse(['put', letter, url('with-file'), '--key', otherAes, '--instruction-file']))
  // As a writer does that marks neither: all of the envelope in a file without a marker.
  await ok(cse(['put', letter, url('old'), '--key', otherAes, '--instruction-file', ...V2]))
  await put('old.instruction', Buffer.from((await stored(desk.s3, desk.bucket, 'old.instruction')).body))
  const untouched = ['encrypted', 'with-file', 'with-file.instruction', 'old', 'old.instruction']
  const etags = () => Promise.all(untouched.map(async (key) => (await head(key)).ETag))
  const before = await etags()

  const dry = await jsonOf(cse(['migrate', `s3://${desk.bucket}`, '--dry-run', '--json']))
  expect(dry).toMatchObject({ dryRun: true, encrypted: 5, already: 3, instructionFile: 2, failed: [] })
  expect((await head('empty')).Metadata).toEqual({})

  const first = await jsonOf(migrate('--json'))
  expect(first).toMatchObject({ encrypted: 5, already: 3, instructionFile: 2, gone: 0, failed: [], versions: 'none' })
  expect(first.bytes).toBe(dry.bytes)
  expect(await etags()).toEqual(before)
  const { Metadata: written, ...rest } = await head('a/head')
  expect(rest).toMatchObject(kept)
  expect(written).toMatchObject({ of: 'mine' })
  const { TagSet } = await desk.s3.send(new GetObjectTaggingCommand({ Bucket: desk.bucket, Key: 'a/head' }))
  expect(TagSet).toEqual([
    { Key: 'a', Value: 'b' },
    { Key: 'c', Value: 'd e' },
  ])
  expect(await head('a/kms')).toMatchObject({ ServerSideEncryption: 'aws:kms' })
  for (const [key, content] of [
    ['a/head', '<p>'],
    ['a/kms', 'under a key'],
    ['b c+d%41ü', 'odd name'],
    ['empty', ''],
    ['parts', parts],
  ] as const)
    expect((await get(key, '--key', aes)).equals(Buffer.from(content)), key).toBe(true)

  const second = await ok(migrate())
  expect(second.stdout.toString()).toMatch(/0 encrypted, 0 bytes\n {2}8 were encrypted already/)
  expect((await desk.s3.send(new ListObjectsV2Command({ Bucket: desk.bucket }))).KeyCount).toBe(10)
})

test('only under a prefix, in the format asked for', async () => {
  await put('in/1', 'one')
  await put('out', 'out')
  const args = ['migrate', url('in/'), '--kms', desk.kmsKeyId, '--format', 'sealed', '--context', 'a=b', '--json']
  expect(await jsonOf(cse(args))).toMatchObject({ encrypted: 1 })
  expect((await get('in/1', '--kms', desk.kmsKeyId, '--context', 'a=b')).toString()).toBe('one')
  expect(Buffer.from((await stored(desk.s3, desk.bucket, 'out')).body).toString()).toBe('out')
})

test('says that older versions stay in clear', async () => {
  const versioned = { Bucket: desk.bucket, VersioningConfiguration: { Status: 'Enabled' } } as const
  await desk.s3.send(new PutBucketVersioningCommand(versioned))
  const { VersionId } = await put('k', 'in clear')
  expect((await ok(migrate())).stdout.toString()).toContain('older ones stay IN CLEAR')
  const old = await desk.s3.send(new GetObjectCommand({ Bucket: desk.bucket, Key: 'k', VersionId }))
  expect(await old.Body!.transformToString()).toBe('in clear')
})

test('keeps legal hold and retention', async () => {
  const Bucket = `${desk.bucket}-locked`
  await desk.s3.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }))
  const lock = {
    ObjectLockLegalHoldStatus: 'ON',
    ObjectLockMode: 'GOVERNANCE',
    ObjectLockRetainUntilDate: new Date('2099-01-01T00:00:00Z'),
  } as const
  await desk.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'in clear', ...lock }))
  await ok(cse(['migrate', `s3://${Bucket}`, '--key', aes]))
  const after = await desk.s3.send(new HeadObjectCommand({ Bucket, Key: 'k' }))
  expect(after).toMatchObject({ ...lock, Metadata: { 'x-amz-c': '115' } })
})

test('names what it cannot encrypt, and does the rest', async () => {
  const SSECustomerKey = randomBytes(32).toString('base64')
  await put('a', 'one')
  await put('customer', 'x', { SSECustomerAlgorithm: 'AES256', SSECustomerKey })
  await put('z', 'two')
  const state = join(dir, `failed-${desk.bucket}`)
  const { code, stdout } = await migrate('--state', state)
  expect(code).toBe(1)
  expect(stdout.toString()).toMatch(/2 encrypted[\s\S]*1 failed:\n {4}customer: /)
  expect(JSON.parse(await readFile(state, 'utf8'))).toMatchObject({ after: 'z', failed: ['customer'] })
  // The next run looks at that one and at what is new behind the others only.
  await put('customer', 'no longer')
  expect(await jsonOf(migrate('--state', state, '--json'))).toMatchObject({ encrypted: 1, already: 0, failed: [] })
  expect((await get('customer', '--key', aes)).toString()).toBe('no longer')
  expect(await readdir(dir)).not.toContain(`failed-${desk.bucket}`)
})

test('a state file of something else is wrong usage, and stays', async () => {
  const state = await file('other-state', JSON.stringify({ version: 1, endpoint: 'x', target: 'y', failed: [] }))
  expect(await migrate('--state', state)).toMatchObject({ code: 2 })
  expect(await migrate('--state', await file('no-state', 'letter'))).toMatchObject({ code: 2 })
  expect(await readFile(state, 'utf8')).toContain('"target":"y"')
})

test('killed and begun again, it goes on where it was; everything is encrypted once', async () => {
  const bodies = new Map(Array.from({ length: 60 }, (_, i) => [`k${String(i).padStart(3, '0')}`, randomBytes(1000)]))
  for (const [key, body] of bodies) await put(key, body)
  const state = join(dir, `killed-${desk.bucket}`)
  const slow = await slowProxy(desk.server.http, 60)
  const args = ['migrate', `s3://${desk.bucket}`, '--key', aes, '--state', state, '--concurrency', '3']
  // The state is of one endpoint, so both runs go by the proxy.
  const env = { AWS_ENDPOINT_URL: slow.url }
  const child = start(args, { env })
  const killed = endOf(child)
  await until(async () => /"after"/.test(await readFile(state, 'utf8').catch(() => '')))
  child.kill('SIGKILL')
  expect((await killed).code).toBe(null)
  const etags = new Map<string, string>()
  for (const key of bodies.keys()) {
    const { ETag, Metadata } = await head(key)
    if (Metadata && 'x-amz-c' in Metadata) etags.set(key, ETag!)
  }
  expect(etags.size).toBeGreaterThan(0)
  expect(etags.size).toBeLessThan(bodies.size)

  slow.delayMs = 0
  const { after } = JSON.parse(await readFile(state, 'utf8')) as { after: string }
  const second = await jsonOf(cse([...args, '--json'], { env }))
  expect(second.encrypted).toBe(bodies.size - etags.size)
  // What lies behind the mark is not even looked at.
  const behind = [...bodies.keys()].filter((key) => key > after).length
  expect((second.encrypted as number) + (second.already as number)).toBe(behind)
  slow.close()
  const client = createEncryptingClient(desk.s3, { keyring: rawAesKeyring({ wrappingKey: await aesOf(aes) }) })
  for (const [key, body] of bodies) {
    const { Body } = await client.getObject({ Bucket: desk.bucket, Key: key })
    expect(Buffer.from(await Body.transformToByteArray()).equals(body)).toBe(true)
    if (etags.has(key)) expect((await head(key)).ETag).toBe(etags.get(key))
  }
  expect(await readdir(dir)).not.toContain(`killed-${desk.bucket}`)
})

test('a write at the same time is not lost: it is the newer one that is encrypted', async () => {
  await put('k', 'old')
  let writes = 0
  const proxy = await slowProxy(desk.server.http, 0, async (method, path) => {
    // Between the reading and the conditional write, twice.
    if (method === 'PUT' && path.includes('/k') && writes < 2) await put('k', `newer ${++writes}`)
  })
  const env = { AWS_ENDPOINT_URL: proxy.url }
  const args = ['migrate', `s3://${desk.bucket}`, '--key', aes, '--json']
  expect(await jsonOf(cse(args, { env }))).toMatchObject({ encrypted: 1, failed: [] })
  proxy.close()
  expect(writes).toBe(2)
  expect((await get('k', '--key', aes)).toString()).toBe('newer 2')
})

test('a store that takes no notice of If-Match is left alone', async () => {
  const seen: string[] = []
  const careless = createServer((message, reply) => {
    seen.push(`${message.method} ${message.url}`)
    message.resume().on('end', () => reply.writeHead(message.method === 'DELETE' ? 204 : 200).end())
  })
  await once(careless.listen(0, '127.0.0.1'), 'listening')
  const { code, stderr } = await cse(['migrate', `s3://${desk.bucket}`, '--key', aes], {
    env: { AWS_ENDPOINT_URL: `http://127.0.0.1:${(careless.address() as AddressInfo).port}` },
  })
  careless.close()
  expect(code).toBe(1)
  expect(stderr).toContain('If-Match')
  expect(seen).toEqual([expect.stringMatching(/^PUT .*probe/), expect.stringMatching(/^DELETE .*probe/)])
})

interface Proxy {
  readonly url: string
  delayMs: number
  close(): void
}

/** Passes requests on as they are signed, each after a while and after `before`. */
async function slowProxy(
  to: string,
  delayMs: number,
  before: (method: string, path: string) => Promise<void> = async () => {},
): Promise<Proxy> {
  const { hostname, port } = new URL(to)
  const listener = createServer(async (message, reply) => {
    const { method = '', url: path = '', headers } = message
    await new Promise((resolve) => setTimeout(resolve, proxy.delayMs))
    await before(method, path)
    const onward = request({ hostname, port, method, path, headers }, (answer) => {
      reply.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(reply)
    })
    onward.on('error', () => reply.destroy())
    reply.on('error', () => onward.destroy())
    message.pipe(onward)
  })
  await once(listener.listen(0, '127.0.0.1'), 'listening')
  const { port: own } = listener.address() as AddressInfo
  const proxy: Proxy = {
    url: `http://127.0.0.1:${own}`,
    delayMs,
    close() {
      listener.close()
      listener.closeAllConnections()
    },
  }
  return proxy
}

const aesOf = async (path: string) => Buffer.from(/\n\n(.*)\n/.exec(await readFile(path, 'utf8'))![1]!, 'base64')

async function uploadInParts(Key: string, parts: readonly Uint8Array[]): Promise<void> {
  const { UploadId } = await desk.s3.send(new CreateMultipartUploadCommand({ Bucket: desk.bucket, Key }))
  const sent = await Promise.all(
    parts.map((Body, i) =>
      desk.s3.send(new UploadPartCommand({ Bucket: desk.bucket, Key, UploadId, Body, PartNumber: i + 1 })),
    ),
  )
  const Parts = sent.map(({ ETag }, i) => ({ ETag, PartNumber: i + 1 }))
  await desk.s3.send(
    new CompleteMultipartUploadCommand({ Bucket: desk.bucket, Key, UploadId, MultipartUpload: { Parts } }),
  )
}
