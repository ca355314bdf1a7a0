/** Whether the principals that a policy names are there, as far as this server can know. */
import type { Policy } from '../policy/document.ts'
import type { Accounts } from './accounts.ts'
import type { IdentityStore } from './identity-store.ts'

const USER_OR_ROLE = /^arn:aws:iam::(\d{12}):(user|role)\/(?:.*\/)?([^/]+)$/

/**
 * The first user or role that the policy names and that is not there; undefined where all are. Of accounts that are kept
 * elsewhere nobody here can know who is in them.
 */
export async function missingPrincipal(
  policy: Policy,
  accounts: Accounts,
  store: IdentityStore,
): Promise<string | undefined> {
  for (const arn of policy.principalArns) {
    const [, accountId = '', kind, name = ''] = USER_OR_ROLE.exec(arn) ?? []
    if (kind === undefined || !accounts.isKnown(accountId)) continue
    if (!(kind === 'user' ? await store.user(accountId, name) : await store.role(accountId, name))) return arn
  }
  return undefined
}
