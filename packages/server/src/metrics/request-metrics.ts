/**
 * The request metrics of S3, for one bucket and one of its metrics configurations (S3 user guide, "Amazon S3 request
 * metrics in CloudWatch"). Which request is counted as what is a row by its operation.
 */
import type { Outcome } from '../core/outcome.ts'
import type { MetricScope, Unit } from './metric-data.ts'
import { CountSeries, type ScopedDatum, ValueSeries } from './minute-series.ts'

type ByVerb = 'GetRequests' | 'PutRequests' | 'DeleteRequests' | 'HeadRequests' | 'PostRequests' | 'ListRequests'

export class BucketRequests {
  readonly #all: CountSeries
  readonly #byVerb: Readonly<Record<ByVerb, CountSeries>>
  readonly #clientErrors: CountSeries
  readonly #serverErrors: CountSeries
  readonly #downloaded: ValueSeries
  readonly #uploaded: ValueSeries
  readonly #firstByte: ValueSeries
  readonly #total: ValueSeries
  readonly series: readonly (CountSeries | ValueSeries)[]

  constructor(scope: MetricScope, bucket: string, filterId: string, finished: ScopedDatum[]) {
    const dimensions = [
      { name: 'BucketName', value: bucket },
      { name: 'FilterId', value: filterId },
    ]
    const names = (name: string, unit: Unit) => ({ scope, metric: { namespace: 'AWS/S3', name, dimensions }, unit })
    const counts = (name: string) => new CountSeries(names(name, 'Count'), finished)
    const values = (name: string, unit: Unit) => new ValueSeries(names(name, unit), finished)
    this.#all = counts('AllRequests')
    this.#byVerb = {
      GetRequests: counts('GetRequests'),
      PutRequests: counts('PutRequests'),
      DeleteRequests: counts('DeleteRequests'),
      HeadRequests: counts('HeadRequests'),
      PostRequests: counts('PostRequests'),
      ListRequests: counts('ListRequests'),
    }
    this.#clientErrors = counts('4xxErrors')
    this.#serverErrors = counts('5xxErrors')
    this.#downloaded = values('BytesDownloaded', 'Bytes')
    this.#uploaded = values('BytesUploaded', 'Bytes')
    this.#firstByte = values('FirstByteLatency', 'Milliseconds')
    this.#total = values('TotalRequestLatency', 'Milliseconds')
    this.series = [
      ...[this.#all, ...Object.values(this.#byVerb), this.#clientErrors, this.#serverErrors],
      ...[this.#downloaded, this.#uploaded, this.#firstByte, this.#total],
    ]
  }

  add(atMs: number, outcome: Outcome): void {
    this.#all.add(atMs)
    const verb = VERB_OF.get(outcome.operation)
    if (verb !== undefined) this.#byVerb[verb].add(atMs)
    // For each request, so that the average is the rate of errors.
    this.#clientErrors.add(atMs, outcome.status >= 400 && outcome.status < 500)
    this.#serverErrors.add(atMs, outcome.status >= 500)
    if (outcome.bytesOut > 0) this.#downloaded.add(atMs, outcome.bytesOut)
    if (outcome.bytesIn > 0) this.#uploaded.add(atMs, outcome.bytesIn)
    if (outcome.turnAroundMs !== undefined) this.#firstByte.add(atMs, outcome.turnAroundMs)
    this.#total.add(atMs, outcome.durationMs)
  }
}

/** Requests for objects; all others count in AllRequests only. */
const OPERATIONS: Readonly<Record<ByVerb, string>> = {
  GetRequests:
    'GetObject GetObjectAcl GetObjectAttributes GetObjectLegalHold GetObjectRetention GetObjectTagging GetObjectTorrent',
  PutRequests:
    'CopyObject PutObject PutObjectAcl PutObjectLegalHold PutObjectRetention PutObjectTagging UpdateObjectEncryption UploadPart UploadPartCopy',
  DeleteRequests: 'AbortMultipartUpload DeleteObject DeleteObjectTagging DeleteObjects',
  HeadRequests: 'HeadBucket HeadObject',
  PostRequests: 'CompleteMultipartUpload CreateMultipartUpload PostObject RestoreObject',
  ListRequests: 'ListMultipartUploads ListObjectVersions ListObjects ListObjectsV2 ListParts',
}
const VERB_OF: ReadonlyMap<string, ByVerb> = new Map(
  (Object.keys(OPERATIONS) as ByVerb[]).flatMap((verb) =>
    OPERATIONS[verb].split(' ').map((name) => [name, verb] as const),
  ),
)
