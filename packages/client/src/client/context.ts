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
  /** So far. */
  readonly bytes: number
  /** Absent where the length is not known before the end. */
  readonly totalBytes?: number
}

/** Beside the SDK's own input, for every operation. */
export interface RequestOptions {
  /**
   * Bound to the object, which opens only where the same is given again. Not secret, and stored. KMS keyrings and the
   * sealed format bind it; where neither is in use one that is not empty is refused (EncryptionContextMismatch).
   */
  readonly encryptionContext?: Description
  /** Ends the operation, which rejects with an AbortError; of an upload in parts no part is left. */
  readonly abortSignal?: AbortSignal
  /** Called as bytes go over the line, both ways. */
  readonly onProgress?: (progress: Progress) => void
}

/** Options of `S3Client.send` that follow of ours. */
export const sendOptions = (options: RequestOptions) =>
  options.abortSignal ? { abortSignal: options.abortSignal } : {}
