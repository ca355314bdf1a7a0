/** What the package is, apart from the platform it runs on. See docs/client/. */
export { ERRORS, EncryptionError, type EncryptionErrorCode } from './errors.ts'
export type { Description, Keyring, WrappedDataKey, WrapRequest } from './keyrings/keyring.ts'
export type { ContentAlgorithm, WrapAlgorithm } from './suites.ts'
