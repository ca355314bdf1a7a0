/** From access keys to principals: users as they are now, and what they may do. */

import { beforeEach, expect, test } from 'vitest'
import { authorize } from '../policy/authorize.ts'
import type { Principal } from '../policy/call.ts'
import { call } from '../policy/caller.fixture.ts'
import { RecordStore } from '../records/record-store.ts'
import { StoreKey } from '../root-key/store-key.ts'
import { MemoryCatalog } from '../storage/memory-catalog.ts'
import { Accounts } from './accounts.ts'
import { Directory } from './directory.ts'
import { IdentityStore } from './identity-store.ts'
import { accessKeyRecord, managedPolicyRecord, names, type UserRecord, userRecord } from './records.ts'
import { Sessions } from './sessions.ts'

const ACCOUNT = '111111111111'
const allow = (Action: string) =>
  JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource: '*' }] })
const user: UserRecord = {
  accountId: ACCOUNT,
  path: '/staff/',
  userName: 'alice',
  userId: 'AIDA1',
  createdAtMs: 0,
  inline: { reads: allow('s3:Get*') },
  attached: [],
  groups: [],
  tags: { team: 'blue' },
  accessKeyIds: ['AKIASTORED'],
}
let store: IdentityStore
let directory: Directory
let sessions: Sessions
beforeEach(async () => {
  const storeKey = StoreKey.of(new Uint8Array(32))
  store = new IdentityStore(new RecordStore(new MemoryCatalog(), storeKey.derive('records')))
  sessions = new Sessions(storeKey.derive('session tokens'), { nowMs: () => 1_700_000_000_000 })
  const root = { accessKeyId: 'AKIAROOT', secretAccessKey: 's' }
  directory = new Directory({ root, configured: [], accounts: new Accounts([]), store, sessions })
  await put(userRecord, names.user(ACCOUNT, 'alice'), user)
  const key = { accessKeyId: 'AKIASTORED', secretAccessKey: 's', accountId: ACCOUNT, userName: 'alice', createdAtMs: 0 }
  await put(accessKeyRecord, names.accessKey('AKIASTORED'), { ...key, status: 'Active' })
})

const put = <T>(kind: Parameters<RecordStore['put']>[0], at: Uint8Array, value: T) =>
  store.commit([], [store.records.put(kind, at, value)])
const may = (principal: Principal, action: string) =>
  authorize(
    { ...call, principal },
    { action, resource: 'arn:aws:s3:::b/k', resourceAccount: ACCOUNT, resourcePolicy: undefined },
  ).allowed
const byKey = async () => (await directory.findAccessKey('AKIASTORED', undefined)).principal
const AS_ROLE = { kind: 'role', roleName: 'reader', roleId: 'AROA1', sessionName: 'me' } as const

test('a user', async () => {
  const principal = await byKey()
  expect(principal).toMatchObject({
    arn: `arn:aws:iam::${ACCOUNT}:user/staff/alice`,
    principalId: 'AIDA1',
    tags: { team: 'blue' },
  })
  expect([may(principal, 's3:GetObject'), may(principal, 's3:PutObject')]).toEqual([true, false])
})

test('every change holds from the next look on', async () => {
  expect(may(await byKey(), 's3:GetObject')).toBe(true)
  await put(userRecord, names.user(ACCOUNT, 'alice'), { ...user, inline: {} })
  expect(may(await byKey(), 's3:GetObject')).toBe(false)
  await put(userRecord, names.user(ACCOUNT, 'alice'), {
    ...user,
    inline: {},
    attached: ['arn:aws:iam::aws:policy/AmazonS3FullAccess'],
  })
  expect(may(await byKey(), 's3:PutObject')).toBe(true)
  await store.commit([], [store.records.remove(userRecord, names.user(ACCOUNT, 'alice'))])
  await expect(byKey()).rejects.toMatchObject({ code: 'CredentialUnknown' })
})

test('a boundary limits, and one that is missing opens nothing', async () => {
  const boundary = `arn:aws:iam::${ACCOUNT}:policy/limit`
  await put(userRecord, names.user(ACCOUNT, 'alice'), { ...user, boundary })
  await expect(byKey()).rejects.toMatchObject({ code: 'Damaged' })
  const policy = { accountId: ACCOUNT, policyName: 'limit', policyId: 'ANPA1', path: '/', description: '', tags: {} }
  const versions = [{ version: 1, document: allow('s3:List*'), createdAtMs: 0 }]
  const times = { createdAtMs: 0, updatedAtMs: 0, defaultVersion: 1, lastVersion: 1 }
  await put(managedPolicyRecord, names.managedPolicy(ACCOUNT, 'limit'), { ...policy, ...times, versions })
  expect(may(await byKey(), 's3:GetObject')).toBe(false)
})

test('a long-term key has no token, and a temporary one no use without', async () => {
  const made = sessions.start({ accountId: ACCOUNT, bearer: AS_ROLE, durationSeconds: 900 })
  await expect(directory.findAccessKey('AKIASTORED', made.sessionToken)).rejects.toMatchObject({
    code: 'SessionTokenInvalid',
  })
  await expect(directory.findAccessKey(made.accessKeyId, undefined)).rejects.toMatchObject({
    code: 'CredentialUnknown',
  })
})
