/** CopyObject: the store copies the ciphertext; the envelope goes with it, wherever it is. */
import { CopyObjectCommand, type CopyObjectCommandInput, type CopyObjectCommandOutput } from '@aws-sdk/client-s3'
import { INSTRUCTION_FILE_MARKER, isEnvelopeField } from '../envelope/envelope.ts'
import { withUserMetadata } from '../envelope/write-envelope.ts'
import { EncryptionError } from '../errors.ts'
import { type ClientContext, type RequestOptions, sendOptions } from './context.ts'
import { INSTRUCTION_FILE_SUFFIX } from './settings.ts'
import { headEncrypted, type ObjectTarget } from './stored-object.ts'

/**
 * Copies an encrypted object with its envelope; needs no key. New user metadata (MetadataDirective REPLACE) takes the
 * place of the caller's own, never of the envelope. Rejects with EncryptionError NotEncrypted where there is none.
 */
export async function copyObject(
  context: ClientContext,
  input: CopyObjectCommandInput,
  options: RequestOptions = {},
): Promise<CopyObjectCommandOutput> {
  const { s3, settings } = context
  const source = sourceOf(input)
  const { reply, location } = await headEncrypted(context, source, options)
  const copy = { ...input }
  if (input.MetadataDirective === 'REPLACE') {
    const envelope = Object.entries(reply.Metadata ?? {}).filter(([name]) => isEnvelopeField(name))
    copy.Metadata = withUserMetadata(input.Metadata, Object.fromEntries(envelope))
  }
  if (location === 'instruction-file') {
    const { Bucket, ExpectedBucketOwner, ExpectedSourceBucketOwner, RequestPayer } = input
    const from = `${source.Bucket}/${source.Key}${settings.instructionFileSuffix}`
    await s3.send(
      new CopyObjectCommand({
        Bucket,
        ExpectedBucketOwner,
        ExpectedSourceBucketOwner,
        RequestPayer,
        Key: `${input.Key}${INSTRUCTION_FILE_SUFFIX}`,
        CopySource: from.split('/').map(encodeURIComponent).join('/'),
        MetadataDirective: 'REPLACE',
        Metadata: { [INSTRUCTION_FILE_MARKER]: '' },
        ContentType: 'application/json',
      }),
      sendOptions(options),
    )
  }
  return s3.send(new CopyObjectCommand(copy), sendOptions(options))
}

/** CopySource is `bucket/key` in URL encoding, with a slash before it or not, and a version behind it or not. */
function sourceOf(input: CopyObjectCommandInput): ObjectTarget {
  const [, bucket, key, version] = /^\/?([^/]+)\/(.+?)(?:\?versionId=(.*))?$/s.exec(input.CopySource ?? '') ?? []
  if (bucket === undefined || key === undefined)
    throw new EncryptionError('UnsupportedParameter', 'CopySource is not bucket/key')
  return {
    Bucket: decodeURIComponent(bucket),
    Key: decodeURIComponent(key),
    VersionId: version && decodeURIComponent(version),
    ExpectedBucketOwner: input.ExpectedSourceBucketOwner,
    RequestPayer: input.RequestPayer,
    SSECustomerAlgorithm: input.CopySourceSSECustomerAlgorithm,
    SSECustomerKey: input.CopySourceSSECustomerKey,
    SSECustomerKeyMD5: input.CopySourceSSECustomerKeyMD5,
  }
}
