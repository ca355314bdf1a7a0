/** Policies of forms as rows: the conditions, the fields, and what S3 answers. */
import { describe, expect, test } from 'vitest'
import { checkPostPolicy, readPostPolicy } from './post-policy.ts'

const NOW = Date.parse('2026-01-01T12:00:00Z')
const LATER = '2026-01-01T13:00:00Z'
const encode = (document: unknown) => Buffer.from(JSON.stringify(document)).toString('base64')
const policyOf = (conditions: unknown) => readPostPolicy(encode({ expiration: LATER, conditions }))

function submit(conditions: unknown, fields: Readonly<Record<string, string>>, nowMs = NOW): string {
  const values = new Map(Object.entries(fields).map(([name, value]) => [name.toLowerCase(), value]))
  try {
    checkPostPolicy(policyOf(conditions), { fields: values.set('bucket', 'b'), names: Object.keys(fields), nowMs })
    return 'allowed'
  } catch (error) {
    const { code, message } = error as { code: string; message: string }
    return `${code} ${message}`
  }
}
const failed = (condition: string) => `AccessDenied Invalid according to Policy: Policy Condition failed: ${condition}`
const extra = (names: string) => `AccessDenied Invalid according to Policy: Extra input fields: ${names}`
const ANY_KEY = ['starts-with', '$key', '']

describe('a form against its policy', () => {
  test.each<[string, unknown, Record<string, string>, string]>([
    ['an exact object', [{ key: 'k' }], { key: 'k' }, 'allowed'],
    ['an exact object that differs', [{ key: 'x' }], { key: 'k' }, failed('["eq", "$key", "x"]')],
    ['eq', [['eq', '$key', 'k']], { key: 'k' }, 'allowed'],
    ['eq that differs', [['eq', '$key', 'x']], { key: 'k' }, failed('["eq", "$key", "x"]')],
    ['eq in another case of the value', [['eq', '$key', 'K']], { key: 'k' }, failed('["eq", "$key", "K"]')],
    ['eq of a longer value', [['eq', '$key', 'k']], { key: 'k2' }, failed('["eq", "$key", "k"]')],
    ['eq without the $', [['eq', 'key', 'k']], { key: 'k' }, failed('["eq", "key", "k"]')],
    ['starts-with', [['starts-with', '$key', 'user/']], { key: 'user/a' }, 'allowed'],
    [
      'starts-with that does not',
      [['starts-with', '$key', 'user/']],
      { key: 'a' },
      failed('["starts-with", "$key", "user/"]'),
    ],
    ['starts-with the empty text', [ANY_KEY], { key: 'anything' }, 'allowed'],
    [
      'starts-with of an absent field',
      [ANY_KEY, ['starts-with', '$acl', '']],
      { key: 'k' },
      failed('["starts-with", "$acl", ""]'),
    ],
    ['an empty field', [ANY_KEY, ['starts-with', '$x-amz-meta-a', '']], { key: 'k', 'x-amz-meta-a': '' }, 'allowed'],
    [
      'an exact condition on an absent field',
      [ANY_KEY, { acl: 'private' }],
      { key: 'k' },
      failed('["eq", "$acl", "private"]'),
    ],
    [
      'names in any case',
      [['StArTs-WiTh', '$KeY', 'f'], { aCl: 'private' }],
      { kEy: 'foo', AcL: 'private' },
      'allowed',
    ],
    ['the bucket of the request', [ANY_KEY, { bucket: 'b' }], { key: 'k' }, 'allowed'],
    ['another bucket', [ANY_KEY, { bucket: 'c' }], { key: 'k' }, failed('["eq", "$bucket", "c"]')],
    [
      'another bucket, claimed by a field',
      [ANY_KEY, { bucket: 'c' }],
      { key: 'k', bucket: 'c' },
      failed('["eq", "$bucket", "c"]'),
    ],
    [
      'two conditions on one field',
      [
        ['starts-with', '$key', 'a'],
        ['eq', '$key', 'ab'],
      ],
      { key: 'ab' },
      'allowed',
    ],
    [
      'two of which one fails',
      [
        ['starts-with', '$key', 'a'],
        ['eq', '$key', 'ac'],
      ],
      { key: 'ab' },
      failed('["eq", "$key", "ac"]'),
    ],
    ['quotes in a failed one', [{ key: 'a"b' }], { key: 'k' }, failed('["eq", "$key", "a\\"b"]')],
    [
      'a list of content types',
      [ANY_KEY, ['starts-with', '$Content-Type', 'image/']],
      { key: 'k', 'Content-Type': 'image/jpg,image/png' },
      'allowed',
    ],
    [
      'a list with another type',
      [ANY_KEY, ['starts-with', '$Content-Type', 'image/']],
      { key: 'k', 'Content-Type': 'image/jpg,text/plain' },
      failed('["starts-with", "$Content-Type", "image/"]'),
    ],
    ['a comma in another field', [['starts-with', '$key', 'a']], { key: 'a,b' }, 'allowed'],
    ['an uncovered field', [ANY_KEY], { key: 'k', 'x-amz-meta-y': '1' }, extra('x-amz-meta-y')],
    ['an uncovered key', [{ bucket: 'b' }], { key: 'k' }, extra('key')],
    [
      'uncovered fields',
      [ANY_KEY],
      { key: 'k', Filename: 'f', 'x-amz-tagging': 'a=b' },
      extra('Filename, x-amz-tagging'),
    ],
    [
      'an uncovered method of encryption',
      [ANY_KEY],
      { key: 'k', 'x-amz-server-side-encryption': 'AES256' },
      extra('x-amz-server-side-encryption'),
    ],
    ['an uncovered checksum', [ANY_KEY], { key: 'k', 'x-amz-checksum-sha256': '' }, extra('x-amz-checksum-sha256')],
    ['an uncovered status', [ANY_KEY], { key: 'k', success_action_status: '201' }, extra('success_action_status')],
    [
      'uncovered credentials',
      [ANY_KEY],
      { key: 'k', 'x-amz-credential': '', 'x-amz-date': '' },
      extra('x-amz-credential, x-amz-date'),
    ],
    [
      'what proves the policy',
      [ANY_KEY],
      { key: 'k', Policy: '', 'X-Amz-Signature': '', Signature: '', AWSAccessKeyId: '' },
      'allowed',
    ],
    ['fields to be ignored', [ANY_KEY], { key: 'k', 'x-ignore-a': '1' }, 'allowed'],
    ['no condition at all', [], {}, 'allowed'],
  ])('%s', (_name, conditions, fields, expected) => {
    expect(submit(conditions, fields)).toBe(expected)
  })

  test('it holds up to the last millisecond', () => {
    expect(submit([ANY_KEY], { key: 'k' }, Date.parse(LATER))).toBe('allowed')
    expect(submit([ANY_KEY], { key: 'k' }, Date.parse(LATER) + 1)).toBe(
      'AccessDenied Invalid according to Policy: Policy expired.',
    )
  })
})

