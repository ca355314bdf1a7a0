/** The commands policy, explain and doctor, and the API that explains, beside a running server. */
import { spawn } from 'node:child_process'
import { chmod, mkdtemp, readdir, rename, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import {
  CreateBucketCommand,
  GetBucketPolicyCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RawRequest, send } from '../support/raw.ts'
import { failure, s3Client } from '../support/sdk.ts'
import { program, startServer, type TestServer } from '../support/server.ts'

const reader = { accessKeyId: 'AKIAREADER', secretAccessKey: 'secretreader' }
const admin = { accessKeyId: 'AKIAADMIN', secretAccessKey: 'secretadmin' }
const stranger = { accessKeyId: 'AKIASTRANGER', secretAccessKey: 'secretstranger' }
const managed = (name: string) => [`arn:aws:iam::aws:policy/${name}`]
const accounts = [
  {
    id: '000000000000',
    users: [
      { name: 'reader', ...reader, policies: managed('AmazonS3ReadOnlyAccess') },
      { name: 'admin', ...admin, policies: managed('AdministratorAccess') },
    ],
  },
  { id: '222222222222', users: [{ name: 'owner', ...stranger, root: true }] },
]
const ROOT = 'arn:aws:iam::000000000000:root'
const Bucket = 'commanded'
const OBJECT = `arn:aws:s3:::${Bucket}/k`

let server: TestServer
let environment: NodeJS.ProcessEnv
beforeAll(async () => {
  server = await startServer({ config: { accounts } })
  environment = {
    ...process.env,
    AWS_ENDPOINT_URL: server.https,
    AWS_CA_BUNDLE: server.ca,
    AWS_SHARED_CREDENTIALS_FILE: server.credentials,
    AWS_PROFILE: 'strongroom',
  }
  await s3Client(server).send(new CreateBucketCommand({ Bucket }))
})
afterAll(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error/)
  await server.remove()
})

async function run(args: readonly string[], options: { input?: string; env?: NodeJS.ProcessEnv } = {}) {
  const child = spawn(process.execPath, [program, ...args], { env: { ...environment, ...options.env } })
  child.stdin.end(options.input ?? '')
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  return { stdout, stderr, code }
}

const sidsOf = (document: string | undefined) =>
  (JSON.parse(document ?? '{}') as { Statement: { Sid: string }[] }).Statement.map(({ Sid }) => Sid)

