/**
 * The metric store on a catalog of its own, shared by all processes (docs/formats/metrics.md). Each value stands at one
 * step only, the finest that its age allows, so that what a query reads adds up, whatever was rolled up already.
 */
import type { Clock } from '../core/clock.ts'
import type { Catalog, CatalogEntry } from '../storage/catalog.ts'
import { BlockChanges, BlockWriter, ENTRY_BYTES } from './block-writer.ts'
import { Cell, periodOf } from './cell.ts'
import { cellKey, decodeBlock, decodeCell, placeInBlock, unitOfCell } from './metric-codec.ts'
import type { Datum, MetricFilter, MetricPage, MetricQuery, MetricScope, MetricStore, Period } from './metric-data.ts'
import { blockKey, blockPrefix, readBlockKey, seriesId } from './metric-keys.ts'
import {
  alignedStart,
  blockMs,
  COARSEST,
  cellStartMs,
  firstKeptBlock,
  placeOf,
  STEPS,
  stepAt,
  stepsWithin,
} from './retention.ts'
import { SeriesDirectory } from './series-directory.ts'

export interface SeriesStoreOptions {
  readonly catalog: Catalog
  readonly clock: Clock
  /** How many metrics there may be, of all accounts; 50,000 where it is not given. */
  readonly maxSeries?: number
  /** How many bytes their data may have; 2 GiB where it is not given. */
  readonly maxBytes?: number
  /** Told when data had to be rolled up or removed before its time for lack of room. */
  readonly onShortage?: (shortage: Shortage) => void
}

export interface Shortage {
  /** What was given up: values of so many seconds each, that began before this time. */
  readonly stepSeconds: number
  readonly beforeMs: number
  readonly usedBytes: number
  readonly maxBytes: number
}

export class SeriesStore implements MetricStore {
  readonly #catalog: Catalog
  readonly #clock: Clock
  readonly #maxBytes: number
  readonly #onShortage: (shortage: Shortage) => void
  readonly #directory: SeriesDirectory
  readonly #blocks: BlockWriter
  #forgotAtMs = 0

  constructor({ catalog, clock, maxSeries = 50_000, maxBytes = 2 ** 31, onShortage = () => {} }: SeriesStoreOptions) {
    this.#catalog = catalog
    this.#clock = clock
    this.#maxBytes = maxBytes
    this.#onShortage = onShortage
    this.#directory = new SeriesDirectory(catalog, clock, maxSeries)
    this.#blocks = new BlockWriter(catalog, clock)
  }

