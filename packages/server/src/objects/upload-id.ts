/**
 * Ids of multipart uploads: base64url of a sequence (8 bytes) and the stream id (16 random bytes) that the upload's
 * data keys are bound to.
 */
import { freshBytes } from '@strongroom/crypto/node'
import { ascending } from '../records/names.ts'
import { nextSequence } from './version-id.ts'

export interface UploadId {
  readonly text: string
  readonly bytes: Uint8Array
  /** Hex. */
  readonly streamId: string
}

export function newUploadId(nowMs: number): UploadId {
  return fromBytes(Buffer.concat([ascending(BigInt(nextSequence(nowMs, undefined))), freshBytes(16)]))
}

/** Undefined where the text is no upload id of ours. */
export function readUploadId(text: string): UploadId | undefined {
  return /^[A-Za-z0-9_-]{32}$/.test(text) ? fromBytes(Buffer.from(text, 'base64url')) : undefined
}

export function fromBytes(bytes: Uint8Array): UploadId {
  const buffer = Buffer.from(bytes)
  return { text: buffer.toString('base64url'), bytes, streamId: buffer.toString('hex', 8) }
}
