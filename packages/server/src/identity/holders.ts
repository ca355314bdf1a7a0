/** Users, groups and roles as holders of policies: found, listed and changed alike. */
import { name, prefixEnd, ZERO } from '../records/names.ts'
import type { RecordKind } from '../records/record-store.ts'
import type { IdentityStore } from './identity-store.ts'
import {
  type GroupRecord,
  groupArn,
  groupRecord,
  names,
  type RoleRecord,
  roleArn,
  roleRecord,
  type UserRecord,
  userArn,
  userRecord,
} from './records.ts'
import { cannotBeFound } from './refusals.ts'

export interface Holders {
  readonly user: UserRecord
  readonly group: GroupRecord
  readonly role: RoleRecord
}

export type HolderType = keyof Holders

interface HolderRow<R> {
  readonly kind: RecordKind<R>
  readonly at: (accountId: string, holderName: string) => Uint8Array
  readonly nameOf: (holder: R) => string
  readonly arnOf: (holder: R) => string
  /** Most characters of all inline policies together, whitespace aside. */
  readonly inlineChars: number
  readonly attachmentsQuota: string
}

export const HOLDERS: { readonly [T in HolderType]: HolderRow<Holders[T]> } = {
  user: {
    kind: userRecord,
    at: names.user,
    nameOf: ({ userName }) => userName,
    arnOf: userArn,
    inlineChars: 2048,
    attachmentsQuota: 'PoliciesPerUser',
  },
  group: {
    kind: groupRecord,
    at: names.group,
    nameOf: ({ groupName }) => groupName,
    arnOf: groupArn,
    inlineChars: 5120,
    attachmentsQuota: 'PoliciesPerGroup',
  },
  role: {
    kind: roleRecord,
    at: names.role,
    nameOf: ({ roleName }) => roleName,
    arnOf: roleArn,
    inlineChars: 10_240,
    attachmentsQuota: 'PoliciesPerRole',
  },
}

export async function lookUpHolder<T extends HolderType>(
  store: IdentityStore,
  type: T,
  accountId: string,
  holderName: string,
): Promise<Holders[T] | undefined> {
  const row = HOLDERS[type]
  return (await store.records.get(row.kind, row.at(accountId, holderName)))?.value
}

/** Throws NoSuchEntity. */
export async function findHolder<T extends HolderType>(
  store: IdentityStore,
  type: T,
  accountId: string,
  holderName: string,
): Promise<Holders[T]> {
  const holder = await lookUpHolder(store, type, accountId, holderName)
  if (!holder) throw cannotBeFound(`${type} with name ${holderName}`)
  return holder
}

/** Those whose path begins with `pathPrefix`, by name. */
export async function listHolders<T extends HolderType>(
  store: IdentityStore,
  type: T,
  accountId: string,
  pathPrefix = '/',
): Promise<Holders[T][]> {
  const all = await listRecords(store, HOLDERS[type].kind, accountId)
  return all.filter(({ path }) => path.startsWith(pathPrefix))
}

/** All records of one kind that an account has, in the order of their names. */
export async function listRecords<R>(store: IdentityStore, kind: RecordKind<R>, accountId: string): Promise<R[]> {
  const prefix = name(accountId, ZERO)
  const found = await store.records.range(kind, { gte: prefix, lt: prefixEnd(prefix), limit: MOST_RECORDS })
  return found.map(({ value }) => value)
}

export function putHolder<T extends HolderType>(store: IdentityStore, type: T, holder: Holders[T]) {
  const row = HOLDERS[type]
  return store.records.put(row.kind, row.at(holder.accountId, row.nameOf(holder)), holder)
}

/** Puts what `edit` makes of it; nothing where `edit` gives it back as it was. Throws NoSuchEntity and what `edit` throws. */
export function changeHolder<T extends HolderType>(
  store: IdentityStore,
  type: T,
  accountId: string,
  holderName: string,
  edit: (holder: Holders[T]) => Holders[T] | Promise<Holders[T]>,
): Promise<Holders[T]> {
  return store.change(async () => {
    const before = await findHolder(store, type, accountId, holderName)
    const after = await edit(before)
    return { mutations: after === before ? [] : [putHolder(store, type, after)], result: after }
  })
}

/** Above every quota of IAM. */
const MOST_RECORDS = 100_000
