/**
 * Entries put together as a frame holds them (docs/formats/journal.md): for each its size (4 bytes), its time (6) and its
 * bytes. Two payloads one after the other are one again, so those of several callers share a frame as they are.
 */
import type { JournalEntry } from './frame.ts'

export interface Payload {
  readonly bytes: Uint8Array
  readonly count: number
  readonly earliestMs: number
  readonly latestMs: number
}

/** Puts entries together in memory that is used again; texts are encoded right there, without a buffer of their own. */
export class PayloadBuilder {
  #buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
  #end = 0
  #count = 0
  #earliestMs = Number.POSITIVE_INFINITY
  #latestMs = 0

  get count(): number {
    return this.#count
  }

  get size(): number {
    return this.#end
  }

  add(atMs: number, content: string | Uint8Array): void {
    // UTF-8 has three bytes at most for what is one unit of a string.
    const most = ENTRY_HEAD_BYTES + (typeof content === 'string' ? 3 : 1) * content.length
    if (this.#end + most > this.#buffer.length) this.#grow(most)
    const at = this.#end + ENTRY_HEAD_BYTES
    let length: number
    if (typeof content === 'string') length = this.#buffer.write(content, at)
    else {
      this.#buffer.set(content, at)
      length = content.length
    }
    this.#buffer.writeUInt32BE(length, this.#end)
    this.#buffer.writeUIntBE(atMs, this.#end + 4, 6)
    this.#end = at + length
    this.#count++
    if (atMs < this.#earliestMs) this.#earliestMs = atMs
    if (atMs > this.#latestMs) this.#latestMs = atMs
  }

  /** All of them, and begins anew. The bytes are good until the next `add`. */
  take(): Payload {
    const payload = {
      bytes: this.#buffer.subarray(0, this.#end),
      count: this.#count,
      earliestMs: this.#earliestMs,
      latestMs: this.#latestMs,
    }
    this.#end = 0
    this.#count = 0
    this.#earliestMs = Number.POSITIVE_INFINITY
    this.#latestMs = 0
    return payload
  }

  #grow(most: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#buffer.length, this.#end + most))
    larger.set(this.#buffer.subarray(0, this.#end))
    this.#buffer = larger
  }
}

/** Of at least one entry, in as few frames as hold them. An entry is never divided. */
export function payloadsOf(entries: readonly JournalEntry[]): Payload[] {
  const payloads: Payload[] = []
  let share: JournalEntry[] = []
  let size = 0
  for (const entry of entries) {
    const more = ENTRY_HEAD_BYTES + entry.bytes.length
    if (share.length > 0 && size + more > FRAME_BYTES) {
      payloads.push(payloadOf(share, size))
      share = []
      size = 0
    }
    share.push(entry)
    size += more
  }
  if (share.length > 0) payloads.push(payloadOf(share, size))
  return payloads
}

/** Lays payloads out in frames, as few as hold them. */
export function* inFrames(payloads: readonly Payload[]): Generator<Payload> {
  let frame: Payload[] = []
  let size = 0
  for (const payload of payloads) {
    if (frame.length > 0 && size + payload.bytes.length > FRAME_BYTES) {
      yield joined(frame)
      frame = []
      size = 0
    }
    frame.push(payload)
    size += payload.bytes.length
  }
  if (frame.length > 0) yield joined(frame)
}

/** The entries' bytes are views of the payload. Undefined where it is none. */
export function entriesOf(payload: Uint8Array): JournalEntry[] | undefined {
  const view = Buffer.from(payload.buffer, payload.byteOffset, payload.length)
  const entries: JournalEntry[] = []
  let at = 0
  while (at + ENTRY_HEAD_BYTES <= view.length) {
    const end = at + ENTRY_HEAD_BYTES + view.readUInt32BE(at)
    entries.push({ atMs: view.readUIntBE(at + 4, 6), bytes: view.subarray(at + ENTRY_HEAD_BYTES, end) })
    at = end
  }
  return at === view.length ? entries : undefined
}

/** Whether the first byte of any entry is as asked for: without taking them apart. */
export function anyBegins(payload: Uint8Array, isWanted: (firstByte: number) => boolean): boolean {
  const view = Buffer.from(payload.buffer, payload.byteOffset, payload.length)
  for (let at = 0; at < view.length; at += ENTRY_HEAD_BYTES + view.readUInt32BE(at)) {
    if (isWanted(view[at + ENTRY_HEAD_BYTES]!)) return true
  }
  return false
}

function payloadOf(entries: readonly JournalEntry[], size: number): Payload {
  const bytes = Buffer.allocUnsafe(size)
  let earliestMs = Number.POSITIVE_INFINITY
  let latestMs = 0
  let at = 0
  for (const { atMs, bytes: content } of entries) {
    bytes.writeUInt32BE(content.length, at)
    bytes.writeUIntBE(atMs, at + 4, 6)
    bytes.set(content, at + ENTRY_HEAD_BYTES)
    at += ENTRY_HEAD_BYTES + content.length
    if (atMs < earliestMs) earliestMs = atMs
    if (atMs > latestMs) latestMs = atMs
  }
  return { bytes, count: entries.length, earliestMs, latestMs }
}

function joined(payloads: readonly Payload[]): Payload {
  if (payloads.length === 1) return payloads[0]!
  return {
    bytes: Buffer.concat(payloads.map(({ bytes }) => bytes)),
    count: payloads.reduce((sum, { count }) => sum + count, 0),
    earliestMs: Math.min(...payloads.map(({ earliestMs }) => earliestMs)),
    latestMs: Math.max(...payloads.map(({ latestMs }) => latestMs)),
  }
}

export const ENTRY_HEAD_BYTES = 10
/**
 * Entries share a frame up to this size. Larger blocks of memory would be given back to the system each time and be had
 * anew, page by page; and so many entries of no bytes are fewer than a header can count.
 */
export const FRAME_BYTES = 96 * 1024
const FIRST_BYTES = 64 * 1024
