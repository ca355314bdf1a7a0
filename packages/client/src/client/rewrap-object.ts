/** Another wrapping key for an object that is there: its data key is wrapped anew, and its body stays as it is. */
import { CopyObjectCommand, type CopyObjectCommandInput } from '@aws-sdk/client-s3'
import type { DataKey } from '@strongroom/crypto'
import { contentAlgorithmToWrite, requireReadable } from '../commitment-policy.ts'
import { deriveVerified } from '../content/derive.ts'
import { type Envelope, isEnvelopeField } from '../envelope/envelope.ts'
import { withUserMetadata, writeEnvelope } from '../envelope/write-envelope.ts'
import { EncryptionError } from '../errors.ts'
import { sameDescription } from '../keyrings/description.ts'
import type { Description, Keyring, WrappedDataKey, WrapRequest, Wraps } from '../keyrings/keyring.ts'
import { requireBound, unwrapDataKey } from '../open-envelope.ts'
import { type ClientContext, type RequestOptions, sendOptions } from './context.ts'
import { putInstructionFile } from './put-object.ts'
import { INSTRUCTION_FILE_SUFFIX } from './settings.ts'
import { headEncrypted, type ObjectTarget, pinned } from './stored-object.ts'

/** How a data key is wrapped anew. */
export interface RewrapOptions extends RequestOptions {
  /** Wraps; the client's own keyring opens. */
  readonly newKeyring: Keyring
  /** Refuses where the client's own keyring could still open what the new one wrapped. */
  readonly enforceRotation?: boolean
}

/** How an object is rewrapped. */
export interface RewrapObjectOptions extends RewrapOptions {
  /** Parameters of CopyObject that go before what the object has. */
  readonly copy?: Partial<CopyObjectCommandInput>
  /** Writes nothing where the new keyring made all wraps already, so that a run over many can be begun again. */
  readonly passOverWrapped?: boolean
}

/** How an instruction file is written anew. */
export interface ReEncryptOptions extends RewrapOptions {
  /** Of the new file; default `.instruction`. Another one only beside RSA, for other readers of the same object. */
  readonly newInstructionFileSuffix?: string
}

/** Which instruction file was written. */
export interface ReEncryptedInstructionFile {
  /** As given. */
  readonly Bucket: string | undefined
  /** Of the object, as given. */
  readonly Key: string | undefined
  /** What stands behind `Key` in the name of the file. */
  readonly InstructionFileSuffix: string
}

/**
 * Wraps the data key of an object with an instruction file under another raw keyring and writes the file anew. The
 * object itself is not touched. The new material description must differ from the old one.
 */
export async function reEncryptInstructionFile(
  context: ClientContext,
  input: ObjectTarget,
  options: ReEncryptOptions,
): Promise<ReEncryptedInstructionFile> {
  const { envelope, location } = await headEncrypted(context, input, options)
  if (location !== 'instruction-file')
    throw new EncryptionError('UnsupportedParameter', 'the object has no instruction file; see rewrapObject')
  if (envelope.contentAlgorithm !== contentAlgorithmToWrite(context.settings.commitmentPolicy))
    throw new EncryptionError('CommitmentPolicyForbids', `format ${envelope.format} is not what this client writes`)
  const suffix = options.newInstructionFileSuffix ?? INSTRUCTION_FILE_SUFFIX
  const [wrapped] = await rewrap(context, envelope, options)
  if (wrapped.algorithm === 'kms+context')
    throw new EncryptionError('UnsupportedParameter', 'only raw keyrings re-encrypt instruction files')
  if (wrapped.algorithm === 'AES/GCM' && suffix !== INSTRUCTION_FILE_SUFFIX)
    throw new EncryptionError('UnsupportedParameter', 'an AES keyring has the default suffix only')
  if (sameDescription(wrapped.description, envelope.wrapped[0]!.description))
    throw new EncryptionError('UnsupportedParameter', 'the new material description equals the old one')
  const { instructionFile } = writeEnvelope(withWraps(envelope, [wrapped]), location)
  await putInstructionFile(context, input, instructionFile!, options, suffix)
  return { Bucket: input.Bucket, Key: input.Key, InstructionFileSuffix: suffix }
}

/** CopyObject's own limit. */
const MAX_COPY_BYTES = 5 * 2 ** 30

/**
 * Wraps the data key of an object under another keyring, wherever its envelope is. Of an envelope in the metadata the
 * store makes a copy of the object onto itself, which moves no byte over the line, keeps its tags, content headers,
 * storage class and server-side encryption, and gives it a new version where the bucket has versions; it may have 5 GiB.
 * What a copy does not take along (ACLs, locks) is as the bucket's defaults say unless given in `copy`. Resolves to whether
 * anything was written.
 */
