/** The metrics of a worker: the observer that counts every outcome into them, and the facts of its process. */
import type { Observer, Outcome, ServiceName } from '../core/outcome.ts'
import { METRICS } from './definitions.ts'
import type { Datum } from './metric-data.ts'
import { ProcessData } from './process-data.ts'
import { type CryptoWork, ProcessFacts } from './process-facts.ts'
import { defineProcessMetrics } from './process-metrics.ts'
import { MetricRegistry } from './registry.ts'

/** Counts outcomes. No key id, bucket or object key ever becomes a label: their number has no bound. */
export class ServerMetrics implements Observer {
  readonly registry = new MetricRegistry()
  readonly facts: ProcessFacts
  readonly #data: ProcessData

  readonly #requests = this.registry.define(METRICS.requests)
  readonly #errors = this.registry.define(METRICS.errors)
  readonly #duration = this.registry.define(METRICS.requestDuration)
  readonly #bytes = this.registry.define(METRICS.bodyBytes)
  readonly #encryption = this.registry.define(METRICS.encryptionRequests)
  readonly #plainHttpRefused = this.registry.define(METRICS.plainHttpRefused)
  readonly #kms = this.registry.define(METRICS.kmsCalls)
  readonly #kmsThrottled = this.registry.define(METRICS.kmsThrottled)
  readonly #catalogCommit = this.registry.define(METRICS.catalogCommit)
  readonly #cryptoBytes = this.registry.define(METRICS.cryptoBytes)
  readonly #cryptoSampledBytes = this.registry.define(METRICS.cryptoSampledBytes)
  readonly #cryptoSampledSeconds = this.registry.define(METRICS.cryptoSampledSeconds)

  constructor(processName: string) {
    this.facts = new ProcessFacts(processName)
    this.#data = new ProcessData(this.facts)
    defineProcessMetrics(this.registry, this.facts)
    // Alerts on their increase must see the first one, too.
    for (const service of SERVICES_IN_TLS) this.#plainHttpRefused.add(0, service)
    for (const via of ['direct', 's3']) this.#kmsThrottled.add(0, via)
  }

  observe(outcome: Outcome): void {
    const { service, operation, errorCode } = outcome
    if (service === 'kms') {
      const via = outcome.viaRequestId ? 's3' : 'direct'
      this.#kms.add(1, operation, via, errorCode ?? 'ok')
      if (errorCode === THROTTLED) this.#kmsThrottled.add(1, via)
      if (outcome.viaRequestId) return
    }
    this.#requests.add(1, service, operation, String(outcome.status), outcome.tls ? outcome.tls.version : 'http')
    this.#duration.observe(outcome.durationMs / 1000, service, operation)
    if (errorCode) this.#errors.add(1, service, errorCode)
    if (outcome.refusedInClear) this.#plainHttpRefused.add(1, service)
    if (outcome.bytesIn > 0) this.#bytes.add(outcome.bytesIn, 'in')
    if (outcome.bytesOut > 0) this.#bytes.add(outcome.bytesOut, 'out')
    if (outcome.encryption) this.#encryption.add(1, outcome.encryption, operation)
  }

  /** A commit of the catalog became durable. */
  committed(seconds: number): void {
    this.#catalogCommit.observe(seconds)
    this.#data.committed(seconds)
  }

  /** For CloudWatch: what is so now, and what has happened since the last call. */
  processData(nowMs: number): Datum[] {
    return this.#data.drain(nowMs)
  }

  /** Asks for what was sealed and opened whenever somebody looks. */
  watchCrypto(work: () => readonly CryptoWork[]): void {
    this.facts.watch({ cryptoWork: work })
    this.registry.beforeSnapshot(() => {
      for (const one of work()) {
        this.#cryptoBytes.set(one.bytes, one.work, one.method)
        this.#cryptoSampledBytes.set(one.sampledBytes, one.work, one.method)
        this.#cryptoSampledSeconds.set(one.sampledSeconds, one.work, one.method)
      }
    })
  }
}

/** Those that may refuse plain HTTP. */
const SERVICES_IN_TLS: readonly ServiceName[] = [
  's3',
  'kms',
  'sts',
  'iam',
  'cloudtrail',
  'monitoring',
  'servicequotas',
  'server',
]
/** The KMS's word, also for the calls that S3 makes. */
const THROTTLED = 'ThrottlingException'
