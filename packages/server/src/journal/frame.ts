/** Frames of a journal as bytes (docs/formats/journal.md): made, read back, and taken apart. Pure but for the nonce. */
import { createHash } from 'node:crypto'
import { SealError } from '@strongroom/crypto'
import type { MessageKey } from '@strongroom/crypto/node'
import { ENTRY_HEAD_BYTES, entriesOf, type Payload } from './payload.ts'

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
  /** Of a frame that was just written: its entries before anybody has taken them apart. */
  readonly payload?: Uint8Array
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

export function sealFrame(key: MessageKey, payload: Payload, after: ChainEnd, beginsGroup: boolean): SealedFrame {
  const { count: entryCount, earliestMs, latestMs } = payload
  const sealedBytes = payload.bytes.length + SEAL_BYTES
  const sequence = after.sequence + 1
  const header = { sequence, entryCount, earliestMs, latestMs, beginsGroup, sealedBytes }
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + sealedBytes)
  writeHeader(bytes, header)
  bytes.set(after.hash, HASH_AT)
  bytes.set(key.seal(payload.bytes, bytes.subarray(0, HEAD_BYTES)), HEAD_BYTES)
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
  const entries = entriesOf(key.open(bytes.subarray(HEAD_BYTES), bytes.subarray(0, HEAD_BYTES)))
  if (entries?.length !== header.entryCount) throw new SealError()
  return entries
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
/** Nonce and tag. */
const SEAL_BYTES = 24 + 16
const MOST_SEALED_BYTES = MOST_ENTRY_BYTES + ENTRY_HEAD_BYTES + SEAL_BYTES
