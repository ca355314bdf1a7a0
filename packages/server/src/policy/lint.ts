/**
 * What a bucket policy that is valid may still get wrong: warnings, never refusals. And whether a policy leaves plain HTTP
 * open, which AWS Config asks as `s3-bucket-ssl-requests-only`. Pure.
 */

import { prepare } from './decide.ts'
import type { Policy, Statement } from './document.ts'
import { isPublic } from './public.ts'

export interface LintWarning {
  readonly code: LintCode
  /** Sid or place of the statement; absent where it is about the whole policy. */
  readonly statement?: string
  readonly message: string
  /** What to write instead. */
  readonly advice: string
}

export type LintCode = keyof typeof RULES

/** What a rule may know of the bucket. */
export interface BucketFacts {
  readonly bucket: string
  readonly ownerAccountId: string
  /** Algorithm of the bucket's default encryption. */
  readonly defaultEncryption: 'AES256' | 'aws:kms' | 'aws:kms:dsse'
}

type Finding = { readonly statement?: Statement; readonly message: string; readonly advice: string }
type Rule = (policy: Policy, facts: BucketFacts) => readonly Finding[]

export function lintBucketPolicy(policy: Policy, facts: BucketFacts): readonly LintWarning[] {
  return (Object.entries(RULES) as [LintCode, Rule][]).flatMap(([code, rule]) =>
    rule(policy, facts).map(({ statement, ...rest }) => ({
      code,
      ...(statement && { statement: statement.sid ?? `#${statement.index + 1}` }),
      ...rest,
    })),
  )
}

/** Whether a request over plain HTTP may get past the policy: unless its statements deny all of them to everybody. */
export function allowsHttp(policy: Policy | undefined, bucket: string): boolean {
  const closing = policy?.statements.filter(isHttpsOnly) ?? []
  return !samplesOf(bucket).every((resource) =>
    SAMPLE_ACTIONS.every((action) => {
      const request = prepare({ action, resource, ...ANY })
      return closing.some((statement) => statement.matchesResource(request) && statement.matchesAction(request))
    }),
  )
}

// ---- Rules -----------------------------------------------------------------------------------------------------------

const RULES = {
  'https-only-incomplete': (policy, { bucket }) => {
    if (!allowsHttp(policy, bucket)) return []
    return policy.statements.filter(isHttpsOnly).flatMap((statement) => {
      const covers = coversResources(statement, bucket)
      if (covers.all && coversAllActions(statement)) return []
      const left = covers.all ? 'some actions' : covers.bucket ? 'its objects' : 'the bucket itself'
      return [
        {
          statement,
          message: `The statement denies plain HTTP, but leaves ${left} open to it.`,
          advice: `Use Action "s3:*" and Resource ["arn:aws:s3:::${bucket}", "arn:aws:s3:::${bucket}/*"].`,
        },
      ]
    })
  },

  'tls-version-without-https': (policy, { bucket }) =>
    policy.statements
      .filter(
        (statement) => statement.effect === 'Deny' && hasKey(statement, 's3:tlsversion') && allowsHttp(policy, bucket),
      )
      .map((statement) => ({
        statement,
        message:
          'Over plain HTTP s3:TlsVersion is absent, so this statement lets through what has no encryption at all.',
        advice: 'Add a Deny with "Bool": {"aws:SecureTransport": "false"}.',
      })),

  'encryption-required-blocks-default': (policy, { defaultEncryption }) =>
    policy.statements
      .filter((statement) => statement.effect === 'Deny' && isDenyWithoutHeader(statement))
      .map((statement) => ({
        statement,
        message: `Uploads that leave the method to the bucket's default (${defaultEncryption}) send no header and are denied too.`,
        advice: `Add "Null": {"${METHOD}": "false"} to the statement, so that only another method that is named is denied.`,
      })),

  'locks-out-owner': (policy, facts) =>
    policy.statements
      .filter((statement) => statement.effect === 'Deny' && deniesOwner(statement, facts))
      .map((statement) => ({
        statement,
        message:
          'The statement denies the bucket to its own account; its root user can only still read, put and delete the policy.',
        advice: 'Except the owner by NotPrincipal or by a condition on aws:PrincipalArn.',
      })),

  'key-id-not-an-arn': (policy) =>
    policy.statements.flatMap((statement) =>
      statement.conditions
        .filter(({ key, values }) => key.toLowerCase() === KMS_KEY && values.some((value) => !/^arn:|^\*$/.test(value)))
        .map(() => ({
          statement,
          message: `${KMS_KEY} is compared with a key id or alias; it holds what the request sent, which may be written in other ways.`,
          advice: 'Compare with the full ARN of the key, and let writers send it.',
        })),
    ),

  'empty-set-allows': (policy) =>
    policy.statements
      .filter(
        ({ effect, conditions }) =>
          effect === 'Allow' && conditions.some(({ operator }) => operator.startsWith('ForAllValues:')),
      )
      .map((statement) => ({
        statement,
        message: 'ForAllValues holds where the key is absent, so the statement allows requests without it.',
        advice: 'Add "Null": {"<the key>": "false"}.',
      })),

  'allow-by-exception': (policy) =>
    policy.statements
      .filter(({ effect, exceptions }) => effect === 'Allow' && exceptions.length > 0)
      .map((statement) => ({
        statement,
        message: `The statement allows all but what ${statement.exceptions.join(' and ')} names, also what is not thought of yet.`,
        advice: 'Name what is allowed.',
      })),

  'variables-in-2008': (policy) =>
    policy.version === '2008-10-17' && policy.mentions('${')
      ? [{ message: 'In version 2008-10-17 variables are plain text.', advice: 'Write "Version": "2012-10-17".' }]
      : [],

  public: (policy) =>
    isPublic(policy)
      ? [
          {
            message: 'The policy allows something to everybody.',
            advice: 'Name accounts or users, or narrow it by aws:SourceIp, aws:SourceVpc or aws:PrincipalOrgID.',
          },
        ]
      : [],
} as const satisfies Record<string, Rule>

