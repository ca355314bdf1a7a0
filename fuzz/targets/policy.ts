/** Policy documents of every kind: read, held against requests, explained and looked through for mistakes. */
import { deepStrictEqual } from 'node:assert'
import fc from 'fast-check'
import { decide, type Policies } from '../../packages/server/src/policy/decide.ts'
import { type Policy, type PolicyKind, readPolicy } from '../../packages/server/src/policy/document.ts'
import { nearMisses } from '../../packages/server/src/policy/explain.ts'
import { lintBucketPolicy } from '../../packages/server/src/policy/lint.ts'
import { OPERATORS } from '../../packages/server/src/policy/operators.ts'
import { PolicyError } from '../../packages/server/src/policy/policy-error.ts'
import { isPublic } from '../../packages/server/src/policy/public.ts'
import type { PolicyRequest } from '../../packages/server/src/policy/request.ts'
import { validateResourcePolicy } from '../../packages/server/src/policy/validate.ts'
import { errorsOf, INHERITED, JSON_MARKS, reading, type Target } from '../target.ts'

const refusals = errorsOf(PolicyError)
const KINDS: readonly PolicyKind[] = ['resource', 'identity', 'trust']
const ACCOUNT = '111122223333'
const FACTS = { bucket: 'bucket', ownerAccountId: ACCOUNT, defaultEncryption: 'AES256' } as const

const context = new Map([
  ['aws:securetransport', ['false']],
  ['aws:sourceip', ['192.0.2.7']],
  ['aws:currenttime', ['2026-01-01T00:00:00Z']],
  ['aws:username', ['a'.repeat(64)]],
  ['s3:prefix', [`${'ab'.repeat(100)}c`]],
])
const PRINCIPALS: readonly PolicyRequest['principal'][] = [
  { kind: 'Anonymous' },
  { kind: 'User', accountId: ACCOUNT, arn: `arn:aws:iam::${ACCOUNT}:user/u` },
  { kind: 'Account', accountId: '444455556666', arn: 'arn:aws:iam::444455556666:root' },
]
const RESOURCE = `arn:aws:s3:::bucket/${'a'.repeat(200)}`

export const policy: Target = {
  name: 'policy',
  dictionary: [
    ...JSON_MARKS,
    ...[
      '*',
      '?',
      '${',
      '}',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of policies
      "${aws:username, 'x'}",
      "${ ,'",
      ' ',
      'null',
      '1',
      '{"toString":1}',
    ],
    ...[
      '"Version":"2012-10-17"',
      '"Statement"',
      '"Sid"',
      '"Effect"',
      '"Allow"',
      '"Deny"',
      '"Principal"',
      '"NotPrincipal"',
    ],
    ...[
      '"Action"',
      '"NotAction"',
      '"Resource"',
      '"NotResource"',
      '"Condition"',
      '"AWS"',
      '"s3:*"',
      '"s3:GetObject"',
      '"s3:?et*"',
    ],
    ...[
      '"arn:aws:s3:::bucket/*"',
      '"arn:aws:s3:::*"',
      '"aws:SecureTransport"',
      '"aws:SourceIp"',
      '"::/0"',
      '"0.0.0.0/33"',
    ],
    ...[...Object.keys(OPERATORS), 'Null', 'ForAnyValue:', 'ForAllValues:', 'IfExists', ...INHERITED].map(
      (one) => `"${one}"`,
    ),
    ...['IfExists', 'ForAllValues:', '"2026-01-01T00:00:00Z"', '"s3:prefix"', '*a*a*a*a*'],
  ],
  made: fc
    .record({
      Effect: fc.constantFrom('Allow', 'Deny'),
      Principal: fc.constantFrom('*', { AWS: ACCOUNT }, { AWS: ['*'] }, { Service: 'x' }, { constructor: 'x' }),
      Action: fc.constantFrom('*', 's3:*', ['s3:GetObject', 's3:?utObject*']),
      Resource: fc.array(
        fc.string().map((text) => `arn:aws:s3:::bucket/${text}`),
        { minLength: 1, maxLength: 3 },
      ),
      Condition: fc.dictionary(
        fc.constantFrom(
          ...Object.keys(OPERATORS),
          'ForAnyValue:StringLike',
          'StringLikeIfExists',
          'Null',
          ...INHERITED,
        ),
        fc.dictionary(
          fc.constantFrom(...context.keys(), ...INHERITED),
          fc.oneof(fc.string(), fc.integer(), fc.boolean()),
        ),
        { maxKeys: 3 },
      ),
    })
    .map((statement) => Buffer.from(JSON.stringify({ Version: '2012-10-17', Statement: [statement] }))),
  check(input) {
    const text = Buffer.from(input).toString('utf8')
    for (const kind of KINDS) {
      const read = reading(() => readPolicy(text, kind, 'p'), refusals)
      if ('refused' in read) continue
      const again = readPolicy(JSON.stringify(JSON.parse(text)), kind, 'p')
      for (const principal of PRINCIPALS) {
        const request = { action: 's3:GetObject', resource: RESOURCE, principal, context }
        const decision = verdict(request, policiesOf(kind, read.value))
        deepStrictEqual(verdict(request, policiesOf(kind, again)), decision, 'another decision when written again')
        nearMisses(request, policiesOf(kind, read.value))
      }
      if (kind !== 'resource') continue
      lintBucketPolicy(read.value, FACTS)
      isPublic(read.value)
      reading(() => validateResourcePolicy(JSON.parse(text), { service: 's3', bucket: 'bucket' }), refusals)
      reading(() => validateResourcePolicy(JSON.parse(text), { service: 'kms' }), refusals)
    }
  },
}

function verdict(request: PolicyRequest, policies: Policies) {
  const decision = decide(request, policies)
  return { allowed: decision.allowed, by: 'by' in decision ? decision.by.map(({ statement }) => statement.index) : [] }
}

const policiesOf = (kind: PolicyKind, read: Policy): Policies => ({
  resourceAccount: ACCOUNT,
  resource: kind === 'identity' ? undefined : read,
  identity: kind === 'identity' ? [read] : [],
  boundary: undefined,
  session: undefined,
  resourceMustAllow: false,
})
