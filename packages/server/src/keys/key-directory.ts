/** The keys of the accounts and their aliases: made, found, listed, changed. What is done with them is in `kms.ts`. */
import { randomUUID } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'
import type { CallContext } from '../policy/call.ts'
import { name, nameAfter, prefixEnd, ZERO } from '../records/names.ts'
import type { RecordStore, Stored } from '../records/record-store.ts'
import { aliasArn, type KeyReference, keyArn, keyNotFound, readKeyReference } from './key-id.ts'
import type { KeyMaterial } from './key-material.ts'
import {
  aliasName,
  type KeyState,
  type KmsAlias,
  type KmsKey,
  keyName,
  kmsAliasRecord,
  kmsKeyRecord,
} from './kms-records.ts'

/** The managed key of S3, and what AWS says of it. */
const S3_ALIAS = 'alias/aws/s3'
const S3_DESCRIPTION = 'Default key that protects my S3 objects when no other key is defined'
const DAY_MS = 86_400_000

export class KeyDirectory {
  readonly #records: RecordStore
  readonly #material: KeyMaterial
  readonly #region: string
  readonly #clock: Clock

  constructor(records: RecordStore, material: KeyMaterial, region: string, clock: Clock) {
    this.#records = records
    this.#material = material
    this.#region = region
    this.#clock = clock
  }

  // ---- Keys ---------------------------------------------------------------------------------------------------------

  async createKey(call: CallContext, input: { description: string; tags: KmsKey['tags'] }): Promise<KmsKey> {
    const key = this.#newKey(call.principal.accountId, randomUUID(), { ...input, manager: 'CUSTOMER' })
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
      const key = this.#newKey(account, keyId, { description: '', tags: [], manager: 'CUSTOMER' })
      await this.#records.commit(
        [this.#records.still(kmsKeyRecord, at, undefined)],
        [this.#records.put(kmsKeyRecord, at, key)],
      )
    }
    if (alias === undefined || (await this.#records.get(kmsAliasRecord, aliasName(account, alias)))) return
    await this.#records.commit(
      [this.#records.still(kmsAliasRecord, aliasName(account, alias), undefined)],
      [this.#records.put(kmsAliasRecord, aliasName(account, alias), this.#newAlias(alias, keyId))],
    )
  }

  describeKey(call: CallContext, keyId: string): Promise<KmsKey> {
    return this.find(call, keyId, 'kms:DescribeKey')
  }

  async listKeys(
    call: CallContext,
    after: string | undefined,
    limit: number,
  ): Promise<readonly { keyId: string; arn: string }[]> {
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
    await this.#change(call, keyId, enabled ? 'kms:EnableKey' : 'kms:DisableKey', (key) => {
      if (key.state === 'PendingDeletion') throw pendingDeletion(key)
      return { ...key, state: enabled ? 'Enabled' : 'Disabled' }
    })
  }

  scheduleDeletion(call: CallContext, keyId: string, days: number): Promise<KmsKey> {
    return this.#change(call, keyId, 'kms:ScheduleKeyDeletion', (key) => {
      if (key.state === 'PendingDeletion') throw pendingDeletion(key)
      return { ...key, state: 'PendingDeletion', deletionAtMs: this.#clock.nowMs() + days * DAY_MS }
    })
  }

