/** Aliases: each belongs to one account and names a key of it. Whoever changes one needs to be allowed on both. */
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'
import type { CallContext } from '../policy/call.ts'
import { each } from '../records/each-record.ts'
import { name, nameAfter, prefixEnd, ZERO } from '../records/names.ts'
import type { RecordStore, Stored } from '../records/record-store.ts'
import type { KeyAccess } from './key-access.ts'
import { aliasArn } from './key-id.ts'
import type { KeyLimits } from './key-limits.ts'
import { materialOf, specOf, usageOf } from './key-specs.ts'
import { requireLasting } from './key-state.ts'
import { aliasName, type KmsAlias, type KmsKey, kmsAliasRecord, newAlias } from './kms-records.ts'

export interface KeyAliasesOptions {
  readonly records: RecordStore
  readonly access: KeyAccess
  readonly limits: KeyLimits
  readonly region: string
  readonly clock: Clock
}

export class KeyAliases {
  readonly #records: RecordStore
  readonly #limits: KeyLimits
  readonly #access: KeyAccess
  readonly #region: string
  readonly #clock: Clock

  constructor({ records, access, limits, region, clock }: KeyAliasesOptions) {
    this.#records = records
    this.#limits = limits
    this.#access = access
    this.#region = region
    this.#clock = clock
  }

  async createAlias(call: CallContext, alias: string, targetKeyId: string): Promise<void> {
    requireAliasName(alias)
    const use = { action: 'kms:CreateAlias' } as const
    this.#access.requireOwn(call, use, this.#arn(call, alias))
    const target = await this.#access.allowed(call, targetKeyId, use)
    requireLasting(target)
    await this.#limits.requireRoomForAlias(this.#records, target)
    const at = aliasName(call.principal.accountId, alias)
    const made = await this.#records.commit(
      [this.#records.still(kmsAliasRecord, at, undefined)],
      [this.#records.put(kmsAliasRecord, at, newAlias(alias, target.keyId, this.#clock.nowMs()))],
    )
    if (!made) throw new Fault('KmsAliasExists', { aliasArn: this.#arn(call, alias) })
  }

  /** For who was allowed to see the key. */
  async namesOf(key: KmsKey): Promise<readonly string[]> {
    return (await aliasesOf(this.#records, key)).map(({ value }) => value.alias)
  }

  async updateAlias(call: CallContext, alias: string, targetKeyId: string): Promise<void> {
    requireAliasName(alias)
    const use = { action: 'kms:UpdateAlias' } as const
    this.#access.requireOwn(call, use, this.#arn(call, alias))
    const target = await this.#access.allowed(call, targetKeyId, use)
    const current = await this.#required(call, alias)
    const last = await this.#access.allowed(call, current.value.keyId, use)
    requireLasting(target)
    requireSameUsage(alias, last, target)
    if (last.keyId !== target.keyId) await this.#limits.requireRoomForAlias(this.#records, target)
    const next = { ...current.value, keyId: target.keyId, updatedAtMs: this.#clock.nowMs() }
    const done = await this.#records.commit(
      [this.#records.unchanged(kmsAliasRecord, current)],
      [this.#records.put(kmsAliasRecord, current.name, next)],
    )
    if (!done) throw new Fault('Contention', { what: alias })
  }

  async deleteAlias(call: CallContext, alias: string): Promise<void> {
    requireAliasName(alias)
    const use = { action: 'kms:DeleteAlias' } as const
    this.#access.requireOwn(call, use, this.#arn(call, alias))
    const current = await this.#required(call, alias)
    await this.#access.allowed(call, current.value.keyId, use)
    await this.#records.commit(
      [this.#records.unchanged(kmsAliasRecord, current)],
      [this.#records.remove(kmsAliasRecord, current.name)],
    )
  }

  /** Aliases after `after`, in order; those of one key where `keyId` is given. */
  async listAliases(call: CallContext, after: string | undefined, limit: number, keyId: string | undefined) {
    this.#access.requireOwn(call, { action: 'kms:ListAliases' })
    const { accountId } = call.principal
    const only = keyId === undefined ? undefined : await this.#keyIdOf(call, keyId)
    const lt = prefixEnd(name(accountId, ZERO))
    let gte = after === undefined ? name(accountId, ZERO) : nameAfter(aliasName(accountId, after))
    const found: (KmsAlias & { arn: string })[] = []
    for (;;) {
      const page = await this.#records.range(kmsAliasRecord, { gte, lt, limit: 1000 })
      for (const { value } of page) {
        if (only !== undefined && value.keyId !== only) continue
        found.push({ ...value, arn: this.#arn(call, value.alias) })
        if (found.length === limit) return found
      }
      if (page.length < 1000) return found
      gte = nameAfter(page.at(-1)!.name)
    }
  }

  async #keyIdOf(call: CallContext, keyId: string): Promise<string> {
    return (await this.#access.find(call, keyId, 'kms:ListAliases')).stored.value.keyId
  }

  async #required(call: CallContext, alias: string): Promise<Stored<KmsAlias>> {
    const current = await this.#records.get(kmsAliasRecord, aliasName(call.principal.accountId, alias))
    if (!current) throw new Fault('KmsKeyNotFound', { message: `Alias ${this.#arn(call, alias)} is not found.` })
    return current
  }

  #arn(call: CallContext, alias: string): string {
    return aliasArn(this.#region, call.principal.accountId, alias)
  }
}

/** All aliases of a key, which takes a look at each of its account. */
export async function aliasesOf(records: RecordStore, key: KmsKey): Promise<readonly Stored<KmsAlias>[]> {
  const found: Stored<KmsAlias>[] = []
  for await (const alias of each(records, kmsAliasRecord, aliasName(key.accountId, ''))) {
    if (alias.value.keyId === key.keyId) found.push(alias)
  }
  return found
}

/** No alias comes to stand for a key that cannot do what the last one did (API reference, UpdateAlias). */
function requireSameUsage(alias: string, last: KmsKey, target: KmsKey): void {
  if (usageOf(last) === usageOf(target) && materialOf(last).kind === materialOf(target).kind) return
  throw new Fault('KmsValidation', {
    message: `${alias} is of a key with key spec ${specOf(last)} and key usage ${usageOf(last)}, which ${target.arn} cannot stand in for.`,
  })
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
