/** What falls due for keys with time, in every region, and for the server's own. */
import type { Clock } from '../core/clock.ts'
import type { Store } from './store.ts'

/** What is scheduled from now on falls due in days at the earliest, but for imported material, which no use waits for. */
const LOOK_AGAIN_MS = 3_600_000

export class KeySweep {
  readonly #store: Store
  readonly #clock: Clock
  readonly #tell: (text: string) => void
  #nextAtMs = 0

  /** `tell` is told of everything that was done. */
  constructor(store: Store, clock: Clock, tell: (text: string) => void) {
    this.#store = store
    this.#clock = clock
    this.#tell = tell
  }

  /**
   * Looks at the keys where something may have fallen due since the last time. What went wrong with a key is told and tried
   * again at the next look, so that one damaged record does not have all read, and itself told of, at every tick.
   */
  async run(): Promise<void> {
    if (this.#clock.nowMs() < this.#nextAtMs) return
    let nextAtMs = this.#clock.nowMs() + LOOK_AGAIN_MS
    for (const { upkeep } of this.#store.kmsByRegion.values()) {
      const { destroyed, expired, rotated, problems, nextDueAtMs } = await upkeep.pass()
      for (const arn of destroyed) this.#tell(`${arn} has been deleted: its waiting period is over`)
      for (const arn of expired) this.#tell(`${arn} has lost key material: it has expired`)
      for (const arn of rotated) this.#tell(`${arn} has new material: its rotation was due`)
      for (const problem of problems) this.#tell(problem)
      nextAtMs = Math.min(nextAtMs, nextDueAtMs)
    }
    for (const purpose of await this.#store.serviceKeys.rotateDueKeys()) {
      this.#tell(`the service key ${purpose} has new material: its rotation was due`)
    }
    this.#nextAtMs = nextAtMs
  }
}
