/** Tags of quotas. */
import type { QuotaTag } from '../limits/limit-records.ts'
import type { CallContext } from '../policy/call.ts'
import type { Input } from '../protocols/input.ts'
import { ServiceError } from '../protocols/service-error.ts'
import type { QuotaName } from '../quota/quotas.ts'
import { noSuchResource } from './errors.ts'
import { type QuotaOperations, requireMay, scopeOf } from './services.ts'
import { findQuota, quotaArn } from './shapes.ts'

const MOST_TAGS = 50

export const TAG_OPERATIONS = {
  TagResource: {
    readOnly: false,
    async run({ quotas }, call, input) {
      const name = taggedQuota(call, input, 'TagResource')
      input.required('Tags')
      const given = input
        .structures('Tags')
        .map((tag) => ({ Key: tag.text('Key', 128), Value: tag.text('Value', 256, 0) }))
      if (new Set(given.map(({ Key }) => Key)).size < given.length) {
        throw input.invalid('The request has a tag key more than once.')
      }
      await quotas.setTags(scopeOf(call), name, (tags) => {
        const next = [
          ...without(
            tags,
            given.map(({ Key }) => Key),
          ),
          ...given,
        ]
        if (next.length > MOST_TAGS) {
          throw new ServiceError('TooManyTagsException', `A quota has at most ${MOST_TAGS} tags.`)
        }
        return next
      })
      return {}
    },
  },
  UntagResource: {
    readOnly: false,
    async run({ quotas }, call, input) {
      const name = taggedQuota(call, input, 'UntagResource')
      input.required('TagKeys')
      await quotas.setTags(scopeOf(call), name, (tags) => without(tags, input.texts('TagKeys')))
      return {}
    },
  },
  ListTagsForResource: {
    readOnly: true,
    async run({ quotas }, call, input) {
      const name = taggedQuota(call, input, 'ListTagsForResource')
      return { Tags: await quotas.tags(scopeOf(call), name) }
    },
  },
} satisfies QuotaOperations

/** Throws NoSuchResourceException where the ARN is of no quota of the caller's account here. */
function taggedQuota(call: CallContext, input: Input, operation: string): QuotaName {
  requireMay(call, operation)
  const arn = input.matching('ResourceARN', 'arn:aws(-[\\w]+)*:*:.+', 1011)
  const [service = '', code = ''] = arn.split(':').slice(5).join(':').split('/')
  const name = findQuota(service, code)
  if (quotaArn(call, name) !== arn)
    throw noSuchResource('The request failed because the specified resource does not exist.')
  return name
}

const without = (tags: readonly QuotaTag[], keys: readonly string[]) => tags.filter(({ Key }) => !keys.includes(Key))
