/** What a bucket has configured to be observed of its requests: which metrics filters one fits, and what that needs to know. */
import { isFault } from '../core/fault.ts'
import { isBucketName } from '../objects/bucket-name.ts'
import type { BucketRecord } from '../objects/records.ts'
import { filterByTags, matchingFilters } from '../objects/request-metrics.ts'
import type { Tags } from '../objects/types.ts'
import type { OutcomeNotes } from './operation.ts'
import type { S3Services } from './services.ts'
import type { Target } from './target.ts'

/** Ids of the metrics configurations that fit. The bucket is looked up where the request was refused before that was done. */
export async function metricsFiltersOf(
  services: Pick<S3Services, 'buckets' | 'tagging'>,
  target: Target,
  notes: OutcomeNotes,
): Promise<readonly string[]> {
  if (!notes.bucketRecord) {
    const record = await findBucket(services, target.bucket)
    if (!record) return []
    notes.bucketRecord = record
  }
  const { metricsConfigurations } = notes.bucketRecord
  if (!metricsConfigurations) return []
  const tags = notes.tagsBefore ?? (await filteredTags(services, target, notes))
  return matchingFilters(metricsConfigurations, { objectKey: target.objectKey || undefined, tags })
}

/** Undefined where there is none, also of a name that none can have. */
export async function findBucket(
  { buckets }: Pick<S3Services, 'buckets'>,
  bucket: string,
): Promise<BucketRecord | undefined> {
  return isBucketName(bucket) ? buckets.find(bucket).catch(unlessAbsent) : undefined
}

/** The tags that the target has now, where a metrics filter asks for them. */
export async function filteredTags(
  { tagging }: Pick<S3Services, 'tagging'>,
  { objectKey }: Target,
  { bucketRecord, versionId }: OutcomeNotes,
): Promise<Tags | undefined> {
  if (!bucketRecord || objectKey === '' || !filterByTags(bucketRecord.metricsConfigurations)) return undefined
  return tagging.find(bucketRecord, objectKey, versionId)
}

const unlessAbsent = (error: unknown): undefined => {
  if (!isFault(error, 'BucketNotFound')) throw error
}
