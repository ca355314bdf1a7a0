/** Traces and metrics by OTLP, as a collector on this machine receives them. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateKeyCommand, DisableKeyCommand } from '@aws-sdk/client-kms'
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Collector, type ReceivedSpan, startCollector } from '../support/otlp.ts'
import { type RawRequest, send } from '../support/raw.ts'
import { kmsClient, s3Client } from '../support/sdk.ts'
import { root, startServer, type TestServer } from '../support/server.ts'

const CONTENT = 'the very content'
const API_KEY = 'key-of-the-collector'

let dir: string
let collector: Collector
let server: TestServer
let keyId: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'telemetry-'))
  const headersFile = join(dir, 'headers')
  await writeFile(headersFile, `X-Api-Key: ${API_KEY}\n`)
  collector = await startCollector()
  server = await startServer({
    config: { otlp: { endpoint: collector.endpoint, headersFile, metricsSeconds: 1 } },
    env: { OTEL_BSP_SCHEDULE_DELAY: '100' },
  })
  const s3 = s3Client(server)
  await s3.send(new CreateBucketCommand({ Bucket: 'traced' }))
  // The first object of SSE-S3 makes the server's own key.
  await s3.send(new PutObjectCommand({ Bucket: 'traced', Key: 'first', Body: CONTENT }))
  keyId = (await kmsClient(server).send(new CreateKeyCommand({}))).KeyMetadata!.KeyId!
  const kms = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: keyId } as const
  await s3.send(new PutObjectCommand({ Bucket: 'traced', Key: 'small', Body: CONTENT, ...kms }))
})
afterAll(async () => {
  await server.remove()
  await collector.close()
  await rm(dir, { recursive: true, force: true })
})

let lastTrace = 0
/** Sends a request within a trace of its own, and gives its spans once all have come. */
async function traced(raw: RawRequest): Promise<{ status: number; spans: readonly ReceivedSpan[]; traceId: string }> {
  const traceId = (++lastTrace).toString(16).padStart(32, 'a')
  const reply = await send(server, { ...raw, headers: { ...raw.headers, traceparent: `00-${traceId}-${PARENT}-01` } })
  const spans = () => collector.spans.filter((span) => span.traceId === traceId)
  await expect.poll(() => spans().some(({ parentSpanId }) => parentSpanId === PARENT), { timeout: 20_000 }).toBe(true)
  return { status: reply.status, spans: spans(), traceId }
}

/** The names of a span's descendants, indented. */
function tree(spans: readonly ReceivedSpan[], parent: string | undefined, depth = 0): string[] {
  return spans
    .filter(({ parentSpanId }) => parentSpanId === parent)
    .flatMap(({ name, spanId }) => [`${'  '.repeat(depth)}${name}`, ...tree(spans, spanId, depth + 1)])
}

const PARENT = 'b7ad6b7169203331'
const named = (spans: readonly ReceivedSpan[], name: string) => spans.find((span) => span.name === name)

test('a GET under SSE-KMS, in the trace of its caller', async () => {
  const { spans } = await traced({ method: 'GET', path: '/traced/small' })
  expect(tree(spans, PARENT)).toEqual([
    'S3/GetObject',
    '  read target',
    '  route',
    '  authenticate',
    '  authorize',
    '  run',
    '    find version',
    '    get data key',
    '      KMS/Decrypt',
    '    open',
    '  record',
    '  send',
  ])
  expect(named(spans, 'S3/GetObject')).toMatchObject({
    kind: 2,
    status: 0,
    attributes: {
      'rpc.system': 'aws-api',
      'rpc.service': 'S3',
      'rpc.method': 'GetObject',
      'aws.s3.bucket': 'traced',
      'aws.s3.key': 'small',
      'http.request.method': 'GET',
      'http.response.status_code': 200,
      'http.response.body.size': CONTENT.length,
      'url.scheme': 'https',
      'url.path': '/traced/small',
      'tls.protocol.version': '1.3',
      'client.address': '127.0.0.1',
      'strongroom.encryption': 'aws:kms',
    },
  })
  expect(named(spans, 'KMS/Decrypt')).toMatchObject({
    status: 0,
    attributes: { 'rpc.service': 'KMS', 'strongroom.kms_key_arn': expect.stringContaining(keyId) },
  })
})

