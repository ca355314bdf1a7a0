/** `strongroom backup`, `backup verify` and `restore`, beside a server that is being written to, and killed at their worst. */
import { execFile, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, sep } from 'node:path'
import { createInterface } from 'node:readline'
import { AttachUserPolicyCommand, CreateAccessKeyCommand, CreateUserCommand } from '@aws-sdk/client-iam'
import { CreateKeyCommand, DecryptCommand, EncryptCommand } from '@aws-sdk/client-kms'
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { keyUses } from '../support/audit.ts'
import { iamClient, kmsClient, s3Client } from '../support/sdk.ts'
import { fsck, program, startServer, type TestServer } from '../support/server.ts'

const Bucket = 'backed-up'
const SSE_C = { SSECustomerAlgorithm: 'AES256', SSECustomerKey: randomBytes(32).toString('base64') }
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

let dir: string
let server: TestServer
let s3: S3Client
const rootKey = { STRONGROOM_ROOT_KEY: randomBytes(32).toString('base64') }
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'strongroom-backup-'))
  server = await startServer({ env: rootKey })
  s3 = s3Client(server)
  await s3.send(new CreateBucketCommand({ Bucket }))
})
afterAll(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error|the sweep failed/)
  await server.remove()
  await rm(dir, { recursive: true })
})

const within = (name: string) => join(dir, name)

function strongroom(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], (error, stdout, stderr) =>
      resolve({ code: (error?.code as number | undefined) ?? 0, stdout, stderr }),
    )
  })
}

/** The last line of what a command says with --json. */
const end = ({ stdout }: { stdout: string }) => JSON.parse(stdout.trim().split('\n').at(-1)!) as Record<string, unknown>

const backup = async (target: string, ...more: string[]) => {
  const done = await strongroom('backup', '--data', server.dataDir, '--json', target, ...more)
  expect(done).toMatchObject({ code: 0 })
  return end(done)
}

async function files(of: string): Promise<string[]> {
  const entries = await readdir(of, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

interface Written {
  readonly Key: string
  readonly VersionId?: string | undefined
  readonly hash: string
  readonly read: object
}

async function put(Key: string, size: number, how: object, read: object = {}): Promise<Written> {
  const Body = randomBytes(size)
  const { VersionId } = await s3.send(new PutObjectCommand({ Bucket, Key, Body, ...how }))
  return { Key, VersionId, hash: sha256(Body), read }
}

async function putInParts(Key: string, how: object, read: object = {}): Promise<Written> {
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ...how }))
  const bodies = [randomBytes(5 * 1024 * 1024), randomBytes(100_000)]
  const Parts: { PartNumber: number; ETag: string | undefined }[] = []
  for (const [i, Body] of bodies.entries()) {
    const part = { Bucket, Key, UploadId, PartNumber: i + 1, Body, ...read }
    Parts.push({ PartNumber: i + 1, ETag: (await s3.send(new UploadPartCommand(part))).ETag })
  }
  const complete = { Bucket, Key, UploadId, MultipartUpload: { Parts }, ...read }
  const { VersionId } = await s3.send(new CompleteMultipartUploadCommand(complete))
  return { Key, VersionId, hash: sha256(Buffer.concat(bodies)), read }
}

async function expectAll(client: S3Client, written: readonly Written[]): Promise<void> {
  for (const { Key, VersionId, hash, read } of written) {
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, VersionId, ...read }))
    expect(sha256(await Body!.transformToByteArray()), Key).toBe(hash)
  }
}

/** Puts, overwrites and deletes until it is told to stop; tells how many it did. */
function load(): { stop(): Promise<number> } {
  let stopped = false
  let count = 0
  const writers = Array.from({ length: 4 }, async (_, writer) => {
    for (let i = 0; !stopped; i++, count++) {
      const Key = `load/${writer}/${i % 5}`
      await put(Key, i % 2 ? 2_000 : 200_000, {})
      if (i % 3 === 0) await s3.send(new DeleteObjectCommand({ Bucket, Key }))
    }
  })
  return {
    async stop() {
      stopped = true
      await Promise.all(writers)
      return count
    },
  }
}

