/** Alarms on what the server publishes of itself: the use of a quota while calls are throttled, and errors of a bucket. */
import { DescribeAlarmHistoryCommand, DescribeAlarmsCommand, PutMetricAlarmCommand } from '@aws-sdk/client-cloudwatch'
import { GenerateRandomCommand } from '@aws-sdk/client-kms'
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutBucketMetricsConfigurationCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { expect, test } from 'vitest'
import { cloudWatchClient, failure, kmsClient, s3Client } from '../support/sdk.ts'
import { startServer } from '../support/server.ts'

/** Calls a second, so that three make a minute's. */
const QUOTA = 0.05
const USAGE = {
  Namespace: 'AWS/Usage',
  MetricName: 'CallCount',
  Dimensions: [
    { Name: 'Type', Value: 'API' },
    { Name: 'Service', Value: 'KMS' },
    { Name: 'Class', Value: 'None' },
    { Name: 'Resource', Value: 'CryptographicOperationsSymmetric' },
  ],
}

test('an alarm at 80 % of the quota fires under throttling; one on 4xxErrors goes off and returns', async () => {
  const server = await startServer({ config: { kms: { quotaProfile: { symmetric: QUOTA } } } })
  const [cloudWatch, kms, s3] = [cloudWatchClient(server), kmsClient(server), s3Client(server)]
  await s3.send(new CreateBucketCommand({ Bucket: 'watched' }))
  await s3.send(new PutObjectCommand({ Bucket: 'watched', Key: 'there', Body: 'x' }))
  const configuration = { Id: 'EntireBucket', MetricsConfiguration: { Id: 'EntireBucket' } }
  await s3.send(new PutBucketMetricsConfigurationCommand({ Bucket: 'watched', ...configuration }))
  await cloudWatch.send(
    new PutMetricAlarmCommand({
      ...{ AlarmName: 'quota', EvaluationPeriods: 1, Threshold: 80, TreatMissingData: 'notBreaching' },
      ComparisonOperator: 'GreaterThanThreshold',
      Metrics: [
        { Id: 'usage', MetricStat: { Metric: USAGE, Period: 60, Stat: 'Sum' }, ReturnData: false },
        { Id: 'percent', Expression: '(usage/SERVICE_QUOTA(usage))*100', Label: 'Utilization' },
      ],
    }),
  )
  await cloudWatch.send(
    new PutMetricAlarmCommand({
      ...{ AlarmName: 'errors', Namespace: 'AWS/S3', MetricName: '4xxErrors', Statistic: 'Sum', Period: 60 },
      Dimensions: [
        { Name: 'BucketName', Value: 'watched' },
        { Name: 'FilterId', Value: 'EntireBucket' },
      ],
      ...{ EvaluationPeriods: 1, Threshold: 0, TreatMissingData: 'missing' },
      ComparisonOperator: 'GreaterThanThreshold',
    }),
  )
  const stateOf = async (AlarmName: string) =>
    (await cloudWatch.send(new DescribeAlarmsCommand({ AlarmNames: [AlarmName] }))).MetricAlarms![0]!.StateValue
  const seen = { quota: false, errors: false, throttled: false, returned: false }
  while (!(seen.quota && seen.returned)) {
    const call = await kms.send(new GenerateRandomCommand({ NumberOfBytes: 8 })).catch(({ name }) => name as string)
    seen.throttled ||= call === 'ThrottlingException'
    const Key = seen.errors ? 'there' : 'absent'
    const get = s3.send(new GetObjectCommand({ Bucket: 'watched', Key }))
    if (seen.errors) await (await get).Body!.transformToString()
    else expect(await failure(get)).toMatchObject({ status: 404 })
    seen.quota ||= (await stateOf('quota')) === 'ALARM'
    const errors = await stateOf('errors')
    seen.errors ||= errors === 'ALARM'
    seen.returned ||= seen.errors && errors === 'OK'
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  expect(seen.throttled).toBe(true)
  const { AlarmHistoryItems } = await cloudWatch.send(
    new DescribeAlarmHistoryCommand({
      AlarmName: 'errors',
      HistoryItemType: 'StateUpdate',
      ScanBy: 'TimestampAscending',
    }),
  )
  expect(AlarmHistoryItems!.map(({ HistorySummary }) => HistorySummary).slice(-2)).toEqual([
    expect.stringMatching(/to ALARM$/),
    expect.stringMatching(/from ALARM to OK$/),
  ])
  await server.remove()
}, 420_000)
