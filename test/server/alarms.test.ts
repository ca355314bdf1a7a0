/** Alarms from outside: they go to ALARM and back, tell of it, and keep what became of them. */
import {
  type CloudWatchClient,
  DeleteAlarmsCommand,
  DescribeAlarmHistoryCommand,
  DescribeAlarmsCommand,
  DescribeAlarmsForMetricCommand,
  DisableAlarmActionsCommand,
  EnableAlarmActionsCommand,
  type HistoryItemType,
  ListTagsForResourceCommand,
  PutMetricAlarmCommand,
  type PutMetricAlarmCommandInput,
  PutMetricDataCommand,
  SetAlarmStateCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from '@aws-sdk/client-cloudwatch'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cloudWatchClient, failure } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { startWebhook, type Webhook } from '../support/webhook.ts'

const OPS = 'arn:aws:sns:us-east-1:000000000000:ops'
const NOBODY = 'arn:aws:sns:us-east-1:000000000000:nobody'
const arnOf = (name: string) => `arn:aws:cloudwatch:us-east-1:000000000000:alarm:${name}`
const guest = { accessKeyId: 'AKIAGUEST', secretAccessKey: 'secretguest' }

let server: TestServer
let webhook: Webhook
let config: object
let cloudWatch: CloudWatchClient
beforeAll(async () => {
  webhook = await startWebhook()
  config = {
    alarms: { webhooks: [{ arn: OPS, url: webhook.url }] },
    accounts: [{ id: '000000000000', users: [{ name: 'guest', ...guest }] }],
  }
  server = await startServer({ config })
  cloudWatch = cloudWatchClient(server)
})
afterAll(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error|could not/)
  await server.remove()
  await webhook.close()
})

const PLAIN = {
  ...({ Namespace: 'Alarms', Statistic: 'Average', Period: 60, EvaluationPeriods: 1, Threshold: 5 } as const),
  ComparisonOperator: 'GreaterThanThreshold',
} as const
/** Without data it stays in the state that it is given, unless the test says otherwise. */
const put = (input: Partial<PutMetricAlarmCommandInput> & { AlarmName: string }) =>
  cloudWatch.send(
    new PutMetricAlarmCommand({ ...PLAIN, MetricName: input.AlarmName, TreatMissingData: 'ignore', ...input }),
  )
const describe = async (...AlarmNames: string[]) =>
  (await cloudWatch.send(new DescribeAlarmsCommand({ AlarmNames }))).MetricAlarms!
const history = async (AlarmName: string, HistoryItemType?: HistoryItemType) =>
  (await cloudWatch.send(new DescribeAlarmHistoryCommand({ AlarmName, HistoryItemType }))).AlarmHistoryItems!
const setState = (AlarmName: string, StateValue: 'OK' | 'ALARM' | 'INSUFFICIENT_DATA', StateReason = 'by hand') =>
  cloudWatch.send(new SetAlarmStateCommand({ AlarmName, StateValue, StateReason }))

/** Asks until it is so; the test's own time ends it. */
async function until<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}

