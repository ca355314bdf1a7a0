/** CloudWatch's metrics and dashboards from outside, in the three protocols that its clients speak. */
import { gzipSync } from 'node:zlib'
import {
  type CloudWatchClient,
  DeleteDashboardsCommand,
  DescribeAnomalyDetectorsCommand,
  GetDashboardCommand,
  GetMetricDataCommand,
  GetMetricStatisticsCommand,
  ListDashboardsCommand,
  ListMetricsCommand,
  PutCompositeAlarmCommand,
  PutDashboardCommand,
  PutMetricAlarmCommand,
  PutMetricDataCommand,
  type PutMetricDataCommandInput,
} from '@aws-sdk/client-cloudwatch'
import { PutUserPolicyCommand } from '@aws-sdk/client-iam'
import { CreateKeyCommand, EncryptCommand } from '@aws-sdk/client-kms'
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutBucketMetricsConfigurationCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { AwsJson1_0Protocol, AwsQueryProtocol, AwsSmithyRpcV2CborProtocol } from '@aws-sdk/core/protocols'
import { cbor, tag } from '@smithy/core/cbor'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { send } from '../support/raw.ts'
import { cloudWatchClient, failure, iamClient, kmsClient, s3Client } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

const EUROPE = 'eu-west-1'
const MINUTE_MS = 60_000
/** A whole minute that is over. */
const at = new Date(Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS - 10 * MINUTE_MS)
const later = (minutes: number) => new Date(at.getTime() + minutes * MINUTE_MS)
const reader = { accessKeyId: 'AKIAREADER', secretAccessKey: 'secretreader' }
const stranger = { accessKeyId: 'AKIASTRANGER', secretAccessKey: 'secretstranger' }
const putter = { accessKeyId: 'AKIAPUTTER', secretAccessKey: 'secretputter' }
const accounts = [
  {
    id: '000000000000',
    users: [
      { name: 'reader', ...reader, policies: ['arn:aws:iam::aws:policy/ReadOnlyAccess'] },
      { name: 'putter', ...putter },
    ],
  },
  { id: '222222222222', users: [{ name: 'stranger', ...stranger, root: true }] },
]

let server: TestServer
let cloudWatch: CloudWatchClient
beforeAll(async () => {
  server = await startServer({ config: { accounts, kms: { regions: [EUROPE] }, metrics: { storageSeconds: 1 } } })
  cloudWatch = cloudWatchClient(server)
})
afterAll(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error|could not/)
  await server.remove()
})

const put = (input: PutMetricDataCommandInput) => cloudWatch.send(new PutMetricDataCommand(input))

