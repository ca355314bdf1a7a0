/** Memory in which a thread shows the input that it is at, so that another can tell one that never ends. */
import { MOST_BYTES } from './inputs.ts'

const HEAD_BYTES = 8

export class SharedInput {
  readonly buffer: SharedArrayBuffer
  /** How often an input was begun or ended, so odd while one is tried; then its length. */
  readonly #head: Int32Array
  readonly #bytes: Uint8Array

  constructor(buffer = new SharedArrayBuffer(HEAD_BYTES + MOST_BYTES)) {
    this.buffer = buffer
    this.#head = new Int32Array(buffer, 0, 2)
    this.#bytes = new Uint8Array(buffer, HEAD_BYTES)
  }

  begin(input: Uint8Array): void {
    this.#bytes.set(input)
    Atomics.store(this.#head, 1, input.length)
    Atomics.add(this.#head, 0, 1)
  }

  end(): void {
    Atomics.add(this.#head, 0, 1)
  }

  get count(): number {
    return Atomics.load(this.#head, 0)
  }

  /** A copy; of use while `count` is odd and stays. */
  get input(): Uint8Array {
    return this.#bytes.slice(0, Atomics.load(this.#head, 1))
  }
}
