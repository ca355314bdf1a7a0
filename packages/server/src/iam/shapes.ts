/** The shapes that IAM shows its things in (AWS IAM API reference, "Data types"). */
import type { PolicyUse } from '../identity/managed-policies.ts'
import {
  type AccessKeyRecord,
  type GroupRecord,
  groupArn,
  type ManagedPolicyRecord,
  type PolicyVersion,
  policyArn,
  type RoleRecord,
  roleArn,
  type Tags,
  type UserRecord,
  userArn,
} from '../identity/records.ts'

/** Documents in answers are percent-encoded (RFC 3986). */
export const encodeDocument = (document: string) =>
  encodeURIComponent(document).replaceAll(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)

/** In the order of their keys. */
export const tagList = (tags: Tags) =>
  Object.keys(tags)
    .sort()
    .map((Key) => ({ Key, Value: tags[Key] }))

/** Left out where there are none. */
export const tagsIfAny = (tags: Tags) => (Object.keys(tags).length === 0 ? undefined : tagList(tags))

export const userShape = (user: UserRecord) => ({
  Path: user.path,
  UserName: user.userName,
  UserId: user.userId,
  Arn: userArn(user),
  CreateDate: new Date(user.createdAtMs),
})

export const userDetails = (user: UserRecord) => ({
  ...userShape(user),
  PermissionsBoundary: boundaryShape(user.boundary),
  Tags: tagsIfAny(user.tags),
})

export const groupShape = (group: GroupRecord) => ({
  Path: group.path,
  GroupName: group.groupName,
  GroupId: group.groupId,
  Arn: groupArn(group),
  CreateDate: new Date(group.createdAtMs),
})

export const roleShape = (role: RoleRecord) => ({
  Path: role.path,
  RoleName: role.roleName,
  RoleId: role.roleId,
  Arn: roleArn(role),
  CreateDate: new Date(role.createdAtMs),
  AssumeRolePolicyDocument: encodeDocument(role.trustPolicy),
})

export const listedRole = (role: RoleRecord) => ({
  ...roleShape(role),
  Description: role.description === '' ? undefined : role.description,
  MaxSessionDuration: role.maxSessionSeconds,
})

export const roleDetails = (role: RoleRecord) => ({
  ...listedRole(role),
  PermissionsBoundary: boundaryShape(role.boundary),
  Tags: tagsIfAny(role.tags),
})

export const boundaryShape = (arn: string | undefined) =>
  arn === undefined ? undefined : { PermissionsBoundaryType: 'Policy', PermissionsBoundaryArn: arn }

export const policyShape = (policy: ManagedPolicyRecord, { attached, bounded }: PolicyUse) => ({
  PolicyName: policy.policyName,
  PolicyId: policy.policyId,
  Arn: policyArn(policy),
  Path: policy.path,
  DefaultVersionId: `v${policy.defaultVersion}`,
  AttachmentCount: attached.length,
  PermissionsBoundaryUsageCount: bounded.length,
  IsAttachable: true,
  CreateDate: new Date(policy.createdAtMs),
  UpdateDate: new Date(policy.updatedAtMs),
})

export const versionShape = (policy: ManagedPolicyRecord, { version, createdAtMs }: PolicyVersion) => ({
  VersionId: `v${version}`,
  IsDefaultVersion: version === policy.defaultVersion,
  CreateDate: new Date(createdAtMs),
})

export const versionDetails = (policy: ManagedPolicyRecord, version: PolicyVersion) => ({
  ...versionShape(policy, version),
  Document: encodeDocument(version.document),
})

export const accessKeyShape = ({ userName, accessKeyId, status, createdAtMs }: AccessKeyRecord) => ({
  UserName: userName,
  AccessKeyId: accessKeyId,
  Status: status,
  CreateDate: new Date(createdAtMs),
})

export const attachedPolicy = (arn: string) => ({
  PolicyName: arn.slice(arn.lastIndexOf('/') + 1),
  PolicyArn: arn,
})
