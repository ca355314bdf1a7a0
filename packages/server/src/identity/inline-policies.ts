/** Policies that stand within one user, group or role and go with it. */
import { changeHolder, findHolder, HOLDERS, type HolderType } from './holders.ts'
import type { IdentityStore } from './identity-store.ts'
import { charsOf, readIdentityPolicy } from './policy-documents.ts'
import { cannotBeFound, refused } from './refusals.ts'

/** Throws NoSuchEntity, PolicyMalformed and LimitExceeded. */
export async function putInlinePolicy(
  store: IdentityStore,
  type: HolderType,
  accountId: string,
  holderName: string,
  policy: { readonly policyName: string; readonly document: string },
): Promise<void> {
  await changeHolder(store, type, accountId, holderName, (holder) => {
    readIdentityPolicy(policy.document, policy.policyName)
    const inline = { ...holder.inline, [policy.policyName]: policy.document }
    const most = HOLDERS[type].inlineChars
    if (Object.values(inline).reduce((sum, document) => sum + charsOf(document), 0) > most) {
      throw refused('LimitExceeded', `Maximum policy size of ${most} bytes exceeded for ${type} ${holderName}`)
    }
    return { ...holder, inline }
  })
}

/** The document as it was put. Throws NoSuchEntity. */
export async function inlinePolicy(
  store: IdentityStore,
  type: HolderType,
  accountId: string,
  holderName: string,
  policyName: string,
): Promise<string> {
  return documentOf((await findHolder(store, type, accountId, holderName)).inline, type, policyName)
}

/** Throws NoSuchEntity. */
export async function deleteInlinePolicy(
  store: IdentityStore,
  type: HolderType,
  accountId: string,
  holderName: string,
  policyName: string,
): Promise<void> {
  await changeHolder(store, type, accountId, holderName, (holder) => {
    documentOf(holder.inline, type, policyName)
    const { [policyName]: _, ...inline } = holder.inline
    return { ...holder, inline }
  })
}

function documentOf(inline: Readonly<Record<string, string>>, type: HolderType, policyName: string): string {
  const document = Object.hasOwn(inline, policyName) ? inline[policyName] : undefined
  if (document === undefined) throw cannotBeFound(`${type} policy with name ${policyName}`)
  return document
}