describe.each([
  ['JSON', AwsJson1_0Protocol],
  ['CBOR', AwsSmithyRpcV2CborProtocol],
  ['query', AwsQueryProtocol],
])('by %s', (name, protocol) => {
  const Namespace = `Protocol/${name}`
  let client: CloudWatchClient
  beforeAll(() => {
    client = cloudWatchClient(server, {
      protocol: new protocol({
        defaultNamespace: 'com.amazonaws.cloudwatch',
        xmlNamespace: 'http://monitoring.amazonaws.com/doc/2010-08-01/',
        version: '2010-08-01',
        serviceTarget: 'GraniteServiceVersion20100801',
        awsQueryCompatible: true,
      } as never),
    })
  })

  test('data put come back as statistics, as math and in the list of metrics', async () => {
    const Dimensions = [
      { Name: 'Host', Value: 'a & <b>' },
      { Name: 'Disk', Value: 'ü' },
    ]
    await client.send(
      new PutMetricDataCommand({
        Namespace,
        MetricData: [
          { MetricName: 'Latency', Dimensions, Timestamp: at, Values: [1, 10.5], Counts: [2, 3], Unit: 'Seconds' },
          { MetricName: 'Latency', Dimensions, Timestamp: later(1), Value: 0, Unit: 'Seconds' },
          {
            MetricName: 'Set',
            Timestamp: at,
            StatisticValues: { SampleCount: 4, Sum: 10, Minimum: 1, Maximum: 4 },
          },
        ],
      }),
    )
    const statistics = await client.send(
      new GetMetricStatisticsCommand({
        Namespace,
        MetricName: 'Latency',
        Dimensions,
        StartTime: at,
        EndTime: later(2),
        Period: 60,
        Statistics: ['Sum', 'Average', 'Minimum', 'Maximum', 'SampleCount'],
        ExtendedStatistics: ['p50'],
      }),
    )
    expect(statistics).toMatchObject({
      Label: 'Latency',
      Datapoints: [
        { Timestamp: at, Sum: 33.5, Average: 6.7, Minimum: 1, Maximum: 10.5, SampleCount: 5, Unit: 'Seconds' },
        { Timestamp: later(1), Sum: 0, Average: 0, Minimum: 0, Maximum: 0, SampleCount: 1, Unit: 'Seconds' },
      ],
    })
    expect(statistics.Datapoints![0]!.ExtendedStatistics!.p50! / 10.5).toBeCloseTo(1, 1)

    const data = await client.send(
      new GetMetricDataCommand({
        StartTime: at,
        EndTime: later(2),
        ScanBy: 'TimestampAscending',
        MetricDataQueries: [
          {
            Id: 'm1',
            MetricStat: { Metric: { Namespace, MetricName: 'Latency', Dimensions }, Period: 60, Stat: 'Sum' },
            ReturnData: false,
          },
          { Id: 'e1', Expression: 'm1 * 2', Label: 'Twice' },
        ],
      }),
    )
    expect(data.MetricDataResults).toEqual([
      { Id: 'e1', Label: 'Twice', Timestamps: [at, later(1)], Values: [67, 0], StatusCode: 'Complete' },
    ])

    const { Metrics = [] } = await client.send(new ListMetricsCommand({ Namespace }))
    expect(Metrics.map(({ MetricName }) => MetricName).sort()).toEqual(['Latency', 'Set'])
    expect(Metrics.find(({ MetricName }) => MetricName === 'Latency')).toEqual({
      Namespace,
      MetricName: 'Latency',
      Dimensions: Dimensions.toReversed(),
    })
    expect((await client.send(new ListMetricsCommand({ Namespace: `${Namespace}/None` }))).Metrics ?? []).toEqual([])
  })

  test('errors have the name of the model and the code of the query protocol', async () => {
    const call = client.send(
      new GetMetricStatisticsCommand({
        ...{ Namespace, MetricName: 'x', StartTime: at, EndTime: at, Period: 60, Statistics: ['Sum'] },
      }),
    )
    const error = await call.catch((thrown) => thrown)
    expect(error).toMatchObject({
      name: 'InvalidParameterValueException',
      message: 'The parameter StartTime must be less than the parameter EndTime.',
      $metadata: { httpStatusCode: 400 },
    })
    const none = await client.send(new GetDashboardCommand({ DashboardName: 'None' })).catch((thrown) => thrown)
    expect(none.message).toBe('Dashboard None does not exist')
    expect(none.$metadata.httpStatusCode).toBe(404)
  })

  test('a dashboard lives and ends', async () => {
    const DashboardName = `lives-${name}`
    const widget = { type: 'metric', x: 0, y: 0, width: 6, height: 6 }
    const DashboardBody = JSON.stringify({
      widgets: [{ ...widget, properties: { region: 'us-east-1', metrics: [['A', 'B', 'C', 'D']] } }],
    })
    const { DashboardValidationMessages = [] } = await client.send(
      new PutDashboardCommand({ DashboardName, DashboardBody }),
    )
    expect(DashboardValidationMessages).toEqual([])
    expect(await client.send(new GetDashboardCommand({ DashboardName }))).toMatchObject({
      DashboardName,
      DashboardBody,
      DashboardArn: `arn:aws:cloudwatch::000000000000:dashboard/${DashboardName}`,
    })
    const { DashboardEntries } = await client.send(new ListDashboardsCommand({ DashboardNamePrefix: DashboardName }))
    expect(DashboardEntries).toMatchObject([{ DashboardName, Size: DashboardBody.length }])
    expect(Date.now() - DashboardEntries![0]!.LastModified!.getTime()).toBeLessThan(3_600_000)
    await client.send(new DeleteDashboardsCommand({ DashboardNames: [DashboardName] }))
    expect((await failure(client.send(new GetDashboardCommand({ DashboardName })))).status).toBe(404)
  })
})

