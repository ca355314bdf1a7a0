import { HeadObjectCommand, type HeadObjectCommandInput, type HeadObjectCommandOutput } from '@aws-sdk/client-s3'
import type { EncryptionInfo } from '../envelope/envelope.ts'
import type { LocatedEnvelope } from '../envelope/read-envelope.ts'
import { EncryptionError } from '../errors.ts'
import { type ClientContext, type RequestOptions, sendOptions } from './context.ts'
import { plainHead } from './get-object.ts'
import { plaintextBytesOf } from './plaintext-size.ts'
import { envelopeOf } from './stored-object.ts'

/** The SDK's reply with the plaintext's length in ContentLength, as far as the stored length tells it. */
export interface EncryptedObjectHead extends HeadObjectCommandOutput {
  /** Absent where the object is not encrypted by a client; all else is then as the store said it. */
  readonly Encryption?: EncryptionInfo
}

/**
 * HeadObject. Needs no key, and so proves nothing: the length is authenticated when the body is read. ContentLength is
 * absent for AES-CBC.
 */
export async function headObject(
  context: ClientContext,
  input: HeadObjectCommandInput,
  options: RequestOptions = {},
): Promise<EncryptedObjectHead> {
  const reply = await context.s3.send(new HeadObjectCommand(input), sendOptions(options))
  let located: LocatedEnvelope
  try {
    located = await envelopeOf(context, input, reply.Metadata, options)
  } catch (error) {
    if (error instanceof EncryptionError && error.code === 'NotEncrypted') return reply
    throw error
  }
  const sealedBytes = reply.ContentLength ?? 0
  const ContentLength = plaintextBytesOf(located.envelope, sealedBytes)
  return { ...reply, ...plainHead(reply, located, sealedBytes), ContentLength }
}
