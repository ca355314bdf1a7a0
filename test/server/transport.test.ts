/** TLS, certificates exchanged under a running server, health and metrics. */
import { once } from 'node:events'
import { copyFile } from 'node:fs/promises'
import { get as httpGet } from 'node:http'
import { join } from 'node:path'
import { connect, type SecureVersion } from 'node:tls'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { failure, s3Client } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.remove())

async function handshake(ca: string, version: SecureVersion): Promise<string | null> {
  const { hostname, port } = new URL(server.https)
  const options = { host: hostname, port: Number(port), ca, minVersion: version, maxVersion: version }
  // Without this Node itself would not offer the old versions.
  const socket = connect({ ...options, ciphers: 'DEFAULT@SECLEVEL=0' })
  try {
    await once(socket, 'secureConnect')
    return socket.getProtocol()
  } finally {
    socket.destroy()
  }
}

test.each<SecureVersion>(['TLSv1.2', 'TLSv1.3'])('%s', async (version) => {
  expect(await handshake(server.caPem, version)).toBe(version)
})

test.each<SecureVersion>(['TLSv1', 'TLSv1.1'])('%s is refused', async (version) => {
  await expect(handshake(server.caPem, version)).rejects.toThrow()
})

test('a new certificate is taken up without a restart', async () => {
  const another = await startServer()
  const pair = (dataDir: string) => [join(dataDir, 'tls/server.pem'), join(dataDir, 'secrets/server.key')] as const
  const [cert, key] = pair(server.dataDir)
  const [newCert, newKey] = pair(another.dataDir)
  await another.stop()
  await expect(handshake(another.caPem, 'TLSv1.3')).rejects.toThrow()
  await copyFile(newCert, cert)
  await copyFile(newKey, key)
  process.kill(server.pid, 'SIGHUP')
  const works = (ca: string) => handshake(ca, 'TLSv1.3').then(Boolean, () => false)
  // Every worker must have it: several connections in a row.
  await expect
    .poll(async () => (await Promise.all(Array.from({ length: 10 }, () => works(another.caPem)))).every(Boolean), {
      timeout: 20_000,
    })
    .toBe(true)
  expect(await works(server.caPem)).toBe(false)
  await another.remove()
})

test('health and metrics', async () => {
  const fetchText = (path: string) =>
    new Promise<{ status: number; text: string }>((resolve, reject) => {
      httpGet(`${server.http}${path}`, (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (piece: string) => {
          text += piece
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
      }).on('error', reject)
    })
  expect(await fetchText('/-/health/live')).toEqual({ status: 200, text: '{"status":"live"}\n' })
  expect(await fetchText('/-/health/ready')).toEqual({ status: 200, text: '{"status":"ready"}\n' })
  expect((await fetchText('/-/nothing')).status).toBe(404)
  const s3 = s3Client(server, { plain: true })
  await s3.send(new CreateBucketCommand({ Bucket: 'metrics' }))
  for (const Key of ['a', 'b', 'c']) await s3.send(new PutObjectCommand({ Bucket: 'metrics', Key, Body: 'x' }))
  await failure(s3.send(new GetObjectCommand({ Bucket: 'metrics', Key: 'absent' })))
  const { text } = await fetchText('/-/metrics')
  // Added up over all workers.
  const total = (name: string, ...labels: string[]) =>
    text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) && labels.every((label) => line.includes(label)))
      .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  expect(total('strongroom_requests_total', 'operation="PutObject"')).toBe(3)
  expect(total('strongroom_errors_total', 'service="s3"', 'code="NoSuchKey"')).toBe(1)
  for (const secret of [server.root.secretAccessKey, 'absent']) expect(text).not.toContain(secret)
})