export async function rewrapObject(
  context: ClientContext,
  input: ObjectTarget,
  { copy = {}, passOverWrapped = false, ...options }: RewrapObjectOptions,
): Promise<boolean> {
  const { envelope, location, reply, sealedBytes } = await headEncrypted(context, input, options)
  requireReadable(envelope, context.settings)
  if (passOverWrapped && (await isWrappedBy(options.newKeyring, envelope, options.encryptionContext ?? {})))
    return false
  const written = writeEnvelope(withWraps(envelope, await rewrap(context, envelope, options)), location)
  if (written.instructionFile !== undefined) {
    const suffix = context.settings.instructionFileSuffix
    await putInstructionFile(context, input, written.instructionFile, options, suffix)
    return true
  }
  if (sealedBytes > MAX_COPY_BYTES)
    throw new EncryptionError('BodyTooLarge', 'the store copies objects up to 5 GiB only')
  const { Bucket, Key, VersionId, ExpectedBucketOwner, RequestPayer } = pinned(input, reply)
  const { SSECustomerAlgorithm, SSECustomerKey, SSECustomerKeyMD5 } = input
  const own = Object.entries(reply.Metadata ?? {}).filter(([name]) => !isEnvelopeField(name))
  const source = [Bucket!, ...Key!.split('/')].map(encodeURIComponent).join('/')
  await context.s3.send(
    new CopyObjectCommand({
      Bucket,
      Key,
      ExpectedBucketOwner,
      RequestPayer,
      CopySource: VersionId === undefined ? source : `${source}?versionId=${encodeURIComponent(VersionId)}`,
      CopySourceIfMatch: reply.ETag,
      MetadataDirective: 'REPLACE',
      Metadata: withUserMetadata(Object.fromEntries(own), written.metadata),
      CacheControl: reply.CacheControl,
      ContentDisposition: reply.ContentDisposition,
      ContentEncoding: reply.ContentEncoding,
      ContentLanguage: reply.ContentLanguage,
      ContentType: reply.ContentType,
      Expires: reply.Expires,
      WebsiteRedirectLocation: reply.WebsiteRedirectLocation,
      StorageClass: reply.StorageClass,
      ...(SSECustomerKey === undefined && {
        ServerSideEncryption: reply.ServerSideEncryption,
        SSEKMSKeyId: reply.SSEKMSKeyId,
        BucketKeyEnabled: reply.BucketKeyEnabled,
      }),
      SSECustomerAlgorithm,
      SSECustomerKey,
      SSECustomerKeyMD5,
      CopySourceSSECustomerAlgorithm: SSECustomerAlgorithm,
      CopySourceSSECustomerKey: SSECustomerKey,
      CopySourceSSECustomerKeyMD5: SSECustomerKeyMD5,
      ...copy,
    }),
    sendOptions(options),
  )
  return true
}

/** New wraps of an envelope's data key, which is opened and checked as for reading. */
async function rewrap(
  { settings }: ClientContext,
  envelope: Envelope,
  { newKeyring, enforceRotation, encryptionContext = {} }: RewrapOptions,
): Promise<Wraps> {
  requireReadable(envelope, settings)
  if (envelope.contentAlgorithm === 'AES/CBC/PKCS5Padding')
    throw new EncryptionError('UnsupportedParameter', 'objects of format V1 are not rewrapped')
  const dataKey = await unwrapDataKey(envelope, settings.keyring, encryptionContext)
  try {
    if (envelope.format === 'V3') (await deriveVerified(dataKey, envelope.messageId, envelope.commitment)).key.fill(0)
    const request = { contentAlgorithm: envelope.contentAlgorithm, encryptionContext }
    const wraps = await newKeyring.wrap(dataKey, request)
    requireBound(wraps[0], request)
    if (enforceRotation) {
      for (const wrapped of wraps)
        if (await opens(settings.keyring, wrapped, request))
          throw new EncryptionError('InvalidConfiguration', 'the old keyring opens what the new one wrapped')
    }
    return wraps
  } finally {
    dataKey.wipe()
  }
}

/** Whether a keyring opens each wrap of an envelope, and would make no more and no fewer. */
async function isWrappedBy(keyring: Keyring, envelope: Envelope, encryptionContext: Description): Promise<boolean> {
  const request = { contentAlgorithm: envelope.contentAlgorithm, encryptionContext }
  const opened: DataKey[] = []
  try {
    for (const wrapped of envelope.wrapped) {
      const dataKey = await openedBy(keyring, wrapped, request)
      if (!dataKey) return false
      opened.push(dataKey)
    }
    return envelope.format !== 'sealed' || (await keyring.wrap(opened[0]!, request)).length === opened.length
  } finally {
    for (const dataKey of opened) dataKey.wipe()
  }
}

async function opens(keyring: Keyring, wrapped: WrappedDataKey, request: WrapRequest): Promise<boolean> {
  const dataKey = await openedBy(keyring, wrapped, request)
  dataKey?.wipe()
  return dataKey !== undefined
}

async function openedBy(keyring: Keyring, wrapped: WrappedDataKey, request: WrapRequest): Promise<DataKey | undefined> {
  try {
    return await keyring.unwrap(wrapped, request)
  } catch (error) {
    // That it does not open is an answer; what a KMS says of itself is none.
    if (error instanceof EncryptionError) return undefined
    throw error
  }
}

function withWraps(envelope: Envelope, wraps: Wraps): Envelope {
  return envelope.format === 'sealed' ? { ...envelope, wrapped: wraps } : { ...envelope, wrapped: [wraps[0]] }
}
