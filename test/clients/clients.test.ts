/** Real clients from the system's packages; one that is absent is skipped aloud. */
import { execFile, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startServer, type TestServer } from '../support/server.ts'

const execute = promisify(execFile)
const has = (name: string) => {
  const present = spawnSync('sh', ['-c', `command -v ${name}`]).status === 0
  if (!present) console.log(`SKIPPED: ${name} is not installed`)
  return present
}

let server: TestServer
let dir: string
let env: NodeJS.ProcessEnv
const run = (command: string, ...args: string[]) => execute(command, args, { env, cwd: dir, maxBuffer: 1e8 })
const sizes: Record<string, number> = { text: 1_000, empty: 0, large: 20_000_000 }
beforeAll(async () => {
  server = await startServer()
  dir = await mkdtemp(join(tmpdir(), 'clients-'))
  env = {
    // The system's own clients, whatever a developer has put before them.
    PATH: `/usr/bin:${process.env.PATH}`,
    HOME: dir,
    AWS_ACCESS_KEY_ID: server.root.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.root.secretAccessKey,
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_CA_BUNDLE: server.ca,
    // Uploads in parts come with a later version.
    AWS_CONFIG_FILE: join(dir, 'aws-config'),
  }
  await writeFile(join(dir, 'aws-config'), '[default]\ns3 =\n  multipart_threshold = 4GB\n')
  for (const [name, size] of Object.entries(sizes)) await writeFile(join(dir, name), randomBytes(size))
})
afterAll(async () => {
  await server.remove()
  await rm(dir, { recursive: true, force: true })
})
const same = async (a: string, b: string) =>
  expect((await readFile(join(dir, a))).equals(await readFile(join(dir, b)))).toBe(true)

describe.skipIf(!has('aws') || !has('curl'))('AWS CLI', () => {
  const aws = (...args: string[]) => run('aws', '--endpoint-url', server.https, ...args)

  test('cp and sync by each method, back byte for byte', async () => {
    await aws('s3', 'mb', 's3://cli')
    await writeFile(join(dir, 'customer.key'), randomBytes(32))
    const methods = [
      [],
      ['--sse', 'AES256'],
      ['--sse', 'aws:kms'],
      ['--sse-c', 'AES256', '--sse-c-key', 'fileb://customer.key'],
    ]
    for (const method of methods) {
      const read = method[0] === '--sse-c' ? method : []
      for (const name of Object.keys(sizes)) {
        await aws('s3', 'cp', '--quiet', name, `s3://cli/${name}`, ...method)
        await aws('s3', 'cp', '--quiet', `s3://cli/${name}`, 'back', ...read)
        await same(name, 'back')
      }
    }
    await aws(
      's3api',
      'put-object',
      '--bucket',
      'cli',
      '--key',
      'dsse',
      '--body',
      'text',
      '--server-side-encryption',
      'aws:kms:dsse',
    ).then(() =>
      aws('s3api', 'get-object', '--bucket', 'cli', '--key', 'dsse', 'back').then(() => same('text', 'back')),
    )
    await aws('s3', 'sync', '--quiet', '--exclude', '*', '--include', 'te*', '.', 's3://cli/sync/')
    const { stdout } = await aws('s3', 'ls', '--recursive', 's3://cli/sync/')
    expect(stdout).toContain('sync/text')
  })

  test('kms, and a presigned URL by curl', async () => {
    const { stdout } = await aws('kms', 'create-key', '--query', 'KeyMetadata.KeyId', '--output', 'text')
    await aws('s3', 'cp', '--quiet', 'text', 's3://cli/own', '--sse', 'aws:kms', '--sse-kms-key-id', stdout.trim())
    await aws('s3', 'cp', '--quiet', 's3://cli/own', 'back')
    await same('text', 'back')
    await aws('s3', 'cp', '--quiet', 'text', 's3://cli/presigned')
    const { stdout: url } = await aws('s3', 'presign', 's3://cli/presigned')
    await run('curl', '-sf', '--cacert', server.ca, '-o', 'back', url.trim())
    await same('text', 'back')
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
        '--disable-multipart',
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
    const remote = `:s3,provider=Other,env_auth=true,endpoint='${server.https}',region=us-east-1,upload_cutoff=4Gi:rclone`
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
