/**
 * The CloudWatch data that the server publishes of itself: of calls against quotas (`AWS/Usage`) for their callers' accounts,
 * of requests to buckets (`AWS/S3`) for the buckets' owners, and of the server as a whole (`Strongroom`) for the root user's
 * account. It watches every outcome, so a series that is there already is found without allocating; whoever has it
 * drains it every few seconds.
 */
import type { Observer, Outcome, ServiceName } from '../core/outcome.ts'
import { isQuotaName } from '../quota/quotas.ts'
import { USAGE_DIMENSIONS, usageResource } from '../quota/usage-metric.ts'
import type { Datum, MetricScope, Unit } from './metric-data.ts'
import { CountSeries, type MinuteSeries, type ScopedDatum, ValueSeries } from './minute-series.ts'
import { BucketRequests } from './request-metrics.ts'

export interface PublishedMetricsOptions {
  /** The root user's account, whose metrics the server's own are. */
  readonly accountId: string
  readonly region: string
}

/** An outcome that tells whether the request was refused because it came over plain HTTP. */
export type PublishedOutcome = Outcome & { readonly refusedInClear?: boolean | undefined }

export interface Published {
  readonly scope: MetricScope
  readonly data: readonly Datum[]
}

export class PublishedMetrics implements Observer {
  readonly #options: PublishedMetricsOptions
  readonly #finished: ScopedDatum[] = []
  #series: MinuteSeries[] = []
  /** By service, Region, account and quota or operation. */
  readonly #usage = new Map<string, Map<string, Map<string, Map<string, CountSeries>>>>()
  /** By account, bucket and filter. */
  readonly #buckets = new Map<string, Map<string, Map<string, BucketRequests>>>()
  readonly #services = new Map<string, ServiceRequests>()
  readonly #methods = new Map<string, CountSeries>()
  /** One object for each, by which data is put together. */
  readonly #scopes = new Map<string, MetricScope>()
  #plain: CountSeries | undefined
  #refusedInClear: CountSeries | undefined
  #lost = 0

  constructor(options: PublishedMetricsOptions) {
    this.#options = options
  }

