/**
 * The store key: 32 random bytes that everything at rest hangs on, in versions. The newest that seals seals, all open.
 * The ring keeps its versions, each wrapped by the root key's provider (key-ring.ts); this is the ring opened.
 */
import { SealError } from '@strongroom/crypto'
import { deriveKey, MessageKey } from '@strongroom/crypto/node'

/** For the channel to a worker process only: the versions in base64. */
export interface ExportedStoreKey {
  readonly sealing: number
  readonly versions: readonly { readonly version: number; readonly key: string }[]
}

export class StoreKey {
  #sealing = 0
  readonly #versions = new Map<number, Uint8Array>()

  constructor(exported: ExportedStoreKey) {
    this.update(exported)
  }

  /** Of one version, the first. `bytes`: 32, copied. */
  static of(bytes: Uint8Array): StoreKey {
    return new StoreKey({ sealing: 1, versions: [{ version: 1, key: Buffer.from(bytes).toString('base64') }] })
  }

  /** The version that seals. */
  get sealing(): number {
    return this.#sealing
  }

  /** Takes the ring as it is now: whatever was derived from it seals with the version that seals now. */
  update({ sealing, versions }: ExportedStoreKey): void {
    const now = new Map(versions.map(({ version, key }) => [version, Buffer.from(key, 'base64')]))
    if (!now.has(sealing)) throw new RangeError(`the ring has no version ${sealing}`)
    for (const [version, bytes] of this.#versions) {
      if (now.has(version)) continue
      bytes.fill(0)
      this.#versions.delete(version)
    }
    for (const [version, bytes] of now) {
      if (bytes.length !== 32) throw new RangeError(`a store key is 32 bytes, not ${bytes.length}`)
      if (!this.#versions.has(version)) this.#versions.set(version, bytes)
    }
    this.#sealing = sealing
  }

  export(): ExportedStoreKey {
    const versions = [...this.#versions].map(([version, bytes]) => ({
      version,
      key: Buffer.from(bytes).toString('base64'),
    }))
    return { sealing: this.#sealing, versions }
  }

  /** The key for one use, named by `label`, in all versions. */
  derive(label: string): SealingKey {
    return new SealingKey(this, (version) => deriveKey(this.#versions.get(version)!, `strongroom root ${label}`))
  }

  has(version: number): boolean {
    return this.#versions.has(version)
  }

  toJSON(): string {
    return 'StoreKey(…)'
  }
}

/** Seals with the version that seals now, and writes before each message which one that was. */
export class SealingKey {
  readonly #storeKey: StoreKey
  readonly #derive: (version: number) => Uint8Array
  readonly #keys = new Map<number, MessageKey>()

  /** `derive`: 32 bytes of a version that the store key has. */
  constructor(storeKey: StoreKey, derive: (version: number) => Uint8Array) {
    this.#storeKey = storeKey
    this.#derive = derive
  }

  /** 4 bytes of version, then an XAES-256-GCM message. */
  seal(plaintext: Uint8Array, associatedData: Uint8Array): Uint8Array {
    const version = this.#storeKey.sealing
    const message = this.#key(version).seal(plaintext, associatedData)
    const sealed = Buffer.allocUnsafe(VERSION_BYTES + message.length)
    sealed.writeUInt32BE(version)
    sealed.set(message, VERSION_BYTES)
    return sealed
  }

  /** Throws SealError where it is not what `seal` made with this associated data, or its version is no more. */
  open(sealed: Uint8Array, associatedData: Uint8Array): Uint8Array {
    return this.#key(versionOf(sealed)).open(sealed.subarray(VERSION_BYTES), associatedData)
  }

  /** As `open`, of a message that names no version: version 1 made it. */
  openFirst(message: Uint8Array, associatedData: Uint8Array): Uint8Array {
    return this.#key(FIRST).open(message, associatedData)
  }

  /** Whether the version that seals now made it. */
  isNewest(sealed: Uint8Array): boolean {
    return versionOf(sealed) === this.#storeKey.sealing
  }

  /** Whether it is of a version that the ring still has. */
  knows(sealed: Uint8Array): boolean {
    return this.#storeKey.has(versionOf(sealed))
  }

  /** Key material in its sealed form, as a text. */
  wrap(material: Uint8Array, associatedData: Uint8Array): string {
    return WRAP_MARK + Buffer.from(this.seal(material, associatedData)).toString('base64')
  }

  /** Throws as `open`. Texts without the mark are of the time before there were versions. */
  unwrap(wrapped: string, associatedData: Uint8Array): Uint8Array {
    return wrapped.startsWith(WRAP_MARK)
      ? this.open(Buffer.from(wrapped.slice(WRAP_MARK.length), 'base64'), associatedData)
      : this.openFirst(Buffer.from(wrapped, 'base64'), associatedData)
  }

  /** The same material wrapped by the version that seals now; the same text where it is so already. */
  rewrap(wrapped: string, associatedData: Uint8Array): string {
    const isMarked = wrapped.startsWith(WRAP_MARK)
    if (isMarked && this.isNewest(Buffer.from(wrapped.slice(WRAP_MARK.length), 'base64'))) return wrapped
    const material = this.unwrap(wrapped, associatedData)
    const anew = this.wrap(material, associatedData)
    material.fill(0)
    return anew
  }

  #key(version: number): MessageKey {
    if (!this.#storeKey.has(version)) {
      this.#keys.delete(version)
      throw new SealError()
    }
    let key = this.#keys.get(version)
    if (!key) {
      const bytes = this.#derive(version)
      key = new MessageKey(bytes)
      bytes.fill(0)
      this.#keys.set(version, key)
    }
    return key
  }
}

function versionOf(sealed: Uint8Array): number {
  if (sealed.length < VERSION_BYTES) throw new SealError()
  return Buffer.from(sealed.buffer, sealed.byteOffset, VERSION_BYTES).readUInt32BE()
}

/** The version of whatever names none. */
const FIRST = 1
const VERSION_BYTES = 4
/** Base64 holds no colon. */
const WRAP_MARK = '2:'
