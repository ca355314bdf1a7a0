/** What a bucket and its objects themselves say to a caller: the bucket's policy, and their ACLs where those speak. */
import { type Acl, type AclKind, aclPolicy, withoutPublicGrants } from '../policy/acl.ts'
import type { Principal } from '../policy/call.ts'
import type { Policy } from '../policy/document.ts'
import { denialsOf, isRestricted, policyFor } from './bucket-policy.ts'
import { aclsSpeak, ownerOf } from './ownership.ts'
import type { BucketRecord } from './records.ts'
import type { ObjectAccess } from './types.ts'

export interface ResourceSide {
  /** The account whose it is. */
  readonly accountId: string
  readonly policy: Policy | undefined
}

export function bucketSide(principal: Principal, record: BucketRecord, bucket: string): ResourceSide {
  const policy = policyFor(principal, record, bucket)
  return {
    accountId: record.accountId,
    policy: joined(policy, granted(principal, record, bucket, record.acl, 'bucket')),
  }
}

/** Of reading an object and of its ACL. */
export function objectSide(
  principal: Principal,
  record: BucketRecord,
  bucket: string,
  access: ObjectAccess,
): ResourceSide {
  const accountId = ownerOf(record, access)
  const policy = policyFor(principal, record, bucket)
  // The bucket's owner may deny the use of what others own, but not give it away.
  const ofBucket = accountId === record.accountId ? policy : policy && denialsOf(policy)
  return { accountId, policy: joined(ofBucket, granted(principal, record, bucket, access.acl, 'object')) }
}

function granted(
  principal: Principal,
  record: BucketRecord,
  bucket: string,
  acl: Acl | undefined,
  kind: AclKind,
): Policy | undefined {
  // The owner, who has all that nobody was granted, needs no grant.
  if (!acl || !aclsSpeak(record) || isRestricted(principal, record, bucket)) return undefined
  return compiled(record.publicAccessBlock?.ignorePublicAcls ? withoutPublicGrants(acl) : acl, kind)
}

function compiled(acl: Acl, kind: AclKind): Policy | undefined {
  if (!known.has(acl)) known.set(acl, aclPolicy(acl, kind))
  return known.get(acl)
}

function joined(policy: Policy | undefined, ofAcl: Policy | undefined): Policy | undefined {
  return policy && ofAcl ? { ...policy, statements: [...policy.statements, ...ofAcl.statements] } : (policy ?? ofAcl)
}

/** Records are remembered while they do not change, and with them what their ACLs say. */
const known = new WeakMap<Acl, Policy | undefined>()
