/**
 * Seals a body while it arrives: digest, seal, stage. Nothing of it is kept unless all that was promised of the body
 * holds. The first layer's header and segments are the next layer's plaintext (DSSE-KMS).
 */
import { crc32c } from '@node-rs/crc32'
import { createSealer, freshHex, type StreamSealer } from '@strongroom/crypto/node'
import { giveBlockBack, takeBlock } from '../core/block-pool.ts'
import { Fault } from '../core/fault.ts'
import { memoryPasses } from '../core/passing-memory.ts'
import type { BlobStore, StagedBlob } from '../storage/blobs.ts'
import { CryptoWork } from './crypto-work.ts'
import { type Digest, type DigestAlgorithm, startDigest } from './digests.ts'
import type { ActiveProtection } from './protection.ts'
import type { StoredStream } from './stored-content.ts'
import type { ChecksumAlgorithm, IncomingBody } from './types.ts'

export interface WrittenContent {
  readonly stream: StoredStream
  /**
   * Hex. Only SSE-S3 content has its MD5 as ETag; of other content it would tell something, so there it is random
   * (AWS API reference, "Object": ETag).
   */
  readonly etag: string
  readonly checksum: PlainChecksum
  /** What the client announced and was held to, where that is another algorithm. */
  readonly announcedChecksum: PlainChecksum | undefined
  /** Small sealed content, for the commit; undefined where it went to a blob. */
  readonly inline: Uint8Array | undefined
  /** Makes a staged blob durable, or removes it and throws. */
  keep(): Promise<void>
  /** Removes the blob, kept or not. */
  discard(): Promise<void>
}

export interface WriteOptions {
  /** 16 bytes. */
  readonly streamId: Uint8Array
  readonly partNumber: number
  readonly maxBytes: number
  /** Of the checksum to be stored; what the client announces is verified besides. */
  readonly checksumAlgorithm: ChecksumAlgorithm
}

interface PlainChecksum {
  readonly algorithm: ChecksumAlgorithm
  /** Base64. */
  readonly value: string
}

/** Sealed content up to this size lives in the catalog, where one group commit makes many of them durable. */
const INLINE_BYTES = 16 * 1024

export class ContentWriter {
  readonly #blobs: BlobStore
  readonly #work: CryptoWork

  constructor(blobs: BlobStore, work = new CryptoWork()) {
    this.#blobs = blobs
    this.#work = work
  }

  /** Throws what the body throws, BodyTooLarge, BodyIncomplete or DigestMismatch; then nothing is left behind. */
  async write(body: IncomingBody, protection: ActiveProtection, options: WriteOptions): Promise<WrittenContent> {
    const digests = await BodyDigests.start(body, protection.stored.method === 'AES256', options.checksumAlgorithm)
    const sealing = new Sealing(protection, options)
    const work = this.#work.of('seal', protection.stored.method)
    const sink = new SealedSink(this.#blobs)
    let plaintextSize = 0
    try {
      await sink.write(sealing.head())
      for await (const chunk of body.chunks) {
        plaintextSize += chunk.length
        if (plaintextSize > options.maxBytes) {
          throw new Fault('BodyTooLarge', {
            maxBytes: options.maxBytes,
            proposedBytes: body.declaredBytes ?? plaintextSize,
          })
        }
        digests.update(chunk)
        const begunMs = work.begin()
        const sealed = sealing.update(chunk)
        work.end(begunMs, chunk.length)
        await sink.write(sealed)
        // Once as plaintext and once sealed.
        memoryPasses(2 * chunk.length)
      }
      if (body.declaredBytes !== undefined && plaintextSize !== body.declaredBytes) {
        throw new Fault('BodyIncomplete', { expectedBytes: body.declaredBytes, actualBytes: plaintextSize })
      }
      const facts = digests.check(body)
      const begunMs = work.begin()
      const last = sealing.final()
      work.end(begunMs, 0)
      await sink.write(last)
      const end = await sink.end()
      const stream: StoredStream = {
        streamId: Buffer.from(options.streamId).toString('hex'),
        partNumber: options.partNumber,
        plaintextSize,
        sealedSize: end.sealedSize,
        headers: sealing.headers.map((header) => Buffer.from(header).toString('base64')),
        sealedCrc32c: end.crc32c,
        place: end.blob ? { kind: 'blob', id: end.blob.id } : { kind: 'inline', id: freshHex(12) },
      }
      return {
        stream,
        ...facts,
        inline: end.inline,
        keep: () => sink.keep(),
        discard: () => sink.discard(),
      }
    } catch (error) {
      await sink.discard()
      throw error
    }
  }
}

/** The sealers of all layers in a row. */
class Sealing {
  readonly #layers: readonly StreamSealer[]

