/** GetObject: _get, find the envelope, check the policy, open it, authenticate, release._ */
import { GetObjectCommand, type GetObjectCommandInput, type GetObjectCommandOutput } from '@aws-sdk/client-s3'
import { requireReadable } from '../commitment-policy.ts'
import { type Chunks, chunksOf } from '../content/chunks.ts'
import { openSealedRange } from '../content/sealed-body.ts'
import { bytesOf } from '../content/sources.ts'
import { type EncryptionInfo, isEnvelopeField } from '../envelope/envelope.ts'
import type { LocatedEnvelope } from '../envelope/read-envelope.ts'
import { EncryptionError } from '../errors.ts'
import { openEnvelope, wipe } from '../open-envelope.ts'
import { decryptBody } from './body.ts'
import { parseRange } from './byte-range.ts'
import { type ClientContext, type RequestOptions, sendOptions } from './context.ts'
import { plaintextBytesOf } from './plaintext-size.ts'
import { envelopeOf, fetchRange, headEncrypted, pinned } from './stored-object.ts'

/** The SDK's reply, of the plaintext: Body and ContentLength. ETag and checksums are those of what is stored. */
export interface DecryptedObject extends Omit<GetObjectCommandOutput, 'Body'> {
  /** The plaintext, as a stream with the methods that the SDK gives its bodies (`transformToString` and others). */
  readonly Body: NonNullable<GetObjectCommandOutput['Body']>
  /** How it was encrypted. */
  readonly Encryption: EncryptionInfo
}

/**
 * Reads and decrypts an object. A Range is served of objects in the sealed format, authenticated; of the others
 * `getObjectRangeUnauthenticated` does, and says so.
 */
export async function getObject(
  context: ClientContext,
  input: GetObjectCommandInput,
  options: RequestOptions = {},
): Promise<DecryptedObject> {
  if (input.PartNumber !== undefined) throw new EncryptionError('UnsupportedParameter', 'PartNumber')
  if (input.Range !== undefined) return getRange(context, input, input.Range, options)
  const reply = await context.s3.send(new GetObjectCommand(input), sendOptions(options))
  const sealedBytes = reply.ContentLength ?? 0
  const sealed = watched(bytesOf(reply.Body), sealedBytes, options)
  let located: LocatedEnvelope
  try {
    if (reply.ContentRange !== undefined) throw new EncryptionError('BodyNotAuthentic', 'no range was asked for')
    located = await envelopeOf(context, input, reply.Metadata, options)
  } catch (error) {
    await sealed.return()
    throw error
  }
  const readAgain = async () => {
    const again = { ...input, ...pinned(input, reply) }
    return bytesOf((await context.s3.send(new GetObjectCommand(again), sendOptions(options))).Body)
  }
  const { chunks, plaintextBytes } = await decryptBody(
    context,
    { envelope: located.envelope, sealed, sealedBytes, readAgain },
    options.encryptionContext ?? {},
  )
  return {
    ...reply,
    ...plainHead(reply, located, sealedBytes),
    ContentLength: plaintextBytes,
    Body: sdkBody(context, chunks),
  }
}

/** An authenticated range: the segments that hold it, and the last one, which proves how long the object is. */
async function getRange(
  context: ClientContext,
  input: GetObjectCommandInput,
  range: string,
  options: RequestOptions,
): Promise<DecryptedObject> {
  const { Range: _, ...rest } = input
  const { reply, sealedBytes, ...located } = await headEncrypted(context, rest, options)
  const { envelope } = located
  if (envelope.format !== 'sealed')
    throw new EncryptionError(
      'UnsupportedParameter',
      'no Range of this format can be authenticated; see getObjectRangeUnauthenticated',
    )
  requireReadable(envelope, context.settings)
  const totalBytes = plaintextBytesOf(envelope, sealedBytes)!
  const span = parseRange(range, totalBytes)
  const target = pinned(input, reply)
  // The store's own answer to a range that lies behind the end.
  if (!span) await fetchRange(context, target, sealedBytes, sealedBytes + 1, options)
  const { start, endExclusive } = span!
  const key = await openEnvelope(envelope, context.settings.keyring, options.encryptionContext ?? {})
  if (key.kind !== 'sealed') throw new EncryptionError('MalformedEnvelope')
  try {
    const range = { start, endExclusive }
    const fetch = (from: number, to: number) => fetchRange(context, target, from, to, options)
    const sealed = { header: key.header, sealedBytes, range, fetch }
    const { chunks } = await openSealedRange(context.platform, sealed, key.dataKey, key.context)
    return {
      ...reply,
      ...plainHead(reply, located, sealedBytes),
      ContentLength: endExclusive - start,
      ContentRange: `bytes ${start}-${endExclusive - 1}/${totalBytes}`,
      Body: sdkBody(context, chunks),
    }
  } finally {
    wipe(key)
  }
}

/** The head of a reply without what belongs to the encryption, which is told apart. */
export function plainHead(
  reply: { readonly Metadata?: Record<string, string> | undefined },
  { envelope, location }: LocatedEnvelope,
  sealedBytes: number,
): { Metadata: Record<string, string>; Encryption: EncryptionInfo } {
  return {
    Metadata: Object.fromEntries(Object.entries(reply.Metadata ?? {}).filter(([name]) => !isEnvelopeField(name))),
    Encryption: {
      format: envelope.format,
      contentAlgorithm: envelope.contentAlgorithm,
      wraps: envelope.wrapped.map(({ algorithm, description }) => ({ algorithm, description })),
      location,
      ...(envelope.format === 'sealed' && { encryptionContext: envelope.encryptionContext }),
      sealedBytes,
    },
  }
}

/** A stream with the methods that the SDK gives its bodies. */
export function sdkBody({ s3, platform }: ClientContext, chunks: Chunks) {
  return s3.config.sdkStreamMixin(platform.toStream(chunks)) as DecryptedObject['Body']
}

/** Tells of what has come. Of a body that was called off the SDK says that its connection broke; here it is said why. */
function watched(source: Chunks, totalBytes: number, { onProgress, abortSignal }: RequestOptions): Chunks {
  if (!onProgress && !abortSignal) return source
  async function* pass() {
    let bytes = 0
    try {
      for await (const chunk of source) {
        bytes += chunk.length
        onProgress?.({ bytes, totalBytes })
        yield chunk
      }
    } catch (error) {
      abortSignal?.throwIfAborted()
      throw error
    }
  }
  return chunksOf(pass(), () => source.return())
}