test('all that was acknowledged before it began opens in another folder, with nothing but the backup and the root key', async () => {
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
  const kms = kmsClient(server)
  const KMSKeyId = (await kms.send(new CreateKeyCommand({}))).KeyMetadata!.Arn!
  const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId: KMSKeyId, Plaintext: Buffer.from('direct') }))
  const iam = iamClient(server)
  await iam.send(new CreateUserCommand({ UserName: 'ann' }))
  const PolicyArn = 'arn:aws:iam::aws:policy/AmazonS3FullAccess'
  await iam.send(new AttachUserPolicyCommand({ UserName: 'ann', PolicyArn }))
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'ann' }))
  const ann = { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! }

  const sseKms = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: KMSKeyId }
  const methods: Record<string, readonly [how: object, read?: object]> = {
    'sse-s3': [{ ServerSideEncryption: 'AES256' }],
    'sse-kms': [sseKms],
    'bucket-key': [{ ...sseKms, BucketKeyEnabled: true }],
    'aws-managed': [{ ServerSideEncryption: 'aws:kms' }],
    dsse: [{ ServerSideEncryption: 'aws:kms:dsse', SSEKMSKeyId: KMSKeyId }],
    'sse-c': [SSE_C, SSE_C],
  }
  const written: Written[] = []
  for (const [name, [how, read]] of Object.entries(methods)) {
    for (const size of [0, 1_000, 300_000]) written.push(await put(`${name}/${size}`, size, how, read))
    // Two versions of one key, and an upload that stays in progress.
    written.push(await put(`${name}/1000`, 1_000, how, read))
    written.push(await putInParts(`${name}/parts`, how, read))
    await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: `${name}/open`, ...how }))
  }

  const writing = load()
  const first = await backup(within('a'))
  expect(first).toMatchObject({ event: 'end' })
  expect(first.copiedBlobs).toBe(first.blobs)
  expect(await writing.stop()).toBeGreaterThan(0)
  expect(await strongroom('backup', 'verify', within('a'))).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('0 problems'),
  })

  const restored = within('restored')
  const done = await strongroom('restore', within('a'), '--data', restored)
  expect(done).toMatchObject({ code: 0, stdout: expect.stringContaining('root key') })
  expect(await fsck(restored, rootKey)).toMatchObject({ code: 0, stdout: expect.stringContaining(' 0 problems') })
  await withServer(restored, rootKey, async (other) => {
    await expectAll(s3Client(other), written)
    await expectAll(
      s3Client(other, { credentials: ann }),
      written.filter(({ Key }) => Key.startsWith('sse-s3/')),
    )
    const opened = await kmsClient(other).send(new DecryptCommand({ CiphertextBlob }))
    expect(Buffer.from(opened.Plaintext!).toString()).toBe('direct')
    await s3Client(other, { credentials: ann }).send(new PutObjectCommand({ Bucket, Key: 'after', Body: 'x' }))
    // Before the backup and after the restore.
    const uses = (await keyUses(other, KMSKeyId)).map(({ operation }) => operation)
    expect(uses).toEqual(expect.arrayContaining(['Encrypt', 'Decrypt']))
  })
}, 300_000)

test('a later backup into the folder copies what is new only', async () => {
  const target = within('incremental')
  const before = await backup(target)
  const added = [await put('later/large', 400_000, {}), await put('later/small', 10, {})]
  const again = await backup(target)
  expect(again.copiedBlobs).toBe(1)
  expect(again.blobs).toBe((before.blobs as number) + 1)
  expect(await backup(target)).toMatchObject({ copiedBlobs: 0, copiedBytes: 0 })
  expect(await strongroom('restore', target, '--data', within('later'))).toMatchObject({ code: 0 })
  await withServer(within('later'), rootKey, (other) => expectAll(s3Client(other), added))
})

