import { expect, test } from 'vitest'
import { authorize } from '../policy/authorize.ts'
import { call } from '../policy/caller.fixture.ts'
import { Accounts } from './accounts.ts'
import { ACCOUNT, identityRoom, policyOf } from './identity.fixture.ts'
import { managedPolicyRecord, names } from './records.ts'
import { sessionPrincipal } from './session-principal.ts'
import type { SessionClaims } from './session-token.ts'

const accounts = new Accounts([])
const claims = (rest: Pick<SessionClaims, 'bearer'> & Partial<SessionClaims>): SessionClaims => ({
  accessKeyId: 'ASIA1',
  secretAccessKey: 's',
  accountId: ACCOUNT,
  policyArns: [],
  tags: {},
  transitiveTagKeys: [],
  issuedAtMs: 0,
  expiresAtMs: 1,
  ...rest,
})
const ofRole = { kind: 'role', roleName: 'reader', roleId: 'AROAreader', sessionName: 's1' } as const
const ACTIONS = ['s3:GetObject', 's3:PutObject', 's3:DeleteObject', 'iam:ListUsers', 'sts:AssumeRole']

/** Which of the actions above it may do on what its own account has. */
async function may(room: ReturnType<typeof identityRoom>, session: SessionClaims): Promise<string[]> {
  const principal = await sessionPrincipal(session, accounts, room.store)
  const access = { resource: 'arn:aws:s3:::b/k', resourceAccount: ACCOUNT, resourcePolicy: undefined }
  return ACTIONS.filter((action) => authorize({ ...call, principal }, { ...access, action }).allowed)
}

test('a role’s session is the role, within boundary and session policies', async () => {
  const room = identityRoom()
  const boundary = `arn:aws:iam::${ACCOUNT}:policy/edge`
  const version = { version: 1, document: policyOf('s3:GetObject', 's3:PutObject', 'sts:*'), createdAtMs: 0 }
  const edge = { accountId: ACCOUNT, policyName: 'edge', policyId: 'ANPA1', path: '/', description: '', tags: {} }
  await room.store.commit(
    [],
    [
      room.store.records.put(managedPolicyRecord, names.managedPolicy(ACCOUNT, 'edge'), {
        ...edge,
        createdAtMs: 0,
        updatedAtMs: 0,
        defaultVersion: 1,
        lastVersion: 1,
        versions: [version],
      }),
    ],
  )
  await room.putRole('reader', { inline: { p: policyOf('s3:*', 'iam:*') } })
  expect(await may(room, claims({ bearer: ofRole }))).toEqual([
    's3:GetObject',
    's3:PutObject',
    's3:DeleteObject',
    'iam:ListUsers',
  ])
  await room.putRole('reader', { inline: { p: policyOf('s3:*', 'iam:*') }, boundary })
  expect(await may(room, claims({ bearer: ofRole }))).toEqual(['s3:GetObject', 's3:PutObject'])
  expect(await may(room, claims({ bearer: ofRole, policy: policyOf('s3:GetObject') }))).toEqual(['s3:GetObject'])
  // Inline and managed session policies add to each other; one that is gone adds nothing.
  const policyArns = [boundary]
  expect(await may(room, claims({ bearer: ofRole, policy: policyOf('s3:GetObject'), policyArns }))).toEqual([
    's3:GetObject',
    's3:PutObject',
  ])
  expect(await may(room, claims({ bearer: ofRole, policyArns: [`${boundary}-gone`] }))).toEqual([])
})

test('who it is, as CloudTrail and policies see it', async () => {
  const room = identityRoom()
  await room.putRole('reader', { path: '/team/', tags: { Team: 'a', Cost: '1' } })
  const session = claims({ bearer: ofRole, tags: { team: 'b' }, sourceIdentity: 'ann', transitiveTagKeys: ['team'] })
  expect(await sessionPrincipal(session, accounts, room.store)).toMatchObject({
    arn: `arn:aws:sts::${ACCOUNT}:assumed-role/reader/s1`,
    principalId: 'AROAreader:s1',
    principalType: 'AssumedRole',
    accessKeyId: 'ASIA1',
    named: { kind: 'AssumedRole', roleArn: `arn:aws:iam::${ACCOUNT}:role/team/reader` },
    tags: { team: 'b', Cost: '1' },
    session: {
      sourceIdentity: 'ann',
      transitiveTagKeys: ['team'],
      issuer: { type: 'Role', principalId: 'AROAreader', userName: 'reader' },
    },
  })
  const { tags } = await sessionPrincipal(session, accounts, room.store)
  expect(tags).toEqual({ team: 'b', Cost: '1' })
})

test('a changed policy holds at once; of a role or user made anew the old sessions are not', async () => {
  const room = identityRoom()
  await room.putRole('reader', { inline: { p: policyOf('s3:GetObject') } })
  expect(await may(room, claims({ bearer: ofRole }))).toEqual(['s3:GetObject'])
  await room.putRole('reader', { inline: {} })
  expect(await may(room, claims({ bearer: ofRole }))).toEqual([])
  await room.putRole('reader', { roleId: 'AROAother' })
  await expect(may(room, claims({ bearer: ofRole }))).rejects.toMatchObject({ code: 'SessionTokenInvalid' })
  await room.removeRole('reader')
  await expect(may(room, claims({ bearer: ofRole }))).rejects.toMatchObject({ code: 'SessionTokenInvalid' })
  const ann = { userName: 'ann', userId: 'AIDAann' }
  await expect(may(room, claims({ bearer: { kind: 'user', ...ann } }))).rejects.toMatchObject({
    code: 'SessionTokenInvalid',
  })
})

test('a user’s session is the user, without IAM', async () => {
  const room = identityRoom()
  await room.putUser('ann', { inline: { p: policyOf('*') } })
  const bearer = { kind: 'user', userName: 'ann', userId: 'AIDAann' } as const
  expect(await may(room, claims({ bearer }))).toEqual([
    's3:GetObject',
    's3:PutObject',
    's3:DeleteObject',
    'sts:AssumeRole',
  ])
  expect(await may(room, claims({ bearer: { kind: 'root' } }))).not.toContain('iam:ListUsers')
})

test('a federated user has what the user and the session policy both give, and nothing without one', async () => {
  const room = identityRoom()
  await room.putUser('ann', { inline: { p: policyOf('s3:GetObject', 's3:PutObject', 'iam:*', 'sts:*') } })
  const bearer = { kind: 'federated', name: 'bob', by: { userName: 'ann', userId: 'AIDAann' } } as const
  expect(await may(room, claims({ bearer }))).toEqual([])
  expect(await may(room, claims({ bearer, policy: policyOf('*') }))).toEqual(['s3:GetObject', 's3:PutObject'])
  expect(await may(room, claims({ bearer, policy: policyOf('s3:PutObject', 's3:DeleteObject') }))).toEqual([
    's3:PutObject',
  ])
  const ofRootUser = { ...bearer, by: undefined }
  expect(await may(room, claims({ bearer: ofRootUser }))).toEqual([])
  expect(await may(room, claims({ bearer: ofRootUser, policy: policyOf('s3:DeleteObject') }))).toEqual([
    's3:DeleteObject',
  ])
  expect(await sessionPrincipal(claims({ bearer }), accounts, room.store)).toMatchObject({
    arn: `arn:aws:sts::${ACCOUNT}:federated-user/bob`,
    principalId: `${ACCOUNT}:bob`,
    principalType: 'FederatedUser',
    session: { issuer: { type: 'IAMUser', userName: 'ann' } },
  })
})
