/**
 * AWS's own command that verifies what CloudTrail delivered, `aws cloudtrail validate-logs`, against what is delivered here.
 *
 * Its older versions make their S3 client without a way to be told an endpoint, so they are led here by a proxy, and the
 * server serves the name that AWS's S3 has.
 */
import { execFile, execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { DeleteObjectCommand, HeadObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clientEnvironment, has } from '../support/clients.ts'
import { type ConnectProxy, startConnectProxy } from '../support/connect-proxy.ts'
import { s3Client } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { contentOf, FAST_TRAILS, finishedTrail } from '../support/trails.ts'

const BUCKET = 'trail-logs'
const S3_NAME = 's3.us-east-1.amazonaws.com'

/** Whether the `aws` that is found first honours AWS_ENDPOINT_URL: version 2 from 2.13 on, version 1 from 1.29 on. */
function honoursEndpoint(env: NodeJS.ProcessEnv): boolean {
  const version = execFileSync('aws', ['--version'], { env, encoding: 'utf8' })
  const [major = 0, minor = 0] = /aws-cli\/(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number) ?? []
  return minor >= (major === 1 ? 29 : 13)
}

describe.skipIf(!has('aws'))('aws cloudtrail validate-logs', () => {
  let server: TestServer
  let proxy: ConnectProxy
  let s3: S3Client
  let home: string
  let trail: Awaited<ReturnType<typeof finishedTrail>>
  /** Ways to call it; the second only where there is a version for it. */
  const environments: NodeJS.ProcessEnv[] = []
  beforeAll(async () => {
    server = await startServer({ args: ['--domain', S3_NAME], config: { cloudtrail: FAST_TRAILS } })
    proxy = await startConnectProxy(server.https)
    s3 = s3Client(server)
    home = await mkdtemp(join(tmpdir(), 'validate-logs-'))
    const env = clientEnvironment(server, home)
    environments.push({ ...env, HTTPS_PROXY: proxy.url, NO_PROXY: '127.0.0.1' })
    const given = { ...env, PATH: process.env.PATH, AWS_ENDPOINT_URL: server.https }
    if (honoursEndpoint(given)) environments.push(given)
    else console.log('SKIPPED: no aws that honours AWS_ENDPOINT_URL is installed')
    trail = await finishedTrail(server)
  })
  afterAll(async () => {
    await proxy.close()
    await server.remove()
    await rm(home, { recursive: true })
  })

  /** Exit code and output of each way. */
  async function validate() {
    const options = [
      '--trail-arn',
      trail.arn,
      '--start-time',
      new Date(Date.now() - 600_000).toISOString(),
      '--verbose',
    ]
    const command = ['cloudtrail', 'validate-logs', '--region', 'us-east-1', '--endpoint-url', server.https, ...options]
    return Promise.all(
      environments.map((env) =>
        promisify(execFile)('aws', command, { env }).then(
          ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
          ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, stdout, stderr }),
        ),
      ),
    )
  }
  const expectEach = async (code: number, ...expected: readonly string[]) => {
    for (const run of await validate()) {
      const output = run.stdout + run.stderr
      for (const text of expected) expect(output).toContain(text)
      expect(run.code).toBe(code)
    }
  }
  const url = (key: string) => `s3://${BUCKET}/${key}`

  test('says of all that was delivered that it is valid', async () => {
    const { logs, digests } = trail
    expect(digests.length).toBeGreaterThan(3)
    expect(logs.length).toBeGreaterThan(1)
    await expectEach(
      0,
      `${digests.length}/${digests.length} digest files valid`,
      `${logs.length}/${logs.length} log files valid`,
      ...digests.map((key) => `Digest file\t${url(key)}\tvalid`),
      ...logs.map((key) => `Log file\t${url(key)}\tvalid`),
    )
    // The older way went through the proxy to AWS's name.
    expect([...proxy.asked].some((name) => name.endsWith(`${S3_NAME}:443`))).toBe(true)
  })

  test('names a log file that was altered, one that was removed, and a digest that was replaced', async () => {
    const [altered, removed] = trail.logs
    const text = (await contentOf(s3, BUCKET, altered!)).toString()
    const Body = gzipSync(text.replace('"eventName"', '"EventName"'))
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: altered!, Body }))
    await s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: removed! }))
    await expectEach(
      1,
      `Log file\t${url(altered!)}\tINVALID: hash value doesn't match`,
      `Log file\t${url(removed!)}\tINVALID: not found`,
      `2/${trail.logs.length} log files INVALID`,
    )
    const [, replaced] = trail.digests
    const digest = JSON.parse((await contentOf(s3, BUCKET, replaced!)).toString())
    const { Metadata } = await s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key: replaced! }))
    const forged = gzipSync(JSON.stringify({ ...digest, logFiles: [] }))
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: replaced!, Body: forged, Metadata }))
    await expectEach(1, `Digest file\t${url(replaced!)}\tINVALID: signature verification failed`)
    await s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: replaced! }))
    await expectEach(1, `Digest file\t${url(replaced!)}\tINVALID: not found`)
  })
})
