/** A bucket whose policy allows HTTPS only, by the AWS CLI: the owner, another user, and an anonymous caller. */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clientEnvironment, has } from '../support/clients.ts'
import { startServer, type TestServer } from '../support/server.ts'

const user = { accessKeyId: 'AKIAUSER', secretAccessKey: 'secretuser' }
const policies = ['arn:aws:iam::aws:policy/AdministratorAccess']
const accounts = [{ id: '000000000000', users: [{ name: 'alice', ...user, policies }] }]
const POLICY = {
  Version: '2012-10-17',
  Statement: [
    {
      Sid: 'RestrictToTLSRequestsOnly',
      Action: 's3:*',
      Effect: 'Deny',
      Resource: ['arn:aws:s3:::guarded', 'arn:aws:s3:::guarded/*'],
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      Principal: '*',
    },
    { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: 'arn:aws:s3:::guarded/public/*' },
  ],
}

describe.skipIf(!has('aws'))('AWS CLI', () => {
  let server: TestServer
  let dir: string
  type Reply = { readonly ok: boolean; readonly text: string }
  const run = (endpoint: string, env: NodeJS.ProcessEnv, args: readonly string[]): Promise<Reply> =>
    promisify(execFile)('aws', ['--endpoint-url', endpoint, ...args], { env, cwd: dir }).then(
      ({ stdout }) => ({ ok: true, text: stdout }),
      ({ stderr }: { stderr: string }) => ({ ok: false, text: stderr }),
    )

  beforeAll(async () => {
    server = await startServer({ config: { accounts, newBuckets: { blockPublicAccess: false } } })
    dir = await mkdtemp(join(tmpdir(), 'https-only-'))
    await writeFile(join(dir, 'file'), 'x')
    await writeFile(join(dir, 'large'), randomBytes(9_000_000))
    await writeFile(join(dir, 'policy.json'), JSON.stringify(POLICY))
    const owner = clientEnvironment(server, dir)
    for (const args of [
      ['s3', 'mb', 's3://guarded'],
      ['s3', 'cp', 'file', 's3://guarded/public/file'],
      ['s3api', 'put-bucket-policy', '--bucket', 'guarded', '--policy', 'file://policy.json'],
    ]) {
      expect(await run(server.https, owner, args)).toMatchObject({ ok: true })
    }
  })
  afterAll(async () => {
    await server.remove()
    await rm(dir, { recursive: true, force: true })
  })

  const OPERATIONS: Readonly<Record<string, readonly string[]>> = {
    GET: ['s3', 'cp', 's3://guarded/public/file', 'back'],
    PUT: ['s3', 'cp', 'file', 's3://guarded/put'],
    LIST: ['s3api', 'list-objects-v2', '--bucket', 'guarded'],
    HEAD: ['s3api', 'head-object', '--bucket', 'guarded', '--key', 'public/file'],
    multipart: ['s3', 'cp', 'large', 's3://guarded/large'],
    copy: ['s3', 'cp', 's3://guarded/public/file', 's3://guarded/copy'],
    DELETE: ['s3', 'rm', 's3://guarded/copy'],
    'bucket configuration': ['s3api', 'get-bucket-encryption', '--bucket', 'guarded'],
  }
  const refusal = (name: string) =>
    name === 'HEAD' || name === 'GET' || name === 'copy' ? /403|AccessDenied/ : /AccessDenied/

  test.each(Object.entries(OPERATIONS))('%s: HTTP refused, HTTPS let through', async (name, args) => {
    for (const who of [server.root, user]) {
      const env = clientEnvironment(server, dir, who)
      const plain = await run(server.http, env, args)
      expect(plain.ok).toBe(false)
      expect(plain.text).toMatch(refusal(name))
      expect(await run(server.https, env, args)).toMatchObject({ ok: true })
    }
  })

  test('anonymous', async () => {
    const args = ['--no-sign-request', 's3api', 'get-object', '--bucket', 'guarded', '--key', 'public/file', 'back']
    const env = clientEnvironment(server, dir)
    const plain = await run(server.http, env, args)
    expect(plain).toMatchObject({ ok: false })
    expect(plain.text).toMatch(/AccessDenied/)
    expect(await run(server.https, env, args)).toMatchObject({ ok: true })
  })

  test('the owner can still take the policy away, also over HTTP', async () => {
    const env = clientEnvironment(server, dir)
    expect(await run(server.http, env, ['s3api', 'delete-bucket-policy', '--bucket', 'guarded'])).toMatchObject({
      ok: true,
    })
    expect(await run(server.http, env, OPERATIONS.LIST!)).toMatchObject({ ok: true })
  })
})
