/** Inline policies of users, groups and roles: the same four operations for each. */
import { findHolder, type HolderType } from '../../identity/holders.ts'
import { deleteInlinePolicy, inlinePolicy, putInlinePolicy } from '../../identity/inline-policies.ts'
import type { Input } from '../../protocols/input.ts'
import type { IamOperations } from '../operation.ts'
import { page } from '../page.ts'
import { existingName, policyDocument, policyName } from '../read-input.ts'
import { encodeDocument } from '../shapes.ts'
import { group, role, type TargetReader, user } from '../targets.ts'

function operationsOf(type: HolderType, noun: 'User' | 'Group' | 'Role', on: TargetReader): IamOperations {
  const holder = (input: Input) => existingName(input, `${noun}Name`)
  return {
    [`Put${noun}Policy`]: {
      readOnly: false,
      on,
      async run({ store }, { principal }, input) {
        const policy = { policyName: policyName(input), document: policyDocument(input) }
        await putInlinePolicy(store, type, principal.accountId, holder(input), policy)
        return {}
      },
    },
    [`Get${noun}Policy`]: {
      readOnly: true,
      on,
      async run({ store }, { principal }, input) {
        const document = await inlinePolicy(store, type, principal.accountId, holder(input), policyName(input))
        return {
          [`${noun}Name`]: holder(input),
          PolicyName: policyName(input),
          PolicyDocument: encodeDocument(document),
        }
      },
    },
    [`Delete${noun}Policy`]: {
      readOnly: false,
      on,
      async run({ store }, { principal }, input) {
        await deleteInlinePolicy(store, type, principal.accountId, holder(input), policyName(input))
        return {}
      },
    },
    [`List${noun}Policies`]: {
      readOnly: true,
      on,
      async run({ store }, { principal }, input) {
        const { inline } = await findHolder(store, type, principal.accountId, holder(input))
        const { items, truncation } = page(input, Object.keys(inline), (name) => name)
        return { PolicyNames: items, ...truncation }
      },
    },
  }
}

export const INLINE_POLICY_OPERATIONS: IamOperations = {
  ...operationsOf('user', 'User', user),
  ...operationsOf('group', 'Group', group),
  ...operationsOf('role', 'Role', role),
}
