/** The root user's credentials where none are given: made once, kept in AWS's shared-credentials format, mode 0600. */
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileDurably } from '../core/durable-file.ts'
import type { AccessKeyPair } from './directory.ts'
import { newSecretAccessKey, uniqueId } from './unique-ids.ts'

export const CREDENTIALS_PROFILE = 'strongroom'

export function credentialsPath(secretsDir: string): string {
  return join(secretsDir, 'credentials')
}

/** Reads the file, or makes it. Throws where it is there but holds no such profile. */
export async function ensureCredentials(secretsDir: string): Promise<AccessKeyPair> {
  const path = credentialsPath(secretsDir)
  try {
    return parse(await readFile(path, 'utf8'), path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const made = { accessKeyId: uniqueId('AKIA'), secretAccessKey: newSecretAccessKey() }
  await mkdir(secretsDir, { recursive: true, mode: 0o700 })
  const text = `[${CREDENTIALS_PROFILE}]\naws_access_key_id = ${made.accessKeyId}\naws_secret_access_key = ${made.secretAccessKey}\n`
  await writeFileDurably(path, text, 0o600)
  return made
}

function parse(text: string, path: string): AccessKeyPair {
  const section = text.split(/^\[/m).find((part) => part.startsWith(`${CREDENTIALS_PROFILE}]`)) ?? ''
  const accessKeyId = /^aws_access_key_id\s*=\s*(\S+)/m.exec(section)?.[1]
  const secretAccessKey = /^aws_secret_access_key\s*=\s*(\S+)/m.exec(section)?.[1]
  if (!accessKeyId || !secretAccessKey) throw new Error(`${path} has no complete profile [${CREDENTIALS_PROFILE}]`)
  return { accessKeyId, secretAccessKey }
}
