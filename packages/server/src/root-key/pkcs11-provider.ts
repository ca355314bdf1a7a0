/** A root key in an HSM: an AES-256 key that the token does not let out, used by AES-GCM. */
import { encodeContext } from '@strongroom/crypto'
import { freshBytes } from '@strongroom/crypto/node'
import { Pkcs11Error, type Pkcs11Session, withToken } from './pkcs11.ts'
import { RootKeyError, type RootKeyProvider, RootKeyUnreachable } from './provider.ts'

export interface Pkcs11Key {
  /** Path of the vendor's PKCS#11 library. */
  readonly module: string
  /** The token's label. */
  readonly token: string
  /** The key's label; the first wrap makes the key where the token has none. */
  readonly key: string
  readonly pin: () => Promise<string>
}

const IV_BYTES = 12
/** To go on trying with a PIN that is not right would lock the token. */
const FINAL_CODES = new Set([0xa0, 0xa1, 0xa2, 0xa4, 0x70, 0x71])
/** What a decryption that failed says where it is the device that fails, and not the tag. */
const DEVICE_CODES = new Set([0x02, 0x06, 0x30, 0x31, 0x32, 0xb0, 0xb3, 0xe0])

export function pkcs11Provider({ module, token, key, pin }: Pkcs11Key): RootKeyProvider {
  const use = async (run: (session: Pkcs11Session) => Uint8Array): Promise<Uint8Array> => {
    try {
      return await withToken({ module, token, pin: await pin() }, run)
    } catch (error) {
      if (!(error instanceof Pkcs11Error)) throw error
      const kind = FINAL_CODES.has(error.code) ? RootKeyError : RootKeyUnreachable
      throw new kind(`the token ${token}: ${error.message}`, { cause: error })
    }
  }
  return {
    description: `the key ${key} of the token ${token}`,
    wrap: (bytes, context) =>
      use((session) => {
        const handle = session.findKey(key) ?? session.generateKey(key)
        const iv = freshBytes(IV_BYTES)
        return Buffer.concat([iv, session.encrypt(handle, iv, encodeContext(context), bytes)])
      }),
    unwrap: (wrapped, context) =>
      use((session) => {
        const handle = session.findKey(key)
        if (handle === undefined) throw new RootKeyError(`the token ${token} has no key ${key}`)
        try {
          const [iv, sealed] = [wrapped.subarray(0, IV_BYTES), wrapped.subarray(IV_BYTES)]
          return session.decrypt(handle, iv, encodeContext(context), sealed)
        } catch (error) {
          if (!(error instanceof Pkcs11Error) || DEVICE_CODES.has(error.code)) throw error
          throw new RootKeyError('it is another key, or what it wrapped was changed', { cause: error })
        }
      }),
  }
}
