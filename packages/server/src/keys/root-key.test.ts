import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadRootKey, RootKey } from './root-key.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'root-key-'))
})
afterEach(() => rm(dir, { recursive: true }))

const key = Buffer.alloc(32, 7).toString('base64')
const load = (env: NodeJS.ProcessEnv, name = 'data') =>
  loadRootKey({ secretsDir: join(dir, 'secrets'), dataDir: join(dir, name), env })
const derived = async (env: NodeJS.ProcessEnv, name?: string) =>
  Buffer.from((await load(env, name)).rootKey.derive('x')).toString('hex')
const file = async (name: string, content: string) => {
  await writeFile(join(dir, name), content)
  return join(dir, name)
}

test('the environment gives it directly or by a file, and forgets it', async () => {
  const env: NodeJS.ProcessEnv = { STRONGROOM_ROOT_KEY: key, OTHER: 'stays' }
  const first = await derived(env)
  expect(env).toEqual({ OTHER: 'stays' })
  expect(await derived({ STRONGROOM_ROOT_KEY_FILE: await file('key', `${key}\n`) })).toBe(first)
})

test('without one the first start makes it, for its owner only, and says what that means', async () => {
  const { warning } = await load({})
  expect(warning).toContain('STRONGROOM_ROOT_KEY_FILE')
  const path = join(dir, 'secrets', 'root.key')
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  const made = await readFile(path, 'utf8')
  await load({})
  expect(await readFile(path, 'utf8')).toBe(made)
})

test('a passphrase gives another key in each data folder, the same in one', async () => {
  const STRONGROOM_ROOT_PASSPHRASE_FILE = await file('passphrase', 'correct horse battery staple\n')
  const first = await derived({ STRONGROOM_ROOT_PASSPHRASE_FILE })
  expect(await derived({ STRONGROOM_ROOT_PASSPHRASE_FILE })).toBe(first)
  expect(await derived({ STRONGROOM_ROOT_PASSPHRASE_FILE }, 'another')).not.toBe(first)
  await file('passphrase', 'another horse battery staple')
  await expect(load({ STRONGROOM_ROOT_PASSPHRASE_FILE })).rejects.toThrow(/not the root key/)
})

test.each([
  ['two sources', async () => ({ STRONGROOM_ROOT_KEY: key, STRONGROOM_ROOT_KEY_FILE: 'x' }), /more than one/],
  ['31 bytes', async () => ({ STRONGROOM_ROOT_KEY: Buffer.alloc(31).toString('base64') }), /32 bytes/],
  ['no such file', async () => ({ STRONGROOM_ROOT_KEY_FILE: '/nowhere/key' }), /cannot read/],
  [
    'a short passphrase',
    async () => ({ STRONGROOM_ROOT_PASSPHRASE_FILE: await file('short', 'eleven char') }),
    /shorter than/,
  ],
])('%s: refused', async (_name, env, message) => {
  await expect(load(await env())).rejects.toThrow(message)
})

test('another key than the one that the folder was made with is refused', async () => {
  await load({ STRONGROOM_ROOT_KEY: key })
  await expect(load({ STRONGROOM_ROOT_KEY: Buffer.alloc(32, 8).toString('base64') })).rejects.toThrow(
    /not the root key/,
  )
})

test('it prints as nothing', () => {
  const rootKey = new RootKey(Buffer.from('0123456789abcdef0123456789abcdef'))
  for (const text of [JSON.stringify({ rootKey }), inspect(rootKey, { depth: 9 })]) expect(text).not.toContain('0123')
})
