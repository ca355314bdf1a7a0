/** How many keys an account may have, and how many aliases and grants a key (KMS developer guide, "Resource quotas"). */
import { Fault } from '../core/fault.ts'
import { name, prefixEnd, ZERO } from '../records/names.ts'
import type { RecordStore } from '../records/record-store.ts'
import { aliasesOf } from './key-aliases.ts'
import { regionOf } from './key-regions.ts'
import { type KmsKey, kmsKeyRecord } from './kms-records.ts'

/** The quotas that apply to an account in a Region. */
export interface ResourceQuotas {
  value(
    scope: { readonly accountId: string; readonly region: string },
    quota: 'keys' | 'aliasesPerKey' | 'grantsPerKey',
  ): Promise<number>
}

export class KeyLimits {
  readonly #quotas: ResourceQuotas
  /** How many keys this process may make before it counts them again, by account and Region. */
  readonly #room = new Map<string, number>()

  constructor(quotas: ResourceQuotas) {
    this.#quotas = quotas
  }

  /**
   * For one key more. Keys are counted again when a part of the room that there was is used, since other processes make
   * keys as well; near the end that is for each. Throws KmsLimitExceeded.
   */
  async requireRoomForKey(records: RecordStore, accountId: string, region: string): Promise<void> {
    const scope = `${region} ${accountId}`
    const room = this.#room.get(scope) ?? 0
    if (room > 0) {
      this.#room.set(scope, room - 1)
      return
    }
    const most = await this.#quotas.value({ accountId, region }, 'keys')
    const left = most - (await countKeys(records, accountId, most))
    if (left <= 0) throw exceeded(`The account has ${most} keys in ${region} already.`)
    this.#room.set(scope, Math.floor(left / COUNTED_AGAIN_AFTER))
  }

  /** Throws KmsLimitExceeded. */
  async requireRoomForAlias(records: RecordStore, key: KmsKey): Promise<void> {
    const most = await this.#quotas.value({ accountId: key.accountId, region: regionOf(key) }, 'aliasesPerKey')
    if ((await aliasesOf(records, key)).length >= most) throw exceeded(`${key.arn} has ${most} aliases already.`)
  }

  /** Throws KmsLimitExceeded. */
  async requireRoomForGrant(key: KmsKey): Promise<void> {
    const most = await this.#quotas.value({ accountId: key.accountId, region: regionOf(key) }, 'grantsPerKey')
    if ((key.grants ?? 0) >= most) throw exceeded(`${key.arn} has ${most} grants already.`)
  }
}

/** How many keys an account has in the Region of these records; `most` where it has more. */
export async function countKeys(records: RecordStore, accountId: string, most: number): Promise<number> {
  const prefix = name(accountId, ZERO)
  return (await records.names(kmsKeyRecord, { gte: prefix, lt: prefixEnd(prefix), limit: most })).length
}

const exceeded = (message: string) => new Fault('KmsLimitExceeded', { message })
/** The room divided by this. */
const COUNTED_AGAIN_AFTER = 64
