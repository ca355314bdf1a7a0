/** What S3 answers of configurations that nobody has made: its codes, statuses, texts and documents. */
import { CreateBucketCommand, PutBucketPolicyCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { auditEvents } from '../support/audit.ts'
import { send } from '../support/raw.ts'
import { s3Client } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

const alice = { accessKeyId: 'AKIAALICE', secretAccessKey: 'secretalice' }
const accounts = [{ id: '000000000000', users: [{ name: 'alice', ...alice }] }]
const Bucket = 'unconfigured'

let server: TestServer
let s3: S3Client
beforeAll(async () => {
  server = await startServer({ config: { accounts } })
  s3 = s3Client(server)
  await s3.send(new CreateBucketCommand({ Bucket }))
  await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }))
})
afterAll(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error/)
  await server.remove()
})

/** A query as it is written. */
const ask = (method: string, path: string, query: string, more: { body?: string; credentials?: typeof alice } = {}) =>
  send(server, { method, path, query: Object.fromEntries(new URLSearchParams(query)), ...more })

const NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
const absent = (bucket: string) => `<BucketName>${bucket}</BucketName>`
const V1 = (verb: string) =>
  `The V1 ${verb}BucketMetadataTableConfiguration API operation isn't available for this account. Use the corresponding V2 ${verb}BucketMetadataConfiguration API operation instead.`

/** Sub-resource, the action that reading it needs, and what reading it is answered with. */
const ERRORS = [
  [
    'lifecycle',
    's3:GetLifecycleConfiguration',
    404,
    'NoSuchLifecycleConfiguration',
    'The lifecycle configuration does not exist',
    absent(Bucket),
  ],
  [
    'replication',
    's3:GetReplicationConfiguration',
    404,
    'ReplicationConfigurationNotFoundError',
    'The replication configuration was not found',
    absent(Bucket),
  ],
  [
    'website',
    's3:GetBucketWebsite',
    404,
    'NoSuchWebsiteConfiguration',
    'The specified bucket does not have a website configuration',
    absent(Bucket),
  ],
  [
    'metadataConfiguration',
    's3:GetBucketMetadataTableConfiguration',
    404,
    'MetadataConfigurationNotFound',
    'The metadata configuration was not found',
    absent(Bucket),
  ],
  [
    'metadataTable',
    's3:GetBucketMetadataTableConfiguration',
    405,
    'V1APIsNotAllowed',
    V1('Get'),
    '<Method>GET</Method>',
  ],
  ...(['Analytics', 'Inventory', 'IntelligentTiering'] as const).map(
    (kind) =>
      [
        `${kind === 'IntelligentTiering' ? 'intelligent-tiering' : kind.toLowerCase()}&id=one`,
        `s3:Get${kind}Configuration`,
        404,
        'NoSuchConfiguration',
        'The specified configuration does not exist.',
        '',
      ] as const,
  ),
] as const

const EMPTY = [
  [
    'analytics',
    's3:GetAnalyticsConfiguration',
    `<ListBucketAnalyticsConfigurationsResult ${NAMESPACE}><IsTruncated>false</IsTruncated></ListBucketAnalyticsConfigurationsResult>`,
  ],
  [
    'inventory',
    's3:GetInventoryConfiguration',
    `<ListInventoryConfigurationsResult ${NAMESPACE}><IsTruncated>false</IsTruncated></ListInventoryConfigurationsResult>`,
  ],
  [
    'intelligent-tiering',
    's3:GetIntelligentTieringConfiguration',
    `<ListIntelligentTieringConfigurationsResult ${NAMESPACE}><IsTruncated>false</IsTruncated></ListIntelligentTieringConfigurationsResult>`,
  ],
  ['notification', 's3:GetBucketNotification', `<NotificationConfiguration ${NAMESPACE}></NotificationConfiguration>`],
  ['accelerate', 's3:GetAccelerateConfiguration', `<AccelerateConfiguration ${NAMESPACE}></AccelerateConfiguration>`],
  [
    'requestPayment',
    's3:GetBucketRequestPayment',
    `<RequestPaymentConfiguration ${NAMESPACE}><Payer>BucketOwner</Payer></RequestPaymentConfiguration>`,
  ],
  ['abac', 's3:GetBucketAbac', `<AbacStatus ${NAMESPACE}><Status>Disabled</Status></AbacStatus>`],
] as const