// ---- What statements say ---------------------------------------------------------------------------------------------

const KMS_KEY = 's3:x-amz-server-side-encryption-aws-kms-key-id'
const METHOD = 's3:x-amz-server-side-encryption'

const hasKey = ({ conditions }: Statement, name: string) => conditions.some(({ key }) => key.toLowerCase() === name)

/** A Deny to everybody for no other reason than plain HTTP. */
function isHttpsOnly({ effect, names, conditions, exceptions }: Statement): boolean {
  const [only, ...others] = conditions
  if (effect !== 'Deny' || names !== 'anybody' || exceptions.includes('NotPrincipal') || !only || others.length > 0) {
    return false
  }
  const { operator, key, values } = only
  if (key.toLowerCase() !== 'aws:securetransport') return false
  const texts = values.map((value) => value.toLowerCase())
  if (/^(Bool|StringEquals|StringEqualsIgnoreCase|StringLike)(IfExists)?$/.test(operator))
    return texts.includes('false')
  return (
    /^String(NotEquals|NotEqualsIgnoreCase|NotLike)(IfExists)?$/.test(operator) &&
    texts.every((text) => text === 'true')
  )
}

const NO_CONTEXT = { get: () => undefined, has: () => false }
const ANY = { principal: { kind: 'Anonymous' }, context: NO_CONTEXT } as const

/** The bucket itself, and two keys that have nothing in common, which stand for all. */
const samplesOf = (bucket: string) => {
  const arn = `arn:aws:s3:::${bucket}`
  return [arn, `${arn}/a`, `${arn}/z/${'0'.repeat(30)}`]
}

/** Reads, writes and listings stand for all: a policy that names each action one by one is not told apart. */
const SAMPLE_ACTIONS = [
  ...['s3:GetObject', 's3:PutObject', 's3:DeleteObject', 's3:ListBucket', 's3:PutBucketPolicy', 's3:AnyOther'],
]

function coversResources(statement: Statement, bucket: string) {
  const [ofBucket, ...ofObjects] = samplesOf(bucket).map((resource) =>
    statement.matchesResource(prepare({ action: 's3:*', resource, ...ANY })),
  )
  return { bucket: ofBucket, all: ofBucket && ofObjects.every(Boolean) }
}

const coversAllActions = (statement: Statement) =>
  SAMPLE_ACTIONS.every((action) => statement.matchesAction(prepare({ action, resource: 'arn:aws:s3:::b', ...ANY })))

/** Denies an upload for want of the header: by Null, by a negated operator, or by IfExists, which hold where there is no key. */
function isDenyWithoutHeader(statement: Statement): boolean {
  if (!statement.matchesAction(prepare({ action: 's3:PutObject', resource: '*', ...ANY }))) return false
  const onMethod = statement.conditions.filter(({ key }) => key.toLowerCase() === METHOD)
  return onMethod.length > 0 && onMethod.every(({ holds }) => holds(NO_CONTEXT))
}

function deniesOwner(statement: Statement, { bucket, ownerAccountId }: BucketFacts): boolean {
  if (statement.conditions.length > 0 || !coversResources(statement, bucket).all || !coversAllActions(statement))
    return false
  const arn = `arn:aws:iam::${ownerAccountId}:root`
  return statement.principals?.({ kind: 'Account', accountId: ownerAccountId, arn }) !== undefined
}
