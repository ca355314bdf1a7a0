/** The lines of access logs that a request makes: its own, one for each key of a DeleteObjects, and one for a copy's source. */
import type { Exchange } from '../core/exchange.ts'
import type { DecisionFacts, Outcome } from '../core/outcome.ts'
import type { AccessLog } from '../delivery/access-log-entry.ts'
import type { Accounts } from '../identity/accounts.ts'
import type { BucketRecord } from '../objects/records.ts'
import type { Principal } from '../policy/call.ts'
import type { OpenCall } from '../protocols/signed-request.ts'
import { type AccessLogFacts, accessLogLine } from './access-log-line.ts'
import { ownerFacts } from './acl.ts'
import { hostId } from './error-document.ts'
import type { Operation, OutcomeNotes } from './operation.ts'
import type { Target } from './target.ts'

export interface LoggedRequest {
  readonly exchange: Exchange
  readonly target: Target
  readonly operation: Operation | undefined
  /** Undefined where the request was refused before its caller was known. */
  readonly call: OpenCall | undefined
  readonly notes: OutcomeNotes
  readonly outcome: Outcome
}

export function logAccess(log: AccessLog, accounts: Accounts, request: LoggedRequest): void {
  const { target, notes, operation, exchange } = request
  const { bucketRecord, copySource, deleted } = notes
  if (!bucketRecord?.logging && !copySource?.record.logging) return
  const write = (bucket: string, record: BucketRecord | undefined, more: Partial<AccessLogFacts>) => {
    if (!record?.logging) return
    const { canonicalId } = ownerFacts(accounts, record.accountId)
    const line = accessLogLine({ ...factsOf(request), bucketOwnerCanonicalId: canonicalId, bucket, ...more })
    const { accountId: sourceAccount, logging } = record
    log.write({ sourceBucket: bucket, sourceAccount, logging }, exchange.startedAtMs, line)
  }
  for (const { objectKey, versionId, status, errorCode } of deleted ?? []) {
    const about = { operation: 'BATCH.DELETE.OBJECT', objectKey, versionId, status, errorCode }
    write(target.bucket, bucketRecord, { ...about, request: undefined, bytesSent: 0, ...UNTIMED })
  }
  write(target.bucket, bucketRecord, {})
  const copied = operation && COPIES[operation.name]
  if (copied === undefined || copySource?.bucket === undefined) return
  const { objectKey, versionId } = copySource
  const about = { operation: copied, objectKey, versionId, bytesSent: 0, ...UNTIMED }
  write(copySource.bucket, copySource.record, about)
}

/** `REST.` method and resource; the resources have names of their own in access logs. */
export function loggedOperation(operation: Operation | undefined, method: string): string {
  if (!operation) return `REST.${method}.UNKNOWN`
  const copy = operation.name === 'CopyObject' || operation.name === 'UploadPartCopy'
  return `REST.${copy ? 'COPY' : operation.method}.${resourceOf(operation)}`
}

function resourceOf({ name, target, query }: Operation): string {
  const [parameter] = Object.keys(query ?? {})
  return (
    RESOURCES[name] ??
    RESOURCES[parameter ?? ''] ??
    parameter?.replaceAll('-', '_').toUpperCase() ??
    target.toUpperCase()
  )
}

/** By operation, else by sub-resource; all others are called what their sub-resource is. */
const RESOURCES: Readonly<Record<string, string>> = {
  ListObjectsV2: 'BUCKET',
  DeleteObjects: 'MULTI_OBJECT_DELETE',
  UploadPart: 'PART',
  UploadPartCopy: 'PART',
  CompleteMultipartUpload: 'UPLOAD',
  AbortMultipartUpload: 'UPLOAD',
  ListParts: 'UPLOAD',
  GetObjectTagging: 'OBJECT_TAGGING',
  PutObjectTagging: 'OBJECT_TAGGING',
  DeleteObjectTagging: 'OBJECT_TAGGING',
  UpdateObjectEncryption: 'OBJECT_ENCRYPTION',
  OptionsObject: 'PREFLIGHT',
  policy: 'BUCKETPOLICY',
  policyStatus: 'POLICY_STATUS',
  publicAccessBlock: 'PUBLIC_ACCESS_BLOCK',
  ownershipControls: 'OWNERSHIP_CONTROLS',
  versions: 'BUCKETVERSIONS',
  logging: 'LOGGING_STATUS',
  requestPayment: 'REQUEST_PAYMENT',
  attributes: 'OBJECT_ATTRIBUTES',
}

const COPIES: Readonly<Record<string, string>> = {
  CopyObject: 'REST.COPY.OBJECT_GET',
  UploadPartCopy: 'REST.COPY.PART_GET',
}

/** Times are told in the line of the request itself. */
const UNTIMED = { totalMs: undefined, turnAroundMs: undefined }

function factsOf(request: LoggedRequest): Omit<AccessLogFacts, 'bucketOwnerCanonicalId' | 'bucket'> {
  const { exchange, target, operation, call, notes, outcome } = request
  const { method = '', url = '', httpVersion, headers } = exchange.request
  return {
    atMs: exchange.startedAtMs,
    remoteIp: exchange.sourceIp,
    requester: call && requesterOf(call.principal),
    requestId: exchange.requestId,
    operation: loggedOperation(operation, method),
    objectKey: target.objectKey || undefined,
    request: { method, url, httpVersion },
    status: outcome.status,
    errorCode: outcome.errorCode,
    bytesSent: outcome.bytesOut,
    objectSize: notes.objectSize,
    totalMs: outcome.durationMs,
    turnAroundMs: outcome.turnAroundMs,
    referer: headers.referer,
    userAgent: headers['user-agent'],
    versionId: notes.versionId,
    hostId: hostId(exchange.requestId),
    signature: call?.signature,
    tls: exchange.tls,
    host: headers.host,
    aclRequired: call?.decisions.some(isByAclAlone) ?? false,
  }
}

function requesterOf({ named, canonicalId, arn }: Principal): string | undefined {
  if (named.kind === 'Anonymous') return undefined
  return named.kind === 'Account' ? canonicalId : arn
}

const isByAclAlone = ({ decision, by }: DecisionFacts) =>
  decision === 'Allowed' && by.length > 0 && by.every(({ statement }) => /^(bucket|object) ACL, grant /.test(statement))
