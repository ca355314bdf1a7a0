/** The account as a whole: its alias, its summary, and all that IAM keeps of it in one list. */
import { accountAlias, createAccountAlias, deleteAccountAlias } from '../../identity/account-alias.ts'
import { listHolders } from '../../identity/holders.ts'
import type { IdentityStore } from '../../identity/identity-store.ts'
import { listPolicies, listPolicyUsers, useOf } from '../../identity/managed-policies.ts'
import { listProviders } from '../../identity/oidc-providers.ts'
import { policyArn } from '../../identity/records.ts'
import type { Input } from '../../protocols/input.ts'
import type { IamOperations } from '../operation.ts'
import { page } from '../page.ts'
import {
  attachedPolicy,
  boundaryShape,
  encodeDocument,
  groupShape,
  policyShape,
  roleShape,
  tagList,
  userShape,
  versionDetails,
} from '../shapes.ts'
import { everything } from '../targets.ts'

const alias = (input: Input) => input.matching('AccountAlias', '[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]', 63)

export const ACCOUNT_OPERATIONS: IamOperations = {
  CreateAccountAlias: {
    readOnly: false,
    on: everything,
    async run({ store }, { principal }, input) {
      await createAccountAlias(store, principal.accountId, alias(input))
      return {}
    },
  },
  DeleteAccountAlias: {
    readOnly: false,
    on: everything,
    async run({ store }, { principal }, input) {
      await deleteAccountAlias(store, principal.accountId, alias(input))
      return {}
    },
  },
  ListAccountAliases: {
    readOnly: true,
    on: everything,
    async run({ store }, { principal }) {
      const found = await accountAlias(store, principal.accountId)
      return { AccountAliases: found === undefined ? [] : [found], IsTruncated: false }
    },
  },
  GetAccountSummary: {
    readOnly: true,
    on: everything,
    async run({ store }, { principal }) {
      const { accountId } = principal
      const [users, groups, roles, policies, providers] = await Promise.all([
        listHolders(store, 'user', accountId),
        listHolders(store, 'group', accountId),
        listHolders(store, 'role', accountId),
        listPolicies(store, accountId, 'Local'),
        listProviders(store, accountId),
      ])
      const SummaryMap = new Map<string, number>([
        ['Users', users.length],
        ['Groups', groups.length],
        ['Roles', roles.length],
        ['Policies', policies.length],
        ['PolicyVersionsInUse', policies.reduce((sum, { versions }) => sum + versions.length, 0)],
        ['Providers', providers.length],
        ...QUOTAS,
      ])
      return { SummaryMap }
    },
  },
  GetAccountAuthorizationDetails: {
    readOnly: true,
    on: everything,
    async run({ store }, { principal }, input) {
      const filter = input.texts('Filter')
      const unknown = filter.find((one) => !ENTITY_TYPES.includes(one as EntityType))
      if (unknown !== undefined) {
        throw input.constraint('filter', unknown, `Member must satisfy enum value set: [${ENTITY_TYPES.join(', ')}]`)
      }
      const all = await detailsOf(store, principal.accountId)
      const wanted = all.filter(({ type }) => filter.length === 0 || filter.includes(type))
      const { items, truncation } = page(input, wanted, ({ key }) => key)
      const of = (...types: readonly EntityType[]) =>
        items.filter(({ type }) => types.includes(type)).map(({ detail }) => detail)
      return {
        UserDetailList: of('User'),
        GroupDetailList: of('Group'),
        RoleDetailList: of('Role'),
        Policies: of('LocalManagedPolicy', 'AWSManagedPolicy'),
        ...truncation,
      }
    },
  },
}

type EntityType = 'User' | 'Role' | 'Group' | 'LocalManagedPolicy' | 'AWSManagedPolicy'
const ENTITY_TYPES: readonly EntityType[] = ['User', 'Role', 'Group', 'LocalManagedPolicy', 'AWSManagedPolicy']

interface Entity {
  readonly type: EntityType
  readonly key: string
  readonly detail: object
}

async function detailsOf(store: IdentityStore, accountId: string): Promise<Entity[]> {
  const holders = await listPolicyUsers(store, accountId)
  const policies = await listPolicies(store, accountId, 'All')
  return [
    ...holders.map(({ type, holder }): Entity => {
      const AttachedManagedPolicies = holder.attached.map(attachedPolicy)
      if (type === 'group') {
        const GroupPolicyList = inlineList(holder.inline)
        const detail = { ...groupShape(holder), GroupPolicyList, AttachedManagedPolicies }
        return { type: 'Group', key: `Group ${holder.groupName.toLowerCase()}`, detail }
      }
      const { tags, boundary } = holder
      const common = { AttachedManagedPolicies, PermissionsBoundary: boundaryShape(boundary), Tags: tagList(tags) }
      if (type === 'user') {
        const lists = { UserPolicyList: inlineList(holder.inline), GroupList: holder.groups }
        return {
          type: 'User',
          key: `User ${holder.userName.toLowerCase()}`,
          detail: { ...userShape(holder), ...lists, ...common },
        }
      }
      const lists = { RolePolicyList: inlineList(holder.inline), InstanceProfileList: [] }
      return {
        type: 'Role',
        key: `Role ${holder.roleName.toLowerCase()}`,
        detail: { ...roleShape(holder), ...lists, ...common, RoleLastUsed: {} },
      }
    }),
    ...policies.flatMap((policy): Entity[] => {
      const isLocal = policy.accountId === accountId
      const use = useOf(holders, policyArn(policy))
      // Of AWS's policies those that are used are told.
      if (!isLocal && use.attached.length + use.bounded.length === 0) return []
      const PolicyVersionList = policy.versions.map((version) => versionDetails(policy, version))
      return [
        {
          type: isLocal ? 'LocalManagedPolicy' : 'AWSManagedPolicy',
          key: `Policy ${policyArn(policy)}`,
          detail: { ...policyShape(policy, use), PolicyVersionList },
        },
      ]
    }),
  ]
}

const inlineList = (inline: Readonly<Record<string, string>>) =>
  Object.entries(inline).map(([PolicyName, document]) => ({ PolicyName, PolicyDocument: encodeDocument(document) }))

const QUOTAS = Object.entries({
  AccessKeysPerUserQuota: 2,
  AssumeRolePolicySizeQuota: 2048,
  AttachedPoliciesPerGroupQuota: 10,
  AttachedPoliciesPerRoleQuota: 10,
  AttachedPoliciesPerUserQuota: 10,
  GroupPolicySizeQuota: 5120,
  GroupsPerUserQuota: 10,
  PolicySizeQuota: 6144,
  RolePolicySizeQuota: 10_240,
  UserPolicySizeQuota: 2048,
  VersionsPerPolicyQuota: 5,
  AccountMFAEnabled: 0,
  GlobalEndpointTokenVersion: 1,
})