describe('the wire', () => {
  const operation = (name: string) => `/service/GraniteServiceVersion20100801/operation/${name}`
  const byCbor = (name: string, body: unknown, headers = {}) =>
    send(server, {
      ...{ method: 'POST', path: operation(name), service: 'monitoring' },
      headers: { 'smithy-protocol': 'rpc-v2-cbor', 'content-type': 'application/cbor', ...headers },
      body: body instanceof Uint8Array ? body : cbor.serialize(body),
    })
  const byForm = (members: Record<string, string>) =>
    send(server, {
      ...{ method: 'POST', path: '/', service: 'monitoring' },
      headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
      body: new URLSearchParams({ Version: '2010-08-01', ...members }).toString(),
    })
  const byJson = (name: string, body: unknown, headers = {}) =>
    send(server, {
      ...{ method: 'POST', path: '/', service: 'monitoring' },
      headers: { 'x-amz-target': `GraniteServiceVersion20100801.${name}`, ...headers },
      body: body instanceof Uint8Array ? body : JSON.stringify(body),
    })

  test('CBOR answers say so, with times as floats and doubles as such', async () => {
    await put({ Namespace: 'Wire', MetricData: [{ MetricName: 'Whole', Timestamp: at, Value: 3 }] })
    const seconds = at.getTime() / 1000
    const reply = await byCbor('GetMetricStatistics', {
      ...{ Namespace: 'Wire', MetricName: 'Whole', Period: 60, Statistics: ['Sum'] },
      ...{ StartTime: tag({ tag: 1, value: seconds }), EndTime: tag({ tag: 1, value: seconds + 60 }) },
    })
    expect(reply).toMatchObject({
      status: 200,
      headers: { 'smithy-protocol': 'rpc-v2-cbor', 'content-type': 'application/cbor' },
    })
    const time = Buffer.alloc(8)
    time.writeDoubleBE(seconds)
    expect(reply.bytes.toString('hex')).toContain(`c1fb${time.toString('hex')}`)
    const three = Buffer.alloc(8)
    three.writeDoubleBE(3)
    expect(reply.bytes.toString('hex')).toContain(`${Buffer.from('Sum').toString('hex')}fb${three.toString('hex')}`)
  })

  test('CBOR of indefinite length is read', async () => {
    const text = (value: string) => Buffer.concat([Buffer.from([0x60 + value.length]), Buffer.from(value)])
    const body = Buffer.concat([
      ...[Buffer.from([0xbf]), text('Namespace'), text('Indefinite'), text('MetricData')],
      ...[Buffer.from([0x9f, 0xbf]), text('MetricName'), text('Name'), text('Value'), Buffer.from([0xf9, 0x3c, 0x00])],
      Buffer.from([0xff, 0xff, 0xff]),
    ])
    expect((await byCbor('PutMetricData', body)).status).toBe(200)
    const { Metrics } = await cloudWatch.send(new ListMetricsCommand({ Namespace: 'Indefinite' }))
    expect(Metrics).toEqual([{ Namespace: 'Indefinite', MetricName: 'Name', Dimensions: [] }])
  })

  test.each([
    ['no CBOR', Buffer.from('{}')],
    ['nested to the ground', Buffer.alloc(200_000, 0x81)],
    ['a list', Buffer.from([0x80])],
  ])('a body that is %s is refused', async (_what, body) => {
    const reply = await byCbor('ListMetrics', body)
    expect(reply.status).toBe(400)
    expect(cbor.deserialize(reply.bytes)).toMatchObject({ __type: 'SerializationException' })
  })

  test('errors of JSON and CBOR carry the code of the query protocol', async () => {
    for (const reply of [await byCbor('PutMetricData', {}), await byJson('PutMetricData', {})]) {
      expect(reply.status).toBe(400)
      expect(reply.headers['x-amzn-query-error']).toBe('MissingParameter;Sender')
    }
    expect(await byForm({ Action: 'PutMetricData' })).toMatchObject({
      ...{ status: 400, code: 'MissingParameter', message: 'The parameter Namespace is required.' },
    })
    expect(await byForm({ Action: 'Nothing' })).toMatchObject({ status: 400, code: 'InvalidAction' })
    expect((await byCbor('Nothing', {})).headers['x-amzn-query-error']).toBe('InvalidAction;Sender')
  })

  test('a query may come by GET', async () => {
    const reply = await send(server, {
      ...{ method: 'GET', path: '/', service: 'monitoring' },
      query: { Action: 'ListMetrics', Version: '2010-08-01', Namespace: 'Nowhere' },
    })
    expect(reply.status).toBe(200)
    expect(reply.body).toContain(
      '<ListMetricsResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/"><ListMetricsResult><Metrics></Metrics>',
    )
  })

  test('compressed requests are read, within bounds', async () => {
    const data = { Namespace: 'Compressed', MetricData: [{ MetricName: 'Name', Value: 1 }] }
    const gzip = { 'content-encoding': 'gzip' }
    expect((await byCbor('PutMetricData', gzipSync(cbor.serialize(data)), gzip)).status).toBe(200)
    expect((await byJson('PutMetricData', gzipSync(JSON.stringify(data)), gzip)).status).toBe(200)
    expect((await cloudWatch.send(new ListMetricsCommand({ Namespace: 'Compressed' }))).Metrics).toHaveLength(1)
    expect((await byJson('PutMetricData', Buffer.from('no gzip'), gzip)).status).toBe(400)
    expect((await byJson('PutMetricData', gzipSync(Buffer.alloc(64 * 1024 * 1024)), gzip)).status).toBe(413)
    expect((await byJson('PutMetricData', data, { 'content-encoding': 'br' })).status).toBe(415)
  })

  test('the SDK compresses what is large', async () => {
    const MetricData = Array.from({ length: 1000 }, (_, at) => ({ MetricName: `Metric${at}`, Value: at }))
    await put({ Namespace: 'Thousand', MetricData })
    const first = await cloudWatch.send(new ListMetricsCommand({ Namespace: 'Thousand' }))
    expect(first.Metrics).toHaveLength(500)
    const second = await cloudWatch.send(new ListMetricsCommand({ Namespace: 'Thousand', NextToken: first.NextToken }))
    expect(new Set([...first.Metrics!, ...second.Metrics!].map(({ MetricName }) => MetricName)).size).toBe(1000)
    expect(second.NextToken).toBeUndefined()
  })

  test('a request that is not signed is refused in each protocol, and over plain HTTP in the same way', async () => {
    const unsigned = { method: 'POST', anonymous: true } as const
    const target = { 'x-amz-target': 'GraniteServiceVersion20100801.ListMetrics' }
    expect(await send(server, { ...unsigned, path: '/', headers: target, body: '{}' })).toMatchObject({ status: 400 })
    const smithy = { 'smithy-protocol': 'rpc-v2-cbor' }
    const reply = await send(server, { ...unsigned, path: operation('ListMetrics'), headers: smithy })
    expect(reply.headers['x-amzn-query-error']).toBe('MissingAuthenticationToken;Sender')
    const plain = await failure(cloudWatchClient(server, { plain: true }).send(new ListMetricsCommand({})))
    expect(plain).toMatchObject({ code: 'InvalidRequest', status: 400 })
  })
})

