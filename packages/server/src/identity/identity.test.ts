/** What IAM keeps, over records in memory: who may call with which key, and what is refused. */

import { randomBytes } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { isFault } from '../core/fault.ts'
import { RecordStore } from '../records/record-store.ts'
import { StoreKey } from '../root-key/store-key.ts'
import { MemoryCatalog } from '../storage/memory-catalog.ts'
import { createAccessKey, deleteAccessKey, updateAccessKey } from './access-keys.ts'
import { Accounts } from './accounts.ts'
import { attachPolicy, detachPolicy, setBoundary } from './attachments.ts'
import { Directory } from './directory.ts'
import { addUserToGroup, createGroup, deleteGroup, updateGroup } from './groups.ts'
import { findHolder } from './holders.ts'
import { IdentityStore } from './identity-store.ts'
import { putInlinePolicy } from './inline-policies.ts'
import {
  createPolicy,
  createPolicyVersion,
  deletePolicy,
  deletePolicyVersion,
  setDefaultPolicyVersion,
} from './managed-policies.ts'
import { createRole } from './roles.ts'
import { Sessions } from './sessions.ts'
import { tagsOf, withTags } from './tags.ts'
import { createUser, deleteUser, ensureConfiguredUser, updateUser } from './users.ts'

const account = '111111111111'
const now = 1_700_000_000_000
const root = { accessKeyId: 'AKIAROOT', secretAccessKey: 's' }
const configured = [
  {
    id: account,
    users: [
      { name: 'admin', accessKeyId: 'AKIAADMIN', secretAccessKey: 's', root: true, policies: [] },
      { name: 'bob', accessKeyId: 'AKIABOB', secretAccessKey: 's', root: false, policies: [] },
    ],
  },
]
const ADMINISTRATOR = 'arn:aws:iam::aws:policy/AdministratorAccess'
const allow = (Action: string) =>
  JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource: '*' }] })

let store: IdentityStore
/** As another process has it, over the same records. */
let elsewhere: IdentityStore
let directory: Directory
beforeEach(() => {
  const catalog = new MemoryCatalog()
  const storeKey = StoreKey.of(randomBytes(32))
  store = new IdentityStore(new RecordStore(catalog, storeKey.derive('records')))
  elsewhere = new IdentityStore(new RecordStore(catalog, storeKey.derive('records')))
  const sessions = new Sessions(storeKey.derive('session tokens'), { nowMs: () => now })
  directory = new Directory({ root, configured, accounts: new Accounts(configured), store: elsewhere, sessions })
})

const user = (userName: string, path = '/') =>
  createUser(store, account, { userName, path, tags: {}, boundary: undefined }, now)
const refusal = (call: Promise<unknown>) =>
  call.then(
    () => 'done',
    (error: unknown) => {
      if (isFault(error, 'IdentityRefused')) return `${error.detail.refusal}: ${error.detail.message}`
      if (isFault(error, 'PolicyMalformed')) return `PolicyMalformed: ${error.detail.message}`
      throw error
    },
  )
const isKnown = (accessKeyId: string) =>
  directory.findAccessKey(accessKeyId, undefined).then(
    () => true,
    (error: unknown) => {
      if (isFault(error, 'CredentialUnknown')) return false
      throw error
    },
  )
const identityOf = async (accessKeyId: string) =>
  (await directory.findAccessKey(accessKeyId, undefined)).principal.permissions.identity.map(({ name }) => name)

