/** A worker process: opens the stores, wires the services to the doors and serves. */
import pino from 'pino'
import { ADMIN_OPERATIONS, ADMIN_PATHS, ADMIN_PROTOCOL, toAdminError } from '../admin/operations.ts'
import { RecentRefusals, type Refusal } from '../audit/recent-refusals.ts'
import { observers, RequestLog } from '../audit/request-log.ts'
import { systemClock } from '../core/clock.ts'
import { EXPLAIN_OPERATIONS, EXPLAIN_PATH, EXPLAIN_PROTOCOL } from '../explain/operations.ts'
import { AbsentDoor } from '../http/absent-door.ts'
import { ConnectionReader } from '../http/connection.ts'
import { listen } from '../http/listener.ts'
import { OwnDoor } from '../http/own-door.ts'
import { toIamError } from '../iam/errors.ts'
import { IAM_NAMESPACE, IAM_OPERATIONS } from '../iam/operations.ts'
import { Accounts } from '../identity/accounts.ts'
import { type AccessKeyPair, Directory } from '../identity/directory.ts'
import { httpsFetch, OidcKeys } from '../identity/oidc-keys.ts'
import { Sessions } from '../identity/sessions.ts'
import { RootKey } from '../keys/root-key.ts'
import { toKmsError } from '../kms/errors.ts'
import { KMS_OPERATIONS } from '../kms/operations.ts'
import { type MetricSnapshot, mergeSnapshots } from '../metrics/registry.ts'
import { ServerMetrics } from '../metrics/server-metrics.ts'
import { awsJson } from '../protocols/aws-json.ts'
import { awsQuery } from '../protocols/aws-query.ts'
import { toOwnApiError } from '../protocols/own-api.ts'
import { ServiceDoor } from '../protocols/service-door.ts'
import { LeasedQuota } from '../quota/leased-quota.ts'
import type { Lease } from '../quota/quota-book.ts'
import type { QuotaUsage } from '../quota/usage-history.ts'
import { S3Door } from '../s3/door.ts'
import { toServiceQuotasError } from '../servicequotas/errors.ts'
import { SERVICE_QUOTAS_OPERATIONS } from '../servicequotas/operations.ts'
import { toStsError } from '../sts/errors.ts'
import { STS_OPERATIONS, webIdentityNotes } from '../sts/operations.ts'
import type { Question, ToPrimary } from './channel.ts'
import { PrimaryChannel } from './primary-channel.ts'
import type { Settings } from './settings.ts'
import { openStore, storeSettings } from './store.ts'

/** All that a worker needs to know; plain JSON for the channel. */
export interface WorkerStart {
  readonly settings: Settings
  readonly tls: { readonly certPath: string; readonly keyPath: string } | undefined
  /** Base64, see RootKey.exportForWorker. */
  readonly rootKey: string
  readonly root: AccessKeyPair
  /** PEM; trusted for OpenID Connect providers beside the usual authorities. */
  readonly oidcCa: string | undefined
}

export interface RunningWorker {
  readonly httpPort: number | undefined
  readonly httpsPort: number | undefined
  /** This worker's part of what one of them asks of all; undefined where it has none. */
  answer(question: Question): unknown
  answered(id: number, answers: readonly unknown[]): void
  leased(id: number, lease: Lease | undefined): void
  reloadCertificate(): void
  /** Finishes the requests under way and closes the stores. */
  stop(): Promise<void>
}

const CERTIFICATE_POLL_MS = 5_000
/** How often a worker tells what it counted against quotas. */
const REPORT_MS = 5_000
const MOST_BUCKETS_COUNTED = 1_000_000

