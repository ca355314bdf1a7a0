/** Which of a bucket's metrics configurations a request counts for (AWS S3 user guide, "Metrics configurations"). Pure. */
import type { MetricsConfiguration, MetricsFilter } from './records.ts'
import type { Tags } from './types.ts'

/** What a request was about; `objectKey` is undefined where that was the bucket itself. */
export interface CountedObject {
  readonly objectKey: string | undefined
  /** Undefined: they are not known, and no filter by tags fits. */
  readonly tags: Tags | undefined
}

/** The ids of those that fit, in their order. A filter is about objects, so that no request about a bucket fits one. */
export function matchingFilters(
  configurations: readonly MetricsConfiguration[] | undefined,
  object: CountedObject,
): readonly string[] {
  if (!configurations) return NONE
  const matching: string[] = []
  for (const { id, filter } of configurations) if (!filter || fits(filter, object)) matching.push(id)
  return matching
}

/** Whether the tags of an object have to be looked at. */
export const filterByTags = (configurations: readonly MetricsConfiguration[] | undefined): boolean =>
  configurations?.some(({ filter }) => filter !== undefined && filter.tags.length > 0) ?? false

function fits({ prefix, tags }: MetricsFilter, object: CountedObject): boolean {
  if (object.objectKey === undefined) return false
  if (prefix !== undefined && !object.objectKey.startsWith(prefix)) return false
  return tags.every(([key, value]) => object.tags?.some((tag) => tag[0] === key && tag[1] === value))
}

const NONE: readonly string[] = []
