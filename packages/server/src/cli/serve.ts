/** `strongroom serve`: makes what the first start makes, starts the workers, unseals, and ends in order. */
import { once } from 'node:events'
import { mkdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../core/clock.ts'
import { ensureLocalCertificates, type TlsFiles } from '../http/certificates.ts'
import { CREDENTIALS_PROFILE, credentialsPath, ensureCredentials } from '../identity/credentials-file.ts'
import type { AccessKeyPair } from '../identity/directory.ts'
import { FolderSize } from '../metrics/folder-size.ts'
import { PrimaryMetrics } from '../metrics/primary-metrics.ts'
import { QuotaBook } from '../quota/quota-book.ts'
import type { KeyRing } from '../root-key/key-ring.ts'
import { type RootKeyProvider, RootKeyUnreachable } from '../root-key/provider.ts'
import { type RunningExport, startMetricsExport } from '../telemetry/metrics-export.ts'
import { listenForControl } from './control.ts'
import { dataFolder, lockDataFolder } from './data-folder.ts'
import { deliverLogs } from './deliveries.ts'
import { ConfigurationError, EXIT } from './exit.ts'
import { keepHouse } from './housekeeping.ts'
import { monitor } from './monitoring.ts'
import { type OperatorTools, readOperatorTools } from './operator-tools.ts'
import { type RunningWorkers, startWorkers } from './primary.ts'
import { openPrimaryStore, type PrimaryStore } from './primary-store.ts'
import { openRing, providerToMoveTo, rootKeyProvider, toExit } from './root-key.ts'
import { RootKeyRotation } from './root-key-rotation.ts'
import { resolveSettings, type ServeFlags, type Settings } from './settings.ts'
import { deliverTrails } from './trail-delivery.ts'
import { VERSION } from './version.ts'

export async function serve(flags: ServeFlags & { readonly json?: boolean }): Promise<number> {
  const settings = await resolveSettings(flags, process.env)
  const json = flags.json === true
  const folder = dataFolder(settings.dataDir)
  const unlock = await lockDataFolder(folder)
  try {
    await mkdir(settings.secretsDir, { recursive: true, mode: 0o700 })
    const provider = rootKeyProvider(settings, process.env)
    let ring = await openRing(settings, provider).catch((error: unknown) => {
      if (!(error instanceof RootKeyUnreachable) || settings.file.rootKey.required) throw toExit(error, provider)
      complain(`sealed: the root key cannot be had (${provider.description}): ${error.message}`)
      return undefined
    })
    const root = await rootCredentials(settings, process.env)
    const tls = settings.https && (await tlsFiles(settings))
    const oidcCa = await readOidcCa(settings.file.oidc.caFile)
    const tools = await readOperatorTools(settings.file)
    const folderSize = new FolderSize(settings.dataDir)
    const metrics = new PrimaryMetrics({ dataDir: settings.dataDir, folderSize, certPath: tls?.certPath })
    let opened = ring && (await openPrimaryStore(settings, ring, metrics, complain))
    const workers = await startWorkers(
      settings.workers,
      { settings, tls, storeKey: ring?.export(), root: root.keys, oidcCa, tools },
      // Nobody counts before there is a store.
      new QuotaBook((scope) => opened!.store.quotas.value(scope, scope.quota), systemClock),
      (journal, entries) => opened!.append(journal, entries),
      metrics,
      {
        onLost: (pid, how) => complain(`worker ${pid ?? ''} was lost (${how}) and is being replaced`),
        onQuotaUnread: (error) => complain(`a quota cannot be read: ${error.message}`),
        onJournalError: (error) => complain(`the audit trail could not be written: ${error.message}`),
      },
    )
    folderSize.start()
    const exporting = await exportMetrics(settings, tools, metrics, workers)
    const stopped = new AbortController()
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort())
    process.on('SIGHUP', () => workers.reloadCertificates())
    try {
      const about = { settings, ports: workers, tls, root, json }
      if (!ring || !opened) {
        announce('sealed', about)
        ring = await unsealed(settings, provider, stopped.signal)
        if (!ring) return EXIT.done
        opened = await openPrimaryStore(settings, ring, metrics, complain)
        await workers.spreadStoreKey(ring.export())
      }
      announce('ready', { ...about, warning: provider.warning })
      await serveUntil(stopped.signal, { settings, ring, opened, workers })
      return EXIT.done
    } finally {
      await exporting?.stop()
      await folderSize.stop()
      await workers.stop()
      await opened?.close()
    }
  } finally {
    await unlock()
  }
}

