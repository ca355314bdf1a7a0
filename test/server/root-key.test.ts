/** The root key from outside: rotation beside load and cut off by kill -9, a sealed start, a wrong key, folders of old. */
import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { ListMetricsCommand } from '@aws-sdk/client-cloudwatch'
import { CreateAccessKeyCommand, CreateUserCommand, ListUsersCommand } from '@aws-sdk/client-iam'
import {
  CreateKeyCommand,
  DecryptCommand,
  EncryptCommand,
  ListKeysCommand,
  VerifyMacCommand,
} from '@aws-sdk/client-kms'
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListBucketsCommand,
  ListObjectVersionsCommand,
  type ObjectVersion,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { GetCallerIdentityCommand, GetSessionTokenCommand } from '@aws-sdk/client-sts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { cloudWatchClient, failure, iamClient, kmsClient, s3Client, stsClient } from '../support/sdk.ts'
import { fsck, program, root, startServer, type TestServer } from '../support/server.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'root-key-'))
})
afterEach(() => rm(dir, { recursive: true }))

const newKey = () => randomBytes(32).toString('base64')
async function file(name: string, content: string): Promise<string> {
  await writeFile(join(dir, name), content)
  return join(dir, name)
}

/** A command of the program: its exit code and what it prints. */
async function strongroom(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [program, ...args], { env: { ...process.env, ...env } })
  const [stdout, stderr] = [text(child.stdout), text(child.stderr)]
  const [code] = (await once(child, 'exit')) as [number | null]
  return { code, stdout: await stdout, stderr: await stderr }
}

const rotate = (dataDir: string, ...args: string[]) =>
  strongroom(['keys', 'rotate-root', '--data', dataDir, '--json', ...args])
const events = (stdout: string) =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; done?: number; total?: number; end?: { state: string } })
const versions = async (dataDir: string) =>
  (
    JSON.parse(await readFile(join(dataDir, 'root-key.ring'), 'utf8')) as { versions: { version: number }[] }
  ).versions.map(({ version }) => version)

const METHODS = {
  s3: {},
  kms: { ServerSideEncryption: 'aws:kms' },
  dsse: { ServerSideEncryption: 'aws:kms:dsse' },
} as const

/** A little of everything that hangs on the store key. */
async function fill(server: TestServer) {
  const s3 = s3Client(server)
  const kms = kmsClient(server)
  const iam = iamClient(server)
  await s3.send(new CreateBucketCommand({ Bucket: 'kept' }))
  const bodies = new Map<string, string>()
  for (const [method, more] of Object.entries(METHODS)) {
    for (let i = 0; i < 40; i++) {
      const Body = `${method} ${i} `.repeat(i % 4 === 0 ? 4000 : 10)
      await s3.send(new PutObjectCommand({ Bucket: 'kept', Key: `${method}/${i}`, Body, ...more }))
      bodies.set(`${method}/${i}`, Body)
    }
  }
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}))
  const Plaintext = Buffer.from('by the KMS')
  const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId: KeyMetadata!.KeyId, Plaintext }))
  await iam.send(new CreateUserCommand({ UserName: 'kept' }))
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'kept' }))
  const { Credentials } = await stsClient(server).send(new GetSessionTokenCommand({}))
  return { bodies, CiphertextBlob, AccessKey: AccessKey!, Credentials: Credentials! }
}

const session = ({ Credentials }: Awaited<ReturnType<typeof fill>>) => ({
  accessKeyId: Credentials.AccessKeyId!,
  secretAccessKey: Credentials.SecretAccessKey!,
  sessionToken: Credentials.SessionToken!,
})

async function expectKept(server: TestServer, filled: Awaited<ReturnType<typeof fill>>) {
  const s3 = s3Client(server)
  for (const [Key, body] of filled.bodies) {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'kept', Key }))
    expect(await Body!.transformToString()).toBe(body)
  }
  const { Plaintext } = await kmsClient(server).send(new DecryptCommand({ CiphertextBlob: filled.CiphertextBlob }))
  expect(Buffer.from(Plaintext!).toString()).toBe('by the KMS')
  const { AccessKeyId, SecretAccessKey } = filled.AccessKey
  const credentials = { accessKeyId: AccessKeyId!, secretAccessKey: SecretAccessKey! }
  const { Arn } = await stsClient(server, { credentials }).send(new GetCallerIdentityCommand({}))
  expect(Arn).toContain('user/kept')
}

