/** CloudWatch's condition keys as rows (Service Authorization Reference, "Condition keys for Amazon CloudWatch"). */
import { type KeyTable, tagValue } from '../policy/condition-keys.ts'

/** What a request says, as far as a policy may ask. */
export interface CloudWatchRequest {
  readonly namespace?: string | undefined
  readonly alarmActions?: readonly string[] | undefined
  /** Tags that it carries. */
  readonly tags?: Readonly<Record<string, string>> | undefined
  /** Keys of tags, where it carries no values. */
  readonly tagKeys?: readonly string[] | undefined
  /** Of the alarm that it is about. */
  readonly resourceTags?: Readonly<Record<string, string>> | undefined
}

const present = (list: readonly string[] | undefined) => (list?.length ? list : undefined)

export const CLOUDWATCH_KEYS: KeyTable<CloudWatchRequest> = {
  keys: {
    'cloudwatch:namespace': ({ namespace }) => namespace,
    'cloudwatch:alarmactions': ({ alarmActions }) => present(alarmActions),
    'aws:tagkeys': ({ tags, tagKeys }) => present(tagKeys ?? (tags && Object.keys(tags))),
  },
  families: {
    'aws:requesttag/': ({ tags }, key) => tags && tagValue(tags, key),
    'aws:resourcetag/': ({ resourceTags }, key) => resourceTags && tagValue(resourceTags, key),
  },
}
