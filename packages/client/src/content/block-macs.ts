/** MACs of a stream's blocks, kept from one reading of it to recognise the next. */
import { sameBytes } from '@strongroom/crypto'
import { EncryptionError } from '../errors.ts'
import type { RunningMac } from '../platform.ts'
import type { Chunks } from './chunks.ts'

/** Bytes of all blocks but the last: what a reader of the second reading holds back. */
export const BLOCK_BYTES = 2 ** 20

/** A MAC of each block of a stream. 64 GiB take 1 MiB of them. */
export class BlockMacs {
  readonly #macOf: (block: number) => RunningMac
  readonly #macs: Uint8Array[] = []
  #running: RunningMac | undefined
  /** Bytes in the block under way. */
  #filled = 0

  constructor(macOf: (block: number) => RunningMac) {
    this.#macOf = macOf
  }

  /** The next bytes of the first reading. */
  update(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) {
      const piece = chunk.subarray(at, at + BLOCK_BYTES - this.#filled)
      this.#running ??= this.#macOf(this.#macs.length)
      this.#running.update(piece)
      this.#filled += piece.length
      at += piece.length
      if (this.#filled === BLOCK_BYTES) this.#endBlock()
    }
  }

  /** Ends the first reading. */
  final(): void {
    if (this.#filled > 0) this.#endBlock()
  }

  #endBlock(): void {
    this.#macs.push(this.#running!.final())
    this.#running = undefined
    this.#filled = 0
  }

  /**
   * The second reading, block by block, each as the pieces it came in. `bytes`: how long the first was. A block is
   * given out once it is known to be that of the first reading, the last one once the reading has ended. Throws
   * EncryptionError ChangedWhileRead. Ends `source` however it ends itself.
   */
  async *verified(source: Chunks, bytes: number): AsyncGenerator<Uint8Array[], void> {
    let pieces: Uint8Array[] = []
    let block = 0
    let read = 0
    let mac = this.#macOf(block)
    for await (const chunk of source) {
      if (read + chunk.length > bytes) throw new EncryptionError('ChangedWhileRead')
      for (let at = 0; at < chunk.length; ) {
        const piece = chunk.subarray(at, at + BLOCK_BYTES - (read % BLOCK_BYTES))
        mac.update(piece)
        pieces.push(piece)
        read += piece.length
        at += piece.length
        if (read % BLOCK_BYTES === 0 && read < bytes) {
          this.#compare(block, mac)
          yield pieces
          pieces = []
          mac = this.#macOf(++block)
        }
      }
    }
    if (read !== bytes) throw new EncryptionError('ChangedWhileRead')
    this.#compare(block, mac)
    yield pieces
  }

  #compare(block: number, mac: RunningMac): void {
    const first = this.#macs[block]
    if (!first || !sameBytes(first, mac.final())) throw new EncryptionError('ChangedWhileRead')
  }
}
