/**
 * Which metrics there are: found by namespace and name, and no more of them than the limit. An entry says when data last
 * arrived, written anew only every ten minutes, so that most puts write none.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'
import { nameAfter, prefixEnd } from '../records/names.ts'
import type { Catalog, CatalogEntry } from '../storage/catalog.ts'
import { decodeSeries, encodeSeries } from './metric-codec.ts'
import type { MetricFilter, MetricIdentity, MetricPage, MetricScope } from './metric-data.ts'
import { SERIES_COUNT, seriesId, seriesKey, seriesPrefix } from './metric-keys.ts'

export class SeriesDirectory {
  readonly #catalog: Catalog
  readonly #clock: Clock
  readonly #maxSeries: number
  /** Until when a series, by its id in hexadecimal digits, needs no new entry. */
  readonly #fresh = new Map<string, number>()

  constructor(catalog: Catalog, clock: Clock, maxSeries: number) {
    this.#catalog = catalog
    this.#clock = clock
    this.#maxSeries = maxSeries
  }

  /** Makes sure that the metrics are known. Throws Fault 'MetricLimitReached', and then has made none. */
  async admit(scope: MetricScope, metrics: readonly MetricIdentity[]): Promise<Uint8Array[]> {
    const ids = metrics.map((metric) => seriesId(scope, metric))
    const nowMs = this.#clock.nowMs()
    const stale = new Map<string, Uint8Array>()
    ids.forEach((id, i) => {
      const hex = hexOf(id)
      if (!((this.#fresh.get(hex) ?? 0) > nowMs)) stale.set(hex, seriesKey(scope, metrics[i]!, id))
    })
    if (stale.size === 0) return ids
    const metricOf = new Map(ids.map((id, i) => [hexOf(id), metrics[i]!]))
    await this.#write(
      [...stale].map(([hex, key]) => ({ key, metric: metricOf.get(hex)! })),
      nowMs,
    )
    if (this.#fresh.size > this.#maxSeries) this.#fresh.clear()
    for (const hex of stale.keys()) this.#fresh.set(hex, nowMs + FRESH_MS)
    return ids
  }

  async list(
    scope: MetricScope,
    filter: MetricFilter,
    { after, limit }: { readonly after?: string | undefined; readonly limit: number },
  ): Promise<MetricPage> {
    const prefix = seriesPrefix(scope, filter.namespace, filter.namespace === undefined ? undefined : filter.name)
    const activeSinceMs = this.#clock.nowMs() - (filter.recentlyActiveMs ?? TWO_WEEKS_MS)
    const metrics: MetricIdentity[] = []
    let last: Uint8Array | undefined
    for await (const { key, value } of this.#entries(prefix, after)) {
      const { metric, activeMs } = decodeSeries(value)
      // The entry is written before its data, and not for each: what it says is up to ten minutes old.
      if (activeMs + FRESH_MS < activeSinceMs || !isWanted(metric, filter)) continue
      if (metrics.length === limit) return { metrics, next: Buffer.from(last!).toString('base64url') }
      metrics.push(metric)
      last = key
    }
    return { metrics }
  }

  /** Removes the entries of metrics whose last data is older than this. */
  async forget(olderThanMs: number): Promise<void> {
    for await (const { key, value, version } of this.#entries(Buffer.from('s'), undefined)) {
      if (decodeSeries(value).activeMs >= olderThanMs) continue
      const [count] = await this.#catalog.getMany([SERIES_COUNT])
      await this.#catalog.commit(
        [
          { key, version },
          { key: SERIES_COUNT, version: count?.version },
        ],
        [
          { key, value: undefined },
          { key: SERIES_COUNT, value: countBytes(countOf(count) - 1) },
        ],
      )
    }
  }

  async #write(series: readonly { key: Uint8Array; metric: MetricIdentity }[], nowMs: number): Promise<void> {
    const keys = [SERIES_COUNT, ...series.map(({ key }) => key)]
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const [count, ...found] = await this.#catalog.getMany(keys)
      const added = found.filter((entry) => entry === undefined).length
      if (added > 0 && countOf(count) + added > this.#maxSeries)
        throw new Fault('MetricLimitReached', { maxMetrics: this.#maxSeries })
      const changed = { key: SERIES_COUNT, value: countBytes(countOf(count) + added) }
      const done = await this.#catalog.commit(
        keys.map((key, i) => ({ key, version: [count, ...found][i]?.version })).slice(added > 0 ? 0 : 1),
        [
          ...series.map(({ key, metric }) => ({ key, value: encodeSeries({ metric, activeMs: nowMs }) })),
          ...(added > 0 ? [changed] : []),
        ],
      )
      if (done) return
      await sleep(Math.random() * attempt)
    }
    throw new Fault('Contention', { what: 'the list of metrics' })
  }

  async *#entries(prefix: Uint8Array, after: string | undefined): AsyncGenerator<CatalogEntry> {
    const lt = prefixEnd(prefix)
    let gte = after === undefined ? prefix : nameAfter(Buffer.from(after, 'base64url'))
    // A place from elsewhere must not lead out of the scope.
    if (Buffer.compare(gte, prefix) < 0) gte = prefix
    while (Buffer.compare(gte, lt) < 0) {
      const entries = await this.#catalog.range({ gte, lt, limit: READ_AT_ONCE })
      yield* entries
      if (entries.length < READ_AT_ONCE) return
      gte = nameAfter(entries.at(-1)!.key)
    }
  }
}

const isWanted = ({ namespace, name, dimensions }: MetricIdentity, filter: MetricFilter) =>
  (filter.namespace === undefined || namespace === filter.namespace) &&
  (filter.name === undefined || name === filter.name) &&
  (filter.dimensions ?? []).every((wanted) =>
    dimensions.some((one) => one.name === wanted.name && (wanted.value === undefined || one.value === wanted.value)),
  )

const hexOf = (id: Uint8Array) => Buffer.from(id).toString('hex')
const countOf = (entry: CatalogEntry | undefined) => (entry ? Buffer.from(entry.value).readUInt32BE() : 0)

function countBytes(count: number): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(Math.max(0, count))
  return bytes
}

const FRESH_MS = 600_000
const TWO_WEEKS_MS = 14 * 86_400_000
const READ_AT_ONCE = 1000
const ATTEMPTS = 100
