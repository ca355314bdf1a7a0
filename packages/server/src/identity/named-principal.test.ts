import { expect, test } from 'vitest'
import { RecordStore } from '../records/record-store.ts'
import { StoreKey } from '../root-key/store-key.ts'
import { MemoryCatalog } from '../storage/memory-catalog.ts'
import { Accounts } from './accounts.ts'
import { IdentityStore } from './identity-store.ts'
import { namedPrincipal } from './named-principal.ts'
import { names, roleRecord, userRecord } from './records.ts'

const A = '111111111111'
const READ = 'arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess'
const holder = { accountId: A, path: '/team/', createdAtMs: 0, inline: {}, attached: [READ], tags: { team: 'red' } }

async function sources() {
  const records = new RecordStore(new MemoryCatalog(), StoreKey.of(new Uint8Array(32)).derive('records'))
  const user = { ...holder, userName: 'alice', userId: 'AIDAALICE', groups: [], accessKeyIds: [] }
  const role = {
    ...holder,
    roleName: 'reader',
    roleId: 'AROAREADER',
    description: '',
    maxSessionSeconds: 3600,
    trustPolicy: JSON.stringify({
      Version: '2012-10-17',
      Statement: { Effect: 'Allow', Principal: { AWS: A }, Action: 'sts:AssumeRole' },
    }),
  }
  await records.commit(
    [],
    [records.put(userRecord, names.user(A, 'alice'), user), records.put(roleRecord, names.role(A, 'reader'), role)],
  )
  const accounts = new Accounts([{ id: A, users: [] }])
  return { accounts, identity: new IdentityStore(records), clock: { nowMs: () => 1000 } }
}

test.each([
  ['anonymous', 'Anonymous', 'anonymous', 0],
  [`arn:aws:iam::${A}:root`, 'Account', `arn:aws:iam::${A}:root`, 0],
  [`arn:aws:iam::${A}:user/team/alice`, 'User', `arn:aws:iam::${A}:user/team/alice`, 1],
  [`arn:aws:iam::${A}:role/team/reader`, 'AssumedRole', `arn:aws:sts::${A}:assumed-role/reader/supposed`, 1],
  [`arn:aws:sts::${A}:assumed-role/reader/mine`, 'AssumedRole', `arn:aws:sts::${A}:assumed-role/reader/mine`, 1],
])('%s is a principal of the kind %s', async (given, kind, arn, policies) => {
  const principal = await namedPrincipal(given, await sources())
  expect(principal).toMatchObject({ arn, named: { kind } })
  expect(principal!.permissions.identity).toHaveLength(policies)
})

test.each([
  'arn:aws:iam::222222222222:root',
  `arn:aws:iam::${A}:user/alice`,
  `arn:aws:iam::${A}:user/bob`,
  `arn:aws:iam::${A}:role/reader`,
  `arn:aws:sts::${A}:assumed-role/writer/mine`,
  `arn:aws:sts::${A}:assumed-role/reader`,
  `arn:aws:iam::${A}:group/team`,
  'alice',
  '*',
])('%s is nobody', async (given) => {
  expect(await namedPrincipal(given, await sources())).toBeUndefined()
})
