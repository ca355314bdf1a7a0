/** The ring in its file: made, opened, changed, cut off in the middle; with the providers that need nothing else. */
import { createHmac, randomBytes, scryptSync } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deriveKey } from '@strongroom/crypto/node'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { KeyRing } from './key-ring.ts'
import { environmentProvider, fileProvider, passphraseProvider } from './local-providers.ts'
import { RootKeyError, type RootKeyProvider, RootKeyUnreachable } from './provider.ts'
import { FORMAT, type RingFile, ringPath, writeRing } from './ring-file.ts'

let dir: string
let dataDir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ring-'))
  dataDir = join(dir, 'data')
})
afterEach(() => rm(dir, { recursive: true }))

const clock = { nowMs: () => 1_700_000_000_000 }
const keyText = (byte: number) => Buffer.alloc(32, byte).toString('base64')
const provider = (byte = 7) => environmentProvider(keyText(byte), 'KEY')
const file = async (name: string, content: string) => {
  await writeFile(join(dir, name), content)
  return join(dir, name)
}
const open = (by: RootKeyProvider = provider(), more: { readOnly?: boolean; hasRecords?: boolean } = {}) =>
  KeyRing.open({ dataDir, provider: by, clock, hasRecords: false, ...more })
const keys = (ring: KeyRing) => ring.export()

test('the first start makes it, for its owner only, and each other one opens the same', async () => {
  const made = keys(await open())
  expect(made.versions.map(({ version }) => version)).toEqual([1])
  expect((await stat(ringPath(dataDir))).mode & 0o777).toBe(0o600)
  expect(await readFile(ringPath(dataDir), 'utf8')).not.toContain(made.versions[0]!.key)
  expect(keys(await open())).toEqual(made)
})

test('with another root key nothing opens, and nothing is changed', async () => {
  await open()
  const before = await readFile(ringPath(dataDir), 'utf8')
  await expect(open(provider(8))).rejects.toThrow(/not the root key/)
  await expect(open(provider(8))).rejects.toBeInstanceOf(RootKeyError)
  expect(await readFile(ringPath(dataDir), 'utf8')).toBe(before)
})

test('a wrapped version opens in its own place of its own folder only', async () => {
  const ring = await open()
  await ring.add({ endSessions: false })
  const { file: own } = ring
  const [first, second] = own.versions
  const changed: RingFile[] = [
    { ...own, versions: [{ ...first!, wrapped: second!.wrapped }, second!] },
    { ...own, storeId: 'f'.repeat(32) },
    { ...own, versions: [{ ...first!, version: 3 }, second!] },
  ]
  for (const each of changed) {
    await writeRing(dataDir, each)
    await expect(open()).rejects.toBeInstanceOf(RootKeyError)
  }
})

test('a ring that is missing, cut or of another format is told, and never made anew over records', async () => {
  await expect(open(provider(), { hasRecords: true })).rejects.toThrow(/missing/)
  await mkdir(dataDir)
  const cut = { format: FORMAT, storeId: 'x' }
  const contents = [{ format: 'other', versions: [] }, cut, { ...cut, versions: [] }, null].map((each) =>
    JSON.stringify(each),
  )
  for (const content of ['{"format": "strong', ...contents]) {
    await writeFile(ringPath(dataDir), content)
    await expect(open()).rejects.toBeInstanceOf(RootKeyError)
  }
})

test('whoever only looks writes nothing', async () => {
  await mkdir(dataDir)
  await open(provider(), { readOnly: true })
  expect(await readdir(dataDir)).toEqual([])
})

describe('a rotation', () => {
  test('goes step by step: opens, seals, is alone', async () => {
    const ring = await open()
    const [first] = keys(ring).versions
    await ring.add({ endSessions: true })
    expect(ring.coming?.version).toBe(2)
    expect(keys(ring).sealing).toBe(1)
    expect(keys(await open())).toEqual(keys(ring))
    await ring.startSealing()
    expect([ring.coming, ring.old.map(({ version }) => version), keys(ring).sealing]).toEqual([undefined, [1], 2])
    expect(keys(await open())).toEqual(keys(ring))
    await ring.remove(ring.old)
    expect(keys(ring).versions.map(({ version }) => version)).toEqual([2])
    expect(keys(ring).versions[0]!.key).not.toBe(first!.key)
    expect(ring.file.endSessions).toBeUndefined()
    expect(keys(await open())).toEqual(keys(ring))
  })

  test('that is begun twice brings one version', async () => {
    const ring = await open()
    await ring.add({ endSessions: false })
    await (await open()).add({ endSessions: false })
    expect(keys(await open()).versions).toHaveLength(2)
  })

  test('moves to another provider in one write, which crashes before or after it', async () => {
    const before = keys(await open())
    for (const when of ['before', 'after'] as const) {
      const ring = await KeyRing.open({
        dataDir,
        provider: provider(7),
        clock,
        hasRecords: true,
        async write(...args) {
          if (when === 'after') await writeRing(...args)
          throw new Error('crash')
        },
      })
      await expect(ring.add({ to: provider(8), endSessions: false })).rejects.toThrow('crash')
      const [opens, refused] = when === 'before' ? [7, 8] : [8, 7]
      expect(keys(await open(provider(opens))).versions[0]).toEqual(before.versions[0])
      await expect(open(provider(refused))).rejects.toBeInstanceOf(RootKeyError)
    }
    expect(keys(await open(provider(8))).versions).toHaveLength(2)
  })

  test('does not begin where the root key is another one by now, nor where it cannot be had', async () => {
    const path = await file('root.key', keyText(1))
    const ring = await open(fileProvider(path))
    const before = await readFile(ringPath(dataDir), 'utf8')
    await writeFile(path, keyText(2))
    await expect(ring.add({ endSessions: false })).rejects.toBeInstanceOf(RootKeyError)
    await rm(path)
    await expect(ring.add({ endSessions: false })).rejects.toBeInstanceOf(RootKeyUnreachable)
    expect(await readFile(ringPath(dataDir), 'utf8')).toBe(before)
  })

  test('does not trust a provider that does not give back what it wrapped', async () => {
    const forgetful: RootKeyProvider = {
      description: 'forgetful',
      wrap: async () => new Uint8Array(8),
      unwrap: async () => new Uint8Array(32),
    }
    await expect(open(forgetful)).rejects.toThrow(/does not give back/)
    const ring = await open()
    await expect(ring.add({ to: forgetful, endSessions: false })).rejects.toThrow(/does not give back/)
    expect(keys(await open()).versions).toHaveLength(1)
  })
})

