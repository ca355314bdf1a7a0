/** What operators' tools read of a running server: the page of metrics and who may read it, and what Prometheus says of it. */
import { spawnSync } from 'node:child_process'
import { get } from 'node:http'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { CreateKeyCommand } from '@aws-sdk/client-kms'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { METRIC_DEFINITIONS } from '../../packages/server/src/metrics/definitions.ts'
import { has } from '../support/clients.ts'
import { send } from '../support/raw.ts'
import { failure, kmsClient, s3Client } from '../support/sdk.ts'
import { childrenOf, root, startServer, type TestServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.remove())

interface Page {
  readonly status: number
  readonly text: string
  readonly challenge: string | undefined
}

const fetchPage = (url: string, authorization?: string) =>
  new Promise<Page>((resolve, reject) => {
    get(`${url}/-/metrics`, { headers: authorization === undefined ? {} : { authorization } }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece
      })
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text, challenge: response.headers['www-authenticate'] }),
      )
    }).on('error', reject)
  })

/** The sum of a metric's series that have these labels. */
function total(page: string, name: string, labels: Readonly<Record<string, string>> = {}): number {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
  return page
    .split('\n')
    .filter((line) => /^[^ {]+/.exec(line)?.[0] === name && wanted.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}

describe('the page of metrics', () => {
  let page: string
  beforeAll(async () => {
    const s3 = s3Client(server)
    const SSEKMSKeyId = (await kmsClient(server).send(new CreateKeyCommand({}))).KeyMetadata!.KeyId!
    await s3.send(new CreateBucketCommand({ Bucket: 'watched' }))
    const kms = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId, BucketKeyEnabled: true } as const
    for (const Key of ['a', 'b', 'c', 'd', 'e', 'f']) {
      await s3.send(new PutObjectCommand({ Bucket: 'watched', Key, Body: Buffer.alloc(70_000), ...kms }))
      await (await s3.send(new GetObjectCommand({ Bucket: 'watched', Key }))).Body!.transformToByteArray()
    }
    const plain = s3Client(server, { plain: true })
    await failure(plain.send(new GetObjectCommand({ Bucket: 'watched', Key: 'a' })))
    await failure(plain.send(new PutObjectCommand({ Bucket: 'watched', Key: 'g', Body: 'x', ...kms })))
    const SSECustomerKey = Buffer.alloc(32, 1).toString('base64')
    await send(server, {
      method: 'GET',
      path: '/watched/a',
      plain: true,
      headers: {
        'x-amz-server-side-encryption-customer-algorithm': 'AES256',
        'x-amz-server-side-encryption-customer-key': SSECustomerKey,
        'x-amz-server-side-encryption-customer-key-md5': 'x',
      },
    })
    await failure(kmsClient(server, { plain: true }).send(new CreateKeyCommand({})))
    page = (await fetchPage(server.http)).text
  })

  test('has every metric, each series with the labels of its definition', () => {
    for (const { name, type } of METRIC_DEFINITIONS) expect(page).toContain(`# TYPE ${name} ${type}\n`)
    const strange = page.split('\n').filter((line) => {
      const [, series, labels = ''] = /^(\w+)(?:\{(.*)\})? \S+$/.exec(line) ?? []
      if (series === undefined) return false
      const definition = METRIC_DEFINITIONS.find(
        ({ name, type }) => series === name || (type === 'histogram' && series.startsWith(`${name}_`)),
      )
      const names = [...labels.matchAll(/(\w+)="/g)].map(([, label]) => label).filter((label) => label !== 'le')
      return JSON.stringify(names) !== JSON.stringify(definition?.labels)
    })
    expect(strange).toEqual([])
  })

  test('adds up all processes, and tells what one of them is like', () => {
    for (const process of ['primary', 'worker-1', 'worker-2']) {
      expect(total(page, 'strongroom_resident_memory_bytes', { process })).toBeGreaterThan(1e6)
      expect(total(page, 'strongroom_cpu_seconds_total', { process, mode: 'user' })).toBeGreaterThan(0)
    }
    expect(total(page, 'strongroom_requests_total', { operation: 'PutObject', status: '200' })).toBe(6)
    expect(total(page, 'strongroom_catalog_commit_seconds_count')).toBeGreaterThan(6)
    expect(total(page, 'strongroom_journal_sync_seconds_count')).toBeGreaterThan(0)
    expect(total(page, 'strongroom_journal_failures_total')).toBe(0)
    // The one that asks.
    expect(total(page, 'strongroom_requests_in_flight')).toBe(1)
    expect(total(page, 'strongroom_open_connections', { transport: 'http' })).toBeGreaterThanOrEqual(1)
    expect(total(page, 'strongroom_open_connections', { transport: 'https' })).toBeGreaterThanOrEqual(1)
  })

  test('what is told once is the truth, not that times the number of processes', () => {
    const free = total(page, 'strongroom_disk_free_bytes')
    const size = total(page, 'strongroom_disk_size_bytes')
    expect(free).toBeGreaterThan(0)
    expect(free).toBeLessThan(size)
    const days = (total(page, 'strongroom_certificate_expiry_timestamp_seconds') - Date.now() / 1000) / 86_400
    expect(days).toBeGreaterThan(390)
    expect(days).toBeLessThan(400)
  })

  test('the work of encryption', () => {
    const method = 'aws:kms'
    expect(total(page, 'strongroom_crypto_bytes_total', { work: 'seal', method })).toBe(6 * 70_000)
    expect(total(page, 'strongroom_crypto_bytes_total', { work: 'open', method })).toBe(6 * 70_000)
    const lookups = (result: string) =>
      total(page, 'strongroom_key_cache_lookups_total', { cache: 'bucket-key', result })
    // A PUT looks for one to write with and one to read with, a GET for one to read with; each worker makes its own.
    expect(lookups('hit') + lookups('miss')).toBe(6 * 3)
    expect(lookups('miss')).toBe(total(page, 'strongroom_kms_calls_total', { via: 's3', result: 'ok' }))
    expect(lookups('hit')).toBeGreaterThan(6)
  })

  test('what plain HTTP may not carry', () => {
    expect(total(page, 'strongroom_plain_http_refused_total', { service: 's3' })).toBe(3)
    expect(total(page, 'strongroom_plain_http_refused_total', { service: 'kms' })).toBe(1)
    expect(total(page, 'strongroom_plain_http_refused_total', { service: 'iam' })).toBe(0)
  })

  test.skipIf(!has('promtool'))('promtool finds nothing wrong with it', () => {
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: page, encoding: 'utf8' })
    expect({ status, text: stdout + stderr }).toEqual({ status: 0, text: '' })
  })
})

test('a lost worker takes nothing out of the sums', async () => {
  const one = await startServer()
  try {
    const s3 = s3Client(one)
    await s3.send(new CreateBucketCommand({ Bucket: 'counted' }))
    for (let i = 0; i < 20; i++) await s3.send(new PutObjectCommand({ Bucket: 'counted', Key: 'a', Body: 'x' }))
    const puts = async () =>
      total((await fetchPage(one.http)).text, 'strongroom_requests_total', { operation: 'PutObject' })
    expect(await puts()).toBe(20)
    for (const pid of await childrenOf(one.pid)) process.kill(pid, 'SIGKILL')
    const lost = async () => total((await fetchPage(one.http)).text, 'strongroom_workers_lost_total')
    await expect.poll(() => lost().catch(() => 0), { timeout: 20_000 }).toBe(2)
    expect(await puts()).toBe(20)
  } finally {
    await one.remove()
  }
})

test.skipIf(!has('promtool')).each([
  ['check', 'rules', 'alerts.yml'],
  ['check', 'config', '--syntax-only', 'prometheus.yml'],
  ['test', 'rules', 'alerts.test.yml'],
])('promtool %s %s %s', (...args) => {
  const { status, stdout, stderr } = spawnSync('promtool', args, {
    cwd: join(root, 'deploy/prometheus'),
    encoding: 'utf8',
  })
  expect({ status, text: stdout + stderr }).toMatchObject({ status: 0, text: expect.stringContaining('SUCCESS') })
})

describe('who may read metrics', () => {
  /** One of this machine that is not loopback. */
  const address = Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address
  if (address === undefined) console.log('SKIPPED: this machine has no address but loopback')

  const everywhere = ['--http', '0.0.0.0:0']
  const from = ({ http }: TestServer, host: string) => `http://${host}:${new URL(http).port}`

  test('with a token, only who has it', async () => {
    const token = 'a-token-of-ours'
    const one = await startServer({ config: { metrics: { token } } })
    try {
      for (const given of [undefined, 'Bearer another', `Basic ${token}`, token]) {
        expect(await fetchPage(one.http, given)).toMatchObject({ status: 401, challenge: 'Bearer' })
      }
      const page = await fetchPage(one.http, `Bearer ${token}`)
      expect(page).toMatchObject({ status: 200, text: expect.stringContaining('strongroom_requests_total{') })
      expect(page.text + one.log()).not.toContain(token)
    } finally {
      await one.remove()
    }
  })

  test.skipIf(address === undefined)('without one, only who asks on this machine', async () => {
    const one = await startServer({ args: everywhere })
    try {
      expect(await fetchPage(from(one, '127.0.0.1'))).toMatchObject({ status: 200 })
      expect(await fetchPage(from(one, address!))).toMatchObject({
        status: 403,
        text: expect.stringContaining('metrics.tokenFile'),
      })
    } finally {
      await one.remove()
    }
  })

  test.skipIf(address === undefined)('where it is open, anybody', async () => {
    const one = await startServer({ args: everywhere, config: { metrics: { open: true } } })
    try {
      expect(await fetchPage(from(one, address!))).toMatchObject({ status: 200 })
    } finally {
      await one.remove()
    }
  })
})
