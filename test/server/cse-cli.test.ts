/** `strongroom cse`: keygen, put and get, against a started desk.server. */
import { spawn } from 'node:child_process'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { has } from '../support/clients.ts'
import { CseDesk, endOf, until } from '../support/cse.ts'
import { stored, tamper } from '../support/encryption.ts'
import { program } from '../support/server.ts'

const MIB = 1 << 20

const desk = new CseDesk()
const { dir, aes, otherAes, rsa, cse, start, ok, url, get, put, head, file } = desk
beforeAll(() => desk.open())
afterAll(() => desk.close())
beforeEach(() => desk.newBucket())

describe('keygen', () => {
  test('an AES key: private, told apart by its id, and of the form that is documented', async () => {
    const out = join(dir, 'fresh.key')
    const { stdout } = await ok(cse(['keygen', '--out', out]))
    const text = await readFile(out, 'utf8')
    const [, id, key] = /^-----BEGIN STRONGROOM AES KEY-----\nId: (.{16})\n\n(.{44})\n-----END/.exec(text)!
    expect(Buffer.from(key!, 'base64')).toHaveLength(32)
    expect((await stat(out)).mode & 0o777).toBe(0o600)
    expect(stdout.toString()).toContain(id)
    expect(stdout.toString()).toContain('lost')
    expect(stdout.toString()).not.toContain(key)
  })

  test('an RSA pair: the private half private, the public one not', async () => {
    expect((await stat(rsa)).mode & 0o777).toBe(0o600)
    expect((await stat(`${rsa}.pub`)).mode & 0o777).toBe(0o644)
    expect(await readFile(rsa, 'utf8')).toMatch(/^-----BEGIN PRIVATE KEY-----/)
    expect(await readFile(`${rsa}.pub`, 'utf8')).toMatch(/^-----BEGIN PUBLIC KEY-----/)
  })

  test.each([
    ['aes', 'a'],
    ['rsa', 'b'],
    ['rsa', 'c.pub'],
  ])('of type %s it never overwrites, and leaves no other half behind', async (type, name) => {
    const path = await file(name, 'precious')
    const out = path.replace(/\.pub$/, '')
    const { code, stderr } = await cse(['keygen', '--type', type, '--out', out])
    expect(code).toBe(1)
    expect(stderr).toContain('never overwritten')
    expect(await readFile(path, 'utf8')).toBe('precious')
    expect((await readdir(dir)).filter((one) => one.startsWith(name.slice(0, 1)) && one.length < 6)).toEqual([name])
  })

  test('a type that there is not is wrong usage', async () => {
    expect(await cse(['keygen', '--type', 'des', '--out', join(dir, 'des')])).toMatchObject({ code: 2 })
  })
})

