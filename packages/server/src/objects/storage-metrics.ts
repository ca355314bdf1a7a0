/**
 * CloudWatch's storage metrics, `BucketSizeBytes` and `NumberOfObjects`, of every bucket once a day, by one process. They
 * stand at the day's beginning, in UTC, and belong to the bucket's owner.
 */
import type { Clock } from '../core/clock.ts'
import type { Datum, MetricStore, Unit } from '../metrics/metric-data.ts'
import { defineRecord, type RecordStore } from '../records/record-store.ts'
import { type BucketUsage, storageUsage } from './storage-usage.ts'

export interface StorageMetricsOptions {
  readonly records: RecordStore
  readonly clock: Clock
  readonly region: string
  /** A day, but for trying it. */
  readonly everySeconds: number
  readonly store: Pick<MetricStore, 'put'>
  /** Told the places of records that do not open. */
  readonly report: (problem: string) => void
}

/** The beginning of the newest day that was measured. */
export const storageMeasured = defineRecord<{ readonly dayMs: number }>({
  label: 'newest storage metrics',
  prefix: 'M',
  formatVersion: 1,
})

export class StorageMetrics {
  readonly #options: StorageMetricsOptions

  constructor(options: StorageMetricsOptions) {
    this.#options = options
  }

  /** Measures where the day has not been yet. What a crash cuts off is measured again. */
  async run(): Promise<void> {
    const { records, clock, region, everySeconds, store, report } = this.#options
    const everyMs = everySeconds * 1000
    const dayMs = Math.floor(clock.nowMs() / everyMs) * everyMs
    const newest = await records.get(storageMeasured, NAME)
    if (newest && newest.value.dayMs >= dayMs) return
    for await (const usage of storageUsage(records, report)) {
      await store.put({ accountId: usage.accountId, region }, storageData(usage, dayMs))
    }
    await records.commit([], [records.put(storageMeasured, NAME, { dayMs })])
  }
}

/** All that is stored here is in one storage class. */
export function storageData({ bucket, bytes, objects }: BucketUsage, atMs: number): readonly Datum[] {
  const datum = (name: string, storageType: string, unit: Unit, value: number): Datum => ({
    metric: {
      namespace: 'AWS/S3',
      name,
      dimensions: [
        { name: 'BucketName', value: bucket },
        { name: 'StorageType', value: storageType },
      ],
    },
    atMs,
    unit,
    data: { values: [value], counts: [1] },
  })
  return [
    datum('BucketSizeBytes', 'StandardStorage', 'Bytes', bytes),
    datum('NumberOfObjects', 'AllStorageTypes', 'Count', objects),
  ]
}

const NAME = Buffer.from('all')
