/**
 * The few calls of PKCS#11 (v2.40, OASIS) that a root key in an HSM needs. The vendor's module is called through koffi,
 * an optional dependency that is loaded here only; 64-bit Linux and macOS, where a CK_ULONG has 8 bytes and structures
 * are aligned as C does.
 */
import { RootKeyError, RootKeyUnreachable } from './provider.ts'

export interface Pkcs11Session {
  /** The handle of the secret key with this label; undefined where the token has none. */
  findKey(label: string): bigint | undefined
  /** A new AES-256 key that stays in the token: it can be used, not read. */
  generateKey(label: string): bigint
  /** AES-GCM; the tag stands at the end. */
  encrypt(key: bigint, iv: Uint8Array, associatedData: Uint8Array, plaintext: Uint8Array): Uint8Array
  /** Throws Pkcs11Error where the tag does not hold. */
  decrypt(key: bigint, iv: Uint8Array, associatedData: Uint8Array, sealed: Uint8Array): Uint8Array
}

/** A call that the module refused, by its CKR_ code. */
export class Pkcs11Error extends Error {
  readonly code: number

  constructor(call: string, code: number) {
    super(`${call} failed with ${CODE_NAMES[code] ?? `CKR 0x${code.toString(16)}`}`)
    this.name = 'Pkcs11Error'
    this.code = code
  }
}

const CODE_NAMES: Readonly<Record<number, string>> = {
  5: 'CKR_GENERAL_ERROR',
  6: 'CKR_FUNCTION_FAILED',
  48: 'CKR_DEVICE_ERROR',
  50: 'CKR_DEVICE_REMOVED',
  64: 'CKR_ENCRYPTED_DATA_INVALID',
  65: 'CKR_ENCRYPTED_DATA_LEN_RANGE',
  112: 'CKR_MECHANISM_INVALID',
  160: 'CKR_PIN_INCORRECT',
  164: 'CKR_PIN_LOCKED',
  224: 'CKR_TOKEN_NOT_PRESENT',
}

/** Opens a session on the token, runs, and logs out again. `module`: path of the vendor's library. */
export async function withToken<T>(
  { module, token, pin }: { readonly module: string; readonly token: string; readonly pin: string },
  run: (session: Pkcs11Session) => T,
): Promise<T> {
  const library = await Library.load(module)
  library.call('C_Initialize', [CKR_CRYPTOKI_ALREADY_INITIALIZED], null)
  try {
    const session = library.openSession(library.findSlot(token))
    try {
      const pinBytes = Buffer.from(pin)
      library.call('C_Login', [CKR_USER_ALREADY_LOGGED_IN], session, CKU_USER, pinBytes, pinBytes.length)
      pinBytes.fill(0)
      return run(library.sessionOf(session))
    } finally {
      library.call('C_CloseSession', [], session)
    }
  } finally {
    library.call('C_Finalize', [], null)
  }
}

type Argument = null | number | bigint | Uint8Array
type Koffi = typeof import('koffi')

class Library {
  readonly #koffi: Koffi
  readonly #functions: ReadonlyMap<string, (...args: readonly Argument[]) => number | bigint>