describe('what may be put', () => {
  const one = { MetricName: 'Name', Value: 1 }
  const many = (length: number) => Array.from({ length }, (_, n) => n)
  test.each<[string, PutMetricDataCommandInput, string, string]>([
    [
      'AWS’s namespaces',
      { Namespace: 'AWS/EC2', MetricData: [one] },
      'InvalidParameterValueException',
      'The value AWS/EC2 for parameter Namespace is invalid.',
    ],
    [
      'ours',
      { Namespace: 'Strongroom', MetricData: [one] },
      'InvalidParameterValueException',
      'The value Strongroom for parameter Namespace is invalid.',
    ],
    [
      'nothing',
      { Namespace: 'N', MetricData: [] },
      'MissingRequiredParameterException',
      'The parameter MetricData is required.',
    ],
    [
      'a metric without a value',
      { Namespace: 'N', MetricData: [{ MetricName: 'Name' }] },
      'MissingRequiredParameterException',
      'At least one of the parameters MetricData.member.1.Value, MetricData.member.1.Values or MetricData.member.1.StatisticValues must be specified.',
    ],
    [
      'what is no number',
      { Namespace: 'N', MetricData: [one, { MetricName: 'Name', Value: Number.NaN }] },
      'InvalidParameterValueException',
      'The value NaN for parameter MetricData.member.2.Value is invalid.',
    ],
    [
      'what has no end',
      { Namespace: 'N', MetricData: [{ MetricName: 'Name', Values: [1, Number.NEGATIVE_INFINITY] }] },
      'InvalidParameterValueException',
      'The value -Infinity for parameter MetricData.member.1.Values.member.2 is invalid.',
    ],
    [
      'what is too large',
      { Namespace: 'N', MetricData: [{ MetricName: 'Name', Value: 2 ** 361 }] },
      'InvalidParameterValueException',
      'The value 4.6970851655476665e+108 for parameter MetricData.member.1.Value is invalid.',
    ],
    [
      'a value and values',
      { Namespace: 'N', MetricData: [{ ...one, Values: [1] }] },
      'InvalidParameterCombinationException',
      'The parameters MetricData.member.1.Value and MetricData.member.1.Values are mutually exclusive and you have specified both.',
    ],
    [
      'counts that do not fit',
      { Namespace: 'N', MetricData: [{ MetricName: 'Name', Values: [1, 2], Counts: [1] }] },
      'InvalidParameterValueException',
      'The parameters MetricData.member.1.Values and MetricData.member.1.Counts must be of the same size.',
    ],
    [
      '151 values',
      { Namespace: 'N', MetricData: [{ MetricName: 'Name', Values: many(151) }] },
      'InvalidParameterValueException',
      'The collection MetricData.member.1.Values must not have a size greater than 150.',
    ],
    [
      '1,001 metrics',
      { Namespace: 'N', MetricData: many(1001).map(() => one) },
      'InvalidParameterValueException',
      'The collection MetricData must not have a size greater than 1000.',
    ],
    [
      '31 dimensions',
      { Namespace: 'N', MetricData: [{ ...one, Dimensions: many(31).map((n) => ({ Name: `d${n}`, Value: 'v' })) }] },
      'InvalidParameterValueException',
      'The collection MetricData.member.1.Dimensions must not have a size greater than 30.',
    ],
    [
      'a dimension twice',
      { Namespace: 'N', MetricData: [{ ...one, Dimensions: many(2).map((n) => ({ Name: 'd', Value: `${n}` })) }] },
      'InvalidParameterValueException',
      'The parameter MetricData.member.1.Dimensions has the name d more than once.',
    ],
    [
      'what is old',
      { Namespace: 'N', MetricData: [{ ...one, Timestamp: new Date(Date.now() - 15 * 86_400_000) }] },
      'InvalidParameterValueException',
      'The parameter MetricData.member.1.Timestamp must specify a time no more than two weeks in the past.',
    ],
    [
      'what is yet to come',
      { Namespace: 'N', MetricData: [{ ...one, Timestamp: new Date(Date.now() + 3 * 3_600_000) }] },
      'InvalidParameterValueException',
      'The parameter MetricData.member.1.Timestamp must specify a time no more than two hours in the future.',
    ],
    [
      'a unit that is none',
      { Namespace: 'N', MetricData: [{ ...one, Unit: 'Parsecs' as never }] },
      'InvalidParameterValueException',
      'The value Parsecs for parameter MetricData.member.1.Unit is invalid.',
    ],
    [
      'a resolution of 30',
      { Namespace: 'N', MetricData: [{ ...one, StorageResolution: 30 }] },
      'InvalidParameterValueException',
      'The value 30 for parameter MetricData.member.1.StorageResolution is invalid.',
    ],
    [
      'a set without its maximum',
      {
        Namespace: 'N',
        MetricData: [{ MetricName: 'Name', StatisticValues: { SampleCount: 1, Sum: 1, Minimum: 1 } as never }],
      },
      'MissingRequiredParameterException',
      'The parameter MetricData.member.1.StatisticValues.Maximum is required.',
    ],
  ])('not %s', async (_what, input, code, message) => {
    expect(await failure(put(input))).toEqual({ code, message, status: 400 })
  })

  test('30 dimensions, and data of entities', async () => {
    const Dimensions = many(30).map((n) => ({ Name: `d${String(n).padStart(2, '0')}`, Value: 'v' }))
    await put({
      Namespace: 'Thirty',
      EntityMetricData: [{ Entity: { KeyAttributes: { Type: 'Service' } }, MetricData: [{ ...one, Dimensions }] }],
    })
    const { Metrics } = await cloudWatch.send(
      new ListMetricsCommand({ Namespace: 'Thirty', Dimensions: [{ Name: 'd07', Value: 'v' }, { Name: 'd29' }] }),
    )
    expect(Metrics).toEqual([{ Namespace: 'Thirty', MetricName: 'Name', Dimensions }])
  })
})

