/** A keyring whose wrapping key comes of a passphrase. */
import { encodeBase64 } from '../base64.ts'
import { EncryptionError } from '../errors.ts'
import { AesWrappingKey } from './aes-wrapping-key.ts'
import { unwrapGcm, wrapGcm } from './aes-wraps.ts'
import {
  type Argon2idParameters,
  deriveArgon2id,
  describeArgon2id,
  readArgon2id,
  SALT_BYTES,
  withinBounds,
} from './argon2id.ts'
import { generateLocally } from './generate-locally.ts'
import type { Keyring } from './keyring.ts'

/** A passphrase, and what Argon2id (RFC 9106) makes of it costs. */
export interface PassphraseKeyringOptions {
  /** Text is taken in Unicode's form NFC, as UTF-8. Of bytes a copy is kept. */
  readonly passphrase: string | Uint8Array
  /** Default 64 MiB; at most 1 GiB, and that with `passes` multiplied. */
  readonly memoryKiB?: number
  /** Default 3; at most 16. */
  readonly passes?: number
  /** Default 4; at most 16. */
  readonly lanes?: number
}

/** Derived keys that are kept for reading; objects of one writer share one. */
const MAX_KEPT_KEYS = 16

/**
 * Argon2id gives the wrapping key, by default with RFC 9106's second recommended parameters, which stand beside each
 * wrap; it then wraps as an AES keyring does. An instance that writes derives once, with a salt of its own. Throws
 * EncryptionError InvalidConfiguration.
 */
export function passphraseKeyring(options: PassphraseKeyringOptions): Keyring {
  const { passphrase, memoryKiB = 65536, passes = 3, lanes = 4 } = options
  const secret =
    typeof passphrase === 'string' ? new TextEncoder().encode(passphrase.normalize('NFC')) : Uint8Array.from(passphrase)
  if (secret.length === 0) throw new EncryptionError('InvalidConfiguration', 'the passphrase is empty')
  const salt = globalThis.crypto.getRandomValues(new Uint8Array(SALT_BYTES))
  const own: Argon2idParameters = { salt, memoryKiB, passes, lanes }
  if (!withinBounds(own))
    throw new EncryptionError('InvalidConfiguration', 'memoryKiB, passes or lanes is not within bounds')

  const description = describeArgon2id(own)
  const derived = new Map<string, Promise<AesWrappingKey>>()

  function keyOf(parameters: Argon2idParameters): Promise<AesWrappingKey> {
    const id = [encodeBase64(parameters.salt), parameters.memoryKiB, parameters.passes, parameters.lanes].join()
    const key = derived.get(id) ?? derive(secret, parameters)
    // Whatever was asked for last stands last, so the first is the one to go.
    derived.delete(id)
    derived.set(id, key)
    key.catch(() => derived.delete(id))
    if (derived.size > MAX_KEPT_KEYS) derived.delete(derived.keys().next().value!)
    return key
  }

  const keyring: Keyring = {
    generate: (request) => generateLocally(keyring, request),

    async wrap(dataKey, { contentAlgorithm }) {
      const bytes = await wrapGcm(await keyOf(own), dataKey, contentAlgorithm)
      return [{ algorithm: 'AES/GCM', bytes, description }]
    },

    async unwrap(wrapped, { contentAlgorithm }) {
      const parameters = wrapped.algorithm === 'AES/GCM' ? readArgon2id(wrapped.description) : undefined
      return parameters && unwrapGcm(await keyOf(parameters), wrapped.bytes, contentAlgorithm)
    },
  }
  return keyring
}

async function derive(passphrase: Uint8Array, parameters: Argon2idParameters): Promise<AesWrappingKey> {
  const bytes = await deriveArgon2id(passphrase, parameters)
  try {
    return new AesWrappingKey(bytes)
  } finally {
    bytes.fill(0)
  }
}
