/**
 * Layout of sealed stream version 1: pure arithmetic, shared by every provider. The numbers in brackets name the
 * rules of docs/formats/sealed-object.md.
 */
import { SealError } from './errors.ts'

/** Plaintext bytes of every segment but the last [S2]. */
export const SEGMENT_BYTES = 65_536
/** AES-GCM tag at the end of every segment. */
export const TAG_BYTES = 16
/** magic 4, version 1, suite 1, log2 of the segment size 1, zero 1, salt 32, commitment 32 [S1]. */
export const HEADER_BYTES = 72
/** The counter has 32 bits [S5]. */
export const MAX_SEGMENTS = 2 ** 32

const MAGIC = [0x53, 0x52, 0x53, 0x46] // "SRSF"
const FORMAT_VERSION = 1
/** HKDF-SHA-512 and AES-256-GCM. */
const SUITE = 1
const SALT_BYTES = 32
const COMMITMENT_BYTES = 32
const MIN_SEGMENT_LOG2 = 4
const MAX_SEGMENT_LOG2 = 24

/** What a stream is bound to besides its key: a stream moved elsewhere does not open [S4]. */
export interface StreamContext {
  /** 16 bytes: the multipart upload's id, or the version's own stream id. */
  readonly streamId: Uint8Array
  /** 1 to 10,000. */
  readonly partNumber: number
}

export interface StreamHeader {
  readonly segmentBytes: number
  readonly salt: Uint8Array
  readonly commitment: Uint8Array
}

export function encodeHeader(header: StreamHeader): Uint8Array {
  const out = new Uint8Array(HEADER_BYTES)
  out.set(MAGIC)
  out[4] = FORMAT_VERSION
  out[5] = SUITE
  out[6] = Math.log2(header.segmentBytes)
  out.set(header.salt, 8)
  out.set(header.commitment, 8 + SALT_BYTES)
  return out
}

/** Throws SealError on anything but a header of this version, every reserved bit included. */
export function decodeHeader(bytes: Uint8Array): StreamHeader {
  const log2 = bytes[6] ?? 0
  const known =
    bytes.length === HEADER_BYTES &&
    MAGIC.every((byte, i) => bytes[i] === byte) &&
    bytes[4] === FORMAT_VERSION &&
    bytes[5] === SUITE &&
    bytes[7] === 0 &&
    log2 >= MIN_SEGMENT_LOG2 &&
    log2 <= MAX_SEGMENT_LOG2
  if (!known) throw new SealError('not a sealed stream of version 1')
  return {
    segmentBytes: 2 ** log2,
    salt: bytes.slice(8, 8 + SALT_BYTES),
    commitment: bytes.slice(8 + SALT_BYTES, 8 + SALT_BYTES + COMMITMENT_BYTES),
  }
}

/** HKDF info of a stream [S4]: label, version, suite, segment size, part number, stream id; every field of fixed length. */
export function streamInfo(context: StreamContext, segmentBytes: number): Uint8Array {
  if (context.streamId.length !== 16) throw new RangeError('a stream id is 16 bytes')
  if (!Number.isInteger(context.partNumber) || context.partNumber < 1 || context.partNumber > 10_000) {
    throw new RangeError('a part number is 1 to 10,000')
  }
  const label = new TextEncoder().encode('strongroom sealed stream')
  const out = new Uint8Array(label.length + 2 + 4 + 4 + 16)
  const view = new DataView(out.buffer)
  out.set(label)
  out[label.length] = FORMAT_VERSION
  out[label.length + 1] = SUITE
  view.setUint32(label.length + 2, segmentBytes)
  view.setUint32(label.length + 6, context.partNumber)
  out.set(context.streamId, label.length + 10)
  return out
}

/** Length of the HKDF output that {@link splitSecret} divides. */
export const STREAM_SECRET_BYTES = 32 + COMMITMENT_BYTES + 7

/** Key, commitment and nonce prefix, in this order [S4]. */
export function splitSecret(secret: Uint8Array) {
  return { key: secret.subarray(0, 32), commitment: secret.subarray(32, 64), noncePrefix: secret.subarray(64, 71) }
}

/** Nonce of a segment [S5]: 7 bytes prefix, 4 bytes counter, 1 byte that is 1 for the last segment and 0 for others. */
export function nonceFor(noncePrefix: Uint8Array, index: number, final: boolean): Uint8Array {
  if (index >= MAX_SEGMENTS) throw new RangeError('a stream has at most 2^32 segments')
  const nonce = new Uint8Array(12)
  nonce.set(noncePrefix)
  nonce[7] = index >>> 24
  nonce[8] = index >>> 16
  nonce[9] = index >>> 8
  nonce[10] = index
  nonce[11] = final ? 1 : 0
  return nonce
}

const segmentCount = (plaintext: number, segmentBytes: number) => Math.max(1, Math.ceil(plaintext / segmentBytes))

/** Sealed length, header included, of `plaintext` bytes. */
export function sealedSize(plaintext: number, segmentBytes: number = SEGMENT_BYTES): number {
  return HEADER_BYTES + plaintext + segmentCount(plaintext, segmentBytes) * TAG_BYTES
}

/** The plaintext length of a sealed one. Throws SealError where no stream has this length [S3]. */
export function plaintextSize(sealed: number, segmentBytes: number = SEGMENT_BYTES): number {
  const body = sealed - HEADER_BYTES
  const segments = Math.ceil(body / (segmentBytes + TAG_BYTES))
  const plaintext = body - segments * TAG_BYTES
  if (plaintext < 0 || sealedSize(plaintext, segmentBytes) !== sealed)
    throw new SealError('no sealed stream has this length')
  return plaintext
}

/** The segments that hold a range of plaintext, and where they lie in the sealed stream. */
export interface SegmentSpan {
  readonly firstSegment: number
  /** Inclusive. */
  readonly lastSegment: number
  /** Number of segments of the whole stream. */
  readonly segmentCount: number
  /** Offsets in the sealed stream, header counted; the end is exclusive. */
  readonly sealedStart: number
  readonly sealedEnd: number
  /** Bytes of the first opened segment that lie before the range. */
  readonly skip: number
}

/** `start <= endExclusive <= plaintext`; an empty range still names the segment at `start`. */
export function segmentSpan(
  start: number,
  endExclusive: number,
  plaintext: number,
  segmentBytes: number = SEGMENT_BYTES,
): SegmentSpan {
  if (start < 0 || endExclusive < start || endExclusive > plaintext)
    throw new RangeError('the range is not in the stream')
  const count = segmentCount(plaintext, segmentBytes)
  const firstSegment = Math.min(Math.floor(start / segmentBytes), count - 1)
  const lastSegment = endExclusive === start ? firstSegment : Math.floor((endExclusive - 1) / segmentBytes)
  const stride = segmentBytes + TAG_BYTES
  return {
    firstSegment,
    lastSegment,
    segmentCount: count,
    sealedStart: HEADER_BYTES + firstSegment * stride,
    sealedEnd:
      lastSegment === count - 1 ? sealedSize(plaintext, segmentBytes) : HEADER_BYTES + (lastSegment + 1) * stride,
    skip: start - firstSegment * segmentBytes,
  }
}
