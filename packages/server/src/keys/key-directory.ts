/** The keys of the accounts: made, found, listed, changed. What is done with them is in `kms.ts`. */
import { randomBytes, randomUUID } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'
import type { CallContext } from '../policy/call.ts'
import { name, nameAfter, prefixEnd, ZERO } from '../records/names.ts'
import type { RecordStore, Stored } from '../records/record-store.ts'
import type { KeyOrigin } from './imported-material.ts'
import type { KeyAccess } from './key-access.ts'
import type { KeyAction } from './key-actions.ts'
import type { KeyChanges } from './key-change.ts'
import { keyArn } from './key-id.ts'
import type { KeyLimits } from './key-limits.ts'
import type { KeyMaterial } from './key-material.ts'
import { checkKeyPolicy } from './key-policy.ts'
import { scheduledForDeletion, withoutDeletion } from './key-removal.ts'
import { DEFAULT_PERIOD_DAYS, requireOnDemandRotation, rotated, withoutSchedule, withSchedule } from './key-rotation.ts'
import { type KeySpec, type KeyUsage, usagesOf } from './key-specs.ts'
import { requireLasting, requireLeaving, requireWhole } from './key-state.ts'
import { withoutTags, withTags } from './key-tags.ts'
import {
  aliasName,
  type KmsKey,
  type KmsTag,
  keyName,
  kmsAliasRecord,
  kmsKeyRecord,
  newAlias,
  type RotationType,
} from './kms-records.ts'

/** The managed key of S3, and what AWS says of it. */
export const S3_ALIAS = 'alias/aws/s3'
const S3_DESCRIPTION = 'Default key that protects my S3 objects when no other key is defined'
const SALT_BYTES = 32

export interface NewKey {
  /** Undefined: SYMMETRIC_DEFAULT. */
  readonly keySpec?: KeySpec
  /** Undefined: the only one that the spec can have. */
  readonly keyUsage?: KeyUsage | undefined
  /** Undefined: AWS_KMS. */
  readonly origin?: KeyOrigin
  readonly multiRegion?: boolean
  readonly description: string
  readonly tags: readonly KmsTag[]
  /** Undefined: the default one. */
  readonly policy?: string | undefined
  readonly bypassesLockoutCheck?: boolean
}

export interface KeyDirectoryOptions {
  readonly records: RecordStore
  readonly access: KeyAccess
  readonly changes: KeyChanges
  readonly material: KeyMaterial
  readonly limits: KeyLimits
  readonly region: string
  readonly clock: Clock
}

export class KeyDirectory {
  readonly #records: RecordStore
  readonly #limits: KeyLimits
  readonly #access: KeyAccess
  readonly #changes: KeyChanges
  readonly #material: KeyMaterial
  readonly #region: string
  readonly #clock: Clock

  constructor({ records, access, changes, material, limits, region, clock }: KeyDirectoryOptions) {
    this.#records = records
    this.#limits = limits
    this.#access = access
    this.#changes = changes
    this.#material = material
    this.#region = region
    this.#clock = clock
  }

