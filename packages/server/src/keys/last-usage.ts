/**
 * When a key was last used, and by which operation (API reference, GetKeyLastUsage). A use only leaves a note in the memory of
 * its process; notes are written down now and then and when the process ends in order. Whoever asks is told of the notes of
 * all processes, so only a process that is killed forgets some.
 */
import type { Clock } from '../core/clock.ts'
import { KEY_USES } from '../core/key-uses.ts'
import { name } from '../records/names.ts'
import { defineRecord, type RecordStore } from '../records/record-store.ts'
import type { Check, Mutation } from '../storage/catalog.ts'
import { attempt } from './attempt.ts'
import { type KmsKey, keyName, kmsKeyRecord } from './kms-records.ts'

/** What is tracked, by the name of the operation. */
export const TRACKED_OPERATIONS = KEY_USES
export type TrackedOperation = (typeof TRACKED_OPERATIONS)[number]

export interface KeyUsage {
  readonly operation: TrackedOperation
  readonly atMs: number
  readonly requestId: string
}

export interface LastUsageOptions {
  readonly records: RecordStore
  readonly clock: Clock
  /** Notes of all processes on a key; undefined: there is no other. */
  readonly elsewhere: ((keyArn: string) => Promise<readonly KeyUsage[]>) | undefined
}

export const keyUsageRecord = defineRecord<KeyUsage>({ label: 'last use of a KMS key', prefix: 'w', formatVersion: 1 })
const trackingRecord = defineRecord<{ readonly sinceMs: number }>({
  label: 'beginning of the tracking of uses',
  prefix: 'W',
  formatVersion: 1,
})
const ALL_KEYS = name('all')

export class LastUsage {
  readonly #records: RecordStore
  readonly #clock: Clock
  readonly #elsewhere: LastUsageOptions['elsewhere']
  /** By ARN; what is not written yet. */
  readonly #notes = new Map<string, KeyUsage>()

  constructor({ records, clock, elsewhere }: LastUsageOptions) {
    this.#records = records
    this.#clock = clock
    this.#elsewhere = elsewhere
  }

  note(keyArn: string, operation: TrackedOperation, requestId: string): void {
    this.#notes.set(keyArn, { operation, atMs: this.#clock.nowMs(), requestId })
  }

  /** This process's own note. */
  noted(keyArn: string): KeyUsage | undefined {
    return this.#notes.get(keyArn)
  }

  /** The last use of a key; undefined: none since `sinceMs`. */
  async of({ accountId, keyId, arn, createdAtMs }: KmsKey): Promise<{ usage: KeyUsage | undefined; sinceMs: number }> {
    const [notes, stored, tracking] = await Promise.all([
      this.#elsewhere ? this.#elsewhere(arn) : [this.noted(arn)],
      this.#records.get(keyUsageRecord, keyName(accountId, keyId)),
      this.#records.get(trackingRecord, ALL_KEYS),
    ])
    const usages = [...notes, stored?.value].filter((one) => one !== undefined)
    const usage = usages.sort((a, b) => b.atMs - a.atMs)[0]
    return { usage, sinceMs: Math.max(tracking?.value.sinceMs ?? 0, createdAtMs) }
  }

  /** For how many whole days a key has not been used, as far as it is known. */
  async trailingDays(key: KmsKey): Promise<number> {
    const { usage, sinceMs } = await this.of(key)
    return Math.floor((this.#clock.nowMs() - (usage?.atMs ?? sinceMs)) / DAY_MS)
  }

  /** Remembers since when uses are tracked, where it is not known yet: keys may be older. */
  async begin(): Promise<void> {
    if (await this.#records.get(trackingRecord, ALL_KEYS)) return
    const start = this.#records.put(trackingRecord, ALL_KEYS, { sinceMs: this.#clock.nowMs() })
    await this.#records.commit([this.#records.still(trackingRecord, ALL_KEYS, undefined)], [start])
  }

  /** Writes the notes down, in one commit. */
  async flush(): Promise<void> {
    const notes = [...this.#notes]
    await attempt('uses of keys', async () => (await this.#write(notes)) || undefined)
    for (const [keyArn, usage] of notes) {
      if (this.#notes.get(keyArn) === usage) this.#notes.delete(keyArn)
    }
  }

  /** False where another process wrote of one of these keys meanwhile. */
  async #write(notes: readonly (readonly [string, KeyUsage])[]): Promise<boolean> {
    const checks: Check[] = []
    const mutations: Mutation[] = []
    for (const [keyArn, usage] of notes) {
      const [, , , , accountId = '', resource = ''] = keyArn.split(':')
      const at = keyName(accountId, resource.slice('key/'.length))
      const [key, last] = await this.#records.getBoth([kmsKeyRecord, at], [keyUsageRecord, at])
      // Nothing is written of a key that has ended.
      if (!key || (last && last.value.atMs >= usage.atMs)) continue
      checks.push(this.#records.unchanged(kmsKeyRecord, key), this.#records.still(keyUsageRecord, at, last))
      mutations.push(this.#records.put(keyUsageRecord, at, usage))
    }
    return mutations.length === 0 || this.#records.commit(checks, mutations)
  }
}

const DAY_MS = 86_400_000
