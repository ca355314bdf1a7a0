/** Deletion, with the instruction file that may stand beside an object. */
import {
  DeleteObjectCommand,
  type DeleteObjectCommandInput,
  type DeleteObjectCommandOutput,
  DeleteObjectsCommand,
  type DeleteObjectsCommandInput,
  type DeleteObjectsCommandOutput,
} from '@aws-sdk/client-s3'
import { type ClientContext, type RequestOptions, sendOptions } from './context.ts'
import { INSTRUCTION_FILE_SUFFIX } from './settings.ts'

/**
 * DeleteObject, then that of the object's instruction file; the reply is the first's. Deleting one version leaves the
 * instruction file, which other versions may need.
 */
export async function deleteObject(
  { s3 }: ClientContext,
  input: DeleteObjectCommandInput,
  options: RequestOptions = {},
): Promise<DeleteObjectCommandOutput> {
  const reply = await s3.send(new DeleteObjectCommand(input), sendOptions(options))
  if (input.VersionId === undefined) {
    const { Bucket, ExpectedBucketOwner, RequestPayer, Key } = input
    const file = { Bucket, ExpectedBucketOwner, RequestPayer, Key: `${Key}${INSTRUCTION_FILE_SUFFIX}` }
    await s3.send(new DeleteObjectCommand(file), sendOptions(options))
  }
  return reply
}

/** DeleteObjects, then that of the instruction files of all that is gone; files that could not be deleted are in Errors. */
export async function deleteObjects(
  { s3 }: ClientContext,
  input: DeleteObjectsCommandInput,
  options: RequestOptions = {},
): Promise<DeleteObjectsCommandOutput> {
  const reply = await s3.send(new DeleteObjectsCommand(input), sendOptions(options))
  const kept = new Set(reply.Errors?.map(({ Key }) => Key))
  const files = (input.Delete?.Objects ?? [])
    .filter(({ Key, VersionId }) => VersionId === undefined && !kept.has(Key))
    .map(({ Key }) => ({ Key: `${Key}${INSTRUCTION_FILE_SUFFIX}` }))
  if (files.length === 0) return reply
  const { Bucket, ExpectedBucketOwner, RequestPayer, ChecksumAlgorithm } = input
  const ofFiles = { Bucket, ExpectedBucketOwner, RequestPayer, ChecksumAlgorithm }
  const { Errors } = await s3.send(
    new DeleteObjectsCommand({ ...ofFiles, Delete: { Objects: files, Quiet: true } }),
    sendOptions(options),
  )
  return Errors?.length ? { ...reply, Errors: [...(reply.Errors ?? []), ...Errors] } : reply
}
