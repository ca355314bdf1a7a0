/** Groups of IAM and who is in them; a user's record and the group's both say so, and change together. */
import { findHolder, lookUpHolder, putHolder } from './holders.ts'
import type { IdentityStore } from './identity-store.ts'
import { type GroupRecord, groupRecord, names } from './records.ts'
import { alreadyExists, cannotDelete, quotaExceeded } from './refusals.ts'
import { uniqueId } from './unique-ids.ts'

const MOST_GROUPS_PER_USER = 10

/** Throws EntityAlreadyExists. */
export function createGroup(
  store: IdentityStore,
  accountId: string,
  facts: Pick<GroupRecord, 'groupName' | 'path'>,
  nowMs: number,
): Promise<GroupRecord> {
  return store.change(async () => {
    await requireFreeName(store, accountId, facts.groupName)
    const group: GroupRecord = {
      accountId,
      ...facts,
      groupId: uniqueId('AGPA'),
      createdAtMs: nowMs,
      inline: {},
      attached: [],
      members: [],
    }
    return { mutations: [putHolder(store, 'group', group)], result: group }
  })
}

/** Its members follow. Throws NoSuchEntity and EntityAlreadyExists. */
export function updateGroup(
  store: IdentityStore,
  accountId: string,
  groupName: string,
  { newName, newPath }: { readonly newName: string | undefined; readonly newPath: string | undefined },
): Promise<GroupRecord> {
  return store.change(async () => {
    const before = await findHolder(store, 'group', accountId, groupName)
    const after = { ...before, groupName: newName ?? before.groupName, path: newPath ?? before.path }
    const mutations = [putHolder(store, 'group', after)]
    if (after.groupName.toLowerCase() !== before.groupName.toLowerCase()) {
      await requireFreeName(store, accountId, after.groupName)
      mutations.push(store.records.remove(groupRecord, names.group(accountId, before.groupName)))
    }
    for (const userName of before.members) {
      const user = await findHolder(store, 'user', accountId, userName)
      const groups = user.groups.map((group) => (group === before.groupName ? after.groupName : group))
      mutations.push(putHolder(store, 'user', { ...user, groups }))
    }
    return { mutations, result: after }
  })
}

/** Throws NoSuchEntity, and DeleteConflict while it has members or policies. */
export function deleteGroup(store: IdentityStore, accountId: string, groupName: string): Promise<void> {
  return store.change(async () => {
    const group = await findHolder(store, 'group', accountId, groupName)
    if (group.members.length > 0) throw cannotDelete('remove users from group')
    if (group.attached.length > 0) throw cannotDelete('detach all policies')
    if (Object.keys(group.inline).length > 0) throw cannotDelete('delete policies')
    return { mutations: [store.records.remove(groupRecord, names.group(accountId, groupName))], result: undefined }
  })
}

/** A member already is no error. Throws NoSuchEntity and LimitExceeded. */
export function addUserToGroup(
  store: IdentityStore,
  accountId: string,
  groupName: string,
  userName: string,
): Promise<void> {
  return store.change(async () => {
    const group = await findHolder(store, 'group', accountId, groupName)
    const user = await findHolder(store, 'user', accountId, userName)
    if (group.members.includes(user.userName)) return { mutations: [], result: undefined }
    if (user.groups.length >= MOST_GROUPS_PER_USER) throw quotaExceeded('GroupsPerUser', MOST_GROUPS_PER_USER)
    const mutations = [
      putHolder(store, 'group', { ...group, members: [...group.members, user.userName] }),
      putHolder(store, 'user', { ...user, groups: [...user.groups, group.groupName] }),
    ]
    return { mutations, result: undefined }
  })
}

/** Who is no member stays none. Throws NoSuchEntity. */
export function removeUserFromGroup(
  store: IdentityStore,
  accountId: string,
  groupName: string,
  userName: string,
): Promise<void> {
  return store.change(async () => {
    const user = await findHolder(store, 'user', accountId, userName)
    const group = await findHolder(store, 'group', accountId, groupName)
    if (!group.members.includes(user.userName)) return { mutations: [], result: undefined }
    const mutations = [
      putHolder(store, 'group', { ...group, members: group.members.filter((member) => member !== user.userName) }),
      putHolder(store, 'user', { ...user, groups: user.groups.filter((one) => one !== group.groupName) }),
    ]
    return { mutations, result: undefined }
  })
}

async function requireFreeName(store: IdentityStore, accountId: string, groupName: string): Promise<void> {
  if (await lookUpHolder(store, 'group', accountId, groupName)) throw alreadyExists(`Group with name ${groupName}`)
}
