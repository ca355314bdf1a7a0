/** Goes through the frames of a segment's file by their headers, and says what their hashes are. Opens nothing. */
import type { FileHandle } from 'node:fs/promises'
import { SealError } from '@strongroom/crypto'
import type { MessageKey } from '@strongroom/crypto/node'
import { HEAD_BYTES, hashOf, MAGIC_BYTES, openEntries, readHeader, type SealedFrame } from './frame.ts'

/** `bytes` are valid until the next frame is asked for. */
export interface ScannedFrame extends SealedFrame {
  readonly offset: number
  readonly next: number
}

/** `end`: exactly at `to`; `cut`: in the middle of a frame; `bad`: where no frame begins. */
export interface ScanEnd {
  readonly state: 'end' | 'cut' | 'bad'
  readonly offset: number
}

/** The frames between two offsets. Keeps no more of the file than a block, or one frame where that is larger. */
export async function* scanFrames(
  file: FileHandle,
  from: number,
  to: number,
): AsyncGenerator<ScannedFrame, ScanEnd, void> {
  const window = new Window(file, to)
  let offset = from
  while (offset < to) {
    const head = await window.read(offset, HEAD_BYTES)
    if (!head) return { state: 'cut', offset }
    const header = readHeader(head)
    if (!header) return { state: 'bad', offset }
    const length = HEAD_BYTES + header.sealedBytes
    const bytes = await window.read(offset, length)
    if (!bytes) return { state: 'cut', offset }
    yield { header, bytes, hash: hashOf(bytes), offset, next: offset + length }
    offset += length
  }
  return { state: 'end', offset }
}

/** The frame that begins at an offset; undefined where no whole one does. */
export async function frameAt(file: FileHandle, offset: number, to: number): Promise<ScannedFrame | undefined> {
  const { value, done } = await scanFrames(file, offset, to).next()
  return done ? undefined : value
}

/** The first offset after `from` where a frame begins that opens; undefined where there is none. */
export async function findFrame(
  file: FileHandle,
  key: MessageKey,
  from: number,
  to: number,
  wanted: (frame: ScannedFrame) => boolean = () => true,
): Promise<number | undefined> {
  const block = Buffer.allocUnsafe(BLOCK_BYTES)
  for (let at = from; at < to; at += BLOCK_BYTES - MAGIC_BYTES.length + 1) {
    const { bytesRead } = await file.read(block, 0, Math.min(BLOCK_BYTES, to - at), at)
    const bytes = block.subarray(0, bytesRead)
    for (let found = bytes.indexOf(MAGIC_BYTES); found >= 0; found = bytes.indexOf(MAGIC_BYTES, found + 1)) {
      const frame = await frameAt(file, at + found, to)
      if (frame && opens(key, frame) && wanted(frame)) return at + found
    }
  }
  return undefined
}

export function opens(key: MessageKey, frame: SealedFrame): boolean {
  try {
    openEntries(key, frame)
    return true
  } catch (error) {
    if (error instanceof SealError) return false
    throw error
  }
}

/** A block of a file, which moves forwards. */
class Window {
  readonly #file: FileHandle
  readonly #to: number
  #memory = Buffer.allocUnsafe(0)
  #from = 0
  #filled = 0

  constructor(file: FileHandle, to: number) {
    this.#file = file
    this.#to = to
  }

  /** Valid until the next call. Undefined where the file or `to` ends before. */
  async read(offset: number, length: number): Promise<Buffer | undefined> {
    if (offset + length > this.#to) return undefined
    if (offset + length > this.#from + this.#filled) await this.#move(offset, length)
    const at = offset - this.#from
    return at + length <= this.#filled ? this.#memory.subarray(at, at + length) : undefined
  }

  async #move(offset: number, length: number): Promise<void> {
    const rest = this.#memory.subarray(Math.min(offset - this.#from, this.#filled), this.#filled)
    const wanted = Math.min(Math.max(BLOCK_BYTES, length), this.#to - offset)
    if (this.#memory.length < wanted) {
      const larger = Buffer.allocUnsafeSlow(wanted)
      rest.copy(larger)
      this.#memory = larger
    } else rest.copy(this.#memory)
    this.#from = offset
    this.#filled = rest.length
    while (this.#filled < wanted) {
      const { bytesRead } = await this.#file.read(
        this.#memory,
        this.#filled,
        wanted - this.#filled,
        offset + this.#filled,
      )
      if (bytesRead === 0) return
      this.#filled += bytesRead
    }
  }
}

const BLOCK_BYTES = 1024 * 1024
