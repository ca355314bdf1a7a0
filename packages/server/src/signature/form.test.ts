import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { readFormClaim, verifyForm } from './form.ts'

/** AWS's example ("Example: Browser-Based Upload using HTTP POST"), its policy with CRLF as its text says. */
const POLICY = Buffer.from(
  [
    '{ "expiration": "2015-12-30T12:00:00.000Z",',
    '  "conditions": [',
    '    {"bucket": "sigv4examplebucket"},',
    '    ["starts-with", "$key", "user/user1/"],',
    '    {"acl": "public-read"},',
    '    {"success_action_redirect": "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html"},',
    '    ["starts-with", "$Content-Type", "image/"],',
    '    {"x-amz-meta-uuid": "14365123651274"},',
    '    {"x-amz-server-side-encryption": "AES256"},',
    '    ["starts-with", "$x-amz-meta-tag", ""],',
    '',
    '    {"x-amz-credential": "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request"},',
    '    {"x-amz-algorithm": "AWS4-HMAC-SHA256"},',
    '    {"x-amz-date": "20151229T000000Z" }',
    '  ]',
    '}',
  ].join('\r\n'),
).toString('base64')
const FIELDS = {
  policy: POLICY,
  'x-amz-algorithm': 'AWS4-HMAC-SHA256',
  'x-amz-credential': 'AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request',
  'x-amz-date': '20151229T000000Z',
  'x-amz-signature': '8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e',
}
const options = { secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', region: 'us-east-1' }
const check = (fields: Readonly<Record<string, string | undefined>>) => {
  const given = Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const claim = readFormClaim(new Map(given))
  if (claim) verifyForm(claim, options)
  return claim
}

test("AWS's example", () => {
  expect(check(FIELDS)).toMatchObject({ version: 'v4', by: 'form', accessKeyId: 'AKIAIOSFODNN7EXAMPLE' })
})

test('Signature Version 2: HMAC-SHA1 of the policy', () => {
  const signature = createHmac('sha1', options.secretAccessKey).update(POLICY).digest('base64')
  expect(check({ policy: POLICY, awsaccesskeyid: 'AKIA', signature })).toMatchObject({ version: 'v2', by: 'form' })
  expect(() => check({ policy: `${POLICY}A`, awsaccesskeyid: 'AKIA', signature })).toThrow(
    expect.objectContaining({ code: 'SignatureDoesNotMatch' }),
  )
})

test('no signature at all is an anonymous form, also with a policy', () => {
  expect(check({ key: 'k' })).toBeUndefined()
  expect(check({ key: 'k', policy: POLICY })).toBeUndefined()
})

const missing = (name: string) =>
  `Bucket POST must contain a field named '${name}'.  If it is specified, please check the order of the fields.`
test.each<[string, object, string, string]>([
  ['no signature', { 'x-amz-signature': undefined }, 'InvalidArgument', missing('X-Amz-Signature')],
  ['no policy', { policy: undefined }, 'InvalidArgument', missing('Policy')],
  [
    'the first that is missing',
    { 'x-amz-algorithm': undefined, 'x-amz-credential': undefined },
    'InvalidArgument',
    missing('X-Amz-Algorithm'),
  ],
  [
    'no access key of version 2',
    { ...Object.fromEntries(Object.keys(FIELDS).map((name) => [name, undefined])), policy: 'e30=', signature: 's' },
    'InvalidArgument',
    missing('AWSAccessKeyId'),
  ],
  [
    'another algorithm',
    { 'x-amz-algorithm': 'AWS4-HMAC-SHA1' },
    'InvalidArgument',
    'X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"',
  ],
  [
    'a date that is none',
    { 'x-amz-date': '2015-12-29' },
    'InvalidArgument',
    'X-Amz-Date must be formated via ISO8601 Long format',
  ],
  [
    'another region',
    { 'x-amz-credential': 'A/20151229/eu-west-1/s3/aws4_request' },
    'InvalidArgument',
    "the region 'eu-west-1' is wrong; expecting 'us-east-1'",
  ],
  [
    'another service',
    { 'x-amz-credential': 'A/20151229/us-east-1/kms/aws4_request' },
    'InvalidArgument',
    'incorrect service "kms". This endpoint belongs to "s3".',
  ],
  [
    'another day',
    { 'x-amz-date': '20151230T000000Z' },
    'InvalidArgument',
    'Invalid credential date "20151229". This date is not the same as X-Amz-Date: "20151230".',
  ],
  [
    'a policy cut short',
    { policy: POLICY.slice(0, -2) },
    'SignatureDoesNotMatch',
    'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
  ],
])('%s', (_name, change, code, message) => {
  expect(() => check({ ...FIELDS, ...change })).toThrow(expect.objectContaining({ code, message }))
})
