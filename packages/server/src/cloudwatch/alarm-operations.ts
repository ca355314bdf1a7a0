/** Alarms made, described, deleted, and their actions turned on and off. */
import { alarmArn } from '../alarms/alarm-arn.ts'
import { type Alarm, STATE_VALUES } from '../alarms/alarm-records.ts'
import type { CallContext } from '../policy/call.ts'
import type { Input } from '../protocols/input.ts'
import type { ServiceOperation } from '../protocols/service-door.ts'
import { alarmName, readAlarm, readTags } from './alarm-input.ts'
import { alarmShape } from './alarm-shapes.ts'
import { cloudWatchError, validation } from './errors.ts'
import { readMetric, readNamespace, readUnit } from './metric-input.ts'
import { type CloudWatch, type CloudWatchOperations, readToken, requireMay, scopeOf, writeToken } from './services.ts'
import { SIMPLE_STATISTIC_NAMES } from './statistic-input.ts'

const MOST_NAMES = 100
const DEFAULT_PAGE = 50
const LARGEST_PAGE = 100

export const ALARM_OPERATIONS = {
  PutMetricAlarm: {
    readOnly: false,
    async run({ alarms }, call, input) {
      const configuration = readAlarm(input)
      const tags = readTags(input)
      const { alarmName: name, okActions, alarmActions, insufficientDataActions } = configuration
      const scope = scopeOf(call)
      requireMay(call, 'PutMetricAlarm', alarmArn(scope, name), {
        alarmActions: [...alarmActions, ...okActions, ...insufficientDataActions],
        ...(tags.length > 0 && { tags: tagMap(tags) }),
        resourceTags: await tagsOf(alarms, call, name),
      })
      await alarms.put(scope, configuration, tags)
      return {}
    },
  },
  DescribeAlarms: {
    readOnly: true,
    run: ({ alarms }, call, input) => describe(alarms, call, input),
  },
  DescribeAlarmsForMetric: {
    readOnly: true,
    async run({ alarms }, call, input) {
      requireMay(call, 'DescribeAlarmsForMetric')
      const isWanted = watches(input)
      const found: Alarm[] = []
      for await (const alarm of alarms.each(scopeOf(call))) if (isWanted(alarm)) found.push(alarm)
      return { MetricAlarms: found.map((alarm) => alarmShape(scopeOf(call), alarm)) }
    },
  },
  DeleteAlarms: ofNames('DeleteAlarms', (alarms, call, names) => alarms.delete(scopeOf(call), names)),
  EnableAlarmActions: ofNames('EnableAlarmActions', (alarms, call, names) =>
    alarms.enableActions(scopeOf(call), names, true),
  ),
  DisableAlarmActions: ofNames('DisableAlarmActions', (alarms, call, names) =>
    alarms.enableActions(scopeOf(call), names, false),
  ),
  SetAlarmState: {
    readOnly: false,
    async run({ alarms }, call, input) {
      const name = alarmName(input)
      const scope = scopeOf(call)
      requireMay(call, 'SetAlarmState', alarmArn(scope, name), { resourceTags: await tagsOf(alarms, call, name) })
      const value = input.choice('StateValue', STATE_VALUES)
      if (!value) throw validation('The parameter StateValue is required.')
      input.required('StateReason')
      const reason = input.text('StateReason', 1023, 0)
      const reasonData = input.optionalText('StateReasonData', 4000)
      if (reasonData !== undefined && !isJson(reasonData)) {
        throw cloudWatchError('InvalidFormatFault', 'StateReasonData is not valid JSON.')
      }
      const done = await alarms.setState(scope, name, {
        value,
        reason,
        ...(reasonData !== undefined && { reasonData }),
      })
      if (!done) throw cloudWatchError('ResourceNotFound', `Alarm ${name} does not exist`)
      return {}
    },
  },
} satisfies CloudWatchOperations

/** Of up to a hundred alarms; what is not there is left out. */
function ofNames(
  operation: string,
  act: (alarms: CloudWatch['alarms'], call: CallContext, names: readonly string[]) => Promise<void>,
): ServiceOperation<CloudWatch> {
  return {
    readOnly: false,
    async run({ alarms }, call, input) {
      input.required('AlarmNames')
      const names = readNames(input)
      for (const name of names) {
        const resourceTags = await tagsOf(alarms, call, name)
        requireMay(call, operation, alarmArn(scopeOf(call), name), { resourceTags })
      }
      await act(alarms, call, names)
      return {}
    },
  }
}

