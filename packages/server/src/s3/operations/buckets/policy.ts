/** The bucket policy: put, get, delete, and whether it is public. */
import { bucketPolicy } from '../../../objects/bucket-policy.ts'
import type { BucketRecord } from '../../../objects/records.ts'
import type { Policy } from '../../../policy/document.ts'
import { lintBucketPolicy } from '../../../policy/lint.ts'
import { isPublic } from '../../../policy/public.ts'
import { document, element } from '../../../protocols/xml-writer.ts'
import { S3Error } from '../../errors.ts'
import type { Operation, S3Request } from '../../operation.ts'
import { checkBucketPolicy } from '../../policy-checks.ts'

const base = { target: 'bucket', query: { policy: undefined }, audit: 'management' } as const
const MAX_POLICY_BYTES = 20 * 1024

export const getBucketPolicy: Operation = {
  ...base,
  name: 'GetBucketPolicy',
  method: 'GET',
  action: 's3:GetBucketPolicy',
  readOnly: true,
  body: { kind: 'none' },
  async run({ buckets }, request) {
    const { value } = await buckets.require(request.call, request.bucket)
    requireOwn(request, value)
    return { status: 200, headers: { 'content-type': 'application/json' }, body: policyOf(value, request.bucket) }
  },
}

export const putBucketPolicy: Operation = {
  ...base,
  name: 'PutBucketPolicy',
  method: 'PUT',
  action: 's3:PutBucketPolicy',
  readOnly: false,
  body: { kind: 'document', maxBytes: 64 * 1024 },
  async run(services, request) {
    const { bucket, call } = request
    const bytes = await request.document()
    if (bytes.length === 0) throw new S3Error('MissingRequestBodyError')
    if (bytes.length > MAX_POLICY_BYTES) {
      throw new S3Error('MalformedPolicy', { message: 'Policies must not be greater than 20480 bytes.' })
    }
    const text = Buffer.from(bytes).toString('utf8')
    const policy = await checkBucketPolicy(services, text, bucket)
    // A policy that locks its author out is taken, with or without x-amz-confirm-remove-self-bucket-access: the owner's
    // root user can always remove it.
    let warnings: string | undefined
    await services.buckets.change(call, bucket, (record) => {
      requireOwn(request, record)
      if (record.publicAccessBlock?.blockPublicPolicy && isPublic(policy)) {
        throw new S3Error('AccessDenied', {
          message: `User: ${call.principal.arn} is not authorized to perform: s3:PutBucketPolicy on resource: "arn:aws:s3:::${bucket}" because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.`,
        })
      }
      warnings = warningsOf(policy, record, bucket)
      return { ...record, policy: text }
    })
    return { status: 204, headers: { 'x-strongroom-policy-warnings': warnings } }
  },
}

export const deleteBucketPolicy: Operation = {
  ...base,
  name: 'DeleteBucketPolicy',
  method: 'DELETE',
  action: 's3:DeleteBucketPolicy',
  readOnly: false,
  body: { kind: 'none' },
  async run({ buckets }, request) {
    await buckets.change(request.call, request.bucket, ({ policy: _, ...record }) => {
      requireOwn(request, record)
      return record
    })
    return { status: 204 }
  },
}

export const getBucketPolicyStatus: Operation = {
  ...base,
  name: 'GetBucketPolicyStatus',
  method: 'GET',
  query: { policyStatus: undefined },
  action: 's3:GetBucketPolicyStatus',
  readOnly: true,
  body: { kind: 'none' },
  async run({ buckets }, request) {
    const { value } = await buckets.require(request.call, request.bucket)
    policyOf(value, request.bucket)
    const policy = bucketPolicy(value, request.bucket)!
    return {
      status: 200,
      headers: { 'content-type': 'application/xml' },
      body: document('PolicyStatus', [element('IsPublic', isPublic(policy))]),
    }
  },
}

/** No policy can let other accounts read or change it (AWS S3 API reference, PutBucketPolicy). */
function requireOwn({ call, method }: S3Request, { accountId }: BucketRecord): void {
  if (call.principal.accountId === accountId) return
  throw new S3Error('MethodNotAllowed', { fields: { Method: method, ResourceType: 'BUCKETPOLICY' } })
}

function policyOf({ policy }: BucketRecord, bucket: string): string {
  if (policy === undefined) throw new S3Error('NoSuchBucketPolicy', { fields: { BucketName: bucket } })
  return policy
}

/** Codes with their statements, as a header can hold them; undefined where there is nothing to say. */
function warningsOf(policy: Policy, record: BucketRecord, bucket: string): string | undefined {
  const { accountId: ownerAccountId, encryption } = record
  const warnings = lintBucketPolicy(policy, { bucket, ownerAccountId, defaultEncryption: encryption.algorithm })
  if (warnings.length === 0) return undefined
  return warnings
    .map(({ code, statement }) => (statement === undefined ? code : `${code} (${statement})`))
    .join(', ')
    .replaceAll(/[^\x20-\x7e]/g, '?')
}