test('a PUT of a large object', async () => {
  const body = Buffer.alloc(300_000, 7)
  const { spans } = await traced({ method: 'PUT', path: '/traced/large', body })
  expect(tree(spans, named(spans, 'run')?.spanId)).toEqual(['get data key', 'seal', 'write blob', 'commit'])
  expect(named(spans, 'seal')?.attributes).toMatchObject({ 'strongroom.encryption': 'AES256' })
})

test('a call of another service', async () => {
  const headers = { 'x-amz-target': 'TrentService.ListKeys' }
  const { spans } = await traced({ method: 'POST', path: '/', headers, anonymous: true, body: '{}' })
  expect(tree(spans, PARENT)).toEqual(['KMS/ListKeys', '  read', '  authenticate', '  record', '  send'])
  expect(named(spans, 'KMS/ListKeys')).toMatchObject({
    status: 0,
    attributes: { 'error.type': 'MissingAuthenticationTokenException', 'http.response.status_code': 400 },
  })
})

test('what the KMS refuses marks its span and those around it, and not the server’s', async () => {
  const { KeyMetadata } = await kmsClient(server).send(new CreateKeyCommand({}))
  const kms = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: KeyMetadata!.KeyId! } as const
  await s3Client(server).send(new PutObjectCommand({ Bucket: 'traced', Key: 'locked', Body: CONTENT, ...kms }))
  await kmsClient(server).send(new DisableKeyCommand({ KeyId: KeyMetadata!.KeyId! }))
  const { status, spans } = await traced({ method: 'GET', path: '/traced/locked' })
  expect(status).toBe(400)
  for (const name of ['KMS/Decrypt', 'get data key']) {
    expect(named(spans, name)).toMatchObject({ status: 2, attributes: { 'error.type': 'KmsKeyDisabled' } })
  }
  expect(named(spans, 'S3/GetObject')).toMatchObject({
    status: 0,
    attributes: { 'error.type': 'KMS.DisabledException', 'http.response.status_code': 400 },
  })
})

test('a failure of the server marks its span', async () => {
  const body = Buffer.alloc(300_000, 7)
  await s3Client(server).send(new PutObjectCommand({ Bucket: 'traced', Key: 'gone', Body: body }))
  await rm(join(server.dataDir, 'blobs/kept'), { recursive: true })
  const { status, spans } = await traced({ method: 'GET', path: '/traced/gone' })
  expect(status).toBe(500)
  expect(named(spans, 'S3/GetObject')).toMatchObject({ status: 2, attributes: { 'error.type': 'InternalError' } })
  expect(named(spans, 'open')).toMatchObject({ status: 2, attributes: { 'error.type': 'Damaged' } })
})

test('what its caller does not sample is not traced; the log tells the trace all the same', async () => {
  const traceId = 'c'.repeat(32)
  const headers = { traceparent: `00-${traceId}-${PARENT}-00` }
  await send(server, { method: 'GET', path: '/traced/small', headers })
  // One that is traced comes later.
  const { traceId: later } = await traced({ method: 'GET', path: '/traced/small' })
  expect(collector.spans.filter((span) => span.traceId === traceId)).toEqual([])
  const lines = server
    .log()
    .split('\n')
    .filter((line) => line.startsWith('{'))
  const operations = (id: string) =>
    lines.map((line) => JSON.parse(line)).flatMap((line) => (line.traceId === id ? [line.operation] : []))
  expect(operations(traceId)).toEqual(['Decrypt', 'GetObject'])
  expect(operations(later)).toEqual(['Decrypt', 'GetObject'])
})

test('a request without a trace begins one', async () => {
  await s3Client(server).send(new PutObjectCommand({ Bucket: 'traced', Key: 'new', Body: CONTENT }))
  const begun = () => collector.spans.find(({ attributes }) => attributes['aws.s3.key'] === 'new')
  await expect.poll(begun, { timeout: 20_000 }).toMatchObject({ name: 'S3/PutObject', parentSpanId: undefined })
})

