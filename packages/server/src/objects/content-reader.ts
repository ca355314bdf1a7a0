/**
 * Opens sealed content: reads only the segments that hold a range, and yields only bytes whose segment has
 * authenticated. Layers compose: what one opens is what the next one takes for sealed bytes.
 */
import { HEADER_BYTES, SealError, segmentSpan, TAG_BYTES } from '@strongroom/crypto'
import { createOpener, type StreamOpener } from '@strongroom/crypto/node'
import { Fault } from '../core/fault.ts'
import type { BlobReader, BlobStore } from '../storage/blobs.ts'
import type { ActiveProtection } from './protection.ts'
import type { StoredStream } from './stored-content.ts'
import type { ObjectContent } from './types.ts'

/** Whole segments read at a time: about 1 MiB. */
const SEGMENTS_PER_READ = 16

/** Bytes that can be read from anywhere. */
interface ByteSource {
  stream(start: number, endExclusive: number): AsyncIterable<Uint8Array>
}

interface OpenStream {
  readonly source: ByteSource
  close(): Promise<void>
}

export class ContentReader {
  readonly #blobs: BlobStore
  readonly #inline: (id: string) => Promise<Uint8Array | undefined>

  /** `inline` gives small sealed content by its id. */
  constructor(blobs: BlobStore, inline: (id: string) => Promise<Uint8Array | undefined>) {
    this.#blobs = blobs
    this.#inline = inline
  }

  /**
   * The bytes from `start` to before `endExclusive` of what `streams` hold one after another.
   * Takes `protection` over: it is wiped when the content is closed or this throws.
   * Throws Fault 'Damaged' where the stored bytes are missing or of another length, or do not fit the keys.
   */
  async open(
    streams: readonly StoredStream[],
    protection: ActiveProtection,
    start: number,
    endExclusive: number,
  ): Promise<ObjectContent> {
    const pieces = piecesOf(streams, start, endExclusive)
    // The first one at once, so that what is missing shows before a reply has begun.
    let current: OpenStream | undefined
    let closed = false
    const close = async () => {
      if (closed) return
      closed = true
      protection.wipe()
      await current?.close()
    }
    const first = pieces[0]!
    try {
      current = await this.#openStream(first.stream, protection)
    } catch (error) {
      await close()
      throw asDamage(error, whereOf(first.stream))
    }
    const openStream = (stream: StoredStream) => this.#openStream(stream, protection)
    async function* chunks(): AsyncIterable<Uint8Array> {
      let piece = first
      try {
        for (piece of pieces) {
          current ??= await openStream(piece.stream)
          for await (const chunk of current.source.stream(piece.start, piece.endExclusive)) {
            if (chunk.length > 0) yield chunk
          }
          const done = current
          current = undefined
          await done.close()
        }
      } catch (error) {
        throw asDamage(error, whereOf(piece.stream))
      } finally {
        await close()
      }
    }
    return { bytes: endExclusive - start, chunks, close }
  }

  async #openStream(stored: StoredStream, protection: ActiveProtection): Promise<OpenStream> {
    if (stored.place.kind === 'inline') {
      const source = await this.#inlineSource(stored)
      return { source: openLayers(stored, protection, source), close: async () => undefined }
    }
    const blob = await this.#blobs.open(stored.place.id)
    if (!blob) throw new Fault('Damaged', { what: whereOf(stored) })
    try {
      if (blob.size !== stored.sealedSize) throw new Fault('Damaged', { what: whereOf(stored) })
      return { source: openLayers(stored, protection, blobSource(blob)), close: () => blob.close() }
    } catch (error) {
      await blob.close()
      throw error
    }
  }

  async #inlineSource(stored: StoredStream): Promise<ByteSource> {
    const bytes = await this.#inline(stored.place.id)
    if (!bytes || bytes.length !== stored.sealedSize) throw new Fault('Damaged', { what: whereOf(stored) })
    return {
      async *stream(start, endExclusive) {
        yield bytes.subarray(start, endExclusive)
      },
    }
  }
}

