/** Who may use a key: key policies, the caller's own, grants, and the way that the call came, held against each other. */

import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import type { DecisionFacts } from '../core/outcome.ts'
import type { CallContext, Principal } from '../policy/call.ts'
import { call, rootOf } from '../policy/caller.fixture.ts'
import { compilePolicy } from '../policy/document.ts'
import { uncounted } from '../quota/leased-quota.ts'
import { RecordStore } from '../records/record-store.ts'
import { StoreKey } from '../root-key/store-key.ts'
import type { CatalogEntry } from '../storage/catalog.ts'
import { MemoryCatalog } from '../storage/memory-catalog.ts'
import type { GrantConstraints, GrantOperation } from './grant-records.ts'
import { grantToken } from './grants.ts'
import { keyPolicyText } from './key-policy.ts'
import { Kms } from './kms.ts'
import { MemoryMaterialSecrets } from './memory-secrets.ts'

const secrets = new MemoryMaterialSecrets()

const OURS = '111111111111'
const THEIRS = '222222222222'
const CONTEXT = { team: 'red', place: 'x' }

type Statement = Readonly<Record<string, unknown>>
const allow = (Action: string | string[], more: Statement = {}): Statement => ({
  Effect: 'Allow',
  Action,
  Resource: '*',
  ...more,
})
const deny = (Action: string, more: Statement = {}): Statement => ({ ...allow(Action, more), Effect: 'Deny' })
const arn = (account: string, who: string) => `arn:aws:iam::${account}:${who}`
const to = (who: string, account = OURS) => ({ Principal: { AWS: arn(account, who) } })
const document = (...Statement: Statement[]) => JSON.stringify({ Version: '2012-10-17', Statement })
const identity = (statements: readonly Statement[]) =>
  statements.length === 0
    ? []
    : [compilePolicy({ Version: '2012-10-17', Statement: statements }, 'identity', 'identity')]

function user(account: string, name: string, policies: readonly Statement[] = []): Principal {
  const root = rootOf(account)
  const userArn = arn(account, `user/${name}`)
  return {
    ...root,
    arn: userArn,
    principalType: 'IAMUser',
    userName: name,
    named: { kind: 'User', accountId: account, arn: userArn },
    permissions: { ...root.permissions, identity: identity(policies) },
  }
}

function session(policies: readonly Statement[], sessionPolicy?: readonly Statement[]): Principal {
  const root = rootOf(OURS)
  const sessionArn = `arn:aws:sts::${OURS}:assumed-role/reader/s`
  return {
    ...root,
    arn: sessionArn,
    principalType: 'AssumedRole',
    named: { kind: 'AssumedRole', accountId: OURS, arn: sessionArn, roleArn: arn(OURS, 'role/reader') },
    permissions: {
      identity: identity(policies),
      boundary: undefined,
      session: sessionPolicy && identity(sessionPolicy),
    },
  }
}

const by = (principal: Principal, more: Partial<CallContext> = {}): CallContext => ({ ...call, principal, ...more })
const root = by(rootOf(OURS))

class CountingCatalog extends MemoryCatalog {
  reads = 0
  override getMany(keys: readonly Uint8Array[]): Promise<(CatalogEntry | undefined)[]> {
    this.reads++
    return super.getMany(keys)
  }
  override range(query: Parameters<MemoryCatalog['range']>[0]): Promise<CatalogEntry[]> {
    this.reads++
    return super.range(query)
  }
}

let nowMs: number
let catalog: CountingCatalog
let records: RecordStore
let kms: Kms
beforeEach(() => {
  nowMs = 1_700_000_000_000
  catalog = new CountingCatalog()
  records = new RecordStore(catalog, StoreKey.of(new Uint8Array(32).fill(1)).derive('records'))
  const observer = { observe: () => undefined }
  const storeKey = StoreKey.of(new Uint8Array(32).fill(2))
  const clock = { nowMs: () => nowMs }
  kms = new Kms({ secrets, records, storeKey, region: 'us-east-1', clock, observer, quota: uncounted(clock) })
})

async function newKey(policy?: string, tags: { TagKey: string; TagValue: string }[] = []) {
  return kms.keys.createKey(root, { description: '', tags, policy, bypassesLockoutCheck: true })
}

/** Encrypts for the key's root, through a policy that lets it. */
async function sealed(policy?: string, tags: { TagKey: string; TagValue: string }[] = []) {
  const key = await newKey(undefined, tags)
  const { dataKey, wrapped } = await kms.forS3.generateDataKey(root, { keyId: key.arn, encryptionContext: CONTEXT })
  dataKey.wipe()
  if (policy !== undefined) await kms.keys.putPolicy(root, key.arn, policy, true)
  return { key, wrapped }
}

type Sealed = Awaited<ReturnType<typeof sealed>>

/** 'allowed', or why not: the end of AWS's sentence. */
async function outcome(use: () => Promise<unknown>): Promise<string> {
  try {
    await use()
    return 'allowed'
  } catch (error) {
    const { code, detail } = error as { code: string; detail: { reason?: string; told?: boolean } }
    if (code !== 'AccessDenied') return code
    expect(detail.told).toBe(true)
    return /identity-based|resource-based policies|resource-based|session/
      .exec(detail.reason!)![0]
      .concat(detail.reason!.startsWith('with an explicit deny') ? ' deny' : '')
  }
}

