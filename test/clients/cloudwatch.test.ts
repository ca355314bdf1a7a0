/** CloudWatch by the AWS CLI and by boto3, of the system and what a developer has beside it: all see the same numbers. */
import { execFile } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { GetMetricStatisticsCommand, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clientEnvironment, has } from '../support/clients.ts'
import { cloudWatchClient } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

const execute = promisify(execFile)
const PYTHON = '/usr/bin/python3'
const MINUTE_MS = 60_000
const start = new Date(Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS - 30 * MINUTE_MS)
const end = new Date(start.getTime() + 5 * MINUTE_MS)
const iso = (date: Date) => date.toISOString()

let server: TestServer
let dir: string
let env: NodeJS.ProcessEnv
beforeAll(async () => {
  server = await startServer()
  dir = await mkdtemp(join(tmpdir(), 'aws-cloudwatch-'))
  env = clientEnvironment(server, dir)
})
afterAll(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error|could not/)
  await server.remove()
  await rm(dir, { recursive: true, force: true })
})

/** Each `aws` of PATH once: older ones speak forms and XML, newer ones CBOR. */
function programs(): readonly string[] {
  const places = `/usr/bin:${process.env.PATH}`.split(delimiter).map((place) => join(place, 'aws'))
  return [...new Map(places.filter((path) => existsSync(path)).map((path) => [realpathSync(path), path])).values()]
}

const aws = async (program: string, ...args: string[]) => {
  const { stdout } = await execute(program, ['--endpoint-url', server.https, 'cloudwatch', ...args], { env })
  return JSON.parse(stdout || '{}')
}

/** Runs Python with a client of boto3 named `cloudwatch`; what it prints is JSON. */
async function boto3(code: string): Promise<unknown> {
  const lines = [
    'import boto3, json, os',
    'from datetime import datetime',
    `cloudwatch = boto3.client('cloudwatch', endpoint_url=${JSON.stringify(server.https)})`,
    `start, end = datetime.fromisoformat('${iso(start).replace('Z', '+00:00')}'), datetime.fromisoformat('${iso(end).replace('Z', '+00:00')}')`,
  ]
  const { stdout } = await execute(PYTHON, ['-c', `${lines.join('\n')}\n${code}`], { env })
  return JSON.parse(stdout || '{}')
}

async function hasBoto3(): Promise<boolean> {
  const present = await execute(PYTHON, ['-c', 'import boto3']).then(
    () => true,
    () => false,
  )
  if (!present) console.log('SKIPPED: boto3 is not installed for the system’s Python (package python3-boto3)')
  return present
}

const EXPECTED = { Sum: 42.5, Average: 8.5, Minimum: 0.5, Maximum: 20, SampleCount: 5 }
const STATISTICS = Object.keys(EXPECTED)
const METRIC_DATA = [
  {
    MetricName: 'Work',
    Dimensions: [{ Name: 'Place', Value: 'here' }],
    Timestamp: start,
    ...{ Values: [0.5, 1, 20], Counts: [1, 2, 2], Unit: 'Milliseconds' as const },
  },
]
const WORK = ['--metric-name', 'Work', '--dimensions', 'Name=Place,Value=here']
const RANGE = ['--start-time', iso(start), '--end-time', iso(end)]

/** What a client of each kind reads of a namespace. */
async function readBySdk(Namespace: string) {
  const { Datapoints } = await cloudWatchClient(server).send(
    new GetMetricStatisticsCommand({
      ...{ Namespace, MetricName: 'Work', Dimensions: METRIC_DATA[0]!.Dimensions },
      ...{ StartTime: start, EndTime: end, Period: 300, Statistics: STATISTICS as never },
    }),
  )
  return Datapoints
}
const readByCli = async (program: string, namespace: string) =>
  (
    await aws(
      program,
      ...['get-metric-statistics', '--namespace', namespace, ...WORK, ...RANGE, '--period', '300'],
      ...['--statistics', ...STATISTICS],
    )
  ).Datapoints
const readByBoto3 = (namespace: string) =>
  boto3(`reply = cloudwatch.get_metric_statistics(
    Namespace='${namespace}', MetricName='Work', Dimensions=[{'Name': 'Place', 'Value': 'here'}],
    StartTime=start, EndTime=end, Period=300, Statistics=${JSON.stringify(STATISTICS)})
print(json.dumps([{k: v for k, v in one.items() if k != 'Timestamp'} for one in reply['Datapoints']]))`)

async function expectSame(namespace: string) {
  const expected = [{ ...EXPECTED, Unit: 'Milliseconds' }]
  expect(await readBySdk(namespace)).toMatchObject(expected)
  for (const program of programs()) expect(await readByCli(program, namespace)).toMatchObject(expected)
  if (await hasBoto3()) expect(await readByBoto3(namespace)).toMatchObject(expected)
}

test('what the SDK puts', async () => {
  await cloudWatchClient(server).send(new PutMetricDataCommand({ Namespace: 'BySdk', MetricData: METRIC_DATA }))
  await expectSame('BySdk')
})

test('what boto3 puts', async ({ skip }) => {
  if (!(await hasBoto3())) skip()
  await boto3(`cloudwatch.put_metric_data(Namespace='ByBoto3', MetricData=[{
    'MetricName': 'Work', 'Dimensions': [{'Name': 'Place', 'Value': 'here'}], 'Timestamp': start,
    'Values': [0.5, 1, 20], 'Counts': [1, 2, 2], 'Unit': 'Milliseconds'}])
print('{}')`)
  await expectSame('ByBoto3')
})

