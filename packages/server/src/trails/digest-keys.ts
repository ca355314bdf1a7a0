/**
 * The RSA keys that sign digests: one at a time in each region, made when it is first needed, and a new one each year. The old
 * ones stay, since what they signed is verified with them.
 */
import { createHash, generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import type { Clock } from '../core/clock.ts'
import { each } from '../records/each-record.ts'
import type { RecordStore } from '../records/record-store.ts'
import { type DigestKey, digestKeyRecord, trailNames } from './trail-records.ts'

export class DigestKeys {
  readonly #records: RecordStore
  readonly #clock: Clock

  constructor(records: RecordStore, clock: Clock) {
    this.#records = records
    this.#clock = clock
  }

  /** The key that signs now. */
  async current(region: string): Promise<DigestKey> {
    for (;;) {
      const nowMs = this.#clock.nowMs()
      const newest = (await this.#all(region)).at(-1)
      if (newest && nowMs < newest.validFromMs + ROTATED_EVERY_MS) return newest
      // Of those who make one at the same moment one wins, and the others take its key.
      await this.#make(region, nowMs)
    }
  }

  async find(region: string, fingerprint: string): Promise<DigestKey | undefined> {
    return (await this.#all(region)).find((key) => key.fingerprint === fingerprint)
  }

  /** Those that were valid at some moment of a time, oldest first. */
  async validBetween(region: string, fromMs: number, untilMs: number): Promise<readonly DigestKey[]> {
    return (await this.#all(region)).filter((key) => key.validFromMs <= untilMs && key.validUntilMs >= fromMs)
  }

  async #all(region: string): Promise<DigestKey[]> {
    const keys: DigestKey[] = []
    for await (const { value } of each(this.#records, digestKeyRecord, trailNames.digestKeysOf(region)))
      keys.push(value)
    return keys
  }

  async #make(region: string, nowMs: number): Promise<void> {
    const { publicKey, privateKey } = await generate('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { format: 'der', type: 'pkcs1' },
      privateKeyEncoding: { format: 'der', type: 'pkcs8' },
    })
    const key: DigestKey = {
      fingerprint: createHash('sha256').update(publicKey).digest('hex').slice(0, FINGERPRINT_DIGITS),
      region,
      publicKey: publicKey.toString('base64'),
      privateKey: privateKey.toString('base64'),
      validFromMs: nowMs,
      validUntilMs: nowMs + ROTATED_EVERY_MS + OVERLAP_MS,
    }
    privateKey.fill(0)
    const at = trailNames.digestKey(region, nowMs)
    await this.#records.commit(
      [this.#records.still(digestKeyRecord, at, undefined)],
      [this.#records.put(digestKeyRecord, at, key)],
    )
  }
}

const generate = promisify(generateKeyPair)
const DAY_MS = 86_400_000
const ROTATED_EVERY_MS = 365 * DAY_MS
/** A digest that could not be delivered keeps the key that it was to be signed with. */
const OVERLAP_MS = 30 * DAY_MS
const FINGERPRINT_DIGITS = 32
