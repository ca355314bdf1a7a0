/** A keyring that uses data keys of another more than once, to spare calls of a KMS. */
import { encodeContext } from '@strongroom/crypto'
import { encodeBase64 } from '../base64.ts'
import { EncryptionError } from '../errors.ts'
import { CONTENT_ALGORITHMS } from '../suites.ts'
import { subtle } from '../web-crypto.ts'
import { DataKeyCache } from './data-key-cache.ts'
import type { Description, GeneratedDataKey, Keyring, WrappedDataKey, WrapRequest } from './keyring.ts'

/** How long, and for how much, a data key is used. */
export interface CachingKeyringOptions {
  /** How long a data key is used, from when it was asked for. For so long a revoked KMS key may go on being used. */
  readonly maxAgeMs: number
  /** Objects that are written under one data key; default 1000. */
  readonly maxMessages?: number
  /** Bytes of plaintext that are written under one data key; default 64 GiB. */
  readonly maxBytes?: number
  /** Data keys kept for writing, and as many for reading; default 1000. */
  readonly maxEntries?: number
  /** The time in milliseconds; default `Date.now`. For tests. */
  readonly now?: () => number
}

/** A keyring with data keys in memory. */
export interface CachingKeyring extends Keyring {
  /** Forgets and wipes all data keys. Those past their age are wiped at the next use of the keyring, not before. */
  clear(): void
}

/**
 * For writing, only content algorithms that commit share a data key, since each of their messages has a key of its
 * own; and only bodies of known length, since `maxBytes` could not be kept otherwise. All else goes to `keyring`.
 *
 * Whether a format may be written or read is decided outside, for each object, by the commitment policy. What is kept
 * here is therefore kept by content algorithm: nothing that was opened for a format that does not commit can serve a
 * request for one that does, nor the other way round (the fault of CVE-2026-6550).
 *
 * Throws EncryptionError InvalidConfiguration.
 */
export function cachingKeyring(keyring: Keyring, options: CachingKeyringOptions): CachingKeyring {
  const { maxAgeMs, maxMessages = 1000, maxBytes = 2 ** 36, maxEntries = 1000, now = Date.now } = options
  for (const [name, value] of Object.entries({ maxAgeMs, maxMessages, maxBytes, maxEntries }))
    if (!Number.isSafeInteger(value) || value < 1)
      throw new EncryptionError('InvalidConfiguration', `${name} is no whole number above 0`)
  const written = new DataKeyCache<GeneratedDataKey>({ maxAgeMs, maxUses: maxMessages, maxBytes, maxEntries, now })
  const read = new DataKeyCache({ maxAgeMs, maxUses: Number.POSITIVE_INFINITY, maxBytes: 0, maxEntries, now })

  return {
    async generate(request) {
      const { contentAlgorithm, plaintextBytes } = request
      if (!CONTENT_ALGORITHMS[contentAlgorithm].commits || plaintextBytes === undefined || plaintextBytes > maxBytes)
        return keyring.generate(request)
      const found = await written.take(idToWrite(request), plaintextBytes, () => keyring.generate(request))
      return found!
    },

    wrap: (dataKey, request) => keyring.wrap(dataKey, request),

    async unwrap(wrapped, request) {
      const found = await read.take(await idToRead(wrapped, request), 0, async () => {
        const dataKey = await keyring.unwrap(wrapped, request)
        return dataKey && { dataKey }
      })
      return found?.dataKey
    },

    clear() {
      written.clear()
      read.clear()
    },
  }
}

const idToWrite = ({ contentAlgorithm, encryptionContext }: WrapRequest) =>
  `${contentAlgorithm} ${encoded(encryptionContext)}`

/** All that the answer hangs on; a digest, because a wrap may be long and the store can send as many as it likes. */
async function idToRead(wrapped: WrappedDataKey, { contentAlgorithm, encryptionContext }: WrapRequest) {
  const parts = encodeContext({
    algorithm: wrapped.algorithm,
    bytes: encodeBase64(wrapped.bytes),
    description: encoded(wrapped.description),
    contentAlgorithm,
    encryptionContext: encoded(encryptionContext),
  })
  return encodeBase64(new Uint8Array(await subtle.digest('SHA-256', parts)))
}

const encoded = (description: Description) => encodeBase64(encodeContext(description))