test('rotated under load, nothing fails and nothing is lost, and sessions live on until they are ended', async () => {
  const server = await startServer({ workers: 2 })
  const filled = await fill(server)
  let isOver = false
  const written = new Map<string, string>()
  const writers = Array.from({ length: 6 }, async (_, writer) => {
    const s3 = s3Client(server)
    const kms = kmsClient(server)
    for (let i = 0; !isOver; i++) {
      const [Key, Body] = [`${writer}/${i % 10}`, `${writer} ${i}`]
      const more = Object.values(METHODS)[i % 3]
      await s3.send(new PutObjectCommand({ Bucket: 'kept', Key: `w${Key}`, Body, ...more }))
      written.set(Key, Body)
      const got = await s3.send(new GetObjectCommand({ Bucket: 'kept', Key: `w${Key}` }))
      expect(await got.Body!.transformToString()).toBe(Body)
      if (i % 7 === 0) await kms.send(new CreateKeyCommand({}))
    }
  })
  const first = await rotate(server.dataDir)
  expect(first).toMatchObject({ code: 0, stderr: '' })
  const told = events(first.stdout)
  expect(told.at(-1)).toMatchObject({ event: 'end', end: { state: 'waiting', version: 2 } })
  const progress = told.filter(({ event }) => event === 'progress')
  expect(progress.length).toBeGreaterThan(1)
  expect(progress.at(-1)!.done).toBe(progress.at(-1)!.total)
  expect(await versions(server.dataDir)).toEqual([1, 2])
  const bySession = () => stsClient(server, { credentials: session(filled) }).send(new GetCallerIdentityCommand({}))
  await bySession()
  expect(events((await rotate(server.dataDir, '--end-sessions')).stdout).at(-1)).toMatchObject({
    end: { state: 'done', version: 3 },
  })
  expect(await versions(server.dataDir)).toEqual([3])
  // On both workers.
  for (let i = 0; i < 8; i++) expect((await failure(bySession())).code).toBe('InvalidClientTokenId')
  isOver = true
  await Promise.all(writers)
  await expectKept(server, filled)
  expect(await server.stop()).toBe(0)
  expect(await fsck(server.dataDir)).toMatchObject({ code: 0, stdout: expect.stringContaining('0 problems') })
  const again = await startServer({ dataDir: server.dataDir })
  await expectKept(again, filled)
  for (const [Key, body] of written) {
    const { Body } = await s3Client(again).send(new GetObjectCommand({ Bucket: 'kept', Key: `w${Key}` }))
    expect(await Body!.transformToString()).toBe(body)
  }
  await again.remove()
})

test('killed at any moment of a rotation, the next start ends it, and nothing is lost', async () => {
  let server = await startServer({ workers: 2 })
  const { dataDir } = server
  const filled = await fill(server)
  let newest = 1
  for (let round = 0; round < 5; round++) {
    const child = spawn(process.execPath, [
      program,
      'keys',
      'rotate-root',
      '--data',
      dataDir,
      '--json',
      '--end-sessions',
    ])
    const ended = once(child, 'exit')
    // At its beginning, then after one, two, three batches.
    for (let lines = 0; lines < round; lines++) await Promise.race([once(child.stdout, 'data'), ended])
    if (round === 0) await expect.poll(() => versions(dataDir), { interval: 1 }).toContain(newest + 1)
    await server.kill()
    await ended
    expect(await fsck(dataDir)).toMatchObject({ code: 0, stdout: expect.stringContaining('0 problems') })
    server = await startServer({ dataDir, workers: 2 })
    newest = Math.max(...(await versions(dataDir)))
    await expect.poll(() => versions(dataDir), { timeout: 20_000 }).toEqual([newest])
    await expectKept(server, filled)
  }
  expect(newest).toBeGreaterThan(3)
  await server.remove()
})

