/** Metrics configurations of buckets. */
import {
  CreateBucketCommand,
  DeleteBucketMetricsConfigurationCommand,
  GetBucketMetricsConfigurationCommand,
  ListBucketMetricsConfigurationsCommand,
  type MetricsFilter,
  PutBucketMetricsConfigurationCommand,
  PutBucketPolicyCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { failure, s3Client } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

const alice = { accessKeyId: 'AKIAALICE', secretAccessKey: 'secretalice' }
const accounts = [{ id: '000000000000', users: [{ name: 'alice', ...alice }] }]

let server: TestServer
let s3: S3Client
let asAlice: S3Client
let count = 0
let Bucket: string
beforeAll(async () => {
  server = await startServer({ config: { accounts } })
  s3 = s3Client(server)
  asAlice = s3Client(server, { credentials: alice })
})
afterAll(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error/)
  await server.remove()
})
beforeEach(async () => {
  Bucket = `metrics-${++count}`
  await s3.send(new CreateBucketCommand({ Bucket }))
})

const put = (Id: string, Filter?: MetricsFilter, inDocument = Id, client = s3) =>
  client.send(
    new PutBucketMetricsConfigurationCommand({ Bucket, Id, MetricsConfiguration: { Id: inDocument, Filter } }),
  )
const get = async (Id: string, client = s3) =>
  (await client.send(new GetBucketMetricsConfigurationCommand({ Bucket, Id }))).MetricsConfiguration
const remove = (Id: string, client = s3) => client.send(new DeleteBucketMetricsConfigurationCommand({ Bucket, Id }))
const list = (ContinuationToken?: string) =>
  s3.send(new ListBucketMetricsConfigurationsCommand({ Bucket, ContinuationToken }))

describe('a configuration comes back as it was put', () => {
  test.each<[string, MetricsFilter | undefined]>([
    ['EntireBucket', undefined],
    ['prefix', { Prefix: 'logs/<&>' }],
    ['empty-prefix', { Prefix: '' }],
    ['tag', { Tag: { Key: 'team', Value: 'red' } }],
    [
      'tags',
      {
        And: {
          Tags: [
            { Key: 'a', Value: '1' },
            { Key: 'b', Value: '' },
          ],
        },
      },
    ],
    ['all.of_it', { And: { Prefix: 'p', Tags: [{ Key: 'a', Value: '1' }] } }],
  ])('%s', async (Id, Filter) => {
    await put(Id, Filter)
    expect(await get(Id)).toEqual({ Id, ...(Filter && { Filter }) })
  })

  test('in the place of the one before', async () => {
    await put('one', { Prefix: 'a' })
    await put('one')
    expect(await get('one')).toEqual({ Id: 'one' })
    expect((await list()).MetricsConfigurationList).toHaveLength(1)
  })
})

describe('what is refused', () => {
  test.each<[string, () => Promise<unknown>, string, number]>([
    ['an id that is not there', () => get('nothing'), 'NoSuchConfiguration', 404],
    ['removal of one that is not there', () => remove('nothing'), 'NoSuchConfiguration', 404],
    ['two ids', () => put('one', undefined, 'two'), 'IdMismatch', 400],
    ['an id with a space', () => put('o ne'), 'InvalidConfigurationId', 400],
    ['a long id', () => put('x'.repeat(65)), 'InvalidConfigurationId', 400],
    ['And of one', () => put('one', { And: { Prefix: 'p' } }), 'MalformedXML', 400],
    ['a key that tags cannot have', () => put('one', { Tag: { Key: 'a*', Value: '' } }), 'InvalidTag', 400],
    [
      'an access point',
      () => put('one', { AccessPointArn: 'arn:aws:s3:us-east-1:000000000000:accesspoint/a' }),
      'NotImplemented',
      501,
    ],
  ])('%s', async (_, call, code, status) => {
    expect(await failure(call())).toMatchObject({ code, status })
  })

  test('the text of NoSuchConfiguration', async () => {
    expect((await failure(get('nothing'))).message).toBe('The specified configuration does not exist.')
  })
})

test('up to 1,000 are listed in pages of 100, by id, and there cannot be more', async () => {
  const ids = Array.from({ length: 1000 }, (_, i) => `id-${String(i).padStart(4, '0')}`)
  for (const id of ids.toReversed()) await put(id)
  expect(await failure(put('one-more'))).toMatchObject({ code: 'TooManyConfigurations', status: 400 })
  await put('id-0500', { Prefix: 'changed' })
  const listed: (string | undefined)[] = []
  for (let token: string | undefined; ; ) {
    const page = await list(token)
    listed.push(...(page.MetricsConfigurationList ?? []).map(({ Id }) => Id))
    expect(page.ContinuationToken).toBe(token)
    token = page.NextContinuationToken
    expect(page.IsTruncated).toBe(token !== undefined)
    if (token === undefined) break
    expect(listed.length % 100).toBe(0)
  }
  expect(listed).toEqual(ids)
}, 60_000)

test('each needs its action', async () => {
  await put('one')
  const allow = (Action: string) =>
    s3.send(
      new PutBucketPolicyCommand({
        Bucket,
        Policy: JSON.stringify({
          Version: '2012-10-17',
          Statement: [
            {
              Effect: 'Allow',
              Principal: { AWS: 'arn:aws:iam::000000000000:user/alice' },
              Action,
              Resource: `arn:aws:s3:::${Bucket}`,
            },
          ],
        }),
      }),
    )
  await allow('s3:GetMetricsConfiguration')
  expect(await get('one', asAlice)).toEqual({ Id: 'one' })
  expect(await failure(put('one', undefined, 'one', asAlice))).toMatchObject({ code: 'AccessDenied' })
  expect(await failure(remove('one', asAlice))).toMatchObject({ code: 'AccessDenied' })
  await allow('s3:PutMetricsConfiguration')
  await remove('one', asAlice)
  expect(await failure(get('one', asAlice))).toMatchObject({ code: 'AccessDenied' })
  expect((await list()).MetricsConfigurationList).toBeUndefined()
})
