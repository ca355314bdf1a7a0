import { RecordStore } from '../records/record-store.ts'
import { StoreKey } from '../root-key/store-key.ts'
import { MemoryCatalog } from '../storage/memory-catalog.ts'
import { IdentityStore } from './identity-store.ts'
import {
  names,
  type OidcProviderRecord,
  oidcProviderRecord,
  type RoleRecord,
  roleRecord,
  type UserRecord,
  userRecord,
} from './records.ts'

export const ACCOUNT = '111111111111'

/** A store of identities in memory, for tests; what is put replaces what was there. */
export function identityRoom() {
  const store = new IdentityStore(
    new RecordStore(new MemoryCatalog(), StoreKey.of(new Uint8Array(32)).derive('records')),
  )
  const { records } = store
  const holder = { accountId: ACCOUNT, path: '/', createdAtMs: 0, inline: {}, attached: [], tags: {} }
  return {
    store,
    async putRole(roleName: string, role: Partial<RoleRecord> & { trust?: object }): Promise<RoleRecord> {
      const { trust, ...given } = role
      const trustPolicy = JSON.stringify({ Version: '2012-10-17', Statement: trust ?? [allow('sts:Nothing', '*')] })
      const full = { roleName, roleId: `AROA${roleName}`, description: '', maxSessionSeconds: 3600, trustPolicy }
      const value = { ...holder, ...full, ...given }
      await store.commit([], [records.put(roleRecord, names.role(value.accountId, roleName), value)])
      return value
    },
    async removeRole(roleName: string) {
      await store.commit([], [records.remove(roleRecord, names.role(ACCOUNT, roleName))])
    },
    async putUser(userName: string, user: Partial<UserRecord>): Promise<UserRecord> {
      const value = { ...holder, userName, userId: `AIDA${userName}`, groups: [], accessKeyIds: [], ...user }
      await store.commit([], [records.put(userRecord, names.user(value.accountId, userName), value)])
      return value
    },
    async putProvider(provider: Pick<OidcProviderRecord, 'url' | 'clientIds'>) {
      const value = { accountId: ACCOUNT, thumbprints: [], createdAtMs: 0, tags: {}, ...provider }
      await store.commit([], [records.put(oidcProviderRecord, names.oidcProvider(ACCOUNT, provider.url), value)])
    },
  }
}

/** A statement; `principal` of a trust policy. */
export const allow = (Action: string | string[], Principal: unknown, rest: object = {}) => ({
  Effect: 'Allow',
  Action,
  Principal,
  ...rest,
})

export const policyOf = (...actions: string[]) =>
  JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }] })
