/** A catalog in memory, for tests: the same contract as the real ones, without durability. */
import type { Catalog, CatalogEntry, Check, Mutation, RangeQuery } from './catalog.ts'
import { newEntryVersion } from './entry-version.ts'

export class MemoryCatalog implements Catalog {
  /** Keys as latin-1 strings: their code-unit order is the bytes' order. */
  readonly #entries = new Map<string, { value: Uint8Array; version: number }>()
  #sorted: string[] | undefined

  async getMany(keys: readonly Uint8Array[]): Promise<(CatalogEntry | undefined)[]> {
    return keys.map((key) => this.#entry(text(key)))
  }

  async range({ gte, lt, limit, reverse }: RangeQuery): Promise<CatalogEntry[]> {
    this.#sorted ??= [...this.#entries.keys()].sort()
    const from = text(gte)
    const to = text(lt)
    const found = this.#sorted.slice(lowerBound(this.#sorted, from), lowerBound(this.#sorted, to))
    if (reverse) found.reverse()
    return found.slice(0, limit).map((id) => this.#entry(id)!)
  }

  async commit(checks: readonly Check[], mutations: readonly Mutation[]): Promise<boolean> {
    if (!checks.every(({ key, version }) => this.#entries.get(text(key))?.version === version)) return false
    for (const { key, value } of mutations) {
      if (value === undefined) this.#entries.delete(text(key))
      else this.#entries.set(text(key), { value: Uint8Array.from(value), version: newEntryVersion() })
    }
    this.#sorted = undefined
    return true
  }

  async close(): Promise<void> {}

  #entry(id: string): CatalogEntry | undefined {
    const entry = this.#entries.get(id)
    return entry && { key: Buffer.from(id, 'latin1'), value: Uint8Array.from(entry.value), version: entry.version }
  }
}

const text = (key: Uint8Array) => Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')

function lowerBound(sorted: readonly string[], id: string): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle]! < id) low = middle + 1
    else high = middle
  }
  return low
}
