/** Puts the files of trails where they belong: into a bucket here, as CloudTrail, or into one of another S3. */
import { type Fault, isFault } from '../core/fault.ts'
import type { UserMetadata } from '../objects/types.ts'
import type { Trail } from '../trails/trail-records.ts'
import { putAsService, type ServiceCallServices, type ServicePut } from './service-call.ts'

export interface TrailFile {
  readonly objectKey: string
  readonly body: Uint8Array
  readonly userMetadata?: UserMetadata
}

/** A bucket of another S3, which has allowed its own credentials to write. */
export interface RemoteBucket {
  /** Throws RemoteRefusal where that S3 says no. */
  put(objectKey: string, body: Uint8Array, headers: Readonly<Record<string, string>>): Promise<void>
}

/** What another S3 says; `code` is its error code. */
export class RemoteRefusal extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.name = 'RemoteRefusal'
    this.code = code
  }
}

export class TrailBuckets {
  readonly #services: ServiceCallServices
  readonly #remote: ReadonlyMap<string, RemoteBucket>

  constructor(services: ServiceCallServices, remote: ReadonlyMap<string, RemoteBucket>) {
    this.#services = services
    this.#remote = remote
  }

  /** The same file may be put again. Throws what the bucket, its policy and its keys say. */
  async put(trail: Destined, file: TrailFile): Promise<void> {
    const remote = this.#remote.get(trail.s3BucketName)
    const { objectKey, body, userMetadata = [] } = file
    if (!remote) {
      await putAsService(this.#services, { ...logFilePut(trail, objectKey), body, userMetadata })
      return
    }
    const metadata = Object.fromEntries(userMetadata.map(([name, value]) => [`x-amz-meta-${name}`, value]))
    await remote.put(objectKey, body, {
      ...HEADERS,
      ...metadata,
      'x-amz-acl': 'bucket-owner-full-control',
      'x-amz-server-side-encryption': 'AES256',
    })
  }
}

type Destined = Pick<Trail, 'arn' | 'accountId' | 's3BucketName' | 'kmsKeyId'>

/** How CloudTrail writes a file of a trail. */
export const logFilePut = (trail: Destined, key: string): Omit<ServicePut, 'body'> => ({
  service: 'cloudtrail.amazonaws.com',
  sourceArn: trail.arn,
  sourceAccount: trail.accountId,
  bucket: trail.s3BucketName,
  key,
  headers: HEADERS,
  cannedAcl: 'bucket-owner-full-control',
  protection:
    trail.kmsKeyId === undefined
      ? { kind: 'AES256' }
      : {
          kind: 'aws:kms',
          keyId: trail.kmsKeyId,
          encryptionContext: { 'aws:cloudtrail:arn': trail.arn },
          bucketKeyEnabled: undefined,
        },
})

/** What GetTrailStatus says of a failure: S3's error code. */
export function deliveryErrorCode(error: unknown): string {
  if (error instanceof RemoteRefusal) return error.code
  if (isFault(error)) {
    const fault: Fault = error
    return S3_CODES[fault.code] ?? fault.code
  }
  return 'InternalError'
}

const S3_CODES: Readonly<Partial<Record<Fault['code'], string>>> = {
  BucketNotFound: 'NoSuchBucket',
  KmsKeyNotFound: 'KMS.NotFoundException',
  KmsKeyDisabled: 'KMS.DisabledException',
  KmsKeyStateInvalid: 'KMS.KMSInvalidStateException',
  KmsThrottled: 'SlowDown',
}

const HEADERS = { 'content-type': 'application/json', 'content-encoding': 'gzip' } as const
