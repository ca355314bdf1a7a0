/** A worker process: opens the doors, sealed until the store key is at hand, and serves. */
import cluster from 'node:cluster'
import pino, { type Logger } from 'pino'
import { AuditTrail } from '../audit/audit-trail.ts'
import { RecentRefusals } from '../audit/recent-refusals.ts'
import { observers, RequestLog } from '../audit/request-log.ts'
import { systemClock } from '../core/clock.ts'
import { journaledAccessLog } from '../delivery/access-log-entry.ts'
import { AbsentDoor } from '../http/absent-door.ts'
import { ConnectionReader } from '../http/connection.ts'
import { listen } from '../http/listener.ts'
import { OwnDoor } from '../http/own-door.ts'
import { ROOT_ACCOUNT } from '../identity/accounts.ts'
import type { AccessKeyPair } from '../identity/directory.ts'
import { PublishedMetrics } from '../metrics/published-metrics.ts'
import { type MetricSnapshot, mergeSnapshots } from '../metrics/registry.ts'
import { ServerMetrics } from '../metrics/server-metrics.ts'
import { LeasedQuota } from '../quota/leased-quota.ts'
import type { Lease } from '../quota/quota-book.ts'
import type { ExportedStoreKey } from '../root-key/store-key.ts'
import { type RunningTraces, startTraces } from '../telemetry/start-traces.ts'
import type { Question, ToPrimary } from './channel.ts'
import { JournalChannel } from './journal-channel.ts'
import type { OperatorTools } from './operator-tools.ts'
import { PrimaryChannel } from './primary-channel.ts'
import { sealedDoors } from './sealed-doors.ts'
import { type Doors, openServiceDoors, type ServiceDoors } from './service-doors.ts'
import type { Settings } from './settings.ts'
import { VERSION } from './version.ts'

/** All that a worker needs to know; plain JSON for the channel. */
export interface WorkerStart {
  readonly settings: Settings
  readonly tls: { readonly certPath: string; readonly keyPath: string } | undefined
  /** Undefined: sealed, until `takeStoreKey`. */
  readonly storeKey: ExportedStoreKey | undefined
  readonly root: AccessKeyPair
  /** PEM; trusted for OpenID Connect providers beside the usual authorities. */
  readonly oidcCa: string | undefined
  readonly tools: OperatorTools
}

export interface RunningWorker {
  readonly httpPort: number | undefined
  readonly httpsPort: number | undefined
  /** This worker's part of what one of them asks of all; undefined where it has none. */
  answer(question: Question): unknown
  answered(id: number, answers: readonly unknown[]): void
  leased(id: number, lease: Lease | undefined): void
  journaled(id: number, error: string | undefined): void
  reloadCertificate(): void
  /** Unseals, or takes a changed ring. Resolves when it counts. */
  takeStoreKey(storeKey: ExportedStoreKey): Promise<void>
  /** Finishes the requests under way and closes the stores. */
  stop(): Promise<void>
}

const CERTIFICATE_POLL_MS = 5_000
/** How often a worker tells what it counted against quotas. */
const REPORT_MS = 5_000
/** How often a worker writes down which keys it has used. */
const KEY_USAGE_MS = 60_000
/** How often a worker writes down what it has measured. */
const PUBLISH_MS = 5_000

