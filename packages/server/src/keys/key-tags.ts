/** Tags of keys, with AWS's texts for those that cannot be. */
import { Fault } from '../core/fault.ts'
import type { KmsTag } from './kms-records.ts'

const MAX_TAGS = 50

/** The tags of a key once `added` are set; a tag that is there already gets the new value. Throws KmsTagInvalid. */
export function withTags(current: readonly KmsTag[], added: readonly KmsTag[]): readonly KmsTag[] {
  const keys = added.map(({ TagKey }) => TagKey)
  if (new Set(keys).size < keys.length) throw new Fault('KmsTagInvalid', { message: 'Duplicate tag keys' })
  requireUnreserved(keys)
  const tags = [...current.filter(({ TagKey }) => !keys.includes(TagKey)), ...added]
  if (tags.length > MAX_TAGS) throw new Fault('KmsTagInvalid', { message: 'Too many tags' })
  return tags
}

/** Keys of tags that are not there are no error. Throws KmsTagInvalid. */
export function withoutTags(current: readonly KmsTag[], tagKeys: readonly string[]): readonly KmsTag[] {
  requireUnreserved(tagKeys)
  return current.filter(({ TagKey }) => !tagKeys.includes(TagKey))
}

function requireUnreserved(tagKeys: readonly string[]): void {
  if (tagKeys.some((tagKey) => tagKey.toLowerCase().startsWith('aws:'))) {
    throw new Fault('KmsTagInvalid', { message: 'Tags beginning with aws: are reserved' })
  }
}
