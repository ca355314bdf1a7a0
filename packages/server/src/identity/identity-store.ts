/**
 * Reads users and roles with the policies they have, compiled, and commits changes of them.
 *
 * What was read is remembered under the generation that it was read in. Every change writes the generation anew, and
 * every request looks at it first, so a change holds on all processes from the moment that its reply is sent.
 */
import { randomBytes } from 'node:crypto'
import { Fault } from '../core/fault.ts'
import type { Permissions } from '../policy/call.ts'
import { type Policy, readPolicy } from '../policy/document.ts'
import type { RecordStore } from '../records/record-store.ts'
import type { Check, EntryVersion, Mutation } from '../storage/catalog.ts'
import { AWS_MANAGED_POLICIES } from './aws-managed-policies.ts'
import {
  type AccessKeyRecord,
  accessKeyRecord,
  groupArn,
  groupRecord,
  identityGeneration,
  managedPolicyRecord,
  names,
  type PolicyHolder,
  policyArn,
  type RoleRecord,
  roleArn,
  roleRecord,
  type UserRecord,
  userArn,
  userRecord,
} from './records.ts'

export interface UserWithPolicies {
  readonly user: UserRecord
  readonly permissions: Permissions
}

export interface RoleWithPolicies {
  readonly role: RoleRecord
  readonly permissions: Permissions
  readonly trust: Policy
}

export interface Change<T> {
  /** None: nothing is to be changed. */
  readonly mutations: readonly Mutation[]
  readonly result: T
}

export class IdentityStore {
  readonly records: RecordStore
  #generation: EntryVersion | undefined
  #known = new Map<string, Promise<unknown>>()
  #changing: Promise<unknown> = Promise.resolve()

  constructor(records: RecordStore) {
    this.records = records
  }

  accessKey(accessKeyId: string): Promise<AccessKeyRecord | undefined> {
    return this.#remember(`key ${accessKeyId}`, async () => {
      return (await this.records.get(accessKeyRecord, names.accessKey(accessKeyId)))?.value
    })
  }

  user(accountId: string, userName: string): Promise<UserWithPolicies | undefined> {
    return this.#remember(`user ${accountId} ${userName.toLowerCase()}`, async () => {
      const user = (await this.records.get(userRecord, names.user(accountId, userName)))?.value
      if (!user) return undefined
      const identity = await this.#policiesOf(user, userArn(user))
      for (const groupName of user.groups) {
        const group = (await this.records.get(groupRecord, names.group(accountId, groupName)))?.value
        if (group) identity.push(...(await this.#policiesOf(group, groupArn(group))))
      }
      return { user, permissions: { identity, boundary: await this.#boundary(user), session: undefined } }
    })
  }

  role(accountId: string, roleName: string): Promise<RoleWithPolicies | undefined> {
    return this.#remember(`role ${accountId} ${roleName.toLowerCase()}`, async () => {
      const role = (await this.records.get(roleRecord, names.role(accountId, roleName)))?.value
      if (!role) return undefined
      const arn = roleArn(role)
      return {
        role,
        permissions: {
          identity: await this.#policiesOf(role, arn),
          boundary: await this.#boundary(role),
          session: undefined,
        },
        trust: readPolicy(role.trustPolicy, 'trust', `trust policy of ${arn}`),
      }
    })
  }

  /** A managed policy, AWS's or an account's own, as its default version has it. */
  managedPolicy(arn: string): Promise<Policy | undefined> {
    return this.#remember(`policy ${arn}`, async () => {
      const ofAws = AWS_MANAGED_POLICIES.get(arn)
      if (ofAws) return ofAws.policy
      const [, accountId, path] = /^arn:aws:iam::(\d{12}):policy\/(.+)$/.exec(arn) ?? []
      if (accountId === undefined || path === undefined) return undefined
      const policyName = path.slice(path.lastIndexOf('/') + 1)
      const stored = await this.records.get(managedPolicyRecord, names.managedPolicy(accountId, policyName))
      if (!stored || policyArn(stored.value) !== arn) return undefined
      const { versions, defaultVersion } = stored.value
      const document = versions.find(({ version }) => version === defaultVersion)!.document
      return readPolicy(document, 'identity', arn)
    })
  }

  /**
   * Makes a change that depends on what is there: `edit` reads and gives the mutations, and runs again where anything of
   * IAM has changed meanwhile, so that all that it saw still holds. Throws what `edit` throws, and ConcurrentModification.
   */
  change<T>(edit: () => Promise<Change<T>>): Promise<T> {
    // One after the other within the process: only other processes make it run again.
    const made = this.#changing.then(async () => {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const seen = await this.records.get(identityGeneration, names.generation)
        const { mutations, result } = await edit()
        if (mutations.length === 0) return result
        const still = this.records.still(identityGeneration, names.generation, seen)
        if (await this.commit([still], mutations)) return result
      }
      throw new Fault('IdentityRefused', {
        refusal: 'ConcurrentModification',
        message: 'The request was rejected because of concurrent changes. Wait a while and submit the request again.',
      })
    })
    this.#changing = made.catch(() => undefined)
    return made
  }

  /** As {@link RecordStore.commit}, and tells every process that something has changed. */
  commit(checks: readonly Check[], mutations: readonly Mutation[]): Promise<boolean> {
    const generation = this.records.put(identityGeneration, names.generation, { id: randomBytes(16).toString('hex') })
    return this.records.commit(checks, [...mutations, generation])
  }

  async #policiesOf({ inline, attached }: PolicyHolder, arn: string): Promise<Policy[]> {
    const own = Object.entries(inline).map(([policyName, document]) =>
      readPolicy(document, 'identity', `inline policy ${policyName} of ${arn}`),
    )
    const managed = await Promise.all(attached.map((policy) => this.managedPolicy(policy)))
    return [...own, ...managed.filter((policy) => policy !== undefined)]
  }

  async #boundary({ boundary }: { readonly boundary?: string | undefined }): Promise<Policy | undefined> {
    if (boundary === undefined) return undefined
    const policy = await this.managedPolicy(boundary)
    // A limit that is missing must not become no limit.
    if (!policy) throw new Fault('Damaged', { what: `permissions boundary ${boundary}` })
    return policy
  }

  async #remember<T>(id: string, read: () => Promise<T>): Promise<T> {
    const { version } = (await this.records.get(identityGeneration, names.generation)) ?? {}
    if (version !== this.#generation || this.#known.size > MOST_KNOWN) {
      this.#generation = version
      this.#known = new Map()
    }
    const known = this.#known
    let value = known.get(id) as Promise<T> | undefined
    if (!value) {
      value = read()
      known.set(id, value)
      value.catch(() => known.delete(id))
    }
    return value
  }
}

const MOST_KNOWN = 20_000
const ATTEMPTS = 100
