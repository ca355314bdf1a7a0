/** What the audit trail is told of a request to S3 besides its outcome, made only when a record is written. */
import type { IncomingHttpHeaders } from 'node:http'
import { s3Resources } from '../audit/s3-resources.ts'
import type { Exchange } from '../core/exchange.ts'
import type { AuditFacts } from '../core/outcome.ts'
import type { OpenCall } from '../protocols/signed-request.ts'
import {
  type AuditedRequest,
  additionalEventData,
  EVENT_NAMES,
  readShape,
  requestParameters,
  responseElements,
} from './audited-request.ts'
import { hostId } from './error-document.ts'
import type { Operation, OutcomeNotes, S3Reply } from './operation.ts'
import type { Target } from './target.ts'

/** What the door has learnt of the request on its way. */
export interface Learnt {
  readonly target: Target
  readonly operation: Operation | undefined
  readonly call: OpenCall | undefined
  readonly query: ReadonlyMap<string, string>
  readonly headers: IncomingHttpHeaders
  readonly document: Uint8Array | undefined
  readonly reply: S3Reply | undefined
  readonly notes: OutcomeNotes
}

export function auditFacts({ requestId, tls }: Exchange, learnt: Learnt, bytesOut: number): AuditFacts {
  const { operation, target, notes, call, query, headers, document, reply } = learnt
  const request: AuditedRequest = { operation, ...target, query, headers, document }
  const isManagement = operation?.audit === 'management'
  return {
    category: isManagement ? 'Management' : 'Data',
    eventName: EVENT_NAMES[operation?.name ?? ''],
    requestParameters: () => requestParameters(request),
    responseElements: () => (operation?.readOnly ? null : responseElements(reply)),
    additionalEventData: () =>
      additionalEventData(request, {
        requestId,
        signature: call?.signature,
        cipher: tls?.cipher,
        bytesIn: notes.bytesIn ?? 0,
        bytesOut,
        encryption: notes.encryption,
      }),
    resources: () => s3Resources(target.bucket, target.objectKey, notes.bucketRecord?.accountId),
    shape: () => readShape(request, notes.bucketRecord?.accountId),
    hostId: () => hostId(requestId),
    usedBucketKey: notes.kmsKeyArn !== undefined && call?.kept.length === 0 && USING_KEYS.has(operation?.name ?? ''),
  }
}

/** The operations that need an object's data key. */
const USING_KEYS: ReadonlySet<string> = new Set([
  'GetObject',
  'PutObject',
  'PostObject',
  'CopyObject',
  'CreateMultipartUpload',
  'UploadPart',
  'UploadPartCopy',
])