describe('policy', () => {
  test('https-only is added to what is there, closes HTTP to the owner, and stands once', async () => {
    const root = s3Client(server)
    const Statement = {
      Sid: 'Own',
      Effect: 'Allow',
      Principal: { AWS: '222222222222' },
      Action: 's3:GetObject',
      Resource: OBJECT,
    }
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement })
    await root.send(new PutBucketPolicyCommand({ Bucket, Policy }))
    for (let i = 0; i < 2; i++) expect(await run(['policy', 'https-only', Bucket])).toMatchObject({ code: 0 })
    const put = await root.send(new GetBucketPolicyCommand({ Bucket }))
    expect(sidsOf(put.Policy)).toEqual(['Own', 'RestrictToTLSRequestsOnly'])
    const plain = s3Client(server, { plain: true })
    expect(await failure(plain.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' })))).toMatchObject({
      status: 403,
    })
    await root.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }))
  })

  test('require-kms leaves uploads without a method to the default of the bucket', async () => {
    const root = s3Client(server)
    const put = (method?: 'AES256' | 'aws:kms') =>
      root.send(new PutObjectCommand({ Bucket: 'kms-only', Key: 'k', Body: 'x', ServerSideEncryption: method }))
    await root.send(new CreateBucketCommand({ Bucket: 'kms-only' }))
    expect(await run(['policy', 'require-kms', 'kms-only'])).toMatchObject({ code: 0, stderr: '' })
    expect(await failure(put('AES256'))).toMatchObject({ code: 'AccessDenied' })
    await put('aws:kms')
    await put()
  })

  test('--print asks no server', async () => {
    const env = { AWS_ENDPOINT_URL: 'https://127.0.0.1:1' }
    const { stdout, code } = await run(['policy', 'min-tls', 'any-bucket', '--version', '1.2', '--print'], { env })
    expect([code, sidsOf(stdout)]).toEqual([0, ['RestrictToTLSRequestsOnly', 'RequireTlsVersion']])
  })

  test.each([
    [['min-tls', Bucket, '--version', '1.1'], 2, /--version takes 1\.2 or 1\.3/],
    [['require-kms', Bucket, '--key', 'alias/a'], 2, /full ARN/],
    [['https-only', 'no-such-bucket'], 1, /NoSuchBucket/],
    [['https-only', Bucket, '--profile', 'absent'], 78, /no complete profile \[absent\]/],
    [['https-only'], 2, /missing required argument/],
  ])('policy %j ends with %i', async (args, code, message) => {
    const ended = await run(['policy', ...args])
    expect([ended.code, ended.stderr]).toEqual([code, expect.stringMatching(message)])
  })

  test('lint ends with 0, 1 and 2', async () => {
    const made = (await run(['policy', 'https-only', Bucket, '--print'])).stdout
    expect(await run(['policy', 'lint', '-'], { input: made })).toMatchObject({ code: 0 })
    const incomplete = made.replace(`"arn:aws:s3:::${Bucket}",`, '')
    expect(incomplete).not.toBe(made)
    const warned = await run(['policy', 'lint', '-', '--json'], { input: incomplete })
    expect(warned.code).toBe(1)
    expect(JSON.parse(warned.stdout)).toMatchObject([
      { code: 'https-only-incomplete', statement: 'RestrictToTLSRequestsOnly' },
    ])
    const misspelt = made.replace('aws:SecureTransport', 'aws:SecureTrsnaport')
    expect(await run(['policy', 'lint', '-'], { input: misspelt })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Policy has an invalid condition key'),
    })
  })
})

