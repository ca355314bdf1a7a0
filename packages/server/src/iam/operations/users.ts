/** Users. */
import { findHolder, listHolders } from '../../identity/holders.ts'
import { rootArn } from '../../identity/principals.ts'
import { createUser, deleteUser, updateUser } from '../../identity/users.ts'
import type { IamOperations } from '../operation.ts'
import { page } from '../page.ts'
import {
  newName,
  optionalName,
  optionalPolicyArn,
  path,
  pathPrefix,
  tags,
  userName,
  userNameOrOwn,
} from '../read-input.ts'
import { userDetails, userShape } from '../shapes.ts'
import { allOf, moved, newOne, user, userOrCaller } from '../targets.ts'

export const USER_OPERATIONS: IamOperations = {
  CreateUser: {
    readOnly: false,
    on: newOne('user', 'UserName'),
    withTags: 'TagUser',
    async run({ store, clock }, { principal }, input) {
      const facts = {
        userName: newName(input, 'UserName'),
        path: path(input) ?? '/',
        tags: tags(input, 'insensitive'),
        boundary: optionalPolicyArn(input, 'PermissionsBoundary'),
      }
      return { User: userDetails(await createUser(store, principal.accountId, facts, clock.nowMs())) }
    },
  },
  GetUser: {
    readOnly: true,
    on: userOrCaller,
    async run({ store }, call, input) {
      const { principal } = call
      if (principal.principalType === 'Root' && !input.has('UserName')) {
        const CreateDate = new Date(0)
        return { User: { Path: '/', UserId: principal.accountId, Arn: rootArn(principal.accountId), CreateDate } }
      }
      return { User: userDetails(await findHolder(store, 'user', principal.accountId, userNameOrOwn(input, call))) }
    },
  },
  UpdateUser: {
    readOnly: false,
    on: moved('user', 'UserName'),
    async run({ store }, { principal }, input) {
      await updateUser(store, principal.accountId, userName(input), {
        newName: optionalName(input, 'NewUserName', 64),
        newPath: path(input, 'NewPath'),
      })
      return {}
    },
  },
  DeleteUser: {
    readOnly: false,
    on: user,
    async run({ store }, { principal }, input) {
      await deleteUser(store, principal.accountId, userName(input))
      return {}
    },
  },
  ListUsers: {
    readOnly: true,
    on: allOf('user/'),
    async run({ store }, { principal }, input) {
      const all = await listHolders(store, 'user', principal.accountId, pathPrefix(input))
      const { items, truncation } = page(input, all, ({ userName }) => userName.toLowerCase())
      return { Users: items.map(userShape), ...truncation }
    },
  },
}
