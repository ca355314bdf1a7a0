/** Managed policies attached to users, groups and roles, and permissions boundaries of users and roles. */
import { attachPolicy, detachPolicy, setBoundary } from '../../identity/attachments.ts'
import { findHolder, type HolderType } from '../../identity/holders.ts'
import type { Input } from '../../protocols/input.ts'
import type { IamOperations } from '../operation.ts'
import { page } from '../page.ts'
import { existingName, pathPrefix, policyArn } from '../read-input.ts'
import { attachedPolicy } from '../shapes.ts'
import { group, role, type TargetReader, user } from '../targets.ts'

function attachmentsOf(type: HolderType, noun: 'User' | 'Group' | 'Role', on: TargetReader): IamOperations {
  const holder = (input: Input) => existingName(input, `${noun}Name`)
  return {
    [`Attach${noun}Policy`]: {
      readOnly: false,
      on,
      async run({ store }, { principal }, input) {
        await attachPolicy(store, type, principal.accountId, holder(input), policyArn(input))
        return {}
      },
    },
    [`Detach${noun}Policy`]: {
      readOnly: false,
      on,
      async run({ store }, { principal }, input) {
        await detachPolicy(store, type, principal.accountId, holder(input), policyArn(input))
        return {}
      },
    },
    [`ListAttached${noun}Policies`]: {
      readOnly: true,
      on,
      async run({ store }, { principal }, input) {
        const { attached } = await findHolder(store, type, principal.accountId, holder(input))
        const prefix = pathPrefix(input)
        const wanted = attached.filter((arn) => arn.slice(arn.indexOf('/')).startsWith(prefix))
        const { items, truncation } = page(input, wanted, (arn) => arn)
        return { AttachedPolicies: items.map(attachedPolicy), ...truncation }
      },
    },
  }
}

function boundaryOf(type: 'user' | 'role', noun: 'User' | 'Role', on: TargetReader): IamOperations {
  const holder = (input: Input) => existingName(input, `${noun}Name`)
  return {
    [`Put${noun}PermissionsBoundary`]: {
      readOnly: false,
      on,
      async run({ store }, { principal }, input) {
        const arn = policyArn(input, 'PermissionsBoundary')
        await setBoundary(store, type, principal.accountId, holder(input), arn)
        return {}
      },
    },
    [`Delete${noun}PermissionsBoundary`]: {
      readOnly: false,
      on,
      async run({ store }, { principal }, input) {
        await setBoundary(store, type, principal.accountId, holder(input), undefined)
        return {}
      },
    },
  }
}

export const ATTACHMENT_OPERATIONS: IamOperations = {
  ...attachmentsOf('user', 'User', user),
  ...attachmentsOf('group', 'Group', group),
  ...attachmentsOf('role', 'Role', role),
  ...boundaryOf('user', 'User', user),
  ...boundaryOf('role', 'Role', role),
}
