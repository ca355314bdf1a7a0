/** Bodies encrypted and decrypted with their envelopes; nothing here knows of a store. */
import { concat, sealedSize, TAG_BYTES } from '@strongroom/crypto'
import { contentAlgorithmToWrite, requireReadable } from '../commitment-policy.ts'
import { decryptCbcBody } from '../content/cbc-body.ts'
import { type Chunks, chunksOf } from '../content/chunks.ts'
import { deriveCommitted, MESSAGE_ID_BYTES } from '../content/derive.ts'
import { decryptGcmBody, encryptGcmBody, type OpenedBody } from '../content/gcm-body.ts'
import { openSealedBody, sealBody } from '../content/sealed-body.ts'
import { bytesOf } from '../content/sources.ts'
import type { Envelope } from '../envelope/envelope.ts'
import { EncryptionError } from '../errors.ts'
import type { Description } from '../keyrings/keyring.ts'
import { type ContentKey, openEnvelope, requireBound, sealedContext, wipe } from '../open-envelope.ts'
import type { Platform } from '../platform.ts'
import { MAX_GCM_BYTES } from '../suites.ts'
import type { EncryptionSettings } from './settings.ts'

export interface BodyContext {
  readonly platform: Platform
  readonly settings: EncryptionSettings
}

export interface EncryptedBody {
  readonly envelope: Envelope
  /** The body to store. */
  readonly chunks: Chunks
  /** Its length, where that of the plaintext was given. */
  readonly sealedBytes: number | undefined
}

/** Encrypts `body` as it is read. `plaintextBytes`: its length, checked; LengthMismatch at its end where it is another. */
export async function encryptBody(
  { platform, settings }: BodyContext,
  body: unknown,
  options: { readonly plaintextBytes?: number; readonly encryptionContext: Description },
): Promise<EncryptedBody> {
  const { plaintextBytes, encryptionContext } = options
  const source = plaintextBytes === undefined ? bytesOf(body) : exactly(bytesOf(body), plaintextBytes)
  const contentAlgorithm =
    settings.format === 'sealed' ? 'strongroom/sealed/1' : contentAlgorithmToWrite(settings.commitmentPolicy)
  if (contentAlgorithm !== 'strongroom/sealed/1' && (plaintextBytes ?? 0) > MAX_GCM_BYTES)
    throw new EncryptionError('BodyTooLarge', 'this format ends at 64 GiB; the sealed format does not')
  const request = { contentAlgorithm, encryptionContext, ...(plaintextBytes !== undefined && { plaintextBytes }) }
  const { dataKey, wraps } = await settings.keyring.generate(request)
  try {
    requireBound(wraps[0], request)
    switch (contentAlgorithm) {
      case 'strongroom/sealed/1': {
        const { header, chunks } = await sealBody(platform, source, dataKey, await sealedContext(encryptionContext))
        const envelope: Envelope = { format: 'sealed', contentAlgorithm, wrapped: wraps, encryptionContext, header }
        return { envelope, chunks, sealedBytes: plaintextBytes === undefined ? undefined : sealedSize(plaintextBytes) }
      }
      case '115': {
        const messageId = crypto.getRandomValues(new Uint8Array(MESSAGE_ID_BYTES))
        const { commitment, parameters } = await deriveCommitted(dataKey, messageId)
        const envelope: Envelope = { format: 'V3', contentAlgorithm, wrapped: [wraps[0]], messageId, commitment }
        const chunks = encryptGcmBody(platform, source, parameters)
        parameters.key.fill(0)
        return { envelope, chunks, sealedBytes: withTag(plaintextBytes) }
      }
      default: {
        const iv = crypto.getRandomValues(new Uint8Array(12))
        const envelope: Envelope = { format: 'V2', contentAlgorithm, wrapped: [wraps[0]], iv }
        const chunks = encryptGcmBody(platform, source, { key: dataKey.bytes(), iv })
        return { envelope, chunks, sealedBytes: withTag(plaintextBytes) }
      }
    }
  } catch (error) {
    await source.return()
    throw error
  } finally {
    dataKey.wipe()
  }
}

const withTag = (plaintextBytes: number | undefined) =>
  plaintextBytes === undefined ? undefined : plaintextBytes + TAG_BYTES

/** Passes chunks on, and fails in place of a byte too many or of an end too early. */
function exactly(source: Chunks, length: number): Chunks {
  async function* pass() {
    let seen = 0
    for await (const chunk of source) {
      seen += chunk.length
      if (seen > length) break
      yield chunk
    }
    if (seen !== length) throw new EncryptionError('LengthMismatch', `${length} bytes were said to come`)
  }
  return chunksOf(pass(), () => source.return())
}

export interface StoredBody {
  readonly envelope: Envelope
  readonly sealed: Chunks
  readonly sealedBytes: number
  /** Fetches the same body once more. */
  readonly readAgain?: () => Promise<Chunks>
}

/**
 * Decrypts a body. What the chunks yield has authenticated; in the formats of the S3 Encryption Client all of it before
 * this resolves, in the sealed format piece by piece. Rejects with EncryptionError, by any of its codes for reading, and
 * has then ended `sealed`.
 */
export async function decryptBody(
  { platform, settings }: BodyContext,
  { envelope, sealed, sealedBytes, readAgain }: StoredBody,
  encryptionContext: Description,
): Promise<OpenedBody> {
  let key: ContentKey | undefined
  try {
    requireReadable(envelope, settings)
    key = await openEnvelope(envelope, settings.keyring, encryptionContext)
    switch (key.kind) {
      case 'sealed':
        return await openSealedBody(platform, sealed, sealedBytes, key.dataKey, key.context)
      case 'cbc':
        return inMemory(await decryptCbcBody(key, await gather(sealed, sealedBytes, settings.bufferBytes)))
      default:
        return await decryptGcmBody(platform, {
          sealed,
          sealedBytes,
          parameters: key.gcm,
          bufferBytes: settings.bufferBytes,
          large: settings.largeBodies,
          ...(readAgain && { readAgain }),
        })
    }
  } catch (error) {
    await sealed.return()
    throw error
  } finally {
    if (key) wipe(key)
  }
}

/** A body that is decrypted in one piece, whatever it is. */
async function gather(sealed: Chunks, sealedBytes: number, bufferBytes: number): Promise<Uint8Array> {
  if (sealedBytes > bufferBytes) throw new EncryptionError('BodyTooLarge', 'this content is decrypted in memory only')
  const pieces: Uint8Array[] = []
  let length = 0
  for await (const chunk of sealed) {
    length += chunk.length
    if (length > sealedBytes) throw new EncryptionError('BodyNotAuthentic')
    pieces.push(chunk)
  }
  return concat(pieces)
}

/** Bytes that are all there. */
export function inMemory(plaintext: Uint8Array): OpenedBody {
  async function* once() {
    if (plaintext.length > 0) yield plaintext
  }
  return { plaintextBytes: plaintext.length, chunks: chunksOf(once(), () => {}) }
}
