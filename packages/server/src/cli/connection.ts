/** Where the commands that use a server's API find it, and as whom: flags, AWS's environment, else the data folder. */
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { CREDENTIALS_PROFILE, credentialsPath, readProfile } from '../identity/credentials-file.ts'
import type { SigningCredentials } from '../signature/sign.ts'
import { dataFolder } from './data-folder.ts'
import { ConfigurationError } from './exit.ts'
import { resolveSettings } from './settings.ts'
import type { Connection } from './signed-client.ts'

export interface ConnectionFlags {
  readonly endpoint?: string
  readonly ca?: string
  readonly profile?: string
  readonly data?: string
}

/** Throws ConfigurationError where credentials or certificates cannot be read. */
export async function resolveConnection(flags: ConnectionFlags, env: NodeJS.ProcessEnv): Promise<Connection> {
  const { dataDir, secretsDir, https, region } = await resolveSettings({ ...(flags.data && { data: flags.data }) }, env)
  const given = flags.endpoint ?? (env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL || undefined)
  const endpoint = given ?? `https://127.0.0.1:${https?.port ?? 9443}`
  if (!/^https?:\/\/[^/]+\/?$/.test(endpoint)) throw new ConfigurationError(`not an endpoint: ${endpoint}`)
  const caPath = flags.ca ?? (env.AWS_CA_BUNDLE || undefined)
  return {
    endpoint,
    ca:
      caPath === undefined
        ? await readFile(join(dataFolder(dataDir).tlsDir, 'ca.pem'), 'utf8').catch(() => undefined)
        : await readFile(caPath, 'utf8').catch((error: Error) => {
            throw new ConfigurationError(`cannot read ${caPath}: ${error.message}`)
          }),
    credentials: await resolveCredentials(flags, env, secretsDir),
    region: env.AWS_REGION || env.AWS_DEFAULT_REGION || region,
  }
}

/** A profile that was asked for goes before keys in the environment, as with AWS's own programs. */
async function resolveCredentials(
  flags: ConnectionFlags,
  env: NodeJS.ProcessEnv,
  secretsDir: string,
): Promise<SigningCredentials> {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env
  if (flags.profile === undefined && accessKeyId && secretAccessKey) {
    return { accessKeyId, secretAccessKey, sessionToken: env.AWS_SESSION_TOKEN || undefined }
  }
  const profile = flags.profile ?? (env.AWS_PROFILE || undefined)
  const shared = env.AWS_SHARED_CREDENTIALS_FILE || undefined
  const [path, name] =
    profile === undefined && shared === undefined
      ? [credentialsPath(secretsDir), CREDENTIALS_PROFILE]
      : [shared ?? join(homedir(), '.aws', 'credentials'), profile ?? 'default']
  return readProfile(path, name).catch((error: Error) => {
    throw new ConfigurationError(`no credentials: ${error.message}`, { cause: error })
  })
}
