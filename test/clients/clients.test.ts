/** Real clients from the system's packages; one that is absent is skipped aloud. */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clientEnvironment, has } from '../support/clients.ts'
import { program, startServer, type TestServer } from '../support/server.ts'

const execute = promisify(execFile)

let server: TestServer
let dir: string
let env: NodeJS.ProcessEnv
const run = (command: string, ...args: string[]) => execute(command, args, { env, cwd: dir, maxBuffer: 1e8 })
const sizes: Record<string, number> = { text: 1_000, empty: 0, large: 300_000_000 }
beforeAll(async () => {
  server = await startServer()
  dir = await mkdtemp(join(tmpdir(), 'clients-'))
  env = clientEnvironment(server, dir)
  for (const [name, size] of Object.entries(sizes)) await writeFile(join(dir, name), randomBytes(size))
})
afterAll(async () => {
  await server.remove()
  await rm(dir, { recursive: true, force: true })
})
/** Byte for byte; throws where they differ. */
const same = (a: string, b: string) => run('cmp', a, b)

describe.skipIf(!has('aws') || !has('curl'))('AWS CLI', () => {
  const aws = (...args: string[]) => run('aws', '--endpoint-url', server.https, ...args)

  const customerKey = ['--sse-c', 'AES256', '--sse-c-key', 'fileb://customer.key']
  const METHODS: Record<string, readonly [write: readonly string[], read: readonly string[]]> = {
    default: [[], []],
    AES256: [['--sse', 'AES256'], []],
    'aws:kms': [['--sse', 'aws:kms'], []],
    'SSE-C': [customerKey, customerKey],
  }
  beforeAll(async () => {
    await aws('s3', 'mb', 's3://cli')
    await writeFile(join(dir, 'customer.key'), randomBytes(32))
  })

  test.each(Object.entries(METHODS))('cp by %s, back byte for byte', async (name, [write, read]) => {
    for (const file of Object.keys(sizes)) {
      const url = `s3://cli/${name}/${file}`
      await aws('s3', 'cp', '--quiet', file, url, ...write)
      await aws('s3', 'cp', '--quiet', url, 'back', ...read)
      await same(file, 'back')
    }
    const { stdout } = await aws('s3', 'ls', `s3://cli/${name}/large`)
    expect(stdout).toContain(` ${sizes.large} `)
  })

  test('s3api by DSSE-KMS, whole and by range', async () => {
    const named = (file: string) => ['--bucket', 'cli', '--key', `dsse/${file}`]
    for (const file of Object.keys(sizes)) {
      await aws('s3api', 'put-object', ...named(file), '--body', file, '--server-side-encryption', 'aws:kms:dsse')
      const head = await aws('s3api', 'head-object', ...named(file))
      expect(JSON.parse(head.stdout)).toMatchObject({
        ServerSideEncryption: 'aws:kms:dsse',
        ContentLength: sizes[file],
      })
      await aws('s3', 'cp', '--quiet', `s3://cli/dsse/${file}`, 'back')
      await same(file, 'back')
    }
    await aws('s3api', 'get-object', ...named('large'), '--range', 'bytes=200000000-200000999', 'back')
    const range = (await readFile(join(dir, 'large'))).subarray(200_000_000, 200_001_000)
    expect((await readFile(join(dir, 'back'))).equals(range)).toBe(true)
  })

  test('sync, there and back', async () => {
    await aws('s3', 'sync', '--quiet', '--exclude', '*', '--include', 'te*', '--include', 'em*', '.', 's3://cli/sync/')
    await aws('s3', 'sync', '--quiet', 's3://cli/sync/', 'synced')
    await same('text', 'synced/text')
    await same('empty', 'synced/empty')
    const { stdout } = await aws('s3', 'sync', '--dryrun', 's3://cli/sync/', 'synced')
    expect(stdout).toBe('')
    await aws('s3', 'rm', '--quiet', '--recursive', 's3://cli/sync/')
    // An empty listing has no output and ends with exit code 1.
    await expect(aws('s3', 'ls', 's3://cli/sync/')).rejects.toMatchObject({ code: 1 })
  })

  test('cp by a key of one’s own, and a presigned URL by curl', async () => {
    const { stdout } = await aws('kms', 'create-key', '--query', 'KeyMetadata.KeyId', '--output', 'text')
    await aws('s3', 'cp', '--quiet', 'text', 's3://cli/own', '--sse', 'aws:kms', '--sse-kms-key-id', stdout.trim())
    await aws('s3', 'cp', '--quiet', 's3://cli/own', 'back')
    await same('text', 'back')
    await aws('s3', 'cp', '--quiet', 'text', 's3://cli/presigned')
    const { stdout: url } = await aws('s3', 'presign', 's3://cli/presigned')
    await run('curl', '-sf', '--cacert', server.ca, '-o', 'back', url.trim())
    await same('text', 'back')
  })

  test('service-quotas: throttled, an increase asked for and approved, no longer throttled', async () => {
    // One call in a quarter of an hour.
    const config = { kms: { quotaProfile: { symmetric: 0.001 } } }
    const throttling = await startServer({ config })
    try {
      const options = { env: { ...clientEnvironment(throttling, dir), AWS_MAX_ATTEMPTS: '1' } }
      const asked = async (...args: string[]) =>
        JSON.parse((await execute('aws', ['--endpoint-url', throttling.https, ...args], options)).stdout)
      const random = () => asked('kms', 'generate-random', '--number-of-bytes', '8')
      await random()
      await expect(random()).rejects.toThrow(/ThrottlingException.*You have exceeded the rate/)
      const quota = ['--service-code', 'kms', '--quota-code', 'L-6E3AF000']
      const { RequestedQuota } = await asked(
        ...['service-quotas', 'request-service-quota-increase', ...quota, '--desired-value', '1000'],
      )
      expect(RequestedQuota.Status).toBe('PENDING')
      await expect(random()).rejects.toThrow(/ThrottlingException/)
      const approve = [program, 'quotas', 'approve', RequestedQuota.Id, '--endpoint', throttling.https]
      await execute(process.execPath, approve, options)
      expect((await asked('service-quotas', 'get-service-quota', ...quota)).Quota.Value).toBe(1000)
      await random()
      await random()
      expect((await asked('service-quotas', 'list-services')).Services).toHaveLength(2)
    } finally {
      await throttling.remove()
    }
  })
})

