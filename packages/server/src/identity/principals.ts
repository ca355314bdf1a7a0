/** From what is stored of a caller to the principal that policies see. */
import type { Principal } from '../policy/call.ts'
import type { Accounts } from './accounts.ts'
import type { UserWithPolicies } from './identity-store.ts'
import { userArn } from './records.ts'

/** The root user of an account: its account, to every policy. */
export function rootPrincipal(accounts: Accounts, accountId: string, accessKeyId: string): Principal {
  const { canonicalId, displayName } = accounts.find(accountId)
  const arn = rootArn(accountId)
  return {
    accountId,
    arn,
    principalId: accountId,
    principalType: 'Root',
    userName: undefined,
    accessKeyId,
    canonicalId,
    displayName,
    named: { kind: 'Account', accountId, arn, canonicalId },
    permissions: { identity: [], boundary: undefined, session: undefined },
    tags: {},
  }
}

export function userPrincipal(
  accounts: Accounts,
  { user, permissions }: UserWithPolicies,
  accessKeyId: string,
): Principal {
  const { accountId, userName, userId, tags } = user
  const { canonicalId, displayName } = accounts.find(accountId)
  const arn = userArn(user)
  return {
    accountId,
    arn,
    principalId: userId,
    principalType: 'IAMUser',
    userName,
    accessKeyId,
    canonicalId,
    displayName,
    named: { kind: 'User', accountId, arn, canonicalId },
    permissions,
    tags,
  }
}

export const rootArn = (accountId: string) => `arn:aws:iam::${accountId}:root`