describe('what may be read', () => {
  const statistics = (input: object) =>
    cloudWatch.send(
      new GetMetricStatisticsCommand({
        ...{ Namespace: 'N', MetricName: 'M', StartTime: at, EndTime: later(10), Period: 60, Statistics: ['Sum'] },
        ...input,
      }),
    )
  test.each<[string, object, string, string]>([
    [
      '1,441 data points',
      { StartTime: new Date(at.getTime() - 1431 * MINUTE_MS) },
      'InvalidParameterCombinationException',
      'You have requested up to 1,441 datapoints, which exceeds the limit of 1,440. You may reduce the datapoints requested by increasing Period, or decreasing the time range.',
    ],
    [
      'a period of 7 seconds',
      { Period: 7 },
      'InvalidParameterValueException',
      'The value 7 for parameter Period is invalid.',
    ],
    [
      'no statistic',
      { Statistics: [] },
      'InvalidParameterCombinationException',
      'Must specify either Statistics or ExtendedStatistics',
    ],
    [
      'a statistic that is none',
      { ExtendedStatistics: ['p101'] },
      'InvalidParameterValueException',
      'The value p101 for parameter ExtendedStatistics.member.1 is not supported.',
    ],
  ])('not %s', async (_what, input, code, message) => {
    expect(await failure(statistics(input))).toEqual({ code, message, status: 400 })
  })

  test('math that is wrong is told', async () => {
    const query = (MetricDataQueries: object[]) =>
      failure(
        cloudWatch.send(
          new GetMetricDataCommand({ StartTime: at, EndTime: later(1), MetricDataQueries: MetricDataQueries as never }),
        ),
      )
    expect(await query([{ Id: 'e1', Expression: 'm1 +' }])).toMatchObject({ code: 'ValidationException', status: 400 })
    expect((await query([{ Id: 'E1', Expression: '1' }])).message).toMatch(/not matching the expected pattern/)
    expect((await query([{ Id: 'a' }])).message).toMatch(/must be specified/)
    expect((await query([1, 2].map(() => ({ Id: 'a', Expression: '1' })))).message).toMatch(/are not unique/)
  })

  test('pages of data points', async () => {
    const MetricData = [0, 1, 2].map((n) => ({ MetricName: 'Paged', Timestamp: later(n), Value: n }))
    await put({ Namespace: 'Paged', MetricData })
    const MetricStat = { Metric: { Namespace: 'Paged', MetricName: 'Paged' }, Period: 60, Stat: 'Average' }
    const page = (NextToken?: string) =>
      cloudWatch.send(
        new GetMetricDataCommand({
          ...{ StartTime: at, EndTime: later(3), MaxDatapoints: 2, NextToken },
          MetricDataQueries: [
            { Id: 'm1', MetricStat },
            { Id: 'm2', MetricStat: { ...MetricStat, Stat: 'Sum' } },
          ],
        }),
      )
    const seen: [string, number[], string][] = []
    let token: string | undefined
    do {
      const reply = await page(token)
      for (const { Id, Values, StatusCode } of reply.MetricDataResults!) seen.push([Id!, Values!, StatusCode!])
      token = reply.NextToken
    } while (token)
    expect(seen).toEqual([
      ['m1', [2, 1], 'PartialData'],
      ['m1', [0], 'Complete'],
      ['m2', [2], 'PartialData'],
      ['m2', [1, 0], 'Complete'],
    ])
    expect(await failure(page('bm9uZQ'))).toMatchObject({ code: 'InvalidNextToken', status: 400 })
  })

  test('a quota, by the metric of its use', async () => {
    const { MetricDataResults } = await cloudWatch.send(
      new GetMetricDataCommand({
        ...{ StartTime: at, EndTime: later(2) },
        MetricDataQueries: [
          {
            Id: 'usage',
            ReturnData: false,
            MetricStat: {
              Metric: {
                Namespace: 'AWS/Usage',
                MetricName: 'CallCount',
                Dimensions: Object.entries({
                  ...{ Class: 'None', Resource: 'CryptographicOperationsRsa', Service: 'KMS', Type: 'API' },
                }).map(([Name, Value]) => ({ Name, Value })),
              },
              Period: 60,
              Stat: 'Sum',
            },
          },
          { Id: 'quota', Expression: 'SERVICE_QUOTA(usage)' },
        ],
      }),
    )
    // There is no quota in tests unless they set one.
    expect(MetricDataResults).toMatchObject([{ Id: 'quota', Values: [] }])
  })
})

