/** What IAM's operations work on. */
import type { Clock } from '../core/clock.ts'
import type { Accounts } from '../identity/accounts.ts'
import type { IdentityStore } from '../identity/identity-store.ts'

export interface IamServices {
  readonly accounts: Accounts
  readonly store: IdentityStore
  readonly clock: Clock
}