const complain = (text: string) => process.stderr.write(`strongroom: ${text}\n`)

/** Undefined where the configuration asks for none. */
async function exportMetrics(
  { file: { otlp } }: Settings,
  { collector }: OperatorTools,
  metrics: PrimaryMetrics,
  workers: RunningWorkers,
): Promise<RunningExport | undefined> {
  if (!otlp?.metrics || !collector) return undefined
  return startMetricsExport({
    collector,
    everySeconds: otlp.metricsSeconds,
    startedAtMs: metrics.facts.startedAtMs,
    nowMs: systemClock.nowMs,
    version: VERSION,
    collect: () => workers.collectMetrics(),
    onError: (message) => complain(`metrics could not be sent: ${message}`),
  })
}

/** Tries again until the root key can be had, less often with time; undefined where the program is stopped before. */
async function unsealed(
  settings: Settings,
  provider: RootKeyProvider,
  stopped: AbortSignal,
): Promise<KeyRing | undefined> {
  for (let pauseMs = FIRST_RETRY_MS; ; pauseMs = Math.min(2 * pauseMs, LAST_RETRY_MS)) {
    await sleep(pauseMs, undefined, { signal: stopped }).catch(() => {})
    if (stopped.aborted) return undefined
    try {
      return await openRing(settings, provider)
    } catch (error) {
      if (!(error instanceof RootKeyUnreachable)) throw toExit(error, provider)
      complain(`still sealed: ${error.message}`)
    }
  }
}

/** Keeps house and takes commands until the program is stopped. */
async function serveUntil(
  stopped: AbortSignal,
  {
    settings,
    ring,
    opened,
    workers,
  }: {
    readonly settings: Settings
    readonly ring: KeyRing
    readonly opened: PrimaryStore
    readonly workers: RunningWorkers
  },
): Promise<void> {
  const { store, journals, trail } = opened
  const rotation = new RootKeyRotation({
    ring,
    records: store.records,
    rewraps: store.rewraps,
    clock: systemClock,
    async spread(storeKey) {
      store.storeKey.update(storeKey)
      await Promise.all([workers.spreadStoreKey(storeKey), store.records.settled()])
    },
  })
  const endHousekeeping = keepHouse(store, journals, rotation, complain)
  const endDeliveries = deliverLogs(settings, store, trail, complain)
  const endDelivery = await deliverTrails(settings, store, trail, complain)
  const endMonitoring = monitor(settings, store, opened.metrics, complain)
  const control = await listenForControl(settings.dataDir, async ({ to, endSessions }, say) => {
    const provider = to && providerToMoveTo(to, process.env)
    const end = await rotation.start({ to: provider, endSessions }, (progress) =>
      say({ event: 'progress', ...progress }),
    )
    say({ event: 'end', end })
  })
  if (!control)
    complain('the data folder’s path is too long for a control socket: keys are rotated on a stopped server')
  if (!stopped.aborted) await once(stopped, 'abort')
  await control?.close()
  await endDeliveries()
  await endDelivery()
  await endHousekeeping()
  await endMonitoring()
}

const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 30_000

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

interface Announced {
  readonly settings: Settings
  readonly ports: { readonly httpPort: number | undefined; readonly httpsPort: number | undefined }
  readonly tls: TlsFiles | undefined
  readonly root: RootCredentials
  readonly json: boolean
  readonly warning?: string | undefined
}

function announce(event: 'ready' | 'sealed', { settings, ports, tls, root, json, warning }: Announced): void {
  const url = (scheme: string, host: string, port: number | undefined) => {
    const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host
    return port === undefined ? undefined : `${scheme}://${name}:${port}`
  }
  const http = settings.http && url('http', settings.http.host, ports.httpPort)
  const https = settings.https && url('https', settings.https.host, ports.httpsPort)
  const ca = tls?.caPath
  if (json) {
    const ready = { event, http, https, ca, credentials: root.path, pid: process.pid }
    process.stdout.write(`${JSON.stringify(ready)}\n`)
    if (warning) process.stderr.write(`strongroom: ${warning}\n`)
    return
  }
  if (event === 'sealed') {
    process.stdout.write('\n  Strongroom is sealed, and serves as soon as the root key can be had.\n\n')
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