test('a metric that rises and falls: ALARM and back, with a notification and a history of each', async () => {
  const AlarmName = 'rises "and" falls'
  await put({
    ...{ AlarmName, MetricName: 'Level', Period: 10, AlarmDescription: 'of a tank' },
    ...{ AlarmActions: [OPS], OKActions: [OPS], TreatMissingData: 'notBreaching' },
  })
  const level = (Value: number) =>
    cloudWatch.send(
      new PutMetricDataCommand({
        Namespace: 'Alarms',
        MetricData: [{ MetricName: 'Level', Value, StorageResolution: 1 }],
      }),
    )
  const told = (state: string) =>
    webhook.wait(({ message }) => message.AlarmName === AlarmName && message.NewStateValue === state)
  await told('OK')
  const rising = setInterval(() => void level(9), 1_000)
  const alarm = await told('ALARM').finally(() => clearInterval(rising))
  expect(alarm.headers).toMatchObject({
    'x-amz-sns-message-type': 'Notification',
    'x-amz-sns-topic-arn': OPS,
    'x-amz-sns-message-id': alarm.envelope.MessageId,
  })
  expect(alarm.envelope).toMatchObject({
    Type: 'Notification',
    TopicArn: OPS,
    Subject: `ALARM: "${AlarmName}" in US East (N. Virginia)`,
    Timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
  })
  expect(alarm.message).toMatchObject({
    AlarmName,
    AlarmDescription: 'of a tank',
    AWSAccountId: '000000000000',
    AlarmArn: arnOf(AlarmName),
    OldStateValue: 'OK',
    NewStateValue: 'ALARM',
    NewStateReason: expect.stringMatching(
      /^Threshold Crossed: 1 datapoint \[9\.0 \(.*\)\] was greater than the threshold \(5\.0\)\.$/,
    ),
    StateChangeTime: expect.stringMatching(/\+0000$/),
    Region: 'US East (N. Virginia)',
    Trigger: { MetricName: 'Level', Namespace: 'Alarms', Statistic: 'AVERAGE', Period: 10, Threshold: 5 },
  })
  expect(await describe(AlarmName)).toMatchObject([
    { StateValue: 'ALARM', StateReason: alarm.message.NewStateReason, StateReasonData: expect.stringContaining('9.0') },
  ])
  const back = await webhook.wait(
    ({ message }) =>
      message.NewStateValue === 'OK' && message.OldStateValue === 'ALARM' && message.AlarmName === AlarmName,
  )
  expect(back.message.NewStateReason).toMatch(/no datapoints were received|was not greater than/)

  const actions = await until(async () => {
    const found = await history(AlarmName, 'Action')
    return found.length >= 3 ? found : undefined
  })
  expect(actions[0]).toMatchObject({ AlarmType: 'MetricAlarm', HistorySummary: `Successfully executed action ${OPS}` })
  expect(JSON.parse(actions[0]!.HistoryData!)).toMatchObject({ actionState: 'Succeeded', notificationResource: OPS })
  const updates = (await history(AlarmName, 'StateUpdate')).map(({ HistorySummary }) => HistorySummary)
  expect(updates.slice(0, 3)).toEqual([
    'Alarm updated from ALARM to OK',
    'Alarm updated from OK to ALARM',
    'Alarm updated from INSUFFICIENT_DATA to OK',
  ])
  const [created] = (await history(AlarmName, 'ConfigurationUpdate')).toReversed()
  expect(created!.HistorySummary).toBe(`Alarm "${AlarmName}" created`)
  expect(JSON.parse(created!.HistoryData!)).toMatchObject({ type: 'Create', createdAlarm: { alarmName: AlarmName } })
})

test('an alarm on math over metrics', async () => {
  const stat = (Id: string, MetricName: string) => ({
    Id,
    MetricStat: { Metric: { Namespace: 'Alarms', MetricName }, Period: 10, Stat: 'Sum' },
    ReturnData: false,
  })
  const { Namespace: _n, Statistic: _s, Period: _p, ...rest } = PLAIN
  const Metrics = [
    stat('errors', 'Errors'),
    stat('all', 'All'),
    { Id: 'rate', Expression: '100 * errors / all', Label: 'Rate' },
  ]
  await cloudWatch.send(
    new PutMetricAlarmCommand({ ...rest, AlarmName: 'math', AlarmActions: [OPS], Metrics, TreatMissingData: 'ignore' }),
  )
  const MetricData = [
    { MetricName: 'Errors', Value: 3, StorageResolution: 1 },
    { MetricName: 'All', Value: 10, StorageResolution: 1 },
  ]
  const putting = setInterval(
    () => void cloudWatch.send(new PutMetricDataCommand({ Namespace: 'Alarms', MetricData })),
    1_000,
  )
  const { message } = await webhook
    .wait((one) => one.message.AlarmName === 'math')
    .finally(() => clearInterval(putting))
  expect(message).toMatchObject({
    NewStateValue: 'ALARM',
    NewStateReason: expect.stringContaining('[30.0 ('),
    Trigger: { Metrics: [{ Id: 'errors' }, { Id: 'all' }, { Id: 'rate', Expression: '100 * errors / all' }] },
  })
  expect((await describe('math'))[0]!.Metrics).toMatchObject(Metrics)
})

