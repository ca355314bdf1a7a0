/** Roles and who may assume them. */
import { findHolder, listHolders } from '../../identity/holders.ts'
import { missingPrincipal } from '../../identity/known-principals.ts'
import { readTrustPolicy } from '../../identity/policy-documents.ts'
import { createRole, deleteRole, updateRole, updateTrustPolicy } from '../../identity/roles.ts'
import { PolicyError } from '../../policy/policy-error.ts'
import type { Input } from '../../protocols/input.ts'
import type { IamOperations } from '../operation.ts'
import { page } from '../page.ts'
import { newName, optionalPolicyArn, path, pathPrefix, policyDocument, roleName, tags } from '../read-input.ts'
import type { IamServices } from '../services.ts'
import { boundaryShape, listedRole, roleDetails, roleShape, tagsIfAny } from '../shapes.ts'
import { allOf, newOne, role } from '../targets.ts'

const description = (input: Input) => input.optionalText('Description', 1000)
const maxSessionSeconds = (input: Input) => input.optionalNumber('MaxSessionDuration', 3600, 43_200)

export const ROLE_OPERATIONS: IamOperations = {
  CreateRole: {
    readOnly: false,
    on: newOne('role', 'RoleName'),
    withTags: 'TagRole',
    async run(services, { principal }, input) {
      const { store, clock } = services
      const facts = {
        roleName: newName(input, 'RoleName'),
        path: path(input) ?? '/',
        description: description(input) ?? '',
        maxSessionSeconds: maxSessionSeconds(input) ?? 3600,
        trustPolicy: await trustPolicy(services, policyDocument(input, 'AssumeRolePolicyDocument')),
        tags: tags(input, 'insensitive'),
        boundary: optionalPolicyArn(input, 'PermissionsBoundary'),
      }
      const made = await createRole(store, principal.accountId, facts, clock.nowMs())
      const Role = {
        ...roleShape(made),
        PermissionsBoundary: boundaryShape(made.boundary),
        Tags: tagsIfAny(made.tags),
      }
      return { Role }
    },
  },
  GetRole: {
    readOnly: true,
    on: role,
    async run({ store }, { principal }, input) {
      const found = await findHolder(store, 'role', principal.accountId, roleName(input))
      return { Role: { ...roleDetails(found), RoleLastUsed: {} } }
    },
  },
  UpdateRole: {
    readOnly: false,
    on: role,
    async run({ store }, { principal }, input) {
      await updateRole(store, principal.accountId, roleName(input), {
        description: description(input),
        maxSessionSeconds: maxSessionSeconds(input),
      })
      // AWS answers with an empty result here, not with none.
      return { UpdateRole: undefined }
    },
  },
  UpdateRoleDescription: {
    readOnly: false,
    on: role,
    async run({ store }, { principal }, input) {
      const changed = await updateRole(store, principal.accountId, roleName(input), {
        description: input.text('Description', 1000, 0),
        maxSessionSeconds: undefined,
      })
      return { Role: { ...roleShape(changed), Description: changed.description } }
    },
  },
  UpdateAssumeRolePolicy: {
    readOnly: false,
    on: role,
    async run(services, { principal }, input) {
      const { store } = services
      await findHolder(store, 'role', principal.accountId, roleName(input))
      const document = await trustPolicy(services, policyDocument(input))
      await updateTrustPolicy(store, principal.accountId, roleName(input), document)
      return {}
    },
  },
  DeleteRole: {
    readOnly: false,
    on: role,
    async run({ store }, { principal }, input) {
      await deleteRole(store, principal.accountId, roleName(input))
      return {}
    },
  },
  ListRoles: {
    readOnly: true,
    on: allOf('role/'),
    async run({ store }, { principal }, input) {
      const all = await listHolders(store, 'role', principal.accountId, pathPrefix(input))
      const { items, truncation } = page(input, all, ({ roleName }) => roleName.toLowerCase())
      return { Roles: items.map(listedRole), ...truncation }
    },
  },
}

/** Whom a role trusts must be there. Throws PolicyMalformed. */
async function trustPolicy({ accounts, store }: IamServices, document: string): Promise<string> {
  const missing = await missingPrincipal(readTrustPolicy(document, 'trust policy'), accounts, store)
  if (missing) throw new PolicyError(`Invalid principal in policy: "AWS":"${missing}"`)
  return document
}