describe('who may', () => {
  test('a reader reads and does not put', async () => {
    const client = cloudWatchClient(server, { credentials: reader })
    await client.send(new ListMetricsCommand({}))
    const MetricData = [{ MetricName: 'Name', Value: 1 }]
    expect(await failure(client.send(new PutMetricDataCommand({ Namespace: 'N', MetricData })))).toMatchObject({
      code: 'AccessDenied',
      status: 403,
      message: expect.stringContaining('is not authorized to perform: cloudwatch:PutMetricData'),
    })
  })

  test('another account and another Region see nothing of it', async () => {
    await put({ Namespace: 'Apart', MetricData: [{ MetricName: 'Name', Value: 1 }] })
    const elsewhere = [{ credentials: stranger }, { region: EUROPE }]
    for (const options of elsewhere) {
      const { Metrics } = await cloudWatchClient(server, options).send(new ListMetricsCommand({ Namespace: 'Apart' }))
      expect(Metrics).toEqual([])
    }
    const asia = cloudWatchClient(server, { region: 'ap-south-1' }).send(new ListMetricsCommand({}))
    expect(await failure(asia)).toMatchObject({ code: 'IncompleteSignature' })
  })

  test('a token of one account opens nothing in another', async () => {
    const { NextToken } = await cloudWatch.send(new ListMetricsCommand({ Namespace: 'Thousand' }))
    const client = cloudWatchClient(server, { credentials: stranger })
    expect((await client.send(new ListMetricsCommand({ NextToken }))).Metrics).toEqual([])
  })
})

