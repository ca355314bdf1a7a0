/** Tags of trails. */
import { isFault } from '../core/fault.ts'
import type { CallContext } from '../policy/call.ts'
import type { Input } from '../protocols/input.ts'
import { readTrailReference, trailArn } from '../trails/trail-name.ts'
import type { Trail, TrailTag } from '../trails/trail-records.ts'
import { trailError } from './errors.ts'
import { requireMay, scopeOf, type TrailOperations, type TrailServices } from './services.ts'

export const TAG_OPERATIONS = {
  AddTags: {
    readOnly: false,
    async run(services, call, input) {
      const trail = await taggedTrail(services, call, input.text('ResourceId', 4096), 'AddTags')
      input.required('TagsList')
      const given = readTags(input)
      await services.trails.change(trail, (current) => {
        const kept = current.tags.filter(({ Key }) => !given.some((tag) => tag.Key === Key))
        return { ...current, tags: requireFew([...kept, ...given]) }
      })
      return {}
    },
  },
  RemoveTags: {
    readOnly: false,
    async run(services, call, input) {
      const trail = await taggedTrail(services, call, input.text('ResourceId', 4096), 'RemoveTags')
      input.required('TagsList')
      const removed = input.structures('TagsList').map((tag) => tag.text('Key', 128))
      await services.trails.change(trail, (current) => ({
        ...current,
        tags: current.tags.filter(({ Key }) => !removed.includes(Key)),
      }))
      return {}
    },
  },
  ListTags: {
    readOnly: true,
    async run(services, call, input) {
      input.required('ResourceIdList')
      const asked = input.texts('ResourceIdList')
      if (asked.length > MOST_LISTED) {
        throw input.constraint('ResourceIdList', '[…]', `Member must have length less than or equal to ${MOST_LISTED}`)
      }
      const trails = asked.map((arn) => taggedTrail(services, call, arn, 'ListTags'))
      return {
        ResourceTagList: (await Promise.all(trails)).map(({ arn, tags }) => ({ ResourceId: arn, TagsList: tags })),
      }
    },
  },
} satisfies TrailOperations

/** Throws InvalidTagParameterException and TagsLimitExceededException. */
export function readTags(input: Input): readonly TrailTag[] {
  const tags = input
    .structures('TagsList')
    .map((tag) => ({ Key: tag.text('Key', 128), Value: tag.optionalText('Value', 256) ?? '' }))
  if (new Set(tags.map(({ Key }) => Key)).size < tags.length) {
    throw trailError('InvalidTagParameter', 'The request has a tag key more than once.')
  }
  const wrong = tags.find(({ Key, Value }) => /^aws:/i.test(Key) || !isTagText(Key) || !isTagText(Value))
  if (wrong) throw trailError('InvalidTagParameter', `The tag key or value is not valid: ${wrong.Key}`)
  return requireFew(tags)
}

function requireFew(tags: readonly TrailTag[]): readonly TrailTag[] {
  if (tags.length <= MOST_TAGS) return tags
  throw trailError('TagsLimitExceeded', `The number of tags per trail has exceeded the permitted amount: ${MOST_TAGS}.`)
}

/** Only by ARN. */
async function taggedTrail(
  { trails }: TrailServices,
  call: CallContext,
  text: string,
  operation: string,
): Promise<Trail> {
  if (!text.startsWith('arn:')) {
    throw trailError('CloudTrailARNInvalid', `The specified trail ARN is not valid: ${text}`)
  }
  const scope = scopeOf(call)
  const arn = trailArn(readTrailReference(text, scope.accountId, scope.region))
  requireMay(call, operation, arn)
  try {
    return await trails.find(text, scope)
  } catch (error) {
    if (!isFault(error, 'TrailRefused') || error.detail.refusal !== 'TrailNotFound') throw error
    throw trailError('ResourceNotFound', `The specified resource does not exist: ${text}`)
  }
}

/** What AWS lets tags hold. */
const isTagText = (text: string) => /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u.test(text)

const MOST_TAGS = 50
const MOST_LISTED = 20
