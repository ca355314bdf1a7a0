/** Bytes on their way: chunks in order, and who is freed when nobody wants more of them. */
import { concat } from '@strongroom/crypto'

/**
 * Bytes in order, read once. A chunk is never empty, and belongs to whom it was given. `return` frees at once what the
 * bytes come from: also before the first chunk was asked for, and while one is awaited, where a generator alone would
 * do nothing, or wait. A chunk that is awaited then may end in an error. It may be called more than once.
 */
export interface Chunks extends AsyncIterableIterator<Uint8Array> {
  return(): Promise<IteratorResult<Uint8Array>>
}

/** What `iterator` gives; `free` is called as soon as somebody ends it early, before the iterator itself is ended. */
export function chunksOf(iterator: AsyncIterator<Uint8Array>, free: () => unknown): Chunks {
  return {
    next: () => iterator.next(),
    async return() {
      await free()
      await iterator.return?.()
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

/** Takes chunks in pieces of the size that the reader names. Whoever made it closes it. */
export class ChunkReader {
  readonly #source: Chunks
  #rest: Uint8Array = EMPTY

  constructor(source: Chunks) {
    this.#source = source
  }

  /** The next `bytes` bytes, or all there are where the source ends before. Copies only what spans chunks. */
  async take(bytes: number): Promise<Uint8Array> {
    const first = await this.#upTo(bytes)
    if (first.length === bytes || first.length === 0) return first
    const out = new Uint8Array(bytes)
    out.set(first)
    let at = first.length
    while (at < bytes) {
      const next = await this.#upTo(bytes - at)
      if (next.length === 0) break
      out.set(next, at)
      at += next.length
    }
    return out.subarray(0, at)
  }

  /** Whether the source has ended and all of it was taken. */
  async ended(): Promise<boolean> {
    if (this.#rest.length === 0) this.#rest = await this.#next()
    return this.#rest.length === 0
  }

  /** Frees the source. */
  async close(): Promise<void> {
    await this.#source.return()
  }

  /** Some of the next bytes, at most as many as wanted; none at the end. */
  async #upTo(bytes: number): Promise<Uint8Array> {
    if (bytes > 0 && this.#rest.length === 0) this.#rest = await this.#next()
    const piece = this.#rest.subarray(0, bytes)
    this.#rest = this.#rest.subarray(piece.length)
    return piece
  }

  async #next(): Promise<Uint8Array> {
    const { done, value } = await this.#source.next()
    return done ? EMPTY : value
  }
}

/** All of the bytes in one array, for what is known to be small. */
export async function collect(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of source) pieces.push(piece)
  return concat(pieces)
}

const EMPTY = new Uint8Array(0)