const directly = (caller: CallContext, { key, wrapped }: Sealed, encryptionContext = CONTEXT) =>
  outcome(() => kms.decrypt(caller, { ciphertextBlob: wrapped, encryptionContext, keyId: key.arn }))
const throughS3 = (caller: CallContext, { key, wrapped }: Sealed) =>
  outcome(() => kms.forS3.unwrapDataKey(caller, { keyArn: key.arn, wrapped, encryptionContext: CONTEXT }))

const DECRYPT = [allow('kms:Decrypt')]
const toAccount = allow('kms:*', to('root'))
const VIA_S3 = { Condition: { StringEquals: { 'kms:ViaService': 's3.us-east-1.amazonaws.com' } } }
const when = (operator: string, key: string, value: unknown) => ({ Condition: { [operator]: { [key]: value } } })
const NONE = 'resource-based'
const STRANGER = 'resource-based policies'

describe('key policy × identity policy × way', () => {
  const alice = (...policies: Statement[]) => user(OURS, 'alice', policies)
  const bob = (...policies: Statement[]) => user(THEIRS, 'bob', policies)
  const rows: [name: string, who: Principal, keyPolicy: Statement[] | undefined, direct: string, viaS3?: string][] = [
    ['root, default policy', rootOf(OURS), undefined, 'allowed'],
    ['root, a policy that names only alice', rootOf(OURS), [allow('kms:*', to('user/alice'))], NONE],
    ['user without policies', alice(), undefined, 'identity-based'],
    ['user with kms:Decrypt', alice(...DECRYPT), undefined, 'allowed'],
    ['user with kms:Encrypt', alice(allow('kms:Encrypt')), undefined, 'identity-based'],
    ['user with all of S3', alice(allow('s3:*')), undefined, 'identity-based'],
    ['user with kms:Decrypt, a policy without the account', alice(...DECRYPT), [allow('kms:*', to('user/eve'))], NONE],
    ['user that the key policy names', alice(), [allow('kms:Decrypt', to('user/alice'))], 'allowed'],
    [
      'user that an identity policy denies',
      alice(deny('kms:*')),
      [allow('kms:*', to('user/alice'))],
      'identity-based deny',
    ],
    [
      'user that the key policy denies',
      alice(...DECRYPT),
      [toAccount, deny('kms:*', to('user/alice'))],
      'resource-based deny',
    ],
    [
      'root that the key policy denies',
      rootOf(OURS),
      [toAccount, deny('kms:Decrypt', { Principal: '*' })],
      'resource-based deny',
    ],
    ['identity policy for S3 only', alice(allow('kms:Decrypt', VIA_S3)), undefined, 'identity-based', 'allowed'],
    ['key policy for S3 only', alice(), [allow('kms:Decrypt', { ...to('user/alice'), ...VIA_S3 })], NONE, 'allowed'],
    [
      'key policy that denies S3',
      alice(...DECRYPT),
      [toAccount, deny('kms:*', { Principal: '*', ...VIA_S3 })],
      'allowed',
      'resource-based deny',
    ],
    [
      'context in the key policy',
      alice(),
      [allow('kms:Decrypt', { ...to('user/alice'), ...when('StringEquals', 'kms:EncryptionContext:team', 'red') })],
      'allowed',
    ],
    [
      'other context',
      alice(),
      [allow('kms:Decrypt', { ...to('user/alice'), ...when('StringEquals', 'kms:EncryptionContext:team', 'blue') })],
      NONE,
    ],
    [
      'names of the context',
      alice(),
      [
        allow('kms:Decrypt', {
          ...to('user/alice'),
          ...when('ForAllValues:StringEquals', 'kms:EncryptionContextKeys', ['team', 'place']),
        }),
      ],
      'allowed',
    ],
    [
      'too many names',
      alice(),
      [
        allow('kms:Decrypt', {
          ...to('user/alice'),
          ...when('ForAllValues:StringEquals', 'kms:EncryptionContextKeys', ['team']),
        }),
      ],
      NONE,
    ],
    [
      'algorithm',
      alice(allow('kms:*', when('StringEquals', 'kms:EncryptionAlgorithm', 'SYMMETRIC_DEFAULT'))),
      undefined,
      'allowed',
    ],
    ['key spec', alice(allow('kms:*', when('StringEquals', 'kms:KeySpec', 'RSA_2048'))), undefined, 'identity-based'],
    [
      'tag of the key',
      alice(allow('kms:*', when('StringEquals', 'aws:ResourceTag/Stage', 'test'))),
      undefined,
      'allowed',
    ],
    [
      'another tag',
      alice(allow('kms:*', when('StringEquals', 'aws:ResourceTag/Stage', 'live'))),
      undefined,
      'identity-based',
    ],
    [
      'caller’s account',
      alice(...DECRYPT),
      [allow('kms:*', { Principal: '*', ...when('StringEquals', 'kms:CallerAccount', OURS) })],
      'allowed',
    ],
    ['stranger, default policy', bob(...DECRYPT), undefined, STRANGER],
    ['strange root, default policy', rootOf(THEIRS), undefined, STRANGER],
    [
      'stranger whose account is named',
      bob(...DECRYPT),
      [toAccount, allow('kms:Decrypt', to('root', THEIRS))],
      'allowed',
    ],
    [
      'strange root whose account is named',
      rootOf(THEIRS),
      [toAccount, allow('kms:Decrypt', to('root', THEIRS))],
      'allowed',
    ],
    [
      'stranger who is named but may not by himself',
      bob(),
      [toAccount, allow('kms:Decrypt', to('user/bob', THEIRS))],
      'identity-based',
    ],
    ['stranger whom the key policy denies', bob(...DECRYPT), [deny('kms:*', to('root', THEIRS))], STRANGER],
    [
      'stranger and everybody of our account',
      bob(...DECRYPT),
      [allow('kms:*', { Principal: '*', ...when('StringEquals', 'kms:CallerAccount', OURS) })],
      STRANGER,
    ],
    ['role’s session', session(DECRYPT), undefined, 'allowed'],
    ['role’s session that its session policy narrows', session(DECRYPT, [allow('s3:*')]), undefined, 'session'],
    ['role that is named', session([]), [allow('kms:Decrypt', to('role/reader'))], 'allowed'],
    [
      'role that is named, narrowed',
      session([], [allow('s3:*')]),
      [allow('kms:Decrypt', to('role/reader'))],
      'session',
    ],
  ]
  test.each(rows)('%s', async (_name, who, keyPolicy, direct, viaS3 = direct) => {
    const made = await sealed(keyPolicy && document(...keyPolicy), [{ TagKey: 'Stage', TagValue: 'test' }])
    expect(await directly(by(who), made)).toBe(direct)
    expect(await throughS3(by(who), made)).toBe(viaS3)
  })

  test('aliases: of the request, and of the key', async () => {
    const made = await sealed()
    await kms.aliases.createAlias(root, 'alias/one', made.key.keyId)
    await kms.aliases.createAlias(root, 'alias/two', made.key.keyId)
    const use = (name: string, value: string, keyId: string) => {
      const who = alice(allow('kms:Encrypt', when('ForAnyValue:StringEquals', name, value)))
      return outcome(() => kms.encrypt(by(who), { keyId, plaintext: Buffer.from('x'), encryptionContext: {} }))
    }
    expect(await use('kms:RequestAlias', 'alias/one', 'alias/one')).toBe('allowed')
    expect(await use('kms:RequestAlias', 'alias/one', 'alias/two')).toBe('identity-based')
    expect(await use('kms:RequestAlias', 'alias/one', made.key.keyId)).toBe('identity-based')
    expect(await use('KMS:ResourceAliases', 'alias/two', made.key.arn)).toBe('allowed')
    expect(await use('kms:ResourceAliases', 'alias/three', 'alias/two')).toBe('identity-based')
  })

  test('what is not there: told to its account only', async () => {
    const missing = `arn:aws:kms:us-east-1:${OURS}:key/00000000-0000-4000-8000-000000000000`
    const describe = (caller: Principal, keyId: string) => outcome(() => kms.keys.describeKey(by(caller), keyId))
    expect(await describe(rootOf(OURS), missing)).toBe('KmsKeyNotFound')
    expect(await describe(rootOf(THEIRS), missing)).toBe(STRANGER)
    expect(await describe(rootOf(THEIRS), `arn:aws:kms:us-east-1:${OURS}:alias/none`)).toBe(STRANGER)
    const key = await newKey(document(toAccount, allow('kms:*', to('root', THEIRS))))
    expect(await describe(rootOf(THEIRS), key.arn)).toBe('allowed')
    // The bare id is one of the caller's own account, and management stays at home whatever a policy says.
    expect(await describe(rootOf(THEIRS), key.keyId)).toBe('KmsKeyNotFound')
    expect(await outcome(() => kms.keys.setEnabled(by(rootOf(THEIRS)), key.arn, false))).toBe(STRANGER)
  })

  test('the state of a key is told after whether it may be used', async () => {
    const made = await sealed()
    await kms.keys.setEnabled(root, made.key.keyId, false)
    expect(await directly(by(alice()), made)).toBe('identity-based')
    expect(await directly(by(alice(...DECRYPT)), made)).toBe('KmsKeyDisabled')
    const dryRun = { keyId: made.key.keyId, plaintext: Buffer.from('x'), encryptionContext: {}, dryRun: true }
    expect(await outcome(() => kms.encrypt(by(alice()), dryRun))).toBe('identity-based')
    await kms.keys.setEnabled(root, made.key.keyId, true)
    expect(await outcome(() => kms.encrypt(root, dryRun))).toBe('KmsDryRun')
  })

  test('each action asks for its own permission', async () => {
    const made = await sealed()
    const keyId = made.key.arn
    const plain = { keyId, plaintext: Buffer.from('x'), encryptionContext: {} }
    const ask = { keyId, bytes: 32, encryptionContext: {} }
    const moved = {
      ciphertextBlob: made.wrapped,
      sourceContext: CONTEXT,
      destinationKeyId: keyId,
      destinationContext: {},
    }
    const grant = { keyId, granteePrincipal: arn(OURS, 'user/x'), operations: ['Decrypt' as const], dryRun: true }
    const uses: Record<string, (caller: CallContext) => Promise<unknown> | unknown> = {
      'kms:Encrypt': (caller) => kms.encrypt(caller, plain),
      'kms:GenerateDataKey': (caller) => kms.generateKey(caller, ask),
      'kms:GenerateDataKeyWithoutPlaintext': (caller) =>
        kms.generateKey(caller, ask, 'kms:GenerateDataKeyWithoutPlaintext'),
      'kms:DescribeKey': (caller) => kms.keys.describeKey(caller, keyId),
      'kms:ListGrants': (caller) => kms.grants.listGrants(caller, { keyId, limit: 1, ...NOTHING_MORE }),
      'kms:ListKeys': (caller) => kms.keys.listKeys(caller, undefined, 1),
      'kms:ListAliases': (caller) => kms.aliases.listAliases(caller, undefined, 1, undefined),
      'kms:ListRetirableGrants': (caller) => kms.grants.listRetirableGrants(caller, arn(OURS, 'user/x'), undefined, 1),
      'kms:GenerateRandom': async (caller) => kms.generateRandom(caller, 1),
      'kms:CreateKey': (caller) => kms.keys.createKey(caller, { description: '', tags: [] }),
      'kms:EnableKey': (caller) => kms.keys.setEnabled(caller, keyId, true),
      'kms:DisableKey': (caller) => kms.keys.setEnabled(caller, keyId, false),
      'kms:TagResource': (caller) => kms.keys.tag(caller, keyId, []),
      'kms:UntagResource': (caller) => kms.keys.untag(caller, keyId, []),
      'kms:UpdateKeyDescription': (caller) => kms.keys.updateDescription(caller, keyId, ''),
      'kms:PutKeyPolicy': (caller) => kms.keys.putPolicy(caller, keyId, document(toAccount), false),
      'kms:CreateAlias': (caller) => kms.aliases.createAlias(caller, 'alias/a', keyId),
      'kms:UpdateAlias': (caller) => kms.aliases.updateAlias(caller, 'alias/a', keyId),
      'kms:DeleteAlias': (caller) => kms.aliases.deleteAlias(caller, 'alias/a'),
    }
    for (const [action, use] of Object.entries(uses)) {
      const without = alice(allow('kms:*'), deny(action))
      expect([action, await outcome(async () => use(by(without)))]).toEqual([action, 'identity-based deny'])
      expect([action, await outcome(async () => use(by(alice(allow(action)))))]).toEqual([action, 'allowed'])
      await kms.keys.setEnabled(root, keyId, true)
    }
    const move = (...policies: Statement[]) => outcome(() => kms.reEncrypt(by(alice(...policies)), moved))
    expect(await move(allow('kms:ReEncryptTo'))).toBe('identity-based')
    expect(await move(allow('kms:ReEncryptFrom'))).toBe('identity-based')
    expect(await move(allow('kms:ReEncrypt*', when('Bool', 'kms:ReEncryptOnSameKey', 'true')))).toBe('allowed')
    expect(await move(allow('kms:ReEncrypt*', when('Bool', 'kms:ReEncryptOnSameKey', 'false')))).toBe('identity-based')
    expect(await outcome(() => kms.grants.createGrant(by(alice(allow('kms:CreateGrant'))), grant))).toBe('KmsDryRun')
  })

  test('whoever changes an alias is allowed on it and on its key', async () => {
    const { keyId, arn: keyArn } = await newKey()
    const aliasArn = `arn:aws:kms:us-east-1:${OURS}:alias/a`
    const on = (...Resource: string[]) =>
      outcome(() =>
        kms.aliases.createAlias(by(alice({ Effect: 'Allow', Action: 'kms:CreateAlias', Resource })), 'alias/a', keyId),
      )
    expect(await on(aliasArn)).toBe('identity-based')
    expect(await on(keyArn)).toBe('identity-based')
    expect(await on(keyArn, aliasArn)).toBe('allowed')
  })

  test('conditions on what a call means to do', async () => {
    const { keyId } = await newKey()
    const who = (action: string, operator: string, name: string, value: unknown) =>
      by(alice(allow(action, when(operator, name, value))))
    const days = who(
      'kms:ScheduleKeyDeletion',
      'NumericGreaterThanEquals',
      'kms:ScheduleKeyDeletionPendingWindowInDays',
      '20',
    )
    expect(await outcome(() => kms.keys.scheduleDeletion(days, keyId, 19))).toBe('identity-based')
    const tag = who('kms:TagResource', 'StringEquals', 'aws:RequestTag/stage', 'test')
    expect(await outcome(() => kms.keys.tag(tag, keyId, [{ TagKey: 'stage', TagValue: 'live' }]))).toBe(
      'identity-based',
    )
    expect(await outcome(() => kms.keys.tag(tag, keyId, [{ TagKey: 'stage', TagValue: 'test' }]))).toBe('allowed')
    const keys = who('kms:UntagResource', 'ForAllValues:StringEquals', 'aws:TagKeys', ['stage'])
    expect(await outcome(() => kms.keys.untag(keys, keyId, ['stage', 'team']))).toBe('identity-based')
    expect(await outcome(() => kms.keys.untag(keys, keyId, ['stage']))).toBe('allowed')
    const operations = who('kms:CreateGrant', 'ForAllValues:StringEquals', 'kms:GrantOperations', ['Decrypt'])
    const make = (...given: GrantOperation[]) =>
      outcome(() =>
        kms.grants.createGrant(operations, {
          keyId,
          granteePrincipal: arn(OURS, 'user/x'),
          operations: given,
          dryRun: true,
        }),
      )
    expect(await make('Decrypt', 'Encrypt')).toBe('identity-based')
    expect(await make('Decrypt')).toBe('KmsDryRun')
    expect(await outcome(() => kms.keys.scheduleDeletion(days, keyId, 20))).toBe('allowed')
  })
})