test('a stopped folder is rotated and moved to another root key; with the old one nothing opens', async () => {
  const [before, after] = [await file('before', newKey()), await file('after', newKey())]
  const server = await startServer({ config: { rootKey: { file: before } } })
  const { dataDir } = server
  const filled = await fill(server)
  await server.stop()
  const now = ['--config', `${dataDir}.config.json`]
  const next = await file('next.json', JSON.stringify({ rootKey: { file: after } }))
  expect((await rotate(dataDir, ...now, '--to', next, '--end-sessions')).code).toBe(0)
  const old = await strongroom(['serve', '--data', dataDir, '--http', '127.0.0.1:0', ...now])
  expect(old).toMatchObject({ code: 78, stderr: expect.stringContaining('not the root key') })
  expect((await strongroom(['fsck', '--data', dataDir, ...now])).code).toBe(78)
  expect((await strongroom(['fsck', '--data', dataDir, '--config', next])).code).toBe(0)
  const again = await startServer({ dataDir, config: { rootKey: { file: after } } })
  await expectKept(again, filled)
  await again.remove()
})

test('a running server is moved to another root key', async () => {
  const server = await startServer()
  const { dataDir } = server
  const filled = await fill(server)
  const passphraseFile = await file('passphrase', 'correct horse battery staple')
  const to = await file('next.json', JSON.stringify({ rootKey: { passphraseFile } }))
  expect((await rotate(dataDir, '--to', to)).code).toBe(0)
  await expectKept(server, filled)
  await server.stop()
  const status = await strongroom(['keys', 'status', '--data', dataDir])
  expect(status).toMatchObject({ code: 0, stdout: expect.stringMatching(/passphrase[\s\S]*1 .*opens\n.*2 .*seals/) })
  await rm(join(dataDir, 'secrets', 'root.key'))
  const again = await startServer({ dataDir, config: { rootKey: { passphraseFile } } })
  await expectKept(again, filled)
  const noPlace = await file('empty.json', '{}')
  expect((await rotate(dataDir, '--to', noPlace)).code).toBe(2)
  await again.remove()
})

test('without its root key it starts sealed and says so, and unseals by itself', async () => {
  const key = newKey()
  const path = await file('root.key', key)
  const server = await startServer({ config: { rootKey: { file: path } } })
  const { dataDir } = server
  const filled = await fill(server)
  await server.stop()
  await rm(path)
  const doctor = await strongroom(['doctor', '--data', dataDir, '--config', `${dataDir}.config.json`])
  expect(doctor).toMatchObject({ code: 1, stdout: expect.stringContaining(`cannot read ${path}`) })
  const required = await file('required.json', JSON.stringify({ rootKey: { file: path, required: true } }))
  expect((await strongroom(['serve', '--data', dataDir, '--config', required])).code).toBe(1)

  const sealed = await startServer({ dataDir, config: { rootKey: { file: path } } })
  expect(sealed.event).toBe('sealed')
  const ready = await fetch(`${sealed.http}/-/health/ready`)
  expect([ready.status, await ready.json()]).toMatchObject([503, { status: 'sealed' }])
  expect((await fetch(`${sealed.http}/-/health/live`)).status).toBe(200)
  expect(await failure(s3Client(sealed).send(new ListBucketsCommand({})))).toMatchObject({
    code: 'ServiceUnavailable',
    status: 503,
  })
  expect(await failure(kmsClient(sealed).send(new ListKeysCommand({})))).toMatchObject({
    code: 'KeyUnavailableException',
    status: 500,
  })
  expect((await failure(iamClient(sealed).send(new ListUsersCommand({})))).status).toBe(503)
  expect(await failure(cloudWatchClient(sealed).send(new ListMetricsCommand({})))).toMatchObject({
    code: 'ServiceUnavailable',
    status: 503,
  })
  expect((await failure(stsClient(sealed).send(new GetCallerIdentityCommand({})))).status).toBe(503)
  expect((await rotate(dataDir)).stderr).toContain('in use by the server')

  await writeFile(path, key)
  await expect
    .poll(() => fetch(`${sealed.http}/-/health/ready`).then(({ status }) => status), { timeout: 30_000 })
    .toBe(200)
  await expectKept(sealed, filled)
  await sealed.remove()
})

test('sealed, it ends with another root key than its own, and when it is told to', async () => {
  const path = await file('root.key', newKey())
  const config = { rootKey: { file: path } }
  const server = await startServer({ config })
  const { dataDir } = server
  await server.stop()
  await rm(path)
  const sealed = await startServer({ dataDir, config })
  expect(await sealed.stop()).toBe(0)
  const another = await startServer({ dataDir, config })
  const ended = once(another.child, 'exit')
  await writeFile(path, newKey())
  expect((await ended)[0]).toBe(78)
  await another.remove()
})

