/** `strongroom cse keygen`: makes a wrapping key in a file that was not there before. Needs no package of AWS. */
import { createPublicKey, generateKeyPair, randomBytes } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { syncFolder } from '../core/durable-file.ts'
import { aesKeyFile, aesKeyId, rsaKeyId } from './aes-key-file.ts'
import { EXIT, UsageError } from './exit.ts'

export interface KeygenFlags {
  readonly type: string
  readonly out: string
}

const MODULUS_BITS = 3072

interface NewFile {
  readonly path: string
  readonly text: string
  readonly mode: number
}

interface NewKey {
  readonly id: string
  readonly files: readonly NewFile[]
  readonly note: string
}

const TYPES: Readonly<Record<string, (path: string) => Promise<NewKey>>> = { aes: newAesKey, rsa: newRsaPair }

export async function keygenCommand({ type, out }: KeygenFlags): Promise<number> {
  const make = Object.hasOwn(TYPES, type) ? TYPES[type] : undefined
  if (!make) throw new UsageError(`--type takes ${Object.keys(TYPES).join(' or ')}, not ${type}`)
  const { id, files, note } = await make(out)
  await writeAllNew(files)
  process.stdout.write(
    `${out}: ${type} key ${id}\n${note}` +
      `Keep a copy of ${out} in another place. Whoever has it can read what is encrypted with it; if it is lost, all of that\n` +
      'is lost: nobody can restore it, this program and the store included.\n',
  )
  return EXIT.done
}

async function newAesKey(path: string): Promise<NewKey> {
  const aesKey = randomBytes(32)
  return { id: aesKeyId(aesKey), files: [{ path, text: aesKeyFile(aesKey), mode: 0o600 }], note: '' }
}

async function newRsaPair(path: string): Promise<NewKey> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: MODULUS_BITS })
  const publicKey = createPublicKey(privateKey)
  const pub = `${path}.pub`
  return {
    id: rsaKeyId(publicKey.export({ type: 'spki', format: 'der' })),
    files: [
      { path, text: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), mode: 0o600 },
      { path: pub, text: publicKey.export({ type: 'spki', format: 'pem' }).toString(), mode: 0o644 },
    ],
    note: `${pub}: its public half, with which one can encrypt and not read\n`,
  }
}

/** Writes all of them, or none where one is there already. */
async function writeAllNew(files: readonly NewFile[]): Promise<void> {
  const written: string[] = []
  try {
    for (const { path, text, mode } of files) {
      const file = await open(path, 'wx', mode)
      written.push(path)
      try {
        await file.writeFile(text)
        await file.sync()
      } finally {
        await file.close()
      }
    }
    await syncFolder(dirname(files[0]!.path))
  } catch (error) {
    for (const path of written) await rm(path, { force: true })
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw new Error(`${(error as NodeJS.ErrnoException).path} exists, and a key is never overwritten`)
  }
}
