/** Users of IAM: made, found, listed, renamed, removed. */
import type { UserConfig } from './accounts.ts'
import type { IdentityStore } from './identity-store.ts'
import { names, type UserRecord, userRecord } from './records.ts'
import { uniqueId } from './unique-ids.ts'

/** Makes a user that the configuration names, with its policies, unless the user is there. */
export function ensureConfiguredUser(
  store: IdentityStore,
  accountId: string,
  { name, policies }: Pick<UserConfig, 'name' | 'policies'>,
  nowMs: number,
): Promise<void> {
  const { records } = store
  return store.change(async () => {
    const at = names.user(accountId, name)
    if (await records.get(userRecord, at)) return { mutations: [], result: undefined }
    const user = newUser(accountId, { userName: name, path: '/', tags: {}, boundary: undefined }, nowMs)
    return { mutations: [records.put(userRecord, at, { ...user, attached: policies })], result: undefined }
  })
}

type UserFacts = Pick<UserRecord, 'userName' | 'path' | 'tags' | 'boundary'>

function newUser(accountId: string, facts: UserFacts, nowMs: number): UserRecord {
  return {
    accountId,
    ...facts,
    userId: uniqueId('AIDA'),
    createdAtMs: nowMs,
    inline: {},
    attached: [],
    groups: [],
    accessKeyIds: [],
  }
}
