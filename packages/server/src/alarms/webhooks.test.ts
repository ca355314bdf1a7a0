import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ensureLocalCertificates, type TlsFiles } from '../http/certificates.ts'
import { Webhooks } from './webhooks.ts'

const arn = 'arn:aws:sns:us-east-1:000000000000:ops'
const envelope = { arn, messageId: 'id', body: '{"é":1}' }
let dir: string
let tls: TlsFiles
const open: Server[] = []
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'webhooks-'))
  tls = await ensureLocalCertificates({ tlsDir: dir, secretsDir: dir, extraHosts: [], nowMs: Date.now() })
})
afterAll(async () => {
  for (const server of open) server.close()
  await rm(dir, { recursive: true })
})

async function listen(server: Server): Promise<number> {
  open.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const answering = (status: number, headers: Record<string, string> = {}): RequestListener => {
  return (request, response) => {
    request.resume()
    response.writeHead(status, headers).end('x'.repeat(100_000))
  }
}

test.each([
  [200, undefined],
  [204, undefined],
  [302, { error: 'The webhook answered 302', isFinal: false }],
  [400, { error: 'The webhook answered 400', isFinal: true }],
  [429, { error: 'The webhook answered 429', isFinal: false }],
  [503, { error: 'The webhook answered 503', isFinal: false }],
])('an answer of %i', async (status, delivery) => {
  let calls = 0
  const port = await listen(
    createServer((request, response) => {
      calls++
      answering(status, { location: '/elsewhere' })(request, response)
    }),
  )
  const webhooks = new Webhooks([{ arn, url: `http://127.0.0.1:${port}/hook` }])
  expect(await webhooks.deliver(envelope)).toEqual(delivery)
  // Not even where it is told to go elsewhere.
  expect(calls).toBe(1)
})

test('what is sent', async () => {
  let told: unknown
  const port = await listen(
    createServer(async (request, response) => {
      const pieces: Buffer[] = []
      for await (const piece of request) pieces.push(piece as Buffer)
      const { method, url, headers } = request
      told = { method, url, topic: headers['x-amz-sns-topic-arn'], body: Buffer.concat(pieces).toString() }
      response.end()
    }),
  )
  await new Webhooks([{ arn, url: `http://127.0.0.1:${port}/hook?key=1` }]).deliver(envelope)
  expect(told).toEqual({ method: 'POST', url: '/hook?key=1', topic: arn, body: envelope.body })
})

test('an ARN that is not configured, and a receiver that is not there', async () => {
  const server = createServer()
  const port = await listen(server)
  server.close()
  const webhooks = new Webhooks([{ arn, url: `http://127.0.0.1:${port}/` }])
  expect(await webhooks.deliver({ ...envelope, arn: `${arn}2` })).toMatchObject({ isFinal: true })
  expect(await webhooks.deliver(envelope)).toMatchObject({
    error: expect.stringContaining('ECONNREFUSED'),
    isFinal: false,
  })
})

test('over TLS, only to whom an authority vouches for', async () => {
  const pair = { cert: await readFile(tls.certPath), key: await readFile(tls.keyPath) }
  const port = await listen(createTlsServer(pair, answering(200)))
  const url = `https://127.0.0.1:${port}/`
  expect(await new Webhooks([{ arn, url, caFile: tls.caPath! }]).deliver(envelope)).toBeUndefined()
  expect(await new Webhooks([{ arn, url }]).deliver(envelope)).toMatchObject({
    error: expect.stringContaining('could not be reached'),
    isFinal: false,
  })
  const absent = new Webhooks([{ arn, url, caFile: join(dir, 'absent.pem') }])
  expect(await absent.deliver(envelope)).toMatchObject({ error: expect.stringContaining('ENOENT'), isFinal: false })
})
