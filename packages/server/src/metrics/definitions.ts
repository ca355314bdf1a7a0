/**
 * Every metric that the server publishes, a row each. docs/operations.md, the dashboard and the alert rules in deploy/ are
 * held to these rows by a test.
 */
import type { MetricDefinition } from './registry.ts'

export const METRICS = {
  // Of requests
  requests: {
    name: 'strongroom_requests_total',
    help: 'Requests by service, operation and status, and how they came.',
    type: 'counter',
    labels: ['service', 'operation', 'status', 'transport'],
  },
  errors: {
    name: 'strongroom_errors_total',
    help: 'Requests that ended in an error, by its code.',
    type: 'counter',
    labels: ['service', 'code'],
  },
  requestDuration: {
    name: 'strongroom_request_duration_seconds',
    help: 'Time from the first byte of a request to the end of its reply.',
    type: 'histogram',
    labels: ['service', 'operation'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  },
  bodyBytes: {
    name: 'strongroom_body_bytes_total',
    help: 'Plaintext bytes of bodies received and sent.',
    type: 'counter',
    labels: ['direction'],
  },
  encryptionRequests: {
    name: 'strongroom_encryption_requests_total',
    help: 'S3 requests by the method that seals the object.',
    type: 'counter',
    labels: ['method', 'operation'],
  },
  plainHttpRefused: {
    name: 'strongroom_plain_http_refused_total',
    help: 'Requests that were refused because they came over plain HTTP.',
    type: 'counter',
    labels: ['service'],
  },
  kmsCalls: {
    name: 'strongroom_kms_calls_total',
    help: 'KMS calls, direct ones and those that S3 made for a caller.',
    type: 'counter',
    labels: ['operation', 'via', 'result'],
  },
  kmsThrottled: {
    name: 'strongroom_kms_throttled_total',
    help: 'KMS calls that were refused because their quota was used up.',
    type: 'counter',
    labels: ['via'],
  },

  // Of encryption
  keyCacheLookups: {
    name: 'strongroom_key_cache_lookups_total',
    help: 'Looks for opened keys in memory, by what was looked for and whether it was there.',
    type: 'counter',
    labels: ['cache', 'result'],
  },
  cryptoBytes: {
    name: 'strongroom_crypto_bytes_total',
    help: 'Plaintext bytes of object content sealed and opened.',
    type: 'counter',
    labels: ['work', 'method'],
  },
  cryptoSampledBytes: {
    name: 'strongroom_crypto_sampled_bytes_total',
    help: 'The part of the bytes sealed and opened whose time was taken.',
    type: 'counter',
    labels: ['work', 'method'],
  },
  cryptoSampledSeconds: {
    name: 'strongroom_crypto_sampled_seconds_total',
    help: 'CPU time of sealing and opening the sampled bytes.',
    type: 'counter',
    labels: ['work', 'method'],
  },

  // Of the stores
  catalogCommit: {
    name: 'strongroom_catalog_commit_seconds',
    help: 'Time until a commit of the catalog is durable.',
    type: 'histogram',
    labels: [],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
  },
  journalSync: {
    name: 'strongroom_journal_sync_seconds',
    help: 'Time until entries of the audit journal are durable.',
    type: 'histogram',
    labels: [],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
  },
  journalFailures: {
    name: 'strongroom_journal_failures_total',
    help: 'Attempts to write the audit journal that failed.',
    type: 'counter',
    labels: [],
  },
  diskFree: {
    name: 'strongroom_disk_free_bytes',
    help: 'Free space of the file system that holds the data folder, as far as the server may use it.',
    type: 'gauge',
    labels: [],
  },
  diskSize: {
    name: 'strongroom_disk_size_bytes',
    help: 'Size of the file system that holds the data folder.',
    type: 'gauge',
    labels: [],
  },
  dataFolder: {
    name: 'strongroom_data_folder_bytes',
    help: 'Space that the files of the data folder take, as of the last count.',
    type: 'gauge',
    labels: [],
  },
  certificateExpiry: {
    name: 'strongroom_certificate_expiry_timestamp_seconds',
    help: 'When the certificate of the HTTPS listener ends, in Unix time.',
    type: 'gauge',
    labels: [],
  },

  // Of processes
  cpu: {
    name: 'strongroom_cpu_seconds_total',
    help: 'CPU time of each process.',
    type: 'counter',
    labels: ['process', 'mode'],
  },
  residentMemory: {
    name: 'strongroom_resident_memory_bytes',
    help: 'Resident memory of the server process.',
    type: 'gauge',
    labels: ['process'],
  },
  heapUsed: {
    name: 'strongroom_heap_used_bytes',
    help: 'What lives in the JavaScript heap of each process.',
    type: 'gauge',
    labels: ['process'],
  },
  heapSize: {
    name: 'strongroom_heap_size_bytes',
    help: 'Size of the JavaScript heap of each process.',
    type: 'gauge',
    labels: ['process'],
  },
  externalMemory: {
    name: 'strongroom_external_memory_bytes',
    help: 'Memory of buffers outside the JavaScript heap of each process.',
    type: 'gauge',
    labels: ['process'],
  },
  loopDelay: {
    name: 'strongroom_event_loop_delay_seconds',
    help: 'Delay of the event loop, 99th percentile of the worst quarter of the last minute.',
    type: 'gauge',
    labels: ['process'],
  },
  loopUtilization: {
    name: 'strongroom_event_loop_utilization_ratio',
    help: 'Part of the last quarter of a minute in which the event loop was busy.',
    type: 'gauge',
    labels: ['process'],
  },
  startTime: {
    name: 'strongroom_process_start_time_seconds',
    help: 'When each process began, in Unix time.',
    type: 'gauge',
    labels: ['process'],
  },
  openConnections: {
    name: 'strongroom_open_connections',
    help: 'Connections that clients hold, by process and transport.',
    type: 'gauge',
    labels: ['process', 'transport'],
  },
  requestsInFlight: {
    name: 'strongroom_requests_in_flight',
    help: 'Requests whose reply has not ended.',
    type: 'gauge',
    labels: ['process'],
  },
  workersLost: {
    name: 'strongroom_workers_lost_total',
    help: 'Worker processes that ended unasked and were replaced.',
    type: 'counter',
    labels: [],
  },
} as const satisfies Record<string, MetricDefinition>

/** For whoever looks them up by name. */
export const METRIC_DEFINITIONS: readonly MetricDefinition[] = Object.values(METRICS)
