/** Data keys of keyrings that only wrap. */
import { DataKey } from '@strongroom/crypto'
import type { GeneratedDataKey, Keyring, WrapRequest } from './keyring.ts'

/** A data key of this platform's randomness, wrapped by `keyring`. */
export async function generateLocally(keyring: Pick<Keyring, 'wrap'>, request: WrapRequest): Promise<GeneratedDataKey> {
  const dataKey = new DataKey(globalThis.crypto.getRandomValues(new Uint8Array(32)))
  try {
    return { dataKey, wraps: await keyring.wrap(dataKey, request) }
  } catch (error) {
    dataKey.wipe()
    throw error
  }
}
