/** Root keys that others keep: an HSM (SoftHSM), another Strongroom as the KMS, a server that speaks Vault's transit API. */
import { execFile, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  CreateKeyCommand,
  DecryptCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  EncryptCommand,
} from '@aws-sdk/client-kms'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { failure, kmsClient, s3Client } from '../support/sdk.ts'
import { program, type ServerOptions, startServer, type TestServer } from '../support/server.ts'
import { startVault } from '../support/vault.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'providers-'))
})
afterEach(() => rm(dir, { recursive: true }))

async function file(name: string, content: string): Promise<string> {
  await writeFile(join(dir, name), content)
  return join(dir, name)
}

const strongroom = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  promisify(execFile)(process.execPath, [program, ...args], { env: { ...process.env, ...env } }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, stdout, stderr }),
  )

async function put(server: TestServer): Promise<void> {
  await s3Client(server).send(new CreateBucketCommand({ Bucket: 'kept' }))
  const object = { Bucket: 'kept', Key: 'k', Body: 'kept', ServerSideEncryption: 'aws:kms' } as const
  await s3Client(server).send(new PutObjectCommand(object))
}

async function expectKept(server: TestServer): Promise<void> {
  const { Body } = await s3Client(server).send(new GetObjectCommand({ Bucket: 'kept', Key: 'k' }))
  expect(await Body!.transformToString()).toBe('kept')
}

const isReady = (server: TestServer) => fetch(`${server.http}/-/health/ready`).then(({ status }) => status === 200)

/**
 * What holds with each of them: a data folder is made and opened again, looked at by the commands, rotated while it is
 * served, and holds no key in its secrets folder.
 */
async function expectServes(options: ServerOptions): Promise<string> {
  const server = await startServer(options)
  const { dataDir } = server
  const { env = {} } = options
  const config = ['--data', dataDir, '--config', `${dataDir}.config.json`]
  expect(server.event, server.log()).toBe('ready')
  await put(server)
  expect(existsSync(join(dataDir, 'secrets', 'root.key'))).toBe(false)
  expect(server.log()).not.toContain('secrets folder')
  expect((await strongroom(['doctor', ...config], env)).stdout).not.toContain('root key')
  const rotated = await strongroom(['keys', 'rotate-root', '--end-sessions', ...config], env)
  expect(rotated).toMatchObject({ code: 0, stdout: expect.stringContaining('version 2') })
  await expectKept(server)
  expect(await server.stop()).toBe(0)
  expect(await strongroom(['fsck', ...config], env)).toMatchObject({ code: 0 })
  const stopped = await strongroom(['keys', 'rotate-root', '--end-sessions', ...config], env)
  expect(stopped).toMatchObject({ code: 0, stdout: expect.stringContaining('version 3') })
  const again = await startServer({ ...options, dataDir })
  await expectKept(again)
  await again.stop()
  return dataDir
}