test('killed while it copies, the former backup is whole, and the next one is', async () => {
  const target = within('killed')
  await backup(target)
  const manifest = await readFile(join(target, 'manifest.jsonl'), 'utf8')
  for (let i = 0; i < 40; i++) await put(`killed/${i}`, 1_000_000, {})
  const child = spawn(process.execPath, [program, 'backup', '--data', server.dataDir, '--json', target])
  // The first line comes when the catalog is copied and no blob yet.
  await once(createInterface({ input: child.stdout }), 'line')
  child.kill('SIGKILL')
  expect((await once(child, 'exit'))[1]).toBe('SIGKILL')
  expect(await readFile(join(target, 'manifest.jsonl'), 'utf8')).toBe(manifest)
  expect(await strongroom('backup', 'verify', target)).toMatchObject({ code: 0 })
  await backup(target)
  expect(await strongroom('backup', 'verify', target)).toMatchObject({ code: 0 })
  expect(await readdir(join(target, 'snapshots'))).toHaveLength(1)
  expect(await readdir(join(target, 'blobs', 'staging'))).toEqual([])
})

test('a restore that is killed leaves no data folder, and the next one is told', async () => {
  const target = within('unrestored')
  await backup(target)
  const data = within('half')
  const child = spawn(process.execPath, [program, 'restore', target, '--json', '--data', data])
  await once(createInterface({ input: child.stdout }), 'line')
  child.kill('SIGKILL')
  expect((await once(child, 'exit'))[1]).toBe('SIGKILL')
  for (const command of ['serve', 'fsck', 'backup']) {
    const more = command === 'backup' ? [within('never')] : []
    const { code, stderr } = await strongroom(command, '--data', data, ...more)
    expect([code, stderr]).toEqual([78, expect.stringContaining('did not come to its end')])
  }
  const doctor = await strongroom('doctor', '--data', data)
  expect(doctor).toMatchObject({ code: 1, stdout: expect.stringContaining('did not come to its end') })
  expect(await strongroom('restore', target, '--data', data)).toMatchObject({ code: 2 })
  await rm(data, { recursive: true })
  expect(await strongroom('restore', target, '--data', data)).toMatchObject({ code: 0 })
  expect(await fsck(data, rootKey)).toMatchObject({ code: 0 })
})

test('a damaged file is named, and not restored', async () => {
  const target = within('damaged')
  await backup(target)
  const blob = (await files(target)).find((path) => path.includes(`${sep}kept${sep}`))!
  const bytes = await readFile(blob)
  bytes[100]! ^= 1
  await writeFile(blob, bytes)
  const path = blob.slice(target.length + 1)
  const verified = await strongroom('backup', 'verify', target)
  expect(verified).toMatchObject({ code: 1, stdout: expect.stringContaining(`damaged: ${path} has changed`) })
  const restored = await strongroom('restore', target, '--data', within('from-damaged'))
  expect(restored).toMatchObject({ code: 1, stderr: expect.stringContaining(path) })
  expect(await readdir(within('from-damaged'))).toEqual([])
})

test('with another root key nothing opens', async () => {
  await backup(within('sealed'))
  await strongroom('restore', within('sealed'), '--data', within('wrong'))
  const args = ['serve', '--data', within('wrong'), '--http', '127.0.0.1:0', '--https', 'off']
  const wrong = { STRONGROOM_ROOT_KEY: randomBytes(32).toString('base64') }
  const child = spawn(process.execPath, [program, ...args], { env: { ...process.env, ...wrong }, stdio: 'ignore' })
  expect((await once(child, 'exit'))[0]).toBe(78)
})