const NOTHING_MORE = { grantId: undefined, granteePrincipal: undefined, after: undefined }

describe('key policies', () => {
  test('the default one, and one that is put', async () => {
    const key = await newKey()
    expect(JSON.parse(keyPolicyText(key))).toMatchObject({
      Id: 'key-default-1',
      Statement: [{ Principal: { AWS: arn(OURS, 'root') } }],
    })
    const policy = document(toAccount, allow('kms:Decrypt', to('user/alice')))
    expect(keyPolicyText(await kms.keys.putPolicy(root, key.keyId, policy, false))).toBe(policy)
  })

  test('one that locks its writer out is refused, unless that is asked for', async () => {
    const key = await newKey()
    const lockout = document(allow('kms:*', to('user/alice')))
    const message = 'The new key policy will not allow you to update the key policy in the future.'
    await expect(kms.keys.putPolicy(root, key.keyId, lockout, false)).rejects.toMatchObject({ detail: { message } })
    await expect(kms.keys.createKey(root, { description: '', tags: [], policy: lockout })).rejects.toMatchObject({
      detail: { message },
    })
    await kms.keys.putPolicy(root, key.keyId, lockout, true)
    expect(await outcome(() => kms.keys.putPolicy(root, key.keyId, document(toAccount), true))).toBe(NONE)
  })

  test('what is no policy', async () => {
    const { keyId } = await newKey()
    const put = (policy: string) => outcome(() => kms.keys.putPolicy(root, keyId, policy, false))
    expect(await put('[]')).toBe('PolicyMalformed')
    expect(await put(document({ ...toAccount, Principal: undefined }))).toBe('PolicyMalformed')
    const padded = (bytes: number) => document(toAccount).padEnd(bytes)
    expect(await put(padded(32_769))).toBe('KmsLimitExceeded')
    expect(await put(padded(32_768))).toBe('allowed')
  })

  test('the managed key of S3 serves its account through S3, and nobody changes it', async () => {
    const made = await kms.forS3.generateDataKey(root, { keyId: undefined, encryptionContext: CONTEXT })
    const key = await kms.keys.describeKey(root, 'alias/aws/s3')
    const held = { key, wrapped: made.wrapped }
    expect(await throughS3(by(user(OURS, 'anyone')), held)).toBe('allowed')
    expect(await throughS3(by(user(THEIRS, 'anyone', [allow('kms:*')])), held)).toBe(STRANGER)
    expect(await directly(root, held)).toBe(NONE)
    expect(await outcome(() => kms.keys.describeKey(by(user(OURS, 'x', [allow('kms:*')])), key.keyId))).toBe('allowed')
    for (const change of [
      () => kms.keys.putPolicy(root, key.keyId, document(toAccount), false),
      () => kms.keys.scheduleDeletion(root, key.keyId, 7),
      () => kms.keys.setEnabled(root, key.keyId, false),
      () => kms.keys.tag(root, key.keyId, [{ TagKey: 'a', TagValue: '' }]),
      () => kms.aliases.createAlias(root, 'alias/mine', key.keyId),
      () =>
        kms.grants.createGrant(root, {
          keyId: key.keyId,
          granteePrincipal: arn(OURS, 'user/x'),
          operations: ['Decrypt'],
          dryRun: false,
        }),
    ]) {
      expect(await outcome(change)).toBe(NONE)
    }
  })

  test('a use by root under the default policy costs one read', async () => {
    const { key } = await sealed()
    const reads = async (caller: CallContext) => {
      catalog.reads = 0
      await outcome(() => kms.forS3.generateDataKey(caller, { keyId: key.arn, encryptionContext: CONTEXT }))
      return catalog.reads
    }
    expect(await reads(root)).toBe(1)
    // Nor is a grant looked for on a key that has none.
    expect(await reads(by(user(OURS, 'alice')))).toBe(1)
  })
})