describe('another Strongroom as the KMS', () => {
  let kms: TestServer
  let keyId: string
  beforeEach(async () => {
    kms = await startServer({ workers: 1 })
    keyId = (await kmsClient(kms).send(new CreateKeyCommand({}))).KeyMetadata!.KeyId!
  })
  afterEach(() => kms.remove())

  const awsKms = () => ({
    keyId,
    endpoint: kms.https,
    caFile: kms.ca,
    credentialsFile: kms.credentials,
    profile: 'strongroom',
  })

  test('keeps the root key, and each use of it names the data folder', async () => {
    const dataDir = await expectServes({ config: { rootKey: { awsKms: awsKms() } } })
    const { storeId, versions } = JSON.parse(await readFile(join(dataDir, 'root-key.ring'), 'utf8')) as {
      readonly storeId: string
      readonly versions: readonly { readonly wrapped: string }[]
    }
    const CiphertextBlob = Buffer.from(versions[0]!.wrapped, 'base64')
    const EncryptionContext = { 'strongroom:store': storeId, 'strongroom:version': '3' }
    const { Plaintext } = await kmsClient(kms).send(new DecryptCommand({ CiphertextBlob, EncryptionContext }))
    expect(Plaintext).toHaveLength(32)
    const without = kmsClient(kms).send(new DecryptCommand({ CiphertextBlob }))
    expect((await failure(without)).code).toBe('InvalidCiphertextException')
    await rm(dataDir, { recursive: true })
  })

  test('is waited for while it is down or says no, and what another key wrapped is refused', async () => {
    const config = { rootKey: { awsKms: awsKms() } }
    const server = await startServer({ config })
    const { dataDir } = server
    await put(server)
    await server.stop()

    await kmsClient(kms).send(new DisableKeyCommand({ KeyId: keyId }))
    const sealed = await startServer({ dataDir, config })
    expect([sealed.event, await isReady(sealed)]).toEqual(['sealed', false])
    expect(sealed.log()).toContain('DisabledException')
    await kmsClient(kms).send(new EnableKeyCommand({ KeyId: keyId }))
    await expect.poll(() => isReady(sealed), { timeout: 30_000 }).toBe(true)
    await expectKept(sealed)
    await sealed.stop()

    const down = { rootKey: { awsKms: { ...awsKms(), endpoint: 'https://127.0.0.1:1' } } }
    const alone = await startServer({ dataDir, config: down })
    expect([alone.event, alone.log()]).toEqual(['sealed', expect.stringContaining('cannot be reached')])
    await alone.stop()

    const { KeyMetadata } = await kmsClient(kms).send(new CreateKeyCommand({}))
    const path = await file(
      'other.json',
      JSON.stringify({ rootKey: { awsKms: { ...awsKms(), keyId: KeyMetadata!.KeyId } } }),
    )
    const wrong = await strongroom(['serve', '--data', dataDir, '--config', path])
    expect(wrong).toMatchObject({ code: 78, stderr: expect.stringContaining('not the root key') })

    // Wrapped by the right key, but for another place.
    const ringPath = join(dataDir, 'root-key.ring')
    const ring = JSON.parse(await readFile(ringPath, 'utf8')) as { versions: { wrapped: string }[] }
    const EncryptionContext = { 'strongroom:store': 'f'.repeat(32), 'strongroom:version': '1' }
    const forged = await kmsClient(kms).send(
      new EncryptCommand({ KeyId: keyId, Plaintext: Buffer.alloc(32, 1), EncryptionContext }),
    )
    ring.versions[0]!.wrapped = Buffer.from(forged.CiphertextBlob!).toString('base64')
    await writeFile(ringPath, JSON.stringify(ring))
    const right = await file('right.json', JSON.stringify(config))
    const moved = await strongroom(['serve', '--data', dataDir, '--config', right])
    expect(moved).toMatchObject({ code: 78, stderr: expect.stringContaining('InvalidCiphertextException') })
    await rm(dataDir, { recursive: true })
  })
})

describe('a server that speaks the transit API of Vault', () => {
  test('keeps the root key, through rotations of its own key and new tokens', async () => {
    const vault = await startVault(['strongroom', 'other'], 'first')
    const tokenFile = await file('token', 'first\n')
    const config = { rootKey: { vaultTransit: { address: vault.address, key: 'strongroom', tokenFile } } }
    const dataDir = await expectServes({ config })
    expect(new Set(vault.requests)).toEqual(
      new Set(['POST /v1/transit/encrypt/strongroom', 'POST /v1/transit/decrypt/strongroom']),
    )
    vault.rotate('strongroom')
    vault.token = 'second'
    const sealed = await startServer({ dataDir, config })
    expect([sealed.event, sealed.log()]).toEqual(['sealed', expect.stringContaining('permission denied')])
    await file('token', 'second\n')
    await expect.poll(() => isReady(sealed), { timeout: 30_000 }).toBe(true)
    await expectKept(sealed)
    await sealed.stop()

    vault.isSealed = true
    const waiting = await startServer({ dataDir, config })
    expect(waiting.log()).toContain('Vault is sealed')
    vault.isSealed = false
    await expect.poll(() => isReady(waiting), { timeout: 30_000 }).toBe(true)
    await waiting.stop()

    const other = { rootKey: { vaultTransit: { ...config.rootKey.vaultTransit, key: 'other' } } }
    const path = await file('other.json', JSON.stringify(other))
    const wrong = await strongroom(['serve', '--data', dataDir, '--config', path])
    expect(wrong).toMatchObject({ code: 78, stderr: expect.stringContaining('not the root key') })
    await rm(dataDir, { recursive: true })
    await vault.close()
  })

  test('the token comes by the environment as well; a far one must be reached by HTTPS', async () => {
    const vault = await startVault(['strongroom'], 'first')
    const config = { rootKey: { vaultTransit: { address: vault.address, key: 'strongroom' } } }
    const server = await startServer({ config, env: { VAULT_TOKEN: 'first' } })
    await put(server)
    await expectKept(server)
    await server.remove()
    await vault.close()
    const far = { rootKey: { vaultTransit: { address: 'http://vault.example:8200', key: 'k' } } }
    const path = await file('far.json', JSON.stringify(far))
    expect(await strongroom(['serve', '--data', join(dir, 'data'), '--config', path])).toMatchObject({
      code: 78,
      stderr: expect.stringContaining('not an https:// address'),
    })
  })
})

