/** `strongroom serve`: makes what the first start makes, starts the workers, sweeps, and ends in order. */
import { mkdir, readFile } from 'node:fs/promises'
import { systemClock } from '../core/clock.ts'
import { isFault } from '../core/fault.ts'
import { ensureLocalCertificates, type TlsFiles } from '../http/certificates.ts'
import { CREDENTIALS_PROFILE, credentialsPath, ensureCredentials } from '../identity/credentials-file.ts'
import type { AccessKeyPair } from '../identity/directory.ts'
import { ensureConfiguredUser } from '../identity/users.ts'
import { destroyDueKeys } from '../keys/key-removal.ts'
import { loadRootKey, RootKeyError } from '../keys/root-key.ts'
import { sweep } from '../objects/sweep.ts'
import { uncounted } from '../quota/leased-quota.ts'
import { QuotaBook } from '../quota/quota-book.ts'
import { dataFolder, lockDataFolder } from './data-folder.ts'
import { ConfigurationError, EXIT } from './exit.ts'
import { startWorkers } from './primary.ts'
import { resolveSettings, type ServeFlags, type Settings } from './settings.ts'
import { openStore, storeSettings } from './store.ts'

const SWEEP_EVERY_MS = 60_000

export async function serve(flags: ServeFlags & { readonly json?: boolean }): Promise<number> {
  const settings = await resolveSettings(flags, process.env)
  const folder = dataFolder(settings.dataDir)
  const unlock = await lockDataFolder(folder)
  try {
    await mkdir(settings.secretsDir, { recursive: true, mode: 0o700 })
    const { rootKey, warning } = await loadRootKey({ ...settings, env: process.env }).catch((error: Error) => {
      throw error instanceof RootKeyError ? new ConfigurationError(error.message, { cause: error }) : error
    })
    const root = await rootCredentials(settings, process.env)
    const tls = settings.https && (await tlsFiles(settings))
    const noObserver = { observe() {} }
    const store = await openStore({
      ...settings,
      rootKey,
      clock: systemClock,
      observer: noObserver,
      quota: uncounted(systemClock),
      ...storeSettings(settings.file),
    })
    const quotaBook = new QuotaBook((scope) => store.quotas.value(scope, scope.quota), systemClock)
    await store.blobs.clearStaging()
    for (const { id, users } of settings.file.accounts) {
      for (const user of users) {
        if (user.root) continue
        await ensureConfiguredUser(store.identity, id, user, systemClock.nowMs()).catch((error: Error) => {
          if (!isFault(error, 'IdentityRefused')) throw error
          throw new ConfigurationError(`user ${user.name}: ${error.detail.message}`, { cause: error })
        })
      }
    }
    for (const key of settings.file.kms.keys) await store.kms.keys.ensureConfiguredKey(key)

    const oidcCa = await readOidcCa(settings.file.oidc.caFile)
    const complain = (text: string) => process.stderr.write(`strongroom: ${text}\n`)
    const workers = await startWorkers(
      settings.workers,
      { settings, tls, rootKey: rootKey.exportForWorker(), root: root.keys, oidcCa },
      quotaBook,
      {
        onLost: (pid, how) => complain(`worker ${pid ?? ''} was lost (${how}) and is being replaced`),
        onQuotaUnread: (error) => complain(`a quota cannot be read: ${error.message}`),
      },
    )
    announce(settings, workers, tls, root, warning, flags.json === true)

    let sweeping: Promise<unknown> = Promise.resolve()
    const sweeper = setInterval(() => {
      sweeping = store.buckets
        .resumeDeletes()
        .then(() => sweep(store.records, store.blobs, systemClock))
        .then(() => destroyDueKeys(store.records, systemClock.nowMs()))
        .then((destroyed) => {
          for (const arn of destroyed) complain(`${arn} has been deleted: its waiting period is over`)
        })
        .then(() => Promise.all([store.kms.keys.rotateDueKeys(), store.serviceKeys.rotateDueKeys()]))
        .then(([arns, purposes]) => {
          const rotated = [...arns, ...purposes.map((purpose) => `the service key ${purpose}`)]
          for (const key of rotated) complain(`${key} has new material: its rotation was due`)
        })
        .catch((error: Error) => complain(`the sweep failed: ${error.message}`))
    }, SWEEP_EVERY_MS)
    process.on('SIGHUP', () => workers.reloadCertificates())
    await new Promise<void>((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
    })
    clearInterval(sweeper)
    await workers.stop()
    await sweeping
    await store.close()
    return EXIT.done
  } finally {
    await unlock()
  }
}

