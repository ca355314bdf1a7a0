/** Roles of IAM: made, changed, removed. */
import { requireBoundary } from './attachments.ts'
import { changeHolder, findHolder, lookUpHolder, putHolder } from './holders.ts'
import type { IdentityStore } from './identity-store.ts'
import { readTrustPolicy } from './policy-documents.ts'
import { names, type RoleRecord, roleRecord } from './records.ts'
import { alreadyExists, cannotDelete } from './refusals.ts'
import { uniqueId } from './unique-ids.ts'

export type RoleFacts = Pick<
  RoleRecord,
  'roleName' | 'path' | 'description' | 'maxSessionSeconds' | 'trustPolicy' | 'tags' | 'boundary'
>

/** Throws EntityAlreadyExists, PolicyMalformed, LimitExceeded; NoSuchEntity where the boundary is not there. */
export function createRole(
  store: IdentityStore,
  accountId: string,
  facts: RoleFacts,
  nowMs: number,
): Promise<RoleRecord> {
  return store.change(async () => {
    readTrustPolicy(facts.trustPolicy, 'trust policy')
    if (await lookUpHolder(store, 'role', accountId, facts.roleName))
      throw alreadyExists(`Role with name ${facts.roleName}`)
    if (facts.boundary !== undefined) await requireBoundary(store, accountId, facts.boundary)
    const role: RoleRecord = {
      accountId,
      ...facts,
      roleId: uniqueId('AROA'),
      createdAtMs: nowMs,
      inline: {},
      attached: [],
    }
    return { mutations: [putHolder(store, 'role', role)], result: role }
  })
}

/** What is undefined stays. Throws NoSuchEntity. */
export function updateRole(
  store: IdentityStore,
  accountId: string,
  roleName: string,
  facts: { readonly description: string | undefined; readonly maxSessionSeconds: number | undefined },
): Promise<RoleRecord> {
  return changeHolder(store, 'role', accountId, roleName, (role) => ({
    ...role,
    description: facts.description ?? role.description,
    maxSessionSeconds: facts.maxSessionSeconds ?? role.maxSessionSeconds,
  }))
}

/** Throws NoSuchEntity, PolicyMalformed and LimitExceeded. */
export function updateTrustPolicy(
  store: IdentityStore,
  accountId: string,
  roleName: string,
  trustPolicy: string,
): Promise<RoleRecord> {
  return changeHolder(store, 'role', accountId, roleName, (role) => {
    readTrustPolicy(trustPolicy, 'trust policy')
    return { ...role, trustPolicy }
  })
}

/** Throws NoSuchEntity, and DeleteConflict while it has policies. */
export function deleteRole(store: IdentityStore, accountId: string, roleName: string): Promise<void> {
  return store.change(async () => {
    const role = await findHolder(store, 'role', accountId, roleName)
    if (role.attached.length > 0) throw cannotDelete('detach all policies')
    if (Object.keys(role.inline).length > 0) throw cannotDelete('delete policies')
    return { mutations: [store.records.remove(roleRecord, names.role(accountId, roleName))], result: undefined }
  })
}
