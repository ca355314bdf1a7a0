/** Errors in words, for whoever uses the page. */
import { EncryptionError, type EncryptionErrorCode } from '@strongroom/client'

const WORDS: { readonly [code in EncryptionErrorCode]?: string } = {
  BodyNotAuthentic: 'The stored object has been changed or cut. Nothing was saved.',
  BodyTooLarge: 'This format cannot be opened piece by piece, and the object is too large for a browser to hold.',
  CommitmentMismatch: 'The object does not belong to this key: somebody changed one of them. Nothing was saved.',
  CommitmentPolicyForbids: 'The object is in an older format, which does not commit to its key.',
  DataKeyNotOpened: 'This is not the passphrase or key file that the object was encrypted with.',
  EncryptionContextMismatch: 'The object was encrypted with an encryption context, which this page knows nothing of.',
  InvalidConfiguration: 'There is no passphrase, or no key file of 32 bytes.',
  MalformedEnvelope: 'What the store keeps beside the object is damaged. Nothing was saved.',
  MixedFormats: 'What the store keeps beside the object has been changed. Nothing was saved.',
  NoKeyringFits: 'The object was encrypted with another kind of key.',
  NotEncrypted: 'The object was not encrypted by a client.',
}

export function inWords(error: unknown): string {
  if (error instanceof EncryptionError) return `${WORDS[error.code] ?? error.message} (${error.code})`
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'AbortError') return 'Cancelled.'
  // All that browsers tell of a request that got no reply, or none that the page may read.
  if (error instanceof TypeError)
    return `The store cannot be reached, or the bucket’s CORS rules do not let this page in. (${error.message})`
  return error.name === 'Error' ? error.message : `${error.message} (${error.name})`
}
