/** Changes a key: found and allowed as every use of it is, and committed only if it is still the one that was read. */
import { Fault } from '../core/fault.ts'
import type { CallContext } from '../policy/call.ts'
import type { RecordStore } from '../records/record-store.ts'
import type { KeyUse } from './condition-keys.ts'
import type { KeyAccess } from './key-access.ts'
import { type KmsKey, kmsKeyRecord } from './kms-records.ts'

export class KeyChanges {
  readonly #records: RecordStore
  readonly #access: KeyAccess

  constructor(records: RecordStore, access: KeyAccess) {
    this.#records = records
    this.#access = access
  }

  /** Resolves to the key as it is from now on. `change` is asked again where somebody else was faster. */
  async change(call: CallContext, keyId: string, use: KeyUse, change: (key: KmsKey) => KmsKey): Promise<KmsKey> {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const found = await this.#access.find(call, keyId, use.action)
      await this.#access.require(call, found, use)
      const next = change(found.stored.value)
      const done = await this.#records.commit(
        [this.#records.unchanged(kmsKeyRecord, found.stored)],
        [this.#records.put(kmsKeyRecord, found.stored.name, next)],
      )
      if (done) return next
    }
    throw new Fault('Contention', { what: keyId })
  }
}

const MOST_ATTEMPTS = 10