  async put(scope: MetricScope, data: readonly Datum[]): Promise<void> {
    const ids = await this.#directory.admit(
      scope,
      data.map(({ metric }) => metric),
    )
    const nowMs = this.#clock.nowMs()
    const changes = new BlockChanges()
    data.forEach(({ atMs, unit, highResolution = false, data: values }, i) => {
      const { step, block, cell } = placeOf(stepAt(atMs, nowMs, highResolution), atMs)
      changes.add(blockKey(step, block, ids[i]!), cellKey(cell, unit), Cell.of(values))
    })
    await this.#blocks.write(changes)
  }

  list(
    scope: MetricScope,
    filter: MetricFilter,
    page: { readonly after?: string | undefined; readonly limit: number },
  ): Promise<MetricPage> {
    return this.#directory.list(scope, filter, page)
  }

  async read(scope: MetricScope, query: MetricQuery): Promise<Period[]> {
    const nowMs = this.#clock.nowMs()
    const periodMs = query.periodSeconds * 1000
    const startMs = alignedStart(query.startMs, query.periodSeconds, nowMs)
    const merged = new Map<number, Map<number, Cell>>()
    for await (const { step, block, cells } of this.#blocksBetween(scope, query, startMs, nowMs)) {
      for (const [key, cell] of cells) {
        const atMs = cellStartMs(step, block, placeInBlock(key))
        const unit = unitOfCell(key)
        if (atMs < startMs || atMs >= query.endMs || (query.unit && unit !== query.unit)) continue
        const fromMs = startMs + Math.floor((atMs - startMs) / periodMs) * periodMs
        const units = merged.get(fromMs) ?? new Map<number, Cell>()
        merged.set(fromMs, units)
        const target = units.get(cellKey(0, unit)) ?? new Cell()
        target.merge(decodeCell(cell))
        units.set(cellKey(0, unit), target)
      }
    }
    return [...merged.keys()]
      .sort((a, b) => a - b)
      .flatMap((fromMs) => [...merged.get(fromMs)!].map(([key, cell]) => periodOf(cell, fromMs, unitOfCell(key))))
  }

  async rollUp(): Promise<void> {
    const nowMs = this.#clock.nowMs()
    for (let step = 0; step < STEPS.length; step++) await this.#rollUpBefore(step, firstKeptBlock(step, nowMs))
    await this.#keepWithinBounds()
    if (nowMs - this.#forgotAtMs < FORGET_EVERY_MS) return
    this.#forgotAtMs = nowMs
    await this.#directory.forget(nowMs - STEPS[COARSEST]!.keptMs)
    await this.#blocks.adoptTallies()
  }

  async *#blocksBetween(
    scope: MetricScope,
    { metric, endMs, periodSeconds }: MetricQuery,
    startMs: number,
    nowMs: number,
  ) {
    const id = seriesId(scope, metric)
    for (const step of stepsWithin(periodSeconds)) {
      // What is due to be rolled up stands here a little longer: until the next pass.
      const slack = step === COARSEST ? 0 : blockMs(step + 1) / blockMs(step)
      const first = Math.max(Math.floor(startMs / blockMs(step)), firstKeptBlock(step, nowMs) - slack, 0)
      const end = Math.ceil(Math.min(endMs, nowMs + FURTHEST_AHEAD_MS) / blockMs(step))
      for (let from = first; from < end; from += READ_AT_ONCE) {
        const numbers = Array.from({ length: Math.min(READ_AT_ONCE, end - from) }, (_, i) => from + i)
        const entries = await this.#catalog.getMany(numbers.map((block) => blockKey(step, block, id)))
        for (const [i, entry] of entries.entries())
          if (entry) yield { step, block: numbers[i]!, cells: decodeBlock(entry.value) }
      }
    }
  }

  /** Moves blocks that are older than `endBlock` one step on, or away from the last one. */
  async #rollUpBefore(step: number, endBlock: number): Promise<void> {
    while (true) {
      const oldest = await this.#oldestBlocks(step, endBlock)
      if (oldest.length === 0) return
      await this.#rollUp(oldest)
    }
  }

  #oldestBlocks(step: number, endBlock: number): Promise<CatalogEntry[]> {
    const [gte, lt] = [blockPrefix(step, 0), blockPrefix(step, Math.max(0, endBlock))]
    return this.#catalog.range({ gte, lt, limit: ROLLED_AT_ONCE })
  }

  /** Where another process was faster, the caller finds what is left. */
  async #rollUp(sources: readonly CatalogEntry[]): Promise<void> {
    const changes = new BlockChanges()
    for (const { key, value } of sources) {
      const { step, block, id } = readBlockKey(key)
      if (step === COARSEST) continue
      for (const [cell, content] of decodeBlock(value)) {
        const to = placeOf(step + 1, cellStartMs(step, block, placeInBlock(cell)))
        changes.add(blockKey(to.step, to.block, id), cellKey(to.cell, unitOfCell(cell)), decodeCell(content))
      }
    }
    await this.#blocks.move(sources, changes)
  }

  /** Gives up the finest step first, and there the oldest data; only of the last one it is lost altogether. */
  async #keepWithinBounds(): Promise<void> {
    let usedBytes = await this.#blocks.usedBytes()
    if (usedBytes <= this.#maxBytes) return
    for (let step = 0; step < STEPS.length; step++) {
      let beforeMs: number | undefined
      while (usedBytes > this.#maxBytes * FULL_AGAIN) {
        const oldest = upTo(usedBytes - this.#maxBytes * FULL_AGAIN, await this.#oldestBlocks(step, LAST_BLOCK))
        if (oldest.length === 0) break
        await this.#rollUp(oldest)
        beforeMs = (readBlockKey(oldest.at(-1)!.key).block + 1) * blockMs(step)
        usedBytes = await this.#blocks.usedBytes()
      }
      const { seconds: stepSeconds } = STEPS[step]!
      if (beforeMs !== undefined) this.#onShortage({ stepSeconds, beforeMs, usedBytes, maxBytes: this.#maxBytes })
    }
  }
}

/** As many as together have so many bytes, or all. */
function upTo(bytes: number, entries: readonly CatalogEntry[]): readonly CatalogEntry[] {
  let sum = 0
  const enough = entries.findIndex(({ value }) => {
    sum += value.length + ENTRY_BYTES
    return sum >= bytes
  })
  return enough === -1 ? entries : entries.slice(0, enough + 1)
}

/** Room is made to this part of the bound, so that not every pass has to. */
const FULL_AGAIN = 0.9
const FORGET_EVERY_MS = 3_600_000
/** More than data may be dated ahead. */
const FURTHEST_AHEAD_MS = 4 * 3_600_000
const LAST_BLOCK = 2 ** 32 - 1
const READ_AT_ONCE = 500
const ROLLED_AT_ONCE = 500
