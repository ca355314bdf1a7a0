/**
 * Material secrets that no key needs any more. Which they are is written in the commit that gives them up, so that a crash
 * before they are destroyed only puts it off.
 */
import { each } from '../records/each-record.ts'
import { name } from '../records/names.ts'
import { defineRecord, type RecordStore } from '../records/record-store.ts'
import type { Mutation } from '../storage/catalog.ts'
import type { KmsKey } from './kms-records.ts'
import { MATERIAL_SECRET_ID, type MaterialSecrets } from './material-secrets.ts'
import { secretsOf } from './wrapped-material.ts'

const doomedSecret = defineRecord<Record<string, never>>({
  label: 'doomed material secret',
  prefix: 'Z',
  formatVersion: 1,
})

export class DoomedSecrets {
  readonly #records: RecordStore
  readonly #secrets: MaterialSecrets

  constructor(records: RecordStore, secrets: MaterialSecrets) {
    this.#records = records
    this.#secrets = secrets
  }

  /** For the commit after which `after` are the keys that there are in the place of `before`. */
  doom(before: readonly KmsKey[], after: readonly KmsKey[]): readonly Mutation[] {
    const needed = new Set(after.flatMap(secretsOf))
    const doomed = new Set(before.flatMap(secretsOf).filter((id) => !needed.has(id)))
    return [...doomed].map((id) => this.#records.put(doomedSecret, name(id), {}))
  }

  /** Destroys all that are doomed. Done again after a crash, it ends what was begun. */
  async destroy(): Promise<void> {
    for await (const { name: recordName } of each(this.#records, doomedSecret)) {
      const id = Buffer.from(recordName).toString()
      // The server's own region goes through all names; those of other regions are told apart by their form.
      if (!MATERIAL_SECRET_ID.test(id)) continue
      await this.#secrets.destroy(id)
      await this.#records.commit([], [this.#records.remove(doomedSecret, recordName)])
    }
  }
}