describe('a service that calls for the sake of a resource', () => {
  const SERVICE = 'cloudtrail.amazonaws.com'
  const TRAIL = `arn:aws:cloudtrail:us-east-1:${OURS}:trail/t`
  const principal: Principal = {
    ...rootOf(OURS),
    arn: SERVICE,
    principalType: 'AWSService',
    named: { kind: 'Service', service: SERVICE },
  }
  const service = by(principal, { source: { arn: TRAIL, accountId: OURS } })
  const named = (more: Statement = {}) => allow('kms:*', { Principal: { Service: SERVICE }, ...more })
  const everybody = (more: Statement = {}) => allow('kms:*', { Principal: '*', ...more })

  test.each<[string, Statement, string]>([
    ['named', named(), 'allowed'],
    ['its source', named(when('StringEquals', 'aws:SourceArn', TRAIL)), 'allowed'],
    ['another source', named(when('StringEquals', 'aws:SourceArn', `${TRAIL}2`)), NONE],
    ['its source’s account', named(when('StringEquals', 'aws:SourceAccount', OURS)), 'allowed'],
    ['another account', named(when('StringEquals', 'aws:SourceAccount', THEIRS)), NONE],
    ['another service', allow('kms:*', { Principal: { Service: 'logging.s3.amazonaws.com' } }), NONE],
    ['the account whose resource it is', toAccount, NONE],
    ['everybody of that account', everybody(when('StringEquals', 'kms:CallerAccount', OURS)), NONE],
    ['every principal of that account', everybody(when('StringEquals', 'aws:PrincipalAccount', OURS)), NONE],
    ['services', everybody(when('Bool', 'aws:PrincipalIsAWSService', 'true')), 'allowed'],
  ])('%s', async (_name, statement, expected) => {
    expect(await throughS3(service, await sealed(document(statement)))).toBe(expected)
  })

  test('what an account was granted is not its', async () => {
    const made = await sealed()
    const grant = { operations: ['Decrypt' as const], dryRun: false, granteePrincipal: arn(OURS, 'root') }
    await kms.grants.createGrant(root, { keyId: made.key.keyId, ...grant })
    expect(await throughS3(service, made)).toBe(NONE)
  })
})

