/** S3's errors: code, status and text as AWS gives them; and the table from faults to them, total by type. */
import {
  type EncryptionRefusal,
  Fault,
  type FaultCode,
  type FaultDetails,
  isFault,
  type ObjectLockRefusal,
} from '../core/fault.ts'
import { SignatureError } from '../signature/errors.ts'

const ROWS = {
  AccessControlListNotSupported: [400, 'The bucket does not allow ACLs'],
  AccessDenied: [403, 'Access Denied'],
  // The text is AWS's, to the letter.
  AccessForbidden: [
    403,
    "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.",
  ],
  BadDigest: [400, 'The Content-MD5 or checksum value that you specified did not match what the server received.'],
  BadRequest: [400, 'Bad Request'],
  BucketAlreadyExists: [
    409,
    'The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.',
  ],
  BucketAlreadyOwnedByYou: [409, 'Your previous request to create the named bucket succeeded and you already own it.'],
  BucketNotEmpty: [409, 'The bucket you tried to delete is not empty'],
  ConditionalRequestConflict: [
    409,
    'The conditional request cannot succeed due to a conflicting operation against this resource.',
  ],
  EntityTooLarge: [400, 'Your proposed upload exceeds the maximum allowed size'],
  ExpiredToken: [400, 'The provided token has expired.'],
  IllegalLocationConstraintException: [400, 'The specified location constraint is incompatible with this endpoint.'],
  EntityTooSmall: [400, 'Your proposed upload is smaller than the minimum allowed size'],
  IdMismatch: [400, 'Document ID does not match the specified configuration ID.'],
  IncompleteBody: [400, 'You did not provide the number of bytes specified by the Content-Length HTTP header'],
  IncorrectNumberOfFilesInPostRequest: [400, 'POST requires exactly one file upload per request.'],
  InternalError: [500, 'We encountered an internal error. Please try again.'],
  InvalidAccessKeyId: [403, 'The AWS Access Key Id you provided does not exist in our records.'],
  InvalidArgument: [400, 'Invalid Argument'],
  InvalidBucketAclWithBlockPublicAccessError: [
    400,
    'Bucket cannot have public ACLs set with BlockPublicAccess enabled',
  ],
  InvalidBucketAclWithObjectOwnership: [
    400,
    "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
  ],
  InvalidBucketState: [409, 'The request is not valid with the current state of the bucket.'],
  InvalidBucketName: [400, 'The specified bucket is not valid.'],
  InvalidConfigurationId: [400, 'The specified configuration ID is not valid.'],
  InvalidDigest: [400, 'The Content-MD5 you specified was invalid.'],
  InvalidEncryptionAlgorithmError: [400, 'The Encryption request you specified is not valid. Supported value: AES256.'],
  InvalidPolicyDocument: [
    400,
    'The content of the form does not meet the conditions specified in the policy document.',
  ],
  InvalidRange: [416, 'The requested range is not satisfiable'],
  InvalidRequest: [400, 'Invalid Request'],
  InvalidStorageClass: [400, 'The storage class you specified is not valid'],
  InvalidTag: [400, 'The tag provided was not a valid tag.'],
  InvalidTargetBucketForLogging: [400, 'The target bucket for logging does not exist'],
  InvalidToken: [400, 'The provided token is malformed or otherwise invalid.'],
  InvalidURI: [400, "Couldn't parse the specified URI."],
  KeyTooLongError: [400, 'Your key is too long'],
  MalformedACLError: [400, 'The XML you provided was not well-formed or did not validate against our published schema'],
  MalformedPOSTRequest: [400, 'The body of your POST request is not well-formed multipart/form-data.'],
  MalformedPolicy: [400, "Policies must be valid JSON and the first byte must be '{'"],
  MalformedXML: [400, 'The XML you provided was not well-formed or did not validate against our published schema'],
  // The text is AWS's, to the letter.
  MaxPostPreDataLengthExceeded: [400, 'Your POST request fields preceeding the upload file were too large.'],
  MaxMessageLengthExceeded: [400, 'Your request was too big.'],
  MetadataConfigurationNotFound: [404, 'The metadata configuration was not found'],
  MetadataTooLarge: [400, 'Your metadata headers exceed the maximum allowed metadata size'],
  MethodNotAllowed: [405, 'The specified method is not allowed against this resource.'],
  MissingContentLength: [411, 'You must provide the Content-Length HTTP header.'],
  MissingRequestBodyError: [400, 'Request Body is empty'],
  MissingSecurityHeader: [400, 'Your request was missing a required header'],
  NoSuchAnnotation: [404, 'The specified annotation does not exist.'],
  NoSuchBucket: [404, 'The specified bucket does not exist'],
  NoSuchBucketPolicy: [404, 'The bucket policy does not exist'],
  NoSuchCORSConfiguration: [404, 'The CORS configuration does not exist'],
  NoSuchConfiguration: [404, 'The specified configuration does not exist.'],
  NoSuchKey: [404, 'The specified key does not exist.'],
  NoSuchLifecycleConfiguration: [404, 'The lifecycle configuration does not exist'],
  NoSuchObjectLockConfiguration: [404, 'The specified object does not have a ObjectLock configuration'],
  NoSuchPublicAccessBlockConfiguration: [404, 'The public access block configuration was not found'],
  NoSuchTagSet: [404, 'The TagSet does not exist'],
  NoSuchUpload: [
    404,
    'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
  ],
  NoSuchVersion: [404, 'The specified version does not exist.'],
  NoSuchWebsiteConfiguration: [404, 'The specified bucket does not have a website configuration'],
  NotImplemented: [501, 'A header you provided implies functionality that is not implemented'],
  NotModified: [304, 'Not Modified'],
  ObjectLockConfigurationNotFoundError: [404, 'Object Lock configuration does not exist for this bucket'],
  OperationAborted: [
    409,
    'A conflicting conditional operation is currently in progress against this resource. Please try again.',
  ],
  OwnershipControlsNotFoundError: [404, 'The bucket ownership controls were not found'],
  PreconditionFailed: [412, 'At least one of the pre-conditions you specified did not hold'],
  ReplicationConfigurationNotFoundError: [404, 'The replication configuration was not found'],
  RequestTimeTooSkewed: [403, 'The difference between the request time and the current time is too large.'],
  ServiceUnavailable: [503, 'Service is unable to handle request.'],
  SignatureDoesNotMatch: [
    403,
    'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
  ],
  SlowDown: [503, 'Please reduce your request rate.'],
  TooManyBuckets: [400, 'You have attempted to create more buckets than allowed'],
  TooManyConfigurations: [
    400,
    'You are attempting to create a new configuration but have already reached the 1,000-configuration limit.',
  ],
  UnexpectedContent: [400, 'This request does not support content'],
  UnresolvableGrantByEmailAddress: [400, 'The email address you provided does not match any account on record'],
  UserAnnotationNameMustBeSpecified: [400, 'You must specify a user annotation name.'],
  V1APIsNotAllowed: [405, "The V1 API operation isn't available for this account."],
  XAmzContentSHA256Mismatch: [400, "The provided 'x-amz-content-sha256' header does not match what was computed."],
} as const satisfies Record<string, readonly [status: number, message: string]>

