/** Reads and copies bytes while it takes their size and SHA-256. */
import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import type { BlobId, BlobStore } from '../storage/blobs.ts'

/** What is known of bytes. */
export interface Content {
  readonly size: number
  /** Hex. */
  readonly sha256: string
}

/** So that one blob's sync does not hold up the next one's reading. */
export const BLOBS_AT_ONCE = 8
const BLOCK_BYTES = 1024 * 1024

export const contentOf = (bytes: Uint8Array): Content => ({
  size: bytes.length,
  sha256: createHash('sha256').update(bytes).digest('hex'),
})

export const isSame = (a: Content, b: Content) => a.size === b.size && a.sha256 === b.sha256

/** Undefined where there is no such file. */
export async function readFileContent(path: string): Promise<Content | undefined> {
  let file: FileHandle
  try {
    file = await open(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    return await digest(async (position, memory) => {
      const { bytesRead } = await file.read(memory, 0, memory.length, position)
      return memory.subarray(0, bytesRead)
    })
  } finally {
    await file.close()
  }
}

/** Undefined where there is no such blob. */
export async function readBlobContent(blobs: BlobStore, id: BlobId): Promise<Content | undefined> {
  const blob = await blobs.open(id)
  if (!blob) return undefined
  try {
    return await digest((position, memory) => blob.read(position, memory.length, memory))
  } finally {
    await blob.close()
  }
}

/**
 * Copies a blob, durably and under its own id; undefined where there is none. Where `expected` is given and it is not
 * that, nothing is kept.
 */
export async function copyBlob(
  from: BlobStore,
  to: BlobStore,
  id: BlobId,
  expected?: Content,
): Promise<Content | undefined> {
  const blob = await from.open(id)
  if (!blob) return undefined
  try {
    const staged = await to.stage(id)
    try {
      const content = await digest(async (position, memory) => {
        const bytes = await blob.read(position, memory.length, memory)
        await staged.write([bytes])
        return bytes
      })
      if (expected && !isSame(content, expected)) await staged.discard()
      else await staged.keep()
      return content
    } catch (error) {
      await staged.discard().catch(() => {})
      throw error
    }
  } finally {
    await blob.close()
  }
}

/** Copies the first bytes of an open file into a new one, durably but for the folder's entry. */
export async function copyFromFile(from: FileHandle, bytes: number, to: string): Promise<Content> {
  const file = await open(to, 'wx', 0o600)
  try {
    const content = await digest(async (position, memory) => {
      const length = Math.min(memory.length, bytes - position)
      const { bytesRead } = await from.read(memory, 0, length, position)
      await file.writeFile(memory.subarray(0, bytesRead))
      return memory.subarray(0, bytesRead)
    })
    await file.sync()
    return content
  } finally {
    await file.close()
  }
}

/** `read`: up to so many bytes from a position, none at the end. */
async function digest(read: (position: number, memory: Uint8Array) => Promise<Uint8Array>): Promise<Content> {
  const hash = createHash('sha256')
  const memory = Buffer.allocUnsafe(BLOCK_BYTES)
  let size = 0
  for (;;) {
    const bytes = await read(size, memory)
    if (bytes.length === 0) return { size, sha256: hash.digest('hex') }
    hash.update(bytes)
    size += bytes.length
  }
}
