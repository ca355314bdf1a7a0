/**
 * Faults: what rooms below the doors throw when a request cannot be done.
 *
 * The set of codes is closed. Each door maps every code to its own wire error in a table that is total by type, so a
 * new fault does not compile until each door has an answer for it. Nothing here knows of HTTP, XML or JSON.
 * What is absent but normal is `undefined`, not a fault.
 */

/** Every fault code with the facts that its wire error needs. Secrets never stand in a detail. */
export interface FaultDetails {
  // Buckets
  BucketNotFound: { bucket: string }
  BucketNameInvalid: { bucket: string }
  /** The name is taken by another account. */
  BucketAlreadyExists: { bucket: string }
  /** The name is taken by the caller's own account. */
  BucketAlreadyOwned: { bucket: string }
  BucketNotEmpty: { bucket: string }

  // Objects and versions
  ObjectNotFound: { objectKey: string }
  /** No version id was given and the newest version is a delete marker. */
  ObjectDeleted: { objectKey: string; versionId: string }
  VersionNotFound: { objectKey: string; versionId: string }
  /** The named version is a delete marker, which has no content. */
  VersionIsDeleteMarker: { objectKey: string; versionId: string; lastModifiedMs: number }
  /** `condition` is the name of the request header that did not hold. */
  PreconditionFailed: { condition: string }
  /** A concurrent write broke a condition that held at first. */
  ConditionalConflict: { objectKey: string }
  NotModified: { etag: string; lastModifiedMs: number; versionId: string | undefined }
  RangeNotSatisfiable: { range: string; plaintextSize: number }
  PartNumberNotSatisfiable: { partNumber: number; partsCount: number }
  CopyToItself: { objectKey: string }
  CopySourceTooLarge: { maxBytes: number }

  // Multipart uploads
  UploadNotFound: { uploadId: string }
  PartInvalid: { partNumber: number; etag: string; uploadId: string }
  PartOrderInvalid: { uploadId: string }
  PartTooSmall: { partNumber: number; etag: string; proposedBytes: number; minBytes: number }
  PartChecksumMissing: { partNumber: number; algorithm: string }
  UploadSizeMismatch: { expectedBytes: number; actualBytes: number }
  /** Another algorithm than the upload was created with. */
  ChecksumTypeMismatch: { declared: string; given: string }
  /** Another type (FULL_OBJECT, COMPOSITE) than the upload was created with. */
  ChecksumModeMismatch: { type: string }

  // Bodies
  /** The connection ended before the declared length arrived. */
  BodyIncomplete: { expectedBytes: number; actualBytes: number }
  BodyTooLarge: { maxBytes: number; proposedBytes: number }
  /** `digest` is e.g. 'Content-MD5', 'x-amz-content-sha256' or 'CRC32'. */
  DigestMismatch: { digest: string; expected: string; computed: string }
  ChunkSignatureMismatch: Record<string, never>
  /** aws-chunked framing that cannot be read. */
  ChunkMalformed: { reason: string }

  // Server-side encryption
  EncryptionRefused: { refusal: EncryptionRefusal; value?: string }

  // Object Lock
  ObjectLockRefused: { refusal: ObjectLockRefusal }

  // KMS; doors word these with the AWS texts
  KmsKeyNotFound: { message: string }
  KmsKeyDisabled: { keyArn: string }
  /** `state` completes the text `<arn> is …`. */
  KmsKeyStateInvalid: { keyArn: string; state: string }
  KmsKeyUsageInvalid: { message: string }
  KmsCiphertextInvalid: Record<string, never>
  KmsKeyIncorrect: Record<string, never>
  KmsMacInvalid: Record<string, never>
  KmsSignatureInvalid: Record<string, never>
  KmsAliasExists: { aliasArn: string }
  KmsAliasInvalid: { message: string }
  KmsArnInvalid: { message: string }
  KmsMarkerInvalid: Record<string, never>
  KmsGrantIdInvalid: Record<string, never>
  KmsGrantTokenInvalid: Record<string, never>
  KmsReplicaExists: { message: string }
  KmsUnsupported: { message: string }
  KmsImportTokenInvalid: Record<string, never>
  KmsImportTokenExpired: Record<string, never>
  KmsMaterialIncorrect: { message: string }
  /** As KmsKeyStateInvalid, of a key's material. */
  KmsMaterialStateInvalid: { message: string }
  KmsDryRun: Record<string, never>
  KmsValidation: { message: string }
  KmsLimitExceeded: { message: string }
  KmsTagInvalid: { message: string }
  /** The account has made all calls that its quota lets through in this second. */
  KmsThrottled: Record<string, never>

  // Quotas
  /** What Service Quotas refuses; the message is the whole text. */
  QuotaRefused: { refusal: QuotaRefusal; message: string }
  /** The account has as many buckets as it may. */
  BucketLimitReached: Record<string, never>
  /** There are as many metrics as the server keeps; data of known ones is still taken. */
  MetricLimitReached: { maxMetrics: number }

  // Trails
  /** What CloudTrail refuses; the message is the whole text. */
  TrailRefused: { refusal: TrailRefusal; message: string }
  // Alarms
  /** The account has as many alarms in the Region as it may. */
  AlarmLimitReached: { limit: number }