describe.skipIf(!has('s3cmd'))('s3cmd', () => {
  test('puts, lists, gets and deletes', async () => {
    const host = new URL(server.https).host
    const keys = ['--access_key', server.root.accessKeyId, '--secret_key', server.root.secretAccessKey]
    const s3cmd = (...args: string[]) =>
      run(
        's3cmd',
        '--no-check-hostname',
        '--host',
        host,
        '--host-bucket',
        host,
        '--ca-certs',
        server.ca,
        ...keys,
        ...args,
      )
    await s3cmd('mb', 's3://s3cmd')
    await s3cmd('put', 'large', 's3://s3cmd/large')
    expect((await s3cmd('ls', 's3://s3cmd')).stdout).toContain('s3://s3cmd/large')
    await s3cmd('get', '--force', 's3://s3cmd/large', 'back')
    await same('large', 'back')
    await s3cmd('del', 's3://s3cmd/large')
  })
})

describe.skipIf(!has('rclone'))('rclone', () => {
  test('copies there and back', async () => {
    const remote = `:s3,provider=Other,env_auth=true,endpoint='${server.https}',region=us-east-1:rclone`
    // rclone takes the CA by its own flag and cannot take it twice.
    const { AWS_CA_BUNDLE: _, ...without } = env
    const rclone = (...args: string[]) =>
      execute('rclone', ['--ca-cert', server.ca, ...args], { env: without, cwd: dir })
    await rclone('mkdir', remote)
    for (const name of Object.keys(sizes)) {
      await rclone('copyto', name, `${remote}/${name}`)
      await rclone('copyto', `${remote}/${name}`, `back-${name}`)
      await same(name, `back-${name}`)
    }
    await rclone('purge', remote)
  })
})

describe.skipIf(!has('restic'))('restic', () => {
  test('backs up and restores', async () => {
    env.RESTIC_PASSWORD = 'restic password'
    const restic = (...args: string[]) =>
      run('restic', '--cacert', server.ca, '-r', `s3:${server.https}/restic/repository`, ...args)
    await restic('init')
    await restic('backup', 'text', 'large')
    await restic('check')
    await restic('restore', 'latest', '--target', 'restored')
    await same('large', join('restored', 'large'))
  })
})
