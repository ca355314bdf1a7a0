/** A 256-bit key that can be wiped and that prints as nothing, wherever it ends up by mistake. */
export class DataKey {
  #bytes: Uint8Array | undefined

  /** Takes `bytes` (32 of them) over; the caller must not use or change them afterwards. */
  constructor(bytes: Uint8Array) {
    if (bytes.length !== 32) throw new RangeError('a data key is 32 bytes')
    this.#bytes = bytes
  }

  /** The key itself, not a copy. Throws once it has been wiped. */
  bytes(): Uint8Array {
    if (!this.#bytes) throw new Error('the data key has been wiped')
    return this.#bytes
  }

  wipe(): void {
    this.#bytes?.fill(0)
    this.#bytes = undefined
  }

  toString(): string {
    return 'DataKey(…)'
  }

  toJSON(): string {
    return 'DataKey(…)'
  }

  /** What `util.inspect` and so `console.log` print. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return 'DataKey(…)'
  }
}