  private constructor(koffi: Koffi, module: string) {
    this.#koffi = koffi
    const library = koffi.load(module)
    this.#functions = new Map(
      Object.entries(SIGNATURES).map(([name, types]) => [name, library.func(name, ULONG, [...types])]),
    )
  }

  static async load(module: string): Promise<Library> {
    const koffi = await import('koffi').catch((error: unknown) => {
      throw new RootKeyError('HSMs need the package koffi: npm install koffi', { cause: error })
    })
    if (koffi.sizeof(ULONG) !== 8) throw new RootKeyError('HSMs work on 64-bit Linux and macOS only')
    try {
      return new Library(koffi, module)
    } catch (error) {
      throw new RootKeyUnreachable(`cannot load ${module}: ${(error as Error).message}`, { cause: error })
    }
  }

  /** Throws Pkcs11Error unless the code is CKR_OK or one of `fine`. */
  call(name: keyof typeof SIGNATURES, fine: readonly number[], ...args: readonly Argument[]): void {
    const code = Number(this.#functions.get(name)!(...args))
    if (code !== 0 && !fine.includes(code)) throw new Pkcs11Error(name, code)
  }

  findSlot(token: string): bigint {
    const count = ulongs(0)
    this.call('C_GetSlotList', [], 1, null, count)
    const slots = Buffer.alloc(Number(count.readBigUInt64LE()) * ULONG_BYTES)
    if (slots.length > 0) this.call('C_GetSlotList', [], 1, slots, count)
    for (let at = 0; at < slots.length; at += ULONG_BYTES) {
      const slot = slots.readBigUInt64LE(at)
      const info = Buffer.alloc(TOKEN_INFO_BYTES)
      this.call('C_GetTokenInfo', [], slot, info)
      if (info.toString('utf8', 0, LABEL_BYTES).trimEnd() === token) return slot
    }
    throw new RootKeyUnreachable(`no token ${token} is present`)
  }

  openSession(slot: bigint): bigint {
    const handle = ulongs(0)
    this.call('C_OpenSession', [], slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, null, null, handle)
    return handle.readBigUInt64LE()
  }

  sessionOf(session: bigint): Pkcs11Session {
    return {
      findKey: (label) => {
        const wanted = this.#template([
          [CKA_CLASS, ulongs(CKO_SECRET_KEY)],
          [CKA_LABEL, Buffer.from(label)],
        ])
        const found = ulongs(0)
        const count = ulongs(0)
        this.call('C_FindObjectsInit', [], session, wanted.bytes, wanted.count)
        this.call('C_FindObjects', [], session, found, 1, count)
        this.call('C_FindObjectsFinal', [], session)
        wanted.release()
        return count.readBigUInt64LE() === 0n ? undefined : found.readBigUInt64LE()
      },
      generateKey: (label) => {
        const yes = Buffer.from([1])
        const no = Buffer.from([0])
        const made = this.#template([
          [CKA_LABEL, Buffer.from(label)],
          [CKA_VALUE_LEN, ulongs(32)],
          [CKA_TOKEN, yes],
          [CKA_PRIVATE, yes],
          [CKA_SENSITIVE, yes],
          [CKA_EXTRACTABLE, no],
          [CKA_ENCRYPT, yes],
          [CKA_DECRYPT, yes],
        ])
        const handle = ulongs(0)
        const mechanism = ulongs(CKM_AES_KEY_GEN, 0, 0)
        this.call('C_GenerateKey', [], session, mechanism, made.bytes, made.count, handle)
        made.release()
        return handle.readBigUInt64LE()
      },
      encrypt: (key, iv, associatedData, plaintext) =>
        this.#gcm('Encrypt', session, key, iv, associatedData, plaintext),
      decrypt: (key, iv, associatedData, sealed) => this.#gcm('Decrypt', session, key, iv, associatedData, sealed),
    }
  }

  #gcm(
    direction: 'Encrypt' | 'Decrypt',
    session: bigint,
    key: bigint,
    iv: Uint8Array,
    associatedData: Uint8Array,
    input: Uint8Array,
  ): Uint8Array {
    // CK_GCM_PARAMS and CK_MECHANISM hold addresses, so what they point to must live until the call is over.
    const parts = [Buffer.from(iv), Buffer.from(associatedData)] as const
    const parameters = ulongs(
      this.#koffi.address(parts[0]),
      iv.length,
      iv.length * 8,
      this.#koffi.address(parts[1]),
      associatedData.length,
      TAG_BITS,
    )
    const mechanism = ulongs(CKM_AES_GCM, this.#koffi.address(parameters), parameters.length)
    this.call(`C_${direction}Init`, [], session, mechanism, key)
    const output = Buffer.alloc(input.length + TAG_BITS / 8)
    const size = ulongs(output.length)
    this.call(`C_${direction}`, [], session, Buffer.from(input), input.length, output, size)
    for (const part of [...parts, parameters]) part.fill(0)
    return output.subarray(0, Number(size.readBigUInt64LE()))
  }

  /** An array of CK_ATTRIBUTE. `release` after the call keeps the values alive until then. */
  #template(attributes: readonly (readonly [type: number, value: Buffer])[]) {
    const values = attributes.map(([, value]) => value)
    return {
      bytes: ulongs(
        ...attributes.flatMap(([type, value]) => [BigInt(type), this.#koffi.address(value), BigInt(value.length)]),
      ),
      count: attributes.length,
      release() {
        values.length = 0
      },
    }
  }
}

function ulongs(...values: readonly (number | bigint)[]): Buffer {
  // Not out of the pool: its address must be its own.
  const bytes = Buffer.alloc(values.length * ULONG_BYTES)
  values.forEach((value, i) => {
    bytes.writeBigUInt64LE(BigInt(value), i * ULONG_BYTES)
  })
  return bytes
}

const ULONG = 'unsigned long'
const ULONG_BYTES = 8
const POINTER = 'void *'
const SIGNATURES = {
  C_Initialize: [POINTER],
  C_Finalize: [POINTER],
  C_GetSlotList: ['uint8_t', POINTER, POINTER],
  C_GetTokenInfo: [ULONG, POINTER],
  C_OpenSession: [ULONG, ULONG, POINTER, POINTER, POINTER],
  C_CloseSession: [ULONG],
  C_Login: [ULONG, ULONG, POINTER, ULONG],
  C_FindObjectsInit: [ULONG, POINTER, ULONG],
  C_FindObjects: [ULONG, POINTER, ULONG, POINTER],
  C_FindObjectsFinal: [ULONG],
  C_GenerateKey: [ULONG, POINTER, POINTER, ULONG, POINTER],
  C_EncryptInit: [ULONG, POINTER, ULONG],
  C_Encrypt: [ULONG, POINTER, ULONG, POINTER, POINTER],
  C_DecryptInit: [ULONG, POINTER, ULONG],
  C_Decrypt: [ULONG, POINTER, ULONG, POINTER, POINTER],
} as const

/** Of CK_TOKEN_INFO, whose first member is the label; the whole has a little more than 200 bytes. */
const TOKEN_INFO_BYTES = 512
const LABEL_BYTES = 32
const TAG_BITS = 128

const CKU_USER = 1
const CKF_RW_SESSION = 2
const CKF_SERIAL_SESSION = 4
const CKO_SECRET_KEY = 4
const CKA_CLASS = 0x000
const CKA_TOKEN = 0x001
const CKA_PRIVATE = 0x002
const CKA_LABEL = 0x003
const CKA_SENSITIVE = 0x103
const CKA_ENCRYPT = 0x104
const CKA_DECRYPT = 0x105
const CKA_VALUE_LEN = 0x161
const CKA_EXTRACTABLE = 0x162
const CKM_AES_KEY_GEN = 0x1080
const CKM_AES_GCM = 0x1087
const CKR_USER_ALREADY_LOGGED_IN = 0x100
const CKR_CRYPTOKI_ALREADY_INITIALIZED = 0x191
