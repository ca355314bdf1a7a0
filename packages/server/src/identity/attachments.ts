/** Managed policies attached to users, groups and roles, and the one that bounds a user or role. */
import { changeHolder, HOLDERS, type HolderType } from './holders.ts'
import type { IdentityStore } from './identity-store.ts'
import { policyNotAttachable, policyNotFound, quotaExceeded, refused } from './refusals.ts'

const MOST_ATTACHED = 10

/** Attached already is no error. Throws NoSuchEntity and LimitExceeded. */
export async function attachPolicy(
  store: IdentityStore,
  type: HolderType,
  accountId: string,
  holderName: string,
  arn: string,
): Promise<void> {
  await changeHolder(store, type, accountId, holderName, async (holder) => {
    await requireAttachable(store, accountId, arn)
    if (holder.attached.includes(arn)) return holder
    if (holder.attached.length >= MOST_ATTACHED) throw quotaExceeded(HOLDERS[type].attachmentsQuota, MOST_ATTACHED)
    return { ...holder, attached: [...holder.attached, arn] }
  })
}

/** Throws NoSuchEntity also where it is not attached. */
export async function detachPolicy(
  store: IdentityStore,
  type: HolderType,
  accountId: string,
  holderName: string,
  arn: string,
): Promise<void> {
  await changeHolder(store, type, accountId, holderName, (holder) => {
    if (!holder.attached.includes(arn)) throw policyNotFound(arn)
    return { ...holder, attached: holder.attached.filter((one) => one !== arn) }
  })
}

/** `arn` undefined takes the boundary away. Throws NoSuchEntity. */
export async function setBoundary(
  store: IdentityStore,
  type: 'user' | 'role',
  accountId: string,
  holderName: string,
  arn: string | undefined,
): Promise<void> {
  await changeHolder(store, type, accountId, holderName, async (holder) => {
    if (arn !== undefined) await requireBoundary(store, accountId, arn)
    else if (holder.boundary === undefined) {
      throw refused('NoSuchEntity', `The ${type} with name ${holderName} does not have a permissions boundary.`)
    }
    return { ...holder, boundary: arn }
  })
}

/** Throws NoSuchEntity where the account can attach no such policy. */
export async function requireAttachable(store: IdentityStore, accountId: string, arn: string): Promise<void> {
  if (!(await isThere(store, accountId, arn))) throw policyNotAttachable(`Policy ${arn}`)
}

/** Throws NoSuchEntity where the account has no such policy to bound somebody with. */
export async function requireBoundary(store: IdentityStore, accountId: string, arn: string): Promise<void> {
  if (!(await isThere(store, accountId, arn))) throw policyNotAttachable(`Scope ARN: ${arn}`)
}

/** Policies of other accounts are out of reach. */
async function isThere(store: IdentityStore, accountId: string, arn: string): Promise<boolean> {
  const owner = arn.split(':')[4]
  return (owner === 'aws' || owner === accountId) && (await store.managedPolicy(arn)) !== undefined
}
