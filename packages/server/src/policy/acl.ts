/**
 * Access control lists: who is granted what, and the policy that says the same (AWS S3 user guide, "Access control list
 * (ACL) overview"). An ACL only ever allows; the one who decides joins its statements to the resource's policy.
 */
import { compilePolicy, type Policy } from './document.ts'

export const PERMISSIONS = ['FULL_CONTROL', 'READ', 'WRITE', 'READ_ACP', 'WRITE_ACP'] as const
export type Permission = (typeof PERMISSIONS)[number]

/** AWS's groups by their URIs. */
export const GROUPS = {
  AllUsers: 'http://acs.amazonaws.com/groups/global/AllUsers',
  AuthenticatedUsers: 'http://acs.amazonaws.com/groups/global/AuthenticatedUsers',
  LogDelivery: 'http://acs.amazonaws.com/groups/s3/LogDelivery',
} as const
export type Group = keyof typeof GROUPS

export type Grantee = { readonly accountId: string } | { readonly group: Group }

export interface Grant {
  readonly grantee: Grantee
  readonly permission: Permission
}

export type Acl = readonly Grant[]
export type AclKind = 'bucket' | 'object'

const ACTIONS: Readonly<Record<AclKind, Readonly<Record<Exclude<Permission, 'FULL_CONTROL'>, readonly string[]>>>> = {
  bucket: {
    READ: ['s3:ListBucket', 's3:ListBucketVersions', 's3:ListBucketMultipartUploads'],
    // Whoever may write a new object may say in the same request what its ACL is.
    WRITE: ['s3:PutObject', 's3:DeleteObject', 's3:PutObjectAcl'],
    READ_ACP: ['s3:GetBucketAcl'],
    WRITE_ACP: ['s3:PutBucketAcl'],
  },
  object: {
    READ: ['s3:GetObject', 's3:GetObjectVersion'],
    // Objects are overwritten by leave of their bucket.
    WRITE: [],
    READ_ACP: ['s3:GetObjectAcl', 's3:GetObjectVersionAcl'],
    WRITE_ACP: ['s3:PutObjectAcl', 's3:PutObjectVersionAcl'],
  },
}

/** Actions that an object's own ACL decides on, not its bucket's. */
export const OBJECT_ACL_ACTIONS: ReadonlySet<string> = new Set(Object.values(ACTIONS.object).flat())

/** What the ACL allows; undefined where that is nothing. */
export function aclPolicy(acl: Acl, kind: AclKind): Policy | undefined {
  const statements = acl.flatMap(({ grantee, permission }, index) => {
    const actions = permission === 'FULL_CONTROL' ? Object.values(ACTIONS[kind]).flat() : ACTIONS[kind][permission]
    // Who sends no signature may own an object, and is no account that a policy could name.
    if (actions.length === 0 || ('accountId' in grantee && !/^\d{12}$/.test(grantee.accountId))) return []
    const sid = `${kind} ACL, grant ${index + 1} (${permission})`
    return [{ Sid: sid, Effect: 'Allow', Action: actions, Resource: '*', ...granteeElements(grantee) }]
  })
  if (statements.length === 0) return undefined
  return compilePolicy({ Version: '2012-10-17', Statement: statements }, 'resource', `${kind} ACL`)
}

function granteeElements(grantee: Grantee) {
  if ('accountId' in grantee) return { Principal: { AWS: grantee.accountId } }
  if (grantee.group === 'AllUsers') return { Principal: '*' }
  if (grantee.group === 'LogDelivery') return { Principal: { Service: 'logging.s3.amazonaws.com' } }
  return { Principal: '*', Condition: { Null: { 'aws:PrincipalAccount': 'false' } } }
}

/** "The meaning of public" for ACLs: anything for all users, or for all who have some AWS account. */
export const isPublicAcl = (acl: Acl): boolean => acl.some(isPublicGrant)
export const withoutPublicGrants = (acl: Acl): Acl => acl.filter((grant) => !isPublicGrant(grant))

const isPublicGrant = ({ grantee }: Grant) => 'group' in grantee && grantee.group !== 'LogDelivery'

/** Whom an ACL is about. Of a bucket both are the same. */
export interface AclOwners {
  readonly owner: string
  readonly bucketOwner: string
}

const toGroup = (group: Group, ...permissions: Permission[]) =>
  permissions.map((permission) => ({ grantee: { group }, permission }))
const toBucketOwner = ({ owner, bucketOwner }: AclOwners, permission: Permission) =>
  owner === bucketOwner ? [] : [{ grantee: { accountId: bucketOwner }, permission }]

/** What each canned ACL grants beside the owner's full control. */
const CANNED: Readonly<Record<string, (owners: AclOwners) => Acl>> = {
  private: () => [],
  'public-read': () => toGroup('AllUsers', 'READ'),
  'public-read-write': () => toGroup('AllUsers', 'READ', 'WRITE'),
  'authenticated-read': () => toGroup('AuthenticatedUsers', 'READ'),
  // For Amazon EC2, which is nobody here.
  'aws-exec-read': () => [],
  'bucket-owner-read': (owners) => toBucketOwner(owners, 'READ'),
  'bucket-owner-full-control': (owners) => toBucketOwner(owners, 'FULL_CONTROL'),
  'log-delivery-write': () => toGroup('LogDelivery', 'WRITE', 'READ_ACP'),
}

export const isCannedAcl = (name: string): boolean => Object.hasOwn(CANNED, name)

export const cannedAcl = (name: string, owners: AclOwners): Acl => [
  ...privateAcl(owners.owner),
  ...CANNED[name]!(owners),
]

/** What a bucket or an object has whose ACL nobody has set. */
export const privateAcl = (owner: string): Acl => [{ grantee: { accountId: owner }, permission: 'FULL_CONTROL' }]