export async function runWorker(start: WorkerStart, say: (message: ToPrimary) => void): Promise<RunningWorker> {
  const { settings } = start
  const { file } = settings
  const logger = pino(
    { level: file.log.level, base: { pid: process.pid } },
    pino.destination({ dest: file.log.file ?? 2, sync: false, mkdir: true }),
  )
  const clock = systemClock
  const processName = `worker-${cluster.worker?.id}`
  const metrics = new ServerMetrics(processName)
  const traces = await startWorkerTraces(start, processName, logger)
  const traced = traces?.requests
  const refusals = new RecentRefusals()
  const log = new RequestLog(logger, traced && (() => traced.currentTraceId))
  const published = new PublishedMetrics({ accountId: ROOT_ACCOUNT, region: settings.region })
  const observer = observers(log, metrics, refusals, published, ...(traced ? [traced] : []))
  const onInternalError = (error: unknown, requestId: string) =>
    logger.error({ event: 'internal-error', requestId, error: describe(error) })

  const channel = new PrimaryChannel(say)
  const journals = new JournalChannel(say, (error, entries) =>
    logger.error({ event: 'events-not-recorded', entries, error: describe(error) }),
  )
  const { dataEvents } = file.audit
  const trail = new AuditTrail({ sink: journals, operatorsAccount: ROOT_ACCOUNT, dataEvents })
  const accessLog = journaledAccessLog(({ atMs, bytes }) => journals.add('access', [{ atMs, content: bytes }]))
  const askAll = (question: Question) => channel.askAll(question)
  const quota = new LeasedQuota((...question) => channel.lease(...question), clock)
  let opened: ServiceDoors | undefined
  let doors: Doors = sealedDoors(observer, clock.nowMs)
  const unseal = async (storeKey: ExportedStoreKey) => {
    const committed = (seconds: number) => metrics.committed(seconds)
    const own = { observer, trail, accessLog, clock, onInternalError, quota, askAll }
    opened = await openServiceDoors(storeKey, { ...start, ...own, metrics, committed, tracer: traced })
    doors = opened
  }
  if (start.storeKey) await unseal(start.storeKey)

  let stopping = false
  const ownDoor = new OwnDoor({
    notReady: async () => {
      if (stopping) return { status: 'not ready', reason: 'stopping' }
      if (!opened) return { status: 'sealed', reason: 'the root key cannot be had' }
      await opened.checkStore()
      return undefined
    },
    metricsAccess: { token: start.tools.metricsToken, open: file.metrics.open },
    collectMetrics: async () => mergeSnapshots((await askAll({ about: 'metrics' })) as (readonly MetricSnapshot[])[]),
    apis: () => doors.apis,
    observer,
    nowMs: clock.nowMs,
    onInternalError,
  })

  const listener = await listen({
    http: settings.http,
    https: settings.https && start.tls ? { ...settings.https, ...start.tls } : undefined,
    doors: () => doors.services,
    traced: traced && ((exchange, door) => traced.handle(exchange, door)),
    ownDoor,
    absentDoor: new AbsentDoor(observer, clock.nowMs),
    connections: new ConnectionReader(file.trustedProxies),
    nowMs: clock.nowMs,
    onCertificateError: (error) => logger.error({ event: 'certificate-not-reloaded', error: describe(error) }),
  })
  metrics.facts.watch({
    connections: () => listener.load().connections,
    requestsInFlight: () => listener.load().requestsInFlight,
  })
  const poll = setInterval(() => listener.reloadCertificate(), CERTIFICATE_POLL_MS)
  const report = setInterval(() => {
    const calls = quota.drain()
    if (calls.length > 0) say({ type: 'counted', calls })
  }, REPORT_MS)
  const flush = setInterval(() => {
    opened?.flushKeyUsage().catch((error) => logger.error({ event: 'key-usage-not-written', error: describe(error) }))
  }, KEY_USAGE_MS)
  let publishing = Promise.resolve()
  const publish = () => {
    publishing = publishing
      // While the server is sealed, data waits within bounds.
      .then(() => {
        const data = metrics.processData(clock.nowMs())
        return opened?.publish([
          ...published.drain(),
          { scope: { accountId: ROOT_ACCOUNT, region: settings.region }, data },
        ])
      })
      .catch((error) => logger.error({ event: 'metrics-not-published', error: describe(error) }))
    return publishing
  }
  const measure = setInterval(publish, PUBLISH_MS)
  for (const timer of [poll, report, flush, measure]) timer.unref()

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
        case 'key-usage':
          return opened?.notedUse(question.keyArn)
      }
    },
    answered: (id, answers) => channel.answered(id, answers),
    leased: (id, lease) => channel.leased(id, lease),
    journaled: (id, error) => journals.answered(id, error),
    reloadCertificate: () => listener.reloadCertificate(),
    takeStoreKey: (storeKey) => (opened ? opened.takeStoreKey(storeKey) : unseal(storeKey)),
    async stop() {
      stopping = true
      clearInterval(poll)
      clearInterval(report)
      await listener.drain()
      clearInterval(flush)
      clearInterval(measure)
      await publish()
      await journals.close()
      await opened?.flushKeyUsage()
      await opened?.close()
      await traces?.stop()
      await new Promise<void>((resolve) => logger.flush(() => resolve()))
    },
  }
}

/** Undefined where the configuration asks for none. */
async function startWorkerTraces(
  { settings, tools }: WorkerStart,
  processName: string,
  logger: Logger,
): Promise<RunningTraces | undefined> {
  const { otlp } = settings.file
  if (!otlp?.traces || !tools.collector) return undefined
  return startTraces({
    collector: tools.collector,
    sampleRatio: otlp.sampleRatio,
    processName,
    version: VERSION,
    onError: (message) => logger.error({ event: 'traces-not-sent', error: message }),
  })
}

/** Stack and causes; faults and system errors carry no secret in their messages. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined
    ? (error.stack ?? error.message)
    : `${error.stack}\ncaused by ${describe(error.cause)}`
}
