/** What falls due for keys with time: their end, that of imported material, rotations. One look at each key of a region. */
import type { Clock } from '../core/clock.ts'
import type { RecordStore, Stored } from '../records/record-store.ts'
import type { DoomedSecrets } from './doomed-secrets.ts'
import { asOf, expirationOf } from './imported-material.ts'
import type { KeyChanges } from './key-change.ts'
import type { KeyMaterial } from './key-material.ts'
import type { KeyRegions } from './key-regions.ts'
import { removeKey } from './key-removal.ts'
import { rotated, rotationDueAtMs } from './key-rotation.ts'
import { eachKey, eachSoundKey, type KmsKey } from './kms-records.ts'

export interface KeyUpkeepOptions {
  readonly records: RecordStore
  readonly regions: KeyRegions
  readonly region: string
  readonly changes: KeyChanges
  readonly material: KeyMaterial
  readonly doomed: DoomedSecrets
  readonly clock: Clock
}

/** By ARN, what was done. */
export interface Upkeep {
  readonly destroyed: readonly string[]
  readonly expired: readonly string[]
  readonly rotated: readonly string[]
  /** What kept keys from being tended. */
  readonly problems: readonly string[]
  /** When the next of all falls due; infinite where nothing does. */
  readonly nextDueAtMs: number
}

export class KeyUpkeep {
  readonly #options: KeyUpkeepOptions

  constructor(options: KeyUpkeepOptions) {
    this.#options = options
  }

  /**
   * Ends each key whose waiting period is over, takes out material that has expired, and rotates what is to be rotated. No
   * use of a key waits for it, since each asks what the time is. A key that is changed meanwhile waits for the next pass,
   * and so does one that fails: no key keeps another's end from coming.
   */
  async pass(): Promise<Upkeep> {
    const { records, doomed, clock } = this.#options
    const done = {
      destroyed: [] as string[],
      expired: [] as string[],
      rotated: [] as string[],
      problems: [] as string[],
    }
    let nextDueAtMs = Number.POSITIVE_INFINITY
    for await (const stored of eachSoundKey(records, (problem) => done.problems.push(problem))) {
      const dueAtMs = dueAt(stored.value)
      if (dueAtMs > clock.nowMs()) nextDueAtMs = Math.min(nextDueAtMs, dueAtMs)
      else {
        try {
          const what = await this.#tend(stored)
          if (what) done[what].push(stored.value.arn)
        } catch (error) {
          done.problems.push(`upkeep of ${stored.value.arn}: ${(error as Error).message}`)
        }
      }
    }
    // Also those that a crash has left.
    await doomed.destroy()
    return { ...done, nextDueAtMs }
  }

  /** Gives deletable secrets to keys of the time before there were any. Resolves to their number. */
  async secureAll(): Promise<number> {
    const { records, changes, material } = this.#options
    let secured = 0
    for await (const stored of eachKey(records)) {
      const next = await material.secured(stored.value)
      if (next !== stored.value && (await changes.changeStored(stored, () => next))) secured++
    }
    return secured
  }

  /** Opens all material of all keys. `report` is told of each key whose material does not open. */
  async verifyAll(report: (problem: string) => void): Promise<number> {
    const { records, material } = this.#options
    let keys = 0
    for await (const { value: key } of eachSoundKey(records, report)) {
      keys++
      try {
        material.verify(key)
      } catch (error) {
        report(`material of ${key.arn}: ${(error as Error).message}`)
      }
    }
    return keys
  }

  /** The keys whose imported material has an end, and when. Keys that do not open are passed over; `pass` tells of them. */
  async *expirations(): AsyncGenerator<{
    readonly accountId: string
    readonly keyId: string
    readonly expiresAtMs: number
  }> {
    for await (const { value: key } of eachSoundKey(this.#options.records, () => {})) {
      const expiresAtMs = expirationOf(key)?.validToMs
      if (expiresAtMs !== undefined) yield { accountId: key.accountId, keyId: key.keyId, expiresAtMs }
    }
  }

  async #tend(stored: Stored<KmsKey>): Promise<'destroyed' | 'expired' | 'rotated' | undefined> {
    const { changes, material, clock } = this.#options
    const key = stored.value
    const nowMs = clock.nowMs()
    if (endOf(key) <= nowMs) return (await removeKey(this.#options, stored, nowMs)) ? 'destroyed' : undefined
    const still = asOf(key, nowMs)
    if (still !== key) return (await changes.changeStored(stored, () => still)) && 'expired'
    const rotate = (current: KmsKey) => rotated(current, () => material.renew(current), 'AUTOMATIC', nowMs)
    return (await changes.changeStored(stored, rotate)) && 'rotated'
  }
}

/** Infinite where nothing falls due for the key as it is. */
function dueAt(key: KmsKey): number {
  const { versions = [], pending } = key.imported ?? {}
  const expirations = [...versions, ...(pending ? [pending] : [])].map(
    ({ validToMs = Number.POSITIVE_INFINITY }) => validToMs,
  )
  return Math.min(endOf(key), rotationDueAtMs(key), ...expirations)
}

const endOf = ({ deletionAtMs = Number.POSITIVE_INFINITY }: KmsKey) => deletionAtMs