test('metrics of all processes', async () => {
  const total = (name: string, wanted: Readonly<Record<string, string>>) =>
    collector.metrics
      .find((metric) => metric.name === name)
      ?.points.filter(({ attributes }) => Object.entries(wanted).every(([label, value]) => attributes[label] === value))
      .reduce((sum, { value }) => sum + value, 0)
  const kmsCalls = { operation: 'Decrypt', via: 's3', result: 'ok' }
  await expect.poll(() => total('strongroom_kms_calls_total', kmsCalls), { timeout: 20_000 }).toBeGreaterThan(0)
  expect(total('strongroom_catalog_commit_seconds', {})).toBeGreaterThan(0)
  for (const process of ['primary', 'worker-1', 'worker-2']) {
    expect(total('strongroom_resident_memory_bytes', { process })).toBeGreaterThan(1e6)
  }
  const kinds = Object.fromEntries(collector.metrics.map(({ name, kind }) => [name, kind]))
  expect(kinds).toMatchObject({
    strongroom_requests_total: 'sum',
    strongroom_disk_free_bytes: 'gauge',
    strongroom_request_duration_seconds: 'histogram',
  })
})

test('whose they are, with what headers; and nothing secret in any of it', async () => {
  expect(new Set(collector.requests.map(({ path }) => path))).toEqual(new Set(['/v1/traces', '/v1/metrics']))
  for (const { headers } of collector.requests) expect(headers['x-api-key']).toBe(API_KEY)
  const processes = new Set(collector.resources.map((resource) => resource['strongroom.process']))
  expect(processes).toContain('primary')
  for (const resource of collector.resources) expect(resource['service.name']).toBe('strongroom')
  const all = collector.requests.map(({ text }) => text).join('\n')
  expect(all).toContain('traced')
  for (const secret of [
    server.root.secretAccessKey,
    server.root.accessKeyId,
    CONTENT,
    'AWS4-HMAC-SHA256',
    'Signature=',
  ]) {
    expect(all).not.toContain(secret)
  }
  expect(server.log()).not.toContain(API_KEY)
})

describe('what keeps it from starting', () => {
  const serve = async (from: string, config: object) => {
    const path = join(dir, 'config.json')
    await writeFile(path, JSON.stringify(config))
    const data = join(dir, 'data')
    const args = ['serve', '--data', data, '--http', '127.0.0.1:0', '--https', 'off', '--config', path]
    const child = spawn(process.execPath, [join(from, 'bin/strongroom.mjs'), ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let text = ''
    child.stderr.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
    })
    const [code] = await once(child, 'close')
    return { code, text }
  }
  const inPlace = join(root, 'packages/server')

  test('packages that are not installed', async () => {
    // The program as npm installs it where nobody asked for the optional packages.
    const modules = join(dir, 'installed/node_modules')
    await mkdir(modules, { recursive: true })
    const installed = await readdir(join(root, 'node_modules'))
    for (const name of installed.filter((one) => one !== '@opentelemetry' && one !== 'strongroom')) {
      await symlink(join(root, 'node_modules', name), join(modules, name))
    }
    const copy = join(modules, 'strongroom')
    for (const part of ['bin', 'dist', 'package.json']) {
      await cp(join(inPlace, part), join(copy, part), { recursive: true })
    }
    const { code, text } = await serve(copy, { otlp: { endpoint: collector.endpoint } })
    expect(code).toBe(78)
    expect(text).toMatch(/otlp needs packages that are not installed: npm install @opentelemetry\/api@/)
  })

  test.each<[string, object, RegExp]>([
    ['a file of headers that is not there', { headersFile: '/nowhere' }, /otlp.headersFile: cannot read \/nowhere/],
    ['one that is none', { headersFile: join(root, 'LICENSE') }, /otlp.headersFile: line \d+ is not of the form/],
  ])('%s', async (_, otlp, message) => {
    const { code, text } = await serve(inPlace, { otlp: { endpoint: collector.endpoint, ...otlp } })
    expect(code).toBe(78)
    expect(text).toMatch(message)
  })
})
