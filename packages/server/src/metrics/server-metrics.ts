/** The metrics that the server publishes, and the observer that counts every outcome into them. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Observer, Outcome } from '../core/outcome.ts'
import { MetricRegistry } from './registry.ts'

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** Counts outcomes. No key id, bucket or object key ever becomes a label: their number has no bound. */
export class ServerMetrics implements Observer {
  readonly registry = new MetricRegistry()

  readonly #requests = this.registry.define({
    name: 'strongroom_requests_total',
    help: 'Requests by service, operation and status, and how they came.',
    type: 'counter',
    labels: ['service', 'operation', 'status', 'transport'],
  })
  readonly #errors = this.registry.define({
    name: 'strongroom_errors_total',
    help: 'Requests that ended in an error, by its code.',
    type: 'counter',
    labels: ['service', 'code'],
  })
  readonly #duration = this.registry.define({
    name: 'strongroom_request_duration_seconds',
    help: 'Time from the first byte of a request to the end of its reply.',
    type: 'histogram',
    labels: ['service', 'operation'],
    buckets: SECONDS,
  })
  readonly #bytes = this.registry.define({
    name: 'strongroom_body_bytes_total',
    help: 'Plaintext bytes of bodies received and sent.',
    type: 'counter',
    labels: ['direction'],
  })
  readonly #encryption = this.registry.define({
    name: 'strongroom_encryption_requests_total',
    help: 'S3 requests by the method that seals the object.',
    type: 'counter',
    labels: ['method', 'operation'],
  })
  readonly #kms = this.registry.define({
    name: 'strongroom_kms_calls_total',
    help: 'KMS calls, direct ones and those that S3 made for a caller.',
    type: 'counter',
    labels: ['operation', 'via', 'result'],
  })
  readonly #memory = this.registry.define({
    name: 'strongroom_resident_memory_bytes',
    help: 'Resident memory of the server process.',
    type: 'gauge',
    labels: ['process'],
  })
  readonly #loopDelay = this.registry.define({
    name: 'strongroom_event_loop_delay_seconds',
    help: 'Delay of the event loop since the last look, 99th percentile.',
    type: 'gauge',
    labels: ['process'],
  })

  constructor(processName: string) {
    const delay = monitorEventLoopDelay({ resolution: 20 })
    delay.enable()
    this.registry.beforeSnapshot(() => {
      this.#memory.set(process.memoryUsage.rss(), processName)
      this.#loopDelay.set(delay.percentile(99) / 1e9, processName)
      delay.reset()
    })
  }

  observe(outcome: Outcome): void {
    if (outcome.service === 'kms') {
      this.#kms.add(1, outcome.operation, outcome.viaRequestId ? 's3' : 'direct', outcome.errorCode ?? 'ok')
      if (outcome.viaRequestId) return
    }
    const { service, operation } = outcome
    this.#requests.add(1, service, operation, String(outcome.status), outcome.tls ? outcome.tls.version : 'http')
    this.#duration.observe(outcome.durationMs / 1000, service, operation)
    if (outcome.errorCode) this.#errors.add(1, service, outcome.errorCode)
    if (outcome.bytesIn > 0) this.#bytes.add(outcome.bytesIn, 'in')
    if (outcome.bytesOut > 0) this.#bytes.add(outcome.bytesOut, 'out')
    if (outcome.encryption) this.#encryption.add(1, outcome.encryption, operation)
  }
}
