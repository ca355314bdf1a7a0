/** What client-side encryption and the SDK refuse, as the commands tell it. */
import type { EncryptionError, EncryptionErrorCode } from '@strongroom/client'
import { UsageError } from './exit.ts'

/** What there is to do or to know beyond the error's own sentence. */
const ADVICE: Readonly<Partial<Record<EncryptionErrorCode, string>>> = {
  BodyNotAuthentic:
    'It is not what was encrypted: changed, cut or exchanged since. None of what does not authenticate was given out.',
  CommitmentMismatch: 'Whoever can write to the store has exchanged key or envelope.',
  DataKeyNotOpened:
    'It is encrypted with another key, or its envelope was changed; `strongroom cse inspect` shows what it names.',
  NoKeyringFits: 'It wants another kind of key; `strongroom cse inspect` shows which.',
  EncryptionContextMismatch: 'Give --context as it was given when the object was written.',
  NotEncrypted: '`strongroom cse migrate` encrypts what is there already.',
  CommitmentPolicyForbids:
    'Formats V1 and V2 do not commit to their key; --commitment-policy REQUIRE_ENCRYPT_ALLOW_DECRYPT reads them.',
  LegacyWrappingDisabled: '--legacy-wrapping reads it.',
  UnauthenticatedModesDisabled: '--legacy-unauthenticated reads it; nobody can tell then whether it was changed.',
  BodyTooLarge: '--format sealed has no such limit for what is written.',
}

/** What the SDK leaves without words, since a reply to HEAD has none. */
const WORDLESS: Readonly<Record<string, string>> = {
  NotFound: 'there is no such object or bucket',
  '403': 'access denied',
  '400': 'the store refuses the request; an object under SSE-C cannot be read here',
}

/** By name, since an installation without the client's packages has no such class. */
export const isEncryptionError = (error: unknown): error is EncryptionError =>
  error instanceof Error && error.name === 'EncryptionError'

/** One line for people. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (isEncryptionError(error)) return `${error.code}: ${error.message}`
  const { name, message, $metadata, code } = error as Error & {
    readonly $metadata?: { readonly httpStatusCode?: number }
    readonly code?: string
  }
  if (!$metadata?.httpStatusCode) return message || code || name
  const wordless = message === '' || message === 'UnknownError' || message === name
  return `${name}: ${wordless ? (WORDLESS[name] ?? WORDLESS[$metadata.httpStatusCode] ?? 'no reason given') : message}`
}

/** The error to end a command with: usage where the options are wrong, else a failure. */
export function explained(error: unknown): Error {
  if (isEncryptionError(error)) {
    if (error.code === 'InvalidConfiguration') return new UsageError(reasonOf(error))
    const advice = ADVICE[error.code]
    return new Error(advice ? `${reasonOf(error)}\n${advice}` : reasonOf(error), { cause: error })
  }
  const isOfTheService = error instanceof Error && ('$metadata' in error || error.message === '')
  return isOfTheService ? new Error(reasonOf(error), { cause: error }) : (error as Error)
}
