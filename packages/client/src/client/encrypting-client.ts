/** The client that encrypts before sending and decrypts after receiving, around one of the AWS SDK. */
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  type CopyObjectCommandInput,
  type CopyObjectCommandOutput,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  type DeleteObjectCommandInput,
  type DeleteObjectCommandOutput,
  DeleteObjectsCommand,
  type DeleteObjectsCommandInput,
  type DeleteObjectsCommandOutput,
  GetObjectCommand,
  type GetObjectCommandInput,
  HeadObjectCommand,
  type HeadObjectCommandInput,
  PutObjectCommand,
  type PutObjectCommandOutput,
  type S3Client,
  SelectObjectContentCommand,
  type ServiceInputTypes,
  type ServiceOutputTypes,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { EncryptionError } from '../errors.ts'
import type { Platform } from '../platform.ts'
import type { ClientContext, RequestOptions } from './context.ts'
import { copyObject } from './copy-object.ts'
import { deleteObject, deleteObjects } from './delete-object.ts'
import { type DecryptedObject, getObject } from './get-object.ts'
import { type EncryptedObjectHead, headObject } from './head-object.ts'
import { type EncryptedPutInput, putObject } from './put-object.ts'
import { getObjectRangeUnauthenticated } from './range-unauthenticated.ts'
import {
  type ReEncryptedInstructionFile,
  type ReEncryptOptions,
  type RewrapObjectOptions,
  reEncryptInstructionFile,
  rewrapObject,
} from './rewrap-object.ts'
import { clientSettings, type EncryptingClientOptions } from './settings.ts'
import type { ObjectTarget } from './stored-object.ts'

/** A command of the AWS SDK for S3; its reply's type is found where the SDK has it, in the handler. */
export interface Command<Input, Output> {
  /** Its parameters. */
  readonly input: Input
  /** What makes a command one of this service; not called here. */
  resolveMiddleware(
    stack: never,
    configuration: never,
    options: never,
  ): (args: never) => Promise<{ readonly output: Output }>
}

/**
 * All methods take the SDK's own inputs and give its own replies. They reject with EncryptionError for what this
 * package refuses, and with the SDK's errors for what the store refuses.
 */
export class EncryptingClient {
  readonly #context: ClientContext

  constructor(s3: S3Client, platform: Platform, options: EncryptingClientOptions) {
    this.#context = { s3, platform, settings: clientSettings(options, platform.twoPass !== undefined) }
  }

  /** The client that it wraps, which encrypts nothing. */
  get s3(): S3Client {
    return this.#context.s3
  }

  /**
   * Encrypts and stores. Body: string, bytes, Blob, or a stream of any length, which goes in parts with at most
   * `partBytes * (uploadConcurrency + 1)` in memory.
   */
  putObject(input: EncryptedPutInput, options?: RequestOptions): Promise<PutObjectCommandOutput> {
    return putObject(this.#context, input, options)
  }

  /** Fetches and decrypts. Nothing of Body comes out that has not authenticated; Range needs the sealed format. */
  getObject(input: GetObjectCommandInput, options?: RequestOptions): Promise<DecryptedObject> {
    return getObject(this.#context, input, options)
  }

  /** A range of the other formats, which nothing authenticates. Needs `enableLegacyUnauthenticatedModes`. */
  getObjectRangeUnauthenticated(
    input: GetObjectCommandInput & { Range: string },
    options?: RequestOptions,
  ): Promise<DecryptedObject> {
    return getObjectRangeUnauthenticated(this.#context, input, options)
  }

  /** What is known of an object without a key: its plaintext's length, and how it is encrypted. */
  headObject(input: HeadObjectCommandInput, options?: RequestOptions): Promise<EncryptedObjectHead> {
    return headObject(this.#context, input, options)
  }

  /** Deletes, and the instruction file beside it. */
  deleteObject(input: DeleteObjectCommandInput, options?: RequestOptions): Promise<DeleteObjectCommandOutput> {
    return deleteObject(this.#context, input, options)
  }

  /** As `deleteObject`, up to 1,000 at once. */
  deleteObjects(input: DeleteObjectsCommandInput, options?: RequestOptions): Promise<DeleteObjectsCommandOutput> {
    return deleteObjects(this.#context, input, options)
  }

  /** Copies ciphertext and envelope within the store; no key is needed. */
  copyObject(input: CopyObjectCommandInput, options?: RequestOptions): Promise<CopyObjectCommandOutput> {
    return copyObject(this.#context, input, options)
  }

  /** Another wrapping key for an object with an instruction file, without touching the object. */
  reEncryptInstructionFile(input: ObjectTarget, options: ReEncryptOptions): Promise<ReEncryptedInstructionFile> {
    return reEncryptInstructionFile(this.#context, input, options)
  }

  /** Another wrapping key for an object, wherever its envelope is. Resolves to whether anything was written. */
  rewrapObject(input: ObjectTarget, options: RewrapObjectOptions): Promise<boolean> {
    return rewrapObject(this.#context, input, options)
  }

  /**
   * As the SDK's `send`, so that code written for it need not change: commands that this client has a method for go to
   * it, those that would carry or fetch bytes past the encryption are refused (UnsupportedCommand), all others go to
   * the store.
   */
  async send<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
    command: Command<Input, Output>,
    options?: RequestOptions,
  ): Promise<Output> {
    const row = COMMANDS.find(([type]) => command instanceof type)
    if (row) return row[1](this, command.input as never, options) as Promise<Output>
    const refused = REFUSED.some((type) => command instanceof type) || 'Body' in command.input
    if (refused) throw new EncryptionError('UnsupportedCommand', command.constructor.name)
    const plain = { ...(options?.abortSignal && { abortSignal: options.abortSignal }) }
    return this.s3.send(command as never, plain) as Promise<Output>
  }
}

type Send = (client: EncryptingClient, input: never, options?: RequestOptions) => Promise<unknown>

const COMMANDS: readonly (readonly [abstract new (...args: never) => unknown, Send])[] = [
  [PutObjectCommand, (client, input, options) => client.putObject(input, options)],
  [GetObjectCommand, (client, input, options) => client.getObject(input, options)],
  [HeadObjectCommand, (client, input, options) => client.headObject(input, options)],
  [DeleteObjectCommand, (client, input, options) => client.deleteObject(input, options)],
  [DeleteObjectsCommand, (client, input, options) => client.deleteObjects(input, options)],
  [CopyObjectCommand, (client, input, options) => client.copyObject(input, options)],
]

/** `putObject` makes multipart uploads by itself; parts from elsewhere would be in clear. */
const REFUSED = [
  CreateMultipartUploadCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
  CompleteMultipartUploadCommand,
  SelectObjectContentCommand,
]
