/** From key files, KMS keys and passphrases to a keyring. */
import { createPublicKey } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Keyring } from '@strongroom/client'
import { aesKeyId, isAesKeyFile, parseAesKeyFile, rsaKeyId } from './aes-key-file.ts'
import type { CseFlags, KeySource } from './cse-flags.ts'
import { kmsClientOf, loadClient } from './cse-sdk.ts'
import { UsageError } from './exit.ts'
import { askForPassphrase, passphraseOfFile } from './passphrase.ts'
import type { Connection } from './signed-client.ts'

/** The name in a wrap's material description under which the key's id stands. */
const KEY_ID = 'strongroom-key'

export interface KeyringUse {
  readonly connection: Connection
  readonly flags: CseFlags
  /** Whether a passphrase is a new one, which is asked for twice. */
  readonly writes: boolean
  /** How the flags begin that name the keys, `--` or `--to-`. */
  readonly prefix: string
}

/** The first writes, all read; in the sealed format all write. Throws UsageError. */
export async function keyringOf(sources: readonly KeySource[] | undefined, use: KeyringUse): Promise<Keyring> {
  const [generator, ...children] = await inOrder(sources ?? [], (source) => KINDS[source.kind](source.value, use))
  const { prefix } = use
  if (!generator)
    throw new UsageError(`no key is given: ${prefix}key, ${prefix}kms, ${prefix}passphrase-file or ${prefix}passphrase`)
  const { multiKeyring } = await loadClient()
  return children.length === 0 ? generator : multiKeyring({ generator, children })
}

/** For commands that look and do not open. */
export const noKeyring: Keyring = {
  generate: () => Promise.reject(new UsageError('no key is given')),
  wrap: () => Promise.reject(new UsageError('no key is given')),
  unwrap: async () => undefined,
}

/** One after another, since some ask on the terminal. */
async function inOrder<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (const item of items) results.push(await work(item))
  return results
}

const KINDS: Readonly<Record<KeySource['kind'], (value: string, use: KeyringUse) => Promise<Keyring>>> = {
  file: keyringOfFile,

  async kms(keyId, { connection, flags }) {
    const client = await kmsClientOf(connection, flags, keyId)
    return (await import('@strongroom/client/kms')).kmsKeyring({ client, keyId })
  },

  async 'passphrase-file'(path) {
    return keyringOfPassphrase(await passphraseOfFile(path))
  },

  async passphrase(_, { writes, prefix }) {
    const which = prefix === '--' ? 'Passphrase' : 'New passphrase'
    return keyringOfPassphrase(await askForPassphrase(which, writes))
  },
}

const keyringOfPassphrase = async (passphrase: string) =>
  (await import('@strongroom/client/passphrase')).passphraseKeyring({ passphrase })

async function keyringOfFile(path: string, { prefix, flags }: KeyringUse): Promise<Keyring> {
  const text = await readFile(path, 'utf8')
  if (isAesKeyFile(text)) {
    const wrappingKey = parse(path, () => parseAesKeyFile(text))
    try {
      const { rawAesKeyring } = await loadClient()
      return rawAesKeyring({ wrappingKey, materialDescription: { [KEY_ID]: aesKeyId(wrappingKey) } })
    } finally {
      wrappingKey.fill(0)
    }
  }
  if (!text.includes('-----BEGIN ')) throw new UsageError(`${path} is neither a key of keygen's nor PEM`)
  const spki = parse(path, () => createPublicKey(text))
  const isPublic = !text.includes('PRIVATE KEY-----')
  if (isPublic && prefix !== '--')
    throw new UsageError(`${path} is a public key, which cannot tell what it has wrapped already; give the private one`)
  const materialDescription = { [KEY_ID]: rsaKeyId(spki.export({ type: 'spki', format: 'der' })) }
  const publicKey = spki.export({ type: 'spki', format: 'pem' }).toString()
  const { rawRsaKeyring, legacyOaep } = await loadClient()
  return rawRsaKeyring({
    publicKey,
    materialDescription,
    ...(!isPublic && { privateKey: text }),
    ...(flags.legacyWrapping && { legacyOaep }),
  })
}

/** What a parser says of a key may hold some of it, so nothing of that is passed on but our own words. */
function parse<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch {
    throw new UsageError(`the key in ${path} cannot be read: damaged, encrypted or of another kind`)
  }
}
