/** Frames of a journal as bytes (docs/formats/journal.md): made, read back, and taken apart. Pure but for the nonce. */
import { createHash } from 'node:crypto'
import { SealError } from '@strongroom/crypto'
import type { MessageKey } from '@strongroom/crypto/node'

export interface JournalEntry {
  readonly atMs: number
  readonly bytes: Uint8Array
}

/** Where a frame stands. Ordered by segment, then offset. */
export interface Position {
  readonly segment: number
  readonly offset: number
}

export interface FrameHeader {
  readonly sequence: number
  readonly entryCount: number
  readonly earliestMs: number
  readonly latestMs: number
  /** Whether all before it was durable when it was written. */
  readonly beginsGroup: boolean
  readonly sealedBytes: number
}

export interface Frame {
  readonly position: Position
  /** Of the frame after it, once there is one. */
  readonly next: Position
  readonly header: FrameHeader
  readonly entries: readonly JournalEntry[]
}

/** What the next frame of a journal follows. */
export interface ChainEnd {
  /** Of the last frame; 0 before the first. */
  readonly sequence: number
  readonly hash: Uint8Array
}

/** A frame that is still sealed. `bytes`: all of it. */
export interface SealedFrame {
  readonly header: FrameHeader
  readonly bytes: Uint8Array
  readonly hash: Uint8Array
}

export function sealFrame(
  key: MessageKey,
  entries: readonly JournalEntry[],
  after: ChainEnd,
  beginsGroup: boolean,
): SealedFrame {
  let payloadBytes = 0
  let earliestMs = Number.POSITIVE_INFINITY
  let latestMs = 0
  for (const { atMs, bytes } of entries) {
    payloadBytes += ENTRY_HEAD_BYTES + bytes.length
    if (atMs < earliestMs) earliestMs = atMs
    if (atMs > latestMs) latestMs = atMs
  }
  const sealedBytes = payloadBytes + SEAL_BYTES
  const header = {
    sequence: after.sequence + 1,
    entryCount: entries.length,
    earliestMs,
    latestMs,
    beginsGroup,
    sealedBytes,
  }
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + sealedBytes)
  writeHeader(bytes, header)
  bytes.set(after.hash, HASH_AT)
  bytes.set(key.seal(encodeEntries(entries, payloadBytes), bytes.subarray(0, HEAD_BYTES)), HEAD_BYTES)
  return { header, bytes, hash: hashOf(bytes) }
}

/** Undefined where these are not the first bytes of a frame. `head`: at least HEAD_BYTES. */
export function readHeader(head: Buffer): FrameHeader | undefined {
  if (head.readUInt32BE(0) !== MAGIC || head[4]! > 1 || head[5] !== 0) return undefined
  const header = {
    beginsGroup: head[4] === 1,
    entryCount: head.readUInt16BE(6),
    sequence: head.readUInt32BE(8) * 2 ** 32 + head.readUInt32BE(12),
    sealedBytes: head.readUInt32BE(16),
    earliestMs: head.readUIntBE(20, 6),
    latestMs: head.readUIntBE(26, 6),
  }
  const isPossible =
    Number.isSafeInteger(header.sequence) &&
    header.entryCount > 0 &&
    header.sealedBytes >= SEAL_BYTES &&
    header.sealedBytes <= MOST_SEALED_BYTES
  return isPossible ? header : undefined
}

export const previousHashOf = (frame: Uint8Array): Uint8Array => frame.subarray(HASH_AT, HEAD_BYTES)

export const hashOf = (frame: Uint8Array): Uint8Array => createHash('sha256').update(frame).digest()

/** Why a frame does not follow; undefined where it does. */
export function breakOf({ header, bytes }: SealedFrame, after: ChainEnd): string | undefined {
  if (header.sequence !== after.sequence + 1) return `has the number ${header.sequence}, not ${after.sequence + 1}`
  if (!Buffer.from(after.hash).equals(previousHashOf(bytes))) return 'does not follow the frame before it'
  return undefined
}

/** Throws SealError. The entries' bytes are views of new memory. */
export function openEntries(key: MessageKey, { header, bytes }: Omit<SealedFrame, 'hash'>): JournalEntry[] {
  const payload = key.open(bytes.subarray(HEAD_BYTES), bytes.subarray(0, HEAD_BYTES))
  const view = Buffer.from(payload.buffer, payload.byteOffset, payload.length)
  const entries: JournalEntry[] = []
  let at = 0
  while (at + ENTRY_HEAD_BYTES <= view.length) {
    const end = at + ENTRY_HEAD_BYTES + view.readUInt32BE(at)
    entries.push({ atMs: view.readUIntBE(at + 4, 6), bytes: view.subarray(at + ENTRY_HEAD_BYTES, end) })
    at = end
  }
  if (at !== view.length || entries.length !== header.entryCount) throw new SealError()
  return entries
}

/** Lays entries out in frames. An entry is never divided. */
export function* inFrames(entries: readonly JournalEntry[]): Generator<JournalEntry[]> {
  let frame: JournalEntry[] = []
  let bytes = 0
  for (const entry of entries) {
    const more = ENTRY_HEAD_BYTES + entry.bytes.length
    if (frame.length > 0 && bytes + more > FRAME_BYTES) {
      yield frame
      frame = []
      bytes = 0
    }
    frame.push(entry)
    bytes += more
  }
  if (frame.length > 0) yield frame
}

function writeHeader(bytes: Buffer, header: FrameHeader): void {
  bytes.writeUInt32BE(MAGIC, 0)
  bytes[4] = header.beginsGroup ? 1 : 0
  bytes[5] = 0
  bytes.writeUInt16BE(header.entryCount, 6)
  bytes.writeUInt32BE(Math.floor(header.sequence / 2 ** 32), 8)
  bytes.writeUInt32BE(header.sequence % 2 ** 32, 12)
  bytes.writeUInt32BE(header.sealedBytes, 16)
  bytes.writeUIntBE(header.earliestMs, 20, 6)
  bytes.writeUIntBE(header.latestMs, 26, 6)
}

function encodeEntries(entries: readonly JournalEntry[], payloadBytes: number): Uint8Array {
  const payload = Buffer.allocUnsafe(payloadBytes)
  let at = 0
  for (const { atMs, bytes } of entries) {
    payload.writeUInt32BE(bytes.length, at)
    payload.writeUIntBE(atMs, at + 4, 6)
    payload.set(bytes, at + ENTRY_HEAD_BYTES)
    at += ENTRY_HEAD_BYTES + bytes.length
  }
  return payload
}

/** All of a frame but its sealed payload. */
export const HEAD_BYTES = 64
/** `SRJ` and the version. */
export const MAGIC_BYTES = Buffer.from([0x53, 0x52, 0x4a, 1])
/** Of one entry. */
export const MOST_ENTRY_BYTES = 4 * 1024 * 1024
/** Before the first frame of all. */
export const NO_FRAME: ChainEnd = { sequence: 0, hash: new Uint8Array(32) }

const MAGIC = MAGIC_BYTES.readUInt32BE(0)
const HASH_AT = 32
const ENTRY_HEAD_BYTES = 10
/** Nonce and tag. */
const SEAL_BYTES = 24 + 16
const MOST_SEALED_BYTES = MOST_ENTRY_BYTES + ENTRY_HEAD_BYTES + SEAL_BYTES
/** Entries share a frame up to this size; so many entries of no bytes are fewer than the header can count. */
const FRAME_BYTES = 256 * 1024
