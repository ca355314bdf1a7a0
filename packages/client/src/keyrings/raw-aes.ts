/** A keyring whose wrapping key is an AES key of the caller. */
import type { DataKey } from '@strongroom/crypto'
import type { ContentAlgorithm, WrapAlgorithm } from '../suites.ts'
import { AesWrappingKey } from './aes-wrapping-key.ts'
import { unwrapEcb, unwrapGcm, unwrapRfc3394, wrapGcm } from './aes-wraps.ts'
import { keyFor } from './description.ts'
import { generateLocally } from './generate-locally.ts'
import type { Description, Keyring } from './keyring.ts'

/** AES keys, and what is said of them. */
export interface RawAesKeyringOptions {
  /** 32 bytes, of which a copy is kept; or a CryptoKey of AES-GCM (for old wraps AES-KW or AES-CBC), 256 bits. */
  readonly wrappingKey: Uint8Array | CryptoKey
  /** Stored in clear with each wrap, so that a reader can tell by which key it was made. Default empty. */
  readonly materialDescription?: Description
  /** Keys that only read: a wrap with one's material description is opened with it, all others with `wrappingKey`. */
  readonly additionalDecryptionKeys?: readonly {
    readonly wrappingKey: Uint8Array | CryptoKey
    readonly materialDescription: Description
  }[]
}

type Unwrap = (key: AesWrappingKey, wrapped: Uint8Array, contentAlgorithm: ContentAlgorithm) => Promise<DataKey>

const UNWRAP: { readonly [algorithm in WrapAlgorithm]?: Unwrap } = {
  'AES/GCM': unwrapGcm,
  AESWrap: unwrapRfc3394,
  AES: unwrapEcb,
}

/** Wraps by AES-GCM; unwraps RFC 3394 and format V1's ECB as well. Throws EncryptionError InvalidConfiguration. */
export function rawAesKeyring(options: RawAesKeyringOptions): Keyring {
  const main = new AesWrappingKey(options.wrappingKey)
  const description = { ...options.materialDescription }
  const others = (options.additionalDecryptionKeys ?? []).map(({ wrappingKey, materialDescription }) => ({
    materialDescription: { ...materialDescription },
    key: new AesWrappingKey(wrappingKey),
  }))
  const keyring: Keyring = {
    generate: (request) => generateLocally(keyring, request),

    async wrap(dataKey, { contentAlgorithm }) {
      return [{ algorithm: 'AES/GCM', bytes: await wrapGcm(main, dataKey, contentAlgorithm), description }]
    },

    async unwrap(wrapped, { contentAlgorithm }) {
      const key = keyFor(wrapped.description, others, main)
      return UNWRAP[wrapped.algorithm]?.(key, wrapped.bytes, contentAlgorithm)
    },
  }
  return keyring
}
