/** What the audit trail tells of a request to S3 (CloudTrail user guide, "Amazon S3 CloudTrail events"). */
import type { IncomingHttpHeaders } from 'node:http'
import { sseApplied } from '../audit/sse-applied.ts'
import { parseJson } from '../core/json.ts'
import type { EncryptionMethod } from '../core/outcome.ts'
import { hostId } from './error-document.ts'
import type { Operation, S3Reply } from './operation.ts'
import { readXml, type XmlElement } from './xml-reader.ts'

export interface AuditedRequest {
  readonly operation: Operation | undefined
  readonly bucket: string
  readonly objectKey: string
  readonly query: ReadonlyMap<string, string>
  readonly headers: IncomingHttpHeaders
  /** A configuration that was sent. */
  readonly document: Uint8Array | undefined
}

/** CloudTrail's name of an event, where it is not the operation's. */
export const EVENT_NAMES: Readonly<Record<string, string>> = {
  ListObjectsV2: 'ListObjects',
  GetPublicAccessBlock: 'GetBucketPublicAccessBlock',
  PutPublicAccessBlock: 'PutBucketPublicAccessBlock',
  DeletePublicAccessBlock: 'DeleteBucketPublicAccessBlock',
  GetObjectLockConfiguration: 'GetBucketObjectLockConfiguration',
  PutObjectLockConfiguration: 'PutBucketObjectLockConfiguration',
  GetBucketLifecycleConfiguration: 'GetBucketLifecycle',
  PutBucketLifecycleConfiguration: 'PutBucketLifecycle',
  GetBucketNotificationConfiguration: 'GetBucketNotification',
  PutBucketNotificationConfiguration: 'PutBucketNotification',
  GetBucketAccelerateConfiguration: 'GetAccelerateConfiguration',
  PutBucketAccelerateConfiguration: 'PutAccelerateConfiguration',
  // A list has the name of what it lists.
  ListBucketAnalyticsConfigurations: 'GetBucketAnalyticsConfiguration',
  ListBucketIntelligentTieringConfigurations: 'GetBucketIntelligentTieringConfiguration',
  ListBucketInventoryConfigurations: 'GetBucketInventoryConfiguration',
  ListBucketMetricsConfigurations: 'GetBucketMetricsConfiguration',
}

export function requestParameters(request: AuditedRequest): Record<string, unknown> {
  const { operation, bucket, objectKey, query, headers, document } = request
  const told: Record<string, unknown> = {}
  if (bucket !== '') told.bucketName = bucket
  if (headers.host !== undefined) told.Host = headers.host
  if (objectKey !== '') told.key = objectKey
  for (const [name, value] of query) if (!isSecretParameter(name)) told[name] = value
  for (const name in headers) if (isTold(name)) told[name] = headers[name]
  if (document && document.length > 0 && operation?.audit === 'management')
    Object.assign(told, documentMembers(document))
  return told
}

/**
 * What a record of a read tells besides what varies (`AuditFacts.shape`); undefined of other requests, of which more does.
 * Reads are what most servers do most.
 */
export function readShape(
  { operation, objectKey, query, headers }: AuditedRequest,
  bucketAccountId: string | undefined,
): string | undefined {
  if (objectKey === '' || !READS.has(operation?.name ?? '')) return undefined
  let shape = `${bucketAccountId}\n`
  for (const [name, value] of query) {
    // What the SDKs put there to tell the operation.
    if (name !== 'x-id') return undefined
    shape += `${name}=${value}\n`
  }
  for (const name in headers) if (isTold(name)) shape += `${name}:${headers[name]}\n`
  return shape
}

/** What a write is answered with. */
export function responseElements(reply: S3Reply | undefined): Record<string, string> | null {
  const told: Record<string, string> = {}
  for (const [name, value] of Object.entries(reply?.headers ?? {})) {
    if (value !== undefined && REPLY_HEADERS.has(name)) told[name] = value
  }
  return Object.keys(told).length === 0 ? null : told
}

export interface Transfer {
  readonly requestId: string
  readonly signature: { readonly version: string; readonly by: string } | undefined
  readonly cipher: string | undefined
  readonly bytesIn: number
  readonly bytesOut: number
  readonly encryption: EncryptionMethod | undefined
}