export type S3ErrorCode = keyof typeof ROWS

export interface S3ErrorDetails {
  readonly message?: string
  /** Further elements of the error document, in order. */
  readonly fields?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string | undefined>>
}

export class S3Error extends Error {
  readonly code: string
  readonly status: number
  readonly fields: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string | undefined>>

  constructor(code: S3ErrorCode, details: S3ErrorDetails = {}, options?: ErrorOptions) {
    super(details.message ?? ROWS[code][1], options)
    this.name = 'S3Error'
    this.code = code
    this.status = ROWS[code][0]
    this.fields = details.fields ?? {}
    this.headers = details.headers ?? {}
  }

  /** A code that S3 passes on from another service or layer. */
  static foreign(
    code: string,
    status: number,
    message: string,
    fields: Readonly<Record<string, string>> = {},
  ): S3Error {
    const error = new S3Error('InternalError', { message, fields })
    return Object.assign(error, { code, status })
  }
}

/** What goes over the wire for anything that was thrown. What is no S3Error, Fault or SignatureError is our own failure. */
export function toS3Error(error: unknown): S3Error {
  if (error instanceof S3Error) return error
  if (error instanceof SignatureError) return S3Error.foreign(error.code, error.status, error.message, error.fields)
  if (error instanceof Fault) {
    const fault: Fault = error
    const made = (FAULTS[fault.code] as (detail: Fault['detail']) => S3Error)(fault.detail)
    made.cause = error
    return made
  }
  return new S3Error('InternalError', {}, { cause: error })
}

