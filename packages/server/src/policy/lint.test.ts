import { describe, expect, test } from 'vitest'
import { compilePolicy } from './document.ts'
import { allowsHttp, type LintCode, lintBucketPolicy } from './lint.ts'

const BUCKET = 'arn:aws:s3:::b'
const ALL = [BUCKET, `${BUCKET}/*`]
const facts = { bucket: 'b', ownerAccountId: '111111111111', defaultEncryption: 'aws:kms' } as const
const HTTPS_ONLY = {
  Sid: 'HttpsOnly',
  Effect: 'Deny',
  Principal: '*',
  Action: 's3:*',
  Resource: ALL,
  Condition: { Bool: { 'aws:SecureTransport': 'false' } },
}
const policy = (statements: object[], version = '2012-10-17') =>
  compilePolicy({ Version: version, Statement: statements }, 'resource', 'bucket policy of b')
const insecure = (...condition: [string, unknown]) => ({
  Condition: { [condition[0]]: { 'aws:SecureTransport': condition[1] } },
})

describe('whether plain HTTP is left open', () => {
  test.each<[string, object, boolean]>([
    ['the statement of the user guide', {}, false],
    ['a boolean', insecure('Bool', false), false],
    ['in any case', { Action: 'S3:*', Condition: { Bool: { 'AWS:securetransport': 'FALSE' } } }, false],
    ['everybody as AWS principals', { Principal: { AWS: '*' } }, false],
    ['every action, every resource', { Action: '*', Resource: '*' }, false],
    ['BoolIfExists', insecure('BoolIfExists', 'false'), false],
    ['as a text', insecure('StringEquals', 'false'), false],
    ['not true', insecure('StringNotEquals', 'true'), false],
    ['by exception of nothing that matters', { Resource: undefined, NotResource: 'arn:aws:s3:::other/*' }, false],
    ['a pattern for both', { Resource: `${BUCKET}*` }, false],
    ['an Allow of HTTPS', { Effect: 'Allow', ...insecure('Bool', 'true') }, true],
    ['a Deny of HTTPS', insecure('Bool', 'true'), true],
    ['objects only', { Resource: `${BUCKET}/*` }, true],
    ['the bucket only', { Resource: BUCKET }, true],
    ['a folder', { Resource: [BUCKET, `${BUCKET}/folder/*`] }, true],
    ['reads only', { Action: 's3:Get*' }, true],
    ['all but one action', { Action: undefined, NotAction: 's3:GetObject' }, true],
    ['one account', { Principal: { AWS: '222222222222' } }, true],
    ['all but one account', { Principal: undefined, NotPrincipal: { AWS: '222222222222' } }, true],
    [
      'a further condition',
      { Condition: { ...HTTPS_ONLY.Condition, IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } } },
      true,
    ],
    ['Null', { Condition: { Null: { 'aws:SecureTransport': 'false' } } }, true],
  ])('%s', (_name, more, expected) => {
    expect(allowsHttp(policy([{ ...HTTPS_ONLY, ...more }]), 'b')).toBe(expected)
  })

  test('one statement for the bucket and one for its objects', () => {
    const both = [
      { ...HTTPS_ONLY, Sid: 'A', Resource: BUCKET },
      { ...HTTPS_ONLY, Sid: 'B', Resource: `${BUCKET}/*` },
    ]
    expect(allowsHttp(policy(both), 'b')).toBe(false)
    expect(lintBucketPolicy(policy(both), facts)).toEqual([])
  })

  test('no policy', () => expect(allowsHttp(undefined, 'b')).toBe(true))
})

