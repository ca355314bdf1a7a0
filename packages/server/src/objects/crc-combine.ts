/**
 * The CRC of a whole from the CRCs of its parts: crc(A‖B) = crc(A)·x^(8·|B|) + crc(B) modulo the polynomial, for CRCs
 * that begin with and are inverted by all ones. Pure; polynomials over GF(2) in reflected form, as bigints.
 */
import type { ChecksumAlgorithm } from './types.ts'

export type CombinableAlgorithm = Extract<ChecksumAlgorithm, 'CRC32' | 'CRC32C' | 'CRC64NVME'>

const POLYNOMIALS: Readonly<Record<CombinableAlgorithm, readonly [bits: number, reflected: bigint]>> = {
  CRC32: [32, 0xedb88320n],
  CRC32C: [32, 0x82f63b78n],
  CRC64NVME: [64, 0x9a6c9329ac4bc9b5n],
}

export const isCombinable = (algorithm: ChecksumAlgorithm): algorithm is CombinableAlgorithm => algorithm in POLYNOMIALS

/** `parts` in order, each with its CRC in big-endian bytes and its length in bytes. The result is in the same form. */
export function combineCrcs(
  algorithm: CombinableAlgorithm,
  parts: readonly { readonly crc: Uint8Array; readonly length: number }[],
): Uint8Array {
  const [bits, polynomial] = POLYNOMIALS[algorithm]
  const field = new Field(bits, polynomial)
  // Parts mostly have one length in common.
  const shifts = new Map<number, bigint>()
  let combined = 0n
  for (const { crc, length } of parts) {
    const shift = shifts.get(length) ?? field.power(8n * BigInt(length))
    shifts.set(length, shift)
    combined = field.multiply(shift, combined) ^ BigInt(`0x${Buffer.from(crc).toString('hex')}`)
  }
  return Buffer.from(combined.toString(16).padStart(bits / 4, '0'), 'hex')
}

/** Polynomials modulo one; the highest bit is the coefficient of x^0. */
class Field {
  readonly #one: bigint
  readonly #polynomial: bigint
  /** x^(2^n), as far as they have been needed. */
  readonly #squares: bigint[]

  constructor(bits: number, polynomial: bigint) {
    this.#one = 1n << BigInt(bits - 1)
    this.#polynomial = polynomial
    this.#squares = [this.#one >> 1n]
  }

  multiply(a: bigint, b: bigint): bigint {
    let product = 0n
    let shifted = b
    for (let bit = this.#one; bit > 0n; bit >>= 1n) {
      if (a & bit) product ^= shifted
      shifted = shifted & 1n ? (shifted >> 1n) ^ this.#polynomial : shifted >> 1n
    }
    return product
  }

  /** x^exponent. */
  power(exponent: bigint): bigint {
    let result = this.#one
    for (let n = 0, left = exponent; left > 0n; n++, left >>= 1n) {
      while (this.#squares.length <= n) this.#squares.push(this.multiply(this.#squares.at(-1)!, this.#squares.at(-1)!))
      if (left & 1n) result = this.multiply(result, this.#squares[n]!)
    }
    return result
  }
}
