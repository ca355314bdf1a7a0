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
  /** Length of the body to be written, where it is known. Bounds how much a keyring that caches puts under one key. */
  readonly plaintextBytes?: number
}

/** A data key as an object carries it. */
export interface WrappedDataKey {
  /** How it is wrapped. */
  readonly algorithm: WrapAlgorithm
  /** The wrapped key, as its algorithm lays it out. */
  readonly bytes: Uint8Array
  /** Stored with it: KMS's whole encryption context, reserved name included; else the keyring's material description. */
  readonly description: Description
}

/**
 * Wraps of one data key. The first is the one of formats that carry one wrap only; more are made for the sealed format
 * alone, each for another reader.
 */
export type Wraps = readonly [WrappedDataKey, ...WrappedDataKey[]]

/** A data key with its wraps. Who gets it wipes the data key. */
export interface GeneratedDataKey {
  /** 32 bytes, fresh unless the keyring caches. */
  readonly dataKey: DataKey
  /** Of `dataKey`, to be stored. */
  readonly wraps: Wraps
}

/**
 * Wraps data keys for objects that are written, and unwraps those of objects that are read. Implementations keep the
 * wrapping key; who calls wipes the data key. One is used by many calls at once.
 */
export interface Keyring {
  /** A data key for one object and its wraps. Throws EncryptionError, or what a KMS client throws. */
  generate(request: WrapRequest): Promise<GeneratedDataKey>
  /** Wraps of a data key that exists, which stays the caller's. Throws as `generate` does. */
  wrap(dataKey: DataKey, request: WrapRequest): Promise<Wraps>
  /**
   * The data key; `undefined` where the wrap is not of this keyring's kind, so that another may try. Throws
   * EncryptionError: DataKeyNotOpened where it is of the kind and does not open, EncryptionContextMismatch where the
   * caller's context is another, InvalidConfiguration where this keyring was not made for reading such. What a KMS
   * says of itself (access, throttling) passes. Nothing else is told about why.
   */
  unwrap(wrapped: WrappedDataKey, request: WrapRequest): Promise<DataKey | undefined>
}
