/** What the package is, apart from the platform it runs on. See docs/client/. */

export type { Progress, RequestOptions } from './client/context.ts'
export type { Command, EncryptingClient } from './client/encrypting-client.ts'
export type { EncryptedUpload, Encryptor, StoredReply } from './client/encryptor.ts'
export type { DecryptedObject } from './client/get-object.ts'
export type { EncryptedObjectHead } from './client/head-object.ts'
export type { EncryptedPutInput } from './client/put-object.ts'
export type {
  ReEncryptedInstructionFile,
  ReEncryptOptions,
  RewrapObjectOptions,
  RewrapOptions,
} from './client/rewrap-object.ts'
export type { EncryptingClientOptions, EncryptionOptions, LargeBodies, WriteFormat } from './client/settings.ts'
export type { ObjectTarget } from './client/stored-object.ts'
export {
  type CommitmentPolicy,
  type LegacySwitches,
  type PolicySubject,
  type ReadingRules,
  requireReadable,
} from './commitment-policy.ts'
export type { EncryptionInfo, EnvelopeFormat, EnvelopeLocation } from './envelope/envelope.ts'
export { EncryptionError, type EncryptionErrorCode, ERRORS } from './errors.ts'
export { type CachingKeyring, type CachingKeyringOptions, cachingKeyring } from './keyrings/caching.ts'
export type { Description, GeneratedDataKey, Keyring, WrappedDataKey, WrapRequest, Wraps } from './keyrings/keyring.ts'
export { type MultiKeyringOptions, multiKeyring } from './keyrings/multi.ts'
export { type RawAesKeyringOptions, rawAesKeyring } from './keyrings/raw-aes.ts'
export { type LegacyOaep, type RawRsaKeyringOptions, rawRsaKeyring } from './keyrings/raw-rsa.ts'
export type { ContentAlgorithm, WrapAlgorithm } from './suites.ts'
