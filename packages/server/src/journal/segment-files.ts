/** Files of segments: their names, and the few things that a writer does with one. */
import { constants, writeSync } from 'node:fs'
import { type FileHandle, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../core/fault.ts'

/** A segment's file as the writer has it; tests have ones that fail. */
export interface JournalFile {
  /** All of it, or throws. */
  write(bytes: Uint8Array, offset: number): Promise<void>
  sync(): Promise<void>
  truncate(size: number): Promise<void>
  size(): Promise<number>
  close(): Promise<void>
}

/** Makes the file where there is none. */
export type OpenJournalFile = (path: string) => Promise<JournalFile>

export const openJournalFile: OpenJournalFile = async (path) =>
  new NodeJournalFile(await open(path, constants.O_RDWR | constants.O_CREAT, 0o600))

export const segmentFile = (segment: number): string => `${String(segment).padStart(10, '0')}.log`

export const segmentPath = (dir: string, segment: number): string => join(dir, segmentFile(segment))

/** The numbers of the segments that have a file. */
export async function segmentsOnDisk(dir: string): Promise<number[]> {
  const names = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return names.filter((name) => /^\d{10}\.log$/.test(name)).map((name) => Number.parseInt(name, 10))
}

/** Undefined where there is no such file. */
export async function openToRead(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** `offset`: where in the segment's file. */
export const placeOf = (journal: string, segment: number, offset?: number): string =>
  `journal ${journal}, ${segmentFile(segment)}${offset === undefined ? '' : ` at ${offset}`}`

export const damaged = (journal: string, segment: number, offset: number | undefined, problem: string): Fault =>
  new Fault('Damaged', { what: `${placeOf(journal, segment, offset)}: ${problem}` })

const WRITTEN_AT_ONCE = 32 * 1024

class NodeJournalFile implements JournalFile {
  readonly #file: FileHandle

  constructor(file: FileHandle) {
    this.#file = file
  }

  async write(bytes: Uint8Array, offset: number): Promise<void> {
    let at = 0
    // To the system's memory, which is quicker done than handed to another thread.
    if (bytes.length <= WRITTEN_AT_ONCE) at = writeSync(this.#file.fd, bytes, 0, bytes.length, offset)
    // A short write goes on where it ended, which also brings out the disk's own error.
    while (at < bytes.length) at += (await this.#file.write(bytes, at, bytes.length - at, offset + at)).bytesWritten
  }

  sync(): Promise<void> {
    return this.#file.datasync()
  }

  truncate(size: number): Promise<void> {
    return this.#file.truncate(size)
  }

  async size(): Promise<number> {
    return (await this.#file.stat()).size
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}
