/**
 * Memory for what waits a while to be written: blocks that are used again. What comes over a channel is a buffer of its own,
 * which would grow old while it waits, and V8 frees old buffers with collections of the whole heap only
 * (docs/decisions/0005-passing-memory.md).
 */

interface Block {
  readonly bytes: Buffer
  end: number
  /** Copies that are still needed. */
  held: number
}

export class Slab {
  readonly #free: Block[] = []
  #current: Block | undefined
  readonly #blockOf = new WeakMap<Uint8Array, Block>()

  /** A copy, to be given back. */
  copy(bytes: Uint8Array): Uint8Array {
    const block = this.#blockFor(bytes.length)
    if (!block) return Uint8Array.from(bytes)
    const copy = block.bytes.subarray(block.end, block.end + bytes.length)
    copy.set(bytes)
    block.end += bytes.length
    block.held++
    this.#blockOf.set(copy, block)
    return copy
  }

  giveBack(copy: Uint8Array): void {
    const block = this.#blockOf.get(copy)
    if (!block) return
    this.#blockOf.delete(copy)
    if (--block.held > 0) return
    block.end = 0
    if (block !== this.#current && this.#free.length < KEPT_BLOCKS) this.#free.push(block)
  }

  /** Undefined where no block has room for so much. */
  #blockFor(size: number): Block | undefined {
    if (size > BLOCK_BYTES) return undefined
    if (!this.#current || this.#current.end + size > BLOCK_BYTES) {
      this.#current = this.#free.pop() ?? { bytes: Buffer.allocUnsafeSlow(BLOCK_BYTES), end: 0, held: 0 }
    }
    return this.#current
  }
}

const BLOCK_BYTES = 1024 * 1024
const KEPT_BLOCKS = 8
