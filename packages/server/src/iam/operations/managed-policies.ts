/** Managed policies and their versions. */
import { HOLDERS } from '../../identity/holders.ts'
import {
  createPolicy,
  createPolicyVersion,
  deletePolicy,
  deletePolicyVersion,
  findPolicy,
  findPolicyVersion,
  listPolicies,
  listPolicyUsers,
  type PolicyUser,
  policyUse,
  setDefaultPolicyVersion,
  useOf,
} from '../../identity/managed-policies.ts'
import { policyArn as arnOf } from '../../identity/records.ts'
import type { Input } from '../../protocols/input.ts'
import type { IamOperations } from '../operation.ts'
import { page } from '../page.ts'
import { newName, path, pathPrefix, policyArn, policyDocument, tags, versionId } from '../read-input.ts'
import { policyShape, tagList, tagsIfAny, versionDetails, versionShape } from '../shapes.ts'
import { allOf, newOne, policy } from '../targets.ts'

const UNUSED = { attached: [], bounded: [] }
const usageFilter = (input: Input) =>
  input.choice('PolicyUsageFilter', ['PermissionsPolicy', 'PermissionsBoundary'] as const)

export const MANAGED_POLICY_OPERATIONS: IamOperations = {
  CreatePolicy: {
    readOnly: false,
    on: newOne('policy', 'PolicyName'),
    withTags: 'TagPolicy',
    async run({ store, clock }, { principal }, input) {
      const facts = {
        policyName: newName(input, 'PolicyName', 128),
        path: path(input) ?? '/',
        description: input.optionalText('Description', 1000) ?? '',
        tags: tags(input, 'sensitive'),
      }
      const document = policyDocument(input)
      const made = await createPolicy(store, principal.accountId, facts, document, clock.nowMs())
      return { Policy: { ...policyShape(made, UNUSED), Tags: tagsIfAny(made.tags) } }
    },
  },
  GetPolicy: {
    readOnly: true,
    on: policy,
    async run({ store }, { principal }, input) {
      const arn = policyArn(input)
      const found = await findPolicy(store, principal.accountId, arn)
      const Policy = {
        ...policyShape(found, await policyUse(store, principal.accountId, arn)),
        Description: found.description === '' ? undefined : found.description,
        Tags: tagList(found.tags),
      }
      return { Policy }
    },
  },
  DeletePolicy: {
    readOnly: false,
    on: policy,
    async run({ store }, { principal }, input) {
      await deletePolicy(store, principal.accountId, policyArn(input))
      return {}
    },
  },
  ListPolicies: {
    readOnly: true,
    on: allOf('policy/'),
    async run({ store }, { principal }, input) {
      const scope = input.choice('Scope', ['All', 'AWS', 'Local'] as const) ?? 'All'
      const [onlyAttached, usage, prefix] = [input.flag('OnlyAttached'), usageFilter(input), pathPrefix(input)]
      const users = await listPolicyUsers(store, principal.accountId)
      const all = (await listPolicies(store, principal.accountId, scope))
        .map((one) => ({ one, use: useOf(users, arnOf(one)) }))
        .filter(({ one, use }) => {
          const isWanted = usage === 'PermissionsBoundary' ? use.bounded.length > 0 : use.attached.length > 0
          return one.path.startsWith(prefix) && (isWanted || !(onlyAttached || usage !== undefined))
        })
      const { items, truncation } = page(input, all, ({ one }) => arnOf(one))
      return { Policies: items.map(({ one, use }) => policyShape(one, use)), ...truncation }
    },
  },
  ListEntitiesForPolicy: {
    readOnly: true,
    on: policy,
    async run({ store }, { principal }, input) {
      const arn = policyArn(input)
      await findPolicy(store, principal.accountId, arn)
      const { attached, bounded } = await policyUse(store, principal.accountId, arn)
      const filter = input.choice('EntityFilter', ['User', 'Role', 'Group', 'LocalManagedPolicy', 'AWSManagedPolicy'])
      const [usage, prefix] = [usageFilter(input), pathPrefix(input)]
      const used =
        usage === 'PermissionsBoundary' ? bounded : usage ? attached : [...new Set([...attached, ...bounded])]
      const wanted = used.filter(
        ({ type, holder }) => (filter === undefined || filter.toLowerCase() === type) && holder.path.startsWith(prefix),
      )
      const { items, truncation } = page(input, wanted, keyOf)
      return {
        PolicyGroups: items.flatMap(({ type, holder }) =>
          type === 'group' ? [{ GroupName: holder.groupName, GroupId: holder.groupId }] : [],
        ),
        PolicyUsers: items.flatMap(({ type, holder }) =>
          type === 'user' ? [{ UserName: holder.userName, UserId: holder.userId }] : [],
        ),
        PolicyRoles: items.flatMap(({ type, holder }) =>
          type === 'role' ? [{ RoleName: holder.roleName, RoleId: holder.roleId }] : [],
        ),
        ...truncation,
      }
    },
  },
  CreatePolicyVersion: {
    readOnly: false,
    on: policy,
    async run({ store, clock }, { principal }, input) {
      const version = { document: policyDocument(input), setAsDefault: input.flag('SetAsDefault') }
      const arn = policyArn(input)
      const changed = await createPolicyVersion(store, principal.accountId, arn, version, clock.nowMs())
      return { PolicyVersion: versionShape(changed, changed.versions.at(-1)!) }
    },
  },
  GetPolicyVersion: {
    readOnly: true,
    on: policy,
    async run({ store }, { principal }, input) {
      const { accountId } = principal
      const version = await findPolicyVersion(store, accountId, policyArn(input), versionId(input))
      return { PolicyVersion: versionDetails(version.policy, version.found) }
    },
  },
  ListPolicyVersions: {
    readOnly: true,
    on: policy,
    async run({ store }, { principal }, input) {
      const found = await findPolicy(store, principal.accountId, policyArn(input))
      // The newest first.
      const { items, truncation } = page(input, found.versions, ({ version }) => String(NEVER_REACHED - version))
      return { Versions: items.map((version) => versionShape(found, version)), ...truncation }
    },
  },
  SetDefaultPolicyVersion: {
    readOnly: false,
    on: policy,
    async run({ store, clock }, { principal }, input) {
      const { accountId } = principal
      await setDefaultPolicyVersion(store, accountId, policyArn(input), versionId(input), clock.nowMs())
      return {}
    },
  },
  DeletePolicyVersion: {
    readOnly: false,
    on: policy,
    async run({ store }, { principal }, input) {
      await deletePolicyVersion(store, principal.accountId, policyArn(input), versionId(input))
      return {}
    },
  },
}

const keyOf = ({ type, holder }: PolicyUser) => `${type} ${HOLDERS[type].nameOf(holder as never).toLowerCase()}`

/** Above all numbers of versions, and of as many digits as what is left of it. */
const NEVER_REACHED = 1_999_999_999