test.each([
  ['searches', `SEARCH('{N} m', 'Sum', 60)`, /SEARCH is not supported on alarms/],
  ['names what is not there', 'm1 + 1', /there is no query with the id m1/],
  ['cannot be read', '1 +', /Error in expression 'e1'/],
])('not an alarm on an expression that %s', async (_what, Expression, message) => {
  const { Namespace: _n, Statistic: _s, Period: _p, ...rest } = PLAIN
  const Metrics = [{ Id: 'e1', Expression, Period: 60 }]
  const refused = failure(cloudWatch.send(new PutMetricAlarmCommand({ ...rest, AlarmName: 'wrong', Metrics })))
  expect(await refused).toMatchObject({ code: 'ValidationException', message: expect.stringMatching(message) })
})

test('a receiver that fails is tried again, also by the next process; one that refuses is not', async () => {
  await put({ AlarmName: 'patience', AlarmActions: [OPS] })
  const ofPatience = () => webhook.received.filter(({ message }) => message.AlarmName === 'patience')
  webhook.answer(503)
  await setState('patience', 'ALARM')
  await webhook.wait(({ message }) => message.AlarmName === 'patience')
  await server.kill()
  server = await startServer({ config, dataDir: server.dataDir })
  cloudWatch = cloudWatchClient(server)
  await until(async () => (ofPatience().length >= 2 ? true : undefined))
  expect(new Set(ofPatience().map(({ envelope }) => envelope.MessageId)).size).toBe(1)
  const [action] = await until(async () => {
    const found = await history('patience', 'Action')
    return found.length > 0 ? found : undefined
  })
  expect(action!.HistorySummary).toBe(`Successfully executed action ${OPS}`)

  await put({ AlarmName: 'refused', AlarmActions: [OPS, NOBODY] })
  webhook.answer(403)
  await setState('refused', 'ALARM')
  const failed = await until(async () => {
    const found = await history('refused', 'Action')
    return found.length === 2 ? found.map(({ HistorySummary }) => HistorySummary).sort() : undefined
  })
  expect(failed).toEqual([
    `Failed to execute action ${NOBODY}. Received error: "No webhook is configured for this ARN"`,
    `Failed to execute action ${OPS}. Received error: "The webhook answered 403"`,
  ])
})

test('actions that are turned off are not executed', async () => {
  await put({ AlarmName: 'quiet', AlarmActions: [OPS], OKActions: [OPS] })
  await cloudWatch.send(new DisableAlarmActionsCommand({ AlarmNames: ['quiet', 'not there'] }))
  expect(await describe('quiet')).toMatchObject([{ ActionsEnabled: false }])
  await setState('quiet', 'ALARM')
  await cloudWatch.send(new EnableAlarmActionsCommand({ AlarmNames: ['quiet'] }))
  await setState('quiet', 'OK', 'all is well')
  const { message } = await webhook.wait((one) => one.message.AlarmName === 'quiet')
  expect(message).toMatchObject({ OldStateValue: 'ALARM', NewStateValue: 'OK', NewStateReason: 'all is well' })
})

