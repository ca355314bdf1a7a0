/** A bucket's policy as it speaks to a caller. */
import type { Access } from '../policy/access.ts'
import type { Principal } from '../policy/call.ts'
import type { Decision } from '../policy/decide.ts'
import { type Policy, readPolicy } from '../policy/document.ts'
import { isPublic } from '../policy/public.ts'
import type { BucketRecord } from './records.ts'

/** A bucket that is kept from the public gives by a public policy to its own account and to services only; what it denies stands. */
export function policyFor(principal: Principal, record: BucketRecord, bucket: string): Policy | undefined {
  const policy = bucketPolicy(record, bucket)
  return policy && isRestricted(principal, record, bucket) ? denialsOf(policy) : policy
}

/** Whether RestrictPublicBuckets keeps the caller out, which it does while the policy is public. */
export function isRestricted(principal: Principal, record: BucketRecord, bucket: string): boolean {
  if (!record.publicAccessBlock?.restrictPublicBuckets || principal.accountId === record.accountId) return false
  if (principal.named.kind === 'Service') return false
  const policy = bucketPolicy(record, bucket)
  return policy !== undefined && isPublic(policy)
}

export const denialsOf = (policy: Policy): Policy => ({
  ...policy,
  statements: policy.statements.filter(({ effect }) => effect === 'Deny'),
})

/** A policy can lock out everybody but the owner's root user from the bucket's policy itself. */
export function isOwnersWayOut(
  principal: Principal,
  { action, resourceAccount }: Pick<Access, 'action' | 'resourceAccount'>,
): boolean {
  return principal.principalType === 'Root' && principal.accountId === resourceAccount && WAYS_OUT.has(action)
}

const WAYS_OUT = new Set(['s3:GetBucketPolicy', 's3:PutBucketPolicy', 's3:DeleteBucketPolicy'])
export const OWNERS_WAY_OUT: Decision = { allowed: true, by: [] }

/** Compiled once for each time that the bucket's record changes. */
export function bucketPolicy(record: BucketRecord, bucket: string): Policy | undefined {
  if (record.policy === undefined) return undefined
  let policy = compiled.get(record)
  if (!policy) {
    policy = readPolicy(record.policy, 'resource', `bucket policy of ${bucket}`)
    compiled.set(record, policy)
  }
  return policy
}

const compiled = new WeakMap<BucketRecord, Policy>()