test('where the folder’s path is too long for a socket, it serves, and is rotated once it is stopped', async () => {
  const dataDir = join(dir, 'a'.repeat(110))
  const server = await startServer({ dataDir })
  await expect.poll(() => server.log()).toContain('too long for a control socket')
  expect(await rotate(dataDir)).toMatchObject({ code: 78, stderr: expect.stringContaining('in use by the server') })
  await server.stop()
  expect((await rotate(dataDir)).code).toBe(0)
  expect(await versions(dataDir)).toEqual([1, 2])
})

/**
 * Made by the last version that derived from the root key itself: objects of each method in two versions, one of them in
 * parts, KMS keys with two materials and for HMAC, an IAM user. `made.json` holds what the KMS gave.
 */
const OLD_FOLDER = join(root, 'test/fixtures/data-folder-without-ring.tar.gz')

test('a folder of the time before there was a ring opens, and after a rotation holds nothing of the old key', async () => {
  const dataDir = join(dir, 'old')
  await mkdir(dataDir)
  await promisify(execFile)('tar', ['-xzf', OLD_FOLDER, '-C', dataDir])
  const env = {
    STRONGROOM_ROOT_KEY: Buffer.alloc(32, 1).toString('base64'),
    STRONGROOM_ROOT_ACCESS_KEY_ID: 'AKIAROOT',
    STRONGROOM_ROOT_SECRET_ACCESS_KEY: 'secretroot',
  }
  const made = JSON.parse(await readFile(join(dataDir, 'made.json'), 'utf8')) as {
    readonly ciphertexts: readonly string[]
    readonly macKeyId: string
    readonly mac: string
    readonly accessKeyId: string
    readonly secretAccessKey: string
  }
  const expectOld = async (server: TestServer) => {
    const s3 = s3Client(server)
    const sseC = { SSECustomerAlgorithm: 'AES256', SSECustomerKey: Buffer.alloc(32, 2).toString('base64') }
    const { Versions } = await s3.send(new ListObjectVersionsCommand({ Bucket: 'kept' }))
    const read = async ({ Key, VersionId }: ObjectVersion) => {
      const input = { Bucket: 'kept', Key: Key!, VersionId: VersionId!, ...(Key === 'c' && sseC) }
      return (await s3.send(new GetObjectCommand(input))).Body!.transformToString()
    }
    const bodies = await Promise.all(Versions!.map(async (each) => [each.Key, await read(each)]))
    const [first, second] = ['first', 'second '.repeat(3000)]
    expect(bodies).toEqual([
      ...['c', 'dsse', 'kms'].flatMap((Key) => [second, first].map((body) => [Key, body])),
      ['parts', 'a part'],
      ...[second, first].map((body) => ['s3', body]),
    ])
    const kms = kmsClient(server)
    const opened = made.ciphertexts.map(async (blob) => {
      const { Plaintext } = await kms.send(new DecryptCommand({ CiphertextBlob: Buffer.from(blob, 'base64') }))
      return Buffer.from(Plaintext!).toString()
    })
    expect(await Promise.all(opened)).toEqual(['before', 'after'])
    const code = { Message: Buffer.from('m'), Mac: Buffer.from(made.mac, 'base64') }
    await kms.send(new VerifyMacCommand({ KeyId: made.macKeyId, MacAlgorithm: 'HMAC_SHA_256', ...code }))
    await stsClient(server, { credentials: made }).send(new GetCallerIdentityCommand({}))
  }
  expect((await strongroom(['doctor', '--data', dataDir], env)).stdout).not.toContain('root key')
  const wrong = { ...env, STRONGROOM_ROOT_KEY: newKey() }
  expect((await strongroom(['serve', '--data', dataDir], wrong)).code).toBe(78)
  expect((await fsck(dataDir, env)).code).toBe(0)
  const server = await startServer({ dataDir, env })
  await expectOld(server)
  expect(await versions(dataDir)).toEqual([1])
  expect((await rotate(dataDir, '--end-sessions')).code).toBe(0)
  await expectOld(server)
  await server.stop()
  expect(await versions(dataDir)).toEqual([2])
  expect(await fsck(dataDir, env)).toMatchObject({ code: 0, stdout: expect.stringContaining('0 problems') })
  const again = await startServer({ dataDir, env })
  await expectOld(again)
  await again.remove()
})
