/** Argon2id (RFC 9106) of a passphrase, and its parameters as a wrap's description carries them. */
import { argon2id } from 'hash-wasm'
import { decodeBase64, encodeBase64 } from '../base64.ts'
import { EncryptionError } from '../errors.ts'
import type { Description } from './keyring.ts'

export interface Argon2idParameters {
  readonly salt: Uint8Array
  readonly memoryKiB: number
  readonly passes: number
  readonly lanes: number
}

/** Length of salts that are written, and the only one that is read. */
export const SALT_BYTES = 16

/** The most that may be asked for: the store chooses the parameters of what is read, and they are paid for here. */
const MOST = { memoryKiB: 2 ** 20, passes: 16, lanes: 16, work: 2 ** 20 }

/** The name that says that a wrap's key comes of a passphrase, and how. */
const KDF = 'strongroom-kdf'
const SALT = 'strongroom-kdf-salt'
const COSTS = {
  memoryKiB: 'strongroom-kdf-memory',
  passes: 'strongroom-kdf-passes',
  lanes: 'strongroom-kdf-lanes',
} as const

/** 32 bytes, the caller's to wipe. Holds up this thread: 64 MiB and 3 passes for about a second. */
export const deriveArgon2id = (passphrase: Uint8Array, { salt, memoryKiB, passes, lanes }: Argon2idParameters) =>
  argon2id({
    password: passphrase,
    salt,
    memorySize: memoryKiB,
    iterations: passes,
    parallelism: lanes,
    hashLength: 32,
    outputType: 'binary',
  })

/** RFC 9106, 3.1: whole numbers, and 8 KiB of memory for each lane at least. */
export const withinBounds = ({ memoryKiB, passes, lanes }: Argon2idParameters): boolean =>
  isCount(memoryKiB, MOST.memoryKiB) &&
  isCount(passes, MOST.passes) &&
  isCount(lanes, MOST.lanes) &&
  // Time goes with the product; this much is some five seconds.
  memoryKiB * passes <= MOST.work &&
  memoryKiB >= 8 * lanes

export const describeArgon2id = ({ salt, memoryKiB, passes, lanes }: Argon2idParameters): Description => ({
  [KDF]: 'argon2id',
  [SALT]: encodeBase64(salt),
  [COSTS.memoryKiB]: String(memoryKiB),
  [COSTS.passes]: String(passes),
  [COSTS.lanes]: String(lanes),
})

/**
 * `undefined` where the description is of no passphrase, or of another derivation. Throws EncryptionError
 * MalformedEnvelope, and DataKeyNotOpened where more is asked for than is allowed.
 */
export function readArgon2id(description: Description): Argon2idParameters | undefined {
  if (description[KDF] !== 'argon2id') return undefined
  const salt = decodeBase64(description[SALT] ?? '')
  if (salt.length !== SALT_BYTES) throw new EncryptionError('MalformedEnvelope', SALT)
  const cost = (name: string) => {
    const text = description[name] ?? ''
    if (!/^[1-9]\d{0,9}$/.test(text)) throw new EncryptionError('MalformedEnvelope', name)
    return Number(text)
  }
  const parameters = { salt, memoryKiB: cost(COSTS.memoryKiB), passes: cost(COSTS.passes), lanes: cost(COSTS.lanes) }
  if (!withinBounds(parameters))
    throw new EncryptionError('DataKeyNotOpened', 'the parameters of its passphrase are not within bounds')
  return parameters
}

const isCount = (value: number, most: number) => Number.isSafeInteger(value) && value >= 1 && value <= most
