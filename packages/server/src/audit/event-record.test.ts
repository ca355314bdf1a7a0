/** Records of events: CloudTrail's form, who is told, and that whatever a client sends stays one JSON text. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CallerFacts, Outcome } from '../core/outcome.ts'
import type { CloudTrailRecord } from './cloudtrail-record.ts'
import { eventRecords, serviceEventRecord } from './event-record.ts'

const OPERATOR = '000000000000'
const user: CallerFacts = {
  accountId: '111111111111',
  arn: 'arn:aws:iam::111111111111:user/ann',
  principalId: 'AIDA1',
  principalType: 'IAMUser',
  userName: 'ann',
  accessKeyId: 'AKIA1',
}
const keyArn = 'arn:aws:kms:us-east-1:222222222222:key/k'
const outcome = (more: Partial<Outcome> = {}): Outcome => ({
  service: 'kms',
  operation: 'Encrypt',
  requestId: 'R',
  startedAtMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
  durationMs: 1,
  status: 200,
  errorCode: undefined,
  region: 'us-east-1',
  caller: user,
  sourceIp: '192.0.2.1',
  userAgent: 'agent',
  tls: { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256' },
  host: 'h',
  bytesIn: 0,
  bytesOut: 0,
  readOnly: true,
  audit: { category: 'Management', requestParameters: () => ({ keyId: 'k' }) },
  ...more,
})
const records = (more?: Partial<Outcome>) =>
  eventRecords(outcome(more), OPERATOR).map(({ json }) => JSON.parse(json) as CloudTrailRecord)

test('has the members of CloudTrail’s record, in its order', () => {
  const [record] = records()
  expect(Object.keys(record!)).toEqual(
    (
      'eventVersion userIdentity eventTime eventSource eventName awsRegion sourceIPAddress userAgent requestParameters ' +
      'responseElements requestID eventID readOnly eventType managementEvent recipientAccountId eventCategory tlsDetails'
    ).split(' '),
  )
  expect(record).toMatchObject({
    eventTime: '2026-01-02T03:04:05Z',
    eventSource: 'kms.amazonaws.com',
    userIdentity: { type: 'IAMUser', principalId: 'AIDA1', accountId: '111111111111', userName: 'ann' },
    requestParameters: { keyId: 'k' },
    responseElements: null,
    managementEvent: true,
    recipientAccountId: '111111111111',
  })
})

test('an error has code and message; AccessDeniedException goes by CloudTrail’s word', () => {
  expect(records({ errorCode: 'DisabledException', errorMessage: 'off' })[0]).toMatchObject({
    errorCode: 'DisabledException',
    errorMessage: 'off',
  })
  expect(records({ errorCode: 'AccessDeniedException' })[0]).toMatchObject({ errorCode: 'AccessDenied' })
})

describe('who is told', () => {
  const accounts = (more: Partial<Outcome>) => records(more).map(({ recipientAccountId }) => recipientAccountId)

  test.each<[string, Partial<Outcome>, string[]]>([
    ['the caller’s account', {}, ['111111111111']],
    ['the key’s account as well', { kmsKeyArn: keyArn }, ['111111111111', '222222222222']],
    ['the operator where nobody else can be', { caller: undefined }, [OPERATOR]],
    ['the owner where the caller is anonymous', { caller: undefined, kmsKeyArn: keyArn }, ['222222222222']],
    ['nobody of what is on no record', { audit: undefined }, []],
  ])('%s', (_name, more, expected) => {
    expect(accounts(more)).toEqual(expected)
  })

  test('several by records of their own that share an id', () => {
    const [first, second] = records({ kmsKeyArn: keyArn }) as (CloudTrailRecord & { sharedEventID: string })[]
    expect(first!.sharedEventID).toBe(second!.sharedEventID)
    expect(first!.eventID).not.toBe(second!.eventID)
  })
})

test('of the records of one use of a key one stands for it: the owner’s', () => {
  const uses = (more: Partial<Outcome>) => eventRecords(outcome(more), OPERATOR).map(({ isKeyUse }) => isKeyUse)
  expect(uses({ kmsKeyArn: keyArn })).toEqual([false, true])
  expect(uses({ kmsKeyArn: keyArn, operation: 'DescribeKey' })).toEqual([false, false])
  const audit = { category: 'Data', requestParameters: () => null, usedBucketKey: true } as const
  expect(uses({ service: 's3', operation: 'GetObject', kmsKeyArn: keyArn, audit })).toEqual([true])
  expect(uses({ service: 's3', operation: 'GetObject', audit: { ...audit, usedBucketKey: false } })).toEqual([false])
})

test('a service is told as one, also where S3 calls for it', () => {
  const caller: CallerFacts = {
    ...user,
    arn: 'cloudtrail.amazonaws.com',
    principalType: 'AWSService',
    userName: undefined,
    accessKeyId: undefined,
  }
  for (const viaRequestId of [undefined, 'S3REQUEST']) {
    expect(records({ caller, viaRequestId })[0]!.userIdentity).toEqual({
      type: 'AWSService',
      invokedBy: 'cloudtrail.amazonaws.com',
    })
  }
})

test('S3’s call for a caller stays the caller’s, and names the request', () => {
  const [record] = records({ viaRequestId: 'S3REQUEST', tls: undefined })
  expect(record).toMatchObject({
    userIdentity: { userName: 'ann', invokedBy: 'AWS Internal' },
    sourceIPAddress: 'AWS Internal',
    userAgent: 'AWS Internal',
    additionalEventData: { s3RequestID: 'S3REQUEST', s3SourceIPAddress: '192.0.2.1', s3UserAgent: 'agent' },
  })
  // What is remembered of a caller does not mix the two up.
  expect(records()[0]!.userIdentity).not.toHaveProperty('invokedBy')
})

test('a session tells its role', () => {
  const caller: CallerFacts = {
    ...user,
    principalType: 'AssumedRole',
    principalId: 'AROA1:session',
    arn: 'arn:aws:sts::111111111111:assumed-role/r/session',
    session: {
      issuedAtMs: Date.UTC(2026, 0, 1),
      expiresAtMs: 0,
      issuer: { type: 'Role', arn: 'arn:aws:iam::111111111111:role/r', principalId: 'AROA1', userName: 'r' },
    },
  }
  expect(records({ caller })[0]!.userIdentity).toEqual({
    type: 'AssumedRole',
    principalId: 'AROA1:session',
    arn: caller.arn,
    accountId: '111111111111',
    accessKeyId: 'AKIA1',
    sessionContext: {
      sessionIssuer: {
        type: 'Role',
        principalId: 'AROA1',
        arn: 'arn:aws:iam::111111111111:role/r',
        accountId: '111111111111',
        userName: 'r',
      },
      attributes: { creationDate: '2026-01-01T00:00:00Z', mfaAuthenticated: 'false' },
    },
  })
})

test('what is too large is said to be left out', () => {
  const audit = { category: 'Management', requestParameters: () => ({ policy: 'x'.repeat(200_000) }) } as const
  expect(records({ audit })[0]!.requestParameters).toMatchObject({ omitted: true, originalSize: expect.any(Number) })
})

test('whatever texts a client sends, a record is one JSON text that tells them', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'binary' }),
      (userAgent, host, key) => {
        const audit = { category: 'Management', requestParameters: () => ({ key }) } as const
        const [record] = records({ userAgent, host, sourceIp: key, errorCode: 'E', errorMessage: host, audit })
        expect(record).toMatchObject({
          userAgent,
          errorMessage: host,
          sourceIPAddress: key,
          requestParameters: { key },
        })
      },
    ),
  )
})

test('what the server does of itself is a service event', () => {
  const { json } = serviceEventRecord({
    ...{ atMs: 0, source: 'kms.amazonaws.com', name: 'RotateKey', region: 'us-east-1', accountId: '222222222222' },
    resources: [{ type: 'AWS::KMS::Key', ARN: keyArn, accountId: '222222222222' }],
    serviceEventDetails: { keyId: 'k' },
  })
  expect(JSON.parse(json)).toMatchObject({
    eventType: 'AwsServiceEvent',
    eventName: 'RotateKey',
    userIdentity: { accountId: '222222222222', invokedBy: 'AWS Internal' },
    serviceEventDetails: { keyId: 'k' },
    readOnly: false,
  })
})
