/** Who may call: the accounts and users of the configuration, and the root user made at first start. */
import { createHash } from 'node:crypto'
import type { Principal } from '../core/principal.ts'

export interface AccountConfig {
  readonly id: string
  readonly displayName?: string | undefined
  readonly canonicalId?: string | undefined
  readonly users: readonly UserConfig[]
}

export interface UserConfig {
  readonly name: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly root: boolean
}

export interface AccessKeyPair {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

export interface Credential extends AccessKeyPair {
  readonly principal: Principal
}

/** The account of the root user that the first start makes. */
export const ROOT_ACCOUNT = '000000000000'

export class Directory {
  readonly #credentials = new Map<string, Credential>()

  /** Throws a TypeError where two users share an access key id. */
  constructor(root: AccessKeyPair, accounts: readonly AccountConfig[]) {
    const own = accounts.find((account) => account.id === ROOT_ACCOUNT)
    this.#add(own ?? { id: ROOT_ACCOUNT, users: [] }, { name: 'root', ...root, root: true })
    for (const account of accounts) for (const user of account.users) this.#add(account, user)
  }

  async findAccessKey(accessKeyId: string): Promise<Credential | undefined> {
    return this.#credentials.get(accessKeyId)
  }

  #add(account: AccountConfig, user: UserConfig): void {
    const { accessKeyId, secretAccessKey } = user
    if (this.#credentials.has(accessKeyId)) throw new TypeError(`two users have the access key id ${accessKeyId}`)
    this.#credentials.set(accessKeyId, { accessKeyId, secretAccessKey, principal: principalOf(account, user) })
  }
}

function principalOf(account: AccountConfig, user: UserConfig): Principal {
  return {
    accountId: account.id,
    arn: `arn:aws:iam::${account.id}:${user.root ? 'root' : `user/${user.name}`}`,
    principalId: user.root ? account.id : userId(account.id, user.name),
    principalType: user.root ? 'Root' : 'IAMUser',
    userName: user.root ? undefined : user.name,
    accessKeyId: user.accessKeyId,
    canonicalId: account.canonicalId ?? canonicalId(account.id),
    displayName: account.displayName ?? `account-${account.id}`,
  }
}

/** 64 hex digits that stay the same for an account. */
export function canonicalId(accountId: string): string {
  return createHash('sha256').update(`strongroom canonical user id ${accountId}`).digest('hex')
}

/** AIDA and 17 characters of base 32, as IAM's user ids; the same for the same user at every start. */
function userId(accountId: string, name: string): string {
  const digest = createHash('sha256').update(`strongroom user id ${accountId} ${name}`).digest()
  return `AIDA${Array.from(digest.subarray(0, 17), (byte) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[byte & 31]).join('')}`
}