describe('who calls', () => {
  test('a root user is its account; a configured user is one while its record is there', async () => {
    expect((await directory.findAccessKey('AKIAADMIN', undefined)).principal).toMatchObject({
      principalType: 'Root',
      named: { kind: 'Account', accountId: account },
    })
    expect(await isKnown('AKIABOB')).toBe(false)
    await ensureConfiguredUser(store, account, { name: 'bob', policies: [ADMINISTRATOR] }, now)
    expect(await identityOf('AKIABOB')).toEqual([ADMINISTRATOR])
    await detachPolicy(store, 'user', account, 'bob', ADMINISTRATOR)
    await ensureConfiguredUser(store, account, { name: 'bob', policies: [ADMINISTRATOR] }, now)
    expect(await identityOf('AKIABOB')).toEqual([])
    await deleteUser(store, account, 'bob')
    expect(await isKnown('AKIABOB')).toBe(false)
  })

  test('a stored key works while it is active and its user is there, also under a new name', async () => {
    await user('carol')
    const { accessKeyId } = await createAccessKey(store, account, 'CAROL', now)
    expect(accessKeyId).toMatch(/^AKIA[A-Z2-7]{16}$/)
    expect(await isKnown(accessKeyId)).toBe(true)
    await updateAccessKey(store, account, 'carol', { accessKeyId, status: 'Inactive' })
    expect(await isKnown(accessKeyId)).toBe(false)
    await updateAccessKey(store, account, 'carol', { accessKeyId, status: 'Active' })
    await updateUser(store, account, 'carol', { newName: 'caroline', newPath: '/staff/' })
    const { principal } = await directory.findAccessKey(accessKeyId, undefined)
    expect(principal.arn).toBe(`arn:aws:iam::${account}:user/staff/caroline`)
    expect(await refusal(findHolder(store, 'user', account, 'carol'))).toMatch(/^NoSuchEntity/)
    await updateUser(store, account, 'caroline', { newName: 'Caroline', newPath: '/' })
    expect(await findHolder(store, 'user', account, 'caroline')).toMatchObject({ userName: 'Caroline', path: '/' })
    await deleteAccessKey(store, account, 'caroline', accessKeyId)
    expect(await isKnown(accessKeyId)).toBe(false)
  })

  test('a long-term key has no session token', async () => {
    await expect(directory.findAccessKey('AKIAADMIN', 'token')).rejects.toMatchObject({ code: 'SessionTokenInvalid' })
  })

  test('policies come from the user, its groups under any name, and the version in force', async () => {
    await user('dave')
    const { accessKeyId } = await createAccessKey(store, account, 'dave', now)
    await createGroup(store, account, { groupName: 'team', path: '/' }, now)
    await addUserToGroup(store, account, 'team', 'dave')
    await putInlinePolicy(store, 'group', account, 'team', { policyName: 'p', document: allow('s3:*') })
    expect(await identityOf(accessKeyId)).toEqual([`inline policy p of arn:aws:iam::${account}:group/team`])
    await updateGroup(store, account, 'team', { newName: 'crew', newPath: undefined })
    expect(await identityOf(accessKeyId)).toEqual([`inline policy p of arn:aws:iam::${account}:group/crew`])
    expect((await findHolder(store, 'user', account, 'dave')).groups).toEqual(['crew'])

    const facts = { policyName: 'own', path: '/', description: '', tags: {} }
    await createPolicy(store, account, facts, allow('s3:GetObject'), now)
    const arn = `arn:aws:iam::${account}:policy/own`
    await attachPolicy(store, 'user', account, 'dave', arn)
    const first = await elsewhere.managedPolicy(arn)
    await createPolicyVersion(store, account, arn, { document: allow('s3:PutObject'), setAsDefault: true }, now)
    expect(await elsewhere.managedPolicy(arn)).not.toBe(first)
    await setBoundary(store, 'user', account, 'dave', arn)
    const { principal } = await directory.findAccessKey(accessKeyId, undefined)
    expect(principal.permissions.boundary?.name).toBe(arn)
  })
})

