/** Sealed streams over node:crypto: the server's hot path. Rules in brackets are those of docs/formats/sealed-object.md. */
import { createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'
import type { DataKey } from '../data-key.ts'
import { SealError } from '../errors.ts'
import {
  decodeHeader,
  encodeHeader,
  HEADER_BYTES,
  nonceFor,
  plaintextSize,
  SEGMENT_BYTES,
  STREAM_SECRET_BYTES,
  type StreamContext,
  type StreamHeader,
  segmentSpan,
  splitSecret,
  streamInfo,
  TAG_BYTES,
} from '../format.ts'
import { deriveKey } from './derive.ts'
import { openGcm, sealGcm } from './gcm.ts'
import { freshBytes } from './random.ts'

/** Seals one stream. Write `header` first, then what `update` and `final` return, in order. */
export interface StreamSealer {
  readonly header: Uint8Array
  /** Seals the next plaintext; `chunk` is not kept. */
  update(chunk: Uint8Array): Uint8Array[]
  /** Ends the stream; the sealer is of no use afterwards. */
  final(): Uint8Array[]
}

/** Opens one stream's segments in any order. */
export interface StreamOpener {
  readonly header: StreamHeader
  /** `sealed`: ciphertext and tag. Throws SealError and yields nothing where the segment does not authenticate. */
  openSegment(index: number, final: boolean, sealed: Uint8Array): Uint8Array
}

interface StreamKeys {
  readonly key: KeyObject
  readonly commitment: Uint8Array
  readonly noncePrefix: Uint8Array
}

/** A new stream under a fresh salt. `dataKey` may be wiped as soon as this returns. */
export function createSealer(
  dataKey: DataKey,
  context: StreamContext,
  options: { readonly segmentBytes?: number } = {},
): StreamSealer {
  const segmentBytes = options.segmentBytes ?? SEGMENT_BYTES
  const salt = freshBytes(32)
  const keys = deriveStreamKeys(dataKey, salt, streamInfo(context, segmentBytes))
  return new Sealer(keys, encodeHeader({ segmentBytes, salt, commitment: keys.commitment }), segmentBytes)
}

/** Checks the key commitment, in constant time, before anything else [S6]. Throws SealError. */
export function createOpener(dataKey: DataKey, header: Uint8Array, context: StreamContext): StreamOpener {
  const decoded = decodeHeader(header)
  const keys = deriveStreamKeys(dataKey, decoded.salt, streamInfo(context, decoded.segmentBytes))
  if (!timingSafeEqual(keys.commitment, decoded.commitment)) throw new SealError()
  return {
    header: decoded,
    openSegment(index, final, sealed) {
      const size = sealed.length - TAG_BYTES
      // Every segment is full but the last, which is empty only in an empty stream [S2, S3].
      const wellSized = final
        ? size <= decoded.segmentBytes && (size > 0 || index === 0)
        : size === decoded.segmentBytes
      if (!wellSized) throw new SealError()
      return openGcm(keys.key, nonceFor(keys.noncePrefix, index, final), sealed)
    },
  }
}

class Sealer implements StreamSealer {
  readonly header: Uint8Array
  readonly #keys: StreamKeys
  readonly #segmentBytes: number
  /** Plaintext bytes in the segment under way. */
  #filled = 0
  #index = 0

  constructor(keys: StreamKeys, header: Uint8Array, segmentBytes: number) {
    this.#keys = keys
    this.header = header
    this.#segmentBytes = segmentBytes
  }

  // The nonce says whether a segment is the last, so a full segment is sealed only when more plaintext follows it.
  // Its bytes are therefore held back: at most one segment, by reference to copies that this sealer owns.
  readonly #held: Uint8Array[] = []

  update(chunk: Uint8Array): Uint8Array[] {
    const out: Uint8Array[] = []
    let at = 0
    while (at < chunk.length) {
      if (this.#filled === this.#segmentBytes) this.#sealHeld(false, out)
      const take = Math.min(this.#segmentBytes - this.#filled, chunk.length - at)
      const rest = chunk.length - at
      if (this.#filled === 0 && rest > this.#segmentBytes) {
        // A whole segment with more behind it: sealed straight from the caller's bytes.
        this.#sealPieces([chunk.subarray(at, at + this.#segmentBytes)], false, out)
      } else if (this.#filled + rest > this.#segmentBytes) {
        // This chunk fills the held segment and goes on: no copy is needed either.
        this.#held.push(chunk.subarray(at, at + take))
        this.#filled += take
        this.#sealHeld(false, out)
      } else {
        this.#held.push(Uint8Array.from(chunk.subarray(at, at + take)))
        this.#filled += take
      }
      at += take
    }
    return out
  }

  final(): Uint8Array[] {
    const out: Uint8Array[] = []
    this.#sealHeld(true, out)
    return out
  }

  #sealHeld(final: boolean, out: Uint8Array[]): void {
    this.#sealPieces(this.#held, final, out)
    this.#held.length = 0
    this.#filled = 0
  }

  #sealPieces(pieces: readonly Uint8Array[], final: boolean, out: Uint8Array[]): void {
    const nonce = nonceFor(this.#keys.noncePrefix, this.#index++, final)
    for (const sealed of sealGcm(this.#keys.key, nonce, pieces)) out.push(sealed)
  }
}

function deriveStreamKeys(dataKey: DataKey, salt: Uint8Array, info: Uint8Array): StreamKeys {
  const secret = deriveKey(dataKey.bytes(), info, salt, STREAM_SECRET_BYTES)
  const { key, commitment, noncePrefix } = splitSecret(secret)
  const keys = { key: createSecretKey(key), commitment, noncePrefix }
  key.fill(0)
  return keys
}

/** Seals a whole plaintext: header and segments in one array. */
export function sealBytes(
  dataKey: DataKey,
  context: StreamContext,
  plaintext: Uint8Array,
  options: { readonly segmentBytes?: number } = {},
): Uint8Array {
  const sealer = createSealer(dataKey, context, options)
  return Buffer.concat([sealer.header, ...sealer.update(plaintext), ...sealer.final()])
}

/** Opens a range of a whole sealed stream; the whole where no range is given. Throws SealError. */
export function openRange(
  dataKey: DataKey,
  context: StreamContext,
  sealed: Uint8Array,
  start = 0,
  endExclusive?: number,
): Uint8Array {
  const opener = createOpener(dataKey, sealed.subarray(0, HEADER_BYTES), context)
  const { segmentBytes } = opener.header
  const size = plaintextSize(sealed.length, segmentBytes)
  const end = endExclusive ?? size
  const span = segmentSpan(start, end, size, segmentBytes)
  const pieces: Uint8Array[] = []
  for (let index = span.firstSegment; index <= span.lastSegment; index++) {
    const from = HEADER_BYTES + index * (segmentBytes + TAG_BYTES)
    const final = index === span.segmentCount - 1
    pieces.push(opener.openSegment(index, final, sealed.subarray(from, from + segmentBytes + TAG_BYTES)))
  }
  return Buffer.concat(pieces).subarray(span.skip, span.skip + end - start)
}