describe('put and get', () => {
  const INSTRUCTION_FILE = ['--instruction-file']
  const SEALED = ['--format', 'sealed']
  const cases: readonly (readonly [name: string, keys: () => string[], formats: readonly string[][]])[] = [
    ['an AES key', () => ['--key', aes], [[], INSTRUCTION_FILE, SEALED]],
    ['an RSA key', () => ['--key', rsa], [[]]],
    ['a KMS key', () => ['--kms', desk.kmsKeyId], [INSTRUCTION_FILE]],
    ['a passphrase', () => ['--passphrase-file', join(dir, 'passphrase')], [SEALED]],
  ]
  beforeAll(() => writeFile(join(dir, 'passphrase'), 'correct horse\n'))

  test.each(cases)('with %s', async (_, keys, formats) => {
    const plain = await file('letter', 'dear reader')
    for (const format of formats) {
      const name = format.join(' ') || 'V3'
      await ok(cse(['put', plain, url(name), ...keys(), ...format, '--quiet']))
      expect(Buffer.from((await stored(desk.s3, desk.bucket, name)).body).includes('dear reader')).toBe(false)
      const back = join(dir, 'back')
      const { stdout, stderr } = await ok(cse(['get', url(name), back, ...keys(), '--quiet']))
      expect(await readFile(back, 'utf8')).toBe('dear reader')
      expect((await stat(back)).mode & 0o777).toBe(0o600)
      expect(stdout.toString() + stderr).toBe('')
    }
  })

  test('20 MiB through standard input and output, in both formats', async () => {
    const body = randomBytes(20 * MIB)
    for (const format of ['s3-encryption-client', 'sealed']) {
      await ok(cse(['put', '-', url(format), '--key', aes, '--format', format], { input: body }))
      const got = await get(format, '--key', aes)
      expect(got.equals(body)).toBe(true)
    }
  })

  test.runIf(has('script'))(
    'a passphrase is asked for on the terminal, twice where it is new, and not shown',
    async () => {
      const plain = await file('letter', 'dear reader')
      const asked = (args: string, answers: readonly string[]) => onTerminal(`${args} --passphrase`, answers)
      const put = await asked(`put ${plain} ${url('k')}`, ['hunter2x\u007f', 'another', 'hunter2', 'hunter2'])
      expect(put).toMatchObject({ code: 0, asked: 4 })
      expect(put.shown).toContain('They differ.')
      const out = join(dir, 'asked')
      const got = await asked(`get ${url('k')} ${out}`, ['hunter2'])
      expect(got).toMatchObject({ code: 0, asked: 1 })
      expect(await readFile(out, 'utf8')).toBe('dear reader')
      expect(put.shown + got.shown).not.toMatch(/hunter2|another/)
      expect(await asked(`get ${url('k')} ${out}`, ['wrong'])).toMatchObject({ code: 1 })
      expect(await asked(`get ${url('k')} ${out}`, ['\u0003'])).toMatchObject({ code: 1, asked: 1 })
      // Without any terminal.
      expect(await cse(['get', url('k'), out, '--passphrase'], { under: ['setsid'] })).toMatchObject({
        code: 2,
      })
    },
  )

  test('headers and user metadata go along', async () => {
    const plain = await file('page', '<p>')
    const more = ['--content-type', 'text/html', '--metadata', 'of=mine=yes', '--metadata', 'b=']
    await ok(cse(['put', plain, url('page'), '--key', aes, ...more]))
    expect(await head('page')).toMatchObject({ ContentType: 'text/html', Metadata: { of: 'mine=yes' } })
  })

  test('the public half writes and does not read', async () => {
    const plain = await file('secret', 'for the owner')
    await ok(cse(['put', plain, url('k'), '--key', `${rsa}.pub`]))
    expect(await cse(['get', url('k'), '-', '--key', `${rsa}.pub`])).toMatchObject({ code: 1 })
    expect((await get('k', '--key', rsa)).toString()).toBe('for the owner')
  })

  test('of several keys the first writes and all read; in the sealed format all write', async () => {
    const plain = await file('shared', 'shared')
    const both = ['--key', aes, '--kms', desk.kmsKeyId]
    await ok(cse(['put', plain, url('v3'), ...both]))
    await ok(cse(['put', plain, url('sealed'), ...both, '--format', 'sealed']))
    for (const [key, args, code] of [
      ['v3', ['--key', aes], 0],
      ['v3', ['--key', otherAes, '--key', aes], 0],
      ['v3', ['--kms', desk.kmsKeyId], 1],
      ['sealed', ['--key', aes], 0],
      ['sealed', ['--kms', desk.kmsKeyId], 0],
    ] as const)
      expect(await cse(['get', url(key), '-', ...args]), `${key} ${args}`).toMatchObject({ code })
  })

  test('a wrong key, another context or a changed body: exit code 1, a reason, and no file', async () => {
    const plain = await file('plain', 'x'.repeat(100_000))
    const bound = ['--context', 'tenant=a', '--format', 'sealed', '--key', aes]
    await ok(cse(['put', plain, url('k'), '--key', aes]))
    await ok(cse(['put', plain, url('bound'), ...bound]))
    await ok(cse(['put', plain, url('changed'), ...bound]))
    await tamper(desk.s3, desk.bucket, 'changed', ({ body }) => {
      body[body.length - 20]! ^= 1
      return { body }
    })
    await put('clear', 'in clear')
    const out = join(dir, 'never')
    for (const [key, args, reason] of [
      ['k', ['--key', otherAes], 'DataKeyNotOpened'],
      ['k', ['--kms', desk.kmsKeyId], 'NoKeyringFits'],
      ['bound', ['--key', aes, '--context', 'tenant=b'], 'EncryptionContextMismatch'],
      ['changed', bound.slice(0, 2).concat('--key', aes), 'BodyNotAuthentic'],
      ['clear', ['--key', aes], 'NotEncrypted'],
      ['absent', ['--key', aes], 'NoSuchKey'],
    ] as const) {
      const { code, stderr } = await cse(['get', url(key), out, ...args])
      expect(code).toBe(1)
      expect(stderr).toContain(reason)
      expect(await readdir(dir)).not.toContain('never')
      expect(await readdir(dir)).not.toContain('never.partial')
    }
  })

  test('what fails does not touch the file that was there', async () => {
    const plain = await file('plain', 'letter')
    await ok(cse(['put', plain, url('k'), '--key', aes]))
    const old = await file('old', 'old')
    expect(await cse(['get', url('k'), old, '--key', otherAes])).toMatchObject({ code: 1 })
    expect(await readFile(old, 'utf8')).toBe('old')
    await chmod(old, 0o644)
    await ok(cse(['get', url('k'), old, '--key', aes]))
    expect(await readFile(old, 'utf8')).toBe('letter')
  })

  test('wrong usage: exit code 2, and the store is not asked', async () => {
    const plain = await file('plain', 'letter')
    const damaged = await file('damaged.key', (await readFile(aes, 'utf8')).replace(/Id: ..../, 'Id: 0000'))
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' })
    const noRsa = await file('ec.pem', ec.toString())
    for (const args of [
      ['put', plain, url('k')],
      ['put', plain, 'k', '--key', aes],
      ['put', plain, `s3://${desk.bucket}`, '--key', aes],
      ['put', plain, url('k'), '--key', plain],
      ['put', plain, url('k'), '--key', damaged],
      ['put', plain, url('k'), '--key', noRsa],
      ['put', plain, url('k'), '--key', aes, '--format', 'zip'],
      ['put', plain, url('k'), '--key', aes, '--commitment-policy', 'none'],
      ['put', plain, url('k'), '--key', aes, '--format', 'sealed', '--instruction-file'],
      ['put', plain, url('k'), '--key', aes, '--context', 'a'],
      ['put', plain, url('k'), '--key', aes, '--context', 'a=1', '--context', 'a=2'],
      ['get', url('k'), '/dev/null', '--key', aes],
      ['get', url('k'), dir, '--key', aes],
      ['rewrap', `s3://${desk.bucket}`, '--key', aes, '--to-key', otherAes],
      ['rewrap', url('k'), '--key', aes],
      ['rewrap', url('k'), '--key', rsa, '--to-key', `${rsa}.pub`],
      ['migrate', `s3://${desk.bucket}`],
      ['migrate', `s3://${desk.bucket}`, '--key', aes, '--concurrency', '0'],
      ['migrate', `s3://${desk.bucket}`, '--key', aes, '--instruction-file'],
    ]) {
      const { code, stderr } = await cse(args)
      expect({ args, code, stderr }).toMatchObject({ code: 2 })
      // Not a letter of a key, also where it is damaged.
      expect(stderr).not.toContain(/\n\n(.{20})/.exec(await readFile(aes, 'utf8'))![1])
    }
    expect((await desk.s3.send(new ListObjectsV2Command({ Bucket: desk.bucket }))).KeyCount).toBe(0)
    expect((await stat('/dev/null')).isCharacterDevice()).toBe(true)
  })

  test('an upload that is interrupted leaves nothing, also no parts', async () => {
    const child = start(['put', '-', url('k'), '--key', aes])
    const ended = endOf(child)
    child.stdin!.on('error', () => {})
    child.stdin!.write(randomBytes(16 * MIB))
    await until(async () => (await uploadsUnderWay()) > 0)
    child.kill('SIGINT')
    expect(await ended).toMatchObject({ code: 1 })
    expect((await desk.s3.send(new ListObjectsV2Command({ Bucket: desk.bucket }))).KeyCount).toBe(0)
    expect(await uploadsUnderWay()).toBe(0)
  })

  test('without the packages of AWS it says which to install', async () => {
    const hook = await file(
      'absent.mjs',
      `import { register } from 'node:module'
       const code = "export const resolve = (name, context, next) => { if (name.startsWith('@aws-sdk/')) throw Object.assign(" +
         "new Error('Cannot find package \\\\'' + name + '\\\\''), { code: 'ERR_MODULE_NOT_FOUND' }); return next(name, context) }"
       register('data:text/javascript,' + encodeURIComponent(code))`,
    )
    const env = { NODE_OPTIONS: `--import=${hook}` }
    const { code, stderr } = await cse(['put', aes, url('k'), '--key', aes], { env })
    expect(code).toBe(1)
    expect(stderr).toContain('npm install @aws-sdk/client-s3 @aws-sdk/lib-storage')
    await ok(cse(['keygen', '--out', join(dir, 'without-sdk.key')], { env }))
  })
})

const uploadsUnderWay = async () =>
  (await desk.s3.send(new ListMultipartUploadsCommand({ Bucket: desk.bucket }))).Uploads?.length ?? 0

/** On a terminal, where each question gets the next answer. */
async function onTerminal(args: string, answers: readonly string[]) {
  const command = `${process.execPath} ${program} cse ${args} --data ${desk.server.dataDir}`
  const child = spawn('script', ['-qec', command, '/dev/null'], { env: desk.environment() })
  let shown = ''
  let asked = 0
  child.stdout.on('data', (text: Buffer) => {
    shown += text.toString()
    const questions = shown.match(/(Passphrase|Once more): /g)?.length ?? 0
    for (; asked < questions; asked++) child.stdin.write(`${answers[asked]}\r`)
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, shown, asked }
}
