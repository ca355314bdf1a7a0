/**
 * One S3 operation is one exported record. The router, authorisation, audit event, metric label and the compatibility
 * page are all made from these rows; what we refuse is a row too (`refused`), so no sub-resource falls through.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { EncryptionMethod } from '../core/outcome.ts'
import type { BucketRecord } from '../objects/records.ts'
import type { IncomingBody, Tags } from '../objects/types.ts'
import type { CallContext } from '../policy/call.ts'
import type { AccessNeed } from './access-need.ts'
import type { S3Services } from './services.ts'

export interface Operation {
  /** AWS's name, e.g. 'PutObject'. */
  readonly name: string
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE' | 'OPTIONS'
  /** 'resource': a bucket by its ARN, in S3 Control's API. */
  readonly target: 'service' | 'bucket' | 'object' | 'resource'
  /** Query parameters that must be present (value undefined) or equal (value given), e.g. { uploads: undefined }. */
  readonly query?: Readonly<Record<string, string | undefined>>
  /** A header that must be present, e.g. 'x-amz-copy-source'. */
  readonly header?: string
  /**
   * 'form': its caller and what else a request says in headers come in the fields of a form. 'nobody': nobody is asked who
   * calls. Absent: it stands in the request.
   */
  readonly authenticatedBy?: 'form' | 'nobody'
  /** The IAM action, e.g. 's3:PutObject'; '' where there is none. */
  readonly action: string
  /** All that must be allowed before it runs; absent: `action` on the target. */
  readonly access?: (request: S3Request) => readonly AccessNeed[]
  readonly audit: 'data' | 'management' | 'none'
  readonly readOnly: boolean
  /** How the body is read; `stream` hands over `request.body()`, `document` buffers up to `maxBytes`. */
  readonly body: { readonly kind: 'none' | 'stream' } | { readonly kind: 'document'; readonly maxBytes: number }
  /** What of it there is, where that is not all; for the compatibility page. */
  readonly limits?: string
  /** Absent: the operation is refused by name with NotImplemented. */
  readonly run?: (services: S3Services, request: S3Request) => Promise<S3Reply>
}

export interface S3Request {
  readonly method: string
  readonly operation: Operation
  readonly bucket: string
  /** Decoded UTF-8; '' where the target is not an object. */
  readonly objectKey: string
  /** Decoded query parameters; first value wins. `x-amz-*` signature parameters are included. */
  readonly query: ReadonlyMap<string, string>
  /** As it was sent, for parameters that come several times. */
  readonly rawQuery: string
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly call: CallContext
  readonly requestId: string
  /** For what only `run` can know that it needs, such as the keys named in a body. Throws AccessDenied. */
  authorize(need: AccessNeed): Promise<void>
  /** The verified body as a stream (kind 'stream'). Answers `Expect: 100-continue` when iteration begins. */
  body(): IncomingBody
  /** The whole verified body (kind 'document'), digests already checked. */
  document(): Promise<Uint8Array>
  /** Notes for the outcome, filled in by `run` as it learns them. */
  readonly notes: OutcomeNotes
}

export interface OutcomeNotes {
  versionId?: string | undefined
  encryption?: EncryptionMethod | undefined
  kmsKeyArn?: string | undefined
  bytesIn?: number
  /** Of the whole object, or of the part that was uploaded. */
  objectSize?: number
  /** The target bucket, as it was when access was decided. */
  bucketRecord?: BucketRecord
  /** What a copy reads, and its bucket. */
  copySource?: AccessNeed & { readonly record: BucketRecord }
  /** Those that the target had before it was deleted, where a metrics filter asks for them. */
  tagsBefore?: Tags | undefined
  /** What became of each key of a DeleteObjects, where the bucket's requests are logged. */
  deleted?: readonly DeletedKey[]
}

export interface DeletedKey {
  readonly objectKey: string
  readonly versionId: string | undefined
  readonly status: number
  readonly errorCode: string | undefined
}

export interface S3Reply {
  readonly status: number
  /** Names in AWS's lower-case form. Values are latin-1 strings. Undefined values are left out. */
  readonly headers?: Readonly<Record<string, string | undefined>>
  /** User metadata, written as x-amz-meta-*; kept apart because names repeat the client's spelling. */
  readonly userMetadata?: readonly (readonly [string, string])[]
  readonly body?:
    | string
    | Uint8Array
    | { readonly bytes: number; chunks(): AsyncIterable<Uint8Array>; close(): Promise<void> }
}
