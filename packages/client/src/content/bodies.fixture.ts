/** Bodies for tests: in chunks of any size, with a look at whether they were freed. */
import { nodePlatform } from '../node/platform.ts'
import { webPlatform } from '../web/platform.ts'
import { type Chunks, chunksOf } from './chunks.ts'

export const PLATFORMS = [
  ['node', nodePlatform],
  ['web', webPlatform],
] as const

/** Where chunks, segments and blocks begin and end. */
export const SIZES = [0, 1, 15, 16, 17, 65_535, 65_536, 65_537, 2 ** 20 - 1, 2 ** 20, 2 ** 20 + 1]

export const hex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'))

/** `length` bytes that do not repeat soon. */
export function patterned(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >>> 8)) & 0xff
  return bytes
}

/** Chunks that know whether they have been read to their end, or ended early. */
export interface WatchedChunks extends Chunks {
  readonly freed: boolean
}

export function chunked(bytes: Uint8Array, size = 65_536): WatchedChunks {
  let freed = false
  async function* read() {
    try {
      for (let at = 0; at < bytes.length; at += size) yield copyOf(bytes.subarray(at, at + size))
    } finally {
      freed = true
    }
  }
  const chunks = chunksOf(read(), () => {
    freed = true
  })
  return Object.defineProperty(chunks, 'freed', { get: () => freed }) as WatchedChunks
}

/** What came out before the end, or before the error that `code` tells. */
export async function reading(chunks: AsyncIterable<Uint8Array>): Promise<{ bytes: Uint8Array; code?: string }> {
  const pieces: Uint8Array[] = []
  try {
    for await (const piece of chunks) pieces.push(piece)
    return { bytes: Buffer.concat(pieces) }
  } catch (error) {
    return { bytes: Buffer.concat(pieces), code: (error as { code: string }).code }
  }
}

export const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0

/** As `slice` gives of all but a Buffer. */
export const copyOf = (bytes: Uint8Array) => new Uint8Array(bytes)

/** Every way to change a small body: each bit flipped, each length cut to, bytes added in front or behind. */
export function* changed(body: Uint8Array): Generator<Uint8Array> {
  for (let bit = 0; bit < body.length * 8; bit++) {
    const flipped = copyOf(body)
    flipped[bit >>> 3]! ^= 1 << (bit & 7)
    yield flipped
  }
  for (let length = 0; length < body.length; length++) yield body.subarray(0, length)
  for (const extra of [[0], [255], new Array(16).fill(0)]) {
    yield Uint8Array.from([...body, ...extra])
    yield Uint8Array.from([...extra, ...body])
  }
}