/** Whether the same request might have passed over TLS. */
export const wasRefusedInClear = ({ cause }: S3Error): boolean =>
  isFault(cause, 'EncryptionRefused') && ['SseCRequiresTls', 'KmsRequiresTls'].includes(cause.detail.refusal)

const kms = (name: string, message: string) => S3Error.foreign(`KMS.${name}`, 400, message)

const FAULTS: { readonly [C in FaultCode]: (detail: FaultDetails[C]) => S3Error } = {
  BucketNotFound: ({ bucket }) => new S3Error('NoSuchBucket', { fields: { BucketName: bucket } }),
  BucketNameInvalid: ({ bucket }) => new S3Error('InvalidBucketName', { fields: { BucketName: bucket } }),
  BucketAlreadyExists: ({ bucket }) => new S3Error('BucketAlreadyExists', { fields: { BucketName: bucket } }),
  BucketAlreadyOwned: ({ bucket }) => new S3Error('BucketAlreadyOwnedByYou', { fields: { BucketName: bucket } }),
  BucketNotEmpty: ({ bucket }) => new S3Error('BucketNotEmpty', { fields: { BucketName: bucket } }),
  ObjectNotFound: ({ objectKey }) => new S3Error('NoSuchKey', { fields: { Key: objectKey } }),
  ObjectDeleted: ({ objectKey, versionId }) =>
    new S3Error('NoSuchKey', {
      fields: { Key: objectKey },
      headers: { 'x-amz-delete-marker': 'true', 'x-amz-version-id': versionId },
    }),
  VersionNotFound: ({ objectKey, versionId }) =>
    new S3Error('NoSuchVersion', { fields: { Key: objectKey, VersionId: versionId } }),
  VersionIsDeleteMarker: ({ versionId, lastModifiedMs }) =>
    new S3Error('MethodNotAllowed', {
      fields: { Method: 'GET', ResourceType: 'DeleteMarker' },
      headers: {
        allow: 'DELETE',
        'x-amz-delete-marker': 'true',
        'x-amz-version-id': versionId,
        'last-modified': new Date(lastModifiedMs).toUTCString(),
      },
    }),
  PreconditionFailed: ({ condition }) => new S3Error('PreconditionFailed', { fields: { Condition: condition } }),
  ConditionalConflict: ({ objectKey }) => new S3Error('ConditionalRequestConflict', { fields: { Key: objectKey } }),
  NotModified: ({ etag, lastModifiedMs, versionId }) =>
    new S3Error('NotModified', {
      headers: {
        etag: `"${etag}"`,
        'last-modified': new Date(lastModifiedMs).toUTCString(),
        'x-amz-version-id': versionId === 'null' ? undefined : versionId,
      },
    }),
  RangeNotSatisfiable: ({ range, plaintextSize }) =>
    new S3Error('InvalidRange', {
      fields: { RangeRequested: range, ActualObjectSize: String(plaintextSize) },
      headers: { 'content-range': `bytes */${plaintextSize}` },
    }),
  PartNumberNotSatisfiable: ({ partNumber, partsCount }) =>
    S3Error.foreign('InvalidPartNumber', 416, 'The requested partnumber is not satisfiable', {
      PartNumberRequested: String(partNumber),
      ActualPartCount: String(partsCount),
    }),
  CopyToItself: () =>
    new S3Error('InvalidRequest', {
      message:
        "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    }),
  CopySourceTooLarge: ({ maxBytes }) =>
    new S3Error('InvalidRequest', {
      message: `The specified copy source is larger than the maximum allowable size for a copy source: ${maxBytes}`,
    }),
  UploadNotFound: ({ uploadId }) => new S3Error('NoSuchUpload', { fields: { UploadId: uploadId } }),
  PartInvalid: ({ partNumber, etag, uploadId }) =>
    S3Error.foreign(
      'InvalidPart',
      400,
      "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
      { UploadId: uploadId, PartNumber: String(partNumber), ETag: etag },
    ),
  PartOrderInvalid: ({ uploadId }) =>
    S3Error.foreign(
      'InvalidPartOrder',
      400,
      'The list of parts was not in ascending order. Parts must be ordered by part number.',
      { UploadId: uploadId },
    ),
  PartTooSmall: ({ partNumber, etag, proposedBytes, minBytes }) =>
    new S3Error('EntityTooSmall', {
      fields: {
        ProposedSize: String(proposedBytes),
        MinSizeAllowed: String(minBytes),
        PartNumber: String(partNumber),
        ETag: etag,
      },
    }),
  PartChecksumMissing: ({ partNumber, algorithm }) =>
    new S3Error('InvalidRequest', {
      message: `The upload was created using a ${algorithm.toLowerCase()} checksum. The complete request must include the checksum for each part. It was missing for part ${partNumber} in the request.`,
    }),
  UploadSizeMismatch: ({ expectedBytes, actualBytes }) =>
    new S3Error('InvalidRequest', {
      message: `The provided 'x-amz-mp-object-size' header value ${expectedBytes} does not match what was computed: ${actualBytes}`,
    }),
  ChecksumTypeMismatch: ({ declared, given }) =>
    new S3Error('InvalidRequest', {
      message: `Checksum Type mismatch occurred, expected checksum Type: ${declared.toLowerCase()}, actual checksum Type: ${given.toLowerCase()}`,
    }),
  ChecksumModeMismatch: ({ type }) =>
    new S3Error('InvalidRequest', {
      message: `The upload was created using the ${type} checksum mode. The complete request must use the same checksum mode.`,
    }),
  BodyIncomplete: () => new S3Error('IncompleteBody'),
  BodyTooLarge: ({ maxBytes, proposedBytes }) =>
    new S3Error('EntityTooLarge', {
      fields: { ProposedSize: String(proposedBytes), MaxSizeAllowed: String(maxBytes) },
    }),
  DigestMismatch: ({ digest, expected, computed }) => {
    if (digest === 'x-amz-content-sha256') {
      return new S3Error('XAmzContentSHA256Mismatch', {
        fields: { ClientComputedContentSHA256: expected, S3ComputedContentSHA256: computed },
      })
    }
    if (digest === 'Content-MD5') {
      return new S3Error('BadDigest', {
        message: 'The Content-MD5 you specified did not match what we received.',
        fields: { ExpectedDigest: expected, CalculatedDigest: computed },
      })
    }
    return new S3Error('BadDigest', { message: `The ${digest} you specified did not match the calculated checksum.` })
  },
  ChunkSignatureMismatch: () => new S3Error('SignatureDoesNotMatch'),
  ChunkMalformed: ({ reason }) =>
    new S3Error('InvalidRequest', { message: `The chunked body cannot be read: ${reason}.` }),
  EncryptionRefused: ({ refusal, value }) => ENCRYPTION[refusal](value),
  ObjectLockRefused: ({ refusal }) => OBJECT_LOCK[refusal](),
  KmsKeyNotFound: ({ message }) => kms('NotFoundException', message),
  KmsKeyDisabled: ({ keyArn }) => kms('DisabledException', `${keyArn} is disabled.`),
  KmsKeyStateInvalid: ({ keyArn, state }) => kms('KMSInvalidStateException', `${keyArn} is ${state}.`),
  KmsKeyUsageInvalid: ({ message }) => kms('InvalidKeyUsageException', message),
  KmsMacInvalid: () => kms('KMSInvalidMacException', ''),
  KmsSignatureInvalid: () => kms('KMSInvalidSignatureException', ''),
  KmsCiphertextInvalid: () => kms('InvalidCiphertextException', ''),
  KmsKeyIncorrect: () => kms('IncorrectKeyException', KEY_INCORRECT),
  KmsAliasExists: ({ aliasArn }) => kms('AlreadyExistsException', `An alias with the name ${aliasArn} already exists`),
  KmsAliasInvalid: ({ message }) => kms('InvalidAliasNameException', message),
  KmsArnInvalid: ({ message }) => kms('InvalidArnException', message),
  KmsMarkerInvalid: () => kms('InvalidMarkerException', ''),
  KmsGrantIdInvalid: () => kms('InvalidGrantIdException', 'Invalid grant id'),
  KmsGrantTokenInvalid: () => kms('InvalidGrantTokenException', 'Invalid grant token'),
  KmsReplicaExists: ({ message }) => kms('AlreadyExistsException', message),
  KmsUnsupported: ({ message }) => kms('UnsupportedOperationException', message),
  KmsImportTokenInvalid: () => kms('InvalidImportTokenException', ''),
  KmsImportTokenExpired: () => kms('ExpiredImportTokenException', ''),
  KmsMaterialIncorrect: ({ message }) => kms('IncorrectKeyMaterialException', message),
  KmsMaterialStateInvalid: ({ message }) => kms('KMSInvalidStateException', message),
  KmsDryRun: () => kms('DryRunOperationException', 'The request would have succeeded, but the DryRun option is set.'),
  KmsValidation: ({ message }) => kms('ValidationException', message),
  KmsLimitExceeded: ({ message }) => kms('LimitExceededException', message),
  KmsTagInvalid: ({ message }) => kms('TagException', message),
  KmsThrottled: () =>
    new S3Error('SlowDown', { message: 'Please reduce your request rate for operations involving AWS KMS.' }),
  QuotaRefused: ({ message }) => new S3Error('InvalidRequest', { message }),
  TrailRefused: ({ message }) => new S3Error('InvalidRequest', { message }),
  AlarmLimitReached: () => new S3Error('InvalidRequest'),
  BucketLimitReached: () => new S3Error('TooManyBuckets'),
  MetricLimitReached: () => new S3Error('InternalError'),
  AccessDenied: ({ callerArn, action, resource, reason, told }) => {
    if (!told) return new S3Error('AccessDenied')
    // S3 puts its resources in quotes, the KMS does not.
    const named = action.startsWith('s3:') ? `"${resource}"` : resource
    const message = `User: ${callerArn} is not authorized to perform: ${action} on resource: ${named} ${reason}`
    return new S3Error('AccessDenied', { message })
  },
  CredentialUnknown: ({ accessKeyId }) =>
    new S3Error('InvalidAccessKeyId', { fields: { AWSAccessKeyId: accessKeyId } }),
  SessionTokenInvalid: () => new S3Error('InvalidToken'),
  SessionTokenExpired: () => new S3Error('ExpiredToken'),
  IdentityRefused: ({ message }) => new S3Error('InvalidRequest', { message }),
  PolicyMalformed: ({ message }) => new S3Error('MalformedPolicy', { message }),
  Damaged: () => new S3Error('InternalError'),
  Contention: () => new S3Error('OperationAborted'),
  ArgumentInvalid: ({ argument, value, message }) =>
    new S3Error('InvalidArgument', { message, fields: { ArgumentName: argument, ArgumentValue: value } }),
  Sealed: () => new S3Error('ServiceUnavailable'),
}

const KEY_INCORRECT = 'The key ID in the request does not identify a CMK that can perform this operation.'
/** AWS names this header whatever header was wrong. */
const SSE = 'x-amz-server-side-encryption'

const argument = (message: string, value?: string) =>
  new S3Error('InvalidArgument', {
    message,
    fields: { ArgumentName: SSE, ...(value !== undefined && { ArgumentValue: value }) },
  })
const customer = (rest: string) => `Requests specifying Server Side Encryption with Customer provided keys must ${rest}`

const OBJECT_LOCK: { readonly [R in ObjectLockRefusal]: () => S3Error } = {
  Protected: () => new S3Error('AccessDenied', { message: 'Access Denied because object protected by object lock.' }),
  NotEnabled: () => new S3Error('InvalidRequest', { message: 'Bucket is missing Object Lock Configuration' }),
  WriteNotEnabled: () => new S3Error('InvalidRequest', { message: 'Bucket is missing ObjectLockConfiguration' }),
  VersioningNotEnabled: () =>
    new S3Error('InvalidBucketState', {
      message: "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
    }),
  VersioningFixed: () =>
    new S3Error('InvalidBucketState', {
      message: 'An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.',
    }),
  PartPromiseMissing: () =>
    new S3Error('InvalidRequest', {
      message:
        'Content-MD5 OR x-amz-checksum- HTTP header is required for Put Part requests with Object Lock parameters',
    }),
}

const ENCRYPTION: { readonly [R in EncryptionRefusal]: (value: string | undefined) => S3Error } = {
  SseCWithOtherMethod: (value) =>
    argument(
      'Server Side Encryption with Customer provided key is incompatible with the encryption method specified',
      value,
    ),
  SseCAlgorithmMissing: () => argument(customer('provide a valid encryption algorithm.')),
  SseCKeyMissing: () => argument(customer('provide an appropriate secret key.')),
  SseCKeyMd5Missing: () => argument(customer('provide the client calculated MD5 of the secret key.')),
  SseCAlgorithmInvalid: (value) =>
    new S3Error('InvalidEncryptionAlgorithmError', { fields: { ArgumentName: SSE, ArgumentValue: value ?? '' } }),
  SseCKeyInvalid: () => argument('The secret key was invalid for the specified algorithm.'),
  SseCKeyMd5Mismatch: () => argument('The calculated MD5 hash of the key did not match the hash that was provided.'),
  SseCRequiresTls: () => new S3Error('InvalidRequest', { message: customer('be made over a secure connection.') }),
  SseCBlocked: () =>
    new S3Error('AccessDenied', { message: 'This bucket blocks Server Side Encryption with Customer provided keys.' }),
  SseCKeyRequired: () =>
    new S3Error('InvalidRequest', {
      message:
        'The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.',
    }),
  SseCKeyWrong: () => new S3Error('AccessDenied', { message: customer('provide the correct secret key.') }),
  SseCNotApplicable: () =>
    new S3Error('InvalidRequest', { message: 'The encryption parameters are not applicable to this object.' }),
  SseHeadersOnRead: () => new S3Error('BadRequest'),
  UploadEncryptionMismatch: () =>
    new S3Error('InvalidRequest', {
      message:
        'The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.',
    }),
  UploadKeyMismatch: () =>
    new S3Error('InvalidRequest', {
      message: 'The provided encryption parameters did not match the ones used originally.',
    }),
  MethodUnknown: (value) => argument('The encryption method specified is not supported', value),
  KmsKeyIdWithoutKms: () =>
    argument(
      'Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms',
    ),
  KmsContextInvalid: () =>
    new S3Error('InvalidArgument', {
      message:
        'The header x-amz-server-side-encryption-context shall be Base64-encoded UTF-8 string holding JSON which represents a string-string map',
    }),
  KmsRequiresTls: () =>
    new S3Error('InvalidArgument', {
      message:
        'Requests specifying Server Side Encryption with AWS KMS managed keys must be made over a secure connection.',
    }),
  SourceNotChangeable: () =>
    new S3Error('InvalidRequest', {
      message:
        "The UpdateObjectEncryption operation doesn't support source objects with the encryption type DSSE-KMS or SSE-C. Only source objects encrypted with SSE-S3 or SSE-KMS are supported.",
    }),
  KmsRequiresSigV4: () =>
    new S3Error('InvalidArgument', {
      message: 'Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4.',
      fields: { ArgumentName: 'Authorization', ArgumentValue: 'null' },
    }),
}