export async function runWorker(start: WorkerStart, say: (message: ToPrimary) => void): Promise<RunningWorker> {
  const { settings } = start
  const { region, file } = settings
  const logger = pino(
    { level: file.log.level, base: { pid: process.pid } },
    pino.destination({ dest: file.log.file ?? 2, sync: false, mkdir: true }),
  )
  const metrics = new ServerMetrics(String(process.pid))
  const refusals = new RecentRefusals()
  const observer = observers(new RequestLog(logger), metrics, refusals)
  const clock = systemClock
  const onInternalError = (error: unknown, requestId: string) =>
    logger.error({ event: 'internal-error', requestId, error: describe(error) })

  const channel = new PrimaryChannel(say)
  const quota = new LeasedQuota((...question) => channel.lease(...question), clock)
  const rootKey = RootKey.import(start.rootKey)
  const accounts = new Accounts(file.accounts)
  const sessions = new Sessions(rootKey.derive('session tokens'), clock)
  const store = await openStore({
    dataDir: settings.dataDir,
    rootKey,
    region,
    clock,
    observer,
    quota,
    ...storeSettings(file),
  })
  const directory = new Directory({
    root: start.root,
    configured: file.accounts,
    accounts,
    store: store.identity,
    sessions,
  })

  const common = { observer, clock, onInternalError }
  const s3 = new S3Door({
    services: { ...store, accounts, clock, region },
    directory,
    region,
    domains: [...(settings.domain ? [settings.domain] : []), 's3.localhost'],
    allowSigV2: file.allowSigV2,
    ...common,
  })
  const kms = new ServiceDoor({
    service: 'kms',
    title: 'AWS KMS',
    protocol: awsJson('TrentService.'),
    operations: KMS_OPERATIONS,
    services: store.kms,
    authentication: { directory, service: 'kms', region, global: false, clock },
    toError: toKmsError,
    notes: ({ KeyId }) => ({ kmsKeyArn: typeof KeyId === 'string' ? KeyId : undefined }),
    allowPlainHttp: file.plainHttpServices.includes('kms'),
    ...common,
  })
  const iam = new ServiceDoor({
    service: 'iam',
    title: 'AWS IAM',
    protocol: awsQuery(IAM_NAMESPACE),
    operations: IAM_OPERATIONS,
    services: { accounts, store: store.identity, clock },
    authentication: { directory, service: 'iam', region, global: true, clock },
    toError: toIamError,
    allowPlainHttp: file.plainHttpServices.includes('iam'),
    ...common,
  })

  const servicequotas = new ServiceDoor({
    service: 'servicequotas',
    title: 'Service Quotas',
    protocol: awsJson('ServiceQuotasV20190624.'),
    operations: SERVICE_QUOTAS_OPERATIONS,
    services: {
      quotas: store.quotas,
      reports: store.quotaReports,
      clock,
      bucketCount: (accountId: string) => store.buckets.count(accountId, MOST_BUCKETS_COUNTED),
      usage: async (ofRegion: string, accountId: string) =>
        (await channel.askAll({ about: 'quota-usage', region: ofRegion, accountId }))[0] as readonly QuotaUsage[],
    },
    authentication: { directory, service: 'servicequotas', region, global: false, clock },
    toError: toServiceQuotasError,
    allowPlainHttp: file.plainHttpServices.includes('servicequotas'),
    ...common,
  })

  const oidcKeys = new OidcKeys(httpsFetch(start.oidcCa), clock)
  const sts = new ServiceDoor({
    service: 'sts',
    title: 'AWS STS',
    protocol: awsQuery('https://sts.amazonaws.com/doc/2011-06-15/'),
    operations: STS_OPERATIONS,
    services: { directory, store: store.identity, sessions, keys: oidcKeys, clock },
    authentication: { directory, service: 'sts', region, global: true, clock },
    toError: toStsError,
    notes: webIdentityNotes,
    allowPlainHttp: file.plainHttpServices.includes('sts'),
    ...common,
  })

  const explain = new ServiceDoor({
    service: 'server',
    title: 'Strongroom',
    protocol: EXPLAIN_PROTOCOL,
    operations: EXPLAIN_OPERATIONS,
    services: {
      ...store,
      accounts,
      clock,
      findRefusal: async (requestId: string) =>
        (await channel.askAll({ about: 'refusal', requestId }))[0] as Refusal | undefined,
    },
    authentication: { directory, service: 's3', region, global: false, clock },
    toError: toOwnApiError,
    allowPlainHttp: false,
    ...common,
  })
  const admin = new ServiceDoor({
    service: 'server',
    title: 'Strongroom',
    protocol: ADMIN_PROTOCOL,
    operations: ADMIN_OPERATIONS,
    services: store,
    authentication: { directory, service: 's3', region, global: false, clock },
    toError: toAdminError,
    allowPlainHttp: false,
    ...common,
  })
  let stopping = false
  const ownDoor = new OwnDoor({
    notReady: async () => {
      if (stopping) return 'stopping'
      await store.records.catalog.getMany([Buffer.from('c')])
      return undefined
    },
    collectMetrics: async () =>
      mergeSnapshots((await channel.askAll({ about: 'metrics' })) as (readonly MetricSnapshot[])[]),
    apis: { [EXPLAIN_PATH]: explain, ...Object.fromEntries(ADMIN_PATHS.map((path) => [path, admin])) },
    observer,
    nowMs: clock.nowMs,
    onInternalError,
  })

  const listener = await listen({
    http: settings.http,
    https: settings.https && start.tls ? { ...settings.https, ...start.tls } : undefined,
    doors: { s3, kms, iam, sts, servicequotas },
    ownDoor,
    absentDoor: new AbsentDoor(observer, clock.nowMs),
    connections: new ConnectionReader(file.trustedProxies),
    nowMs: clock.nowMs,
    onCertificateError: (error) => logger.error({ event: 'certificate-not-reloaded', error: describe(error) }),
  })
  const poll = setInterval(() => listener.reloadCertificate(), CERTIFICATE_POLL_MS)
  const report = setInterval(() => {
    const calls = quota.drain()
    if (calls.length > 0) say({ type: 'counted', calls })
  }, REPORT_MS)
  for (const timer of [poll, report]) timer.unref()

  return {
    httpPort: listener.httpPort,
    httpsPort: listener.httpsPort,
    answer: (question) => {
      switch (question.about) {
        case 'metrics':
          return metrics.registry.snapshot()
        case 'refusal':
          return refusals.find(question.requestId)
        case 'quota-usage':
          return quota.drain()
      }
    },
    answered: (id, answers) => channel.answered(id, answers),
    leased: (id, lease) => channel.leased(id, lease),
    reloadCertificate: () => listener.reloadCertificate(),
    async stop() {
      stopping = true
      clearInterval(poll)
      clearInterval(report)
      await listener.drain()
      await store.close()
      await new Promise<void>((resolve) => logger.flush(() => resolve()))
    },
  }
}

/** Stack and causes; faults and system errors carry no secret in their messages. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined
    ? (error.stack ?? error.message)
    : `${error.stack}\ncaused by ${describe(error.cause)}`
}
