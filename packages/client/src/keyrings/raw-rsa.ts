/** A keyring whose wrapping key is an RSA key of the caller: who writes needs only the public half. */
import { DataKey, sameBytes } from '@strongroom/crypto'
import { EncryptionError } from '../errors.ts'
import type { ContentAlgorithm } from '../suites.ts'
import { type CryptoKey, subtle } from '../web-crypto.ts'
import { keyFor } from './description.ts'
import { generateLocally } from './generate-locally.ts'
import type { Description, Keyring } from './keyring.ts'
import { asciiBytes, opened } from './opened.ts'
import { rsaKey } from './rsa-key.ts'

/**
 * Opens OAEP with SHA-256 whose mask generation uses SHA-1: gives the message, or rejects with EncryptionError
 * DataKeyNotOpened for whatever does not open.
 */
export type LegacyOaep = (privateKey: CryptoKey, wrapped: Uint8Array) => Promise<Uint8Array>

/** One half of an RSA key pair or both, and what is said of them. */
export interface RawRsaKeyringOptions {
  /** PEM of SPKI, or a CryptoKey of RSA-OAEP with SHA-1; 2048 bits at least. What is written needs it. */
  readonly publicKey?: string | CryptoKey
  /** PEM of PKCS#8, or a CryptoKey of RSA-OAEP with SHA-1; 2048 bits at least. What is read needs it. */
  readonly privateKey?: string | CryptoKey
  /** Stored in clear with each wrap, so that a reader can tell by which key it was made. Default empty. */
  readonly materialDescription?: Description
  /** Keys that only read: a wrap with one's material description is opened with it, all others with `privateKey`. */
  readonly additionalDecryptionKeys?: readonly {
    readonly privateKey: string | CryptoKey
    readonly materialDescription: Description
  }[]
  /** Reads wraps of RSA/ECB/OAEPWithSHA-256AndMGF1Padding, which Web Crypto cannot; see `legacyOaep` on Node.js. */
  readonly legacyOaep?: LegacyOaep
}

const OAEP = { name: 'RSA-OAEP' }
const DATA_KEY_BYTES = 32

/**
 * Wraps by RSA-OAEP with SHA-1, as the S3 Encryption Client does. Format V1's PKCS#1 v1.5 is not offered: to unwrap it
 * without answering an attacker's questions is not in this platform's power. Throws EncryptionError
 * InvalidConfiguration.
 */
export function rawRsaKeyring(options: RawRsaKeyringOptions): Keyring {
  const publicKey = options.publicKey === undefined ? undefined : rsaKey('public', options.publicKey)
  const privateKey = options.privateKey === undefined ? undefined : rsaKey('private', options.privateKey)
  const description = { ...options.materialDescription }
  const others = (options.additionalDecryptionKeys ?? []).map((other) => ({
    materialDescription: { ...other.materialDescription },
    key: rsaKey('private', other.privateKey),
  }))
  if (!publicKey && !privateKey && others.length === 0)
    throw new EncryptionError('InvalidConfiguration', 'neither a public nor a private key is given')

  const keyring: Keyring = {
    generate: (request) => generateLocally(keyring, request),

    async wrap(dataKey, { contentAlgorithm }) {
      if (!publicKey) throw new EncryptionError('InvalidConfiguration', 'without a public key this keyring only reads')
      const message = messageOf(dataKey.bytes(), contentAlgorithm)
      try {
        const bytes = new Uint8Array(await subtle.encrypt(OAEP, await publicKey(), message))
        return [{ algorithm: 'RSA-OAEP-SHA1', bytes, description }]
      } finally {
        message.fill(0)
      }
    },

    async unwrap({ algorithm, bytes, description }, { contentAlgorithm }) {
      if (algorithm !== 'RSA-OAEP-SHA1' && algorithm !== LEGACY) return undefined
      const key = await keyFor(description, others, privateKey)?.()
      if (!key) throw new EncryptionError('DataKeyNotOpened', 'no private key is given')
      if (algorithm === 'RSA-OAEP-SHA1')
        return keyOfMessage(await opened(subtle.decrypt(OAEP, key, bytes)), contentAlgorithm)
      if (!options.legacyOaep)
        throw new EncryptionError(
          'InvalidConfiguration',
          `${LEGACY} is read on Node.js only, with the option legacyOaep`,
        )
      return bareKey(await options.legacyOaep(key, bytes))
    },
  }
  return keyring
}

const LEGACY = 'RSA/ECB/OAEPWithSHA-256AndMGF1Padding'

/** The key's length as one byte, the key, and the content algorithm. */
function messageOf(dataKey: Uint8Array, contentAlgorithm: ContentAlgorithm): Uint8Array {
  const bound = asciiBytes(contentAlgorithm)
  const message = new Uint8Array(1 + DATA_KEY_BYTES + bound.length)
  message[0] = DATA_KEY_BYTES
  message.set(dataKey, 1)
  message.set(bound, 1 + DATA_KEY_BYTES)
  return message
}

/** Takes nothing but what `messageOf` makes: no shorter key, and nothing after the content algorithm. */
function keyOfMessage(message: Uint8Array, contentAlgorithm: ContentAlgorithm): DataKey {
  const dataKey = new DataKey(new Uint8Array(DATA_KEY_BYTES))
  dataKey.bytes().set(message.subarray(1, 1 + DATA_KEY_BYTES))
  const expected = messageOf(dataKey.bytes(), contentAlgorithm)
  const same = sameBytes(message, expected)
  message.fill(0)
  expected.fill(0)
  if (same) return dataKey
  dataKey.wipe()
  throw new EncryptionError('DataKeyNotOpened')
}

/** The legacy algorithm binds no content algorithm. */
function bareKey(message: Uint8Array): DataKey {
  if (message.length === DATA_KEY_BYTES) return new DataKey(message)
  message.fill(0)
  throw new EncryptionError('DataKeyNotOpened')
}