describe('explain', () => {
  const question = { principal: 'anonymous', action: 's3:GetObject', resource: OBJECT }
  const ask = (body: object, request: Partial<RawRequest> = {}) =>
    send(server, { method: 'POST', path: '/-/api/explain', body: JSON.stringify(body), ...request })

  test('a refused request by its id, on whichever worker', async () => {
    const refused = await send(server, { method: 'GET', path: `/${Bucket}/k`, plain: true })
    expect(refused.status).toBe(403)
    const requestId = String(refused.headers['x-amz-request-id'])
    // Connections are shared among the workers; so many of them reach each one.
    for (let i = 0; i < 8; i++) expect((await ask({ requestId })).status).toBe(200)
    const { stdout, code } = await run(['explain', requestId])
    expect(code).toBe(0)
    expect(stdout).toBe(
      `ExplicitDeny: s3:GetObject on ${OBJECT}\n` +
        `  by statement RestrictToTLSRequestsOnly of the bucket policy of ${Bucket} (resource-based)\n` +
        `  nearly: Allow Own of the bucket policy of ${Bucket}, but its principal is another\n`,
    )
  })

  test('a supposed request, with what nearly applied', async () => {
    const { stdout } = await run([
      'explain',
      ...Object.entries(question).flatMap(([name, value]) => [`--${name}`, value]),
    ])
    expect(stdout).toContain('because no resource-based policy allows it')
    expect(stdout).toContain('but aws:SecureTransport is true (Bool false)')
    expect(stdout).toContain(`nearly: Allow Own of the bucket policy of ${Bucket}, but its principal is another`)
  })

  test('a user by its own policies, over HTTP and HTTPS', async () => {
    const user = ['--principal', 'arn:aws:iam::000000000000:user/reader', '--resource', OBJECT, '--json', '--action']
    const decisions = await Promise.all(
      [
        ['s3:GetObject'],
        ['s3:PutObject'],
        ['s3:GetObject', '--http'],
        ['s3:GetObject', '--context', 'aws:SecureTransport=false'],
      ].map(async (rest) => JSON.parse((await run(['explain', ...user, ...rest])).stdout).decision),
    )
    expect(decisions).toEqual(['Allowed', 'ImplicitDeny', 'ExplicitDeny', 'ExplicitDeny'])
  })

  test('only who may, and only of its own account', async () => {
    const asked = async (request: Partial<RawRequest>, body: object = question) => {
      const { status, body: text } = await ask(body, request)
      return [status, (JSON.parse(text) as { __type?: string }).__type]
    }
    expect(await asked({ credentials: admin })).toEqual([200, undefined])
    expect(await asked({ credentials: reader })).toEqual([403, 'AccessDeniedException'])
    expect(await asked({ anonymous: true })).toEqual([400, 'MissingAuthenticationTokenException'])
    expect(await asked({ plain: true })).toEqual([400, 'InvalidRequest'])
    expect(await asked({ credentials: stranger })).toEqual([404, 'NotFoundException'])
    expect(await asked({ credentials: stranger }, { ...question, principal: ROOT })).toEqual([404, 'NotFoundException'])
    const refused = await send(server, { method: 'GET', path: `/${Bucket}/k`, plain: true, anonymous: true })
    const requestId = refused.headers['x-amz-request-id']
    expect(await asked({}, { requestId })).toEqual([200, undefined])
    expect(await asked({ credentials: stranger }, { requestId })).toEqual([404, 'NotFoundException'])
  })

  test.each<[object, number, string]>([
    [{ ...question, principal: 'arn:aws:iam::000000000000:user/nobody' }, 404, 'NotFoundException'],
    [{ ...question, resource: 'arn:aws:s3:::no-such-bucket/k' }, 404, 'NotFoundException'],
    [{ ...question, action: '*' }, 400, 'ValidationException'],
    [{ ...question, context: { 'aws:SourceIp': [1] } }, 400, 'ValidationException'],
    [{ requestId: 'NOSUCHREQUEST' }, 404, 'NotFoundException'],
    [{}, 400, 'ValidationException'],
  ])('%j is answered with %i %s', async (body, status, code) => {
    const reply = await ask(body)
    expect([reply.status, (JSON.parse(reply.body) as { __type: string }).__type]).toEqual([status, code])
  })
})

describe('doctor', () => {
  const doctor = async () => {
    const { stdout, code } = await run(['doctor', '--data', server.dataDir, '--json'])
    return { code, findings: JSON.parse(stdout) as { severity: string; about: string; message: string }[] }
  }

  test('lists the buckets that plain HTTP can reach, beside a running server', async () => {
    await s3Client(server).send(new CreateBucketCommand({ Bucket: 'open-to-http' }))
    const { code, findings } = await doctor()
    expect(code).toBe(0)
    const open = findings.filter(({ message }) => message.includes('plain HTTP')).map(({ about }) => about)
    expect(open).toEqual(['bucket kms-only', 'bucket open-to-http'])
  })

  test('secrets that others can read, and a root key that is gone, are errors', async () => {
    await chmod(server.credentials, 0o644)
    expect(await doctor()).toMatchObject({
      code: 1,
      findings: [{ severity: 'error', about: server.credentials }, {}, {}, {}],
    })
    await chmod(server.credentials, 0o600)
    const rootKey = join(server.dataDir, 'secrets/root.key')
    await rename(rootKey, `${rootKey}.away`)
    expect(await doctor()).toMatchObject({ code: 1, findings: [{ severity: 'error', about: 'root key' }] })
    await rename(`${rootKey}.away`, rootKey)
    expect((await doctor()).code).toBe(0)
  })

  test('makes nothing where nothing is', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'strongroom-doctor-'))
    const { code, stdout } = await run(['doctor', '--data', dir, '--json'])
    expect([code, await readdir(dir)]).toEqual([1, []])
    expect(stdout).toContain('has not been served from yet')
    await rmdir(dir)
  })
})
