/** The one class of errors that this package makes; what the SDK throws passes through as it is. */

/** What went wrong, for programs. Each refusal of what a store gave back has a code of its own, tampering included. */
export type EncryptionErrorCode = keyof typeof ERRORS

/**
 * Codes and what they mean. Nothing of the plaintext has been given out when one of these is thrown, except where a
 * body of the sealed format ends early: then all that was given out before had authenticated.
 */
export const ERRORS = {
  /** The body is not what was encrypted under this key: changed, cut, extended or exchanged. */
  BodyNotAuthentic: 'the body does not authenticate',
  /** The key is not the one that the object was encrypted with, whatever opened it. */
  CommitmentMismatch: 'the key is not the one that the object commits to',
  /** A wrap of this keyring does not open: another key, or changed. */
  DataKeyNotOpened: 'the data key does not open',
  /** No keyring given knows this wrap. */
  NoKeyringFits: 'no keyring fits the wrapped data key',
  /** The caller's encryption context is not the one that the object was encrypted with. */
  EncryptionContextMismatch: 'the encryption context is not that of the object',
  /** Metadata of more than one format, or fields that only another format has. */
  MixedFormats: 'the object has fields of more than one format',
  /** A field is missing, of a wrong length, or no value of its kind. */
  MalformedEnvelope: 'the envelope is malformed',
  /** The instruction file holds what belongs to the object only, or what no writer puts there. */
  InstructionFileTampered: 'the instruction file holds what must not be there',
  /** Neither the object nor an instruction file has an envelope. */
  NotEncrypted: 'the object is not encrypted by a client',
  /** The commitment policy does not allow to write or read this format. */
  CommitmentPolicyForbids: 'the commitment policy forbids this format',
  /** A way of wrapping that only reads old objects, and is switched off. */
  LegacyWrappingDisabled: 'legacy wrapping algorithms are not enabled',
  /** Content that nothing authenticates, whose reading is switched off. */
  UnauthenticatedModesDisabled: 'legacy unauthenticated modes are not enabled',
  /** More than the format, or the memory that it may take here, holds. */
  BodyTooLarge: 'the body is too large',
  /** The envelope does not fit into S3's 2 KB of user metadata. */
  EnvelopeTooLarge: 'the envelope is larger than user metadata may be',
  /** The body is not as long as ContentLength says. */
  LengthMismatch: 'the body has another length than was said',
  /** The store gave other bytes, or another version, at the second reading. */
  ChangedWhileRead: 'the object changed while it was read',
  /** A name that belongs to the format. */
  ReservedName: 'the name is reserved',
  /** A command that would store or fetch bytes past the encryption. */
  UnsupportedCommand: 'the command is not supported by an encrypting client',
  /** A parameter that would speak of the ciphertext, or that cannot be kept. */
  UnsupportedParameter: 'the parameter is not supported by an encrypting client',
  /** Options that do not fit each other, or a key that is none. */
  InvalidConfiguration: 'the configuration is not valid',
} as const

/** Thrown for all that this package refuses. `code` is for programs, `message` for people; neither holds a secret. */
export class EncryptionError extends Error {
  /** What went wrong. */
  readonly code: EncryptionErrorCode

  constructor(code: EncryptionErrorCode, detail?: string, options?: ErrorOptions) {
    super(detail === undefined ? ERRORS[code] : `${ERRORS[code]}: ${detail}`, options)
    this.name = 'EncryptionError'
    this.code = code
  }
}
