/** Entries of a journal on the channel between processes: one buffer for many, since each buffer costs there. */
import type { Entry } from '../audit/audit-trail.ts'

/** For each entry: 6 bytes of its time, 4 of its length, its bytes. */
export function packEntries(entries: readonly Entry[]): Uint8Array {
  const packed = Buffer.allocUnsafe(entries.reduce((sum, { bytes }) => sum + HEAD_BYTES + bytes.length, 0))
  let at = 0
  for (const { atMs, bytes } of entries) {
    packed.writeUIntBE(atMs, at, 6)
    packed.writeUInt32BE(bytes.length, at + 6)
    packed.set(bytes, at + HEAD_BYTES)
    at += HEAD_BYTES + bytes.length
  }
  return packed
}

export function unpackEntries(packed: Uint8Array): Entry[] {
  const buffer = Buffer.from(packed.buffer, packed.byteOffset, packed.length)
  const entries: Entry[] = []
  for (let at = 0; at < buffer.length; ) {
    const end = at + HEAD_BYTES + buffer.readUInt32BE(at + 6)
    entries.push({ atMs: buffer.readUIntBE(at, 6), bytes: buffer.subarray(at + HEAD_BYTES, end) })
    at = end
  }
  return entries
}

const HEAD_BYTES = 10
