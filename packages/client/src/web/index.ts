/** The package on browsers, over Web Crypto. */
import type { S3Client } from '@aws-sdk/client-s3'
import { EncryptingClient } from '../client/encrypting-client.ts'
import { Encryptor } from '../client/encryptor.ts'
import type { EncryptingClientOptions, EncryptionOptions } from '../client/settings.ts'
import { webPlatform } from './platform.ts'

export * from '../index.ts'

/**
 * An S3 client that encrypts before sending and decrypts after receiving. Throws EncryptionError InvalidConfiguration
 * where options do not fit each other.
 */
export const createEncryptingClient = (s3: S3Client, options: EncryptingClientOptions): EncryptingClient =>
  new EncryptingClient(s3, webPlatform, options)

/** Encryption without a store's client: for presigned URLs and other ways of moving bodies. */
export const createEncryptor = (options: EncryptionOptions): Encryptor<ReadableStream<Uint8Array>> =>
  new Encryptor(webPlatform, options)
