/**
 * Opens sealed content: reads only the segments that hold a range, and yields only bytes whose segment has
 * authenticated. Layers compose: what one opens is what the next one takes for sealed bytes.
 */
import { HEADER_BYTES, SealError, segmentSpan, TAG_BYTES } from '@strongroom/crypto'
import { createOpener, type StreamOpener } from '@strongroom/crypto/node'
import { BLOCK_BYTES, giveBlockBack, takeBlock } from '../core/block-pool.ts'
import { Fault } from '../core/fault.ts'
import { memoryPasses } from '../core/passing-memory.ts'
import type { BlobReader, BlobStore } from '../storage/blobs.ts'
import { CryptoWork, type WorkCounts } from './crypto-work.ts'
import type { ActiveProtection } from './protection.ts'
import { RecentOpeners } from './recent-openers.ts'
import type { StoredStream } from './stored-content.ts'
import type { ObjectContent } from './types.ts'

const NOTHING: Uint8Array = new Uint8Array(0)

/** Bytes that can be read from anywhere. */
interface ByteSource {
  stream(start: number, endExclusive: number): AsyncIterable<Uint8Array>
}

/** A range of one stream's plaintext. */
interface Piece {
  readonly stream: StoredStream
  readonly start: number
  readonly endExclusive: number
}

interface OpenStream {
  readonly source: ByteSource
  close(): Promise<void>
}

export class ContentReader {
  readonly #blobs: BlobStore
  readonly #inline: (id: string) => Promise<Uint8Array | undefined>
  readonly #work: CryptoWork

  /** `inline` gives small sealed content by its id. */
  constructor(
    blobs: BlobStore,
    inline: (id: string) => Promise<Uint8Array | undefined>,
    work: CryptoWork = new CryptoWork(),
  ) {
    this.#blobs = blobs
    this.#inline = inline
    this.#work = work
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
    if (pieces.length === 1 && pieces[0]!.stream.place.kind === 'inline') {
      return this.#openSmall(pieces[0]!, protection)
    }
    // The first one at once, so that what is missing shows before a reply has begun; and what lies inline, which goes with
    // its version, while a blob outlives it for those who are reading. Only the last part of an upload can be so small.
    let inline: ReadonlyMap<StoredStream, Uint8Array>
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
      inline = await this.#inlineOf(pieces)
      current = await this.#openStream(first.stream, protection, inline)
    } catch (error) {
      await close()
      throw asDamage(error, whereOf(first.stream))
    }
    const openStream = (stream: StoredStream) => this.#openStream(stream, protection, inline)
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
    return { bytes: endExclusive - start, whole: undefined, chunks, close }
  }

  /** Small content is opened at once, all of its segments. */
  async #openSmall({ stream, start, endExclusive }: Piece, protection: ActiveProtection): Promise<ObjectContent> {
    try {
      let bytes = await this.#inlineBytes(stream)
      const openers = openersOf(stream, protection)
      const work = this.#work.of('open', protection.stored.method)
      const begunMs = work.begin()
      for (const opener of openers) bytes = openAll(opener, bytes)
      work.end(begunMs, bytes.length)
      if (bytes.length !== stream.plaintextSize) throw new SealError('the lengths of the layers do not fit')
      const whole = bytes.subarray(start, endExclusive)
      return {
        bytes: whole.length,
        whole,
        async *chunks() {
          if (whole.length > 0) yield whole
        },
        close: async () => undefined,
      }
    } catch (error) {
      throw asDamage(error, whereOf(stream))
    } finally {
      protection.wipe()
    }
  }

  async #inlineOf(pieces: readonly Piece[]): Promise<ReadonlyMap<StoredStream, Uint8Array>> {
    const found = new Map<StoredStream, Uint8Array>()
    for (const { stream } of pieces) {
      if (stream.place.kind === 'inline') found.set(stream, await this.#inlineBytes(stream))
    }
    return found
  }

  async #openStream(
    stored: StoredStream,
    protection: ActiveProtection,
    inline: ReadonlyMap<StoredStream, Uint8Array>,
  ): Promise<OpenStream> {
    if (stored.place.kind === 'inline') {
      const bytes = inline.get(stored)!
      const source: ByteSource = {
        async *stream(start, endExclusive) {
          yield bytes.subarray(start, endExclusive)
        },
      }
      return { source: this.#openLayers(stored, protection, source), close: async () => undefined }
    }
    const blob = await this.#blobs.open(stored.place.id)
    if (!blob) throw new Fault('Damaged', { what: whereOf(stored) })
    try {
      if (blob.size !== stored.sealedSize) throw new Fault('Damaged', { what: whereOf(stored) })
      return { source: this.#openLayers(stored, protection, blobSource(blob)), close: () => blob.close() }
    } catch (error) {
      await blob.close()
      throw error
    }
  }

  /** The outermost layer lies on the stored bytes; each next one on what the one around it opens. */
  #openLayers(stored: StoredStream, protection: ActiveProtection, bytes: ByteSource): ByteSource {
    const work = this.#work.of('open', protection.stored.method)
    const openers = openersOf(stored, protection)
    let source = bytes
    let plaintextSize = stored.sealedSize
    for (const [i, opener] of openers.entries()) {
      plaintextSize = plaintextOf(plaintextSize, opener.header.segmentBytes)
      source = openedSource(source, opener, plaintextSize, { counts: work, isLast: i === openers.length - 1 })
    }
    if (plaintextSize !== stored.plaintextSize) throw new SealError('the lengths of the layers do not fit')
    return source
  }

  async #inlineBytes(stored: StoredStream): Promise<Uint8Array> {
    const bytes = await this.#inline(stored.place.id)
    if (!bytes || bytes.length !== stored.sealedSize) throw new Fault('Damaged', { what: whereOf(stored) })
    return bytes
  }
}

