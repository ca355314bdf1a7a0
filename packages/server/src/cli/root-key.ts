/** Which provider keeps the root key, by environment, configuration or default; and the ring that it opens. */
import { readFile, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../core/clock.ts'
import { readProfile } from '../identity/credentials-file.ts'
import { awsKmsProvider } from '../root-key/aws-kms-provider.ts'
import { KeyRing } from '../root-key/key-ring.ts'
import { environmentProvider, fileProvider, passphraseProvider } from '../root-key/local-providers.ts'
import { pkcs11Provider } from '../root-key/pkcs11-provider.ts'
import { RootKeyError, type RootKeyProvider, RootKeyUnreachable } from '../root-key/provider.ts'
import { vaultProvider } from '../root-key/vault-provider.ts'
import type { SigningCredentials } from '../signature/sign.ts'
import type { RootKeySettings } from './config-file.ts'
import { dataFolder } from './data-folder.ts'
import { ConfigurationError } from './exit.ts'
import type { Settings } from './settings.ts'

const FILE_WARNING =
  'The root key is kept in the secrets folder. Whoever copies that folder together with the data can read everything: ' +
  'keep it off the data’s backups, or keep the root key elsewhere (docs/root-key.md).'

/** The environment goes before the configuration. Variables with secrets are removed. Throws ConfigurationError. */
export function rootKeyProvider(settings: Settings, env: NodeJS.ProcessEnv): RootKeyProvider {
  const given = {
    direct: take(env, 'STRONGROOM_ROOT_KEY'),
    file: take(env, 'STRONGROOM_ROOT_KEY_FILE'),
    passphraseFile: take(env, 'STRONGROOM_ROOT_PASSPHRASE_FILE'),
  }
  if (Object.values(given).filter((value) => value !== undefined).length > 1) {
    throw new ConfigurationError('more than one of the STRONGROOM_ROOT_… variables is set')
  }
  return configured(() => {
    if (given.direct !== undefined) return environmentProvider(given.direct, 'STRONGROOM_ROOT_KEY')
    if (given.file !== undefined) return fileProvider(given.file)
    if (given.passphraseFile !== undefined) return passphraseProvider(given.passphraseFile)
    return (
      configuredProvider(settings.file.rootKey, env) ??
      fileProvider(join(settings.secretsDir, 'root.key'), { warning: FILE_WARNING })
    )
  })
}

/** Undefined where the settings name none. Throws RootKeyError. */
export function configuredProvider(settings: RootKeySettings, env: NodeJS.ProcessEnv): RootKeyProvider | undefined {
  const { file, variable, passphraseFile, pkcs11, awsKms, vaultTransit } = settings
  if (file !== undefined) return fileProvider(file)
  if (passphraseFile !== undefined) return passphraseProvider(passphraseFile)
  if (variable !== undefined) {
    const value = take(env, variable)
    if (value === undefined) throw new RootKeyError(`the variable ${variable} is not set`)
    return environmentProvider(value, variable)
  }
  if (pkcs11) return pkcs11Provider({ ...pkcs11, pin: secret(pkcs11.pinFile, env, 'STRONGROOM_PKCS11_PIN') })
  if (awsKms) return awsKmsProvider({ ...awsKms, credentials: () => credentialsOf(awsKms, env) })
  if (vaultTransit) return vaultProvider({ ...vaultTransit, token: secret(vaultTransit.tokenFile, env, 'VAULT_TOKEN') })
  return undefined
}

/** The provider that a configuration asks for, to move to. Throws ConfigurationError. */
export function providerToMoveTo(settings: RootKeySettings, env: NodeJS.ProcessEnv): RootKeyProvider {
  const provider = configured(() => configuredProvider(settings, env))
  if (!provider) throw new ConfigurationError('the configuration to move to does not say who keeps the root key')
  return provider
}

/** Throws RootKeyError and RootKeyUnreachable. */
export async function openRing(
  { dataDir }: Settings,
  provider: RootKeyProvider,
  options: { readonly readOnly?: boolean } = {},
): Promise<KeyRing> {
  const hasRecords = await isThere(dataFolder(dataDir).catalogDir)
  return KeyRing.open({ dataDir, provider, clock: systemClock, hasRecords, ...options })
}

/** As `openRing`, for commands that can do nothing without it: a wrong key is a matter of configuration. */
export async function requireRing(
  settings: Settings,
  env: NodeJS.ProcessEnv,
  options: { readonly readOnly?: boolean } = {},
): Promise<KeyRing> {
  const provider = rootKeyProvider(settings, env)
  return openRing(settings, provider, options).catch((error: unknown) => {
    throw toExit(error, provider)
  })
}

/** Says with which exit code the program ends. */
export function toExit(error: unknown, provider: RootKeyProvider): unknown {
  if (error instanceof RootKeyError) return new ConfigurationError(error.message, { cause: error })
  if (error instanceof RootKeyUnreachable) {
    return new Error(`the root key cannot be had (${provider.description}): ${error.message}`, { cause: error })
  }
  return error
}

export const isThere = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  )

function configured<T>(make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (error instanceof RootKeyError) throw new ConfigurationError(error.message, { cause: error })
    throw error
  }
}

function take(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const value = env[name]
  delete env[name]
  return value === '' ? undefined : value
}

/** Out of a file, read anew each time, else out of the environment. */
function secret(path: string | undefined, env: NodeJS.ProcessEnv, name: string): () => Promise<string> {
  const value = take(env, name)
  return async () => {
    if (path === undefined) {
      if (value !== undefined) return value
      throw new RootKeyError(`neither a file nor the variable ${name} is given`)
    }
    try {
      return (await readFile(path, 'utf8')).trim()
    } catch (error) {
      throw new RootKeyUnreachable(`cannot read ${path}: ${(error as Error).message}`, { cause: error })
    }
  }
}

/** A profile of a file where the settings name one, else AWS's variables, else the usual file. */
async function credentialsOf(
  {
    credentialsFile,
    profile,
  }: { readonly credentialsFile?: string | undefined; readonly profile?: string | undefined },
  env: NodeJS.ProcessEnv,
): Promise<SigningCredentials> {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env
  if (credentialsFile === undefined && profile === undefined && accessKeyId && secretAccessKey) {
    return { accessKeyId, secretAccessKey, sessionToken: env.AWS_SESSION_TOKEN || undefined }
  }
  const path = credentialsFile ?? (env.AWS_SHARED_CREDENTIALS_FILE || join(homedir(), '.aws', 'credentials'))
  return readProfile(path, profile ?? (env.AWS_PROFILE || 'default')).catch((error: Error) => {
    throw new RootKeyUnreachable(`no credentials for the KMS: ${error.message}`, { cause: error })
  })
}
