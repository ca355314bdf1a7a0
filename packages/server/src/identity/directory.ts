/** Who calls: from an access key, and a session token where there is one, to a principal with its policies. */
import { Fault } from '../core/fault.ts'
import type { Principal } from '../policy/call.ts'
import { type AccountConfig, type Accounts, ROOT_ACCOUNT, type UserConfig } from './accounts.ts'
import type { IdentityStore } from './identity-store.ts'
import { rootPrincipal, userPrincipal } from './principals.ts'
import { sessionPrincipal } from './session-principal.ts'
import type { Sessions } from './sessions.ts'
import { accountOfTemporaryKey } from './temporary-access-key.ts'

export interface AccessKeyPair {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

export interface Credential extends AccessKeyPair {
  readonly principal: Principal
}

export interface DirectoryOptions {
  /** Of the root user that the first start makes. */
  readonly root: AccessKeyPair
  readonly configured: readonly AccountConfig[]
  readonly accounts: Accounts
  readonly store: IdentityStore
  readonly sessions: Sessions
}

type ConfiguredKey = Pick<UserConfig, 'name' | 'root' | 'secretAccessKey'> & { readonly accountId: string }

export class Directory {
  readonly accounts: Accounts
  readonly #store: IdentityStore
  readonly #sessions: Sessions
  readonly #configured = new Map<string, ConfiguredKey>()

  /** Throws a TypeError where two users share an access key id. */
  constructor({ root, configured, accounts, store, sessions }: DirectoryOptions) {
    this.accounts = accounts
    this.#store = store
    this.#sessions = sessions
    this.#add(ROOT_ACCOUNT, { name: 'root', ...root, root: true, policies: [] })
    for (const account of configured) for (const user of account.users) this.#add(account.id, user)
  }

  /** Throws CredentialUnknown, SessionTokenInvalid or SessionTokenExpired. Always as things are now, on every process. */
  async findAccessKey(accessKeyId: string, sessionToken: string | undefined): Promise<Credential> {
    // Temporary credentials are told by their token; long-term ones never have one.
    if (sessionToken !== undefined) {
      const claims = this.#sessions.open(sessionToken, accessKeyId)
      const principal = await sessionPrincipal(claims, this.accounts, this.#store)
      return { accessKeyId, secretAccessKey: claims.secretAccessKey, principal }
    }
    const found = (await this.#findConfigured(accessKeyId)) ?? (await this.#findStored(accessKeyId))
    if (!found) throw new Fault('CredentialUnknown', { accessKeyId })
    return found
  }

  /** Whose account an access key is of, whether it still works or not; undefined where that cannot be told. */
  async accountOfAccessKey(accessKeyId: string): Promise<string | undefined> {
    const key = this.#configured.get(accessKeyId) ?? (await this.#store.accessKey(accessKeyId))
    return key?.accountId ?? accountOfTemporaryKey(accessKeyId)
  }

  /** The user as it is now; undefined where there is none. */
  async userPrincipal(accountId: string, userName: string, accessKeyId: string): Promise<Principal | undefined> {
    const user = await this.#store.user(accountId, userName)
    return user && userPrincipal(this.accounts, user, accessKeyId)
  }

  async #findConfigured(accessKeyId: string): Promise<Credential | undefined> {
    const key = this.#configured.get(accessKeyId)
    if (!key) return undefined
    const { accountId, secretAccessKey } = key
    const principal = key.root
      ? rootPrincipal(this.accounts, accountId, accessKeyId)
      : await this.userPrincipal(accountId, key.name, accessKeyId)
    return principal && { accessKeyId, secretAccessKey, principal }
  }

  async #findStored(accessKeyId: string): Promise<Credential | undefined> {
    const key = await this.#store.accessKey(accessKeyId)
    if (key?.status !== 'Active') return undefined
    const principal = await this.userPrincipal(key.accountId, key.userName, accessKeyId)
    return principal && { accessKeyId, secretAccessKey: key.secretAccessKey, principal }
  }

  #add(accountId: string, { accessKeyId, ...user }: UserConfig): void {
    if (this.#configured.has(accessKeyId)) throw new TypeError(`two users have the access key id ${accessKeyId}`)
    this.#configured.set(accessKeyId, { accountId, ...user })
  }
}
