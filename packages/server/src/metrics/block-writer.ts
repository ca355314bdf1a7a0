/**
 * Merges cells into the blocks of the catalog, while other processes do the same: what was read is checked by the commit
 * and read anew where somebody else was faster. Also counts how many bytes the blocks have, each process in an entry of
 * its own, so that no two of them wait for each other's.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'
import { name, prefixEnd } from '../records/names.ts'
import type { Catalog, CatalogEntry } from '../storage/catalog.ts'
import { Cell } from './cell.ts'
import { type Block, decodeBlock, decodeCell, encodeBlock, encodeCell } from './metric-codec.ts'
import { TALLY } from './metric-keys.ts'

/** What is to be merged into a block, by the cell's key. */
type BlockChange = Map<number, Cell>

/** What is to be merged into blocks, by catalog key. */
export class BlockChanges {
  readonly #blocks = new Map<string, BlockChange>()

  add(key: Uint8Array, cellKey: number, cell: Cell): void {
    const id = Buffer.from(key).toString('latin1')
    const block: BlockChange = this.#blocks.get(id) ?? new Map()
    this.#blocks.set(id, block)
    const merged = block.get(cellKey) ?? new Cell()
    merged.merge(cell)
    block.set(cellKey, merged)
  }

  addAll(other: BlockChanges): void {
    for (const [key, block] of other) for (const [cellKey, cell] of block) this.add(key, cellKey, cell)
  }

  get size(): number {
    return this.#blocks.size
  }

  *[Symbol.iterator](): Generator<readonly [key: Uint8Array, change: BlockChange]> {
    for (const [id, block] of this.#blocks) yield [Buffer.from(id, 'latin1'), block]
  }
}

export class BlockWriter {
  readonly #catalog: Catalog
  readonly #clock: Clock
  readonly #tallyKey = name(TALLY, randomBytes(8))
  #waiting: { changes: BlockChanges; written: (error?: unknown) => void }[] = []
  #writing = false

  constructor(catalog: Catalog, clock: Clock) {
    this.#catalog = catalog
    this.#clock = clock
  }

  /** Durable when it resolves. What waits at one time is committed together. */
  async write(changes: BlockChanges): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ changes, written: (error) => (error === undefined ? resolve() : reject(error)) })
      if (!this.#writing) void this.#writeWaiting()
    })
  }

  /** Merges and takes the sources away in one commit; false, and nothing done, where one of them has changed. */
  async move(sources: readonly CatalogEntry[], changes: BlockChanges): Promise<boolean> {
    return this.#commit(changes, sources)
  }

  /** Bytes of all blocks, of all processes. */
  async usedBytes(): Promise<number> {
    const prefix = name(TALLY)
    const tallies = await this.#catalog.range({ gte: prefix, lt: prefixEnd(prefix), limit: MOST_TALLIES })
    return tallies.reduce((sum, { value }) => sum + readTally(value).bytes, 0)
  }

  /** Takes over the tallies of processes that have written nothing for a day. */
  async adoptTallies(): Promise<void> {
    const prefix = name(TALLY)
    const oldMs = this.#clock.nowMs() - 86_400_000
    const tallies = await this.#catalog.range({ gte: prefix, lt: prefixEnd(prefix), limit: MOST_TALLIES })
    const old = tallies.filter(({ key, value }) => readTally(value).atMs < oldMs && !this.#isOwn(key))
    if (old.length === 0) return
    const [own] = await this.#catalog.getMany([this.#tallyKey])
    const bytes = old.reduce((sum, { value }) => sum + readTally(value).bytes, own ? readTally(own.value).bytes : 0)
    // Where somebody was faster, the next call does it.
    await this.#catalog.commit(
      [...old, { key: this.#tallyKey, version: own?.version }],
      [...old.map(({ key }) => ({ key, value: undefined })), { key: this.#tallyKey, value: this.#tally(bytes) }],
    )
  }

  async #writeWaiting(): Promise<void> {
    this.#writing = true
    while (this.#waiting.length > 0) {
      const together = this.#takeWaiting()
      const changes = new BlockChanges()
      for (const one of together) changes.addAll(one.changes)
      const error = await this.#writeOnce(changes).catch((failure: unknown) => failure)
      for (const { written } of together) written(error)
    }
    this.#writing = false
  }

  #takeWaiting() {
    let blocks = 0
    let count = 0
    for (const { changes } of this.#waiting) {
      blocks += changes.size
      if (count > 0 && blocks > BLOCKS_TOGETHER) break
      count++
    }
    return this.#waiting.splice(0, count)
  }

  async #writeOnce(changes: BlockChanges): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (await this.#commit(changes, [])) return
      await sleep(Math.random() * Math.min(attempt, LONGEST_WAIT_MS))
    }
    throw new Fault('Contention', { what: 'metrics' })
  }

  async #commit(changes: BlockChanges, removed: readonly CatalogEntry[]): Promise<boolean> {
    const wanted = [...changes]
    const keys = [this.#tallyKey, ...wanted.map(([key]) => key)]
    const [tally, ...found] = await this.#catalog.getMany(keys)
    let bytes = tally ? readTally(tally.value).bytes : 0
    const mutations = wanted.map(([key, change], i) => {
      const entry = found[i]
      const block: Block = entry ? decodeBlock(entry.value) : new Map()
      mergeInto(block, change)
      const value = encodeBlock(block)
      bytes += entry ? value.length - entry.value.length : value.length + ENTRY_BYTES
      return { key, value }
    })
    for (const { value } of removed) bytes -= value.length + ENTRY_BYTES
    return this.#catalog.commit(
      [...removed, ...keys.map((key, i) => ({ key, version: i === 0 ? tally?.version : found[i - 1]?.version }))],
      [
        ...removed.map(({ key }) => ({ key, value: undefined })),
        ...mutations,
        { key: this.#tallyKey, value: this.#tally(bytes) },
      ],
    )
  }

  #isOwn(key: Uint8Array): boolean {
    return Buffer.compare(key, this.#tallyKey) === 0
  }

  /** May be below zero: a process may remove what others have written. */
  #tally(bytes: number): Uint8Array {
    const value = Buffer.alloc(16)
    value.writeDoubleBE(bytes)
    value.writeDoubleBE(this.#clock.nowMs(), 8)
    return value
  }
}

function readTally(value: Uint8Array): { bytes: number; atMs: number } {
  const view = Buffer.from(value)
  return { bytes: view.readDoubleBE(), atMs: view.readDoubleBE(8) }
}

/** Leaves `change` as it is: it may be tried again. */
function mergeInto(block: Block, change: BlockChange): void {
  for (const [cellKey, cell] of change) {
    const stored = block.get(cellKey)
    const merged = stored ? decodeCell(stored) : new Cell()
    merged.merge(cell)
    block.set(cellKey, encodeCell(merged))
  }
}

/** What an entry takes besides its value: its key, and what the catalog needs for each. */
export const ENTRY_BYTES = 22 + 24
const BLOCKS_TOGETHER = 2000
const ATTEMPTS = 200
const LONGEST_WAIT_MS = 20
const MOST_TALLIES = 100_000
