/** Tags of users, roles, managed policies and OpenID Connect providers: the same three operations for each. */
import { changeHolder, findHolder } from '../../identity/holders.ts'
import type { IdentityStore } from '../../identity/identity-store.ts'
import { changePolicy, findPolicy } from '../../identity/managed-policies.ts'
import { changeProvider, findProvider } from '../../identity/oidc-providers.ts'
import type { Tags } from '../../identity/records.ts'
import { type TagCase, withoutTags, withTags } from '../../identity/tags.ts'
import type { Input } from '../../protocols/input.ts'
import type { IamOperations } from '../operation.ts'
import { page } from '../page.ts'
import { policyArn, providerArn, roleName, tagKeys, tags, userName } from '../read-input.ts'
import { tagList } from '../shapes.ts'
import { policy, provider, role, type TargetReader, user } from '../targets.ts'

/** A kind of thing with tags. */
interface Tagged {
  readonly noun: string
  readonly on: TargetReader
  readonly tagCase: TagCase
  readonly nameOf: (input: Input) => string
  readonly find: (store: IdentityStore, accountId: string, name: string) => Promise<{ readonly tags: Tags }>
  readonly change: (
    store: IdentityStore,
    accountId: string,
    name: string,
    edit: <T extends { readonly tags: Tags }>(tagged: T) => T,
  ) => Promise<unknown>
}

const TAGGED: readonly Tagged[] = [
  {
    noun: 'User',
    on: user,
    tagCase: 'insensitive',
    nameOf: userName,
    find: (store, accountId, name) => findHolder(store, 'user', accountId, name),
    change: (store, accountId, name, edit) => changeHolder(store, 'user', accountId, name, edit),
  },
  {
    noun: 'Role',
    on: role,
    tagCase: 'insensitive',
    nameOf: roleName,
    find: (store, accountId, name) => findHolder(store, 'role', accountId, name),
    change: (store, accountId, name, edit) => changeHolder(store, 'role', accountId, name, edit),
  },
  { noun: 'Policy', on: policy, tagCase: 'sensitive', nameOf: policyArn, find: findPolicy, change: changePolicy },
  {
    noun: 'OpenIDConnectProvider',
    on: provider,
    tagCase: 'sensitive',
    nameOf: providerArn,
    find: findProvider,
    change: changeProvider,
  },
]

const operationsOf = ({ noun, on, tagCase, nameOf, find, change }: Tagged): IamOperations => ({
  [`Tag${noun}`]: {
    readOnly: false,
    on,
    async run({ store }, { principal }, input) {
      const added = tags(input, tagCase)
      await change(store, principal.accountId, nameOf(input), (tagged) => ({
        ...tagged,
        tags: withTags(tagged.tags, added, tagCase),
      }))
      return {}
    },
  },
  [`Untag${noun}`]: {
    readOnly: false,
    on,
    async run({ store }, { principal }, input) {
      const keys = tagKeys(input)
      await change(store, principal.accountId, nameOf(input), (tagged) => ({
        ...tagged,
        tags: withoutTags(tagged.tags, keys, tagCase),
      }))
      return {}
    },
  },
  [`List${noun}Tags`]: {
    readOnly: true,
    on,
    async run({ store }, { principal }, input) {
      const found = await find(store, principal.accountId, nameOf(input))
      const { items, truncation } = page(input, tagList(found.tags), ({ Key }) => Key)
      return { Tags: items, ...truncation }
    },
  },
})

export const TAG_OPERATIONS: IamOperations = Object.assign({}, ...TAGGED.map(operationsOf))
