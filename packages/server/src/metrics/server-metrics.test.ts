import { expect, test } from 'vitest'
import type { Outcome } from '../core/outcome.ts'
import { METRIC_DEFINITIONS } from './definitions.ts'
import { FolderSize } from './folder-size.ts'
import { PrimaryMetrics } from './primary-metrics.ts'
import { mergeSnapshots, renderPrometheus } from './registry.ts'
import { ServerMetrics } from './server-metrics.ts'

const OUTCOME: Outcome = {
  service: 's3',
  operation: 'PutObject',
  requestId: 'R',
  startedAtMs: 0,
  durationMs: 3,
  status: 200,
  errorCode: undefined,
  caller: undefined,
  sourceIp: '127.0.0.1',
  userAgent: undefined,
  tls: { version: 'TLSv1.3', cipher: 'x' },
  bytesIn: 10,
  bytesOut: 0,
  readOnly: false,
}

const pageOf = (metrics: ServerMetrics) => renderPrometheus(metrics.registry.snapshot()).split('\n')

test.each<[string, Partial<Outcome>, string[]]>([
  [
    'a request',
    { encryption: 'aws:kms' },
    [
      'strongroom_requests_total{service="s3",operation="PutObject",status="200",transport="TLSv1.3"} 1',
      'strongroom_request_duration_seconds_bucket{service="s3",operation="PutObject",le="0.0025"} 0',
      'strongroom_request_duration_seconds_bucket{service="s3",operation="PutObject",le="0.005"} 1',
      'strongroom_request_duration_seconds_count{service="s3",operation="PutObject"} 1',
      'strongroom_encryption_requests_total{method="aws:kms",operation="PutObject"} 1',
      'strongroom_body_bytes_total{direction="in"} 10',
      'strongroom_plain_http_refused_total{service="s3"} 0',
    ],
  ],
  [
    'one that plain HTTP may not carry',
    { tls: undefined, status: 400, errorCode: 'InvalidRequest', refusedInClear: true },
    [
      'strongroom_requests_total{service="s3",operation="PutObject",status="400",transport="http"} 1',
      'strongroom_errors_total{service="s3",code="InvalidRequest"} 1',
      'strongroom_plain_http_refused_total{service="s3"} 1',
    ],
  ],
  [
    'a throttled KMS call',
    { service: 'kms', operation: 'Decrypt', status: 400, errorCode: 'ThrottlingException' },
    [
      'strongroom_kms_calls_total{operation="Decrypt",via="direct",result="ThrottlingException"} 1',
      'strongroom_kms_throttled_total{via="direct"} 1',
      'strongroom_kms_throttled_total{via="s3"} 0',
      'strongroom_requests_total{service="kms",operation="Decrypt",status="400",transport="TLSv1.3"} 1',
    ],
  ],
  [
    'a throttled one of S3',
    { service: 'kms', operation: 'Decrypt', errorCode: 'ThrottlingException', viaRequestId: 'R' },
    ['strongroom_kms_throttled_total{via="s3"} 1'],
  ],
])('%s', (_, facts, lines) => {
  const metrics = new ServerMetrics('worker-1')
  metrics.observe({ ...OUTCOME, ...facts })
  expect(pageOf(metrics)).toEqual(expect.arrayContaining(lines))
})

test('a KMS call of S3 is no request of its own', () => {
  const metrics = new ServerMetrics('worker-1')
  metrics.observe({ ...OUTCOME, service: 'kms', viaRequestId: 'R' })
  expect(pageOf(metrics).filter((line) => line.startsWith('strongroom_requests_total{'))).toEqual([])
})

test('what other rooms count is read when somebody looks', () => {
  const metrics = new ServerMetrics('worker-7')
  let hits = 1
  metrics.facts.watch({ keyCaches: () => ({ 'bucket-key': { hits, misses: 2 } }), requestsInFlight: () => 4 })
  metrics.facts.watch({ connections: () => ({ http: 3, https: 5 }) })
  metrics.watchCrypto(() => [{ work: 'seal', method: 'AES256', bytes: 100, sampledBytes: 10, sampledSeconds: 0.5 }])
  hits = 9
  expect(pageOf(metrics)).toEqual(
    expect.arrayContaining([
      'strongroom_key_cache_lookups_total{cache="bucket-key",result="hit"} 9',
      'strongroom_key_cache_lookups_total{cache="bucket-key",result="miss"} 2',
      'strongroom_requests_in_flight{process="worker-7"} 4',
      'strongroom_open_connections{process="worker-7",transport="https"} 5',
      'strongroom_crypto_bytes_total{work="seal",method="AES256"} 100',
      'strongroom_crypto_sampled_bytes_total{work="seal",method="AES256"} 10',
      'strongroom_crypto_sampled_seconds_total{work="seal",method="AES256"} 0.5',
    ]),
  )
})

test('what a lost worker had counted stays in the sums, once; what it was like does not', () => {
  const primary = new PrimaryMetrics({ dataDir: '.', folderSize: new FolderSize('.'), certPath: undefined })
  const worker = new ServerMetrics('worker-1')
  for (let i = 0; i < 3; i++) {
    worker.observe(OUTCOME)
    primary.toldBy(1, worker.registry.snapshot())
  }
  const sums = () => renderPrometheus(primary.snapshot()).split('\n')
  const requests = 'strongroom_requests_total{service="s3",operation="PutObject",status="200",transport="TLSv1.3"} 3'
  const durations = 'strongroom_request_duration_seconds_count{service="s3",operation="PutObject"} 3'
  // As long as it lives it tells for itself.
  expect(sums()).not.toContain(requests)
  primary.lostWorker(1)
  primary.lostWorker(1)
  expect(sums()).toEqual(expect.arrayContaining([requests, durations, 'strongroom_workers_lost_total 2']))
  expect(sums().filter((line) => line.includes('process="worker-1"'))).toEqual([])
})

test('workers and primary together define every metric, and only the primary those that there are once', async () => {
  const worker = new ServerMetrics('worker-1')
  const primary = new PrimaryMetrics({ dataDir: '.', folderSize: new FolderSize('.'), certPath: undefined })
  await primary.journaling(async () => undefined)
  const full = new Error('disk full')
  await expect(primary.journaling(() => Promise.reject(full))).rejects.toBe(full)
  primary.lostWorker(1)
  const merged = mergeSnapshots([worker.registry.snapshot(), primary.snapshot()])
  expect(merged.map(({ definition }) => definition.name).sort()).toEqual(
    METRIC_DEFINITIONS.map(({ name }) => name).sort(),
  )
  const page = renderPrometheus(merged).split('\n')
  expect(page).toEqual(
    expect.arrayContaining([
      'strongroom_journal_failures_total 1',
      'strongroom_journal_sync_seconds_count 1',
      'strongroom_workers_lost_total 1',
      expect.stringMatching(/^strongroom_disk_size_bytes \d+$/),
      expect.stringMatching(/^strongroom_cpu_seconds_total\{process="primary",mode="user"\} /),
      expect.stringMatching(/^strongroom_cpu_seconds_total\{process="worker-1",mode="user"\} /),
    ]),
  )
  const once = ['disk_free_bytes', 'disk_size_bytes', 'data_folder_bytes', 'certificate_expiry_timestamp_seconds']
  const workersPage = pageOf(worker).filter((line) => once.some((name) => line.startsWith(`strongroom_${name}`)))
  expect(workersPage).toEqual([])
})
