/** Whatever the AWS SDK takes as a body, or gives as one, as bytes. */
import { EncryptionError } from '../errors.ts'
import { type Chunks, chunksOf } from './chunks.ts'

/**
 * The bytes of `body`: text (as UTF-8), bytes, a Blob, a ReadableStream, or anything that gives such chunks one after
 * another, as streams of Node.js do; no bytes where there is none. Throws EncryptionError UnsupportedParameter, at the
 * latest where a stream gives something that is neither bytes nor text. Ending the bytes early ends the stream.
 */
export function bytesOf(body: unknown): Chunks {
  if (body === undefined || body === null) return chunksOf(pieces(new Uint8Array(0)), nothing)
  if (typeof body !== 'object') return chunksOf(pieces(toBytes(body)), nothing)
  const bytes = viewOf(body)
  if (bytes) return chunksOf(pieces(bytes), nothing)
  if (isBlob(body)) return bytesOf(body.stream())
  if ('getReader' in body) return readAll((body as ReadableStream<unknown>).getReader())
  if (Symbol.asyncIterator in body) return iterateAll(body as AsyncIterable<unknown>)
  throw unsupported()
}

/** How many bytes {@link bytesOf} will give; `undefined` where only reading tells. */
export function byteLength(body: unknown): number | undefined {
  if (body === undefined || body === null) return 0
  if (typeof body === 'string') return encoder.encode(body).length
  if (typeof body !== 'object') return undefined
  return viewOf(body)?.length ?? (isBlob(body) ? body.size : undefined)
}

function readAll(reader: ReadableStreamDefaultReader<unknown>): Chunks {
  const cancel = () => reader.cancel()
  async function* read() {
    try {
      for (let part = await reader.read(); !part.done; part = await reader.read()) yield* pieces(toBytes(part.value))
    } finally {
      // Of no effect on a stream that has ended.
      await cancel()
    }
  }
  return chunksOf(read(), cancel)
}

function iterateAll(body: AsyncIterable<unknown>): Chunks {
  const iterator = body[Symbol.asyncIterator]()
  async function* read() {
    for await (const chunk of { [Symbol.asyncIterator]: () => iterator }) yield* pieces(toBytes(chunk))
  }
  // A stream of Node.js is ended by `destroy`; its iterator does that only once it has begun, and not while it waits.
  const end = () => ('destroy' in body ? (body as { destroy(): void }).destroy() : iterator.return?.())
  return chunksOf(read(), end)
}

/** Large chunks in parts, so that nobody works on more than a MiB at a time. */
async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES)
}

function toBytes(chunk: unknown): Uint8Array {
  const bytes = typeof chunk === 'string' ? encoder.encode(chunk) : viewOf(chunk)
  if (!bytes) throw unsupported()
  return bytes
}

function viewOf(value: unknown): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  return value instanceof ArrayBuffer ? new Uint8Array(value) : undefined
}

const isBlob = (body: object): body is Blob => 'stream' in body && typeof body.stream === 'function' && 'size' in body

const unsupported = () =>
  new EncryptionError('UnsupportedParameter', 'a body is text, bytes, a Blob, or a stream of bytes or text')

const nothing = () => {}
const encoder = new TextEncoder()
const PIECE_BYTES = 2 ** 20
