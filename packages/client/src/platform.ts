/** What Node.js and browsers do in different ways: ciphers, streams and temporary files. */
import type { DataKey, StreamContext, StreamHeader } from '@strongroom/crypto'
import type { Chunks } from './content/chunks.ts'

/** One AES-256-GCM message; its tag has 16 bytes and stands at its end. */
export interface GcmParameters {
  readonly key: Uint8Array
  readonly iv: Uint8Array
  readonly associatedData?: Uint8Array
}

/** Encrypts one message. What the methods return, in order, is the ciphertext with the tag at its end. */
export interface BodyEncryptor {
  /** May return fewer bytes than it was given. Does not keep `chunk`. */
  update(chunk: Uint8Array): Uint8Array
  final(): Promise<Uint8Array>
}

/** Decrypts one message. Nothing that `update` returns has been authenticated before `final` has resolved. */
export interface BodyDecryptor {
  /** May return fewer bytes than it was given. Does not keep `ciphertext`. */
  update(ciphertext: Uint8Array): Uint8Array
  /** The rest of the plaintext. Rejects with EncryptionError BodyNotAuthentic. */
  final(tag: Uint8Array): Promise<Uint8Array>
}

/** Seals a stream of the sealed format: `header` goes first. */
export interface BodySealer {
  readonly header: Uint8Array
  /** Whole segments only, each held back until more plaintext follows it. Does not keep `chunk`. */
  update(chunk: Uint8Array): Promise<Uint8Array[]> | Uint8Array[]
  final(): Promise<Uint8Array[]> | Uint8Array[]
}

/** Opens segments of a sealed stream in any order; throws SealError where one does not authenticate. */
export interface BodyOpener {
  readonly header: StreamHeader
  openSegment(index: number, final: boolean, sealed: Uint8Array): Promise<Uint8Array> | Uint8Array
}

/** A running MAC. */
export interface RunningMac {
  update(chunk: Uint8Array): void
  /** 16 bytes. */
  final(): Uint8Array
}

/** Ciphertext put aside until it has authenticated. Nobody else can open it; it is gone when the process is. */
export interface SpillFile {
  /** One at a time. `chunk` is the caller's again once this has resolved. */
  write(chunk: Uint8Array): Promise<void>
  /** From the first byte on; once, when all has been written. Each chunk has memory of its own. */
  read(): AsyncIterable<Uint8Array>
  /** Frees it; may be called more than once. */
  close(): Promise<void>
}

/** `Stream`: what its SDK takes and gives as a body. */
export interface Platform<Stream = unknown> {
  /** Both keep nothing of the parameters: the key may be wiped once they have returned. */
  gcmEncryptor(parameters: GcmParameters): BodyEncryptor
  gcmDecryptor(parameters: GcmParameters): BodyDecryptor
  sealer(dataKey: DataKey, context: StreamContext): Promise<BodySealer>
  /** Checks the commitment; throws SealError. */
  opener(dataKey: DataKey, header: Uint8Array, context: StreamContext): Promise<BodyOpener>
  /** What bodies larger than memory need; absent where GCM cannot be computed piece by piece. */
  readonly twoPass?: {
    /**
     * MACs under a fresh key that only the function returned knows: the same bytes of the same block give the same MAC,
     * and nobody who does not see MACs can find others that do. At most 2^32 blocks.
     */
    blockMacs(): (block: number) => RunningMac
    spill(): Promise<SpillFile>
  }
  /**
   * The stream that the platform's SDK takes and gives as a body. It asks for a chunk when its reader does; ending it
   * early, also unread or while a chunk is awaited, ends `chunks`.
   */
  toStream(chunks: Chunks): Stream
}