test('no file of the folder is unknown to it, and no secret is in it unless it is asked for', async () => {
  const secrets = join(server.dataDir, 'secrets')
  await mkdir(secrets, { recursive: true })
  const target = within('secrets')
  const { stderr } = await strongroom('backup', '--data', server.dataDir, target)
  expect(stderr).not.toContain('no file of the server’s')
  expect(stderr).toContain('keep the root key elsewhere')
  const secret = await Promise.all((await readdir(secrets)).map((file) => readFile(join(secrets, file))))
  expect(secret.length).toBeGreaterThan(2)
  const body = (bytes: Buffer) => bytes.subarray(40, 80)
  for (const path of await files(target)) {
    const bytes = await readFile(path)
    for (const one of secret) expect(bytes.includes(body(one)), path).toBe(false)
  }
  const asked = await strongroom('backup', '--data', server.dataDir, '--with-secrets', target)
  expect(asked).toMatchObject({ code: 0, stderr: expect.stringContaining('whoever has it can read everything') })
  const file = (await files(target)).find((path) => path.endsWith('secrets.json'))!
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect(await strongroom('restore', target, '--data', within('whole'))).toMatchObject({ code: 0 })
  for (const name of await readdir(secrets)) {
    expect(await readFile(join(within('whole'), 'secrets', name))).toEqual(await readFile(join(secrets, name)))
    expect((await stat(join(within('whole'), 'secrets', name))).mode & 0o777).toBe(0o600)
  }
  await withServer(within('whole'), rootKey, async (other) => {
    expect(other.root).toEqual(server.root)
    expect(other.caPem).toBe(server.caPem)
  })
})

test('taken while the store key is rotated, each one opens', async () => {
  const rotating = strongroom('keys', 'rotate-root', '--data', server.dataDir, '--end-sessions')
  let ended = false
  const rotated = rotating.finally(() => {
    ended = true
  })
  const targets: string[] = []
  while (!ended || targets.length === 0) {
    targets.push(within(`rotated-${targets.length}`))
    await backup(targets.at(-1)!)
  }
  expect(await rotated).toMatchObject({ code: 0 })
  for (const target of targets) {
    const data = `${target}-data`
    expect(await strongroom('restore', target, '--data', data)).toMatchObject({ code: 0 })
    expect(await fsck(data, rootKey)).toMatchObject({ code: 0, stdout: expect.stringContaining(' 0 problems') })
  }
})

test('a stopped folder is backed up alike', async () => {
  const copy = within('stopped')
  await backup(within('for-copy'))
  await strongroom('restore', within('for-copy'), '--data', copy)
  expect(await strongroom('backup', '--data', copy, within('of-stopped'))).toMatchObject({ code: 0 })
  expect(await strongroom('backup', 'verify', within('of-stopped'))).toMatchObject({ code: 0 })
})

test.each([
  [2, 'a folder with something else in it', ['backup', '--data', 'DATA', 'OTHER']],
  [2, 'a place in the data folder', ['backup', '--data', 'DATA', 'DATA/backup']],
  [78, 'what is no data folder', ['backup', '--data', 'OTHER', 'NEW']],
  [2, 'what is no backup', ['backup', 'verify', 'OTHER']],
  [2, 'what is no backup to restore', ['restore', 'OTHER', '--data', 'NEW']],
  [2, 'a folder that is not empty', ['restore', 'BACKUP', '--data', 'OTHER']],
  [2, 'no target', ['backup', '--data', 'DATA']],
])('exit code %d for %s', async (code, _, args) => {
  const places: Record<string, string> = {
    DATA: server.dataDir,
    OTHER: within('other'),
    NEW: within('new'),
    BACKUP: within('sealed'),
  }
  await mkdir(within('other'), { recursive: true })
  await writeFile(join(within('other'), 'mine'), 'x')
  const named = args.map((arg) => arg.replace(/^[A-Z]+/, (place) => places[place] ?? place))
  expect(await strongroom(...named)).toMatchObject({ code })
  expect(await readdir(within('other'))).toEqual(['mine'])
  expect(await readdir(dir)).not.toContain('new')
})

async function withServer(
  dataDir: string,
  env: NodeJS.ProcessEnv,
  use: (other: TestServer) => Promise<void>,
): Promise<void> {
  const other = await startServer({ dataDir, env })
  try {
    await use(other)
  } finally {
    await other.remove()
  }
}
