/** Encryption without a store's client: for presigned URLs, and for bodies that travel some other way. */
import { byteLength, bytesOf } from '../content/sources.ts'
import { readEnvelope } from '../envelope/read-envelope.ts'
import { withUserMetadata, writeEnvelope } from '../envelope/write-envelope.ts'
import { EncryptionError } from '../errors.ts'
import type { Description } from '../keyrings/keyring.ts'
import type { Platform } from '../platform.ts'
import { type BodyContext, decryptBody, encryptBody } from './body.ts'
import { type EncryptionOptions, encryptionSettings } from './settings.ts'

/** What to store, in whatever way. */
export interface EncryptedUpload<Stream> {
  /** The ciphertext, made as it is read. */
  readonly body: Stream
  /** Its length, where that of the plaintext was known. */
  readonly contentLength?: number
  /** User metadata to store with it, names without the prefix `x-amz-meta-`. */
  readonly metadata: Readonly<Record<string, string>>
}

/** What a store gave, however it was fetched. */
export interface StoredReply {
  /** User metadata (names without prefix), or all headers of a reply of S3. */
  readonly metadata: Readonly<Record<string, string>> | Headers
  /** The ciphertext: bytes, a Blob, or a stream. */
  readonly body: unknown
  /** Of the stored body; needed, and checked. */
  readonly contentLength: number
  /** Text of the instruction file, where the object has one. */
  readonly instructionFile?: string
}

/** Encrypts and decrypts bodies, as streams of the platform's kind; who calls moves them. */
export class Encryptor<Stream> {
  readonly #context: BodyContext
  readonly #toStream: Platform<Stream>['toStream']

  constructor(platform: Platform<Stream>, options: EncryptionOptions) {
    this.#toStream = platform.toStream
    this.#context = { platform, settings: encryptionSettings(options, platform.twoPass !== undefined) }
  }

  /** `metadata`: the caller's own, which goes into the reply too. */
  async encrypt(
    body: unknown,
    options: {
      readonly encryptionContext?: Description
      readonly contentLength?: number
      readonly metadata?: Readonly<Record<string, string>>
    } = {},
  ): Promise<EncryptedUpload<Stream>> {
    const plaintextBytes = options.contentLength ?? byteLength(body)
    const { envelope, chunks, sealedBytes } = await encryptBody(this.#context, body, {
      encryptionContext: options.encryptionContext ?? {},
      ...(plaintextBytes !== undefined && { plaintextBytes }),
    })
    return {
      body: this.#toStream(chunks),
      metadata: withUserMetadata(options.metadata, writeEnvelope(envelope, 'metadata').metadata),
      ...(sealedBytes !== undefined && { contentLength: sealedBytes }),
    }
  }

  /** The plaintext, released as `getObject` of an encrypting client does. */
  async decrypt(
    { metadata, body, contentLength, instructionFile }: StoredReply,
    options: { readonly encryptionContext?: Description } = {},
  ): Promise<{ readonly body: Stream; readonly contentLength: number }> {
    if (!Number.isSafeInteger(contentLength)) throw new EncryptionError('UnsupportedParameter', 'contentLength')
    const fields = metadata instanceof Headers ? metadataOf(metadata) : metadata
    const { envelope } = await readEnvelope(fields, async () => instructionFile)
    const stored = { envelope, sealed: bytesOf(body), sealedBytes: contentLength }
    const { chunks, plaintextBytes } = await decryptBody(this.#context, stored, options.encryptionContext ?? {})
    return { body: this.#toStream(chunks), contentLength: plaintextBytes }
  }
}

const PREFIX = 'x-amz-meta-'

function metadataOf(headers: Headers): Record<string, string> {
  const metadata: Record<string, string> = {}
  headers.forEach((value, name) => {
    if (name.startsWith(PREFIX)) metadata[name.slice(PREFIX.length)] = value
  })
  return metadata
}