const module = ['/usr/lib/softhsm/libsofthsm2.so', '/usr/lib64/softhsm/libsofthsm2.so'].find((path) => existsSync(path))
const hasHsm = module !== undefined && spawnSync('softhsm2-util', ['--version']).status === 0
if (!hasHsm) console.log('SKIPPED: softhsm2 is not installed')

describe.skipIf(!hasHsm)('an HSM', () => {
  let env: NodeJS.ProcessEnv
  beforeEach(async () => {
    await mkdir(join(dir, 'tokens'))
    env = { SOFTHSM2_CONF: await file('softhsm2.conf', `directories.tokendir = ${join(dir, 'tokens')}\n`) }
    await newToken('vault room')
  })
  const newToken = (label: string) =>
    promisify(execFile)(
      'softhsm2-util',
      ['--init-token', '--free', '--label', label, '--so-pin', '12345678', '--pin', '87654321'],
      { env: { ...process.env, ...env } },
    )
  const rootKey = async (more: object = {}) => ({
    rootKey: {
      pkcs11: { module, token: 'vault room', key: 'strongroom', pinFile: await file('pin', '87654321\n'), ...more },
    },
  })

  test('makes the root key at first start and keeps it', async () => {
    const dataDir = await expectServes({ config: await rootKey(), env })
    // The token is gone, and comes back.
    const away = { SOFTHSM2_CONF: await file('away.conf', `directories.tokendir = ${join(dir, 'away')}\n`) }
    await mkdir(join(dir, 'away'))
    const sealed = await startServer({ dataDir, config: await rootKey(), env: away })
    expect([sealed.event, sealed.log()]).toEqual(['sealed', expect.stringContaining('no token vault room is present')])
    await file('away.conf', `directories.tokendir = ${join(dir, 'tokens')}\n`)
    await expect.poll(() => isReady(sealed), { timeout: 30_000 }).toBe(true)
    await expectKept(sealed)
    await sealed.stop()
    await rm(dataDir, { recursive: true })
  })

  test('a wrong PIN is tried once, and another key, token or module is told', async () => {
    const server = await startServer({ config: await rootKey(), env })
    const { dataDir } = server
    await put(server)
    await server.stop()
    await newToken('other room')
    const attempt = async (more: object) => {
      const path = await file('attempt.json', JSON.stringify({ ...(await rootKey(more)) }))
      const ports = ['--http', '127.0.0.1:0', '--https', '127.0.0.1:0']
      return strongroom(['serve', '--data', dataDir, '--config', path, ...ports], env)
    }
    const wrongPin = { pinFile: await file('wrong-pin', '11111111') }
    expect(await attempt(wrongPin)).toMatchObject({ code: 78, stderr: expect.stringContaining('CKR_PIN_INCORRECT') })
    expect(await attempt({ key: 'other' })).toMatchObject({
      code: 78,
      stderr: expect.stringContaining('has no key other'),
    })
    expect(await attempt({ token: 'other room' })).toMatchObject({ code: 78 })
    const config = await rootKey({ module: '/nowhere/libhsm.so' })
    const sealed = await startServer({ dataDir, config, env })
    expect([sealed.event, sealed.log()]).toEqual(['sealed', expect.stringContaining('cannot load /nowhere/libhsm.so')])
    const ended = once(sealed.child, 'exit')
    await sealed.remove()
    expect((await ended)[0]).toBe(0)
  })
})
