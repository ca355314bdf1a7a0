/** Managed policies: made, in up to five versions of which one is in force, and who uses them. */
import { createHash } from 'node:crypto'
import { AWS_MANAGED_POLICIES } from './aws-managed-policies.ts'
import { HOLDERS, type Holders, type HolderType, listHolders, listRecords } from './holders.ts'
import type { IdentityStore } from './identity-store.ts'
import { charsOf, readIdentityPolicy } from './policy-documents.ts'
import { type ManagedPolicyRecord, managedPolicyRecord, names, policyArn } from './records.ts'
import { policyNotAttachable, policyNotFound, quotaExceeded, refused } from './refusals.ts'
import { uniqueId } from './unique-ids.ts'

const MOST_CHARS = 6144
const MOST_VERSIONS = 5

export type ManagedPolicyFacts = Pick<ManagedPolicyRecord, 'policyName' | 'path' | 'description' | 'tags'>

/** Throws EntityAlreadyExists, PolicyMalformed and LimitExceeded. */
export function createPolicy(
  store: IdentityStore,
  accountId: string,
  facts: ManagedPolicyFacts,
  document: string,
  nowMs: number,
): Promise<ManagedPolicyRecord> {
  return store.change(async () => {
    requireDocument(document)
    const { policyName } = facts
    const at = names.managedPolicy(accountId, policyName)
    if (await store.records.get(managedPolicyRecord, at)) {
      const message = `A policy called ${policyName} already exists. Duplicate names are not allowed.`
      throw refused('EntityAlreadyExists', message)
    }
    const policy: ManagedPolicyRecord = {
      accountId,
      ...facts,
      policyId: uniqueId('ANPA'),
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
      defaultVersion: 1,
      lastVersion: 1,
      versions: [{ version: 1, document, createdAtMs: nowMs }],
    }
    return { mutations: [store.records.put(managedPolicyRecord, at, policy)], result: policy }
  })
}

/** The account's own policy or AWS's, which looks like one; undefined where it has none of this ARN. */
export async function lookUpPolicy(
  store: IdentityStore,
  accountId: string,
  arn: string,
): Promise<ManagedPolicyRecord | undefined> {
  const ofAws = AWS_POLICIES.get(arn)
  if (ofAws) return ofAws
  const at = names.managedPolicy(accountId, arn.slice(arn.lastIndexOf('/') + 1))
  const found = (await store.records.get(managedPolicyRecord, at))?.value
  return found && policyArn(found) === arn ? found : undefined
}

/** Throws NoSuchEntity. */
export async function findPolicy(store: IdentityStore, accountId: string, arn: string): Promise<ManagedPolicyRecord> {
  const policy = await lookUpPolicy(store, accountId, arn)
  if (!policy) throw policyNotFound(arn)
  return policy
}

/** `version`: e.g. `v2`. Throws NoSuchEntity. */
export async function findPolicyVersion(store: IdentityStore, accountId: string, arn: string, version: string) {
  const policy = await lookUpPolicy(store, accountId, arn)
  const found = policy?.versions.find((one) => `v${one.version}` === version)
  if (!policy || !found) throw policyNotAttachable(`Policy ${arn} version ${version}`)
  return { policy, found }
}

/** The account's own, then AWS's. */
export async function listPolicies(
  store: IdentityStore,
  accountId: string,
  scope: 'All' | 'AWS' | 'Local',
): Promise<ManagedPolicyRecord[]> {
  return [
    ...(scope === 'AWS' ? [] : await listRecords(store, managedPolicyRecord, accountId)),
    ...(scope === 'Local' ? [] : AWS_POLICIES.values()),
  ]
}

/** Throws NoSuchEntity, PolicyMalformed and LimitExceeded. */
export async function createPolicyVersion(
  store: IdentityStore,
  accountId: string,
  arn: string,
  version: { readonly document: string; readonly setAsDefault: boolean },
  nowMs: number,
): Promise<ManagedPolicyRecord> {
  return changePolicy(store, accountId, arn, (policy) => {
    requireDocument(version.document)
    if (policy.versions.length >= MOST_VERSIONS) {
      const message = `A managed policy can have up to ${MOST_VERSIONS} versions. Before you create a new version, you must delete an existing version.`
      throw refused('LimitExceeded', message)
    }
    const lastVersion = policy.lastVersion + 1
    return {
      ...policy,
      lastVersion,
      defaultVersion: version.setAsDefault ? lastVersion : policy.defaultVersion,
      updatedAtMs: nowMs,
      versions: [...policy.versions, { version: lastVersion, document: version.document, createdAtMs: nowMs }],
    }
  })
}