describe('grants', () => {
  const ALICE = arn(OURS, 'user/alice')
  const BOB = arn(THEIRS, 'user/bob')
  const alice = by(user(OURS, 'alice'))
  const grantTo = (
    keyId: string,
    granteePrincipal: string,
    operations: readonly GrantOperation[],
    more: { constraints?: GrantConstraints; retiringPrincipal?: string; name?: string } = {},
  ) => kms.grants.createGrant(root, { keyId, granteePrincipal, operations, dryRun: false, ...more })

  test('a grant opens the key, directly and through S3, until it is revoked', async () => {
    const made = await sealed()
    expect(await throughS3(alice, made)).toBe('identity-based')
    const { grantId } = await grantTo(made.key.keyId, ALICE, ['Decrypt'])
    expect(await directly(alice, made)).toBe('allowed')
    expect(await throughS3(alice, made)).toBe('allowed')
    expect(await throughS3(by(user(OURS, 'eve')), made)).toBe('identity-based')
    const encrypt = { keyId: made.key.arn, plaintext: Buffer.from('x'), encryptionContext: {} }
    expect(await outcome(() => kms.encrypt(alice, encrypt))).toBe('identity-based')
    await kms.grants.revokeGrant(root, made.key.keyId, grantId, false)
    expect(await throughS3(alice, made)).toBe('identity-based')
    expect(await outcome(() => kms.grants.revokeGrant(root, made.key.keyId, grantId, false))).toBe('KmsKeyNotFound')
    expect(await outcome(() => kms.grants.revokeGrant(root, made.key.keyId, 'x', false))).toBe('KmsGrantIdInvalid')
  })

  const eve = arn(OURS, 'user/eve')
  const rows: [name: string, who: Principal, grantee: string, keyPolicy: Statement[] | undefined, expected: string][] =
    [
      ['a stranger, whose own policies are silent', user(THEIRS, 'bob'), BOB, undefined, 'allowed'],
      ['a key policy without the account', user(OURS, 'alice'), ALICE, [allow('kms:*', to('user/x'))], 'allowed'],
      [
        'a Deny of the key policy',
        user(OURS, 'alice'),
        ALICE,
        [toAccount, deny('kms:*', to('user/alice'))],
        'resource-based deny',
      ],
      ['a Deny of the caller’s', user(OURS, 'alice', [deny('kms:*')]), ALICE, undefined, 'identity-based deny'],
      ['somebody else', user(OURS, 'alice'), eve, undefined, 'identity-based'],
      ['a role, by its session', session([]), arn(OURS, 'role/reader'), undefined, 'allowed'],
      [
        'a role, narrowed by the session’s policy',
        session([], [allow('s3:*')]),
        arn(OURS, 'role/reader'),
        undefined,
        'identity-based',
      ],
      ['a session', session([]), `arn:aws:sts::${OURS}:assumed-role/reader/s`, undefined, 'allowed'],
      ['another role', session([]), arn(OURS, 'role/writer'), undefined, 'identity-based'],
      ['an account, which must pass it on', user(THEIRS, 'bob'), arn(THEIRS, 'root'), undefined, STRANGER],
      ['an account that has passed it on', user(THEIRS, 'bob', DECRYPT), arn(THEIRS, 'root'), undefined, 'allowed'],
    ]
  test.each(rows)('to %s', async (_name, who, grantee, keyPolicy, expected) => {
    const made = await sealed()
    await grantTo(made.key.keyId, grantee, ['Decrypt'])
    if (keyPolicy) await kms.keys.putPolicy(root, made.key.keyId, document(...keyPolicy), true)
    expect(await throughS3(by(who), made)).toBe(expected)
  })

  test.each<[GrantConstraints, string]>([
    [{ EncryptionContextSubset: { team: 'red' } }, 'allowed'],
    [{ EncryptionContextSubset: { team: 'RED' } }, 'identity-based'],
    [{ EncryptionContextSubset: { TEAM: 'red' } }, 'identity-based'],
    [{ EncryptionContextEquals: { place: 'x', team: 'red' } }, 'allowed'],
    [{ EncryptionContextEquals: { team: 'red' } }, 'identity-based'],
    [{ EncryptionContextEquals: { ...CONTEXT, more: 'y' } }, 'identity-based'],
    [{ EncryptionContextEquals: CONTEXT, EncryptionContextSubset: { team: 'blue' } }, 'identity-based'],
  ])('within constraints %o', async (constraints, expected) => {
    const made = await sealed()
    await grantTo(made.key.keyId, ALICE, ['Decrypt', 'DescribeKey'], { constraints })
    expect(await directly(alice, made)).toBe(expected)
    // They are about encryption contexts only.
    expect(await outcome(() => kms.keys.describeKey(alice, made.key.keyId))).toBe('allowed')
  })

  const PART = { EncryptionContextSubset: { team: 'red' } }
  const EXACT = { EncryptionContextEquals: { team: 'red' } }
  test.each<[had: GrantConstraints | undefined, GrantOperation[], GrantConstraints | undefined, string]>([
    [undefined, ['Decrypt'], undefined, 'allowed'],
    [undefined, ['Decrypt', 'Encrypt'], undefined, 'identity-based'],
    [PART, ['Decrypt'], undefined, 'identity-based'],
    [PART, ['Decrypt'], { EncryptionContextSubset: { team: 'blue' } }, 'identity-based'],
    [PART, ['Decrypt'], { EncryptionContextSubset: CONTEXT }, 'allowed'],
    [PART, ['Decrypt'], { EncryptionContextEquals: CONTEXT }, 'allowed'],
    [EXACT, ['Decrypt'], undefined, 'identity-based'],
    [EXACT, ['Decrypt'], PART, 'identity-based'],
    [EXACT, ['Decrypt'], { EncryptionContextEquals: CONTEXT }, 'identity-based'],
    [EXACT, ['Decrypt'], EXACT, 'allowed'],
  ])(
    'whoever was granted CreateGrant within %o passes on %o within %o: %s',
    async (had, operations, given, expected) => {
      const { keyId } = await newKey()
      await grantTo(keyId, ALICE, ['CreateGrant', 'Decrypt'], had && { constraints: had })
      const passOn = { keyId, granteePrincipal: eve, operations, constraints: given, dryRun: false }
      expect(await outcome(() => kms.grants.createGrant(alice, passOn))).toBe(expected)
    },
  )

  test('the same name and terms are the same grant', async () => {
    const { keyId } = await newKey()
    const first = await grantTo(keyId, ALICE, ['Decrypt', 'Encrypt'], { name: 'n' })
    expect((await grantTo(keyId, ALICE, ['Encrypt', 'Decrypt'], { name: 'n' })).grantId).toBe(first.grantId)
    expect((await grantTo(keyId, ALICE, ['Decrypt'], { name: 'n' })).grantId).not.toBe(first.grantId)
    expect((await grantTo(keyId, ALICE, ['Decrypt', 'Encrypt'])).grantId).not.toBe(first.grantId)
    expect((await kms.keys.describeKey(root, keyId)).grants).toBe(3)
  })

  test('retired by whom it names, by its grantee where it says so, by whom policies allow', async () => {
    const { key } = await sealed()
    const retire = (who: Principal, reference: { token: string } | { keyId: string; grantId: string }) =>
      outcome(() => kms.grants.retireGrant(by(who), reference, false))
    const toBob = await grantTo(key.keyId, ALICE, ['Decrypt'], { retiringPrincipal: BOB })
    const byId = { keyId: key.arn, grantId: toBob.grantId }
    expect(await retire(user(OURS, 'alice'), byId)).toBe('identity-based')
    expect(await retire(user(THEIRS, 'mallory', [allow('kms:*')]), byId)).toBe(STRANGER)
    expect(await retire(user(THEIRS, 'bob', [deny('kms:RetireGrant')]), byId)).toBe('identity-based deny')
    expect(await retire(user(THEIRS, 'bob'), byId)).toBe('allowed')
    expect(await retire(user(THEIRS, 'bob'), byId)).toBe(STRANGER)
    const own = await grantTo(key.keyId, ALICE, ['RetireGrant'])
    const other = await grantTo(key.keyId, eve, ['Decrypt'])
    expect(await retire(user(OURS, 'alice'), { token: grantToken(other) })).toBe('identity-based')
    expect(await retire(user(OURS, 'alice'), { token: grantToken(own) })).toBe('allowed')
    expect(await retire(user(OURS, 'alice'), { token: grantToken(own) })).toBe('KmsGrantTokenInvalid')
    expect(await retire(user(OURS, 'alice'), { token: 'x' })).toBe('KmsGrantTokenInvalid')
    expect(await retire(user(OURS, 'x', [allow('kms:RetireGrant')]), { token: grantToken(other) })).toBe('allowed')
    expect((await kms.keys.describeKey(root, key.keyId)).grants).toBe(0)
  })

  test('listed by key, grantee and id, a page at a time; and those that one may retire', async () => {
    const [one, two] = [await newKey(), await newKey()]
    const all: string[] = []
    for (const { keyId } of [one, one, one, two]) {
      all.push((await grantTo(keyId, ALICE, ['Decrypt'], { retiringPrincipal: eve })).grantId)
    }
    const toEve = await grantTo(one.keyId, eve, ['Decrypt'])
    const list = async (more: object) =>
      (await kms.grants.listGrants(root, { keyId: one.keyId, limit: 10, ...NOTHING_MORE, ...more })).map(
        (g) => g.grantId,
      )
    const ofOne = [...all.slice(0, 3), toEve.grantId].sort()
    expect(await list({})).toEqual(ofOne)
    expect(await list({ limit: 2 })).toEqual(ofOne.slice(0, 2))
    expect(await list({ after: ofOne[1] })).toEqual(ofOne.slice(2))
    expect(await list({ granteePrincipal: eve })).toEqual([toEve.grantId])
    expect(await list({ grantId: all[0] })).toEqual([all[0]])
    const retirable: string[] = []
    for (let after: string | undefined; ; ) {
      const page = await kms.grants.listRetirableGrants(root, eve, after, 3)
      retirable.push(...page.map(({ grant }) => grant.grantId))
      after = page.at(-1)?.marker
      if (page.length < 3) break
    }
    expect(retirable.sort()).toEqual([...all].sort())
    expect(await kms.grants.listRetirableGrants(by(rootOf(THEIRS)), eve, undefined, 10)).toEqual([])
  })

  test('of a key that ends nothing is left, also for one that is made under its id again', async () => {
    const configured = { account: OURS, keyId: 'fixed', alias: 'alias/fixed' }
    await kms.keys.ensureConfiguredKey(configured)
    await grantTo('fixed', ALICE, ['DescribeKey'], { retiringPrincipal: eve })
    expect(await outcome(() => kms.keys.describeKey(alice, 'fixed'))).toBe('allowed')
    const { deletionAtMs } = await kms.keys.scheduleDeletion(root, 'fixed', 7)
    nowMs = deletionAtMs!
    await kms.upkeep.pass()
    expect(await kms.grants.listRetirableGrants(root, eve, undefined, 10)).toEqual([])
    await kms.keys.ensureConfiguredKey(configured)
    expect(await outcome(() => kms.keys.describeKey(alice, 'fixed'))).toBe('identity-based')
    expect(await kms.grants.listGrants(root, { keyId: 'fixed', limit: 10, ...NOTHING_MORE })).toEqual([])
  })

  test('grants made at once are all counted', async () => {
    const { keyId } = await newKey()
    await Promise.all(Array.from({ length: 8 }, () => grantTo(keyId, ALICE, ['Decrypt'])))
    expect((await kms.keys.describeKey(root, keyId)).grants).toBe(8)
  })

  test('the decision names the grant that allowed', async () => {
    const made = await sealed()
    const { grantId } = await grantTo(made.key.keyId, ALICE, ['Decrypt'])
    const decisions: DecisionFacts[] = []
    await directly({ ...alice, decided: (decision) => void decisions.push(decision) }, made)
    expect(decisions).toEqual([
      {
        action: 'kms:Decrypt',
        resource: made.key.arn,
        decision: 'Allowed',
        by: [{ policyType: 'resource-based', policy: `grant ${grantId}`, statement: 'Grantee' }],
      },
    ])
  })

  test('a grant never opens more than its operations, whatever they are', async () => {
    const made = await sealed()
    const all: GrantOperation[] = [
      'Decrypt',
      'Encrypt',
      'GenerateDataKey',
      'GenerateDataKeyWithoutPlaintext',
      'DescribeKey',
    ]
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.constantFrom(...all), { minLength: 1 }), async (operations) => {
        const { grantId } = await grantTo(made.key.keyId, ALICE, operations)
        const ask = { keyId: made.key.arn, bytes: 32, encryptionContext: {} }
        const does: Record<string, string> = {
          Decrypt: await directly(alice, made),
          Encrypt: await outcome(() => kms.encrypt(alice, { ...ask, plaintext: Buffer.from('x') })),
          GenerateDataKey: await outcome(() => kms.generateKey(alice, ask)),
          GenerateDataKeyWithoutPlaintext: await outcome(() =>
            kms.generateKey(alice, ask, 'kms:GenerateDataKeyWithoutPlaintext'),
          ),
          DescribeKey: await outcome(() => kms.keys.describeKey(alice, made.key.keyId)),
        }
        await kms.grants.revokeGrant(root, made.key.keyId, grantId, false)
        const allowed = all.filter((operation) => does[operation] === 'allowed')
        expect(allowed).toEqual(all.filter((operation) => operations.includes(operation)))
      }),
      { numRuns: 20 },
    )
  })
})

