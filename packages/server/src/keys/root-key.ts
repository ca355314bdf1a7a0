/**
 * The root key: it wraps all key material and seals all records, and stands above everything else.
 * Where it comes from is the operator's choice; see docs/decisions/0004-root-key.md.
 */
import { createHmac, randomBytes, scryptSync, timingSafeEqual } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { deriveKey } from '@strongroom/crypto/node'
import { readIfPresent, writeFileDurably } from '../core/durable-file.ts'

/** The root key cannot be had, or is not the one that this data folder was made with. */
export class RootKeyError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'RootKeyError'
  }
}

export class RootKey {
  readonly #bytes: Uint8Array

  /** `bytes`: 32, taken over. */
  constructor(bytes: Uint8Array) {
    if (bytes.length !== 32) throw new RootKeyError(`a root key is 32 bytes, not ${bytes.length}`)
    this.#bytes = bytes
  }

  /** 32 bytes for one use, named by `label`. */
  derive(label: string): Uint8Array {
    return deriveKey(this.#bytes, `strongroom root ${label}`)
  }

  /** For the channel to a worker process only. */
  exportForWorker(): string {
    return Buffer.from(this.#bytes).toString('base64')
  }

  static import(exported: string): RootKey {
    return new RootKey(Buffer.from(exported, 'base64'))
  }

  toJSON(): string {
    return 'RootKey(…)'
  }
}

export interface LoadedRootKey {
  readonly rootKey: RootKey
  /** What the operator should know of this way of keeping it. */
  readonly warning: string | undefined
}

/**
 * Takes the root key from where the environment says, else from `secretsDir/root.key`, which is made at first start.
 * The variables are removed from `env`. Throws RootKeyError.
 */
export async function loadRootKey(from: {
  readonly secretsDir: string
  readonly dataDir: string
  readonly env: NodeJS.ProcessEnv
}): Promise<LoadedRootKey> {
  const direct = take(from.env, 'STRONGROOM_ROOT_KEY')
  const keyFile = take(from.env, 'STRONGROOM_ROOT_KEY_FILE')
  const passphraseFile = take(from.env, 'STRONGROOM_ROOT_PASSPHRASE_FILE')
  const given = [direct, keyFile, passphraseFile].filter((value) => value !== undefined)
  if (given.length > 1) throw new RootKeyError('more than one of the STRONGROOM_ROOT_… variables is set')

  let loaded: LoadedRootKey
  if (direct !== undefined) loaded = { rootKey: fromBase64(direct, 'STRONGROOM_ROOT_KEY'), warning: undefined }
  else if (keyFile !== undefined) {
    loaded = { rootKey: fromBase64(await readSecret(keyFile), keyFile), warning: undefined }
  } else if (passphraseFile !== undefined) {
    loaded = { rootKey: await fromPassphrase(await readSecret(passphraseFile), from.dataDir), warning: undefined }
  } else loaded = { rootKey: await fromSecretsFolder(from.secretsDir), warning: FILE_WARNING }
  await checkRootKey(loaded.rootKey, from.dataDir)
  return loaded
}

const FILE_WARNING =
  'The root key is kept in the secrets folder. Whoever copies that folder together with the data can read everything: ' +
  'keep it off the data’s backups, or give the key by STRONGROOM_ROOT_KEY_FILE or STRONGROOM_ROOT_PASSPHRASE_FILE.'

function take(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const value = env[name]
  delete env[name]
  return value === '' ? undefined : value
}

async function readSecret(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (error) {
    throw new RootKeyError(`cannot read ${path}: ${(error as Error).message}`)
  }
}

function fromBase64(text: string, where: string): RootKey {
  const bytes = Buffer.from(text.trim(), 'base64')
  if (bytes.length !== 32) throw new RootKeyError(`${where} does not hold 32 bytes in base64`)
  return new RootKey(bytes)
}

async function fromSecretsFolder(secretsDir: string): Promise<RootKey> {
  const path = join(secretsDir, 'root.key')
  const present = await readIfPresent(path)
  if (present !== undefined) return fromBase64(present, path)
  const bytes = randomBytes(32)
  await mkdir(secretsDir, { recursive: true, mode: 0o700 })
  await writeFileDurably(path, `${bytes.toString('base64')}\n`, 0o600)
  return new RootKey(bytes)
}

/** scrypt with a salt of this data folder; salt and costs are no secrets. About 128 MiB and a third of a second. */
async function fromPassphrase(passphrase: string, dataDir: string): Promise<RootKey> {
  if (passphrase.length < MIN_PASSPHRASE)
    throw new RootKeyError(`the passphrase is shorter than ${MIN_PASSPHRASE} characters`)
  const path = join(dataDir, 'root-key.scrypt.json')
  let text = await readIfPresent(path)
  if (text === undefined) {
    text = `${JSON.stringify({ salt: randomBytes(32).toString('base64'), N: 2 ** 17, r: 8, p: 1 })}\n`
    await mkdir(dataDir, { recursive: true, mode: 0o700 })
    await writeFileDurably(path, text, 0o600)
  }
  const { salt, N, r, p } = JSON.parse(text) as { salt: string; N: number; r: number; p: number }
  return new RootKey(scryptSync(passphrase, Buffer.from(salt, 'base64'), 32, { N, r, p, maxmem: 256 * N * r }))
}

/** Tells a wrong root key before it can do anything: the folder remembers a value that only the right one derives. */
async function checkRootKey(rootKey: RootKey, dataDir: string): Promise<void> {
  const path = join(dataDir, 'root-key.check')
  const check = createHmac('sha256', rootKey.derive('check')).update('strongroom').digest()
  const known = await readIfPresent(path)
  if (known === undefined) {
    await mkdir(dataDir, { recursive: true, mode: 0o700 })
    await writeFileDurably(path, `${check.toString('base64')}\n`, 0o600)
    return
  }
  const expected = Buffer.from(known, 'base64')
  if (expected.length !== check.length || !timingSafeEqual(expected, check)) {
    throw new RootKeyError(`this is not the root key that ${dataDir} was made with`)
  }
}

const MIN_PASSPHRASE = 12