/** Reads one batch ahead of its consumer. What it yields stays as it is until the consumer asks for more. */
function blobSource(blob: BlobReader): ByteSource {
  return {
    async *stream(start, endExclusive) {
      // One block is consumed while the other is read.
      const blocks = [takeBlock(), takeBlock()]
      let turn = 0
      let reading: Promise<Uint8Array> | undefined
      const read = (at: number) => {
        reading = blob.read(at, Math.min(BLOCK_BYTES, endExclusive - at), blocks[turn++ % 2])
        // Whoever awaits it sees the failure; until then it is not an unhandled one.
        reading.catch(() => undefined)
      }
      try {
        for (let at = start; at < endExclusive; ) {
          if (!reading) read(at)
          const bytes: Uint8Array = await reading!
          reading = undefined
          if (bytes.length === 0) throw new SealError('the stored bytes end too early')
          at += bytes.length
          if (at < endExclusive) read(at)
          yield bytes
        }
      } finally {
        await reading?.catch(() => undefined)
        for (const block of blocks) giveBlockBack(block)
      }
    },
  }
}

/** One opener for each layer, the outermost first. */
function openersOf(stored: StoredStream, { stored: { method }, dataKeys }: ActiveProtection): StreamOpener[] {
  const { headers, streamId, partNumber } = stored
  if (headers.length !== dataKeys.length) throw new SealError('the number of layers is not that of the keys')
  return headers
    .map((header, layer) => {
      const dataKey = dataKeys[layer]!
      // Nothing that opens an SSE-C object outlives the request that brought its key.
      if (method !== 'SSE-C') return recentOpeners.open(dataKey, header, streamId, partNumber)
      const context = { streamId: Buffer.from(streamId, 'hex'), partNumber }
      return createOpener(dataKey, Buffer.from(header, 'base64'), context)
    })
    .reverse()
}

const recentOpeners = new RecentOpeners()

/** All that lies under one layer; `sealed` begins with its header. */
function openAll(opener: StreamOpener, sealed: Uint8Array): Uint8Array {
  const stride = opener.header.segmentBytes + TAG_BYTES
  const pieces: Uint8Array[] = []
  for (let at = HEADER_BYTES; at < sealed.length; at += stride) {
    const final = at + stride >= sealed.length
    pieces.push(opener.openSegment(pieces.length, final, sealed.subarray(at, at + stride)))
  }
  if (pieces.length === 0) throw new SealError('the stored bytes end too early')
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
}

function plaintextOf(sealed: number, segmentBytes: number): number {
  const segments = Math.max(1, Math.ceil((sealed - HEADER_BYTES) / (segmentBytes + TAG_BYTES)))
  return sealed - HEADER_BYTES - segments * TAG_BYTES
}

/** `isLast`: what this layer opens is the plaintext, which is counted once. */
function openedSource(
  below: ByteSource,
  opener: StreamOpener,
  plaintextSize: number,
  work: { readonly counts: WorkCounts; readonly isLast: boolean },
): ByteSource {
  const { segmentBytes } = opener.header
  const stride = segmentBytes + TAG_BYTES
  return {
    async *stream(start, endExclusive) {
      const span = segmentSpan(start, endExclusive, plaintextSize, segmentBytes)
      let index = span.firstSegment
      let left = endExclusive - start
      let skip = span.skip
      const open = (sealed: Uint8Array) => {
        const begunMs = work.counts.begin()
        const plaintext = opener.openSegment(index, index === span.segmentCount - 1, sealed)
        work.counts.end(begunMs, work.isLast ? plaintext.length : 0)
        index++
        memoryPasses(plaintext.length)
        const piece = plaintext.subarray(skip, skip + left)
        skip = 0
        left -= piece.length
        return piece
      }
      let rest = NOTHING
      for await (const bytes of below.stream(span.sealedStart, span.sealedEnd)) {
        const sealed: Uint8Array = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
        let at = 0
        for (; at + stride <= sealed.length; at += stride) yield open(sealed.subarray(at, at + stride))
        // A copy: these bytes may be overwritten by the next ones.
        rest = at < sealed.length ? Uint8Array.from(sealed.subarray(at)) : NOTHING
      }
      if (rest.length > 0) yield open(rest)
      if (index !== span.lastSegment + 1 || left !== 0) throw new SealError('the stored bytes end too early')
    },
  }
}

/** Which part of each stream a range covers; never empty, so that also an empty object's one segment is opened. */
function piecesOf(streams: readonly StoredStream[], start: number, endExclusive: number): Piece[] {
  const pieces: Piece[] = []
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
