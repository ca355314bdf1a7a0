/** Numbers and texts packed into bytes: small whole numbers take one byte, all others at most nine. */

export class ByteWriter {
  #buffer = Buffer.allocUnsafe(256)
  #length = 0

  byte(value: number): void {
    this.#room(1)
    this.#buffer[this.#length++] = value
  }

  /** A whole number from 0 to 2^53 - 1, in groups of seven bits, the lowest first. */
  varint(value: number): void {
    let rest = value
    while (rest >= 128) {
      this.byte((rest % 128) | 128)
      rest = Math.floor(rest / 128)
    }
    this.byte(rest)
  }

  /** Any double: twice the number as a varint where it is whole and not negative, else 1 and the double itself. */
  number(value: number): void {
    if (Number.isInteger(value) && value >= 0 && value < LARGEST_WHOLE && !Object.is(value, -0)) {
      this.varint(value * 2)
      return
    }
    this.byte(AS_DOUBLE)
    this.#room(8)
    this.#length = this.#buffer.writeDoubleLE(value, this.#length)
  }

  text(value: string): void {
    const bytes = Buffer.byteLength(value)
    this.varint(bytes)
    this.#room(bytes)
    this.#length += this.#buffer.write(value, this.#length)
  }

  raw(bytes: Uint8Array): void {
    this.#room(bytes.length)
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#buffer.subarray(0, this.#length))
  }

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#length + bytes, this.#buffer.length * 2))
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }
}

/** Throws RangeError where the bytes end too early. */
export class ByteReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  get ended(): boolean {
    return this.#at === this.#bytes.length
  }

  byte(): number {
    this.#at++
    return this.#bytes.readUInt8(this.#at - 1)
  }

  varint(): number {
    let value = 0
    let place = 1
    for (;;) {
      const byte = this.byte()
      value += (byte & 127) * place
      if (value > Number.MAX_SAFE_INTEGER) throw new RangeError('too large a number')
      if (byte < 128) return value
      place *= 128
    }
  }

  number(): number {
    if (this.#bytes[this.#at] === AS_DOUBLE) {
      this.#at += 9
      return this.#bytes.readDoubleLE(this.#at - 8)
    }
    return this.varint() / 2
  }

  text(): string {
    return this.raw(this.varint()).toString('utf8')
  }

  /** A view of so many bytes. */
  raw(length: number): Buffer {
    const end = this.#at + length
    if (end > this.#bytes.length) throw new RangeError('it is cut off')
    const bytes = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return bytes
  }
}

const LARGEST_WHOLE = 2 ** 52
/** No varint of twice a number begins so. */
const AS_DOUBLE = 1