  async createKey(call: CallContext, input: NewKey): Promise<KmsKey> {
    const { description, policy, keySpec = 'SYMMETRIC_DEFAULT', keyUsage, bypassesLockoutCheck = false } = input
    const { origin = 'AWS_KMS', multiRegion = false } = input
    const tags = withTags([], input.tags)
    const kind = { keySpec, ...(keyUsage && usagesOf(keySpec).length > 1 && { keyUsage }) }
    const use = { ...(tags.length > 0 && { tags }), ...kind, origin, bypassesLockoutCheck }
    const multiRegionKeyType = multiRegion ? 'PRIMARY' : undefined
    this.#access.requireOwn(call, { action: 'kms:CreateKey', ...use, multiRegionKeyType })
    if (tags.length > 0) this.#access.requireOwn(call, { action: 'kms:TagResource', tags })
    if (policy !== undefined) checkKeyPolicy(policy)
    await this.#limits.requireRoomForKey(this.#records, call.principal.accountId, this.#region)
    const key = await this.#newKey(call.principal.accountId, multiRegion ? newMultiRegionId() : randomUUID(), {
      description,
      tags,
      manager: 'CUSTOMER',
      ...(keySpec !== 'SYMMETRIC_DEFAULT' && kind),
      ...(policy !== undefined && { policy }),
      ...(multiRegion && { multiRegion: { primaryRegion: this.#region, replicaRegions: [] } }),
      ...(origin === 'EXTERNAL' && { imported: { salt: randomBytes(SALT_BYTES).toString('base64'), versions: [] } }),
    })
    if (policy !== undefined && !bypassesLockoutCheck) this.#access.requireWayBack(call, key)
    const recordName = keyName(key.accountId, key.keyId)
    const made = await this.#records.commit(
      [this.#records.still(kmsKeyRecord, recordName, undefined)],
      [this.#records.put(kmsKeyRecord, recordName, key)],
    )
    if (!made) throw new Fault('Contention', { what: 'a new KMS key' })
    return key
  }

  /** A key that the configuration asks for, with its fixed id and alias; nothing where it is there already. */
  async ensureConfiguredKey(configured: { account: string; keyId: string; alias?: string | undefined }): Promise<void> {
    const { account, keyId, alias } = configured
    const at = keyName(account, keyId)
    if (!(await this.#records.get(kmsKeyRecord, at))) {
      const key = await this.#newKey(account, keyId, { description: '', tags: [], manager: 'CUSTOMER' })
      await this.#records.commit(
        [this.#records.still(kmsKeyRecord, at, undefined)],
        [this.#records.put(kmsKeyRecord, at, key)],
      )
    }
    if (alias === undefined || (await this.#records.get(kmsAliasRecord, aliasName(account, alias)))) return
    await this.#records.commit(
      [this.#records.still(kmsAliasRecord, aliasName(account, alias), undefined)],
      [this.#records.put(kmsAliasRecord, aliasName(account, alias), newAlias(alias, keyId, this.#clock.nowMs()))],
    )
  }

  /** A key, for whatever only reads of it. */
  describeKey(call: CallContext, keyId: string, action: KeyAction = 'kms:DescribeKey'): Promise<KmsKey> {
    return this.#access.allowed(call, keyId, { action })
  }

  async listKeys(
    call: CallContext,
    after: string | undefined,
    limit: number,
  ): Promise<readonly { keyId: string; arn: string }[]> {
    this.#access.requireOwn(call, { action: 'kms:ListKeys' })
    const { accountId } = call.principal
    const prefix = name(accountId, ZERO)
    const names = await this.#records.names(kmsKeyRecord, {
      gte: after === undefined ? prefix : nameAfter(keyName(accountId, after)),
      lt: prefixEnd(prefix),
      limit,
    })
    return names.map((recordName) => {
      const keyId = Buffer.from(recordName.subarray(prefix.length)).toString()
      return { keyId, arn: keyArn(this.#region, accountId, keyId) }
    })
  }

  async setEnabled(call: CallContext, keyId: string, enabled: boolean): Promise<void> {
    await this.#changes.change(call, keyId, { action: enabled ? 'kms:EnableKey' : 'kms:DisableKey' }, (key) => {
      requireWhole(key)
      return { ...key, state: enabled ? 'Enabled' : 'Disabled' }
    })
  }

  scheduleDeletion(call: CallContext, keyId: string, days: number): Promise<KmsKey> {
    return this.#changes.change(
      call,
      keyId,
      { action: 'kms:ScheduleKeyDeletion', pendingWindowInDays: days },
      (key) => {
        requireLasting(key)
        return scheduledForDeletion(key, days, this.#clock.nowMs())
      },
    )
  }

  cancelDeletion(call: CallContext, keyId: string): Promise<KmsKey> {
    return this.#changes.change(call, keyId, { action: 'kms:CancelKeyDeletion' }, (key) => {
      requireLeaving(key)
      return withoutDeletion(key)
    })
  }

  updateDescription(call: CallContext, keyId: string, description: string): Promise<KmsKey> {
    return this.#changes.change(call, keyId, { action: 'kms:UpdateKeyDescription' }, (key) => {
      requireLasting(key)
      return { ...key, description }
    })
  }

  /** Throws PolicyMalformed, also where the caller could not change the policy any more, and KmsLimitExceeded. */
  putPolicy(call: CallContext, keyId: string, policy: string, bypassesLockoutCheck: boolean): Promise<KmsKey> {
    return this.#changes.change(call, keyId, { action: 'kms:PutKeyPolicy', bypassesLockoutCheck }, (key) => {
      checkKeyPolicy(policy)
      const next = { ...key, policy }
      if (!bypassesLockoutCheck) this.#access.requireWayBack(call, next)
      return next
    })
  }

  tag(call: CallContext, keyId: string, tags: readonly KmsTag[]): Promise<KmsKey> {
    return this.#changes.change(call, keyId, { action: 'kms:TagResource', tags }, (key) => {
      requireLasting(key)
      return { ...key, tags: withTags(key.tags, tags) }
    })
  }

  untag(call: CallContext, keyId: string, tagKeys: readonly string[]): Promise<KmsKey> {
    return this.#changes.change(call, keyId, { action: 'kms:UntagResource', tagKeys }, (key) => {
      requireLasting(key)
      return { ...key, tags: withoutTags(key.tags, tagKeys) }
    })
  }

  /** Without a period: a year. */
  enableRotation(call: CallContext, keyId: string, periodDays: number | undefined): Promise<KmsKey> {
    const use = { action: 'kms:EnableKeyRotation', rotationPeriodInDays: periodDays } as const
    return this.#changes.change(call, keyId, use, (key) =>
      withSchedule(key, periodDays ?? DEFAULT_PERIOD_DAYS, this.#clock.nowMs()),
    )
  }

  disableRotation(call: CallContext, keyId: string): Promise<KmsKey> {
    return this.#changes.change(call, keyId, { action: 'kms:DisableKeyRotation' }, withoutSchedule)
  }

  rotateOnDemand(call: CallContext, keyId: string): Promise<KmsKey> {
    return this.#changes.change(call, keyId, { action: 'kms:RotateKeyOnDemand' }, (key, replicas) => {
      requireOnDemandRotation(key, replicas)
      return this.#rotated(key, 'ON_DEMAND')
    })
  }

  /** The managed key of S3, made at its first use. */
  async managedS3Key(call: CallContext): Promise<Stored<KmsKey>> {
    const { accountId } = call.principal
    const at = aliasName(accountId, S3_ALIAS)
    for (;;) {
      const alias = await this.#records.get(kmsAliasRecord, at)
      if (alias) {
        const key = await this.#records.get(kmsKeyRecord, keyName(accountId, alias.value.keyId))
        if (!key) throw new Fault('Damaged', { what: `the key of ${S3_ALIAS}` })
        return key
      }
      const key = await this.#newKey(accountId, randomUUID(), { description: S3_DESCRIPTION, tags: [], manager: 'AWS' })
      await this.#records.commit(
        [this.#records.still(kmsAliasRecord, at, undefined)],
        [
          this.#records.put(kmsAliasRecord, at, newAlias(S3_ALIAS, key.keyId, this.#clock.nowMs())),
          this.#records.put(kmsKeyRecord, keyName(accountId, key.keyId), key),
        ],
      )
    }
  }

  #rotated(key: KmsKey, type: RotationType): Promise<KmsKey> {
    return rotated(key, () => this.#material.renew(key), type, this.#clock.nowMs())
  }

  async #newKey(
    accountId: string,
    keyId: string,
    facts: Omit<KmsKey, 'accountId' | 'keyId' | 'arn' | 'createdAtMs' | 'state' | 'material'>,
  ): Promise<KmsKey> {
    const arn = keyArn(this.#region, accountId, keyId)
    return {
      ...facts,
      accountId,
      keyId,
      arn,
      createdAtMs: this.#clock.nowMs(),
      state: facts.imported ? 'PendingImport' : 'Enabled',
      material: facts.imported ? [] : [await this.#material.make({ ...facts, arn })],
    }
  }
}

/** They tell multi-Region keys from others by their ids. */
const newMultiRegionId = () => `mrk-${randomBytes(16).toString('hex')}`
