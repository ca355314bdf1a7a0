/**
 * Blob stores: opaque sealed bytes under names that the store gives. They never see plaintext or a key.
 *
 * A blob is written once: staged, then kept (durable) or discarded. `keep` resolves only when the blob's bytes and its
 * directory entry are on disk. A blob that no catalog record names is garbage, which the sweep removes.
 */
export type BlobId = string

export interface BlobStore {
  /** Begins a new blob. The caller ends it with exactly one of `keep` or `discard`. `id`: of a copy of another store's. */
  stage(id?: BlobId): Promise<StagedBlob>

  /** Opens a kept blob, or `undefined` where there is none. The bytes stay readable until `close`, also after `delete`. */
  open(id: BlobId): Promise<BlobReader | undefined>

  /** Removes a kept blob; removing an absent one is no error. */
  delete(id: BlobId): Promise<void>

  /** All kept blobs, in no particular order; for the sweep and fsck. */
  list(): AsyncIterable<BlobFacts>

  /** Keeps the sweep of every process from deleting any blob, from the promise on; so a backup finds what it needs. */
  hold(): Promise<BlobHold>

  /**
   * Whether anybody holds the blobs. Ask after finding out what to delete and before deleting it: whoever holds them
   * later looks at the catalog later, and finds none of these there.
   */
  isHeld(): Promise<boolean>

  /** Removes what writers that no longer live left half staged. Only called while no process writes. */
  clearStaging(): Promise<number>

  close(): Promise<void>
}

export interface StagedBlob {
  readonly id: BlobId
  /** Appends `chunks` in order. The store may use them until the promise resolves; do not change them before. */
  write(chunks: readonly Uint8Array[]): Promise<void>
  keep(): Promise<void>
  discard(): Promise<void>
}

/** Ends by itself soon after its process did. */
export interface BlobHold {
  release(): Promise<void>
}

export interface BlobReader {
  /**
   * Bytes from `position`, `length` of them; fewer only at the end of the blob. They lie in `memory` where it is given
   * (of at least `length`), so that a long read need not ask for new memory again and again.
   */
  read(position: number, length: number, memory?: Uint8Array): Promise<Uint8Array>
  readonly size: number
  close(): Promise<void>
}

export interface BlobFacts {
  readonly id: BlobId
  readonly size: number
  /** When the blob was kept, in milliseconds since the Unix epoch. */
  readonly keptAtMs: number
}