/** By names, or by the beginning of them; a page at a time. */
async function describe(alarms: CloudWatch['alarms'], call: CallContext, input: Input) {
  const scope = scopeOf(call)
  const names = readNames(input)
  const prefix = input.optionalText('AlarmNamePrefix', 255, 1)
  if (names.length > 0 && prefix !== undefined) {
    throw validation('AlarmNamePrefix and AlarmNames are mutually exclusive and you have specified both.')
  }
  for (const name of names.length > 0 ? names : ['*']) requireMay(call, 'DescribeAlarms', alarmArn(scope, name))
  const limit = input.optionalNumber('MaxRecords', 1, LARGEST_PAGE) ?? DEFAULT_PAGE
  const after = Buffer.from(readToken(input) ?? []).toString()
  const state = input.choice('StateValue', STATE_VALUES)
  const actionPrefix = input.optionalText('ActionPrefix', 1024, 1)
  const isWanted = ({ configuration, state: { value } }: Alarm) =>
    (state === undefined || value === state) &&
    (actionPrefix === undefined || allActions(configuration).some((arn) => arn.startsWith(actionPrefix)))
  const types = input.texts('AlarmTypes')
  const hasMetricAlarms = types.length === 0 || types.includes('MetricAlarm')
  // Only composite alarms have children, and only of them is another the parent.
  const isOfComposites = input.has('ChildrenOfAlarmName') || input.has('ParentsOfAlarmName')
  if (!hasMetricAlarms || isOfComposites) return { CompositeAlarms: [], MetricAlarms: [] }

  const found: Alarm[] = []
  const source =
    names.length > 0 ? named(alarms, call, names, after) : alarms.each(scope, { prefix: prefix ?? '', after })
  let isCut = false
  for await (const alarm of source) {
    if (!isWanted(alarm)) continue
    isCut = found.length === limit
    if (isCut) break
    found.push(alarm)
  }
  return {
    CompositeAlarms: [],
    MetricAlarms: found.map((alarm) => alarmShape(scope, alarm)),
    NextToken: isCut ? writeToken(found.at(-1)!.configuration.alarmName) : undefined,
  }
}

async function* named(alarms: CloudWatch['alarms'], call: CallContext, names: readonly string[], after: string) {
  for (const name of [...new Set(names)].sort()) {
    const alarm = name > after ? await alarms.find(scopeOf(call), name) : undefined
    if (alarm) yield alarm
  }
}

/** Whether an alarm watches the metric that a request names. */
function watches(input: Input): (alarm: Alarm) => boolean {
  const metric = readMetric(input, '', readNamespace(input))
  const statistic = input.choice('Statistic', SIMPLE_STATISTIC_NAMES) ?? input.optionalText('ExtendedStatistic', 255, 1)
  const period = input.optionalNumber('Period', 1, 2 ** 31 - 1)
  const unit = readUnit(input)
  const wanted = JSON.stringify(metric)
  return ({ configuration: { watched, queries = [] } }) =>
    [watched, ...queries.map(({ metricStat }) => metricStat)].some(
      (one) =>
        one !== undefined &&
        JSON.stringify({
          namespace: one.metric.namespace,
          name: one.metric.name,
          dimensions: one.metric.dimensions,
        }) === wanted &&
        (statistic === undefined || one.statistic === statistic) &&
        (period === undefined || one.periodSeconds === period) &&
        (unit === undefined || one.unit === unit),
    )
}

function readNames(input: Input): readonly string[] {
  const names = input.texts('AlarmNames')
  if (names.length > MOST_NAMES) {
    throw validation(`The collection AlarmNames must not have a size greater than ${MOST_NAMES}.`)
  }
  const wrong = names.find((name) => name.length < 1 || name.length > 255)
  if (wrong !== undefined) throw validation('A name of an alarm has between 1 and 255 characters.')
  return names
}

/** Undefined where there is no such alarm. */
async function tagsOf(alarms: CloudWatch['alarms'], call: CallContext, name: string) {
  const alarm = await alarms.find(scopeOf(call), name)
  return alarm && tagMap(alarm.tags)
}

const tagMap = (tags: Alarm['tags']) => Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value]))
const allActions = ({ okActions, alarmActions, insufficientDataActions }: Alarm['configuration']) => [
  ...okActions,
  ...alarmActions,
  ...insufficientDataActions,
]

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
