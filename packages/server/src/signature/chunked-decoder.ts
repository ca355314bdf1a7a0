/**
 * Decoder for `aws-chunked` bodies, signed or not, with or without trailers.
 * Source: AWS S3 API reference, "Signature Calculations ... Transferring Payload in Multiple Chunks" and
 * "... with trailing headers".
 *
 * A signed chunk's bytes are held until its signature has been verified; unsigned ones pass through uncopied.
 */
import { createHash, createHmac } from 'node:crypto'
import { Fault } from '../core/fault.ts'
import { type ChunkSeed, sameText } from './verify.ts'

type State = 'size' | 'data' | 'data-end' | 'trailer' | 'done'

export class ChunkedDecoder {
  readonly #seed: ChunkSeed | undefined
  readonly #expectsTrailer: boolean
  /** Trailing headers by lower-case name, complete once `end` has returned. */
  readonly trailers: Record<string, string> = {}
  #state: State = 'size'
  #line = Buffer.alloc(0)
  #left = 0
  #held: Uint8Array[] = []
  #chunkSignature = ''
  #previousSignature: string
  #trailerText = ''
  #lastChunk = false

  constructor(options: { readonly seed: ChunkSeed | undefined; readonly trailer: boolean }) {
    this.#seed = options.seed
    this.#expectsTrailer = options.trailer
    this.#previousSignature = options.seed?.signature ?? ''
  }

  /** Decodes the next wire bytes. Throws Fault ChunkMalformed or ChunkSignatureMismatch. */
  push(wire: Uint8Array): Uint8Array[] {
    const out: Uint8Array[] = []
    let at = 0
    while (at < wire.length) {
      if (this.#state === 'data') {
        const take = Math.min(this.#left, wire.length - at)
        const piece = wire.subarray(at, at + take)
        if (this.#seed) this.#held.push(piece)
        else out.push(piece)
        this.#left -= take
        at += take
        if (this.#left === 0) {
          if (this.#seed) out.push(...this.#verifyChunk())
          this.#state = 'data-end'
        }
        continue
      }
      if (this.#state === 'done') throw malformed('bytes after the end of the body')
      const newline = wire.indexOf(0x0a, at)
      const end = newline < 0 ? wire.length : newline + 1
      this.#line = Buffer.concat([this.#line, wire.subarray(at, end)])
      at = end
      if (this.#line.length > MAX_LINE_BYTES) throw malformed('a line is too long')
      if (newline < 0) break
      const line = this.#line.subarray(0, this.#line.at(-2) === 0x0d ? -2 : -1).toString('latin1')
      this.#line = Buffer.alloc(0)
      this.#takeLine(line)
    }
    return out
  }

  /** Says that the wire has ended. Throws Fault BodyIncomplete where the body has not. */
  end(receivedBytes: number): void {
    // Some clients leave out the empty line that ends the trailers; what counts has arrived by then.
    if (this.#state === 'trailer' && this.#line.length === 0) this.#endTrailers()
    if (this.#state !== 'done')
      throw new Fault('BodyIncomplete', { expectedBytes: receivedBytes + 1, actualBytes: receivedBytes })
  }

  #takeLine(line: string): void {
    switch (this.#state) {
      case 'size':
        this.#beginChunk(line)
        break
      case 'data-end':
        if (line !== '') throw malformed('a chunk is longer than it says')
        this.#state = 'size'
        break
      case 'trailer':
        if (line === '') this.#endTrailers()
        else this.#takeTrailer(line)
        break
    }
  }

  #beginChunk(line: string): void {
    const [size = '', ...extensions] = line.split(';')
    if (!/^[0-9a-fA-F]{1,10}$/.test(size)) throw malformed('a chunk size is not a number')
    this.#left = Number.parseInt(size, 16)
    if (this.#seed) {
      const signature = extensions.find((extension) => extension.startsWith('chunk-signature='))
      if (signature === undefined) throw malformed('a chunk has no signature')
      if (this.#left > MAX_SIGNED_CHUNK_BYTES) throw malformed('a signed chunk is too large')
      this.#chunkSignature = signature.slice('chunk-signature='.length).trim()
    }
    if (this.#left > 0) {
      this.#state = 'data'
      return
    }
    if (this.#seed) this.#verifyChunk()
    this.#lastChunk = true
    this.#state = 'trailer'
  }

  #takeTrailer(line: string): void {
    this.#trailerText += `${line}\n`
    if (this.#trailerText.length > MAX_TRAILER_BYTES) throw malformed('the trailers are too long')
    const at = line.indexOf(':')
    if (at < 1) throw malformed('a trailer is not a header')
    this.trailers[line.slice(0, at).trim().toLowerCase()] = line.slice(at + 1).trim()
  }

  #endTrailers(): void {
    if (!this.#lastChunk) throw malformed('the body has no last chunk')
    if (this.#seed && this.#expectsTrailer) this.#verifyTrailer(this.#seed)
    this.#state = 'done'
  }

  #verifyChunk(): Uint8Array[] {
    const { signingKey, amzDate, scope } = this.#seed!
    const hash = createHash('sha256')
    for (const piece of this.#held) hash.update(piece)
    const text = `AWS4-HMAC-SHA256-PAYLOAD\n${amzDate}\n${scope}\n${this.#previousSignature}\n${EMPTY_SHA256}\n${hash.digest('hex')}`
    const signature = createHmac('sha256', signingKey).update(text).digest('hex')
    if (!sameText(signature, this.#chunkSignature)) throw new Fault('ChunkSignatureMismatch', {})
    this.#previousSignature = signature
    const verified = this.#held
    this.#held = []
    return verified
  }

  #verifyTrailer({ signingKey, amzDate, scope }: ChunkSeed): void {
    const given = this.trailers['x-amz-trailer-signature'] ?? ''
    const signedText = this.#trailerText
      .split('\n')
      .filter((line) => line !== '' && !line.toLowerCase().startsWith('x-amz-trailer-signature'))
      .map((line) => `${line}\n`)
      .join('')
    const hash = createHash('sha256').update(signedText).digest('hex')
    const text = `AWS4-HMAC-SHA256-TRAILER\n${amzDate}\n${scope}\n${this.#previousSignature}\n${hash}`
    const signature = createHmac('sha256', signingKey).update(text).digest('hex')
    if (!sameText(signature, given)) throw new Fault('ChunkSignatureMismatch', {})
  }
}

const malformed = (reason: string) => new Fault('ChunkMalformed', { reason })
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const MAX_LINE_BYTES = 8 * 1024
const MAX_TRAILER_BYTES = 16 * 1024
/** SDKs send 64 KiB to 1 MiB; each is held in memory until its signature holds. */
const MAX_SIGNED_CHUNK_BYTES = 16 * 1024 * 1024