describe('tags', () => {
  test('are set, replaced and removed, with AWS’s limits', async () => {
    const { keyId } = await newKey()
    const tag = (TagKey: string, TagValue = '') => ({ TagKey, TagValue })
    await kms.keys.tag(root, keyId, [tag('a', '1'), tag('b', '2')])
    expect((await kms.keys.tag(root, keyId, [tag('a', '3')])).tags).toEqual([tag('b', '2'), tag('a', '3')])
    expect((await kms.keys.untag(root, keyId, ['b', 'absent'])).tags).toEqual([tag('a', '3')])
    const refused = (tags: { TagKey: string; TagValue: string }[]) =>
      kms.keys.tag(root, keyId, tags).then(
        () => 'allowed',
        ({ detail }) => detail.message,
      )
    expect(await refused([tag('x'), tag('x')])).toBe('Duplicate tag keys')
    expect(await refused([tag('aws:x')])).toBe('Tags beginning with aws: are reserved')
    const many = Array.from({ length: 50 }, (_, i) => tag(`t${i}`))
    expect(await refused(many)).toBe('Too many tags')
    expect(await refused(many.slice(1))).toBe('allowed')
    await kms.keys.scheduleDeletion(root, keyId, 7)
    expect(await outcome(() => kms.keys.tag(root, keyId, []))).toBe('KmsKeyStateInvalid')
  })
})