interface RootCredentials {
  readonly keys: AccessKeyPair
  /** Undefined where they were given by the environment. */
  readonly path: string | undefined
}

async function rootCredentials(settings: Settings, env: NodeJS.ProcessEnv): Promise<RootCredentials> {
  const accessKeyId = env.STRONGROOM_ROOT_ACCESS_KEY_ID
  const secretAccessKey = env.STRONGROOM_ROOT_SECRET_ACCESS_KEY
  delete env.STRONGROOM_ROOT_SECRET_ACCESS_KEY
  if (Boolean(accessKeyId) !== Boolean(secretAccessKey)) {
    throw new ConfigurationError('STRONGROOM_ROOT_ACCESS_KEY_ID and STRONGROOM_ROOT_SECRET_ACCESS_KEY go together')
  }
  if (accessKeyId && secretAccessKey) return { keys: { accessKeyId, secretAccessKey }, path: undefined }
  return { keys: await ensureCredentials(settings.secretsDir), path: credentialsPath(settings.secretsDir) }
}

async function readOidcCa(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new ConfigurationError(`oidc.caFile: cannot read ${path}: ${(error as Error).message}`)
  }
}

async function tlsFiles(settings: Settings): Promise<TlsFiles> {
  if (settings.tls) return { ...settings.tls, caPath: undefined }
  return ensureLocalCertificates({
    tlsDir: dataFolder(settings.dataDir).tlsDir,
    secretsDir: settings.secretsDir,
    extraHosts: settings.domain ? [settings.domain, `*.${settings.domain}`] : [],
    nowMs: systemClock.nowMs(),
  })
}

function announce(
  settings: Settings,
  ports: { readonly httpPort: number | undefined; readonly httpsPort: number | undefined },
  tls: TlsFiles | undefined,
  root: RootCredentials,
  warning: string | undefined,
  json: boolean,
): void {
  const url = (scheme: string, host: string, port: number | undefined) => {
    const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host
    return port === undefined ? undefined : `${scheme}://${name}:${port}`
  }
  const http = settings.http && url('http', settings.http.host, ports.httpPort)
  const https = settings.https && url('https', settings.https.host, ports.httpsPort)
  const ca = tls?.caPath
  if (json) {
    const ready = { event: 'ready', http, https, ca, credentials: root.path, pid: process.pid }
    process.stdout.write(`${JSON.stringify(ready)}\n`)
    if (warning) process.stderr.write(`strongroom: ${warning}\n`)
    return
  }
  const lines = ['', '  Strongroom is serving.', '']
  if (https) lines.push(`  HTTPS  ${https}   (S3 and KMS, every encryption method)`)
  if (http) lines.push(`  HTTP   ${http}   (S3 with SSE-S3 only)`)
  lines.push(`  Data   ${settings.dataDir}`, '', '  To use it from another terminal:', '')
  if (root.path) lines.push(`    export AWS_SHARED_CREDENTIALS_FILE=${root.path} AWS_PROFILE=${CREDENTIALS_PROFILE}`)
  if (ca) lines.push(`    export AWS_CA_BUNDLE=${ca}`)
  // The SDKs read the one, AWS CLI 1 the other.
  lines.push(`    export AWS_REGION=${settings.region} AWS_DEFAULT_REGION=${settings.region}`)
  lines.push(`    export AWS_ENDPOINT_URL=${https ?? http}`)
  lines.push('    aws s3 mb s3://my-bucket && aws s3 cp README.md s3://my-bucket/', '')
  if (warning) lines.push(`  Note: ${warning}`, '')
  process.stdout.write(`${lines.join('\n')}\n`)
}
