/** Who keeps the root key: it wraps the ring's versions and unwraps them, and need not let the key itself out. */

export interface RootKeyProvider {
  /** For people, e.g. `the file /etc/strongroom/root.key`. */
  readonly description: string
  /** What the operator should know of this way of keeping it. */
  readonly warning?: string | undefined
  /**
   * Wraps 32 bytes. `context` is authenticated: what was wrapped with one opens with the same one only.
   * Throws RootKeyError and RootKeyUnreachable.
   */
  wrap(key: Uint8Array, context: WrapContext): Promise<Uint8Array>
  /** Throws RootKeyError where this root key did not wrap it, RootKeyUnreachable where another time may do. */
  unwrap(wrapped: Uint8Array, context: WrapContext): Promise<Uint8Array>
  /** The root key itself, as data folders without a ring used it; absent where it never was had in this way. */
  rootKeyOfOld?(dataDir: string): Promise<Uint8Array>
}

/** Names the data folder and the version. */
export type WrapContext = Readonly<Record<string, string>>

/** The root key cannot be used as it is set up, or is not the one that this data folder was made with. */
export class RootKeyError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'RootKeyError'
  }
}

/** The root key cannot be had now; it may be later, without anything else being changed. */
export class RootKeyUnreachable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'RootKeyUnreachable'
  }
}
