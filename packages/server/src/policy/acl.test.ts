import { expect, test } from 'vitest'
import { type Acl, type AclKind, aclPolicy, cannedAcl, type Grant, isPublicAcl, withoutPublicGrants } from './acl.ts'
import { authorize } from './authorize.ts'
import { ANONYMOUS, type Principal } from './call.ts'
import { call, rootOf } from './caller.fixture.ts'

const OWNER = '111111111111'
const OTHER = '222222222222'
const toOther = (permission: Grant['permission']): Acl => [{ grantee: { accountId: OTHER }, permission }]
const toAll = (permission: Grant['permission']): Acl => [{ grantee: { group: 'AllUsers' }, permission }]
const toSigned = (permission: Grant['permission']): Acl => [{ grantee: { group: 'AuthenticatedUsers' }, permission }]

const user: Principal = {
  ...rootOf(OTHER),
  principalType: 'IAMUser',
  arn: `arn:aws:iam::${OTHER}:user/u`,
  named: { kind: 'User', accountId: OTHER, arn: `arn:aws:iam::${OTHER}:user/u` },
}

const allows = (acl: Acl, kind: AclKind, action: string, principal: Principal) =>
  authorize(
    { ...call, principal },
    {
      action: `s3:${action}`,
      resource: kind === 'bucket' ? 'arn:aws:s3:::b' : 'arn:aws:s3:::b/k',
      resourceAccount: OWNER,
      resourcePolicy: aclPolicy(acl, kind),
    },
  ).allowed

test.each<[string, Acl, AclKind, string, Principal, boolean]>([
  ['READ of a bucket lists it', toOther('READ'), 'bucket', 'ListBucket', rootOf(OTHER), true],
  ['READ of a bucket lists versions', toOther('READ'), 'bucket', 'ListBucketVersions', rootOf(OTHER), true],
  ['READ of a bucket reads no object', toOther('READ'), 'bucket', 'GetObject', rootOf(OTHER), false],
  ['WRITE of a bucket writes objects', toOther('WRITE'), 'bucket', 'PutObject', rootOf(OTHER), true],
  ['WRITE of a bucket deletes objects', toOther('WRITE'), 'bucket', 'DeleteObject', rootOf(OTHER), true],
  ['WRITE of a bucket lists nothing', toOther('WRITE'), 'bucket', 'ListBucket', rootOf(OTHER), false],
  ['READ_ACP of a bucket', toOther('READ_ACP'), 'bucket', 'GetBucketAcl', rootOf(OTHER), true],
  ['WRITE_ACP of a bucket', toOther('WRITE_ACP'), 'bucket', 'PutBucketAcl', rootOf(OTHER), true],
  ['FULL_CONTROL of a bucket', toOther('FULL_CONTROL'), 'bucket', 'PutBucketAcl', rootOf(OTHER), true],
  ['FULL_CONTROL is not everything', toOther('FULL_CONTROL'), 'bucket', 'PutBucketPolicy', rootOf(OTHER), false],
  ['READ of an object', toOther('READ'), 'object', 'GetObject', rootOf(OTHER), true],
  ['READ of an object, by version', toOther('READ'), 'object', 'GetObjectVersion', rootOf(OTHER), true],
  ['READ of an object is not its ACL', toOther('READ'), 'object', 'GetObjectAcl', rootOf(OTHER), false],
  ['WRITE of an object is nothing', toOther('WRITE'), 'object', 'PutObject', rootOf(OTHER), false],
  ['READ_ACP of an object', toOther('READ_ACP'), 'object', 'GetObjectAcl', rootOf(OTHER), true],
  ['WRITE_ACP of an object', toOther('WRITE_ACP'), 'object', 'PutObjectVersionAcl', rootOf(OTHER), true],
  ['a grant to another account', toOther('READ'), 'object', 'GetObject', rootOf('333333333333'), false],
  ['an account passes its grants on by identity policies', toOther('READ'), 'object', 'GetObject', user, false],
  ['all users', toAll('READ'), 'object', 'GetObject', ANONYMOUS, true],
  ['all users who sign', toSigned('READ'), 'object', 'GetObject', ANONYMOUS, false],
  ['one who signs', toSigned('READ'), 'object', 'GetObject', rootOf(OTHER), true],
  ['log delivery is nobody else', cannedAcl('log-delivery-write', owners()), 'bucket', 'PutObject', ANONYMOUS, false],
])('%s', (_name, acl, kind, action, principal, expected) => {
  expect(allows(acl, kind, action, principal)).toBe(expected)
})

function owners(owner = OWNER) {
  return { owner, bucketOwner: OWNER }
}

const own = (accountId: string): Grant => ({ grantee: { accountId }, permission: 'FULL_CONTROL' })
test.each<[string, string, Acl]>([
  ['private', OWNER, [own(OWNER)]],
  ['public-read', OWNER, [own(OWNER), ...toAll('READ')]],
  ['public-read-write', OWNER, [own(OWNER), ...toAll('READ'), ...toAll('WRITE')]],
  ['authenticated-read', OWNER, [own(OWNER), ...toSigned('READ')]],
  ['bucket-owner-read', OTHER, [own(OTHER), { grantee: { accountId: OWNER }, permission: 'READ' }]],
  ['bucket-owner-full-control', OTHER, [own(OTHER), own(OWNER)]],
  ['bucket-owner-full-control', OWNER, [own(OWNER)]],
])('canned %s, of an object of %s', (name, owner, expected) => {
  expect(cannedAcl(name, owners(owner))).toEqual(expected)
})

test.each<[string, boolean]>([
  ['private', false],
  ['public-read', true],
  ['public-read-write', true],
  ['authenticated-read', true],
  ['log-delivery-write', false],
  ['bucket-owner-full-control', false],
])('whether canned %s is public', (name, expected) => {
  const acl = cannedAcl(name, owners())
  expect(isPublicAcl(acl)).toBe(expected)
  expect(isPublicAcl(withoutPublicGrants(acl))).toBe(false)
  expect(withoutPublicGrants(acl)).toContainEqual(own(OWNER))
})

test('an owner who sent no signature is nobody whom a policy could name', () => {
  expect(aclPolicy([own(ANONYMOUS.accountId)], 'object')).toBeUndefined()
})