describe('refusals', () => {
  test('of users and what belongs to them', async () => {
    await user('erin')
    expect(await refusal(user('ERIN'))).toBe('EntityAlreadyExists: User with name ERIN already exists.')
    expect(await refusal(deleteUser(store, account, 'x'))).toBe('NoSuchEntity: The user with name x cannot be found.')
    await createAccessKey(store, account, 'erin', now)
    expect(await refusal(deleteUser(store, account, 'erin'))).toBe(
      'DeleteConflict: Cannot delete entity, must delete access keys first.',
    )
    await createAccessKey(store, account, 'erin', now)
    expect(await refusal(createAccessKey(store, account, 'erin', now))).toBe(
      'LimitExceeded: Cannot exceed quota for AccessKeysPerUser: 2',
    )
    await attachPolicy(store, 'user', account, 'erin', ADMINISTRATOR)
    expect(await refusal(deleteUser(store, account, 'erin'))).toBe(
      'DeleteConflict: Cannot delete entity, must detach all policies first.',
    )
    const long = { policyName: 'long', document: allow(`s3:${'G'.repeat(2000)}`) }
    expect(await refusal(putInlinePolicy(store, 'user', account, 'erin', long))).toBe(
      'LimitExceeded: Maximum policy size of 2048 bytes exceeded for user erin',
    )
    await createGroup(store, account, { groupName: 'g', path: '/' }, now)
    await addUserToGroup(store, account, 'g', 'erin')
    expect(await refusal(deleteGroup(store, account, 'g'))).toBe(
      'DeleteConflict: Cannot delete entity, must remove users from group first.',
    )
  })

  test('of managed policies', async () => {
    const facts = { policyName: 'p', path: '/', description: '', tags: {} }
    const arn = `arn:aws:iam::${account}:policy/p`
    await createPolicy(store, account, facts, allow('s3:*'), now)
    await user('frank')
    await attachPolicy(store, 'user', account, 'frank', arn)
    const version = { document: allow('s3:*'), setAsDefault: false }
    for (let made = 1; made < 5; made++) await createPolicyVersion(store, account, arn, version, now)
    expect(await refusal(createPolicyVersion(store, account, arn, version, now))).toMatch(/^LimitExceeded: .* up to 5/)
    expect(await refusal(deletePolicyVersion(store, account, arn, 'v1'))).toBe(
      'DeleteConflict: Cannot delete the default version of a policy.',
    )
    expect(await refusal(setDefaultPolicyVersion(store, account, arn, 'v9', now))).toBe(
      `NoSuchEntity: Policy ${arn} version v9 does not exist or is not attachable.`,
    )
    expect(await refusal(deletePolicy(store, account, arn))).toBe(
      'DeleteConflict: Cannot delete a policy attached to entities.',
    )
    await detachPolicy(store, 'user', account, 'frank', arn)
    await setBoundary(store, 'user', account, 'frank', arn)
    expect(await refusal(deletePolicy(store, account, arn))).toMatch(/^DeleteConflict/)
    expect(await refusal(attachPolicy(store, 'user', '222222222222', 'frank', arn))).toMatch(/^NoSuchEntity: The user/)
    await createUser(store, '222222222222', { userName: 'frank', path: '/', tags: {}, boundary: undefined }, now)
    expect(await refusal(attachPolicy(store, 'user', '222222222222', 'frank', arn))).toBe(
      `NoSuchEntity: Policy ${arn} does not exist or is not attachable.`,
    )
    const open = { ...facts, policyName: 'q' }
    expect(await refusal(createPolicy(store, account, open, '{', now))).toBe(
      'PolicyMalformed: Syntax errors in policy.',
    )
  })

  test('of trust policies', async () => {
    const role = (trustPolicy: string) => ({
      ...{ roleName: 'r', path: '/', description: '', maxSessionSeconds: 3600 },
      ...{ trustPolicy, tags: {}, boundary: undefined },
    })
    const trust = (Action: string) =>
      JSON.stringify({ Statement: { Effect: 'Allow', Principal: { AWS: account }, Action } })
    expect(await refusal(createRole(store, account, role('no'), now))).toBe(
      'PolicyMalformed: This policy contains invalid Json',
    )
    expect(await refusal(createRole(store, account, role(trust('s3:GetObject')), now))).toBe(
      'PolicyMalformed: AssumeRole policy may only specify STS AssumeRole actions.',
    )
    expect(await refusal(createRole(store, account, role(trust('sts:AssumeRole')), now))).toBe('done')
  })

  test('of tags', () => {
    expect(() =>
      tagsOf(
        [
          ['a', '1'],
          ['A', '2'],
        ],
        'insensitive',
      ),
    ).toThrow()
    expect(
      tagsOf(
        [
          ['a', '1'],
          ['A', '2'],
        ],
        'sensitive',
      ),
    ).toEqual({ a: '1', A: '2' })
    expect(withTags({ Team: 'x', b: '1' }, { team: 'y' }, 'insensitive')).toEqual({ b: '1', team: 'y' })
  })
})

test('changes made at once from two processes all hold', async () => {
  await createGroup(store, account, { groupName: 'many', path: '/' }, now)
  const stores = [store, elsewhere]
  const made = Array.from({ length: 12 }, async (_, index) => {
    const facts = { userName: `u${index}`, path: '/', tags: {}, boundary: undefined }
    await createUser(stores[index % 2]!, account, facts, now)
    await addUserToGroup(stores[(index + 1) % 2]!, account, 'many', facts.userName)
  })
  await Promise.all(made)
  expect((await findHolder(store, 'group', account, 'many')).members).toHaveLength(12)
})
