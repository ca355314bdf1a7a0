import { expect, test } from 'vitest'
import { ANONYMOUS } from '../policy/call.ts'
import { call, rootOf } from '../policy/caller.fixture.ts'
import { readPolicy } from '../policy/document.ts'
import { httpsOnly, withStatements } from '../policy/ready-made.ts'
import { suppose } from './suppose.ts'

const OWNER = '111111111111'
const READ = {
  Sid: 'Read',
  Effect: 'Allow',
  Principal: '*',
  Action: 's3:GetObject',
  Resource: 'arn:aws:s3:::b/*',
  Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } },
}
const supposed = {
  principal: ANONYMOUS,
  action: 's3:GetObject',
  resource: 'arn:aws:s3:::b/k',
  resourceAccount: OWNER,
  resourcePolicy: readPolicy(
    JSON.stringify(withStatements({ Version: '2012-10-17', Statement: READ }, httpsOnly('b'))),
    'resource',
    'bucket policy of b',
  ),
  context: new Map<string, string[]>(),
  secureTransport: true,
}
const from = (address: string) => new Map([['AWS:SourceIP', [address]]])
const of = (statement: string) => ({ policyType: 'resource-based', policy: 'bucket policy of b', statement })

test('over HTTP it is denied, and what would have allowed it is told', () => {
  expect(suppose(call, { ...supposed, secureTransport: false })).toEqual({
    action: 's3:GetObject',
    resource: 'arn:aws:s3:::b/k',
    decision: 'ExplicitDeny',
    by: [of('RestrictToTLSRequestsOnly')],
    near: [
      {
        ...of('Read'),
        effect: 'Allow',
        failed: 'condition',
        operator: 'IpAddress',
        key: 'aws:SourceIp',
        wanted: ['10.0.0.0/8'],
        found: ['127.0.0.1'],
      },
    ],
  })
})

test('keys that are given go before those of the call that asks', () => {
  expect(suppose(call, { ...supposed, context: from('10.1.2.3') })).toMatchObject({
    decision: 'Allowed',
    by: [of('Read')],
  })
  expect(suppose(call, { ...supposed, context: from('11.1.2.3') })).toMatchObject({
    decision: 'ImplicitDeny',
    missing: 'resource-based',
  })
})

test('the root user of the owner can always get at the policy', () => {
  const root = {
    ...supposed,
    principal: rootOf(OWNER),
    action: 's3:PutBucketPolicy',
    resource: 'arn:aws:s3:::b',
    secureTransport: false,
  }
  expect(suppose(call, root).decision).toBe('Allowed')
  expect(suppose(call, { ...root, action: 's3:ListBucket' }).decision).toBe('ExplicitDeny')
})
