/** `strongroom kms plan`: a workload, a real server's log, and its quota. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateKeyCommand, EncryptCommand } from '@aws-sdk/client-kms'
import {
  CopyObjectCommand,
  CreateBucketCommand,
  GetObjectCommand,
  PutBucketEncryptionCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kmsClient, s3Client } from '../support/sdk.ts'
import { program, startServer, type TestServer } from '../support/server.ts'

function plan(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<{ code: number; stdout: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [program, 'kms', 'plan', ...args],
      { env: { ...process.env, ...env } },
      (error, stdout) => resolve({ code: (error?.code as number | undefined) ?? 0, stdout }),
    )
  })
}

interface Planned {
  readonly without: Rates
  readonly with: Rates
  readonly operations: readonly { operation: string; viaS3: boolean; calls: number }[]
  readonly quotas: readonly {
    readonly regions: readonly string[]
    readonly profile: string
    readonly callsPerSecond: number
    readonly without: Outlook
    readonly with: Outlook
  }[]
}

type Rates = Readonly<Record<'generateDataKey' | 'decrypt' | 'calls' | 'busiestSecond', number>>

interface Outlook {
  readonly used: number
  readonly throttledAtLoad: number | null
  readonly inMonths: number | null
  readonly atStart: boolean
}

const planned = async (args: readonly string[], env?: NodeJS.ProcessEnv) =>
  JSON.parse((await plan([...args, '--json'], env)).stdout) as Planned

const WORKLOAD = ['--puts', '3000', '--gets', '8000', '--buckets', '4', '--requesters', '10', '--workers', '2']

describe('a workload', () => {
  test('has calls with and without Bucket Keys, and a quota in every Region', async () => {
    const { without, with: left, quotas } = await planned([...WORKLOAD, '--growth-per-month', '10%'])
    expect(without).toEqual({ generateDataKey: 3000, decrypt: 8000, all: 11_000, atStart: 11_000 })
    // Eighty places that write; what they made in an hour is read by ten requesters in two processes.
    expect(left.generateDataKey).toBeCloseTo(80 / 300, 3)
    expect(left.decrypt).toBeCloseTo(8000 / (1 + (8000 * 300) / (10 * 2 * 960)), 0)
    const found = quotas.map(({ regions, profile, callsPerSecond, without: outlook }) => [
      ...[profile, regions[0], callsPerSecond],
      Math.round(outlook.throttledAtLoad! * 100) / 100,
      Math.round(outlook.inMonths!),
    ])
    expect(found).toEqual([
      ['current', 'us-east-1', 100_000, 9.09, 23],
      ['current', 'us-east-2', 20_000, 1.82, 6],
      ['current', 'other Regions', 10_000, 0.91, 0],
      ['notes', 'us-east-1', 30_000, 2.73, 11],
      ['notes', 'us-east-2', 10_000, 0.91, 0],
      ['notes', 'other Regions', 5_500, 0.5, 0],
    ])
    expect(quotas.map((quota) => quota.with.throttledAtLoad)).toEqual([null, null, null, null, null, null])
    expect(quotas.map((quota) => quota.with.atStart)).toEqual([false, false, false, false, false, true])
  })

  test('is told to people as a table', async () => {
    const { code, stdout } = await plan([...WORKLOAD, '--growth-per-month', '10'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/without Bucket Keys +3,000 +8,000 +11,000/)
    expect(stdout).toMatch(/Bucket Keys leave 0\.58% of the calls/)
    expect(stdout).toMatch(
      /current +us-east-1, us-west-2, eu-west-1 +100,000 +11% +at 9\.09×, in 23 months +<0\.1% +never/,
    )
    expect(stdout).toMatch(/notes +other Regions +5,500 +200% +now +1\.16% +after a start, else never/)
  })
})

describe('a server', () => {
  let server: TestServer
  let dir: string
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'strongroom-plan-'))
    server = await startServer({ workers: 1, config: { kms: { quotaProfile: { symmetric: 20_000 } } } })
  })
  afterAll(async () => {
    await server.remove()
    await rm(dir, { recursive: true })
  })

  /** Writes each of some objects, and reads and copies some of them; resolves to the log that this made. */
  async function work(Bucket: string, BucketKeyEnabled: boolean): Promise<string> {
    const s3 = s3Client(server)
    const before = server.log().length
    await s3.send(new CreateBucketCommand({ Bucket }))
    const rule = { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' as const }, BucketKeyEnabled }
    await s3.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration: { Rules: [rule] } }))
    for (let i = 0; i < 5; i++) await s3.send(new PutObjectCommand({ Bucket, Key: `${i}`, Body: 'x' }))
    for (let i = 0; i < 5; i++) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: `${i % 3}` }))
      await Body!.transformToByteArray()
    }
    await s3.send(new PutObjectCommand({ Bucket, Key: 'dsse', Body: 'x', ServerSideEncryption: 'aws:kms:dsse' }))
    const copy = new CopyObjectCommand({ Bucket, Key: 'last', CopySource: `${Bucket}/0` })
    await s3.send(copy)
    await expect.poll(() => server.log().slice(before)).toContain('"operation":"CopyObject"')
    return server.log().slice(before)
  }

  test('its log tells what was called, and what Bucket Keys would have left is what they do leave', async () => {
    const log = join(dir, 'log')
    await writeFile(log, await work('without', false))
    const report = await planned(['--log', log])
    expect(report.without.calls).toBe(5 + 5 + 1 + 2)
    // Of the copy the log does not tell the source, so that its Decrypt is left.
    const withKeys = (await work('with', true)).split('\n').filter((line) => line.includes('"viaRequestId"'))
    expect(withKeys).toHaveLength(2)
    expect(report.with.calls).toBe(withKeys.length + 1)
    const byS3 = report.operations.filter(({ viaS3 }) => viaS3)
    expect(byS3.map(({ operation, calls }) => [operation, calls])).toEqual([
      ['GenerateDataKey', 7],
      ['Decrypt', 6],
    ])
    expect(report.quotas[0]!.without.used).toBeCloseTo(report.without.busiestSecond / 100_000, 9)
  })

  test('several logs and direct calls are one', async () => {
    const before = server.log().length
    const { KeyMetadata } = await kmsClient(server).send(new CreateKeyCommand({}))
    for (let i = 0; i < 3; i++) {
      await kmsClient(server).send(new EncryptCommand({ KeyId: KeyMetadata!.KeyId!, Plaintext: Buffer.from('x') }))
    }
    await expect
      .poll(
        () =>
          server
            .log()
            .slice(before)
            .match(/"operation":"Encrypt"/g)?.length,
      )
      .toBe(3)
    const direct = join(dir, 'direct')
    await writeFile(direct, `not a line of the log\n${server.log().slice(before)}`)
    const [one, both] = [await planned(['--log', direct]), await planned(['--log', direct, join(dir, 'log')])]
    expect(one.operations).toEqual([
      { operation: 'Encrypt', viaS3: false, calls: 3, throttled: 0, left: 3 },
      { operation: 'CreateKey', viaS3: false, calls: 1, throttled: 0, left: 1 },
    ])
    // Only Encrypt is of the symmetric quota.
    expect(one.without.calls).toBe(3)
    expect(both.without.calls).toBe(3 + 13)
    const { stdout } = await plan(['--log', join(dir, 'log'), direct])
    expect(stdout).toMatch(/Encrypt +callers +3 +0 +3/)
    expect(stdout).toMatch(/as made +16 /)
  })

  test('its quota counts beside the defaults', async () => {
    const env = {
      AWS_ENDPOINT_URL: server.https,
      AWS_CA_BUNDLE: server.ca,
      AWS_SHARED_CREDENTIALS_FILE: server.credentials,
    }
    const { quotas } = await planned([...WORKLOAD, '--applied'], { ...env, AWS_PROFILE: 'strongroom' })
    expect(quotas.at(-1)).toMatchObject({ profile: 'applied', regions: ['us-east-1'], callsPerSecond: 20_000 })
    expect(quotas.at(-1)!.without.used).toBeCloseTo(0.55, 9)
  })
})

test.each([
  [2, 'nothing', []],
  [2, 'no number', ['--puts', 'many']],
  [2, 'no process', ['--puts', '1', '--workers', '0']],
  [2, 'no time', ['--puts', '1', '--read-age', 'long']],
  [2, 'no percentage', ['--puts', '1', '--growth-per-month', 'much']],
  [2, 'two workloads', ['--puts', '1', '--log', program]],
  [2, 'a file that is no log', ['--log', program]],
  [1, 'a file that is not there', ['--log', `${program}.absent`]],
])('exit code %d for %s', async (code, _, args) => {
  expect(await plan(args)).toMatchObject({ code })
})
