/** From an envelope to what its body is decrypted with. */
import { type DataKey, encodeContext, type StreamContext } from '@strongroom/crypto'
import { deriveVerified } from './content/derive.ts'
import type { Envelope, EnvelopeSealed } from './envelope/envelope.ts'
import { EncryptionError } from './errors.ts'
import { sameDescription } from './keyrings/description.ts'
import type { Description, Keyring, WrappedDataKey, WrapRequest } from './keyrings/keyring.ts'
import type { GcmParameters } from './platform.ts'
import { CONTENT_ALGORITHMS } from './suites.ts'
import { subtle } from './web-crypto.ts'

/** What a body is decrypted with, by the kind of its content. Whoever gets it wipes it. */
export type ContentKey =
  | { readonly kind: 'gcm'; readonly gcm: GcmParameters }
  | { readonly kind: 'cbc'; readonly key: Uint8Array; readonly iv: Uint8Array }
  | { readonly kind: 'sealed'; readonly dataKey: DataKey; readonly context: StreamContext; readonly header: Uint8Array }

/**
 * The data key, by the first wrap that the keyring opens. Rejects with EncryptionError NoKeyringFits,
 * EncryptionContextMismatch or DataKeyNotOpened.
 */
export async function unwrapDataKey(envelope: Envelope, keyring: Keyring, encryptionContext: Description) {
  if (envelope.format === 'sealed' && !sameDescription(envelope.encryptionContext, encryptionContext))
    throw new EncryptionError('EncryptionContextMismatch')
  const { contentAlgorithm } = envelope
  let refusal: unknown
  for (const wrapped of envelope.wrapped) {
    try {
      requireBound(wrapped, { contentAlgorithm, encryptionContext })
      const dataKey = await keyring.unwrap(wrapped, { contentAlgorithm, encryptionContext })
      if (dataKey) return dataKey
    } catch (error) {
      // A sealed object may carry wraps for several keyrings of one kind; the next may be this one's.
      refusal ??= error
    }
  }
  throw refusal ?? new EncryptionError('NoKeyringFits')
}

/**
 * Throws EncryptionContextMismatch where the format and the wrap cannot bind the context that the caller speaks of: in
 * the S3 Encryption Client's formats KMS alone does. To take it and not hold to it would be worse than to refuse.
 */
export function requireBound(wrapped: WrappedDataKey, { contentAlgorithm, encryptionContext }: WrapRequest): void {
  if (CONTENT_ALGORITHMS[contentAlgorithm].format === 'sealed' || wrapped.algorithm.startsWith('kms')) return
  if (Object.keys(encryptionContext).length > 0)
    throw new EncryptionError('EncryptionContextMismatch', 'a raw keyring binds none but in the sealed format')
}

/** As {@link unwrapDataKey}, and checks the commitment before any key is derived of it: CommitmentMismatch. */
export async function openEnvelope(
  envelope: Envelope,
  keyring: Keyring,
  encryptionContext: Description,
): Promise<ContentKey> {
  const dataKey = await unwrapDataKey(envelope, keyring, encryptionContext)
  if (envelope.format === 'sealed')
    return {
      kind: 'sealed',
      dataKey,
      context: await sealedContext(envelope.encryptionContext),
      header: envelope.header,
    }
  try {
    if (envelope.format === 'V3')
      return { kind: 'gcm', gcm: await deriveVerified(dataKey, envelope.messageId, envelope.commitment) }
    const key = dataKey.bytes().slice()
    return envelope.contentAlgorithm === 'AES/GCM/NoPadding'
      ? { kind: 'gcm', gcm: { key, iv: envelope.iv } }
      : { kind: 'cbc', key, iv: envelope.iv }
  } finally {
    dataKey.wipe()
  }
}

/** What binds a sealed body to its encryption context: the stream id is a digest of it. */
export async function sealedContext(encryptionContext: EnvelopeSealed['encryptionContext']): Promise<StreamContext> {
  const digest = await subtle.digest('SHA-256', encodeContext(encryptionContext))
  return { streamId: new Uint8Array(digest, 0, 16), partNumber: 1 }
}

export function wipe(key: ContentKey): void {
  if (key.kind === 'sealed') key.dataKey.wipe()
  else if (key.kind === 'gcm') key.gcm.key.fill(0)
  else key.key.fill(0)
}