test('a dashboard that cannot be drawn is refused with the places of its mistakes', async () => {
  const dashboard = (DashboardBody: string, DashboardName = 'wrong') =>
    cloudWatch.send(new PutDashboardCommand({ DashboardName, DashboardBody })).catch((error) => error)
  expect(await dashboard('{')).toMatchObject({
    name: 'DashboardInvalidInputError',
    message: 'The field DashboardBody must be a valid JSON object',
  })
  const body = { widgets: [{ type: 'metric', x: 0, y: 0, width: 99, height: 6, properties: { metrics: [[1]] } }] }
  expect(await dashboard(JSON.stringify(body))).toMatchObject({
    message: expect.stringContaining('The dashboard body is invalid, there are 2 validation errors'),
    dashboardValidationMessages: [
      { DataPath: '/widgets/0/width', Message: 'Should be <= 24' },
      {
        DataPath: '/widgets/0/properties/metrics/0',
        Message: "Invalid metric field type, only 'String' type is allowed",
      },
    ],
  })
  expect((await dashboard('{"widgets":[]}', 'a b')).message).toMatch(/^The value a b for field DashboardName contains/)
})

test('what is not here is refused by its name', async () => {
  const composite = cloudWatch.send(new PutCompositeAlarmCommand({ AlarmName: 'a', AlarmRule: 'TRUE' }))
  expect(await failure(composite)).toMatchObject({
    code: 'UnsupportedOperationException',
    message: 'PutCompositeAlarm is not supported by this server.',
  })
  expect((await failure(cloudWatch.send(new DescribeAnomalyDetectorsCommand({})))).code).toBe(
    'UnsupportedOperationException',
  )
})

test('the server publishes the use of the KMS, for the caller’s account, and itself, for the root user’s', async () => {
  const kms = kmsClient(server, { credentials: stranger })
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}))
  for (let n = 0; n < 3; n++) {
    await kms.send(new EncryptCommand({ KeyId: KeyMetadata!.KeyId, Plaintext: Buffer.from('x') }))
  }
  const theirs = cloudWatchClient(server, { credentials: stranger })
  const usage = async (Resource: string) => {
    const { Datapoints = [] } = await theirs.send(
      new GetMetricStatisticsCommand({
        ...{ Namespace: 'AWS/Usage', MetricName: 'CallCount', Period: 3600, Statistics: ['Sum'] },
        ...{ StartTime: later(-60), EndTime: later(120) },
        Dimensions: [
          ...[
            { Name: 'Type', Value: 'API' },
            { Name: 'Service', Value: 'KMS' },
          ],
          ...[
            { Name: 'Class', Value: 'None' },
            { Name: 'Resource', Value: Resource },
          ],
        ],
      }),
    )
    return Datapoints.reduce((sum, { Sum = 0 }) => sum + Sum, 0)
  }
  while ((await usage('CryptographicOperationsSymmetric')) < 3 || (await usage('CreateKey')) < 1) {
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
  expect(await usage('CryptographicOperationsSymmetric')).toBe(3)
  expect((await theirs.send(new ListMetricsCommand({ Namespace: 'Strongroom' }))).Metrics).toEqual([])
  const { Metrics } = await cloudWatch.send(new ListMetricsCommand({ Namespace: 'Strongroom' }))
  expect(Metrics).toContainEqual({
    ...{ Namespace: 'Strongroom', MetricName: 'Requests' },
    Dimensions: [{ Name: 'Service', Value: 'kms' }],
  })
  for (const [MetricName, Process] of [
    ['CPUUtilization', 'primary'],
    ['EventLoopDelay', 'worker-1'],
    ['JournalSyncTime', 'primary'],
    ['KeyCacheHits', 'worker-2'],
  ] as const) {
    await expect
      .poll(
        async () => (await cloudWatch.send(new ListMetricsCommand({ Namespace: 'Strongroom', MetricName }))).Metrics,
        {
          timeout: 30_000,
        },
      )
      .toContainEqual({ Namespace: 'Strongroom', MetricName, Dimensions: [{ Name: 'Process', Value: Process }] })
  }
})

