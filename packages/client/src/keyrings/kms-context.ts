/** The encryption context of KMS wraps: what is stored of it, and what a reader's own must be. Pure. */
import { EncryptionError } from '../errors.ts'
import { KMS_CONTENT_ALGORITHM, KMS_LEGACY_KEY_ID } from '../suites.ts'
import { includesDescription, sameDescription } from './description.ts'
import type { Description, WrappedDataKey, WrapRequest } from './keyring.ts'

const RESERVED: readonly string[] = [KMS_CONTENT_ALGORITHM, KMS_LEGACY_KEY_ID]

/** The caller's context and the content algorithm. Throws EncryptionError ReservedName. */
export function contextToStore({ encryptionContext, contentAlgorithm }: WrapRequest): Record<string, string> {
  requireUnreserved(encryptionContext)
  return { ...encryptionContext, [KMS_CONTENT_ALGORITHM]: contentAlgorithm }
}

/**
 * Before KMS is asked: it would open a wrap with any context that is stored, and only the caller knows the right one.
 * Throws EncryptionError EncryptionContextMismatch, DataKeyNotOpened where the wrap is bound to another content
 * algorithm, ReservedName.
 */
export function requireOwnContext(
  { algorithm, description }: WrappedDataKey,
  { encryptionContext, contentAlgorithm }: WrapRequest,
): void {
  requireUnreserved(encryptionContext)
  // A wrap that is bound to its content algorithm stays so when somebody relabels it as a legacy one.
  if (algorithm === 'kms' && !Object.hasOwn(description, KMS_CONTENT_ALGORITHM)) {
    if (!includesDescription(description, encryptionContext)) throw new EncryptionError('EncryptionContextMismatch')
    return
  }
  const own = Object.fromEntries(Object.entries(description).filter(([name]) => !RESERVED.includes(name)))
  if (!sameDescription(own, encryptionContext)) throw new EncryptionError('EncryptionContextMismatch')
  if (description[KMS_CONTENT_ALGORITHM] !== contentAlgorithm)
    throw new EncryptionError('DataKeyNotOpened', 'its KMS context names another content algorithm')
}

function requireUnreserved(encryptionContext: Description): void {
  const reserved = RESERVED.find((name) => Object.hasOwn(encryptionContext, name))
  if (reserved !== undefined) throw new EncryptionError('ReservedName', reserved)
}
