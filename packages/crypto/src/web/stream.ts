/** Sealed streams over Web Crypto, for browsers: the same format, every step a promise. */

import { concat, sameBytes } from '../bytes.ts'
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
import { deriveBytes } from './derive.ts'
import { openGcm, sealGcm } from './gcm.ts'
import { importKey } from './subtle.ts'

/** As the Node provider's, with promises. */
export interface StreamSealer {
  readonly header: Uint8Array
  /** Seals the next plaintext; `chunk` may be changed once the promise has resolved. */
  update(chunk: Uint8Array): Promise<Uint8Array[]>
  final(): Promise<Uint8Array[]>
}

export interface StreamOpener {
  readonly header: StreamHeader
  /** Rejects with SealError where the segment does not authenticate. */
  openSegment(index: number, final: boolean, sealed: Uint8Array): Promise<Uint8Array>
}

interface StreamKeys {
  readonly key: CryptoKey
  readonly commitment: Uint8Array
  readonly noncePrefix: Uint8Array
}

/** A new stream under a fresh salt. */
export async function createSealer(
  dataKey: DataKey,
  context: StreamContext,
  options: { readonly segmentBytes?: number } = {},
): Promise<StreamSealer> {
  const segmentBytes = options.segmentBytes ?? SEGMENT_BYTES
  const salt = crypto.getRandomValues(new Uint8Array(32))
  const keys = await deriveStreamKeys(dataKey, salt, streamInfo(context, segmentBytes))
  let held: Uint8Array = new Uint8Array(0)
  let index = 0
  const seal = async (plaintext: Uint8Array, final: boolean) => {
    return sealGcm(keys.key, nonceFor(keys.noncePrefix, index++, final), plaintext)
  }
  return {
    header: encodeHeader({ segmentBytes, salt, commitment: keys.commitment }),
    async update(chunk) {
      const plaintext = concat([held, chunk])
      const out: Uint8Array[] = []
      let at = 0
      // The nonce says whether a segment is the last, so one is held back until more plaintext follows it.
      for (; plaintext.length - at > segmentBytes; at += segmentBytes) {
        out.push(await seal(plaintext.subarray(at, at + segmentBytes), false))
      }
      held = plaintext.slice(at)
      return out
    },
    async final() {
      return [await seal(held, true)]
    },
  }
}

/** Checks the key commitment before anything else [S6]. Rejects with SealError. */
export async function createOpener(
  dataKey: DataKey,
  header: Uint8Array,
  context: StreamContext,
): Promise<StreamOpener> {
  const decoded = decodeHeader(header)
  const keys = await deriveStreamKeys(dataKey, decoded.salt, streamInfo(context, decoded.segmentBytes))
  if (!sameBytes(keys.commitment, decoded.commitment)) throw new SealError()
  return {
    header: decoded,
    async openSegment(index, final, sealed) {
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

/** Seals a whole plaintext: header and segments in one array. */
export async function sealBytes(
  dataKey: DataKey,
  context: StreamContext,
  plaintext: Uint8Array,
  options: { readonly segmentBytes?: number } = {},
): Promise<Uint8Array> {
  const sealer = await createSealer(dataKey, context, options)
  return concat([sealer.header, ...(await sealer.update(plaintext)), ...(await sealer.final())])
}

/** Opens a range of a whole sealed stream; the whole where no range is given. Rejects with SealError. */
export async function openRange(
  dataKey: DataKey,
  context: StreamContext,
  sealed: Uint8Array,
  start = 0,
  endExclusive?: number,
): Promise<Uint8Array> {
  const opener = await createOpener(dataKey, sealed.subarray(0, HEADER_BYTES), context)
  const { segmentBytes } = opener.header
  const size = plaintextSize(sealed.length, segmentBytes)
  const end = endExclusive ?? size
  const span = segmentSpan(start, end, size, segmentBytes)
  const pieces: Uint8Array[] = []
  for (let index = span.firstSegment; index <= span.lastSegment; index++) {
    const from = HEADER_BYTES + index * (segmentBytes + TAG_BYTES)
    const final = index === span.segmentCount - 1
    pieces.push(await opener.openSegment(index, final, sealed.subarray(from, from + segmentBytes + TAG_BYTES)))
  }
  return concat(pieces).subarray(span.skip, span.skip + end - start)
}

async function deriveStreamKeys(dataKey: DataKey, salt: Uint8Array, info: Uint8Array): Promise<StreamKeys> {
  const { key, commitment, noncePrefix } = splitSecret(
    await deriveBytes(dataKey.bytes(), info, salt, STREAM_SECRET_BYTES),
  )
  const keys = { key: await importKey('AES-GCM', key), commitment, noncePrefix }
  key.fill(0)
  return keys
}