/** Throws NoSuchEntity. */
export async function setDefaultPolicyVersion(
  store: IdentityStore,
  accountId: string,
  arn: string,
  version: string,
  nowMs: number,
): Promise<void> {
  await changePolicy(store, accountId, arn, async (policy) => {
    const { found } = await findPolicyVersion(store, accountId, arn, version)
    return { ...policy, defaultVersion: found.version, updatedAtMs: nowMs }
  })
}

/** Throws NoSuchEntity, and DeleteConflict for the version in force. */
export async function deletePolicyVersion(
  store: IdentityStore,
  accountId: string,
  arn: string,
  version: string,
): Promise<void> {
  await changePolicy(store, accountId, arn, async (policy) => {
    const { found } = await findPolicyVersion(store, accountId, arn, version)
    if (found.version === policy.defaultVersion) {
      throw refused('DeleteConflict', 'Cannot delete the default version of a policy.')
    }
    return { ...policy, versions: policy.versions.filter((one) => one.version !== found.version) }
  })
}

/** Throws NoSuchEntity, and DeleteConflict while it is used or has other versions. */
export function deletePolicy(store: IdentityStore, accountId: string, arn: string): Promise<void> {
  return store.change(async () => {
    const policy = await findOwnPolicy(store, accountId, arn)
    const { attached, bounded } = await policyUse(store, accountId, arn)
    if (attached.length + bounded.length > 0) {
      throw refused('DeleteConflict', 'Cannot delete a policy attached to entities.')
    }
    if (policy.versions.length > 1) {
      const message =
        "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy."
      throw refused('DeleteConflict', message)
    }
    const at = names.managedPolicy(accountId, policy.policyName)
    return { mutations: [store.records.remove(managedPolicyRecord, at)], result: undefined }
  })
}

/** AWS's policies cannot be changed. Throws NoSuchEntity, InvalidInput and what `edit` throws. */
export function changePolicy(
  store: IdentityStore,
  accountId: string,
  arn: string,
  edit: (policy: ManagedPolicyRecord) => ManagedPolicyRecord | Promise<ManagedPolicyRecord>,
): Promise<ManagedPolicyRecord> {
  return store.change(async () => {
    const policy = await edit(await findOwnPolicy(store, accountId, arn))
    const at = names.managedPolicy(accountId, policy.policyName)
    return { mutations: [store.records.put(managedPolicyRecord, at, policy)], result: policy }
  })
}

export type PolicyUser = { readonly [T in HolderType]: { readonly type: T; readonly holder: Holders[T] } }[HolderType]

export interface PolicyUse {
  readonly attached: readonly PolicyUser[]
  /** Whose permissions boundary it is. */
  readonly bounded: readonly PolicyUser[]
}

/** Who in the account has the policy. */
export async function policyUse(store: IdentityStore, accountId: string, arn: string): Promise<PolicyUse> {
  return useOf(await listPolicyUsers(store, accountId), arn)
}

export async function listPolicyUsers(store: IdentityStore, accountId: string): Promise<PolicyUser[]> {
  const of = async (type: HolderType) =>
    (await listHolders(store, type, accountId)).map((holder) => ({ type, holder }) as PolicyUser)
  return (await Promise.all((Object.keys(HOLDERS) as HolderType[]).map(of))).flat()
}

export function useOf(users: readonly PolicyUser[], arn: string): PolicyUse {
  return {
    attached: users.filter(({ holder }) => holder.attached.includes(arn)),
    bounded: users.filter(({ holder }) => 'boundary' in holder && holder.boundary === arn),
  }
}

async function findOwnPolicy(store: IdentityStore, accountId: string, arn: string): Promise<ManagedPolicyRecord> {
  if (AWS_POLICIES.has(arn)) throw refused('InvalidInput', `Policy ${arn} is an AWS managed policy.`)
  return findPolicy(store, accountId, arn)
}

function requireDocument(document: string): void {
  readIdentityPolicy(document, 'policy')
  if (charsOf(document) > MOST_CHARS) throw quotaExceeded('PolicySize', MOST_CHARS)
}

/** When the server's own copies of AWS's policies were written down. */
const WRITTEN_AT_MS = Date.UTC(2026, 0, 1)

const AWS_POLICIES: ReadonlyMap<string, ManagedPolicyRecord> = new Map(
  [...AWS_MANAGED_POLICIES.values()].map(({ arn, name, document }) => [
    arn,
    {
      accountId: 'aws',
      policyName: name,
      policyId: `ANPA${createHash('sha256').update(arn).digest('hex').slice(0, 17).toUpperCase()}`,
      path: '/',
      description: '',
      createdAtMs: WRITTEN_AT_MS,
      updatedAtMs: WRITTEN_AT_MS,
      tags: {},
      defaultVersion: 1,
      lastVersion: 1,
      versions: [{ version: 1, document, createdAtMs: WRITTEN_AT_MS }],
    },
  ]),
)