describe('a folder of the time before there were rings', () => {
  const made = async (rootKey: Uint8Array) => {
    await mkdir(dataDir, { recursive: true })
    const check = createHmac('sha256', deriveKey(rootKey, 'strongroom root check')).update('strongroom').digest()
    await writeFile(join(dataDir, 'root-key.check'), `${check.toString('base64')}\n`)
  }

  test('has its root key as version 1, from the first start on', async () => {
    await made(Buffer.alloc(32, 7))
    await expect(open(provider(8), { hasRecords: true })).rejects.toThrow(/not the root key/)
    const first = { sealing: 1, versions: [{ version: 1, key: keyText(7) }] }
    expect(keys(await open(provider(), { hasRecords: true, readOnly: true }))).toEqual(first)
    expect(await readdir(dataDir)).toEqual(['root-key.check'])
    expect(keys(await open(provider(), { hasRecords: true }))).toEqual(first)
    expect(await readdir(dataDir)).toEqual(['root-key.ring'])
    expect(keys(await open(provider(), { hasRecords: true }))).toEqual(first)
  })

  test('a crash between the ring and the removal of what it replaces changes nothing', async () => {
    await made(Buffer.alloc(32, 7))
    await open()
    await made(Buffer.alloc(32, 7))
    expect(keys(await open()).versions[0]!.key).toBe(keyText(7))
    expect(await readdir(dataDir)).toEqual(['root-key.ring'])
  })

  test('may have been made with a passphrase', async () => {
    const path = await file('passphrase', 'correct horse battery staple\n')
    const salt = randomBytes(32)
    const rootKey = scryptSync('correct horse battery staple', salt, 32, { N: 2 ** 14, r: 8, p: 1 })
    await made(rootKey)
    const costs = { salt: salt.toString('base64'), N: 2 ** 14, r: 8, p: 1 }
    await writeFile(join(dataDir, 'root-key.scrypt.json'), JSON.stringify(costs))
    const ring = await open(passphraseProvider(path), { hasRecords: true })
    expect(keys(ring).versions[0]!.key).toBe(rootKey.toString('base64'))
    expect(await readdir(dataDir)).toEqual(['root-key.ring'])
    expect(keys(await open(passphraseProvider(path)))).toEqual(keys(ring))
  })

  test('needs the kind of root key that it was made with', async () => {
    await made(Buffer.alloc(32, 7))
    const { rootKeyOfOld: _, ...remote } = provider()
    await expect(open(remote)).rejects.toThrow(/start it with that once/)
  })
})

describe('providers', () => {
  test('a file in the secrets folder is made by the first wrap, for its owner only, and no other file is', async () => {
    const path = join(dir, 'secrets', 'root.key')
    const ring = await open(fileProvider(path, { warning: 'careful' }))
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(keys(await open(fileProvider(path)))).toEqual(keys(ring))
    await rm(path)
    await expect(open(fileProvider(path, { warning: 'careful' }))).rejects.toBeInstanceOf(RootKeyUnreachable)
    await rm(ringPath(dataDir))
    await expect(open(fileProvider(path))).rejects.toBeInstanceOf(RootKeyUnreachable)
  })

  test('a passphrase opens what it wrapped, another one does not', async () => {
    const path = await file('passphrase', 'correct horse battery staple\n')
    const ring = await open(passphraseProvider(path))
    expect(keys(await open(passphraseProvider(path)))).toEqual(keys(ring))
    const other = await file('other', 'another horse battery staple')
    await expect(open(passphraseProvider(other))).rejects.toBeInstanceOf(RootKeyError)
  })

  test('a ring cannot ask scrypt for all memory', async () => {
    const path = await file('passphrase', 'correct horse battery staple\n')
    const ring = await open(passphraseProvider(path))
    const [entry] = ring.file.versions
    const wrapped = Buffer.from(entry!.wrapped, 'base64')
    wrapped[32] = 40
    await writeRing(dataDir, { ...ring.file, versions: [{ ...entry!, wrapped: wrapped.toString('base64') }] })
    await expect(open(passphraseProvider(path))).rejects.toBeInstanceOf(RootKeyError)
  })

  test.each([
    ['31 bytes', () => open(environmentProvider(Buffer.alloc(31).toString('base64'), 'KEY')), RootKeyError],
    ['31 bytes in a file', async () => open(fileProvider(await file('short', 'AAAA'))), RootKeyError],
    ['no such file', () => open(fileProvider('/nowhere/key')), RootKeyUnreachable],
    ['no passphrase yet', () => open(passphraseProvider('/nowhere/key')), RootKeyUnreachable],
    ['a short one', async () => open(passphraseProvider(await file('short', 'eleven char'))), RootKeyError],
  ])('%s: refused', async (_name, attempt, kind) => {
    await expect((async () => attempt())()).rejects.toBeInstanceOf(kind)
  })
})
