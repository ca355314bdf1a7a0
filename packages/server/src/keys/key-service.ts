/**
 * The only ways to a data key. S3 asks as the caller, so the same key policy, quota and audit meet a call that S3 makes
 * and one that comes straight to the KMS door.
 */
import type { DataKey } from '@strongroom/crypto'
import type { CallContext } from '../policy/call.ts'

/** Data keys under KMS keys (SSE-KMS, DSSE-KMS). Each call is authorised, counted and audited, cached or not. */
export interface KeyService {
  /**
   * A fresh 256-bit data key. `keyId` in any form AWS takes; undefined means the account's `alias/aws/s3`, which is
   * made at first use. Throws Kms* faults.
   */
  generateDataKey(call: CallContext, request: DataKeyRequest): Promise<GeneratedDataKey>

  /** The data key again. Throws Kms* faults; KmsCiphertextInvalid where context or bytes are not those it was made with. */
  unwrapDataKey(call: CallContext, request: UnwrapRequest): Promise<DataKey>

  /** Wraps a data key that there is already, by an Encrypt. Throws Kms* faults. */
  wrapDataKey(call: CallContext, request: WrapRequest): Promise<Pick<GeneratedDataKey, 'wrapped' | 'keyArn'>>

  /**
   * For a data key that is at hand already: the ARN of the KMS key where the caller may use it so at this moment, else
   * undefined. Neither counted nor audited, since nothing is asked of the KMS.
   */
  allowedKey(call: CallContext, use: IntendedUse): Promise<string | undefined>
}

export interface IntendedUse {
  readonly keyId: string | undefined
  readonly action: 'kms:GenerateDataKey' | 'kms:Decrypt'
  readonly encryptionContext: Readonly<Record<string, string>>
}

export interface DataKeyRequest {
  readonly keyId: string | undefined
  readonly encryptionContext: Readonly<Record<string, string>>
}

export interface UnwrapRequest {
  readonly keyArn: string
  readonly wrapped: Uint8Array
  readonly encryptionContext: Readonly<Record<string, string>>
}

export interface WrapRequest {
  /** The full ARN. */
  readonly keyId: string
  readonly encryptionContext: Readonly<Record<string, string>>
  readonly dataKey: DataKey
}

export interface GeneratedDataKey {
  readonly dataKey: DataKey
  /** The KMS CiphertextBlob; it names its key and material version. */
  readonly wrapped: Uint8Array
  /** Always the full key ARN. */
  readonly keyArn: string
}

/** The server's own keys: SSE-S3, and the second layer of DSSE-KMS. No KMS call, no quota. */
export interface ServiceKeys {
  /** Makes a data key and wraps it under the newest service key of the purpose. `context` is authenticated. */
  generate(purpose: ServiceKeyPurpose, context: Uint8Array): Promise<{ dataKey: DataKey; wrapped: Uint8Array }>
  /** As `generate`, of a data key that there is already. */
  wrap(purpose: ServiceKeyPurpose, dataKey: DataKey, context: Uint8Array): Promise<Uint8Array>
  /** Throws Fault 'Damaged' where `wrapped` does not open under `context`. */
  unwrap(purpose: ServiceKeyPurpose, wrapped: Uint8Array, context: Uint8Array): Promise<DataKey>
}

export const SERVICE_KEY_PURPOSES = ['sse-s3', 'dsse-outer'] as const
export type ServiceKeyPurpose = (typeof SERVICE_KEY_PURPOSES)[number]