  observe(outcome: PublishedOutcome): void {
    const atMs = outcome.startedAtMs + outcome.durationMs
    const usageService = USAGE_SERVICES[outcome.service]
    const { caller } = outcome
    // Services have no account of their own, and neither has who did not sign.
    if (usageService !== undefined && caller?.accessKeyId !== undefined)
      this.#countUsage(usageService, outcome, caller.accountId, atMs)
    // What the KMS did for an S3 request is no request of its own.
    if (outcome.viaRequestId !== undefined) return
    if (outcome.metricsFilters !== undefined && outcome.metricsFilters.length > 0) this.#countBucket(outcome, atMs)
    this.#countServer(outcome, atMs)
    if (this.#finished.length > MOST_WAITING) this.#lost += this.#finished.splice(0, MOST_WAITING / 2).length
  }

  /** What came since the last call; none of it is kept here. */
  drain(): Published[] {
    for (const series of this.#series) series.finish()
    if (this.#series.length > MOST_SERIES) this.#beginAnew()
    const byScope = new Map<MetricScope, Datum[]>()
    for (const { scope, datum } of this.#finished.splice(0)) {
      const data = byScope.get(scope) ?? []
      byScope.set(scope, data)
      data.push(datum)
    }
    return [...byScope].map(([scope, data]) => ({ scope, data }))
  }

  /** How many data there were too many of, because nobody drained them. */
  get lost(): number {
    return this.#lost
  }

  #countUsage(usageService: string, outcome: Outcome, accountId: string, atMs: number): void {
    const { service, operation, quota } = outcome
    if (operation === UNKNOWN) return
    const region = outcome.region ?? this.#options.region
    const resources = within(within(within(this.#usage, service), region), accountId)
    const counted = quota ?? operation
    let series = resources.get(counted)
    if (!series) {
      const resource = quota !== undefined && isQuotaName(quota) ? usageResource(quota) : operation
      const dimensions = { ...USAGE_DIMENSIONS, Resource: resource, Service: usageService }
      series = this.#counts({ accountId, region }, 'AWS/Usage', 'CallCount', dimensions)
      resources.set(counted, series)
    }
    series.add(atMs)
  }

  #countBucket(outcome: Outcome, atMs: number): void {
    const { bucket, bucketAccountId, metricsFilters = [] } = outcome
    if (bucket === undefined || bucketAccountId === undefined) return
    const filters = within(within(this.#buckets, bucketAccountId), bucket)
    for (const filterId of metricsFilters) {
      let requests = filters.get(filterId)
      if (!requests) {
        const scope = this.#scope({ accountId: bucketAccountId, region: this.#options.region })
        requests = new BucketRequests(scope, bucket, filterId, this.#finished)
        this.#series.push(...requests.series)
        filters.set(filterId, requests)
      }
      requests.add(atMs, outcome)
    }
  }

  #countServer(outcome: PublishedOutcome, atMs: number): void {
    const { service, encryption } = outcome
    let requests = this.#services.get(service)
    if (!requests) {
      requests = this.#serviceRequests(service)
      this.#services.set(service, requests)
    }
    addRequest(requests, outcome, atMs)
    if (encryption !== undefined) {
      let method = this.#methods.get(encryption)
      if (!method) {
        method = this.#ownCounts('Requests', { EncryptionMethod: encryption })
        this.#methods.set(encryption, method)
      }
      method.add(atMs)
    }
    if (outcome.tls) return
    this.#plain ??= this.#ownCounts('PlainHttpRequests', {})
    this.#plain.add(atMs)
    if (!outcome.refusedInClear) return
    this.#refusedInClear ??= this.#ownCounts('PlainHttpRefused', {})
    this.#refusedInClear.add(atMs)
  }

  #serviceRequests(service: string): ServiceRequests {
    const dimensions = { Service: service }
    return {
      requests: this.#ownCounts('Requests', dimensions),
      clientErrors: this.#ownCounts('4xxErrors', dimensions),
      serverErrors: this.#ownCounts('5xxErrors', dimensions),
      throttled: this.#ownCounts('ThrottledRequests', dimensions),
      latency: this.#ownValues('RequestLatency', 'Milliseconds', dimensions),
      received: this.#ownValues('BytesReceived', 'Bytes', dimensions),
      sent: this.#ownValues('BytesSent', 'Bytes', dimensions),
    }
  }

  readonly #ownCounts = (name: string, dimensions: Dimensions) =>
    this.#counts(this.#options, 'Strongroom', name, dimensions)

  #ownValues(name: string, unit: Unit, dimensions: Dimensions): ValueSeries {
    const metric = { namespace: 'Strongroom', name, dimensions: sorted(dimensions) }
    const series = new ValueSeries({ scope: this.#scope(this.#options), metric, unit }, this.#finished)
    this.#series.push(series)
    return series
  }

  #counts(scope: MetricScope, namespace: string, name: string, dimensions: Dimensions): CountSeries {
    const metric = { namespace, name, dimensions: sorted(dimensions) }
    const series = new CountSeries({ scope: this.#scope(scope), metric, unit: 'Count' }, this.#finished)
    this.#series.push(series)
    return series
  }

  #scope({ accountId, region }: MetricScope): MetricScope {
    const id = `${region} ${accountId}`
    const scope = this.#scopes.get(id) ?? { accountId, region }
    this.#scopes.set(id, scope)
    return scope
  }

  /** Series of accounts and buckets that are gone would stay for ever otherwise. */
  #beginAnew(): void {
    this.#series = []
    for (const map of [this.#usage, this.#buckets, this.#services, this.#methods, this.#scopes]) map.clear()
    this.#plain = undefined
    this.#refusedInClear = undefined
  }
}

/** What is counted of each service's requests. */
interface ServiceRequests {
  readonly requests: CountSeries
  readonly clientErrors: CountSeries
  readonly serverErrors: CountSeries
  readonly throttled: CountSeries
  readonly latency: ValueSeries
  readonly received: ValueSeries
  readonly sent: ValueSeries
}

function addRequest(to: ServiceRequests, outcome: Outcome, atMs: number): void {
  to.requests.add(atMs)
  to.clientErrors.add(atMs, outcome.status >= 400 && outcome.status < 500)
  to.serverErrors.add(atMs, outcome.status >= 500)
  if (outcome.errorCode !== undefined && THROTTLED.has(outcome.errorCode)) to.throttled.add(atMs)
  to.latency.add(atMs, outcome.durationMs)
  if (outcome.bytesIn > 0) to.received.add(atMs, outcome.bytesIn)
  if (outcome.bytesOut > 0) to.sent.add(atMs, outcome.bytesOut)
}

/** A map within a map, made where there is none. */
function within<V>(outer: Map<string, Map<string, V>>, key: string): Map<string, V> {
  let inner = outer.get(key)
  if (!inner) {
    inner = new Map()
    outer.set(key, inner)
  }
  return inner
}

type Dimensions = Readonly<Record<string, string>>
const sorted = (dimensions: Dimensions) =>
  Object.entries(dimensions)
    .map(([name, value]) => ({ name, value }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))

/** As `AWS/Usage` names them; of other services it has no calls. */
const USAGE_SERVICES: Readonly<Partial<Record<ServiceName, string>>> = {
  kms: USAGE_DIMENSIONS.Service,
  cloudtrail: 'CloudTrail',
  monitoring: 'CloudWatch',
}
const UNKNOWN = 'Unknown'
const THROTTLED: ReadonlySet<string> = new Set(['ThrottlingException', 'Throttling', 'SlowDown'])
const MOST_SERIES = 20_000
const MOST_WAITING = 200_000
