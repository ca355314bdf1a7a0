/** The alias of an account: one, and no two accounts have the same. */
import { name, prefixEnd } from '../records/names.ts'
import type { IdentityStore } from './identity-store.ts'
import { accountAliasRecord, names } from './records.ts'
import { cannotBeFound, refused } from './refusals.ts'

/** Account ids begin with a digit each. */
const ALL = { gte: name('0'), lt: prefixEnd(name('9')), limit: 100_000 }

export async function accountAlias(store: IdentityStore, accountId: string): Promise<string | undefined> {
  return (await store.records.get(accountAliasRecord, names.accountAlias(accountId)))?.value.alias
}

/** Takes the place of the one before. Throws EntityAlreadyExists. */
export function createAccountAlias(store: IdentityStore, accountId: string, alias: string): Promise<void> {
  return store.change(async () => {
    const all = await store.records.range(accountAliasRecord, ALL)
    if (all.some(({ value }) => value.alias === alias)) {
      throw refused('EntityAlreadyExists', `The account alias ${alias} already exists.`)
    }
    const mutations = [store.records.put(accountAliasRecord, names.accountAlias(accountId), { alias })]
    return { mutations, result: undefined }
  })
}

/** Throws NoSuchEntity. */
export function deleteAccountAlias(store: IdentityStore, accountId: string, alias: string): Promise<void> {
  return store.change(async () => {
    if ((await accountAlias(store, accountId)) !== alias) throw cannotBeFound(`account alias with name ${alias}`)
    return { mutations: [store.records.remove(accountAliasRecord, names.accountAlias(accountId))], result: undefined }
  })
}
