/** Entries of a journal on the channel between processes: one buffer for many, since each buffer costs there. */
import type { Entry } from '../audit/audit-trail.ts'
import type { JournalEntry } from '../journal/frame.ts'

/**
 * Puts entries together in memory that is used again: for each 6 bytes of its time, 4 of its length, and its bytes. Texts
 * are encoded right there, without a buffer of their own.
 */
export class PackedEntries {
  #buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
  #end = 0
  #count = 0

  get count(): number {
    return this.#count
  }

  get bytes(): number {
    return this.#end
  }

  add({ atMs, content }: Entry): void {
    // UTF-8 has three bytes at most for what is one unit of a string.
    const most = HEAD_BYTES + (typeof content === 'string' ? 3 : 1) * content.length
    if (this.#end + most > this.#buffer.length) this.#grow(most)
    const at = this.#end + HEAD_BYTES
    let length: number
    if (typeof content === 'string') length = this.#buffer.write(content, at)
    else {
      this.#buffer.set(content, at)
      length = content.length
    }
    this.#buffer.writeUIntBE(atMs, this.#end, 6)
    this.#buffer.writeUInt32BE(length, this.#end + 6)
    this.#end = at + length
    this.#count++
  }

  /** All of them, and begins anew. The bytes are good until the next `add`. */
  take(): Uint8Array {
    const packed = this.#buffer.subarray(0, this.#end)
    this.#end = 0
    this.#count = 0
    return packed
  }

  #grow(most: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#buffer.length, this.#end + most))
    larger.set(this.#buffer.subarray(0, this.#end))
    this.#buffer = larger
  }
}

export function unpackEntries(packed: Uint8Array): JournalEntry[] {
  const buffer = Buffer.from(packed.buffer, packed.byteOffset, packed.length)
  const entries: JournalEntry[] = []
  for (let at = 0; at < buffer.length; ) {
    const end = at + HEAD_BYTES + buffer.readUInt32BE(at + 6)
    entries.push({ atMs: buffer.readUIntBE(at, 6), bytes: buffer.subarray(at + HEAD_BYTES, end) })
    at = end
  }
  return entries
}

const HEAD_BYTES = 10
const FIRST_BYTES = 64 * 1024
