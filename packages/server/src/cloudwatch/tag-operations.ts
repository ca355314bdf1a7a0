/** Tags of alarms. */
import { alarmNameOfArn } from '../alarms/alarm-arn.ts'
import type { AlarmTag } from '../alarms/alarm-records.ts'
import type { CallContext } from '../policy/call.ts'
import type { Input } from '../protocols/input.ts'
import { readTags, requireFewTags } from './alarm-input.ts'
import { cloudWatchError } from './errors.ts'
import { type CloudWatch, type CloudWatchOperations, requireMay, scopeOf } from './services.ts'

export const TAG_OPERATIONS = {
  TagResource: {
    readOnly: false,
    async run(services, call, input) {
      input.required('Tags')
      const given = readTags(input)
      const keys = given.map(({ Key }) => Key)
      const { name } = await taggedAlarm(services, call, input, 'TagResource', {
        tags: Object.fromEntries(given.map(({ Key, Value }) => [Key, Value])),
      })
      const done = await services.alarms.setTags(scopeOf(call), name, (tags) =>
        requireFewTags([...without(tags, keys), ...given]),
      )
      if (!done) throw notFound(input)
      return {}
    },
  },
  UntagResource: {
    readOnly: false,
    async run(services, call, input) {
      input.required('TagKeys')
      const tagKeys = input.texts('TagKeys')
      const { name } = await taggedAlarm(services, call, input, 'UntagResource', { tagKeys })
      if (!(await services.alarms.setTags(scopeOf(call), name, (tags) => without(tags, tagKeys)))) throw notFound(input)
      return {}
    },
  },
  ListTagsForResource: {
    readOnly: true,
    async run(services, call, input) {
      return { Tags: (await taggedAlarm(services, call, input, 'ListTagsForResource', {})).tags }
    },
  },
} satisfies CloudWatchOperations

/** Throws ResourceNotFoundException where the ARN is of no alarm of the caller's account here, once he may ask. */
async function taggedAlarm(
  { alarms }: CloudWatch,
  call: CallContext,
  input: Input,
  operation: string,
  request: { readonly tags?: Readonly<Record<string, string>>; readonly tagKeys?: readonly string[] },
): Promise<{ readonly name: string; readonly tags: readonly AlarmTag[] }> {
  const arn = input.text('ResourceARN', 1024)
  const name = alarmNameOfArn(scopeOf(call), arn)
  const alarm = name === undefined ? undefined : await alarms.find(scopeOf(call), name)
  const resourceTags = alarm && Object.fromEntries(alarm.tags.map(({ Key, Value }) => [Key, Value]))
  requireMay(call, operation, arn, { ...request, resourceTags })
  if (name === undefined || !alarm) throw notFound(input)
  return { name, tags: alarm.tags }
}

const notFound = (input: Input) => {
  const arn = input.text('ResourceARN', 1024)
  return cloudWatchError('ResourceNotFoundException', `The resource ${arn} does not exist`, {
    members: { ResourceType: 'cloudwatch:alarm', ResourceId: arn },
  })
}

const without = (tags: readonly AlarmTag[], keys: readonly string[]) => tags.filter(({ Key }) => !keys.includes(Key))
