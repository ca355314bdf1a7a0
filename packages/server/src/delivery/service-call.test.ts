import { expect, test } from 'vitest'
import { isFault } from '../core/fault.ts'
import type { BucketRecord } from '../objects/records.ts'
import { call, getInput, makeRoom, read } from '../objects/room.fixture.ts'
import { cannedAcl } from '../policy/acl.ts'
import { putAsService, requireServiceAccess, type ServicePut, serviceCall } from './service-call.ts'

const OWNER = call.principal.accountId
const put: ServicePut = {
  service: 'cloudtrail.amazonaws.com',
  sourceArn: 'arn:aws:cloudtrail:us-east-1:111111111111:trail/t',
  sourceAccount: OWNER,
  bucket: 'bucket',
  key: 'AWSLogs/x.json.gz',
  body: Buffer.from('records'),
  cannedAcl: 'bucket-owner-full-control',
}
const logging: ServicePut = {
  ...put,
  service: 'logging.s3.amazonaws.com',
  sourceArn: 'arn:aws:s3:::source',
}

type Statement = Record<string, unknown>
const allow = (more: Statement = {}): Statement => ({
  Effect: 'Allow',
  Principal: { Service: 'cloudtrail.amazonaws.com' },
  Action: 's3:PutObject',
  Resource: 'arn:aws:s3:::bucket/AWSLogs/*',
  ...more,
})
const when = (operator: string, key: string, value: string) => allow({ Condition: { [operator]: { [key]: value } } })
const deny = (operator: string, key: string, value: string) => [
  allow(),
  { Effect: 'Deny', Principal: '*', Action: 's3:*', Resource: '*', Condition: { [operator]: { [key]: value } } },
]
const policy = (...statements: Statement[]): Partial<BucketRecord> => ({
  policy: JSON.stringify({ Version: '2012-10-17', Statement: statements }),
})
const logDelivery: Partial<BucketRecord> = {
  objectOwnership: 'BucketOwnerPreferred',
  acl: cannedAcl('log-delivery-write', { owner: OWNER, bucketOwner: OWNER }),
}

const CASES: readonly (readonly [name: string, bucket: Partial<BucketRecord>, put: ServicePut, allowed: boolean])[] = [
  ['nothing said', {}, put, false],
  ['named', policy(allow()), put, true],
  ['another service named', policy(allow({ Principal: { Service: 'logging.s3.amazonaws.com' } })), put, false],
  ['another place', policy(allow()), { ...put, key: 'elsewhere' }, false],
  ['its account named', policy(allow({ Principal: { AWS: OWNER } })), put, false],
  ['everybody', policy(allow({ Principal: '*' })), put, true],
  ['source ARN', policy(when('StringEquals', 'aws:SourceArn', put.sourceArn)), put, true],
  ['another source ARN', policy(when('ArnLike', 'aws:SourceArn', 'arn:aws:cloudtrail:*:*:trail/u')), put, false],
  ['source account', policy(when('StringEquals', 'aws:SourceAccount', OWNER)), put, true],
  ['another source account', policy(when('StringEquals', 'aws:SourceAccount', '222222222222')), put, false],
  ['full control', policy(when('StringEquals', 's3:x-amz-acl', 'bucket-owner-full-control')), put, true],
  [
    'full control, not asked',
    policy(when('StringEquals', 's3:x-amz-acl', 'bucket-owner-full-control')),
    logging,
    false,
  ],
  ['principal account', policy(when('StringEquals', 'aws:PrincipalAccount', OWNER)), put, false],
  ['a service', policy(when('Bool', 'aws:PrincipalIsAWSService', 'true')), put, true],
  ['its name', policy(when('StringEquals', 'aws:PrincipalServiceName', put.service)), put, true],
  ['HTTPS only', policy(...deny('Bool', 'aws:SecureTransport', 'false')), put, true],
  ['TLS 1.2', policy(...deny('NumericLessThan', 's3:TlsVersion', '1.2')), put, true],
  ['denied to services', policy(...deny('Bool', 'aws:PrincipalIsAWSService', 'true')), put, false],
  ['log delivery by ACL', logDelivery, logging, true],
  ['log delivery by ACL, another service', logDelivery, put, false],
  ['an ACL that does not speak', { ...logDelivery, objectOwnership: 'BucketOwnerEnforced' }, logging, false],
]

test.each(CASES)('a service may put: %s', async (_, settings, one, allowed) => {
  const room = makeRoom()
  const services = { ...room, region: 'us-east-1' }
  await room.buckets.create(call, 'bucket')
  await room.buckets.change(call, 'bucket', (record) => ({ ...record, ...settings }))
  const putting = putAsService(services, one)
  if (!allowed) return expect(putting).rejects.toSatisfy((error) => isFault(error, 'AccessDenied'))
  await putting
  expect(String(await read(room, getInput(one.key)))).toBe('records')
})

test('what a public policy gives is given to services of other accounts also where the public is kept out', async () => {
  const room = makeRoom()
  await room.buckets.create(call, 'bucket')
  await room.buckets.change(call, 'bucket', (record) => ({ ...record, ...policy(allow({ Principal: '*' })) }))
  const services = { ...room, region: 'us-east-1' }
  await putAsService(services, { ...put, sourceAccount: '222222222222' })
  expect((await room.buckets.find('bucket')).publicAccessBlock?.restrictPublicBuckets).toBe(true)
})

test('an action that the policy does not name is refused', async () => {
  const room = makeRoom()
  await room.buckets.create(call, 'bucket')
  await room.buckets.change(call, 'bucket', (record) => ({ ...record, ...policy(allow()) }))
  const services = { ...room, region: 'us-east-1' }
  const aclOf = requireServiceAccess(services, serviceCall(put, services), {
    action: 's3:GetBucketAcl',
    bucket: 'bucket',
  })
  await expect(aclOf).rejects.toSatisfy((error) => isFault(error, 'AccessDenied'))
})
