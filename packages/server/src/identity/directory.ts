/** Who calls: from an access key, and a session token where there is one, to a principal with its policies. */
import { createHash } from 'node:crypto'
import { Fault } from '../core/fault.ts'
import type { Principal } from '../policy/call.ts'
import { type AccountConfig, type Accounts, ROOT_ACCOUNT, type UserConfig } from './accounts.ts'
import { AWS_MANAGED_POLICIES } from './aws-managed-policies.ts'

export interface AccessKeyPair {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

export interface Credential extends AccessKeyPair {
  readonly principal: Principal
}

export class Directory {
  readonly accounts: Accounts
  readonly #credentials = new Map<string, Credential>()

  /** Throws a TypeError where two users share an access key id. */
  constructor(root: AccessKeyPair, configured: readonly AccountConfig[], accounts: Accounts) {
    this.accounts = accounts
    this.#add(ROOT_ACCOUNT, { name: 'root', ...root, root: true, policies: [] })
    for (const account of configured) for (const user of account.users) this.#add(account.id, user)
  }

  /** Throws CredentialUnknown, SessionTokenInvalid or SessionTokenExpired. Always as things are now, on every process. */
  async findAccessKey(accessKeyId: string, sessionToken: string | undefined): Promise<Credential> {
    const found = this.#credentials.get(accessKeyId)
    if (!found) throw new Fault('CredentialUnknown', { accessKeyId })
    if (sessionToken !== undefined) throw new Fault('SessionTokenInvalid', {})
    return found
  }

  #add(accountId: string, user: UserConfig): void {
    const { accessKeyId, secretAccessKey } = user
    if (this.#credentials.has(accessKeyId)) throw new TypeError(`two users have the access key id ${accessKeyId}`)
    const principal = principalOf(this.accounts, accountId, user)
    this.#credentials.set(accessKeyId, { accessKeyId, secretAccessKey, principal })
  }
}

function principalOf(accounts: Accounts, accountId: string, user: UserConfig): Principal {
  const { canonicalId, displayName } = accounts.find(accountId)
  const arn = `arn:aws:iam::${accountId}:${user.root ? 'root' : `user/${user.name}`}`
  return {
    accountId,
    arn,
    principalId: user.root ? accountId : userId(accountId, user.name),
    principalType: user.root ? 'Root' : 'IAMUser',
    userName: user.root ? undefined : user.name,
    accessKeyId: user.accessKeyId,
    canonicalId,
    displayName,
    named: { kind: user.root ? 'Account' : 'User', accountId, arn, canonicalId },
    permissions: {
      identity: user.policies.flatMap((policyArn) => AWS_MANAGED_POLICIES.get(policyArn)?.policy ?? []),
      boundary: undefined,
      session: undefined,
    },
    tags: {},
  }
}

/** AIDA and 17 characters of base 32, as IAM's user ids; the same for the same user at every start. */
function userId(accountId: string, name: string): string {
  const digest = createHash('sha256').update(`strongroom user id ${accountId} ${name}`).digest()
  return `AIDA${Array.from(digest.subarray(0, 17), (byte) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[byte & 31]).join('')}`
}