  // Access
  /** `reason` is AWS's, e.g. 'because no identity-based policy allows the s3:GetObject action'; `told`: whether the caller may know it. */
  AccessDenied: { callerArn: string; action: string; resource: string; reason: string; told: boolean }
  /** No such access key, or one that is inactive. */
  CredentialUnknown: { accessKeyId: string }
  /** A session token that is not of this key, or not ours. */
  SessionTokenInvalid: Record<string, never>
  SessionTokenExpired: Record<string, never>
  /** What IAM or STS refuses; the message is the whole text. */
  IdentityRefused: { refusal: IdentityRefusal; message: string }
  /** A policy that cannot be; the message says why. */
  PolicyMalformed: { message: string }

  // The store itself
  /** Stored bytes do not authenticate or are missing. `what` names the place, never its content. */
  Damaged: { what: string }
  /** A commit lost against concurrent ones too often. */
  Contention: { what: string }
  /** A well-formed argument that this store refuses; `argument` is AWS's name for it. */
  ArgumentInvalid: { argument: string; value: string; message: string }
  /** The server has no root key at hand. */
  Sealed: Record<string, never>
}

/** Why a choice of server-side encryption was refused; each is a row of aws's error tables at the S3 door. */
export type EncryptionRefusal =
  | 'SseCWithOtherMethod'
  | 'SseCAlgorithmMissing'
  | 'SseCKeyMissing'
  | 'SseCKeyMd5Missing'
  | 'SseCAlgorithmInvalid'
  | 'SseCKeyInvalid'
  | 'SseCKeyMd5Mismatch'
  | 'SseCRequiresTls'
  | 'SseCBlocked'
  /** Read of an SSE-C object without the customer's key. */
  | 'SseCKeyRequired'
  /** Read of an SSE-C object with another key than it was sealed with. */
  | 'SseCKeyWrong'
  /** SSE-C headers for an object that is not SSE-C. */
  | 'SseCNotApplicable'
  /** SSE-KMS or SSE-S3 request headers on a GET or HEAD. */
  | 'SseHeadersOnRead'
  /** A part of an upload with SSE-C headers where Create had none, or the reverse. */
  | 'UploadEncryptionMismatch'
  | 'UploadKeyMismatch'
  | 'MethodUnknown'
  | 'KmsKeyIdWithoutKms'
  | 'KmsContextInvalid'
  | 'KmsRequiresTls'
  | 'KmsRequiresSigV4'
  /** An object whose encryption cannot be changed: the customer's key is needed for it. */
  | 'SourceNotChangeable'

/** What Object Lock forbids; each is a row of aws's error tables at the S3 door. */
export type ObjectLockRefusal =
  /** The version is under a retention or a legal hold that the call may not pass over. */
  | 'Protected'
  /** The bucket has no Object Lock, and the call is about the lock of a version. */
  | 'NotEnabled'
  /** As NotEnabled, of a write that asks for a lock. */
  | 'WriteNotEnabled'
  /** Object Lock needs versioning. */
  | 'VersioningNotEnabled'
  /** Versioning cannot be suspended under Object Lock. */
  | 'VersioningFixed'
  /** A part of a locked upload came without a checksum. */
  | 'PartPromiseMissing'

/** Service Quotas' own error codes, without `Exception`. */
export type QuotaRefusal = 'NoSuchResource' | 'ResourceAlreadyExists' | 'IllegalArgument' | 'InvalidResourceState'

/** CloudTrail's own error codes, without `Exception`. */
export type TrailRefusal =
  | 'TrailNotFound'
  | 'TrailAlreadyExists'
  | 'MaximumNumberOfTrailsExceeded'
  | 'InvalidTrailName'
  | 'CloudTrailARNInvalid'
  | 'InvalidHomeRegion'
  | 'InvalidEventSelectors'

/** IAM's and STS's own error codes, which both doors answer with. */
export type IdentityRefusal =
  | 'NoSuchEntity'
  | 'EntityAlreadyExists'
  | 'DeleteConflict'
  | 'LimitExceeded'
  | 'InvalidInput'
  | 'UnmodifiableEntity'
  | 'ConcurrentModification'
  | 'PolicyNotAttachable'
  | 'PolicyEvaluation'
  | 'InvalidIdentityToken'
  | 'ExpiredTokenException'
  | 'IDPRejectedClaim'
  | 'IDPCommunicationError'
  | 'PackedPolicyTooLarge'

export type FaultCode = keyof FaultDetails

/** The one error class below the doors. `detail` has the shape that {@link FaultDetails} gives for the code. */
export class Fault<C extends FaultCode = FaultCode> extends Error {
  readonly code: C
  readonly detail: FaultDetails[C]

  constructor(code: C, detail: FaultDetails[C], options?: ErrorOptions) {
    super(code, options)
    this.name = 'Fault'
    this.code = code
    this.detail = detail
  }
}

/** Whether `error` is a {@link Fault}, optionally of one given code. */
export function isFault<C extends FaultCode>(error: unknown, code?: C): error is Fault<C> {
  return error instanceof Fault && (code === undefined || error.code === code)
}
