/** Tags of what IAM keeps: at most fifty, put over those of the same key. */
import type { Tags } from './records.ts'
import { refused } from './refusals.ts'

const MOST_TAGS = 50

/** How keys of tags are told apart: users and roles know no case, policies and providers do. */
export type TagCase = 'sensitive' | 'insensitive'

/** Throws InvalidInput where a key stands twice. */
export function tagsOf(pairs: readonly (readonly [key: string, value: string])[], tagCase: TagCase): Tags {
  const keys = pairs.map(([key]) => (tagCase === 'sensitive' ? key : key.toLowerCase()))
  if (new Set(keys).size < keys.length) {
    const hint = tagCase === 'sensitive' ? '' : ' Please note that Tag keys are case insensitive.'
    throw refused('InvalidInput', `Duplicate tag keys found.${hint}`)
  }
  return Object.fromEntries(pairs)
}

/** Throws LimitExceeded. */
export function withTags(tags: Tags, added: Tags, tagCase: TagCase): Tags {
  const result = { ...withoutTags(tags, Object.keys(added), tagCase), ...added }
  if (Object.keys(result).length > MOST_TAGS) {
    throw refused('LimitExceeded', 'The number of tags has reached the maximum limit.')
  }
  return result
}

/** Keys that are not there are no error. */
export function withoutTags(tags: Tags, keys: readonly string[], tagCase: TagCase): Tags {
  const told = (key: string) => (tagCase === 'sensitive' ? key : key.toLowerCase())
  const removed = new Set(keys.map(told))
  return Object.fromEntries(Object.entries(tags).filter(([key]) => !removed.has(told(key))))
}
