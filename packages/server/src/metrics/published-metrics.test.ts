import { describe, expect, test } from 'vitest'
import type { CallerFacts } from '../core/outcome.ts'
import type { MetricIdentity } from './metric-data.ts'
import { type Published, PublishedMetrics, type PublishedOutcome } from './published-metrics.ts'

const T0 = Date.UTC(2026, 0, 1, 12)
const MINUTE = 60_000
const caller: CallerFacts = {
  accountId: '111111111111',
  arn: 'arn:aws:iam::111111111111:user/a',
  principalId: 'A',
  principalType: 'IAMUser',
  userName: 'a',
  accessKeyId: 'AKIA',
}
const outcome = (changes: Partial<PublishedOutcome>): PublishedOutcome => ({
  ...{ service: 's3', operation: 'GetObject', requestId: 'r', startedAtMs: T0, durationMs: 5, status: 200 },
  ...{
    errorCode: undefined,
    caller,
    sourceIp: '127.0.0.1',
    userAgent: undefined,
    bytesIn: 0,
    bytesOut: 0,
    readOnly: true,
  },
  ...{ tls: { version: 'TLSv1.3', cipher: 'x' }, region: 'us-east-1' },
  ...changes,
})

const text = ({ namespace, name, dimensions }: MetricIdentity) =>
  [namespace, name, ...dimensions.map((one) => `${one.name}=${one.value}`)].join(' ')

/** Of each account and metric the values that came, each as often as it came. */
const shown = (published: readonly Published[], namespace: string) => {
  const all: Record<string, number[]> = {}
  for (const { scope, data } of published)
    for (const { metric, data: values } of data) {
      if (metric.namespace !== namespace || !('values' in values)) continue
      const id = `${scope.accountId} ${scope.region} ${text(metric).slice(namespace.length + 1)}`
      all[id] = [...(all[id] ?? []), ...values.values.flatMap((value, i) => Array(values.counts[i]!).fill(value))]
    }
  return all
}

const publish = (...outcomes: Partial<PublishedOutcome>[]) => {
  const metrics = new PublishedMetrics({ accountId: '000000000000', region: 'us-east-1' })
  for (const one of outcomes) metrics.observe(outcome(one))
  return metrics
}

describe('usage', () => {
  test('of the KMS is counted by quota and operation, for the caller, where it called', () => {
    const kms = { service: 'kms', operation: 'Decrypt', quota: 'symmetric' } as const
    const metrics = publish(
      kms,
      { ...kms, operation: 'GenerateDataKey' },
      { ...kms, viaRequestId: 's3-request' },
      { ...kms, status: 400, errorCode: 'ThrottlingException' },
      { ...kms, region: 'eu-west-1' },
      { ...kms, region: undefined },
      { ...kms, caller: { ...caller, accountId: '222222222222' } },
      { ...kms, operation: 'Sign', quota: 'rsa' },
      { ...kms, operation: 'Sign', quota: 'ecc' },
      { ...kms, operation: 'CreateKey', quota: 'CreateKey' },
      { ...kms, operation: 'UntagResource', quota: undefined },
      { ...kms, operation: 'Unknown', quota: undefined },
      { ...kms, caller: undefined },
      { ...kms, caller: { ...caller, principalType: 'AWSService', accessKeyId: undefined } },
      { service: 'cloudtrail', operation: 'LookupEvents' },
      { service: 'iam', operation: 'CreateUser' },
    )
    const name = (resource: string, service = 'KMS') =>
      `CallCount Class=None Resource=${resource} Service=${service} Type=API`
    expect(shown(metrics.drain(), 'AWS/Usage')).toEqual({
      [`111111111111 us-east-1 ${name('CryptographicOperationsSymmetric')}`]: [1, 1, 1, 1, 1],
      [`111111111111 eu-west-1 ${name('CryptographicOperationsSymmetric')}`]: [1],
      [`222222222222 us-east-1 ${name('CryptographicOperationsSymmetric')}`]: [1],
      [`111111111111 us-east-1 ${name('CryptographicOperationsRsa')}`]: [1],
      [`111111111111 us-east-1 ${name('CryptographicOperationsEcc')}`]: [1],
      [`111111111111 us-east-1 ${name('CreateKey')}`]: [1],
      [`111111111111 us-east-1 ${name('UntagResource')}`]: [1],
      [`111111111111 us-east-1 ${name('LookupEvents', 'CloudTrail')}`]: [1],
    })
  })
})