describe('reading of a bucket', () => {
  test.each(ERRORS)('%s', async (query, _action, status, code, message, fields) => {
    const reply = await ask('GET', `/${Bucket}`, query)
    expect(reply).toMatchObject({ status, code, message })
    expect(reply.body).toContain(`</Message>${fields}<`)
  })

  test.each(EMPTY)('%s', async (query, _action, body) => {
    const reply = await ask('GET', `/${Bucket}`, query)
    expect(reply.status).toBe(200)
    expect(reply.body).toBe(`<?xml version="1.0" encoding="UTF-8"?>\n${body}`)
  })

  test('an id that cannot be one', async () => {
    for (const query of ['analytics&id=a b', 'inventory&id=', `intelligent-tiering&id=${'x'.repeat(65)}`]) {
      expect(await ask('GET', `/${Bucket}`, query)).toMatchObject({ status: 400, code: 'InvalidConfigurationId' })
    }
  })

  test.each([...ERRORS, ...EMPTY].map(([query, action]) => [query, action] as const))(
    '%s: a bucket that is not there, and the one action that it needs',
    async (query, Action) => {
      expect(await ask('GET', '/no-such-bucket', query)).toMatchObject({ status: 404, code: 'NoSuchBucket' })
      const owners = await ask('GET', `/${Bucket}`, query)
      const allow = async (action: string) => {
        const Principal = { AWS: 'arn:aws:iam::000000000000:user/alice' }
        const statement = { Effect: 'Allow', Principal, Action: action, Resource: `arn:aws:s3:::${Bucket}` }
        const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
        await s3.send(new PutBucketPolicyCommand({ Bucket, Policy }))
        return ask('GET', `/${Bucket}`, query, { credentials: alice })
      }
      expect(await allow(Action)).toMatchObject({ status: owners.status, code: owners.code })
      const denied = await allow('s3:ListBucket')
      expect(denied).toMatchObject({ status: 403, code: 'AccessDenied' })
      expect(denied.message).toContain(`is not authorized to perform: ${Action} on resource`)
    },
  )
})

describe('removing of a bucket', () => {
  test.each([
    ['lifecycle', 204, undefined],
    ['replication', 204, undefined],
    ['website', 204, undefined],
    ['metadataConfiguration', 404, 'MetadataConfigurationNotFound'],
    ['metadataTable', 405, 'V1APIsNotAllowed'],
    ['analytics&id=one', 404, 'NoSuchConfiguration'],
    ['inventory&id=one', 404, 'NoSuchConfiguration'],
    ['intelligent-tiering&id=one', 404, 'NoSuchConfiguration'],
  ] as const)('%s', async (query, status, code) => {
    expect(await ask('DELETE', `/${Bucket}`, query)).toMatchObject({ status, code })
    expect(await ask('DELETE', '/no-such-bucket', query)).toMatchObject({ status: 404, code: 'NoSuchBucket' })
    expect(await ask('DELETE', `/${Bucket}`, query, { credentials: alice })).toMatchObject({ status: 403 })
  })
})

