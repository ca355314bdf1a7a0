/**
 * Blobs as files: `staging/<id>` while being written, then `kept/<2 hex>/<id>`; and `holds/`, see file-holds.ts.
 *
 * Keeping is fdatasync, rename, and a sync of the folder that holds the new name; the 256 folders are made at opening,
 * so that no write waits for them. See docs/decisions/0003-blob-files.md.
 */

import { type FileHandle, mkdir, open, opendir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { freshHex } from '@strongroom/crypto/node'
import { type Clock, systemClock } from '../core/clock.ts'
import { syncFolder } from '../core/durable-file.ts'
import type { BlobFacts, BlobHold, BlobId, BlobReader, BlobStore, StagedBlob } from './blobs.ts'
import { FileHolds } from './file-holds.ts'

export class FileBlobStore implements BlobStore {
  readonly #staging: string
  readonly #kept: string
  readonly #holds: FileHolds

  private constructor(dir: string, clock: Clock) {
    this.#staging = join(dir, 'staging')
    this.#kept = join(dir, 'kept')
    this.#holds = new FileHolds(join(dir, 'holds'), clock)
  }

  static async open(dir: string, clock: Clock = systemClock): Promise<FileBlobStore> {
    const store = new FileBlobStore(dir, clock)
    const made = await Promise.all(
      [
        store.#staging,
        ...Array.from({ length: 256 }, (_, i) => join(store.#kept, i.toString(16).padStart(2, '0'))),
      ].map((path) => mkdir(path, { recursive: true, mode: 0o700 })),
    )
    if (made.some((path) => path !== undefined)) {
      await syncFolder(store.#kept)
      await syncFolder(dir)
    }
    return store
  }

  async stage(id: BlobId = freshHex(16)): Promise<StagedBlob> {
    const path = join(this.#staging, id)
    return new StagedFile(id, path, this.pathOf(id), await open(path, 'wx', 0o600))
  }

  async open(id: BlobId): Promise<BlobReader | undefined> {
    try {
      const file = await open(this.pathOf(id), 'r')
      try {
        return new FileReader(file, (await file.stat()).size)
      } catch (error) {
        await file.close()
        throw error
      }
    } catch (error) {
      if (isAbsent(error)) return undefined
      throw error
    }
  }

  async delete(id: BlobId): Promise<void> {
    await rm(this.pathOf(id), { force: true })
  }

  async *list(): AsyncIterable<BlobFacts> {
    for (const folder of await readdir(this.#kept)) {
      for await (const entry of await opendir(join(this.#kept, folder))) {
        try {
          // The change time is that of the rename, which made the blob a kept one.
          const facts = await stat(join(this.#kept, folder, entry.name))
          yield { id: entry.name, size: facts.size, keptAtMs: facts.ctimeMs }
        } catch (error) {
          if (!isAbsent(error)) throw error
        }
      }
    }
  }

  async clearStaging(): Promise<number> {
    const left = await readdir(this.#staging)
    for (const name of left) await rm(join(this.#staging, name), { force: true })
    return left.length
  }

  hold(): Promise<BlobHold> {
    return this.#holds.take()
  }

  isHeld(): Promise<boolean> {
    return this.#holds.isTaken()
  }

  async close(): Promise<void> {}

  /** The file of a kept blob. */
  pathOf(id: BlobId): string {
    return join(this.#kept, id.slice(0, 2), id)
  }
}

class StagedFile implements StagedBlob {
  readonly id: BlobId
  readonly #stagingPath: string
  readonly #keptPath: string
  readonly #file: FileHandle

  constructor(id: BlobId, stagingPath: string, keptPath: string, file: FileHandle) {
    this.id = id
    this.#stagingPath = stagingPath
    this.#keptPath = keptPath
    this.#file = file
  }

  async write(chunks: readonly Uint8Array[]): Promise<void> {
    let expected = 0
    for (const chunk of chunks) expected += chunk.length
    const { bytesWritten } = await this.#file.writev(chunks as Uint8Array[])
    if (bytesWritten !== expected) await this.#writeRest(chunks, bytesWritten)
  }

  async keep(): Promise<void> {
    try {
      await this.#file.datasync()
    } finally {
      await this.#file.close()
    }
    await rename(this.#stagingPath, this.#keptPath)
    await syncFolder(join(this.#keptPath, '..'))
  }

  async discard(): Promise<void> {
    await this.#file.close()
    await rm(this.#stagingPath, { force: true })
  }

  /** A short write (a full disk, a signal): goes on where it ended, which also brings out the disk's own error. */
  async #writeRest(chunks: readonly Uint8Array[], written: number): Promise<void> {
    const rest = Buffer.concat(chunks).subarray(written)
    let at = 0
    while (at < rest.length) at += (await this.#file.write(rest, at)).bytesWritten
  }
}

class FileReader implements BlobReader {
  readonly #file: FileHandle
  readonly size: number

  constructor(file: FileHandle, size: number) {
    this.#file = file
    this.size = size
  }

  async read(position: number, length: number, memory?: Uint8Array): Promise<Uint8Array> {
    const bytes = memory ?? Buffer.allocUnsafe(length)
    let at = 0
    while (at < length) {
      const { bytesRead } = await this.#file.read(bytes, at, length - at, position + at)
      if (bytesRead === 0) break
      at += bytesRead
    }
    return bytes.subarray(0, at)
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}

const isAbsent = (error: unknown) => (error as NodeJS.ErrnoException).code === 'ENOENT'
