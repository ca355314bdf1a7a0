/**
 * The rotation of the store key, while it serves: a new version comes, all seal with it, everything is sealed anew, and
 * the old version goes when nothing depends on it any more. What is under way stands in the ring alone, so a rotation
 * that was cut off goes on from there (docs/decisions/0004-root-key.md).
 */
import type { Clock } from '../core/clock.ts'
import { LONGEST_SESSION_MS } from '../identity/sessions.ts'
import type { RecordStore } from '../records/record-store.ts'
import { countRecords, type RecordRewrap, resealPass } from '../records/reseal.ts'
import type { KeyRing } from '../root-key/key-ring.ts'
import type { RootKeyProvider } from '../root-key/provider.ts'
import type { RingVersion } from '../root-key/ring-file.ts'
import type { ExportedStoreKey } from '../root-key/store-key.ts'
// What is to be sealed anew must be known.
import './record-kinds.ts'

export interface RotationOptions {
  readonly ring: KeyRing
  readonly records: RecordStore
  readonly rewraps: readonly RecordRewrap<unknown>[]
  /** Gives the ring as it is to everybody who seals. Resolves when all have it and nothing sealed before is under way. */
  readonly spread: (storeKey: ExportedStoreKey) => Promise<void>
  readonly clock: Clock
}

export interface RotationProgress {
  readonly done: number
  readonly total: number
}

export type RotationEnd =
  /** One version is left. */
  | { readonly state: 'done'; readonly version: number }
  /** All is sealed anew; the old versions stay until sessions that they sealed have ended. */
  | { readonly state: 'waiting'; readonly version: number; readonly untilMs: number }
  /** The old versions stay, since these records do not open. */
  | { readonly state: 'damaged'; readonly version: number; readonly places: readonly string[] }

/** Sessions that a version sealed, down to the last one before all workers knew of the next version. */
const KEPT_MS = LONGEST_SESSION_MS + 60_000

export class RotationStopped extends Error {
  constructor() {
    super('the server stops; the rotation goes on when it starts again')
    this.name = 'RotationStopped'
  }
}

export class RootKeyRotation {
  readonly #options: RotationOptions
  /** The version with which a whole pass has found nothing left to do. */
  #allSealedBy = 0
  #running: Promise<unknown> | undefined
  #isStopped = false

  constructor(options: RotationOptions) {
    this.#options = options
  }

  /** Whether something was begun that is not under way now, and can go on. */
  get isDue(): boolean {
    const { ring, clock } = this.#options
    if (this.#running) return false
    if (ring.coming || (ring.old.length > 0 && this.#allSealedBy !== ring.sealing.version)) return true
    return ring.old.some((old) => this.#endOf(old) <= clock.nowMs())
  }

  /** Begins a rotation and goes on as far as it can go now. `to`: another provider, which wraps the ring from now on. */
  start(
    what: { readonly to?: RootKeyProvider | undefined; readonly endSessions: boolean },
    onProgress?: (progress: RotationProgress) => void,
  ): Promise<RotationEnd> {
    return this.#alone(async () => {
      await this.#options.ring.add(what)
      return this.#advance(onProgress)
    })
  }

  /** Goes on with what was begun, as far as it can go now. Also where nothing was, at little cost. */
  resume(onProgress?: (progress: RotationProgress) => void): Promise<RotationEnd> {
    return this.#alone(() => this.#advance(onProgress))
  }

  /** Ends what is under way after its batch; the next start of the server goes on. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#running?.catch(() => {})
  }

  async #alone(run: () => Promise<RotationEnd>): Promise<RotationEnd> {
    if (this.#running) throw new Error('a rotation is under way already')
    const running = run()
    this.#running = running
    try {
      return await running
    } finally {
      this.#running = undefined
    }
  }

  async #advance(onProgress: (progress: RotationProgress) => void = () => {}): Promise<RotationEnd> {
    const { ring, clock } = this.#options
    if (ring.coming) {
      // Everybody must be able to open with it before anybody seals with it.
      await this.#spread()
      await ring.startSealing()
      await this.#spread()
    }
    const { version } = ring.sealing
    if (ring.old.length === 0) return { state: 'done', version }
    const gone = ring.old.filter((old) => this.#endOf(old) <= clock.nowMs())
    // The last look before a version goes is one that found nothing.
    if (gone.length > 0 || this.#allSealedBy !== version) {
      const places = await this.#resealAll(onProgress)
      if (places.length > 0) return { state: 'damaged', version, places }
      this.#allSealedBy = version
    }
    if (gone.length > 0) {
      await ring.remove(gone)
      await this.#spread()
    }
    if (ring.old.length === 0) return { state: 'done', version }
    return { state: 'waiting', version, untilMs: Math.max(...ring.old.map((old) => this.#endOf(old))) }
  }

  /** When the last session that a version sealed has ended. */
  #endOf({ version }: RingVersion): number {
    const { endSessions, versions } = this.#options.ring.file
    if (endSessions) return 0
    const next = versions.find((other) => other.version > version)!
    return (next.sealsSinceMs ?? Number.POSITIVE_INFINITY) + KEPT_MS
  }

  /** Passes until one finds nothing. Resolves to the places of records that do not open. */
  async #resealAll(onProgress: (progress: RotationProgress) => void): Promise<readonly string[]> {
    const { records, rewraps } = this.#options
    const total = await countRecords(records)
    for (;;) {
      const { stale, damaged } = await resealPass(records, rewraps, ({ seen }) => {
        if (this.#isStopped) throw new RotationStopped()
        onProgress({ done: Math.min(seen, total), total })
      })
      if (damaged.length > 0) return damaged
      if (stale === 0) return []
    }
  }

  #spread(): Promise<void> {
    return this.#options.spread(this.#options.ring.export())
  }
}
