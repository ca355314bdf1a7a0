/** Data keys kept for a while, each for a number of uses. */
import { DataKey } from '@strongroom/crypto'

export interface DataKeyCacheLimits {
  readonly maxAgeMs: number
  /** Of one data key. */
  readonly maxUses: number
  /** Of one data key, over all its uses. */
  readonly maxBytes: number
  readonly maxEntries: number
  readonly now: () => number
}

interface Entry<T> {
  readonly value: Promise<T | undefined>
  readonly bornMs: number
  uses: number
  bytes: number
}

/** `T`: a data key and what belongs to it. All that is given out is a copy, which whoever took it may wipe. */
export class DataKeyCache<T extends { readonly dataKey: DataKey }> {
  readonly #limits: DataKeyCacheLimits
  /** In the order of their birth. */
  readonly #entries = new Map<string, Entry<T>>()

  constructor(limits: DataKeyCacheLimits) {
    this.#limits = limits
  }

  /**
   * What is kept under `id` if it may serve one more use of `bytes`; else what `make` gives, of which there is one call
   * at a time for an id. That it gave nothing, or failed, is told to all who waited for it and not kept.
   */
  async take(id: string, bytes: number, make: () => Promise<T | undefined>): Promise<T | undefined> {
    this.#dropOld()
    let entry = this.#entries.get(id)
    if (entry && (entry.uses >= this.#limits.maxUses || entry.bytes + bytes > this.#limits.maxBytes)) {
      this.#drop(id, entry)
      entry = undefined
    }
    entry ??= this.#add(id, make)
    entry.uses++
    entry.bytes += bytes
    // Nothing may come between this and the copy: who drops the entry wipes it after all who came before.
    const value = await entry.value
    return value && { ...value, dataKey: new DataKey(value.dataKey.bytes().slice()) }
  }

  clear(): void {
    for (const [id, entry] of this.#entries) this.#drop(id, entry)
  }

  #add(id: string, make: () => Promise<T | undefined>): Entry<T> {
    const entry: Entry<T> = { value: Promise.resolve(make()), bornMs: this.#limits.now(), uses: 0, bytes: 0 }
    this.#entries.set(id, entry)
    const forget = () => {
      if (this.#entries.get(id) === entry) this.#entries.delete(id)
    }
    entry.value.then((value) => value ?? forget(), forget)
    for (const [oldId, old] of this.#entries) {
      if (this.#entries.size <= this.#limits.maxEntries) break
      this.#drop(oldId, old)
    }
    return entry
  }

  #dropOld(): void {
    const bornBeforeMs = this.#limits.now() - this.#limits.maxAgeMs
    for (const [id, entry] of this.#entries) if (entry.bornMs <= bornBeforeMs) this.#drop(id, entry)
  }

  /** Reactions to one promise run in the order in which they were added, so those who wait have their copy by then. */
  #drop(id: string, entry: Entry<T>): void {
    this.#entries.delete(id)
    entry.value.then(
      (value) => value?.dataKey.wipe(),
      () => undefined, // told to who waited for it
    )
  }
}
