/** The accounts: what S3 shows of an owner. Every account id is one, whether the configuration names it or not. */
import { createHash } from 'node:crypto'

export interface AccountConfig {
  readonly id: string
  readonly displayName?: string | undefined
  readonly canonicalId?: string | undefined
  readonly email?: string | undefined
  readonly users: readonly UserConfig[]
}

export interface UserConfig {
  readonly name: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly root: boolean
  /** ARNs of managed policies that the user is given when it is made. */
  readonly policies: readonly string[]
}

export interface AccountFacts {
  readonly accountId: string
  readonly canonicalId: string
  readonly displayName: string
  readonly email: string | undefined
}

/** The account of the root user that the first start makes. */
export const ROOT_ACCOUNT = '000000000000'

export class Accounts {
  readonly #configured: ReadonlyMap<string, AccountConfig>
  readonly #byCanonicalId: ReadonlyMap<string, string>
  readonly #byEmail: ReadonlyMap<string, string>

  constructor(configured: readonly AccountConfig[]) {
    this.#configured = new Map([
      [ROOT_ACCOUNT, { id: ROOT_ACCOUNT, users: [] }],
      ...configured.map((one) => [one.id, one] as const),
    ])
    const all = [...this.#configured.keys()].map((id) => this.find(id))
    this.#byCanonicalId = new Map(all.map(({ canonicalId, accountId }) => [canonicalId, accountId]))
    this.#byEmail = new Map(
      all.flatMap(({ email, accountId }) => (email === undefined ? [] : [[email, accountId] as const])),
    )
  }

  /** Whether this server keeps users of the account. */
  isKnown(accountId: string): boolean {
    return this.#configured.has(accountId)
  }

  find(accountId: string): AccountFacts {
    const account = this.#configured.get(accountId)
    return {
      accountId,
      canonicalId: account?.canonicalId ?? canonicalIdOf(accountId),
      displayName: account?.displayName ?? `account-${accountId}`,
      email: account?.email,
    }
  }

  findByCanonicalId(canonicalId: string): AccountFacts | undefined {
    const accountId = this.#byCanonicalId.get(canonicalId)
    return accountId === undefined ? undefined : this.find(accountId)
  }

  findByEmail(email: string): AccountFacts | undefined {
    const accountId = this.#byEmail.get(email)
    return accountId === undefined ? undefined : this.find(accountId)
  }
}

/** 64 hex digits that stay the same for an account. */
function canonicalIdOf(accountId: string): string {
  return createHash('sha256').update(`strongroom canonical user id ${accountId}`).digest('hex')
}