describe('request metrics of S3', () => {
  const filtered = { bucket: 'b', bucketAccountId: '333333333333', metricsFilters: ['all'] } as const
  const of = (...outcomes: Partial<PublishedOutcome>[]) => {
    const all = shown(publish(...outcomes.map((one) => ({ ...filtered, ...one }))).drain(), 'AWS/S3')
    return Object.fromEntries(
      Object.entries(all).map(([id, values]) => {
        expect(id).toMatch(/^333333333333 us-east-1 \w+ BucketName=b FilterId=all$/)
        return [id.split(' ')[2]!, values]
      }),
    )
  }

  test('count each request by what it is', () => {
    const cases: [operation: string, counted: string | undefined][] = [
      ...(['GetObject', 'GetObjectTagging', 'GetObjectAcl'] as const).map((name): [string, string] => [
        name,
        'GetRequests',
      ]),
      ...(['PutObject', 'CopyObject', 'UploadPart'] as const).map((name): [string, string] => [name, 'PutRequests']),
      ...(['DeleteObject', 'DeleteObjects', 'AbortMultipartUpload'] as const).map((name): [string, string] => [
        name,
        'DeleteRequests',
      ]),
      ...(['HeadObject', 'HeadBucket'] as const).map((name): [string, string] => [name, 'HeadRequests']),
      ...(['PostObject', 'CreateMultipartUpload'] as const).map((name): [string, string] => [name, 'PostRequests']),
      ...(['ListObjects', 'ListParts', 'ListObjectVersions'] as const).map((name): [string, string] => [
        name,
        'ListRequests',
      ]),
      ['GetBucketPolicy', undefined],
      ['Unknown', undefined],
    ]
    for (const [operation, counted] of cases)
      expect(of({ operation }), operation).toEqual({
        ...{ AllRequests: [1], '4xxErrors': [0], '5xxErrors': [0], TotalRequestLatency: [5] },
        ...(counted && { [counted]: [1] }),
      })
  })

  test('tell bytes of requests that have some, latencies, and errors as a rate', () => {
    expect(
      of(
        { bytesOut: 100, turnAroundMs: 2.5 },
        { operation: 'PutObject', bytesIn: 7, durationMs: 20 },
        { status: 404 },
        { status: 503 },
      ),
    ).toEqual({
      ...{ AllRequests: [1, 1, 1, 1], GetRequests: [1, 1, 1], PutRequests: [1] },
      ...{ '4xxErrors': [0, 0, 0, 1], '5xxErrors': [0, 0, 0, 1], BytesDownloaded: [100], BytesUploaded: [7] },
      ...{ FirstByteLatency: [2.5], TotalRequestLatency: [5, 20, 5, 5] },
    })
  })

  test('are of the configurations that match, and of no bucket without one', () => {
    const all = shown(
      publish(
        { ...filtered, metricsFilters: ['a', 'b'] },
        { ...filtered, metricsFilters: [] },
        { bucket: 'b' },
        { ...filtered, bucketAccountId: undefined },
      ).drain(),
      'AWS/S3',
    )
    const counts = Object.entries(all).filter(([id]) => id.includes('AllRequests'))
    expect(counts).toEqual([
      ['333333333333 us-east-1 AllRequests BucketName=b FilterId=a', [1]],
      ['333333333333 us-east-1 AllRequests BucketName=b FilterId=b', [1]],
    ])
  })
})

