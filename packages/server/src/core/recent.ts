/** Remembers what was used last, up to a number of entries; the one that was not used for longest goes first. */
export class Recent<V> implements CacheCounts {
  readonly #entries = new Map<string, V>()
  readonly #most: number
  #hits = 0
  #misses = 0

  constructor(most: number) {
    this.#most = most
  }

  get hits(): number {
    return this.#hits
  }

  get misses(): number {
    return this.#misses
  }

  get(key: string): V | undefined {
    const value = this.#entries.get(key)
    if (value === undefined) {
      this.#misses++
      return undefined
    }
    this.#hits++
    // A map keeps the order in which keys were set.
    this.#entries.delete(key)
    this.#entries.set(key, value)
    return value
  }

  set(key: string, value: V): void {
    this.#entries.set(key, value)
    if (this.#entries.size > this.#most) this.#entries.delete(this.#entries.keys().next().value!)
  }

  /** Forgets an entry, unless another has taken its place. */
  delete(key: string, value: V): void {
    if (this.#entries.get(key) === value) this.#entries.delete(key)
  }
}

/** How often a cache had what was looked for, and how often not, since it was made. */
export interface CacheCounts {
  readonly hits: number
  readonly misses: number
}

/** Several caches as one. */
export const addedCounts = (caches: readonly CacheCounts[]): CacheCounts => ({
  hits: caches.reduce((sum, { hits }) => sum + hits, 0),
  misses: caches.reduce((sum, { misses }) => sum + misses, 0),
})