  constructor(protection: ActiveProtection, context: { readonly streamId: Uint8Array; readonly partNumber: number }) {
    this.#layers = protection.dataKeys.map((dataKey) => createSealer(dataKey, context))
  }

  get headers(): Uint8Array[] {
    return this.#layers.map((layer) => layer.header)
  }

  /** What comes before the first plaintext: each layer's header, sealed by the layers above it. */
  head(): Uint8Array[] {
    let out: Uint8Array[] = []
    for (const layer of this.#layers) out = [layer.header, ...out.flatMap((piece) => layer.update(piece))]
    return out
  }

  update(chunk: Uint8Array): Uint8Array[] {
    let pieces = [chunk]
    for (const layer of this.#layers) pieces = pieces.flatMap((piece) => layer.update(piece))
    return pieces
  }

  final(): Uint8Array[] {
    let pieces: Uint8Array[] = []
    for (const layer of this.#layers) pieces = [...pieces.flatMap((piece) => layer.update(piece)), ...layer.final()]
    return pieces
  }
}

/** Collects sealed bytes: small content stays in memory, larger goes to a staged blob in large writes. */
class SealedSink {
  readonly #blobs: BlobStore
  #blob: StagedBlob | undefined
  #state: 'staged' | 'kept' | 'gone' = 'staged'
  /** What has come while it may still turn out to be small content. */
  #small: Uint8Array[] | undefined = []
  /** One block is filled while the other is written. */
  #filling: Uint8Array | undefined
  #filled = 0
  #other: Uint8Array | undefined
  #sealedSize = 0
  #crc = 0
  #writing: Promise<void> = Promise.resolve()

  constructor(blobs: BlobStore) {
    this.#blobs = blobs
  }

  async write(pieces: readonly Uint8Array[]): Promise<void> {
    for (const piece of pieces) {
      this.#sealedSize += piece.length
      this.#crc = crc32c(Buffer.from(piece.buffer, piece.byteOffset, piece.length), this.#crc)
      if (this.#small && this.#sealedSize <= INLINE_BYTES) this.#small.push(piece)
      else {
        for (const earlier of this.#small ?? []) await this.#append(earlier)
        this.#small = undefined
        await this.#append(piece)
      }
    }
  }

  async end(): Promise<{
    sealedSize: number
    crc32c: number
    blob: StagedBlob | undefined
    inline: Uint8Array | undefined
  }> {
    const facts = { sealedSize: this.#sealedSize, crc32c: this.#crc >>> 0 }
    if (this.#small) return { ...facts, blob: undefined, inline: Buffer.concat(this.#small) }
    await this.#flush()
    await this.#writing
    this.#giveBlocksBack()
    return { ...facts, blob: this.#blob, inline: undefined }
  }

  async keep(): Promise<void> {
    if (!this.#blob) return
    try {
      await this.#blob.keep()
      this.#state = 'kept'
    } catch (error) {
      await this.discard()
      throw error
    }
  }

  async discard(): Promise<void> {
    const blob = this.#blob
    if (!blob || this.#state === 'gone') return
    const wasKept = this.#state === 'kept'
    this.#state = 'gone'
    // A write under way must end before its file is closed; how it ends no longer matters.
    await this.#writing.catch(() => undefined)
    this.#giveBlocksBack()
    if (wasKept) await this.#blobs.delete(blob.id)
    else await blob.discard()
  }

  async #append(piece: Uint8Array): Promise<void> {
    for (let at = 0; at < piece.length; ) {
      this.#filling ??= takeBlock()
      const take = Math.min(this.#filling.length - this.#filled, piece.length - at)
      this.#filling.set(at === 0 && take === piece.length ? piece : piece.subarray(at, at + take), this.#filled)
      this.#filled += take
      at += take
      if (this.#filled === this.#filling.length) await this.#flush()
    }
  }

  async #flush(): Promise<void> {
    this.#blob ??= await this.#blobs.stage()
    await this.#writing
    if (!this.#filling || this.#filled === 0) return
    this.#writing = this.#blob.write([this.#filling.subarray(0, this.#filled)])
    // Whoever awaits it next sees the failure; until then it is not an unhandled one.
    this.#writing.catch(() => undefined)
    const written = this.#filling
    this.#filling = this.#other
    this.#other = written
    this.#filled = 0
  }

  /** Only once no write is under way. */
  #giveBlocksBack(): void {
    for (const block of [this.#filling, this.#other]) if (block) giveBlockBack(block)
    this.#filling = undefined
    this.#other = undefined
  }
}

/** Takes the digests that the client announced or the ETag needs, and holds the client to them. */
class BodyDigests {
  readonly #digests: ReadonlyMap<DigestAlgorithm, Digest>
  readonly #etagIsMd5: boolean
  readonly #checksumAlgorithm: ChecksumAlgorithm

  private constructor(
    digests: ReadonlyMap<DigestAlgorithm, Digest>,
    etagIsMd5: boolean,
    checksumAlgorithm: ChecksumAlgorithm,
  ) {
    this.#digests = digests
    this.#etagIsMd5 = etagIsMd5
    this.#checksumAlgorithm = checksumAlgorithm
  }

  static async start(
    body: IncomingBody,
    etagIsMd5: boolean,
    checksumAlgorithm: ChecksumAlgorithm,
  ): Promise<BodyDigests> {
    const wanted = new Set<DigestAlgorithm>([checksumAlgorithm])
    if (body.checksumAlgorithm) wanted.add(body.checksumAlgorithm)
    if (etagIsMd5 || body.needsMd5) wanted.add('MD5')
    if (body.needsSha256) wanted.add('SHA256')
    const digests = new Map<DigestAlgorithm, Digest>()
    for (const algorithm of wanted) digests.set(algorithm, await startDigest(algorithm))
    return new BodyDigests(digests, etagIsMd5, checksumAlgorithm)
  }

  update(chunk: Uint8Array): void {
    for (const digest of this.#digests.values()) digest.update(chunk)
  }

  check(body: IncomingBody): Pick<WrittenContent, 'etag' | 'checksum' | 'announcedChecksum'> {
    const values = new Map([...this.#digests].map(([algorithm, digest]) => [algorithm, Buffer.from(digest.final())]))
    const expected = body.expectations()
    const md5 = values.get('MD5')
    if (expected.contentMd5 && !md5!.equals(expected.contentMd5)) {
      throw mismatch('Content-MD5', Buffer.from(expected.contentMd5).toString('base64'), md5!.toString('base64'))
    }
    const sha256 = values.get('SHA256')
    if (expected.payloadSha256 !== undefined && sha256!.toString('hex') !== expected.payloadSha256) {
      throw mismatch('x-amz-content-sha256', expected.payloadSha256, sha256!.toString('hex'))
    }
    const { checksum } = expected
    if (checksum) {
      const computed = values.get(checksum.algorithm)!.toString('base64')
      if (computed !== checksum.value) throw mismatch(checksum.algorithm, checksum.value, computed)
    }
    const algorithm = this.#checksumAlgorithm
    return {
      etag: this.#etagIsMd5 ? md5!.toString('hex') : freshHex(16),
      checksum: { algorithm, value: values.get(algorithm)!.toString('base64') },
      announcedChecksum: checksum?.algorithm === algorithm ? undefined : checksum,
    }
  }
}

const mismatch = (digest: string, expected: string, computed: string) =>
  new Fault('DigestMismatch', { digest, expected, computed })