describe('the server’s own metrics', () => {
  test('are of the root account, and tell how objects were sealed and what came in clear', () => {
    const metrics = publish(
      { encryption: 'aws:kms', bytesOut: 10 },
      { encryption: 'aws:kms', status: 400, tls: undefined, refusedInClear: true },
      { encryption: 'SSE-C', operation: 'PutObject', bytesIn: 5 },
      { tls: undefined, status: 503, errorCode: 'SlowDown' },
      { service: 'kms', operation: 'Decrypt', viaRequestId: 'r' },
      { service: 'kms', operation: 'Decrypt', status: 400, errorCode: 'ThrottlingException' },
    )
    const own = shown(metrics.drain(), 'Strongroom')
    const named = (name: string) => own[`000000000000 us-east-1 ${name}`]
    expect(named('Requests EncryptionMethod=aws:kms')).toEqual([1, 1])
    expect(named('Requests EncryptionMethod=SSE-C')).toEqual([1])
    expect(named('Requests Service=s3')).toEqual([1, 1, 1, 1])
    expect(named('Requests Service=kms')).toEqual([1])
    expect(named('4xxErrors Service=s3')).toEqual([0, 0, 0, 1])
    expect(named('5xxErrors Service=s3')).toEqual([0, 0, 0, 1])
    expect(named('ThrottledRequests Service=s3')).toEqual([1])
    expect(named('ThrottledRequests Service=kms')).toEqual([1])
    expect(named('PlainHttpRequests')).toEqual([1, 1])
    expect(named('PlainHttpRefused')).toEqual([1])
    expect(named('BytesReceived Service=s3')).toEqual([5])
    expect(named('BytesSent Service=s3')).toEqual([10])
    expect(named('RequestLatency Service=s3')).toEqual([5, 5, 5, 5])
  })
})

describe('draining', () => {
  const requests = (published: readonly Published[]) =>
    published
      .flatMap(({ data }) => data)
      .filter(({ metric }) => text(metric) === 'Strongroom Requests Service=s3')
      .map(({ atMs, data }) => [(atMs - T0) / MINUTE, data])

  test('gives each value once, by the minute in which the request ended', () => {
    const metrics = publish({}, {}, { startedAtMs: T0 + MINUTE - 5 }, { startedAtMs: T0 + MINUTE - 6 })
    expect(requests(metrics.drain())).toEqual([
      [0, { values: [1], counts: [2] }],
      [1, { values: [1], counts: [1] }],
      [0, { values: [1], counts: [1] }],
    ])
    expect(metrics.drain()).toEqual([])
    metrics.observe(outcome({ startedAtMs: T0 + 3 * MINUTE }))
    expect(requests(metrics.drain())).toEqual([[3, { values: [1], counts: [1] }]])
  })

  test('puts what is of one scope together', () => {
    const metrics = publish(
      { service: 'kms', operation: 'Decrypt' },
      { service: 'kms', operation: 'Encrypt', region: 'eu-west-1' },
      {},
    )
    expect(metrics.drain().map(({ scope }) => scope)).toEqual([
      { accountId: '111111111111', region: 'us-east-1' },
      { accountId: '000000000000', region: 'us-east-1' },
      { accountId: '111111111111', region: 'eu-west-1' },
    ])
  })

  test('many values are handed over in parts, and none is lost', () => {
    const metrics = publish(...Array.from({ length: 10_000 }, (_, i) => ({ durationMs: i / 1000 })))
    expect(shown(metrics.drain(), 'Strongroom')['000000000000 us-east-1 RequestLatency Service=s3']).toEqual(
      Array.from({ length: 10_000 }, (_, i) => i / 1000),
    )
    expect(metrics.lost).toBe(0)
  })

  test('series of what is gone are forgotten, and what comes back is counted anew', () => {
    const metrics = publish()
    const account = (i: number) => ({ ...caller, accountId: String(i).padStart(12, '0') })
    const calls = (count: number) => {
      for (let i = 1; i <= count; i++)
        metrics.observe(outcome({ service: 'kms', operation: 'Decrypt', caller: account(i) }))
      return Object.values(shown(metrics.drain(), 'AWS/Usage'))
    }
    expect(calls(20_001)).toHaveLength(20_001)
    expect(calls(3)).toEqual([[1], [1], [1]])
  })

  test('where nobody drains, what is kept has a bound and the loss is counted', () => {
    const metrics = publish()
    for (let i = 0; i < 60_000; i++) metrics.observe(outcome({ startedAtMs: T0 + i * MINUTE, durationMs: 0 }))
    expect(metrics.lost).toBeGreaterThan(0)
    expect(metrics.drain().flatMap(({ data }) => data).length).toBeLessThanOrEqual(210_000)
  })
})