/** Made for every request, so field by field: spreads cost several times as much. */
export function additionalEventData(request: AuditedRequest, transfer: Transfer): Record<string, unknown> {
  const { signature, cipher, encryption } = transfer
  const told: Record<string, unknown> = {}
  if (signature) told.SignatureVersion = signature.version === 'v4' ? 'SigV4' : 'SigV2'
  if (cipher !== undefined) told.CipherSuite = cipher
  told.bytesTransferredIn = transfer.bytesIn
  if (encryption) told.SSEApplied = sseApplied(encryption, isByDefault(request, encryption))
  if (signature) told.AuthenticationMethod = AUTHENTICATION_METHODS[signature.by]
  told['x-amz-id-2'] = hostId(transfer.requestId)
  told.bytesTransferredOut = transfer.bytesOut
  return told
}

/** Whether a write did not ask for its method, and took the bucket's. */
function isByDefault({ operation, headers }: AuditedRequest, encryption: EncryptionMethod): boolean {
  const asked = headers['x-amz-server-side-encryption'] !== undefined
  return !asked && encryption !== 'SSE-C' && CHOOSING.has(operation?.name ?? '')
}

/** XML as an object: names of elements, with lists where one comes more than once; or the JSON that it is. */
function documentMembers(document: Uint8Array): Record<string, unknown> {
  const text = Buffer.from(document).toString('utf8')
  if (text.trimStart().startsWith('{')) return { bucketPolicy: parsedOrText(text) }
  try {
    const root = readXml(document)
    return { [root.name]: membersOf(root) }
  } catch {
    // What is no XML has been refused, and the event says so.
    return {}
  }
}

function parsedOrText(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    return text
  }
}

function membersOf({ children, text }: XmlElement): unknown {
  if (children.length === 0) return text
  const members = new Map<string, unknown[]>()
  for (const child of children) {
    const values = members.get(child.name)
    if (values) values.push(membersOf(child))
    else members.set(child.name, [membersOf(child)])
  }
  return Object.fromEntries([...members].map(([name, values]) => [name, values.length === 1 ? values[0] : values]))
}

const READS: ReadonlySet<string> = new Set(['GetObject', 'HeadObject'])

const isSecretParameter = (name: string) => /signature|security-token|customer-key|^AWSAccessKeyId$/i.test(name)

/**
 * Headers are named one by one, so that none tells what it must not: a customer's key, its MD5, a session token, metadata.
 * AWS tells the MD5; here it is kept nowhere, since a weak key can be tried against it.
 */
const isTold = (name: string) =>
  name.startsWith('x-amz-') && (TOLD_HEADERS.has(name) || name.startsWith('x-amz-grant-'))
const TOLD_HEADERS: ReadonlySet<string> = new Set([
  'x-amz-acl',
  'x-amz-bucket-object-lock-enabled',
  'x-amz-bypass-governance-retention',
  'x-amz-checksum-algorithm',
  'x-amz-checksum-mode',
  'x-amz-copy-source',
  'x-amz-copy-source-range',
  'x-amz-copy-source-server-side-encryption-customer-algorithm',
  'x-amz-expected-bucket-owner',
  'x-amz-metadata-directive',
  'x-amz-object-lock-legal-hold',
  'x-amz-object-lock-mode',
  'x-amz-object-lock-retain-until-date',
  'x-amz-object-ownership',
  'x-amz-request-payer',
  'x-amz-sdk-checksum-algorithm',
  'x-amz-server-side-encryption',
  'x-amz-server-side-encryption-aws-kms-key-id',
  'x-amz-server-side-encryption-bucket-key-enabled',
  'x-amz-server-side-encryption-customer-algorithm',
  'x-amz-source-expected-bucket-owner',
  'x-amz-storage-class',
  'x-amz-tagging-directive',
  'x-amz-website-redirect-location',
])

const REPLY_HEADERS: ReadonlySet<string> = new Set([
  'x-amz-copy-source-version-id',
  'x-amz-delete-marker',
  'x-amz-server-side-encryption',
  'x-amz-server-side-encryption-aws-kms-key-id',
  'x-amz-server-side-encryption-bucket-key-enabled',
  'x-amz-server-side-encryption-customer-algorithm',
  'x-amz-version-id',
])

const AUTHENTICATION_METHODS: Readonly<Record<string, string>> = {
  header: 'AuthHeader',
  query: 'QueryString',
  form: 'HtmlForm',
}
/** The operations that choose how an object is sealed. */
const CHOOSING: ReadonlySet<string> = new Set(['PutObject', 'PostObject', 'CopyObject', 'CreateMultipartUpload'])