  cancelDeletion(call: CallContext, keyId: string): Promise<KmsKey> {
    return this.#change(call, keyId, 'kms:CancelKeyDeletion', (key) => {
      if (key.state !== 'PendingDeletion') {
        throw new Fault('KmsKeyStateInvalid', { keyArn: key.arn, state: 'not pending deletion' })
      }
      const { deletionAtMs: _, ...rest } = key
      return { ...rest, state: 'Disabled' }
    })
  }

  updateDescription(call: CallContext, keyId: string, description: string): Promise<KmsKey> {
    return this.#change(call, keyId, 'kms:UpdateKeyDescription', (key) => {
      if (key.state === 'PendingDeletion') throw pendingDeletion(key)
      return { ...key, description }
    })
  }

  // ---- Aliases ------------------------------------------------------------------------------------------------------

  async createAlias(call: CallContext, alias: string, targetKeyId: string): Promise<void> {
    requireAliasName(alias)
    const target = await this.find(call, targetKeyId, 'kms:CreateAlias')
    if (target.state === 'PendingDeletion') throw pendingDeletion(target)
    const at = aliasName(call.principal.accountId, alias)
    const made = await this.#records.commit(
      [this.#records.still(kmsAliasRecord, at, undefined)],
      [this.#records.put(kmsAliasRecord, at, this.#newAlias(alias, target.keyId))],
    )
    if (!made) throw new Fault('KmsAliasExists', { aliasArn: this.#aliasArn(call, alias) })
  }

  async updateAlias(call: CallContext, alias: string, targetKeyId: string): Promise<void> {
    requireAliasName(alias)
    const target = await this.find(call, targetKeyId, 'kms:UpdateAlias')
    if (target.state === 'PendingDeletion') throw pendingDeletion(target)
    const at = aliasName(call.principal.accountId, alias)
    const current = await this.#requireAlias(call, alias)
    const next = { ...current.value, keyId: target.keyId, updatedAtMs: this.#clock.nowMs() }
    const done = await this.#records.commit(
      [this.#records.unchanged(kmsAliasRecord, current)],
      [this.#records.put(kmsAliasRecord, at, next)],
    )
    if (!done) throw new Fault('Contention', { what: alias })
  }

  async deleteAlias(call: CallContext, alias: string): Promise<void> {
    requireAliasName(alias)
    const current = await this.#requireAlias(call, alias)
    await this.#records.commit(
      [this.#records.unchanged(kmsAliasRecord, current)],
      [this.#records.remove(kmsAliasRecord, current.name)],
    )
  }

  /** Aliases after `after`, in order; those of one key where `keyId` is given. */
  async listAliases(call: CallContext, after: string | undefined, limit: number, keyId: string | undefined) {
    const { accountId } = call.principal
    const only = keyId === undefined ? undefined : (await this.find(call, keyId, 'kms:ListAliases')).keyId
    const lt = prefixEnd(name(accountId, ZERO))
    let gte = after === undefined ? name(accountId, ZERO) : nameAfter(aliasName(accountId, after))
    const found: (KmsAlias & { arn: string })[] = []
    for (;;) {
      const page = await this.#records.range(kmsAliasRecord, { gte, lt, limit: 1000 })
      for (const { value } of page) {
        if (only !== undefined && value.keyId !== only) continue
        found.push({ ...value, arn: this.#aliasArn(call, value.alias) })
        if (found.length === limit) return found
      }
      if (page.length < 1000) return found
      gte = nameAfter(page.at(-1)!.name)
    }
  }

  // ---- What they share ----------------------------------------------------------------------------------------------

  /** The key that a request names. Throws KmsKeyNotFound, KmsArnInvalid, or AccessDenied for another account's. */
  async find(call: CallContext, text: string, action = 'kms:DescribeKey'): Promise<KmsKey> {
    const reference = readKeyReference(text, this.#region, call.principal.accountId)
    const stored = await this.#stored(reference)
    if (!stored || this.#isOver(stored.value)) throw keyNotFound(reference)
    this.#requireOwner(call, stored.value, action)
    return stored.value
  }

  async #stored(reference: KeyReference): Promise<Stored<KmsKey> | undefined> {
    if (reference.kind === 'id') return this.#records.get(kmsKeyRecord, keyName(reference.accountId, reference.keyId))
    const alias = await this.#records.get(kmsAliasRecord, aliasName(reference.accountId, reference.alias))
    return alias && this.#records.get(kmsKeyRecord, keyName(reference.accountId, alias.value.keyId))
  }

  async usable(call: CallContext, keyId: string, action: string): Promise<KmsKey> {
    const key = await this.find(call, keyId, action)
    this.requireUsable(call, key, action)
    return key
  }

  requireUsable(call: CallContext, key: KmsKey, action: string): void {
    // An AWS managed key works only through its service.
    if (key.manager === 'AWS' && call.via !== 's3') throw this.#denied(call, key.arn, action)
    if (key.state === 'Disabled') throw new Fault('KmsKeyDisabled', { keyArn: key.arn })
    if (key.state === 'PendingDeletion') throw pendingDeletion(key)
  }

  /** Until key policies exist, a key serves the callers of its own account. */
  #requireOwner(call: CallContext, key: KmsKey, action: string): void {
    if (key.accountId !== call.principal.accountId) throw this.#denied(call, key.arn, action)
  }

  #denied(call: CallContext, resource: string, action: string): Fault<'AccessDenied'> {
    const reason = 'because no resource-based policy allows the action'
    return new Fault('AccessDenied', { callerArn: call.principal.arn, action, resource, reason, told: true })
  }

  async #change(call: CallContext, keyId: string, action: string, change: (key: KmsKey) => KmsKey): Promise<KmsKey> {
    if (keyId.includes('alias/')) throw new Fault('KmsKeyNotFound', { message: `Invalid keyId '${keyId}'` })
    const reference = readKeyReference(keyId, this.#region, call.principal.accountId)
    for (let attempt = 0; attempt < 10; attempt++) {
      const stored = await this.#stored(reference)
      if (!stored || this.#isOver(stored.value)) throw keyNotFound(reference)
      this.#requireOwner(call, stored.value, action)
      if (stored.value.manager === 'AWS') throw this.#denied(call, stored.value.arn, action)
      const next = change(stored.value)
      const done = await this.#records.commit(
        [this.#records.unchanged(kmsKeyRecord, stored)],
        [this.#records.put(kmsKeyRecord, stored.name, next)],
      )
      if (done) return next
    }
    throw new Fault('Contention', { what: keyId })
  }

  /** The managed key of S3, made at its first use. */
  async managedS3Key(call: CallContext): Promise<KmsKey> {
    const { accountId } = call.principal
    const at = aliasName(accountId, S3_ALIAS)
    for (;;) {
      const alias = await this.#records.get(kmsAliasRecord, at)
      if (alias) {
        const key = await this.#records.get(kmsKeyRecord, keyName(accountId, alias.value.keyId))
        if (!key) throw new Fault('Damaged', { what: `the key of ${S3_ALIAS}` })
        return key.value
      }
      const key = this.#newKey(accountId, randomUUID(), { description: S3_DESCRIPTION, tags: [], manager: 'AWS' })
      await this.#records.commit(
        [this.#records.still(kmsAliasRecord, at, undefined)],
        [
          this.#records.put(kmsAliasRecord, at, this.#newAlias(S3_ALIAS, key.keyId)),
          this.#records.put(kmsKeyRecord, keyName(accountId, key.keyId), key),
        ],
      )
    }
  }

  async #requireAlias(call: CallContext, alias: string): Promise<Stored<KmsAlias>> {
    const current = await this.#records.get(kmsAliasRecord, aliasName(call.principal.accountId, alias))
    if (!current) throw new Fault('KmsKeyNotFound', { message: `Alias ${this.#aliasArn(call, alias)} is not found.` })
    return current
  }

  #aliasArn(call: CallContext, alias: string): string {
    return aliasArn(this.#region, call.principal.accountId, alias)
  }

  #newKey(accountId: string, keyId: string, facts: Pick<KmsKey, 'description' | 'tags' | 'manager'>): KmsKey {
    const arn = keyArn(this.#region, accountId, keyId)
    return {
      ...facts,
      accountId,
      keyId,
      arn,
      createdAtMs: this.#clock.nowMs(),
      state: 'Enabled' satisfies KeyState,
      material: [this.#material.make(arn, 1)],
    }
  }

  #newAlias(alias: string, keyId: string): KmsAlias {
    const nowMs = this.#clock.nowMs()
    return { alias, keyId, createdAtMs: nowMs, updatedAtMs: nowMs }
  }

  /** A key whose waiting period has ended is gone, whether the sweep has been there or not. */
  #isOver(key: KmsKey): boolean {
    return key.deletionAtMs !== undefined && key.deletionAtMs <= this.#clock.nowMs()
  }
}

function requireAliasName(alias: string): void {
  if (!alias.startsWith('alias/')) {
    const message =
      'Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html'
    throw new Fault('KmsValidation', { message })
  }
  if (!/^alias\/[a-zA-Z0-9/_-]+$/.test(alias)) {
    throw new Fault('KmsAliasInvalid', { message: `Alias ${alias} contains invalid characters` })
  }
  if (alias.startsWith('alias/aws/')) throw new Fault('KmsAliasInvalid', { message: `Alias ${alias} is reserved` })
}

const pendingDeletion = (key: KmsKey) => new Fault('KmsKeyStateInvalid', { keyArn: key.arn, state: 'pending deletion' })
