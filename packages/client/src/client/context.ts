/** What the operations of one encrypting client share. */
import type { S3Client } from '@aws-sdk/client-s3'
import type { Description } from '../keyrings/keyring.ts'
import type { Platform } from '../platform.ts'
import type { ClientSettings } from './settings.ts'

export interface ClientContext {
  readonly s3: S3Client
  readonly platform: Platform
  readonly settings: ClientSettings
}

/** Bytes of the stored body that have gone over the line. */
export interface Progress {
  readonly bytes: number
  /** Absent where the length is not known before the end. */
  readonly totalBytes?: number
}

/** Beside the SDK's own input, for every operation. */
export interface RequestOptions {
  /** Bound to the object: what is not given again, equal, when it is read does not open it. Not secret, and stored. */
  readonly encryptionContext?: Description
  readonly abortSignal?: AbortSignal
  readonly onProgress?: (progress: Progress) => void
}

/** Options of `S3Client.send` that follow of ours. */
export const sendOptions = (options: RequestOptions) =>
  options.abortSignal ? { abortSignal: options.abortSignal } : {}