test('alarms are described by name, by prefix, by state, by action and by metric, a page at a time', async () => {
  const names = ['list-a', 'list-b', 'list-c']
  for (const AlarmName of names) {
    await put({
      AlarmName,
      AlarmActions: AlarmName === 'list-b' ? [NOBODY] : [],
      Dimensions: [{ Name: 'd', Value: 'v' }],
    })
  }
  const find = async (input: object) =>
    (await cloudWatch.send(new DescribeAlarmsCommand(input))).MetricAlarms!.map(({ AlarmName }) => AlarmName)
  expect(await find({ AlarmNamePrefix: 'list-' })).toEqual(names)
  expect(await find({ AlarmNames: ['list-c', 'none', 'list-a'] })).toEqual(['list-a', 'list-c'])
  expect(await find({ AlarmNamePrefix: 'list-', ActionPrefix: NOBODY })).toEqual(['list-b'])
  expect(await find({ AlarmNamePrefix: 'list-', StateValue: 'ALARM' })).toEqual([])
  expect(await find({ AlarmNamePrefix: 'list-', AlarmTypes: ['CompositeAlarm'] })).toEqual([])
  const first = await cloudWatch.send(new DescribeAlarmsCommand({ AlarmNamePrefix: 'list-', MaxRecords: 2 }))
  expect(first.MetricAlarms).toHaveLength(2)
  expect(await find({ AlarmNamePrefix: 'list-', MaxRecords: 2, NextToken: first.NextToken })).toEqual(['list-c'])

  const ofMetric = await cloudWatch.send(
    new DescribeAlarmsForMetricCommand({
      ...{ Namespace: 'Alarms', MetricName: 'list-b', Statistic: 'Average' },
      Dimensions: [{ Name: 'd', Value: 'v' }],
    }),
  )
  expect(ofMetric.MetricAlarms!.map(({ AlarmName }) => AlarmName)).toEqual(['list-b'])

  const [alarm] = await describe('list-b')
  expect(alarm).toEqual({
    ...{ ...PLAIN, TreatMissingData: 'ignore' },
    ...{ AlarmName: 'list-b', AlarmArn: arnOf('list-b'), MetricName: 'list-b' },
    Dimensions: [{ Name: 'd', Value: 'v' }],
    ...{ ActionsEnabled: true, AlarmActions: [NOBODY], OKActions: [], InsufficientDataActions: [] },
    ...{ StateValue: 'INSUFFICIENT_DATA', StateReason: 'Unchecked: Initial alarm creation' },
    AlarmConfigurationUpdatedTimestamp: expect.any(Date),
    ...{ StateUpdatedTimestamp: expect.any(Date), StateTransitionedTimestamp: expect.any(Date) },
  })

  await cloudWatch.send(new DeleteAlarmsCommand({ AlarmNames: [...names, 'not there'] }))
  expect(await find({ AlarmNamePrefix: 'list-' })).toEqual([])
  expect((await history('list-b'))[0]!.HistorySummary).toBe('Alarm "list-b" deleted')
})

test('history goes by time, either way, a page at a time', async () => {
  await put({ AlarmName: 'past' })
  for (const state of ['ALARM', 'OK', 'ALARM'] as const) await setState('past', state)
  const page = (input: object) =>
    cloudWatch.send(new DescribeAlarmHistoryCommand({ AlarmName: 'past', HistoryItemType: 'StateUpdate', ...input }))
  const whole = (await page({ ScanBy: 'TimestampAscending' })).AlarmHistoryItems!
  expect(whole.length).toBeGreaterThanOrEqual(3)
  const seen: unknown[] = []
  let NextToken: string | undefined
  do {
    const reply = await page({ MaxRecords: 2, NextToken })
    seen.unshift(...reply.AlarmHistoryItems!.toReversed())
    NextToken = reply.NextToken
  } while (NextToken)
  expect(seen).toEqual(whole)
  expect((await page({ StartDate: new Date(Date.now() + 60_000) })).AlarmHistoryItems).toEqual([])
  const [first] = whole
  const until = await page({ EndDate: first!.Timestamp, ScanBy: 'TimestampAscending' })
  expect(until.AlarmHistoryItems![0]).toEqual(first)
})