test('boto3 pages, makes alarms and hears of its mistakes', async ({ skip }) => {
  if (!(await hasBoto3())) skip()
  const told = await boto3(`
cloudwatch.put_metric_data(Namespace='Many', MetricData=[{'MetricName': 'm%d' % n, 'Value': n} for n in range(600)])
names = [m['MetricName'] for page in cloudwatch.get_paginator('list_metrics').paginate(Namespace='Many') for m in page['Metrics']]
cloudwatch.put_metric_alarm(AlarmName='python', Namespace='Many', MetricName='m1', Statistic='Sum', Period=60,
    EvaluationPeriods=1, Threshold=1.5, ComparisonOperator='LessThanThreshold', TreatMissingData='ignore', Tags=[{'Key': 'k', 'Value': 'v'}])
alarm = cloudwatch.describe_alarms(AlarmNames=['python'])['MetricAlarms'][0]
cloudwatch.set_alarm_state(AlarmName='python', StateValue='ALARM', StateReason='by python')
waiter = cloudwatch.get_waiter('alarm_exists')
waiter.wait(AlarmNames=['python'])
items = cloudwatch.describe_alarm_history(AlarmName='python')['AlarmHistoryItems']
try:
    cloudwatch.get_dashboard(DashboardName='none')
except cloudwatch.exceptions.ClientError as error:
    code = error.response['Error']['Code']
cloudwatch.put_dashboard(DashboardName='python', DashboardBody='{"widgets":[]}')
cloudwatch.delete_dashboards(DashboardNames=['python'])
cloudwatch.tag_resource(ResourceARN=alarm['AlarmArn'], Tags=[{'Key': 'a', 'Value': 'b'}])
cloudwatch.untag_resource(ResourceARN=alarm['AlarmArn'], TagKeys=['k'])
data = cloudwatch.get_metric_data(StartTime=start, EndTime=end, MetricDataQueries=[{'Id': 'q', 'Expression': 'TIME_SERIES(5)'}])
print(json.dumps({'names': len(set(names)), 'threshold': alarm['Threshold'], 'code': code,
    'summaries': [item['HistorySummary'] for item in items], 'year': alarm['StateUpdatedTimestamp'].year,
    'tags': cloudwatch.list_tags_for_resource(ResourceARN=alarm['AlarmArn'])['Tags'],
    'values': data['MetricDataResults'][0]['Values'][0]}))`)
  expect(told).toMatchObject({
    ...{ names: 600, threshold: 1.5, code: 'ResourceNotFound', tags: [{ Key: 'a', Value: 'b' }], values: 5 },
    summaries: expect.arrayContaining(['Alarm updated from INSUFFICIENT_DATA to ALARM', 'Alarm "python" created']),
    year: new Date().getUTCFullYear(),
  })
})

describe.skipIf(!has('aws'))('aws cloudwatch', () => {
  test.each(programs())('what %s puts', async (program) => {
    const namespace = `ByCli${programs().indexOf(program)}`
    const file = join(dir, `${namespace}.json`)
    await writeFile(file, JSON.stringify(METRIC_DATA))
    await aws(program, 'put-metric-data', '--namespace', namespace, '--metric-data', `file://${file}`)
    await expectSame(namespace)
    const single = ['--metric-name', 'Single', '--value', '3', '--unit', 'Count', '--timestamp', iso(start)]
    await aws(program, 'put-metric-data', '--namespace', namespace, ...single)
    const { Metrics } = await aws(program, 'list-metrics', '--namespace', namespace)
    expect(Metrics).toHaveLength(2)
  })

  test.each(programs())('alarms, dashboards and refusals by %s', async (program) => {
    const name = `alarm-${programs().indexOf(program)}`
    const rule = ['--period', '60', '--evaluation-periods', '1', '--threshold', '1', '--statistic', 'Sum']
    // Without data it stays in the state that it is given.
    const metric = ['--namespace', 'N', '--metric-name', 'M', '--comparison-operator', 'GreaterThanThreshold']
    metric.push('--treat-missing-data', 'ignore')
    await aws(program, 'put-metric-alarm', '--alarm-name', name, ...metric, ...rule)
    await aws(program, 'set-alarm-state', '--alarm-name', name, '--state-value', 'OK', '--state-reason', 'by hand')
    const described = await aws(program, 'describe-alarms', '--alarm-names', name)
    expect(described.MetricAlarms).toMatchObject([{ AlarmName: name, StateReason: 'by hand', Threshold: 1 }])
    const past = await aws(program, 'describe-alarm-history', '--alarm-name', name, '--max-records', '1')
    expect(past.AlarmHistoryItems[0].HistorySummary).toBe('Alarm updated from INSUFFICIENT_DATA to OK')
    await aws(program, 'delete-alarms', '--alarm-names', name)
    const body = ['--dashboard-name', name, '--dashboard-body', '{"widgets":[]}']
    expect(await aws(program, 'put-dashboard', ...body)).toEqual({ DashboardValidationMessages: [] })
    await aws(program, 'delete-dashboards', '--dashboard-names', name)
    const wrong = ['--dashboard-name', name, '--dashboard-body', '{"widgets":[{}]}']
    await expect(aws(program, 'put-dashboard', ...wrong)).rejects.toThrow(/InvalidParameterInput.*PutDashboard/)
    await expect(aws(program, 'get-dashboard', '--dashboard-name', name)).rejects.toThrow(/ResourceNotFound/)
  })
})
