/** What the SDK cannot send: bad SSE-C headers, and `Expect: 100-continue`. Codes and texts are those of AWS. */
import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RawRequest, send } from '../support/raw.ts'
import { startServer, type TestServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
  expect((await send(server, { method: 'PUT', path: '/raw' })).status).toBe(200)
})
afterAll(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error/)
  await server.remove()
})

const SSE = 'x-amz-server-side-encryption'
const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('base64')
const key = randomBytes(32)
const customer = (bytes: Uint8Array = key) => ({
  [`${SSE}-customer-algorithm`]: 'AES256',
  [`${SSE}-customer-key`]: Buffer.from(bytes).toString('base64'),
  [`${SSE}-customer-key-md5`]: md5(bytes),
})
const without = (name: 'algorithm' | 'key' | 'key-md5') =>
  Object.fromEntries(Object.entries(customer()).filter(([header]) => header !== `${SSE}-customer-${name}`))
const must = (rest: string) => `Requests specifying Server Side Encryption with Customer provided keys must ${rest}`

describe('SSE-C headers of a write', () => {
  test.each<[string, Record<string, string>, string, string]>([
    [
      'beside another method',
      { ...customer(), [SSE]: 'AES256' },
      'InvalidArgument',
      'Server Side Encryption with Customer provided key is incompatible with the encryption method specified',
    ],
    ['without algorithm', without('algorithm'), 'InvalidArgument', must('provide a valid encryption algorithm.')],
    ['without key', without('key'), 'InvalidArgument', must('provide an appropriate secret key.')],
    [
      'without MD5',
      without('key-md5'),
      'InvalidArgument',
      must('provide the client calculated MD5 of the secret key.'),
    ],
    [
      'of another algorithm',
      { ...customer(), [`${SSE}-customer-algorithm`]: 'AES128' },
      'InvalidEncryptionAlgorithmError',
      'The Encryption request you specified is not valid. Supported value: AES256.',
    ],
    [
      'with a key of 31 bytes',
      customer(key.subarray(1)),
      'InvalidArgument',
      'The secret key was invalid for the specified algorithm.',
    ],
    [
      'with the MD5 of another key',
      { ...customer(), [`${SSE}-customer-key-md5`]: md5(randomBytes(32)) },
      'InvalidArgument',
      'The calculated MD5 hash of the key did not match the hash that was provided.',
    ],
  ])('%s', async (_name, headers, code, message) => {
    const put: RawRequest = { method: 'PUT', path: '/raw/k', headers, body: 'x' }
    expect(await send(server, put)).toMatchObject({ status: 400, code, message })
    const create = { method: 'POST', path: '/raw/k', query: { uploads: '' }, headers }
    expect(await send(server, create)).toMatchObject({ status: 400, code, message })
    expect((await send(server, { method: 'HEAD', path: '/raw/k' })).status).toBe(404)
  })

  test.each(['PUT', 'GET', 'HEAD'])('over plain HTTP, %s', async (method) => {
    const reply = await send(server, { method, path: '/raw/c', headers: customer(), plain: true })
    expect(reply.status).toBe(400)
    if (method !== 'HEAD') {
      expect(reply).toMatchObject({ code: 'InvalidRequest', message: must('be made over a secure connection.') })
    }
  })
})

test('reads of an SSE-C object: without key 400, with another 403, also HEAD', async () => {
  const put = { method: 'PUT', path: '/raw/sse-c', headers: customer(), body: 'secret' }
  expect(await send(server, put)).toMatchObject({ status: 200, headers: { [`${SSE}-customer-key-md5`]: md5(key) } })
  for (const [headers, status, code] of [
    [{}, 400, 'InvalidRequest'],
    [customer(randomBytes(32)), 403, 'AccessDenied'],
    [customer(randomBytes(31)), 403, 'AccessDenied'],
    [{ ...customer(), [`${SSE}-customer-algorithm`]: 'KMS' }, 400, 'InvalidEncryptionAlgorithmError'],
  ] as const) {
    expect(await send(server, { method: 'GET', path: '/raw/sse-c', headers })).toMatchObject({ status, code })
    expect(await send(server, { method: 'HEAD', path: '/raw/sse-c', headers })).toMatchObject({ status, body: '' })
  }
  expect(await send(server, { method: 'GET', path: '/raw/sse-c', headers: customer() })).toMatchObject({
    status: 200,
    body: 'secret',
  })
})

test("the notes' spelling of the method is refused", async () => {
  const put = { method: 'PUT', path: '/raw/k', headers: { [SSE]: 'AES-256' }, body: 'x' }
  expect(await send(server, put)).toMatchObject({ status: 400, code: 'InvalidArgument' })
})

describe('Expect: 100-continue', () => {
  const headers = { expect: '100-continue' }
  const wrong = { accessKeyId: 'AKIANOBODY', secretAccessKey: 'x' }

  test.each<[string, Partial<RawRequest>, number]>([
    ['no such bucket', { path: '/absent-bucket/k' }, 404],
    ['no such access key', { credentials: wrong }, 403],
    ['a bad method of encryption', { headers: { ...headers, [SSE]: 'AES-256' } }, 400],
    ['an SSE-C header over HTTP', { headers: { ...headers, ...customer() }, plain: true }, 400],
    ['a condition that does not hold', { path: '/raw/there', headers: { ...headers, 'if-none-match': '*' } }, 412],
    ['no such upload', { query: { uploadId: 'x', partNumber: '1' } }, 404],
  ])('%s: answered without asking for the body', async (_name, more, status) => {
    expect((await send(server, { method: 'PUT', path: '/raw/there', body: 'x' })).status).toBe(200)
    const reply = await send(server, { method: 'PUT', path: '/raw/k', body: 'x', headers, ...more })
    expect(reply).toMatchObject({ status, continued: false })
  })

  test('a request that can be done is asked for its body', async () => {
    const put = { method: 'PUT', path: '/raw/continued', headers, body: 'x'.repeat(100_000) }
    expect(await send(server, put)).toMatchObject({ status: 200, continued: true })
  })
})
