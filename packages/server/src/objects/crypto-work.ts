/**
 * How many bytes of content are sealed and opened, by method, and how long that takes. The time is taken of one turn in
 * seventeen, so that it costs nothing; the sampled bytes and seconds make the throughput.
 */
import type { EncryptionMethod } from '../core/outcome.ts'

export type Work = 'seal' | 'open'

export class WorkCounts {
  readonly work: Work
  readonly method: EncryptionMethod
  #bytes = 0
  #sampledBytes = 0
  #sampledSeconds = 0
  #turn = 0

  constructor(work: Work, method: EncryptionMethod) {
    this.work = work
    this.method = method
  }

  /** All plaintext. */
  get bytes(): number {
    return this.#bytes
  }

  /** Those whose time was taken. */
  get sampledBytes(): number {
    return this.#sampledBytes
  }

  get sampledSeconds(): number {
    return this.#sampledSeconds
  }

  /** Before a turn of work; `end` takes what this returns. */
  begin(): number {
    this.#turn = this.#turn === SAMPLED_TURN ? 1 : this.#turn + 1
    return this.#turn === SAMPLED_TURN ? performance.now() : NOT_SAMPLED
  }

  /** `bytes`: of plaintext that the turn was the last layer's work for. */
  end(begunMs: number, bytes: number): void {
    this.#bytes += bytes
    if (begunMs === NOT_SAMPLED) return
    this.#sampledBytes += bytes
    this.#sampledSeconds += (performance.now() - begunMs) / 1000
  }
}

export class CryptoWork {
  readonly #seal = new Map<EncryptionMethod, WorkCounts>()
  readonly #open = new Map<EncryptionMethod, WorkCounts>()

  /** Found without making a name, as it is asked for on every request. */
  of(work: Work, method: EncryptionMethod): WorkCounts {
    const all = work === 'seal' ? this.#seal : this.#open
    let counts = all.get(method)
    if (!counts) {
      counts = new WorkCounts(work, method)
      all.set(method, counts)
    }
    return counts
  }

  all(): readonly WorkCounts[] {
    return [...this.#seal.values(), ...this.#open.values()]
  }
}

/** Odd, so that where two kinds of turns take turns both are sampled. */
const SAMPLED_TURN = 17
const NOT_SAMPLED = -1