test('an alarm that is put anew keeps its state and its tags', async () => {
  await put({ AlarmName: 'again', Tags: [{ Key: 'team', Value: 'a' }] })
  await setState('again', 'ALARM')
  await put({ AlarmName: 'again', Threshold: 6, Tags: [{ Key: 'team', Value: 'b' }] })
  expect(await describe('again')).toMatchObject([{ Threshold: 6, StateReason: 'by hand' }])
  const ResourceARN = arnOf('again')
  const tags = async () => (await cloudWatch.send(new ListTagsForResourceCommand({ ResourceARN }))).Tags
  expect(await tags()).toEqual([{ Key: 'team', Value: 'a' }])
  await cloudWatch.send(new TagResourceCommand({ ResourceARN, Tags: [{ Key: 'cost', Value: '' }] }))
  await cloudWatch.send(new UntagResourceCommand({ ResourceARN, TagKeys: ['team'] }))
  expect(await tags()).toEqual([{ Key: 'cost', Value: '' }])
  const none = failure(cloudWatch.send(new ListTagsForResourceCommand({ ResourceARN: arnOf('none') })))
  expect(await none).toMatchObject({ code: 'ResourceNotFoundException', status: 404 })
})

test.each<[string, Partial<PutMetricAlarmCommandInput>, string | RegExp]>([
  ['a period of 15 seconds', { Period: 15 }, 'Period must be 10, 20, 30 or a multiple of 60'],
  [
    'more than a day',
    { Period: 300, EvaluationPeriods: 289 },
    'Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400).',
  ],
  [
    'an action that is none',
    { AlarmActions: ['http://169.254.169.254/'] },
    'Invalid arn syntax: http://169.254.169.254/',
  ],
  ['two statistics', { ExtendedStatistic: 'p99' }, 'Exactly one of Statistic and ExtendedStatistic must be specified.'],
  ['no threshold', { Threshold: undefined }, 'The parameter Threshold is required.'],
  ['more datapoints than periods', { DatapointsToAlarm: 2 }, /datapointsToAlarm/],
  [
    'a band of anomalies',
    { ThresholdMetricId: 'ad1' },
    'Alarms with ThresholdMetricId are not supported by this server.',
  ],
  [
    'a metric and math',
    { Metrics: [{ Id: 'a', Expression: '1' }] },
    /^The parameters MetricName and Metrics are mutually exclusive/,
  ],
])('not an alarm with %s', async (_what, input, message) => {
  const refused = await failure(put({ AlarmName: 'wrong', ...input }))
  expect(refused).toMatchObject({ code: 'ValidationException', status: 400 })
  expect(refused.message).toEqual(message instanceof RegExp ? expect.stringMatching(message) : message)
})

test('who may not, may not; and what is not there is not found', async () => {
  const asGuest = cloudWatchClient(server, { credentials: guest })
  const commands = [
    new PutMetricAlarmCommand({ ...PLAIN, AlarmName: 'theirs', MetricName: 'm' }),
    new DeleteAlarmsCommand({ AlarmNames: ['math'] }),
    new DescribeAlarmsCommand({}),
    new DescribeAlarmHistoryCommand({}),
    new SetAlarmStateCommand({ AlarmName: 'math', StateValue: 'OK', StateReason: '' }),
    new TagResourceCommand({ ResourceARN: arnOf('math'), Tags: [] }),
  ]
  for (const command of commands) {
    expect(await failure(asGuest.send(command as never))).toMatchObject({ code: 'AccessDenied', status: 403 })
  }
  expect(await failure(setState('none', 'OK'))).toMatchObject({ code: 'ResourceNotFound', status: 404 })
  const wrong = new SetAlarmStateCommand({ AlarmName: 'math', StateValue: 'OK', StateReason: '', StateReasonData: '{' })
  expect(await failure(cloudWatch.send(wrong))).toMatchObject({ code: 'InvalidFormatFault', status: 400 })
})
