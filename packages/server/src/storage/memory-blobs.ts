/** Blobs in memory, for tests. */
import { freshHex } from '@strongroom/crypto/node'
import { type Clock, systemClock } from '../core/clock.ts'
import type { BlobFacts, BlobHold, BlobId, BlobReader, BlobStore, StagedBlob } from './blobs.ts'

export class MemoryBlobStore implements BlobStore {
  readonly #blobs = new Map<BlobId, { bytes: Uint8Array; keptAtMs: number }>()
  readonly #holds = new Set<BlobHold>()
  readonly #clock: Clock

  constructor(clock: Clock = systemClock) {
    this.#clock = clock
  }

  async stage(id: BlobId = freshHex(16)): Promise<StagedBlob> {
    const pieces: Uint8Array[] = []
    return {
      id,
      write: async (chunks) => {
        for (const chunk of chunks) pieces.push(Uint8Array.from(chunk))
      },
      keep: async () => {
        this.#blobs.set(id, { bytes: Buffer.concat(pieces), keptAtMs: this.#clock.nowMs() })
      },
      discard: async () => {},
    }
  }

  async open(id: BlobId): Promise<BlobReader | undefined> {
    const blob = this.#blobs.get(id)
    return (
      blob && {
        size: blob.bytes.length,
        read: async (position, length) => blob.bytes.slice(position, position + length),
        close: async () => {},
      }
    )
  }

  async delete(id: BlobId): Promise<void> {
    this.#blobs.delete(id)
  }

  async *list(): AsyncIterable<BlobFacts> {
    for (const [id, { bytes, keptAtMs }] of [...this.#blobs]) yield { id, size: bytes.length, keptAtMs }
  }

  async hold(): Promise<BlobHold> {
    const hold: BlobHold = {
      release: async () => {
        this.#holds.delete(hold)
      },
    }
    this.#holds.add(hold)
    return hold
  }

  async isHeld(): Promise<boolean> {
    return this.#holds.size > 0
  }

  async clearStaging(): Promise<number> {
    return 0
  }

  async close(): Promise<void> {}

  /** The stored bytes themselves, for tests that look at or damage them. */
  raw(id: BlobId): Uint8Array | undefined {
    return this.#blobs.get(id)?.bytes
  }
}
