/** One object of a migration: _look, fetch as it was, encrypt, put in its place if it is still that._ */
import type {
  GetObjectCommandOutput,
  HeadObjectCommandOutput,
  PutObjectCommandInput,
  S3Client,
} from '@aws-sdk/client-s3'
import type { CseClient } from './cse-client.ts'
import { isInstructionFile } from './cse-objects.ts'
import { loadS3 } from './cse-sdk.ts'
import type { S3Url } from './s3-url.ts'

export const MIGRATION_OUTCOMES = ['encrypted', 'already', 'instructionFile', 'gone'] as const
export type MigrationOutcome = (typeof MIGRATION_OUTCOMES)[number]

export interface MigrateOptions {
  readonly dryRun: boolean
  readonly instructionFileSuffix: string | undefined
  readonly abortSignal: AbortSignal
  /** Told of each object that is encrypted, or would be. */
  readonly onBytes: (bytes: number) => void
}

/**
 * Encrypts an object in its place where no client did yet. Rejects with the store's 412 or 409 where it was written
 * meanwhile, and 404 where it was deleted: then it stays as it is.
 */
export async function migrateObject(
  { client, s3, encryptionContext }: CseClient,
  at: S3Url,
  { dryRun, instructionFileSuffix, abortSignal, onBytes }: MigrateOptions,
): Promise<MigrationOutcome> {
  const object = { Bucket: at.bucket, Key: at.key }
  const head = await client.headObject(object, { abortSignal })
  if (head.Encryption) return 'already'
  if (await isInstructionFile(client, at, head.Metadata, instructionFileSuffix)) return 'instructionFile'
  requireKeepable(head)
  if (!dryRun) {
    const { GetObjectCommand } = await loadS3()
    const reply = await s3.send(new GetObjectCommand({ ...object, IfMatch: head.ETag }), { abortSignal })
    const Tagging = await taggingOf(s3, object, reply)
    await client.putObject(
      {
        ...object,
        ...keptHeaders(reply),
        ...(Tagging !== undefined && { Tagging }),
        Body: reply.Body,
        ContentLength: reply.ContentLength,
        IfMatch: reply.ETag,
      },
      { encryptionContext, abortSignal },
    )
  }
  onBytes(head.ContentLength ?? 0)
  return 'encrypted'
}

/** Throws an Error where something of the object would be lost without a word. */
function requireKeepable({ MissingMeta, Expires, ExpiresString }: HeadObjectCommandOutput): void {
  if (MissingMeta) throw new Error('the store does not tell all of its user metadata')
  if (ExpiresString !== undefined && Expires === undefined) throw new Error('its header Expires is no date')
}

/** What stays of an object's head; what is `undefined` is not sent. */
const keptHeaders = (reply: GetObjectCommandOutput): Partial<PutObjectCommandInput> => ({
  Metadata: reply.Metadata,
  CacheControl: reply.CacheControl,
  ContentDisposition: reply.ContentDisposition,
  ContentEncoding: reply.ContentEncoding,
  ContentLanguage: reply.ContentLanguage,
  ContentType: reply.ContentType,
  Expires: reply.Expires,
  WebsiteRedirectLocation: reply.WebsiteRedirectLocation,
  StorageClass: reply.StorageClass,
  ServerSideEncryption: reply.ServerSideEncryption,
  SSEKMSKeyId: reply.SSEKMSKeyId,
  BucketKeyEnabled: reply.BucketKeyEnabled,
  ObjectLockLegalHoldStatus: reply.ObjectLockLegalHoldStatus,
  ...retentionOf(reply),
})

/** One that is over would be refused. */
const retentionOf = ({ ObjectLockMode, ObjectLockRetainUntilDate }: GetObjectCommandOutput) =>
  ObjectLockRetainUntilDate && ObjectLockRetainUntilDate.getTime() > Date.now()
    ? { ObjectLockMode, ObjectLockRetainUntilDate }
    : {}

async function taggingOf(
  s3: S3Client,
  object: { readonly Bucket: string; readonly Key: string },
  { TagCount, VersionId }: GetObjectCommandOutput,
): Promise<string | undefined> {
  if (!TagCount) return undefined
  const { GetObjectTaggingCommand } = await loadS3()
  const { TagSet = [] } = await s3.send(new GetObjectTaggingCommand({ ...object, VersionId }))
  return TagSet.map(({ Key = '', Value = '' }) => `${encodeURIComponent(Key)}=${encodeURIComponent(Value)}`).join('&')
}
