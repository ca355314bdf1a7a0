/** Root keys that this machine has: 32 bytes in a file or in the environment, or a passphrase. */
import { randomBytes, scrypt } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { encodeContext, SealError } from '@strongroom/crypto'
import { deriveKey, MessageKey } from '@strongroom/crypto/node'
import { readIfPresent, writeFileDurably } from '../core/durable-file.ts'
import { RootKeyError, type RootKeyProvider, RootKeyUnreachable, type WrapContext } from './provider.ts'

/** The root key in base64 in a file. `make`: the first wrap makes the file where it is absent. */
export function fileProvider(path: string, make?: { readonly warning: string }): RootKeyProvider {
  const read = async () => fromBase64(await readSecret(path), path)
  return {
    description: `the file ${path}`,
    warning: make?.warning,
    async wrap(key, context) {
      if (make && (await readIfPresent(path)) === undefined) {
        await mkdir(dirname(path), { recursive: true, mode: 0o700 })
        await writeFileDurably(path, `${randomBytes(32).toString('base64')}\n`, 0o600)
      }
      return seal(await read(), key, context)
    },
    unwrap: async (wrapped, context) => open(await read(), wrapped, context),
    rootKeyOfOld: read,
  }
}

/** The root key in base64, out of the environment. `name`: of the variable. */
export function environmentProvider(value: string, name: string): RootKeyProvider {
  const rootKey = () => fromBase64(value, name)
  rootKey().fill(0)
  return {
    description: `the variable ${name}`,
    wrap: async (key, context) => seal(rootKey(), key, context),
    unwrap: async (wrapped, context) => open(rootKey(), wrapped, context),
    rootKeyOfOld: async () => rootKey(),
  }
}

/** Costs of scrypt for what is wrapped from now on: about 128 MiB and a third of a second. */
const COSTS = { N: 2 ** 17, r: 8, p: 1 }
/** What is read is refused above this, so that a changed ring cannot ask for all memory. */
const MOST_BYTES = 2 ** 30
const SALT_BYTES = 32
const MIN_PASSPHRASE = 12

/** Wraps begin with the salt and the costs of their derivation: log2 of N, r, p, one byte each. */
export function passphraseProvider(path: string): RootKeyProvider {
  const passphrase = async () => {
    const text = await readSecret(path)
    if (text.length >= MIN_PASSPHRASE) return text
    throw new RootKeyError(`the passphrase in ${path} is shorter than ${MIN_PASSPHRASE} characters`)
  }
  return {
    description: `the passphrase in ${path}`,
    async wrap(key, context) {
      const salt = randomBytes(SALT_BYTES)
      const sealed = seal(await stretch(await passphrase(), salt, COSTS), key, context)
      return Buffer.concat([salt, new Uint8Array([Math.log2(COSTS.N), COSTS.r, COSTS.p]), sealed])
    },
    async unwrap(wrapped, context) {
      const [logN = 0, r = 0, p = 0] = wrapped.subarray(SALT_BYTES, SALT_BYTES + 3)
      const salt = wrapped.subarray(0, SALT_BYTES)
      const rootKey = await stretch(await passphrase(), salt, { N: 2 ** logN, r, p })
      return open(rootKey, wrapped.subarray(SALT_BYTES + 3), context)
    },
    async rootKeyOfOld(dataDir) {
      const text = await passphrase()
      const costs = await readIfPresent(join(dataDir, OLD_SALT_FILE))
      if (costs === undefined) throw new RootKeyError(`${dataDir} was not made with a passphrase`)
      const { salt, N, r, p } = JSON.parse(costs) as { salt: string; N: number; r: number; p: number }
      return stretch(text, Buffer.from(salt, 'base64'), { N, r, p })
    },
  }
}

/** Where data folders without a ring keep the salt of their passphrase. */
export const OLD_SALT_FILE = 'root-key.scrypt.json'

async function stretch(
  passphrase: string,
  salt: Uint8Array,
  { N, r, p }: { readonly N: number; readonly r: number; readonly p: number },
): Promise<Uint8Array> {
  const bytes = 128 * N * r
  if (N < 2 || r < 1 || p < 1 || p > 16 || bytes > MOST_BYTES) throw wrongKey()
  return promisify<string, Uint8Array, number, object, Buffer>(scrypt)(passphrase, salt, 32, {
    N,
    r,
    p,
    maxmem: 2 * bytes + 2 ** 20,
  })
}

/** Wipes the root key. */
function seal(rootKey: Uint8Array, key: Uint8Array, context: WrapContext): Uint8Array {
  return wrappingKey(rootKey).seal(key, encodeContext(context))
}

/** Wipes the root key. */
function open(rootKey: Uint8Array, wrapped: Uint8Array, context: WrapContext): Uint8Array {
  try {
    return wrappingKey(rootKey).open(wrapped, encodeContext(context))
  } catch (error) {
    if (error instanceof SealError) throw wrongKey(error)
    throw error
  }
}

function wrappingKey(rootKey: Uint8Array): MessageKey {
  const bytes = deriveKey(rootKey, 'strongroom root key ring')
  rootKey.fill(0)
  const key = new MessageKey(bytes)
  bytes.fill(0)
  return key
}

async function readSecret(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (error) {
    throw new RootKeyUnreachable(`cannot read ${path}: ${(error as Error).message}`, { cause: error })
  }
}

function fromBase64(text: string, where: string): Uint8Array {
  const bytes = Buffer.from(text.trim(), 'base64')
  if (bytes.length !== 32) throw new RootKeyError(`${where} does not hold 32 bytes in base64`)
  return bytes
}

const wrongKey = (cause?: unknown) => new RootKeyError('it is another key, or what it wrapped was changed', { cause })
