/** Journals in a folder of their own, over a catalog in memory, with files that count, fail and can be damaged. */
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../core/clock.ts'
import { RecordStore } from '../records/record-store.ts'
import { StoreKey } from '../root-key/store-key.ts'
import type { Catalog } from '../storage/catalog.ts'
import { MemoryCatalog } from '../storage/memory-catalog.ts'
import type { Frame, JournalEntry } from './frame.ts'
import { JournalReader } from './journal-reader.ts'
import { JournalWriter, type JournalWriterOptions } from './journal-writer.ts'
import { type JournalFile, type OpenJournalFile, openJournalFile, segmentPath } from './segment-files.ts'

export const NAME = 'management'

export class JournalFixture {
  readonly root: string
  readonly dir: string
  readonly catalog: Catalog
  readonly storeKey = StoreKey.of(new Uint8Array(32).fill(5))
  readonly records: RecordStore
  nowMs = 1_000_000
  readonly clock: Clock = { nowMs: () => this.nowMs }
  /** What the files were asked for. */
  readonly calls = { open: 0, write: 0, sync: 0, truncate: 0 }
  /** Called before each; what it throws is the file's error. */
  before: (call: keyof JournalFixture['calls'], bytes: number) => void | Promise<void> = () => {}
  /** Of writers that were not closed, as after a crash. */
  readonly #left = new Set<JournalFile>()
  /** How much of a write that fails reaches the file. */
  writtenBeforeFailure = 0

  private constructor(root: string, catalog: Catalog) {
    this.root = root
    this.dir = join(root, 'audit', NAME)
    this.catalog = catalog
    this.records = new RecordStore(catalog, this.storeKey.derive('records'))
  }

  static async make(catalog: Catalog = new MemoryCatalog()): Promise<JournalFixture> {
    return new JournalFixture(await mkdtemp(join(tmpdir(), 'journal-')), catalog)
  }

  async remove(): Promise<void> {
    for (const file of this.#left) await file.close()
    await rm(this.root, { recursive: true })
  }

  writer(more: Partial<JournalWriterOptions> = {}): Promise<JournalWriter> {
    const { dir, records, clock } = this
    return JournalWriter.open({ dir, name: NAME, records, clock, openFile: this.#openFile, ...more })
  }

  reader(): JournalReader {
    return new JournalReader({ dir: this.dir, name: NAME, records: this.records })
  }

  path(segment = 1): string {
    return segmentPath(this.dir, segment)
  }

  /** Writes a journal of so many frames of one entry each, `frames[i]` of them in segment i + 1, and closes it. */
  async write(...frames: readonly number[]): Promise<void> {
    let number = 0
    for (const [index, count] of frames.entries()) {
      const first = await this.writer({ segmentBytes: index === 0 ? Number.MAX_SAFE_INTEGER : 1 })
      await first.append([entry(++number)])
      await first.close()
      const rest = await this.writer({ segmentBytes: Number.MAX_SAFE_INTEGER })
      for (let i = 1; i < count; i++) await rest.append([entry(++number)])
      await rest.close()
    }
  }

  /** The texts of all entries as the reader gives them. */
  async texts(): Promise<string[]> {
    return (await this.frames()).flatMap(({ entries }) => entries.map(textOf))
  }

  async frames(): Promise<Frame[]> {
    return collect(this.reader().frames())
  }

  async problems(): Promise<string[]> {
    const problems: string[] = []
    await this.reader().verify((problem) => problems.push(problem))
    return problems
  }

  async change(change: (bytes: Buffer) => Uint8Array, segment = 1): Promise<void> {
    await writeFile(this.path(segment), change(await readFile(this.path(segment))))
  }

  /** All files, to be put back later. */
  async keep(): Promise<() => Promise<void>> {
    const kept = join(this.root, 'kept')
    await rm(kept, { recursive: true, force: true })
    await mkdir(kept)
    for (const name of await readdir(this.dir)) await copyFile(join(this.dir, name), join(kept, name))
    return async () => {
      for (const name of await readdir(this.dir)) await rm(join(this.dir, name))
      for (const name of await readdir(kept)) await copyFile(join(kept, name), join(this.dir, name))
    }
  }

  readonly #openFile: OpenJournalFile = async (path) => {
    const call = async (what: keyof JournalFixture['calls'], bytes = 0) => {
      this.calls[what]++
      await this.before(what, bytes)
    }
    await call('open')
    const file = await openJournalFile(path)
    this.#left.add(file)
    const watched: JournalFile = {
      write: async (bytes, offset) => {
        try {
          await call('write', bytes.length)
        } catch (error) {
          await file.write(bytes.subarray(0, this.writtenBeforeFailure), offset)
          throw error
        }
        await file.write(bytes, offset)
      },
      sync: async () => {
        await call('sync')
        await file.sync()
      },
      truncate: async (size) => {
        await call('truncate')
        await file.truncate(size)
      },
      size: () => file.size(),
      close: async () => {
        this.#left.delete(file)
        await file.close()
      },
    }
    return watched
  }
}

export const entry = (number: number): JournalEntry => ({ atMs: 1000 * number, bytes: Buffer.from(`entry ${number}`) })
export const textOf = ({ bytes }: Pick<JournalEntry, 'bytes'>): string => Buffer.from(bytes).toString()
export const texts = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => `entry ${from + i}`)

export async function collect<T>(all: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const one of all) found.push(one)
  return found
}
