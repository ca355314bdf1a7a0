/** The metrics of the primary process: its own facts, and those that there are once and not in each worker. */
import { X509Certificate } from 'node:crypto'
import { readFileSync, statfsSync } from 'node:fs'
import { METRICS } from './definitions.ts'
import type { FolderSize } from './folder-size.ts'
import type { Datum } from './metric-data.ts'
import { ProcessData } from './process-data.ts'
import { type DiskFacts, ProcessFacts } from './process-facts.ts'
import { defineProcessMetrics } from './process-metrics.ts'
import { type MetricDefinition, MetricRegistry, type MetricSnapshot, mergeSnapshots } from './registry.ts'

export interface PrimaryMetricsOptions {
  readonly dataDir: string
  /** Of `dataDir`. */
  readonly folderSize: Pick<FolderSize, 'bytes'>
  /** Undefined: no HTTPS. */
  readonly certPath: string | undefined
}

export class PrimaryMetrics {
  readonly facts = new ProcessFacts('primary')
  readonly registry = new MetricRegistry()
  readonly #data = new ProcessData(this.facts)
  readonly #workersLost = this.registry.define(METRICS.workersLost)
  readonly #catalogCommit = this.registry.define(METRICS.catalogCommit)
  readonly #journalSync = this.registry.define(METRICS.journalSync)
  readonly #journalFailures = this.registry.define(METRICS.journalFailures)

  readonly #told = new Map<number, readonly MetricSnapshot[]>()
  /** Of workers that are no more. */
  #kept: readonly MetricSnapshot[] = []

  constructor({ dataDir, folderSize, certPath }: PrimaryMetricsOptions) {
    this.facts.watch({ disk: () => diskFacts(dataDir) })
    defineProcessMetrics(this.registry, this.facts)
    const dataFolder = this.registry.define(METRICS.dataFolder)
    const certificateExpiry = this.registry.define(METRICS.certificateExpiry)
    // Alerts on their increase must see the first one, too.
    this.#workersLost.add(0)
    this.#journalFailures.add(0)
    this.registry.beforeSnapshot(() => {
      if (folderSize.bytes !== undefined) dataFolder.set(folderSize.bytes)
      const endsAtMs = certPath === undefined ? undefined : certificateEndMs(certPath)
      if (endsAtMs !== undefined) certificateExpiry.set(endsAtMs / 1000)
    })
  }

  /** What a worker has counted, as of the last look. */
  toldBy(workerId: number, snapshots: readonly MetricSnapshot[]): void {
    this.#told.set(workerId, snapshots)
  }

  /** Keeps what it had counted: a sum over all processes never falls, which would look like a new start of all. */
  lostWorker(workerId: number): void {
    this.#workersLost.add(1)
    const last = this.#told.get(workerId) ?? []
    this.#told.delete(workerId)
    this.#kept = mergeSnapshots([this.#kept, last.filter(({ definition }) => isSum(definition))])
  }

  /** For the catalog that the primary keeps house in. */
  committed(seconds: number): void {
    this.#catalogCommit.observe(seconds)
    this.#data.committed(seconds)
  }

  /** Entries on their way to be durable; resolves and rejects as `append` does. `isWaitedFor`: a reply waits for them. */
  async journaling(append: () => Promise<void>, isWaitedFor = true): Promise<void> {
    const beganMs = performance.now()
    try {
      await append()
    } catch (error) {
      this.#journalFailures.add(1)
      throw error
    }
    if (!isWaitedFor) return
    const seconds = (performance.now() - beganMs) / 1000
    this.#journalSync.observe(seconds)
    this.#data.journalSynced(seconds)
  }

  /** For CloudWatch: what is so now, and what has happened since the last call. */
  processData(nowMs: number): Datum[] {
    return this.#data.drain(nowMs)
  }

  snapshot(): MetricSnapshot[] {
    return mergeSnapshots([this.registry.snapshot(), this.#kept])
  }
}

const isSum = ({ type, labels }: MetricDefinition) => type !== 'gauge' && !labels.includes('process')

/** Undefined where there is no such file system to ask, so that metrics are answered even when a disk is gone. */
function diskFacts(dir: string): DiskFacts | undefined {
  try {
    const { bsize, bavail, blocks } = statfsSync(dir)
    return { freeBytes: bsize * bavail, sizeBytes: bsize * blocks }
  } catch {
    return undefined
  }
}

/** Undefined while the file is being exchanged; the listener goes on with what it has. */
function certificateEndMs(path: string): number | undefined {
  try {
    return Date.parse(new X509Certificate(readFileSync(path)).validTo)
  } catch {
    return undefined
  }
}
