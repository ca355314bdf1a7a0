/** Records of IAM: users, groups, roles, managed policies, access keys, OpenID Connect providers. */
import { name, ZERO } from '../records/names.ts'
import { defineRecord } from '../records/record-store.ts'

export type Tags = Readonly<Record<string, string>>

/** What users, groups and roles have in common. */
export interface PolicyHolder {
  readonly accountId: string
  /** Begins and ends with a slash. */
  readonly path: string
  readonly createdAtMs: number
  /** Inline policies: document by name, as it was put. */
  readonly inline: Readonly<Record<string, string>>
  /** ARNs of managed policies, in the order in which they were attached. */
  readonly attached: readonly string[]
}

export interface UserRecord extends PolicyHolder {
  readonly userName: string
  /** AIDA…; a user made anew under an old name is another user. */
  readonly userId: string
  readonly groups: readonly string[]
  /** ARN of a managed policy. */
  readonly boundary?: string | undefined
  readonly tags: Tags
  readonly accessKeyIds: readonly string[]
}

export interface GroupRecord extends PolicyHolder {
  readonly groupName: string
  /** AGPA… */
  readonly groupId: string
  readonly members: readonly string[]
}

export interface RoleRecord extends PolicyHolder {
  readonly roleName: string
  /** AROA… */
  readonly roleId: string
  readonly description: string
  readonly maxSessionSeconds: number
  /** Who may assume it. */
  readonly trustPolicy: string
  readonly boundary?: string | undefined
  readonly tags: Tags
}

export interface ManagedPolicyRecord {
  readonly accountId: string
  readonly policyName: string
  /** ANPA… */
  readonly policyId: string
  readonly path: string
  readonly description: string
  readonly createdAtMs: number
  readonly updatedAtMs: number
  readonly tags: Tags
  /** The number of the version in force; versions are `v1`, `v2` and so on. */
  readonly defaultVersion: number
  readonly lastVersion: number
  readonly versions: readonly PolicyVersion[]
}

export interface PolicyVersion {
  readonly version: number
  readonly document: string
  readonly createdAtMs: number
}

export interface AccessKeyRecord {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly accountId: string
  readonly userName: string
  readonly status: 'Active' | 'Inactive'
  readonly createdAtMs: number
}

export interface OidcProviderRecord {
  readonly accountId: string
  /** Without `https://`, e.g. `accounts.example.com`. */
  readonly url: string
  readonly clientIds: readonly string[]
  readonly thumbprints: readonly string[]
  readonly createdAtMs: number
  readonly tags: Tags
}

const kind = { formatVersion: 1, cached: true }
export const userRecord = defineRecord<UserRecord>({ label: 'user', prefix: 'U', ...kind })
export const groupRecord = defineRecord<GroupRecord>({ label: 'group', prefix: 'G', ...kind })
export const roleRecord = defineRecord<RoleRecord>({ label: 'role', prefix: 'R', ...kind })
export const managedPolicyRecord = defineRecord<ManagedPolicyRecord>({ label: 'managed policy', prefix: 'P', ...kind })
export const accessKeyRecord = defineRecord<AccessKeyRecord>({ label: 'access key', prefix: 'K', ...kind })
export const oidcProviderRecord = defineRecord<OidcProviderRecord>({ label: 'OIDC provider', prefix: 'O', ...kind })
export const accountAliasRecord = defineRecord<{ readonly alias: string }>({
  label: 'account alias',
  prefix: 'A',
  ...kind,
})
/** Written anew by every change of the above, so that one look tells whether anything changed. */
export const identityGeneration = defineRecord<{ readonly id: string }>({
  label: 'identity generation',
  prefix: 'I',
  formatVersion: 1,
})

/** Names in IAM are told apart without regard to case, and keep the case that they were made with. */
const inAccount = (accountId: string, text: string) => name(accountId, ZERO, text.toLowerCase())

export const names = {
  user: inAccount,
  group: inAccount,
  role: inAccount,
  managedPolicy: inAccount,
  accessKey: (accessKeyId: string) => name(accessKeyId),
  oidcProvider: inAccount,
  accountAlias: (accountId: string) => name(accountId),
  generation: name('all'),
}

export const userArn = ({ accountId, path, userName }: Pick<UserRecord, 'accountId' | 'path' | 'userName'>) =>
  `arn:aws:iam::${accountId}:user${path}${userName}`
export const groupArn = ({ accountId, path, groupName }: Pick<GroupRecord, 'accountId' | 'path' | 'groupName'>) =>
  `arn:aws:iam::${accountId}:group${path}${groupName}`
export const roleArn = ({ accountId, path, roleName }: Pick<RoleRecord, 'accountId' | 'path' | 'roleName'>) =>
  `arn:aws:iam::${accountId}:role${path}${roleName}`
export const policyArn = ({
  accountId,
  path,
  policyName,
}: Pick<ManagedPolicyRecord, 'accountId' | 'path' | 'policyName'>) =>
  `arn:aws:iam::${accountId}:policy${path}${policyName}`
export const oidcProviderArn = ({ accountId, url }: Pick<OidcProviderRecord, 'accountId' | 'url'>) =>
  `arn:aws:iam::${accountId}:oidc-provider/${url}`
