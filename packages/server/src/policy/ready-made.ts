/** Statements for bucket policies, ready made (AWS S3 user guide, "Examples of Amazon S3 bucket policies"). Pure. */

export interface PolicyStatement {
  readonly Sid: string
  readonly Effect: 'Deny'
  readonly Principal: '*'
  readonly Action: string
  readonly Resource: string | readonly string[]
  readonly Condition: Readonly<Record<string, Readonly<Record<string, string>>>>
}

type Document = Readonly<Record<string, unknown>>

const METHOD = 's3:x-amz-server-side-encryption'
const arn = (bucket: string) => `arn:aws:s3:::${bucket}`
const deny = (
  Sid: string,
  Action: string,
  Resource: PolicyStatement['Resource'],
  Condition: PolicyStatement['Condition'],
) => ({ Sid, Effect: 'Deny', Principal: '*', Action, Resource, Condition }) as const

/** Every request over plain HTTP is denied to everybody. */
export const httpsOnly = (bucket: string): readonly PolicyStatement[] => [
  deny('RestrictToTLSRequestsOnly', 's3:*', [arn(bucket), `${arn(bucket)}/*`], {
    Bool: { 'aws:SecureTransport': 'false' },
  }),
]

/** TLS of at least `version`, e.g. `1.3`. Plain HTTP has no version, so it is denied beside it. */
export const minTls = (bucket: string, version: string): readonly PolicyStatement[] => [
  ...httpsOnly(bucket),
  deny('RequireTlsVersion', 's3:*', [arn(bucket), `${arn(bucket)}/*`], {
    NumericLessThan: { 's3:TlsVersion': version },
  }),
]

/**
 * Uploads that name another method than SSE-KMS or another key than `keyArn` are denied. What names none gets the
 * bucket's default, so the default must be SSE-KMS too. Null keeps a header that is absent from being unequal.
 */
export const requireKms = (bucket: string, keyArn: string | undefined): readonly PolicyStatement[] => [
  deny('RequireKmsEncryption', 's3:PutObject', `${arn(bucket)}/*`, {
    Null: { [METHOD]: 'false' },
    StringNotLike: { [METHOD]: 'aws:kms*' },
  }),
  ...denySseC(bucket),
  ...(keyArn === undefined
    ? []
    : [
        // Who names the method and no key gets AWS's own one, which is another.
        deny('RequireKmsKey', 's3:PutObject', `${arn(bucket)}/*`, {
          Null: { [METHOD]: 'false' },
          ArnNotEqualsIfExists: { [`${METHOD}-aws-kms-key-id`]: keyArn },
        }),
      ]),
]

/** Uploads under a key of the customer are denied. */
export const denySseC = (bucket: string): readonly PolicyStatement[] => [
  deny('DenySseC', 's3:PutObject', `${arn(bucket)}/*`, {
    Null: { [`${METHOD}-customer-algorithm`]: 'false' },
  }),
]

/** The document with the statements in it, in the place of those that have their Sid. */
export function withStatements(document: Document | undefined, statements: readonly PolicyStatement[]): Document {
  const before = [(document?.Statement ?? []) as Document | readonly Document[]].flat()
  const sids = new Set<unknown>(statements.map(({ Sid }) => Sid))
  return {
    ...(document ?? { Version: '2012-10-17' }),
    Statement: [...before.filter(({ Sid }) => !sids.has(Sid)), ...statements],
  }
}
