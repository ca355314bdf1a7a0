import { expect, test } from 'vitest'
import { compilePolicy } from './document.ts'
import { isPublic } from './public.ts'

const allow = (Principal: unknown, Condition?: object, more: object = {}) =>
  isPublic(
    compilePolicy(
      {
        Version: '2012-10-17',
        Statement: {
          Effect: 'Allow',
          Principal,
          Action: 's3:GetObject',
          Resource: 'arn:aws:s3:::b/*',
          ...(Condition && { Condition }),
          ...more,
        },
      },
      'resource',
      'b',
    ),
  )

// AWS S3 user guide, "Blocking public access to your Amazon S3 storage", "The meaning of public".
test.each<[string, unknown, object | undefined, boolean]>([
  ['everybody', '*', undefined, true],
  ['everybody, as AWS principals', { AWS: '*' }, undefined, true],
  ['everybody among others', { AWS: ['arn:aws:iam::111122223333:root', '*'] }, undefined, true],
  ['an account', { AWS: '111122223333' }, undefined, false],
  ['a service', { Service: 'cloudtrail.amazonaws.com' }, undefined, false],
  ['a canonical user', { CanonicalUser: '79a5' }, undefined, false],
  ['a VPC', '*', { StringEquals: { 'aws:SourceVpc': 'vpc-91237329' } }, false],
  ['VPCs by pattern', '*', { StringLike: { 'aws:SourceVpc': 'vpc-*' } }, true],
  ['a network', '*', { IpAddress: { 'aws:SourceIp': '203.0.113.0/24' } }, false],
  ['an address', '*', { IpAddress: { 'aws:SourceIp': ['203.0.113.7', '2001:db8::/40'] } }, false],
  ['half of the internet', '*', { IpAddress: { 'aws:SourceIp': '128.0.0.0/1' } }, true],
  ['a network of IPv6 that is too wide', '*', { IpAddress: { 'aws:SourceIp': '2001::/16' } }, true],
  ['all but a network', '*', { NotIpAddress: { 'aws:SourceIp': '203.0.113.0/24' } }, true],
  ['an account by condition', '*', { StringEquals: { 'aws:PrincipalAccount': '111122223333' } }, false],
  ['an organisation', '*', { StringEquals: { 'aws:PrincipalOrgID': 'o-1' } }, false],
  ['a role id with any session', '*', { StringLike: { 'aws:userid': 'AROAEXAMPLE:*' } }, false],
  ['user ids by pattern', '*', { StringLike: { 'aws:userid': 'AROA*' } }, true],
  ['an ARN', '*', { ArnEquals: { 'aws:SourceArn': 'arn:aws:sns:us-east-1:1:t' } }, false],
  ['a condition that a missing key fulfils', '*', { StringEqualsIfExists: { 'aws:SourceVpc': 'vpc-1' } }, true],
  ['another key', '*', { StringEquals: { 'aws:UserAgent': 'me' } }, true],
  ['TLS', '*', { Bool: { 'aws:SecureTransport': 'true' } }, true],
])('%s', (_name, principal, condition, expected) => {
  expect(allow(principal, condition)).toBe(expected)
})

test('all but somebody, and what is denied', () => {
  const denied = { Effect: 'Deny' }
  expect(allow('*', undefined, denied)).toBe(false)
  expect(allow(undefined, undefined, { Principal: undefined, NotPrincipal: { AWS: '111122223333' } })).toBe(true)
})