describe('warnings', () => {
  const deny = { Effect: 'Deny', Principal: '*', Action: 's3:PutObject', Resource: `${BUCKET}/*` }
  const allow = { Effect: 'Allow', Principal: { AWS: '222222222222' }, Action: 's3:GetObject', Resource: `${BUCKET}/*` }
  const encryption = (operator: string, value = 'aws:kms') => ({
    ...deny,
    Condition: { [operator]: { 's3:x-amz-server-side-encryption': value } },
  })
  const tls = { ...deny, Action: 's3:*', Resource: ALL, Condition: { NumericLessThan: { 's3:TlsVersion': '1.3' } } }
  const keyId = (value: string) => ({
    ...deny,
    Condition: { StringNotEquals: { 's3:x-amz-server-side-encryption-aws-kms-key-id': value } },
  })
  test.each<[string, object[], LintCode[]]>([
    ['nothing to say', [HTTPS_ONLY], []],
    ['HTTPS only, objects forgotten', [{ ...HTTPS_ONLY, Resource: BUCKET }], ['https-only-incomplete']],
    ['HTTPS only, the bucket forgotten', [{ ...HTTPS_ONLY, Resource: `${BUCKET}/*` }], ['https-only-incomplete']],
    ['HTTPS only for some actions', [{ ...HTTPS_ONLY, Action: 's3:Get*' }], ['https-only-incomplete']],
    ['a TLS version alone', [tls], ['tls-version-without-https']],
    ['a TLS version with HTTPS', [tls, HTTPS_ONLY], []],
    [
      'encryption required by a negated operator',
      [encryption('StringNotEquals')],
      ['encryption-required-blocks-default'],
    ],
    ['encryption required by Null', [encryption('Null', 'true')], ['encryption-required-blocks-default']],
    [
      'encryption required by IfExists',
      [encryption('StringNotEqualsIfExists')],
      ['encryption-required-blocks-default'],
    ],
    [
      'encryption required where a method is named',
      [
        {
          ...deny,
          Condition: { ...encryption('Null', 'false').Condition, ...encryption('StringNotEquals').Condition },
        },
      ],
      [],
    ],
    ['everybody denied everything', [{ ...HTTPS_ONLY, Condition: undefined }], ['locks-out-owner']],
    [
      'everybody but the owner',
      [
        {
          ...HTTPS_ONLY,
          Condition: undefined,
          Principal: undefined,
          NotPrincipal: { AWS: 'arn:aws:iam::111111111111:root' },
        },
      ],
      [],
    ],
    ['a bare key id', [keyId('1234abcd-12ab-34cd-56ef-1234567890ab')], ['key-id-not-an-arn']],
    ['a key ARN', [keyId('arn:aws:kms:us-east-1:1:key/k')], []],
    [
      'ForAllValues in an Allow',
      [{ ...allow, Condition: { 'ForAllValues:StringEquals': { 'aws:TagKeys': 'a' } } }],
      ['empty-set-allows'],
    ],
    ['NotAction in an Allow', [{ ...allow, Action: undefined, NotAction: 's3:DeleteObject' }], ['allow-by-exception']],
    [
      'NotPrincipal in an Allow',
      [{ ...allow, Principal: undefined, NotPrincipal: { AWS: '222222222222' } }],
      ['allow-by-exception', 'public'],
    ],
    ['public', [{ ...allow, Principal: '*' }], ['public']],
  ])('%s', (_name, statements, codes) => {
    expect(lintBucketPolicy(policy(statements), facts).map(({ code }) => code)).toEqual(codes)
  })

  test('a variable in a document of 2008', () => {
    const statements = [{ ...allow, Resource: `${BUCKET}/\${aws:username}/*` }]
    expect(lintBucketPolicy(policy(statements, '2008-10-17'), facts)).toMatchObject([{ code: 'variables-in-2008' }])
    expect(lintBucketPolicy(policy(statements), facts)).toEqual([])
  })

  test('a warning names its statement and says what to write', () => {
    const [warning] = lintBucketPolicy(policy([{ ...HTTPS_ONLY, Resource: BUCKET }]), facts)
    expect(warning).toMatchObject({ statement: 'HttpsOnly', message: expect.stringContaining('its objects') })
    expect(warning!.advice).toContain('"arn:aws:s3:::b/*"')
  })
})