/** Reads one batch ahead of its consumer. */
function blobSource(blob: BlobReader): ByteSource {
  return {
    async *stream(start, endExclusive) {
      const batch = SEGMENTS_PER_READ * (65_536 + TAG_BYTES)
      const read = (at: number) => {
        const reading = blob.read(at, Math.min(batch, endExclusive - at))
        reading.catch(() => undefined)
        return reading
      }
      let next = start < endExclusive ? read(start) : undefined
      for (let at = start; next !== undefined; ) {
        const bytes: Uint8Array = await next
        if (bytes.length === 0) throw new SealError('the stored bytes end too early')
        at += bytes.length
        next = at < endExclusive ? read(at) : undefined
        yield bytes
      }
    },
  }
}

/** The outermost layer lies on the stored bytes; each next one on what the one around it opens. */
function openLayers(stored: StoredStream, protection: ActiveProtection, bytes: ByteSource): ByteSource {
  const context = { streamId: Buffer.from(stored.streamId, 'hex'), partNumber: stored.partNumber }
  const headers = stored.headers.map((header) => Buffer.from(header, 'base64'))
  if (headers.length !== protection.dataKeys.length) throw new SealError('the number of layers is not that of the keys')
  let source = bytes
  let plaintextSize = stored.sealedSize
  for (let layer = headers.length - 1; layer >= 0; layer--) {
    const opener = createOpener(protection.dataKeys[layer]!, headers[layer]!, context)
    plaintextSize = plaintextOf(plaintextSize, opener.header.segmentBytes)
    source = openedSource(source, opener, plaintextSize)
  }
  if (plaintextSize !== stored.plaintextSize) throw new SealError('the lengths of the layers do not fit')
  return source
}

function plaintextOf(sealed: number, segmentBytes: number): number {
  const segments = Math.max(1, Math.ceil((sealed - HEADER_BYTES) / (segmentBytes + TAG_BYTES)))
  return sealed - HEADER_BYTES - segments * TAG_BYTES
}

function openedSource(below: ByteSource, opener: StreamOpener, plaintextSize: number): ByteSource {
  const { segmentBytes } = opener.header
  const stride = segmentBytes + TAG_BYTES
  return {
    async *stream(start, endExclusive) {
      const span = segmentSpan(start, endExclusive, plaintextSize, segmentBytes)
      let index = span.firstSegment
      let left = endExclusive - start
      let skip = span.skip
      const open = (sealed: Uint8Array) => {
        const plaintext = opener.openSegment(index, index === span.segmentCount - 1, sealed)
        index++
        const piece = plaintext.subarray(skip, skip + left)
        skip = 0
        left -= piece.length
        return piece
      }
      let rest: Uint8Array = new Uint8Array(0)
      for await (const bytes of below.stream(span.sealedStart, span.sealedEnd)) {
        const sealed: Uint8Array = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
        let at = 0
        for (; at + stride <= sealed.length; at += stride) yield open(sealed.subarray(at, at + stride))
        rest = sealed.subarray(at)
      }
      if (rest.length > 0) yield open(rest)
      if (index !== span.lastSegment + 1 || left !== 0) throw new SealError('the stored bytes end too early')
    },
  }
}

/** Which part of each stream a range covers; never empty, so that also an empty object's one segment is opened. */
function piecesOf(streams: readonly StoredStream[], start: number, endExclusive: number) {
  const pieces: { stream: StoredStream; start: number; endExclusive: number }[] = []
  let offset = 0
  for (const stream of streams) {
    const end = offset + stream.plaintextSize
    if (end > start && offset < endExclusive) {
      pieces.push({
        stream,
        start: Math.max(start, offset) - offset,
        endExclusive: Math.min(endExclusive, end) - offset,
      })
    }
    offset = end
  }
  return pieces.length > 0 ? pieces : [{ stream: streams[0]!, start: 0, endExclusive: 0 }]
}

const whereOf = ({ place }: StoredStream) => `${place.kind} ${place.id}`

function asDamage(error: unknown, what: string): unknown {
  return error instanceof SealError ? new Fault('Damaged', { what }, { cause: error }) : error
}
