/** What the ACL headers of a request want, held against what its bucket takes. */
import { Fault } from '../core/fault.ts'
import { aclsSpeak } from '../objects/ownership.ts'
import type { BucketRecord } from '../objects/records.ts'
import type { RequestedAccess, Tags } from '../objects/types.ts'
import { type Acl, isPublicAcl } from '../policy/acl.ts'
import type { AccessNeed } from './access-need.ts'
import { hasAclHeaders, isHarmless, type RequestedAcl, readAclDocument, readAclHeaders, toAcl } from './acl.ts'
import { S3Error } from './errors.ts'
import { lockOfWrite } from './object-lock.ts'
import type { S3Request } from './operation.ts'
import type { S3Services } from './services.ts'

/** To write an object is one action; to set its tags, to say what its ACL is, and to lock it, are others. */
export function writeNeeds(request: S3Request, tags: Tags): AccessNeed[] {
  const { bucket, objectKey, headers } = request
  const actions = ['s3:PutObject']
  if (tags.length > 0) actions.push('s3:PutObjectTagging')
  if (hasAclHeaders(headers)) actions.push('s3:PutObjectAcl')
  const requestLock = lockOfWrite(request)
  if (requestLock?.retention) actions.push('s3:PutObjectRetention')
  if (requestLock?.legalHold) actions.push('s3:PutObjectLegalHold')
  const requestTags = tags.length === 0 ? undefined : tags
  return actions.map((action) => ({ action, bucket, objectKey, requestTags, requestLock, unwritten: true }))
}

/** Who will own the object that a request writes, and its ACL. Throws S3Error or AccessDenied, now or when it is asked. */
export function requestedAccess({ accounts }: S3Services, request: S3Request): RequestedAccess {
  const requested = readAclHeaders(accounts, request.headers)
  return (bucket) => {
    if (requested) takes(bucket, requested)
    if (!aclsSpeak(bucket)) return undefined
    const canned = requested && 'canned' in requested ? requested.canned : undefined
    const givenAway = bucket.objectOwnership === 'BucketOwnerPreferred' && canned === 'bucket-owner-full-control'
    const owner = givenAway ? bucket.accountId : request.call.principal.accountId
    const acl = requested && toAcl(accounts, requested, { owner, bucketOwner: bucket.accountId })
    if (acl) refusePublic(request, bucket, acl)
    const ownerAccountId = owner === bucket.accountId ? undefined : owner
    return ownerAccountId === undefined && acl === undefined ? undefined : { ownerAccountId, acl }
  }
}

/** What an operation on an ACL was given, by header or as a document. Throws S3Error. */
export async function requestedAcl({ accounts }: S3Services, request: S3Request): Promise<RequestedAcl> {
  const byHeader = readAclHeaders(accounts, request.headers)
  const body = await request.document()
  if (byHeader) {
    if (body.length > 0) throw new S3Error('UnexpectedContent')
    return byHeader
  }
  if (body.length > 0) return readAclDocument(accounts, body)
  throw new S3Error('MissingSecurityHeader', { fields: { MissingHeaderName: 'x-amz-acl' } })
}

/** False where it is harmless and has no effect, for the bucket's owner owns it all. Throws AccessControlListNotSupported. */
export function takes(bucket: BucketRecord, requested: RequestedAcl): boolean {
  if (aclsSpeak(bucket)) return true
  if (!isHarmless(requested)) throw new S3Error('AccessControlListNotSupported')
  return false
}

/** Throws AccessDenied where the bucket blocks public ACLs. */
export function refusePublic({ call, operation, bucket, objectKey }: S3Request, record: BucketRecord, acl: Acl): void {
  if (!record.publicAccessBlock?.blockPublicAcls || !isPublicAcl(acl)) return
  throw new Fault('AccessDenied', {
    callerArn: call.principal.arn,
    action: operation.action,
    resource: objectKey === '' ? `arn:aws:s3:::${bucket}` : `arn:aws:s3:::${bucket}/${objectKey}`,
    reason: 'because public ACLs are prevented by the BlockPublicAcls setting in S3 Block Public Access.',
    told: call.principal.accountId === record.accountId,
  })
}
