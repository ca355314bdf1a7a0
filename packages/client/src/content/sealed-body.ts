/**
 * Bodies of the sealed format: one sealed stream (docs/formats/sealed-object.md). Each segment authenticates for
 * itself, so bodies of any size stream, and so do ranges. Numbers in brackets are that document's rules.
 */
import {
  concat,
  type DataKey,
  decodeHeader,
  HEADER_BYTES,
  plaintextSize,
  SealError,
  type StreamContext,
  segmentSpan,
  TAG_BYTES,
} from '@strongroom/crypto'
import { EncryptionError, type EncryptionErrorCode } from '../errors.ts'
import type { BodyOpener, Platform } from '../platform.ts'
import { ChunkReader, type Chunks, chunksOf, collect } from './chunks.ts'
import type { OpenedBody } from './gcm-body.ts'
import type { ByteRange } from './ranges.ts'

/**
 * Seals `source`. `chunks` are the whole body and begin with the header, which is also given by itself, since it
 * commits to the key. The key may be wiped once this has resolved.
 */
export async function sealBody(
  platform: Platform,
  source: Chunks,
  dataKey: DataKey,
  context: StreamContext,
): Promise<{ readonly header: Uint8Array; readonly chunks: Chunks }> {
  const sealer = await platform.sealer(dataKey, context)
  async function* seal() {
    yield sealer.header
    for await (const chunk of source) {
      // Together, since tags are pieces too and a write for each would cost more than the copy.
      const sealed = concat(await sealer.update(chunk))
      if (sealed.length > 0) yield sealed
    }
    yield concat(await sealer.final())
  }
  return { header: sealer.header, chunks: chunksOf(seal(), () => source.return()) }
}

/**
 * Opens a whole body of `sealedBytes`. Resolves once the header has proved the key; each segment is given out once it
 * has authenticated, the last one once the body has proved to end there. Throws EncryptionError, here or while chunks
 * are read: CommitmentMismatch, BodyNotAuthentic. The key may be wiped once this has resolved.
 */
export async function openSealedBody(
  platform: Platform,
  sealed: Chunks,
  sealedBytes: number,
  dataKey: DataKey,
  context: StreamContext,
): Promise<OpenedBody> {
  const reader = new ChunkReader(sealed)
  try {
    const header = await reader.take(HEADER_BYTES)
    const stream = await openStream(platform, header, sealedBytes, dataKey, context)
    const chunks = openSegments(stream, reader, 0, stream.segmentCount - 1)
    return { plaintextBytes: stream.plaintextBytes, chunks: chunksOf(chunks, () => sealed.return()) }
  } catch (error) {
    await reader.close()
    throw error
  }
}

export interface SealedRange {
  /** The body's first 72 bytes. */
  readonly header: Uint8Array
  readonly sealedBytes: number
  /** Of plaintext; it begins within it. */
  readonly range: ByteRange
  /** The stored bytes from `start` on, up to and without `endExclusive`. */
  readonly fetch: (start: number, endExclusive: number) => Promise<Chunks>
}

export interface OpenedRange extends OpenedBody {
  /** What of the range there is; `plaintextBytes` is the length of the whole. */
  readonly range: ByteRange
}

/**
 * Opens a range. The last segment is read first, whatever the range: it proves how long the body is, so that a body cut
 * short shows before a byte is given out. Apart from it no segment is read that does not hold some of the range. Throws
 * as {@link openSealedBody} does, and RangeError where the range begins behind the end.
 */
export async function openSealedRange(
  platform: Platform,
  { header, sealedBytes, range, fetch }: SealedRange,
  dataKey: DataKey,
  context: StreamContext,
): Promise<OpenedRange> {
  const stream = await openStream(platform, header, sealedBytes, dataKey, context)
  const { plaintextBytes, segmentBytes } = stream
  const { start } = range
  const endExclusive = Math.min(range.endExclusive, plaintextBytes)
  const span = segmentSpan(start, endExclusive, plaintextBytes, segmentBytes)

  const final = span.segmentCount - 1
  const finalReader = new ChunkReader(await fetch(offsetOf(stream, final), sealedBytes))
  const finalSegment = await collect(openSegments(stream, finalReader, final, final))

  const lastBefore = Math.min(span.lastSegment, final - 1)
  const source =
    span.firstSegment <= lastBefore
      ? await fetch(offsetOf(stream, span.firstSegment), offsetOf(stream, lastBefore + 1))
      : undefined
  async function* segments() {
    if (source) yield* openSegments(stream, new ChunkReader(source), span.firstSegment, lastBefore)
    if (span.lastSegment === final) yield finalSegment
  }
  const chunks = chunksOf(cut(segments(), span.skip, endExclusive - start), () => source?.return())
  return { plaintextBytes, range: { start, endExclusive }, chunks }
}

interface SealedStream {
  readonly opener: BodyOpener
  readonly sealedBytes: number
  readonly plaintextBytes: number
  readonly segmentBytes: number
  readonly segmentCount: number
}

/** Checks the header and what it commits to [S1, S6], and that a stream of this length exists [S3]. */
async function openStream(
  platform: Platform,
  header: Uint8Array,
  sealedBytes: number,
  dataKey: DataKey,
  context: StreamContext,
): Promise<SealedStream> {
  const { segmentBytes } = await refuseAs('BodyNotAuthentic', () => decodeHeader(header))
  const plaintextBytes = await refuseAs('BodyNotAuthentic', () => plaintextSize(sealedBytes, segmentBytes))
  const opener = await refuseAs('CommitmentMismatch', () => platform.opener(dataKey, header, context))
  const { segmentCount } = segmentSpan(0, plaintextBytes, plaintextBytes, segmentBytes)
  return { opener, sealedBytes, plaintextBytes, segmentBytes, segmentCount }
}

/** Where a segment begins in the sealed stream. */
const offsetOf = ({ segmentBytes }: SealedStream, index: number) => HEADER_BYTES + index * (segmentBytes + TAG_BYTES)

/** Opens the segments `first` to `last`, which are what `reader` holds, neither less nor more; closes it. */
async function* openSegments(
  stream: SealedStream,
  reader: ChunkReader,
  first: number,
  last: number,
): AsyncGenerator<Uint8Array, void> {
  const { opener, sealedBytes, segmentBytes, segmentCount } = stream
  try {
    for (let index = first; index <= last; index++) {
      const final = index === segmentCount - 1
      const sealed = await reader.take(final ? sealedBytes - offsetOf(stream, index) : segmentBytes + TAG_BYTES)
      const plaintext = await refuseAs('BodyNotAuthentic', () => opener.openSegment(index, final, sealed))
      if (index === last && !(await reader.ended())) throw new EncryptionError('BodyNotAuthentic')
      if (plaintext.length > 0) yield plaintext
    }
  } finally {
    await reader.close()
  }
}

/** Leaves out `skip` bytes, then gives `length`. */
async function* cut(source: AsyncIterable<Uint8Array>, skip: number, length: number) {
  let from = skip
  let left = length
  for await (const chunk of source) {
    const piece = chunk.subarray(from, from + left)
    from = 0
    left -= piece.length
    if (piece.length > 0) yield piece
  }
}

async function refuseAs<T>(code: EncryptionErrorCode, open: () => Promise<T> | T): Promise<T> {
  try {
    return await open()
  } catch (error) {
    throw error instanceof SealError ? new EncryptionError(code) : error
  }
}
