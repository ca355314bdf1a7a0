/** What the store has of an object: head, envelope, instruction file, body. */
import {
  GetObjectCommand,
  type GetObjectCommandInput,
  HeadObjectCommand,
  type HeadObjectCommandInput,
  type HeadObjectCommandOutput,
} from '@aws-sdk/client-s3'
import { concat } from '@strongroom/crypto'
import type { Chunks } from '../content/chunks.ts'
import { bytesOf } from '../content/sources.ts'
import { type LocatedEnvelope, readEnvelope } from '../envelope/read-envelope.ts'
import { EncryptionError } from '../errors.ts'
import { type ClientContext, type RequestOptions, sendOptions } from './context.ts'

/** Which object: what requests for the same one have in common. */
export type ObjectTarget = Pick<
  GetObjectCommandInput,
  | 'Bucket'
  | 'Key'
  | 'VersionId'
  | 'ExpectedBucketOwner'
  | 'RequestPayer'
  | 'SSECustomerAlgorithm'
  | 'SSECustomerKey'
  | 'SSECustomerKeyMD5'
>

export function targetOf(input: ObjectTarget): ObjectTarget {
  const { Bucket, Key, VersionId, ExpectedBucketOwner, RequestPayer } = input
  const { SSECustomerAlgorithm, SSECustomerKey, SSECustomerKeyMD5 } = input
  return {
    Bucket,
    Key,
    VersionId,
    ExpectedBucketOwner,
    RequestPayer,
    SSECustomerAlgorithm,
    SSECustomerKey,
    SSECustomerKeyMD5,
  }
}

/** The same object again, as it was: other bytes under the key are refused by the store. */
export const pinned = (input: ObjectTarget, reply: { ETag?: string | undefined; VersionId?: string | undefined }) => ({
  ...targetOf(input),
  ...(reply.VersionId !== undefined && { VersionId: reply.VersionId }),
  ...(reply.ETag !== undefined && { IfMatch: reply.ETag }),
})

/** The envelope of an object whose metadata is known; asks for its instruction file where that is needed. */
export const envelopeOf = (
  context: ClientContext,
  input: ObjectTarget,
  metadata: Readonly<Record<string, string>> | undefined,
  options: RequestOptions,
  suffix = context.settings.instructionFileSuffix,
): Promise<LocatedEnvelope> => readEnvelope(metadata ?? {}, () => instructionFile(context, input, options, suffix))

export interface EncryptedHead extends LocatedEnvelope {
  readonly reply: HeadObjectCommandOutput
  readonly sealedBytes: number
}

/** HeadObject and the envelope. */
export async function headEncrypted(
  context: ClientContext,
  input: HeadObjectCommandInput,
  options: RequestOptions,
): Promise<EncryptedHead> {
  const reply = await context.s3.send(new HeadObjectCommand(input), sendOptions(options))
  const located = await envelopeOf(context, input, reply.Metadata, options)
  return { ...located, reply, sealedBytes: reply.ContentLength ?? 0 }
}

/** Instruction files are small; whoever can write to the bucket does not make a reader take more. */
const MAX_INSTRUCTION_FILE_BYTES = 65_536

async function instructionFile(
  { s3 }: ClientContext,
  { Bucket, Key, ExpectedBucketOwner, RequestPayer }: ObjectTarget,
  options: RequestOptions,
  suffix: string,
): Promise<string | undefined> {
  const input = { Bucket, Key: `${Key}${suffix}`, ExpectedBucketOwner, RequestPayer }
  try {
    const reply = await s3.send(new GetObjectCommand(input), sendOptions(options))
    const pieces: Uint8Array[] = []
    let length = 0
    for await (const piece of bytesOf(reply.Body)) {
      length += piece.length
      if (length > MAX_INSTRUCTION_FILE_BYTES)
        throw new EncryptionError('MalformedEnvelope', 'the instruction file is too long')
      pieces.push(piece)
    }
    return new TextDecoder().decode(concat(pieces))
  } catch (error) {
    if ((error as Error).name === 'NoSuchKey') return undefined
    throw error
  }
}

/** A part of the body's ciphertext, `endExclusive` not included, of the object that `target` pins. */
export async function fetchRange(
  { s3 }: ClientContext,
  target: ObjectTarget,
  start: number,
  endExclusive: number,
  options: RequestOptions,
): Promise<Chunks> {
  const range = { ...target, Range: `bytes=${start}-${endExclusive - 1}` }
  const reply = await s3.send(new GetObjectCommand(range), sendOptions(options))
  const chunks = bytesOf(reply.Body)
  if (reply.ContentRange?.startsWith(`bytes ${start}-${endExclusive - 1}/`)) return chunks
  await chunks.return()
  throw new EncryptionError('BodyNotAuthentic', 'the store gave another range than was asked for')
}
