/** Groups and their members. */

import { addUserToGroup, createGroup, deleteGroup, removeUserFromGroup, updateGroup } from '../../identity/groups.ts'
import { findHolder, listHolders } from '../../identity/holders.ts'
import type { IamOperations } from '../operation.ts'
import { page } from '../page.ts'
import { groupName, newName, optionalName, path, pathPrefix, userName } from '../read-input.ts'
import { groupShape, userShape } from '../shapes.ts'
import { allOf, group, moved, newOne, user } from '../targets.ts'

export const GROUP_OPERATIONS: IamOperations = {
  CreateGroup: {
    readOnly: false,
    on: newOne('group', 'GroupName'),
    async run({ store, clock }, { principal }, input) {
      const facts = { groupName: newName(input, 'GroupName', 128), path: path(input) ?? '/' }
      return { Group: groupShape(await createGroup(store, principal.accountId, facts, clock.nowMs())) }
    },
  },
  GetGroup: {
    readOnly: true,
    on: group,
    async run({ store }, { principal }, input) {
      const found = await findHolder(store, 'group', principal.accountId, groupName(input))
      const { items, truncation } = page(input, found.members, (member) => member.toLowerCase())
      const members = await Promise.all(items.map((member) => findHolder(store, 'user', principal.accountId, member)))
      return { Group: groupShape(found), Users: members.map(userShape), ...truncation }
    },
  },
  UpdateGroup: {
    readOnly: false,
    on: moved('group', 'GroupName'),
    async run({ store }, { principal }, input) {
      await updateGroup(store, principal.accountId, groupName(input), {
        newName: optionalName(input, 'NewGroupName', 128),
        newPath: path(input, 'NewPath'),
      })
      return {}
    },
  },
  DeleteGroup: {
    readOnly: false,
    on: group,
    async run({ store }, { principal }, input) {
      await deleteGroup(store, principal.accountId, groupName(input))
      return {}
    },
  },
  ListGroups: {
    readOnly: true,
    on: allOf('group/'),
    async run({ store }, { principal }, input) {
      const all = await listHolders(store, 'group', principal.accountId, pathPrefix(input))
      const { items, truncation } = page(input, all, ({ groupName }) => groupName.toLowerCase())
      return { Groups: items.map(groupShape), ...truncation }
    },
  },
  ListGroupsForUser: {
    readOnly: true,
    on: user,
    async run({ store }, { principal }, input) {
      const { groups } = await findHolder(store, 'user', principal.accountId, userName(input))
      const { items, truncation } = page(input, groups, (name) => name.toLowerCase())
      const found = await Promise.all(items.map((name) => findHolder(store, 'group', principal.accountId, name)))
      return { Groups: found.map(groupShape), ...truncation }
    },
  },
  AddUserToGroup: {
    readOnly: false,
    on: group,
    async run({ store }, { principal }, input) {
      await addUserToGroup(store, principal.accountId, groupName(input), userName(input))
      return {}
    },
  },
  RemoveUserFromGroup: {
    readOnly: false,
    on: group,
    async run({ store }, { principal }, input) {
      await removeUserFromGroup(store, principal.accountId, groupName(input), userName(input))
      return {}
    },
  },
}
