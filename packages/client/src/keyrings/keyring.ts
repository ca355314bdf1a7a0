/** What a keyring is: whoever holds wrapping keys, and wraps and unwraps data keys with them. */
import type { DataKey } from '@strongroom/crypto'
import type { ContentAlgorithm, WrapAlgorithm } from '../suites.ts'

/** Names and values that describe an object or a key; not secret. */
export type Description = Readonly<Record<string, string>>

/** What a data key is wanted for. */
export interface WrapRequest {
  /** Bound into the wrap, so that a data key opens nothing of another format. */
  readonly contentAlgorithm: ContentAlgorithm
  /** The caller's, for this object. KMS binds it; raw keyrings cannot, and the sealed format binds it into the body. */
  readonly encryptionContext: Description
}

/** A data key as an object carries it. */
export interface WrappedDataKey {
  readonly algorithm: WrapAlgorithm
  readonly bytes: Uint8Array
  /** Stored with it: KMS's whole encryption context, reserved name included; else the keyring's material description. */
  readonly description: Description
}

/**
 * Wraps data keys for objects that are written, and unwraps those of objects that are read. Implementations keep the
 * wrapping key; who calls wipes the data key. One is used by many calls at once.
 */
export interface Keyring {
  /** A fresh data key and its wrap. Throws EncryptionError, or what a KMS client throws. */
  generate(request: WrapRequest): Promise<{ readonly dataKey: DataKey; readonly wrapped: WrappedDataKey }>
  /** A wrap of a data key that exists. */
  wrap(dataKey: DataKey, request: WrapRequest): Promise<WrappedDataKey>
  /**
   * The data key; `undefined` where the wrap is not of this keyring's kind, so that another may try. Throws
   * EncryptionError: DataKeyNotOpened where it is of the kind and does not open, EncryptionContextMismatch where the
   * caller's context is another. Nothing else is told about why.
   */
  unwrap(wrapped: WrappedDataKey, request: WrapRequest): Promise<DataKey | undefined>
}
