/** How much space a folder's files take: counted now and then, and for a small part of the time only. */
import { lstat, opendir } from 'node:fs/promises'
import { join } from 'node:path'

export class FolderSize {
  readonly #dir: string
  readonly #stopped = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #counting: Promise<void> | undefined
  #bytes: number | undefined

  constructor(dir: string) {
    this.#dir = dir
  }

  /** As of the last count; undefined before the first one has ended. */
  get bytes(): number | undefined {
    return this.#bytes
  }

  /** Begins to count, and goes on until it is stopped. */
  start(): void {
    this.#counting = this.#countAndRest()
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    clearTimeout(this.#timer)
    await this.#counting
  }

  async #countAndRest(): Promise<void> {
    const { signal } = this.#stopped
    const beganMs = performance.now()
    const bytes = await spaceOf(this.#dir, signal)
    if (signal.aborted) return
    this.#bytes = bytes
    const tookMs = performance.now() - beganMs
    this.#timer = setTimeout(() => this.start(), Math.max(LEAST_REST_MS, tookMs * RESTS_PER_COUNT))
    this.#timer.unref()
  }
}

/** What the files under `dir` take on disk. What disappears meanwhile, or cannot be seen, counts nothing. */
export async function spaceOf(dir: string, signal?: AbortSignal): Promise<number> {
  let bytes = 0
  const folder = await opendir(dir).catch(() => undefined)
  if (!folder) return 0
  for await (const entry of folder) {
    if (signal?.aborted) return bytes
    const path = join(dir, entry.name)
    if (entry.isDirectory()) bytes += await spaceOf(path, signal)
    else bytes += ((await lstat(path).catch(() => undefined))?.blocks ?? 0) * BLOCK_BYTES
  }
  return bytes
}

/** The unit of `blocks` (POSIX, sys/stat.h, as Linux and BSD have it). */
const BLOCK_BYTES = 512
const LEAST_REST_MS = 600_000
/** A count of millions of files takes a hundredth of the time. */
const RESTS_PER_COUNT = 100
