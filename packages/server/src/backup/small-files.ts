/** The small files of a data folder, by their paths in it, and those of a secrets folder as one file of a backup. */
import { BackupDamaged } from './folder.ts'

export type SmallFiles = ReadonlyMap<string, Uint8Array>

/** In a snapshot, the material secrets of KMS keys by their ids. They open nothing without the root key. */
export const KEY_SECRETS_FILE = 'key-secrets.json'
/** In a snapshot, where the secrets were asked for. */
export const SECRETS_FILE = 'secrets.json'

export const encodeSecrets = (secrets: SmallFiles): Uint8Array =>
  Buffer.from(
    `${JSON.stringify(Object.fromEntries([...secrets].map(([file, bytes]) => [file, Buffer.from(bytes).toString('base64')])))}\n`,
  )

/** Throws BackupDamaged. */
export function decodeSecrets(bytes: Uint8Array): SmallFiles {
  const files = Object.entries(JSON.parse(Buffer.from(bytes).toString('utf8')) as Record<string, string>)
  if (files.some(([file]) => !/^(?!\.{1,2}$)[\w.-]+$/.test(file))) {
    throw new BackupDamaged('the backup names a path outside of the folder of secrets')
  }
  return new Map(files.map(([file, text]) => [file, Buffer.from(text, 'base64')]))
}
