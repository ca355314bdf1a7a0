/** PutObject: _encrypt as it is read, instruction file first where there is one, then the body, in parts where it is large._ */
import { PutObjectCommand, type PutObjectCommandInput, type PutObjectCommandOutput } from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { byteLength } from '../content/sources.ts'
import { INSTRUCTION_FILE_MARKER } from '../envelope/envelope.ts'
import { withUserMetadata, writeEnvelope } from '../envelope/write-envelope.ts'
import { EncryptionError } from '../errors.ts'
import { type EncryptedBody, encryptBody } from './body.ts'
import { type ClientContext, type RequestOptions, sendOptions } from './context.ts'
import { INSTRUCTION_FILE_SUFFIX } from './settings.ts'

/** Bodies of any kind that the SDK takes, streams of unknown length included. */
export type EncryptedPutInput = Omit<PutObjectCommandInput, 'Body'> & { Body?: unknown }

/** Values that speak of the plaintext to a store that gets the ciphertext. */
const OF_THE_BODY = [
  'ContentMD5',
  'ChecksumCRC32',
  'ChecksumCRC32C',
  'ChecksumCRC64NVME',
  'ChecksumSHA1',
  'ChecksumSHA256',
  'WriteOffsetBytes',
] as const satisfies readonly (keyof PutObjectCommandInput)[]

/** S3's limit; more than a part size below serves. */
const MAX_PARTS = 10_000

export async function putObject(
  context: ClientContext,
  input: EncryptedPutInput,
  options: RequestOptions = {},
): Promise<PutObjectCommandOutput> {
  options.abortSignal?.throwIfAborted()
  for (const name of OF_THE_BODY)
    if (input[name] !== undefined)
      throw new EncryptionError('UnsupportedParameter', `${name} would be that of the plaintext`)
  const { Body: body = '', ContentLength: plaintextBytes = byteLength(body), ...rest } = input
  const encrypted = await encryptBody(context, body, {
    ...(plaintextBytes !== undefined && { plaintextBytes }),
    encryptionContext: options.encryptionContext ?? {},
  })
  try {
    const { metadata, instructionFile } = writeEnvelope(encrypted.envelope, context.settings.envelope)
    const params = { ...rest, Metadata: withUserMetadata(input.Metadata, metadata) }
    if (instructionFile !== undefined) await putInstructionFile(context, input, instructionFile, options)
    return await upload(context, params, encrypted, options)
  } catch (error) {
    await encrypted.chunks.return()
    throw error
  }
}

/** Writers put it before the object, so that no reader meets an object whose key is not there yet. */
export async function putInstructionFile(
  { s3 }: ClientContext,
  {
    Bucket,
    Key,
    ExpectedBucketOwner,
    RequestPayer,
  }: Pick<PutObjectCommandInput, 'Bucket' | 'Key' | 'ExpectedBucketOwner' | 'RequestPayer'>,
  text: string,
  options: RequestOptions,
  suffix = INSTRUCTION_FILE_SUFFIX,
): Promise<void> {
  const input = { Bucket, Key: `${Key}${suffix}`, ExpectedBucketOwner, RequestPayer }
  const Metadata = { [INSTRUCTION_FILE_MARKER]: '' }
  await s3.send(
    new PutObjectCommand({ ...input, Body: text, Metadata, ContentType: 'application/json' }),
    sendOptions(options),
  )
}

async function upload(
  { s3, platform, settings }: ClientContext,
  params: Omit<PutObjectCommandInput, 'Body'>,
  { chunks, sealedBytes }: EncryptedBody,
  { abortSignal, onProgress }: RequestOptions,
): Promise<PutObjectCommandOutput> {
  // The SDK's uploader keeps each part's ciphertext for retries, so no part is ever encrypted twice.
  const partSize = Math.max(settings.partBytes, Math.ceil((sealedBytes ?? 0) / MAX_PARTS))
  const abortController = new AbortController()
  const upload = new Upload({
    client: s3,
    params: { ...params, Body: platform.toStream(chunks) as PutObjectCommandInput['Body'] } as PutObjectCommandInput,
    queueSize: settings.uploadConcurrency,
    partSize,
    abortController,
  })
  const abort = () => void upload.abort()
  abortSignal?.addEventListener('abort', abort, { once: true })
  if (onProgress) {
    upload.on('httpUploadProgress', ({ loaded = 0 }) =>
      onProgress({ bytes: loaded, ...(sealedBytes !== undefined && { totalBytes: sealedBytes }) }),
    )
  }
  try {
    return (await upload.done()) as PutObjectCommandOutput
  } finally {
    abortSignal?.removeEventListener('abort', abort)
  }
}