describe('putting of a bucket', () => {
  test.each([
    ['accelerate', '<AccelerateConfiguration><Status>Enabled</Status></AccelerateConfiguration>', 501],
    ['accelerate', '<AccelerateConfiguration><Status>Off</Status></AccelerateConfiguration>', 400],
    ['accelerate', '<AccelerateConfiguration/>', 400],
    ['notification', '<NotificationConfiguration/>', 200],
    ['notification', '<NotificationConfiguration><EventBridgeConfiguration/></NotificationConfiguration>', 501],
    ['notification', '<NotificationConfiguration><Other/></NotificationConfiguration>', 400],
    ['abac', '<AbacStatus><Status>Enabled</Status></AbacStatus>', 501],
    ['lifecycle', '<LifecycleConfiguration/>', 501],
    ['replication', '<ReplicationConfiguration/>', 501],
    ['website', '<WebsiteConfiguration/>', 501],
    ['inventory&id=one', '<InventoryConfiguration/>', 501],
    ['metadataAnnotationTable', '<AnnotationTableConfiguration/>', 501],
  ] as const)('%s: %s is answered with %s', async (query, body, status) => {
    const reply = await ask('PUT', `/${Bucket}`, query, { body })
    expect(reply).toMatchObject({
      status,
      code: { 200: undefined, 400: 'MalformedXML', 501: 'NotImplemented' }[status],
    })
    if (status === 501)
      expect(reply.message).toMatch(/^(Put|Update)Bucket\w+( with \w+)? is not implemented by this server\.$/)
  })

  test('who pays: the owner, promised by a checksum; nobody else', async () => {
    const pay = (Payer: string, headers: Record<string, string> = {}) =>
      send(server, {
        method: 'PUT',
        path: `/${Bucket}`,
        query: { requestPayment: '' },
        headers,
        body: `<RequestPaymentConfiguration><Payer>${Payer}</Payer></RequestPaymentConfiguration>`,
      })
    const crc32 = (value: string) => ({ 'x-amz-checksum-crc32': value })
    expect(await pay('BucketOwner', crc32('x8vmOg=='))).toMatchObject({ status: 200 })
    expect(await pay('BucketOwner', crc32('C63Q7g=='))).toMatchObject({ status: 400, code: 'BadDigest' })
    expect(await pay('BucketOwner')).toMatchObject({ status: 400, code: 'InvalidRequest' })
    expect(await pay('Requester', crc32('C63Q7g=='))).toMatchObject({
      status: 501,
      message: 'PutBucketRequestPayment with Requester is not implemented by this server.',
    })
  })
})

describe('of an object', () => {
  test('annotations: an empty list, and none of any name', async () => {
    const list = (query: string) => ask('GET', `/${Bucket}/k`, `annotation&${query}`)
    const body = (more: string) =>
      `<?xml version="1.0" encoding="UTF-8"?>\n<ListObjectAnnotationsOutput ${NAMESPACE}><Annotations></Annotations><Bucket>${Bucket}</Bucket><Key>k</Key>${more}<AnnotationCount>0</AnnotationCount></ListObjectAnnotationsOutput>`
    expect((await list('')).body).toBe(body(''))
    expect((await list('annotation-prefix=x&max-annotation-results=5')).body).toBe(
      body('<AnnotationPrefix>x</AnnotationPrefix><MaxAnnotationResults>5</MaxAnnotationResults>'),
    )
    expect(await list('max-annotation-results=0')).toMatchObject({
      status: 400,
      code: 'InvalidArgument',
      message: 'Argument max-annotation-results must be an integer between 1 and 1000',
    })
    expect(await list('annotationName=x')).toMatchObject({
      status: 404,
      code: 'NoSuchAnnotation',
      message: 'The specified annotation does not exist.',
    })
    expect(await list('annotationName=')).toMatchObject({ status: 400, code: 'UserAnnotationNameMustBeSpecified' })
    for (const query of ['annotation', 'annotation&annotationName=x']) {
      expect(await ask('GET', `/${Bucket}/absent`, query)).toMatchObject({ status: 404, code: 'NoSuchKey' })
      expect(await ask('GET', `/${Bucket}/k`, query, { credentials: alice })).toMatchObject({ status: 403 })
    }
  })

  test('a torrent', async () => {
    const reply = await ask('GET', `/${Bucket}/k`, 'torrent')
    expect(reply).toMatchObject({ status: 405, code: 'MethodNotAllowed' })
    expect(reply.body).toContain('<ResourceType>TORRENT</ResourceType>')
  })
})

test('the audit trail has CloudTrail’s names of the events', async () => {
  const named = (event: string) => auditEvents(server, ['--management', '--bucket', Bucket, '--event', event])
  const errorCode = 'NoSuchLifecycleConfiguration'
  expect(await named('GetBucketLifecycle')).toContainEqual(expect.objectContaining({ errorCode, readOnly: true }))
  expect(await named('DeleteBucketLifecycle')).toContainEqual(expect.objectContaining({ readOnly: false }))
  for (const event of ['GetAccelerateConfiguration', 'GetBucketNotification', 'GetBucketInventoryConfiguration']) {
    expect((await named(event)).length).toBeGreaterThan(0)
  }
})
