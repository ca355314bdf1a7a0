/**
 * S3's condition keys as rows: how each follows from a request (Service Authorization Reference, "Condition keys for
 * Amazon S3"). A header that was not sent leaves its key absent.
 */
import type { BucketRecord } from '../objects/records.ts'
import type { Tags } from '../objects/types.ts'
import { type KeyTable, type KeyValue, tagValue } from '../policy/condition-keys.ts'
import type { AccessNeed } from './access-need.ts'
import { dateText } from './object-lock.ts'
import type { S3Request } from './operation.ts'

export interface S3Subject {
  readonly request: S3Request
  readonly need: AccessNeed
  /** Undefined where the access is about no bucket, or about one that is still to be made. */
  readonly bucket: BucketRecord | undefined
  /** Those of the object's version, where the action sees them and there is such a version. */
  readonly existingTags: Tags | undefined
}

type Row = (subject: S3Subject) => KeyValue

const header =
  (name: string): Row =>
  ({ request: { headers } }) =>
    headers[name] === undefined ? undefined : String(headers[name])

const query =
  (name: string): Row =>
  ({ request }) =>
    request.query.get(name)

const headers = (...names: readonly string[]) => Object.fromEntries(names.map((name) => [`s3:${name}`, header(name)]))

/** The family of keys that each need a look at the object. */
export const EXISTING_TAG = 's3:existingobjecttag/'

/** Reads and changes of an object that is there already; a write beside it sees nothing of it. */
const EXISTING_TAG_ACTIONS = new Set(
  [
    ...['GetObject', 'GetObjectVersion', 'GetObjectAttributes', 'GetObjectVersionAttributes'],
    ...['GetObjectAcl', 'GetObjectVersionAcl', 'PutObjectAcl', 'PutObjectVersionAcl'],
    ...['GetObjectTagging', 'GetObjectVersionTagging', 'PutObjectTagging', 'PutObjectVersionTagging'],
    ...['DeleteObjectTagging', 'DeleteObjectVersionTagging', 'UpdateObjectEncryption'],
    ...['GetObjectAnnotation', 'GetObjectVersionAnnotation', 'ListObjectAnnotations', 'ListObjectVersionAnnotations'],
  ].map((name) => `s3:${name}`),
)

export const seesExistingTags = (action: string) => EXISTING_TAG_ACTIONS.has(action)

const tag = (tags: Tags | undefined, key: string) => tags && tagValue(Object.fromEntries(tags), key)
const isOfBucket = ({ need }: S3Subject) => !need.objectKey

const retention = ({ need }: S3Subject) => need.requestLock?.retention

/** In days of which at least a part is left. */
function remainingDays(subject: S3Subject): number | undefined {
  const asked = retention(subject)
  return asked && Math.ceil((asked.retainUntilMs - subject.request.call.atMs) / 86_400_000)
}

const AUTH_TYPES = { header: 'REST-HEADER', query: 'REST-QUERY-STRING', form: 'POST' } as const

export const S3_KEYS: KeyTable<S3Subject> = {
  keys: {
    ...headers(
      'x-amz-acl',
      'x-amz-content-sha256',
      'x-amz-copy-source',
      'x-amz-grant-full-control',
      'x-amz-grant-read',
      'x-amz-grant-read-acp',
      'x-amz-grant-write',
      'x-amz-grant-write-acp',
      'x-amz-metadata-directive',
      'x-amz-object-ownership',
      'x-amz-server-side-encryption-customer-algorithm',
      'x-amz-storage-class',
      'x-amz-website-redirect-location',
    ),
    's3:x-amz-server-side-encryption': ({ request, need: { newEncryption } }) =>
      newEncryption ? newEncryption.method : request.headers['x-amz-server-side-encryption']?.toString(),
    's3:x-amz-server-side-encryption-aws-kms-key-id': ({ request, need: { newEncryption } }) =>
      newEncryption ? newEncryption.keyArn : request.headers['x-amz-server-side-encryption-aws-kms-key-id']?.toString(),
    's3:if-match': header('if-match'),
    's3:if-none-match': header('if-none-match'),
    's3:prefix': query('prefix'),
    's3:delimiter': query('delimiter'),
    's3:max-keys': query('max-keys'),
    's3:annotation-prefix': query('annotation-prefix'),
    's3:max-annotation-results': query('max-annotation-results'),
    's3:object-lock-mode': (subject) => retention(subject)?.mode,
    's3:object-lock-retain-until-date': (subject) => {
      const asked = retention(subject)
      return asked && dateText(asked)
    },
    's3:object-lock-remaining-retention-days': remainingDays,
    's3:object-lock-legal-hold': ({ need }) => need.requestLock?.legalHold,
    's3:versionid': ({ need }) => need.versionId,
    's3:resourceaccount': ({ request, need }) => (need.unmade ? request.call.principal.accountId : undefined),
    's3:tlsversion': ({ request: { call } }) => /^TLSv(\d+(?:\.\d+)?)$/.exec(call.tlsVersion ?? '')?.[1],
    's3:authtype': ({ request: { call } }) => call.signature && AUTH_TYPES[call.signature.by],
    's3:signatureversion': ({ request: { call } }) =>
      call.signature && (call.signature.version === 'v4' ? 'AWS4-HMAC-SHA256' : 'AWS'),
    's3:signatureage': ({ request: { call } }) => call.signature?.ageMs,
    's3:requestobjecttagkeys': ({ need }) => (need.objectKey ? need.requestTags?.map(([key]) => key) : undefined),
    'aws:tagkeys': (subject) =>
      isOfBucket(subject) ? (subject.need.removedTagKeys ?? subject.need.requestTags?.map(([key]) => key)) : undefined,
  },
  families: {
    [EXISTING_TAG]: ({ existingTags }, key) => tag(existingTags, key),
    's3:requestobjecttag/': ({ need }, key) => (need.objectKey ? tag(need.requestTags, key) : undefined),
    'aws:requesttag/': (subject, key) => (isOfBucket(subject) ? tag(subject.need.requestTags, key) : undefined),
    'aws:resourcetag/': (subject, key) => (isOfBucket(subject) ? tag(subject.bucket?.tags, key) : undefined),
  },
}
