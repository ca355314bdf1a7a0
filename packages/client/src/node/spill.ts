/** A temporary file without a name, for ciphertext that does not fit into memory. */
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SpillFile } from '../platform.ts'

/**
 * Opens one in the system's temporary folder. Only this user could open it, and from now on nobody can, since its name
 * is gone; the system takes its space back when it is closed or the process ends. Errors of the system pass through.
 */
export async function openSpillFile(): Promise<SpillFile> {
  const folder = await mkdtemp(join(tmpdir(), 'strongroom-'))
  let handle: FileHandle | undefined
  try {
    handle = await open(join(folder, 'ciphertext'), 'wx+', 0o600)
    await rm(folder, { recursive: true })
    return spillInto(handle)
  } catch (error) {
    await handle?.close()
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

/**
 * Spills into an open file, which is then the spill's. Writing and reading go by {@link IO_BYTES}, one ahead of who
 * calls, so an error of writing is thrown by the next call.
 */
export function spillInto(handle: FileHandle): SpillFile {
  let gathered = Buffer.allocUnsafeSlow(IO_BYTES)
  let spare = Buffer.allocUnsafeSlow(IO_BYTES)
  let filled = 0
  let size = 0
  let writing: Promise<void> = Promise.resolve()
  let closed: Promise<void> | undefined

  async function flush() {
    await writing
    writing = ahead(writeAll(handle, gathered.subarray(0, filled), size))
    size += filled
    filled = 0
    ;[gathered, spare] = [spare, gathered]
  }

  async function readAt(position: number): Promise<Uint8Array> {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafeSlow(IO_BYTES), 0, IO_BYTES, position)
    return buffer.subarray(0, bytesRead)
  }

  return {
    async write(chunk) {
      for (let at = 0; at < chunk.length; ) {
        const piece = chunk.subarray(at, at + IO_BYTES - filled)
        gathered.set(piece, filled)
        filled += piece.length
        at += piece.length
        if (filled === IO_BYTES) await flush()
      }
    },

    async *read() {
      await flush()
      await writing
      let at = 0
      let next = readAt(at)
      for (let piece = await next; piece.length > 0; piece = await next) {
        at += piece.length
        next = ahead(readAt(at))
        yield piece
      }
    },

    close() {
      closed ??= handle.close()
      return closed
    },
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    at += (await handle.write(bytes, at, bytes.length - at, position + at)).bytesWritten
  }
}

/** Lets `work` go on; its error waits for whoever awaits it, who may never come where the spill is closed early. */
function ahead<T>(work: Promise<T>): Promise<T> {
  work.catch(() => {})
  return work
}

const IO_BYTES = 2 ** 20