describe('a range of lengths', () => {
  test.each<[string, unknown[], object | undefined]>([
    ['none', [], undefined],
    ['numbers', [['content-length-range', 5, 10]], { min: 5, max: 10 }],
    ['texts of numbers', [['content-length-range', '5', '10']], { min: 5, max: 10 }],
    [
      'several are all held to',
      [
        ['content-length-range', 0, 9],
        ['content-length-range', 4, 20],
      ],
      { min: 4, max: 9 },
    ],
  ])('%s', (_name, conditions, expected) => {
    expect(policyOf(conditions).contentLength).toEqual(expected)
  })
})

describe('what is no policy', () => {
  const READ: [string, unknown, string][] = [
    ['text', 'x', 'Invalid JSON.'],
    ['a list', [], 'Invalid JSON.'],
    ['no expiration', { conditions: [] }, 'Policy missing expiration.'],
    ['no conditions', { expiration: LATER }, 'Policy missing conditions.'],
    [
      'conditions that are no list',
      { expiration: LATER, conditions: {} },
      "Invalid 'conditions' value: must be a List.",
    ],
    ['names in capitals', { expiration: LATER, CONDITIONS: [] }, "Unexpected: 'conditions'"],
    ['a bucket policy', { Statement: [] }, "Unexpected: 'statement'"],
    [
      'an offset',
      { expiration: '2026-01-01T13:00:00+02:00', conditions: [] },
      "Invalid 'expiration' value: '2026-01-01T13:00:00+02:00'",
    ],
    ['no time', { expiration: '2026-01-01', conditions: [] }, "Invalid 'expiration' value: '2026-01-01'"],
    [
      'a day that is none',
      { expiration: '2026-13-01T00:00:00Z', conditions: [] },
      "Invalid 'expiration' value: '2026-13-01T00:00:00Z'",
    ],
  ]
  const CONDITIONS: [string, unknown, string][] = [
    [
      'two properties',
      { a: '1', b: '2' },
      'Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.',
    ],
    ['no property', {}, 'Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.'],
    ['a number as value', { a: 1 }, 'Invalid Simple-Condition: value must be a string.'],
    ['an empty list', [], 'Invalid Condition: missing operation identifier.'],
    ['another operation', ['ends-with', '$key', 'x'], "Invalid Condition: unknown operation 'ends-with'."],
    ['an operand too few', ['content-length-range', 0], 'Invalid content-length-range: wrong number of arguments.'],
    ['an operand too many', ['eq', '$key', 'a', 'b'], 'Invalid eq: wrong number of arguments.'],
    ['a negative length', ['content-length-range', -1, 0], 'Invalid JSON.'],
    ['half a byte', ['content-length-range', 0, 0.5], 'Invalid JSON.'],
    ['a text', 'eq', 'Invalid condition: must be a List or Object.'],
  ]
  test.each([
    ...READ,
    ...CONDITIONS.map(([name, one, message]) => [name, { expiration: LATER, conditions: [one] }, message] as const),
  ])('%s', (_name, document, message) => {
    const error = expect.objectContaining({ code: 'InvalidPolicyDocument', message: `Invalid Policy: ${message}` })
    expect(() => readPostPolicy(encode(document))).toThrow(error)
  })

  test('no JSON, and no UTF-8', () => {
    for (const bytes of [Buffer.from('{'), Buffer.from([0x22, 0xff, 0x22])]) {
      expect(() => readPostPolicy(bytes.toString('base64'))).toThrow('Invalid Policy: Invalid JSON.')
    }
  })

  test('a range of no numbers is a condition that fails', () => {
    expect(submit([['content-length-range', 'test', '10']], {})).toBe(failed('["content-length-range", "test", "10"]'))
  })
})
