/** Access keys of users: at most two each, so that one can be replaced while the other works. */
import { findHolder, putHolder } from './holders.ts'
import type { IdentityStore } from './identity-store.ts'
import { type AccessKeyRecord, accessKeyRecord, names } from './records.ts'
import { cannotBeFound, quotaExceeded } from './refusals.ts'
import { newSecretAccessKey, uniqueId } from './unique-ids.ts'

const MOST_PER_USER = 2

/** The one time that the secret is told. Throws NoSuchEntity and LimitExceeded. */
export function createAccessKey(
  store: IdentityStore,
  accountId: string,
  userName: string,
  nowMs: number,
): Promise<AccessKeyRecord> {
  return store.change(async () => {
    const user = await findHolder(store, 'user', accountId, userName)
    if (user.accessKeyIds.length >= MOST_PER_USER) throw quotaExceeded('AccessKeysPerUser', MOST_PER_USER)
    const key: AccessKeyRecord = {
      accessKeyId: uniqueId('AKIA'),
      secretAccessKey: newSecretAccessKey(),
      accountId,
      userName: user.userName,
      status: 'Active',
      createdAtMs: nowMs,
    }
    const mutations = [
      store.records.put(accessKeyRecord, names.accessKey(key.accessKeyId), key),
      putHolder(store, 'user', { ...user, accessKeyIds: [...user.accessKeyIds, key.accessKeyId] }),
    ]
    return { mutations, result: key }
  })
}

/** Throws NoSuchEntity. */
export async function listAccessKeys(
  store: IdentityStore,
  accountId: string,
  userName: string,
): Promise<AccessKeyRecord[]> {
  const user = await findHolder(store, 'user', accountId, userName)
  const keys = await Promise.all(user.accessKeyIds.map((accessKeyId) => store.accessKey(accessKeyId)))
  return keys.filter((key) => key !== undefined)
}

/** Throws NoSuchEntity. */
export function updateAccessKey(
  store: IdentityStore,
  accountId: string,
  userName: string,
  { accessKeyId, status }: Pick<AccessKeyRecord, 'accessKeyId' | 'status'>,
): Promise<void> {
  return store.change(async () => {
    const key = await findOwn(store, accountId, userName, accessKeyId)
    const mutations = [store.records.put(accessKeyRecord, names.accessKey(accessKeyId), { ...key, status })]
    return { mutations, result: undefined }
  })
}

/** Throws NoSuchEntity. */
export function deleteAccessKey(
  store: IdentityStore,
  accountId: string,
  userName: string,
  accessKeyId: string,
): Promise<void> {
  return store.change(async () => {
    await findOwn(store, accountId, userName, accessKeyId)
    const user = await findHolder(store, 'user', accountId, userName)
    const accessKeyIds = user.accessKeyIds.filter((one) => one !== accessKeyId)
    const mutations = [
      store.records.remove(accessKeyRecord, names.accessKey(accessKeyId)),
      putHolder(store, 'user', { ...user, accessKeyIds }),
    ]
    return { mutations, result: undefined }
  })
}

async function findOwn(
  store: IdentityStore,
  accountId: string,
  userName: string,
  accessKeyId: string,
): Promise<AccessKeyRecord> {
  const user = await findHolder(store, 'user', accountId, userName)
  const key = user.accessKeyIds.includes(accessKeyId)
    ? (await store.records.get(accessKeyRecord, names.accessKey(accessKeyId)))?.value
    : undefined
  if (!key) throw cannotBeFound(`Access Key with id ${accessKeyId}`)
  return key
}
