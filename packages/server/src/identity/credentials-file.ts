/** The root user's credentials where none are given: made once, kept in AWS's shared-credentials format, mode 0600. */
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileDurably } from '../core/durable-file.ts'
import type { AccessKeyPair } from './directory.ts'
import { newSecretAccessKey, uniqueId } from './unique-ids.ts'

export const CREDENTIALS_PROFILE = 'strongroom'

export interface ProfileCredentials extends AccessKeyPair {
  readonly sessionToken: string | undefined
}

export function credentialsPath(secretsDir: string): string {
  return join(secretsDir, 'credentials')
}

/** Reads the file, or makes it. Throws where it is there but holds no such profile. */
export async function ensureCredentials(secretsDir: string): Promise<AccessKeyPair> {
  const path = credentialsPath(secretsDir)
  try {
    return await readProfile(path, CREDENTIALS_PROFILE)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const made = { accessKeyId: uniqueId('AKIA'), secretAccessKey: newSecretAccessKey() }
  await mkdir(secretsDir, { recursive: true, mode: 0o700 })
  const text = `[${CREDENTIALS_PROFILE}]\naws_access_key_id = ${made.accessKeyId}\naws_secret_access_key = ${made.secretAccessKey}\n`
  await writeFileDurably(path, text, 0o600)
  return made
}

/** A profile of a file in AWS's shared-credentials format. Throws where there is none that is complete. */
export async function readProfile(path: string, profile: string): Promise<ProfileCredentials> {
  const text = await readFile(path, 'utf8')
  const section = text.split(/^\s*\[/m).find((part) => part.startsWith(`${profile}]`)) ?? ''
  const value = (name: string) => new RegExp(`^\\s*${name}\\s*=\\s*(\\S+)`, 'm').exec(section)?.[1]
  const [accessKeyId, secretAccessKey] = [value('aws_access_key_id'), value('aws_secret_access_key')]
  if (!accessKeyId || !secretAccessKey) throw new Error(`${path} has no complete profile [${profile}]`)
  return { accessKeyId, secretAccessKey, sessionToken: value('aws_session_token') }
}
