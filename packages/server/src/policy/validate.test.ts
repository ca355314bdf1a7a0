/** Bucket and key policies: AWS's own examples pass, and what is wrong is told in AWS's words. */
import { describe, expect, test } from 'vitest'
import { GLOBAL_KEYS, type KeyTable } from './condition-keys.ts'
import { readPolicy } from './document.ts'
import { PolicyError } from './policy-error.ts'
import { GLOBAL_CONDITION_KEYS, hasKey } from './reference/service-reference.ts'
import { validateResourcePolicy } from './validate.ts'

const ALL = ['arn:aws:s3:::bucket', 'arn:aws:s3:::bucket/*']
const good = { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: 'arn:aws:s3:::bucket/*' }

function check(statement: object, place: Parameters<typeof validateResourcePolicy>[1] = S3) {
  const document = { Version: '2012-10-17', Statement: [{ ...good, ...statement }] }
  readPolicy(JSON.stringify(document), 'resource', 'p')
  validateResourcePolicy(document, place)
}
const S3 = { service: 's3', bucket: 'bucket' } as const

// AWS S3 user guide, "Examples of Amazon S3 bucket policies" and "Bucket policy examples using condition keys".
test.each<[string, object]>([
  ['public read', {}],
  [
    'HTTPS only',
    { Effect: 'Deny', Action: 's3:*', Resource: ALL, Condition: { Bool: { 'aws:SecureTransport': 'false' } } },
  ],
  [
    'TLS 1.2',
    { Effect: 'Deny', Action: 's3:*', Resource: ALL, Condition: { NumericLessThan: { 's3:TlsVersion': 1.2 } } },
  ],
  [
    'encryption',
    { Effect: 'Deny', Action: 's3:PutObject', Condition: { Null: { 's3:x-amz-server-side-encryption': 'true' } } },
  ],
  [
    'one key',
    {
      Effect: 'Deny',
      Action: 's3:PutObject',
      Condition: {
        ArnNotEqualsIfExists: { 's3:x-amz-server-side-encryption-aws-kms-key-id': 'arn:aws:kms:us-east-1:1:key/k' },
      },
    },
  ],
  ['prefixes', { Action: 's3:ListBucket', Resource: ALL[0], Condition: { StringEquals: { 's3:prefix': 'home/' } } }],
  ['an object tag', { Condition: { StringEquals: { 's3:ExistingObjectTag/environment': 'production' } } }],
  [
    'tag keys',
    { Action: 's3:PutObjectTagging', Condition: { 'ForAllValues:StringLike': { 's3:RequestObjectTagKeys': 'Owner' } } },
  ],
  ['addresses', { Condition: { IpAddress: { 'aws:SourceIp': '192.0.2.0/24' } } }],
  ['MFA', { Effect: 'Deny', Action: 's3:*', Condition: { Null: { 'aws:MultiFactorAuthAge': true } } }],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a variable of policies
  ['a folder of each user', { Resource: 'arn:aws:s3:::bucket/${aws:username}/*' }],
  ['every resource', { Resource: '*' }],
  ['everything', { Action: '*', Resource: '*' }],
  ['names in any case', { Action: 'S3:getobject', Condition: { Bool: { 'AWS:SECURETRANSPORT': 'true' } } }],
  [
    'all but',
    {
      Effect: 'Deny',
      Action: undefined,
      NotAction: 's3:PutObject',
      Resource: undefined,
      NotResource: 'arn:aws:s3:::bucket/x',
    },
  ],
])('accepted: %s', (_name, statement) => {
  check(statement)
})

describe('refused', () => {
  test.each<[string, object, string]>([
    [
      'a misspelt global key',
      { Condition: { Bool: { 'aws:SecureTrsnaport': 'false' } } },
      'Policy has an invalid condition key',
    ],
    [
      'a misspelt key of S3',
      { Condition: { StringEquals: { 's3:TlsVersoin': '1' } } },
      'Policy has an invalid condition key',
    ],
    [
      'a key of another service',
      { Condition: { StringEquals: { 'kms:ViaService': 's3' } } },
      'Policy has an invalid condition key',
    ],
    [
      'a family without a name',
      { Condition: { StringEquals: { 's3:ExistingObjectTag/': 'x' } } },
      'Policy has an invalid condition key',
    ],
    [
      'a key that the action has not',
      { Condition: { StringEquals: { 's3:prefix': 'x' } } },
      'Conditions do not apply to combination of actions and resources in statement',
    ],
    ['an action that is none', { Action: 's3:GetObjekt' }, 'Policy has invalid action'],
    ['an action of another service', { Action: 'kms:Decrypt' }, 'Policy has invalid action'],
    [
      'a bucket action on objects',
      { Action: 's3:ListBucket' },
      'Action does not apply to any resource(s) in statement',
    ],
    ['an object action on the bucket', { Resource: ALL[0] }, 'Action does not apply to any resource(s) in statement'],
    [
      'one of two',
      { Action: ['s3:GetObject', 's3:ListBucket'] },
      'Action does not apply to any resource(s) in statement',
    ],
    ['another bucket', { Resource: 'arn:aws:s3:::other/*' }, 'Policy has invalid resource'],
    ['another bucket among them', { Resource: [ALL[1], 'arn:aws:s3:::bucket2/*'] }, 'Policy has invalid resource'],
    ['a longer name', { Resource: 'arn:aws:s3:::bucket-2/*' }, 'Policy has invalid resource'],
    ['another service', { Resource: 'arn:aws:sqs:us-east-1:1:bucket' }, 'Policy has invalid resource'],
  ])('%s', (_name, statement, message) => {
    expect(() => check(statement)).toThrow(new PolicyError(message))
  })

  test('of a key policy, too', () => {
    const kms = { service: 'kms' } as const
    check({ Action: 'kms:*', Resource: '*', Condition: { StringEquals: { 'kms:EncryptionContext:team': 'x' } } }, kms)
    expect(() => check({ Action: 'kms:Decript', Resource: '*' }, kms)).toThrow('Policy has invalid action')
    const misspelt = { Action: 'kms:*', Resource: '*', Condition: { StringEquals: { 'kms:ViaServcie': 'x' } } }
    expect(() => check(misspelt, kms)).toThrow('Policy has an invalid condition key')
  })
})

test('every global key that has a value here is one of AWS’s', () => {
  const { keys, families } = GLOBAL_KEYS as KeyTable<never>
  for (const key of [...Object.keys(keys), ...Object.keys(families).map((family) => `${family}x`)]) {
    expect([key, hasKey(GLOBAL_CONDITION_KEYS, key)]).toEqual([key, true])
  }
})
