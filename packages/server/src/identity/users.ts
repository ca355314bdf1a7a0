/** Users of IAM: made, renamed, removed. */
import type { UserConfig } from './accounts.ts'
import { requireAttachable, requireBoundary } from './attachments.ts'
import { findHolder, lookUpHolder, putHolder } from './holders.ts'
import type { IdentityStore } from './identity-store.ts'
import { accessKeyRecord, names, type UserRecord, userRecord } from './records.ts'
import { alreadyExists, cannotDelete } from './refusals.ts'
import { uniqueId } from './unique-ids.ts'

/** Makes a user that the configuration names, with its policies, unless the user is there. Throws NoSuchEntity. */
export function ensureConfiguredUser(
  store: IdentityStore,
  accountId: string,
  { name, policies }: Pick<UserConfig, 'name' | 'policies'>,
  nowMs: number,
): Promise<void> {
  return store.change(async () => {
    if (await lookUpHolder(store, 'user', accountId, name)) return { mutations: [], result: undefined }
    for (const arn of policies) await requireAttachable(store, accountId, arn)
    const user = newUser(accountId, { userName: name, path: '/', tags: {}, boundary: undefined }, nowMs)
    return { mutations: [putHolder(store, 'user', { ...user, attached: policies })], result: undefined }
  })
}

export type UserFacts = Pick<UserRecord, 'userName' | 'path' | 'tags' | 'boundary'>

/** Throws EntityAlreadyExists; NoSuchEntity where the boundary is not there. */
export function createUser(
  store: IdentityStore,
  accountId: string,
  facts: UserFacts,
  nowMs: number,
): Promise<UserRecord> {
  return store.change(async () => {
    await requireFreeName(store, accountId, facts.userName)
    if (facts.boundary !== undefined) await requireBoundary(store, accountId, facts.boundary)
    const user = newUser(accountId, facts, nowMs)
    return { mutations: [putHolder(store, 'user', user)], result: user }
  })
}

/** Its groups and access keys follow. Throws NoSuchEntity and EntityAlreadyExists. */
export function updateUser(
  store: IdentityStore,
  accountId: string,
  userName: string,
  { newName, newPath }: { readonly newName: string | undefined; readonly newPath: string | undefined },
): Promise<UserRecord> {
  const { records } = store
  return store.change(async () => {
    const before = await findHolder(store, 'user', accountId, userName)
    const after = { ...before, userName: newName ?? before.userName, path: newPath ?? before.path }
    const mutations = [putHolder(store, 'user', after)]
    if (after.userName.toLowerCase() !== before.userName.toLowerCase()) {
      await requireFreeName(store, accountId, after.userName)
      mutations.push(records.remove(userRecord, names.user(accountId, before.userName)))
    }
    for (const groupName of before.groups) {
      const group = await findHolder(store, 'group', accountId, groupName)
      const members = group.members.map((member) => (member === before.userName ? after.userName : member))
      mutations.push(putHolder(store, 'group', { ...group, members }))
    }
    for (const accessKeyId of before.accessKeyIds) {
      const key = await records.get(accessKeyRecord, names.accessKey(accessKeyId))
      if (key) mutations.push(records.put(accessKeyRecord, key.name, { ...key.value, userName: after.userName }))
    }
    return { mutations, result: after }
  })
}

/** Throws NoSuchEntity, and DeleteConflict while there is something that belongs to the user. */
export function deleteUser(store: IdentityStore, accountId: string, userName: string): Promise<void> {
  return store.change(async () => {
    const user = await findHolder(store, 'user', accountId, userName)
    if (user.groups.length > 0) throw cannotDelete('remove users from group')
    if (user.attached.length > 0) throw cannotDelete('detach all policies')
    if (Object.keys(user.inline).length > 0) throw cannotDelete('delete policies')
    if (user.accessKeyIds.length > 0) throw cannotDelete('delete access keys')
    return { mutations: [store.records.remove(userRecord, names.user(accountId, userName))], result: undefined }
  })
}

async function requireFreeName(store: IdentityStore, accountId: string, userName: string): Promise<void> {
  if (await lookUpHolder(store, 'user', accountId, userName)) throw alreadyExists(`User with name ${userName}`)
}

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