test('requests to a bucket with a metrics configuration, and what is stored in it, are for its owner to see', async () => {
  const s3 = s3Client(server, { credentials: stranger })
  const Bucket = 'measured'
  await s3.send(new CreateBucketCommand({ Bucket }))
  await s3.send(
    new PutBucketMetricsConfigurationCommand({ Bucket, Id: 'whole', MetricsConfiguration: { Id: 'whole' } }),
  )
  for (const Key of ['a', 'b']) await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'four' }))
  await s3.send(new GetObjectCommand({ Bucket, Key: 'a' })).then(({ Body }) => Body!.transformToByteArray())
  const theirs = cloudWatchClient(server, { credentials: stranger })
  const value = async (MetricName: string, stat: 'Sum' | 'Maximum', dimensions: Record<string, string>) => {
    const { Datapoints = [] } = await theirs.send(
      new GetMetricStatisticsCommand({
        ...{ Namespace: 'AWS/S3', MetricName, Period: 86_400, Statistics: [stat] },
        ...{ StartTime: later(-1440), EndTime: later(1440) },
        Dimensions: Object.entries({ BucketName: Bucket, ...dimensions }).map(([Name, Value]) => ({ Name, Value })),
      }),
    )
    return Datapoints.reduce((sum, point) => sum + point[stat]!, 0)
  }
  const requests = (name: string) => value(name, 'Sum', { FilterId: 'whole' })
  const objects = () => value('NumberOfObjects', 'Maximum', { StorageType: 'AllStorageTypes' })
  while ((await requests('GetRequests')) < 1 || (await objects()) < 2) {
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
  expect(await requests('PutRequests')).toBe(2)
  expect(await requests('GetRequests')).toBe(1)
  expect(await requests('BytesDownloaded')).toBe(4)
  expect(await value('BucketSizeBytes', 'Maximum', { StorageType: 'StandardStorage' })).toBe(8)
})

test('a policy says into which namespaces a user may put, and what alarms may do', async () => {
  const iam = iamClient(server)
  const arn = 'arn:aws:sns:us-east-1:000000000000:allowed'
  await iam.send(
    new PutUserPolicyCommand({
      ...{ UserName: 'putter', PolicyName: 'p' },
      PolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          {
            ...{ Effect: 'Allow', Action: 'cloudwatch:PutMetricData', Resource: '*' },
            Condition: { StringEquals: { 'cloudwatch:namespace': 'Mine' } },
          },
          {
            ...{ Effect: 'Allow', Action: 'cloudwatch:PutMetricAlarm' },
            Resource: 'arn:aws:cloudwatch:us-east-1:000000000000:alarm:mine-*',
            Condition: { 'ForAllValues:StringEquals': { 'cloudwatch:AlarmActions': arn } },
          },
        ],
      }),
    }),
  )
  const client = cloudWatchClient(server, { credentials: putter })
  const data = (Namespace: string) =>
    client.send(new PutMetricDataCommand({ Namespace, MetricData: [{ MetricName: 'm', Value: 1 }] }))
  const alarm = (AlarmName: string, action: string) =>
    client.send(
      new PutMetricAlarmCommand({
        ...{ AlarmName, AlarmActions: [action], Namespace: 'Mine', MetricName: 'm', Statistic: 'Sum', Period: 60 },
        ...{ EvaluationPeriods: 1, Threshold: 1, ComparisonOperator: 'GreaterThanThreshold' },
      }),
    )
  await data('Mine')
  await alarm('mine-a', arn)
  const refused = [() => data('Yours'), () => alarm('yours', arn), () => alarm('mine-b', `${arn}-not`)]
  for (const call of refused) expect(await failure(call())).toMatchObject({ code: 'AccessDenied', status: 403 })
})
