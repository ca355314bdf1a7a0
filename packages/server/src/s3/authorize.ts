/** Whether a call may do a thing to a bucket or an object: the caller's policies and the bucket's, asked together. */
import { isFault } from '../core/fault.ts'
import { isOwnersWayOut, OWNERS_WAY_OUT } from '../objects/bucket-policy.ts'
import { aclsSpeak } from '../objects/ownership.ts'
import type { BucketRecord } from '../objects/records.ts'
import { bucketSide, objectSide, type ResourceSide } from '../objects/resource-side.ts'
import type { Tags } from '../objects/types.ts'
import type { Access } from '../policy/access.ts'
import { OBJECT_ACL_ACTIONS } from '../policy/acl.ts'
import { authorize, decisionFacts, denied } from '../policy/authorize.ts'
import { keyValue } from '../policy/condition-keys.ts'
import type { Policy } from '../policy/document.ts'
import type { OpenCall } from '../protocols/signed-request.ts'
import type { AccessNeed } from './access-need.ts'
import { EXISTING_TAG, S3_KEYS, type S3Subject, seesExistingTags } from './condition-keys.ts'
import { readCopySource } from './copy-source.ts'
import type { S3Request } from './operation.ts'
import type { S3Services } from './services.ts'

/** Opens the bucket to the call where the need is allowed. Throws BucketNotFound or AccessDenied. */
export async function requireAccess(services: S3Services, request: S3Request, need: AccessNeed): Promise<void> {
  const { call } = request
  const { access, decision, record } = await decideAccess(services, request, need)
  call.decided(decisionFacts(call, access, decision))
  if (!decision.allowed) throw denied(call, access, decision)
  if (record) (call as OpenCall).openedBuckets.add(record.bucketId)
}

/** Whether an error tells of something absent to a caller who may not list the bucket and so must not learn it. */
export async function hidesAbsence(services: S3Services, request: S3Request, error: unknown): Promise<boolean> {
  if (!isFault(error, 'ObjectNotFound') && !isFault(error, 'ObjectDeleted') && !isFault(error, 'VersionNotFound')) {
    return false
  }
  // What a copy does not find is in its source.
  const source = request.headers['x-amz-copy-source']
  const bucket = source === undefined ? request.bucket : readCopySource(String(source)).bucket
  return !(await hasAccess(services, request, { action: 's3:ListBucket', bucket }))
}

/** As `requireAccess`, for what the request can do without. */
export async function hasAccess(services: S3Services, request: S3Request, need: AccessNeed): Promise<boolean> {
  const { access, decision } = await decideAccess(services, request, need)
  request.call.decided(decisionFacts(request.call, access, decision))
  return decision.allowed
}

async function decideAccess(services: S3Services, request: S3Request, need: AccessNeed) {
  const { call } = request
  const record = need.bucket === undefined || need.unmade ? undefined : await services.buckets.find(need.bucket)
  if (record) noteBucket(request, need, record)
  const side = record && (await resourceSide(services, request, need, record))
  const existingTags = record && (await tagsToDecideBy(services, request, need, record, side?.policy))
  const subject: S3Subject = { request, need, bucket: record, existingTags }
  const access: Access = {
    action: need.action,
    resource: resourceOf(need),
    resourceAccount: side?.accountId ?? call.principal.accountId,
    resourcePolicy: side?.policy,
    keys: (key) => keyValue(S3_KEYS, subject, key),
  }
  const decision = isOwnersWayOut(call.principal, access) ? OWNERS_WAY_OUT : authorize(call, access)
  return { access, decision, record }
}

/** What is to be observed of the request depends on what its buckets have configured. */
function noteBucket({ bucket, notes }: S3Request, need: AccessNeed, record: BucketRecord): void {
  if (need.bucket === bucket) notes.bucketRecord = record
  if (need.isCopySource) notes.copySource = { ...need, record }
}

/** The object's tags cost a read, so they are looked up only where a policy of the two sides speaks of them. */
async function tagsToDecideBy(
  { tagging }: S3Services,
  { call }: S3Request,
  { action, objectKey, versionId }: AccessNeed,
  record: BucketRecord,
  bucketPolicy: Policy | undefined,
): Promise<Tags | undefined> {
  if (!objectKey || !seesExistingTags(action)) return undefined
  const { identity, boundary, session } = call.principal.permissions
  const policies = [...identity, boundary, ...(session ?? []), bucketPolicy]
  if (!policies.some((policy) => policy?.mentions(EXISTING_TAG))) return undefined
  return tagging.find(record, objectKey, versionId)
}

/** An object is read only where its ACL may say something that the bucket does not. */
async function resourceSide(
  { acls }: S3Services,
  { call: { principal } }: S3Request,
  need: AccessNeed,
  record: BucketRecord,
): Promise<ResourceSide> {
  const { action, objectKey, versionId, unwritten } = need
  const bucket = need.bucket!
  if (!objectKey || unwritten || !OBJECT_ACL_ACTIONS.has(action) || !aclsSpeak(record)) {
    return bucketSide(principal, record, bucket)
  }
  return objectSide(principal, record, bucket, (await acls.find(record, objectKey, versionId)) ?? {})
}

function resourceOf({ bucket, objectKey }: AccessNeed): string {
  if (bucket === undefined) return 'arn:aws:s3:::*'
  return objectKey === undefined || objectKey === '' ? `arn:aws:s3:::${bucket}` : `arn:aws:s3:::${bucket}/${objectKey}`
}
