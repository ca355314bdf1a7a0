import { describe, expect, test } from 'vitest'
import { decide } from './decide.ts'
import { readPolicy } from './document.ts'
import { allowsHttp, lintBucketPolicy } from './lint.ts'
import { denySseC, httpsOnly, minTls, requireKms, withStatements } from './ready-made.ts'
import { validateResourcePolicy } from './validate.ts'

const KEY = 'arn:aws:kms:us-east-1:111111111111:key/one'
const METHOD = 's3:x-amz-server-side-encryption'
const ALGORITHM = `${METHOD}-customer-algorithm`
const KEY_ID = `${METHOD}-aws-kms-key-id`
const facts = { bucket: 'b', ownerAccountId: '111111111111', defaultEncryption: 'aws:kms' } as const
const http = { 'aws:securetransport': 'false' }
const tls = (version: string) => ({ 'aws:securetransport': 'true', 's3:tlsversion': version })

const MADE = {
  'https-only': httpsOnly('b'),
  'min-tls': minTls('b', '1.3'),
  'require-kms': requireKms('b', undefined),
  'require-kms with a key': requireKms('b', KEY),
  'deny-sse-c': denySseC('b'),
}

describe.each(Object.entries(MADE))('%s', (_, statements) => {
  const text = JSON.stringify(withStatements(undefined, statements))

  test('is a valid bucket policy that lint has nothing to say of', () => {
    const policy = readPolicy(text, 'resource', 'made')
    validateResourcePolicy(JSON.parse(text), { service: 's3', bucket: 'b' })
    expect(lintBucketPolicy(policy, facts)).toEqual([])
  })

  test('put twice stands once', () => {
    const once = withStatements(undefined, statements)
    expect(withStatements(once, statements)).toEqual(once)
  })
})

test.each<[keyof typeof MADE, string, Record<string, string>, 'denied' | 'let through']>([
  ['https-only', 's3:GetObject', http, 'denied'],
  ['https-only', 's3:GetObject', tls('1.2'), 'let through'],
  ['min-tls', 's3:GetObject', http, 'denied'],
  ['min-tls', 's3:GetObject', tls('1.2'), 'denied'],
  ['min-tls', 's3:GetObject', tls('1.3'), 'let through'],
  ['require-kms', 's3:PutObject', {}, 'let through'],
  ['require-kms', 's3:PutObject', { [METHOD]: 'aws:kms' }, 'let through'],
  ['require-kms', 's3:PutObject', { [METHOD]: 'aws:kms:dsse' }, 'let through'],
  ['require-kms', 's3:PutObject', { [METHOD]: 'AES256' }, 'denied'],
  ['require-kms', 's3:PutObject', { [ALGORITHM]: 'AES256' }, 'denied'],
  ['require-kms', 's3:GetObject', { [METHOD]: 'AES256' }, 'let through'],
  ['require-kms with a key', 's3:PutObject', { [METHOD]: 'aws:kms', [KEY_ID]: KEY }, 'let through'],
  ['require-kms with a key', 's3:PutObject', { [METHOD]: 'aws:kms', [KEY_ID]: `${KEY}2` }, 'denied'],
  ['require-kms with a key', 's3:PutObject', { [METHOD]: 'aws:kms' }, 'denied'],
  ['require-kms with a key', 's3:PutObject', {}, 'let through'],
  ['deny-sse-c', 's3:PutObject', { [ALGORITHM]: 'AES256' }, 'denied'],
  ['deny-sse-c', 's3:PutObject', {}, 'let through'],
])('%s: %s with %j is %s', (name, action, context, expected) => {
  const policy = readPolicy(JSON.stringify(withStatements(undefined, MADE[name])), 'resource', name)
  const accountId = '111111111111'
  const decision = decide(
    {
      action,
      resource: 'arn:aws:s3:::b/k',
      principal: { kind: 'Account', accountId, arn: `arn:aws:iam::${accountId}:root` },
      context: new Map(Object.entries(context).map(([key, value]) => [key, [value]])),
    },
    {
      resource: policy,
      resourceAccount: accountId,
      resourceMustAllow: false,
      identity: [],
      boundary: undefined,
      session: undefined,
    },
  )
  expect(decision.allowed ? 'let through' : 'denied').toBe(expected)
})

test('statements of others stay, and the only one need not be in a list', () => {
  const own = { Sid: 'Own', Effect: 'Allow', Principal: { AWS: '222222222222' }, Action: 's3:*', Resource: '*' }
  const merged = withStatements({ Version: '2008-10-17', Id: 'mine', Statement: own }, httpsOnly('b'))
  expect(merged).toEqual({ Version: '2008-10-17', Id: 'mine', Statement: [own, ...httpsOnly('b')] })
  expect(allowsHttp(readPolicy(JSON.stringify(merged), 'resource', 'merged'), 'b')).toBe(false)
})
