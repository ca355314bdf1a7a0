/** `strongroom audit verify --trail`: of a bucket, and of files that were downloaded, without any server. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { DeleteTrailCommand, ListPublicKeysCommand } from '@aws-sdk/client-cloudtrail'
import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { s3Client, trailClient } from '../support/sdk.ts'
import { program, startServer, type TestServer } from '../support/server.ts'
import { FAST_TRAILS, finishedTrail, keysIn } from '../support/trails.ts'

let server: TestServer
let s3: S3Client
let dir: string
let trail: Awaited<ReturnType<typeof finishedTrail>>
beforeAll(async () => {
  server = await startServer({ config: { cloudtrail: FAST_TRAILS } })
  s3 = s3Client(server)
  dir = await mkdtemp(join(tmpdir(), 'verify-'))
  trail = await finishedTrail(server)
})
afterAll(async () => {
  await server.remove()
  await rm(dir, { recursive: true })
})

async function verify(...args: string[]) {
  const env = {
    ...process.env,
    AWS_ACCESS_KEY_ID: server.root.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.root.secretAccessKey,
  }
  const command = [program, 'audit', 'verify', ...args]
  return promisify(execFile)(process.execPath, command, { env }).then(
    ({ stdout }) => ({ code: 0, stdout }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, stdout: stdout + stderr }),
  )
}
const atServer = () => ['--endpoint', server.https, '--ca', server.ca]
const counts = ({ digests, logs }: typeof trail) => [
  `${digests.length}/${digests.length} digest files valid`,
  `${logs.length}/${logs.length} log files valid`,
]

test('what was delivered is valid: asked of the server, and of downloaded files alone', async () => {
  const asked = await verify('--trail', 'my-trail', '--verbose', ...atServer())
  expect(asked.stdout.split('\n')).toEqual(expect.arrayContaining(counts(trail)))
  expect(asked.stdout).toContain(`Log file\ts3://trail-logs/${trail.logs[0]}\tvalid`)
  expect(asked.code).toBe(0)

  const { PublicKeyList = [] } = await trailClient(server).send(new ListPublicKeysCommand({}))
  const keys = {
    PublicKeyList: PublicKeyList.map((key) => ({ ...key, Value: Buffer.from(key.Value!).toString('base64') })),
  }
  await writeFile(join(dir, 'keys.json'), JSON.stringify(keys))
  for (const key of await keysIn(s3, 'trail-logs')) {
    const { Body, Metadata } = await s3.send(new GetObjectCommand({ Bucket: 'trail-logs', Key: key }))
    const path = join(dir, 'files', key)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, await Body!.transformToByteArray())
    if (key === trail.digests.at(-1)) await writeFile(`${path}.signature`, `${Metadata!.signature}\n`)
  }
  const offline = ['--trail', 'my-trail', '--folder', join(dir, 'files'), '--public-keys', join(dir, 'keys.json')]
  const whole = await verify(...offline)
  expect(whole.stdout.trim().split('\n')).toEqual(counts(trail))
  expect(whole.code).toBe(0)
  const json = await verify(...offline, '--json')
  expect(JSON.parse(json.stdout).findings).toHaveLength(trail.digests.length + trail.logs.length)

  const newest = join(dir, 'files', trail.digests.at(-1)!)
  await unlink(`${newest}.signature`)
  const unsigned = await verify(...offline)
  expect(unsigned.stdout).toContain(`Digest file\ts3://trail-logs/${trail.digests.at(-1)}\tnot verified`)
  expect(unsigned.code).toBe(0)
  await writeFile(join(dir, 'files', trail.logs[0]!), gzipSync('{"Records":[]}'))
  const altered = await verify(...offline)
  expect(altered.stdout).toContain(`Log file\ts3://trail-logs/${trail.logs[0]}\tINVALID: hash value doesn't match`)
  expect(altered.code).toBe(1)
})

test('a trail that is gone is verified by its ARN and bucket; what is altered in the bucket is named', async () => {
  await trailClient(server).send(new DeleteTrailCommand({ Name: 'my-trail' }))
  const byArn = ['--trail', trail.arn, '--bucket', 'trail-logs', ...atServer()]
  expect(await verify(...byArn)).toMatchObject({ code: 0, stdout: expect.stringContaining(counts(trail)[0]!) })
  expect(await verify('--trail', 'my-trail', ...atServer())).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('TrailNotFoundException'),
  })
  const Key = trail.digests[1]!
  await s3.send(new PutObjectCommand({ Bucket: 'trail-logs', Key, Body: gzipSync('{}') }))
  const altered = await verify(...byArn)
  expect(altered.stdout).toContain(`Digest file\ts3://trail-logs/${Key}\tINVALID: invalid format`)
  expect(altered.code).toBe(1)
  const empty = await verify(...byArn, '--until', '2001-01-01T00:00:00Z')
  expect(empty).toEqual({ code: 1, stdout: 'No digests found\n' })
})

test('wrong usage is told', async () => {
  const cases = [
    [['--trail', 'x', '--folder', dir], '--public-keys FILE'],
    [['--trail', 'x', '--bucket', 'b', ...atServer()], 'takes the ARN'],
    [['--trail', 'x', '--folder', dir, '--public-keys', program], 'is no list of public keys'],
    [['--trail', 'x', '--since', 'soon', ...atServer()], '--since takes a time'],
  ] as const
  for (const [args, text] of cases) {
    expect(await verify(...args)).toEqual({ code: 2, stdout: expect.stringContaining(text) })
  }
})
