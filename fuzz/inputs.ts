/** Inputs: entries of the corpus with edits, texts of the dictionary in a row, and bytes at random. */
import fc from 'fast-check'
import type { Target } from './target.ts'

/** Longer ones are cut: what is superlinear shows at this length. */
export const MOST_BYTES = 32 * 1024

export function inputsOf(target: Target, corpus: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const words = target.dictionary.map((word) => Buffer.from(word))
  const ways = [
    { weight: 10, arbitrary: edited(corpus, words) },
    { weight: 1, arbitrary: fc.array(fc.constantFrom(...words), { maxLength: 24 }).map(joined) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 256 }) },
  ]
  if (target.made) ways.push({ weight: 4, arbitrary: fc.oneof(target.made, edits(corpus, words, target.made)) })
  return fc.oneof(...ways).map((bytes) => bytes.subarray(0, MOST_BYTES))
}

type Edit = (bytes: Uint8Array) => Uint8Array

const edited = (corpus: readonly Uint8Array[], words: readonly Uint8Array[]) =>
  edits(corpus, words, fc.constantFrom(...(corpus.length > 0 ? corpus : [new Uint8Array()])))

function edits(
  corpus: readonly Uint8Array[],
  words: readonly Uint8Array[],
  from: fc.Arbitrary<Uint8Array>,
): fc.Arbitrary<Uint8Array> {
  const edit = editOf(corpus, words)
  return fc
    .tuple(from, fc.array(edit, { minLength: 1, maxLength: 6, size: 'max' }))
    .map(([bytes, list]) => list.reduce((bytesNow, one) => one(bytesNow).subarray(0, MOST_BYTES), bytes))
}

/** One change. Places are taken modulo the length that they find. */
function editOf(corpus: readonly Uint8Array[], words: readonly Uint8Array[]): fc.Arbitrary<Edit> {
  const place = fc.nat(0xffff)
  const short = fc.integer({ min: 1, max: 32 })
  const inserted = fc.oneof(fc.constantFrom(...words), fc.uint8Array({ minLength: 1, maxLength: 8 }))
  const small = fc.oneof(
    fc.tuple(place, fc.nat(7)).map(
      ([at, bit]): Edit =>
        (bytes) =>
          changed(bytes, at, (byte) => byte ^ (1 << bit)),
    ),
    fc.tuple(place, fc.nat(255)).map(
      ([at, byte]): Edit =>
        (bytes) =>
          changed(bytes, at, () => byte),
    ),
    fc.tuple(place, inserted).map(
      ([at, more]): Edit =>
        (bytes) =>
          replaced(bytes, at, 0, more),
    ),
    fc.tuple(place, short, inserted).map(
      ([at, length, more]): Edit =>
        (bytes) =>
          replaced(bytes, at, length, more),
    ),
    fc.tuple(place, short).map(
      ([at, length]): Edit =>
        (bytes) =>
          replaced(bytes, at, length, NOTHING),
    ),
    fc.tuple(place, short).map(
      ([at, length]): Edit =>
        (bytes) => {
          const from = at % (bytes.length + 1)
          return replaced(bytes, from, 0, bytes.subarray(from, from + length))
        },
    ),
    fc.tuple(place).map(
      ([at]): Edit =>
        (bytes) =>
          bytes.subarray(0, at % (bytes.length + 1)),
    ),
    fc.tuple(place, place, fc.nat()).map(
      ([at, from, which]): Edit =>
        (bytes) => {
          const other = corpus[which % Math.max(1, corpus.length)] ?? NOTHING
          return joined([bytes.subarray(0, at % (bytes.length + 1)), other.subarray(from % (other.length + 1))])
        },
    ),
  )
  // What takes the square of its input, or goes as deep as it, shows where a piece stands there many times over.
  const times = fc.integer({ min: 1, max: 13 }).map((power) => 2 ** power)
  const large = fc.oneof(
    fc.tuple(place, short, times).map(
      ([at, length, count]): Edit =>
        (bytes) => {
          const from = at % (bytes.length + 1)
          return replaced(bytes, from, 0, repeated(bytes.subarray(from, from + length), count))
        },
    ),
    fc.tuple(place, inserted, times).map(
      ([at, more, count]): Edit =>
        (bytes) =>
          replaced(bytes, at, 0, repeated(more, count)),
    ),
  )
  return fc.oneof({ weight: 12, arbitrary: small }, { weight: 1, arbitrary: large })
}

function changed(bytes: Uint8Array, at: number, change: (byte: number) => number): Uint8Array {
  if (bytes.length === 0) return bytes
  const out = Uint8Array.from(bytes)
  const place = at % out.length
  out[place] = change(out[place]!)
  return out
}

function replaced(bytes: Uint8Array, at: number, length: number, by: Uint8Array): Uint8Array {
  const from = at % (bytes.length + 1)
  return joined([bytes.subarray(0, from), by, bytes.subarray(from + length)])
}

const repeated = (bytes: Uint8Array, count: number): Uint8Array =>
  joined(Array.from({ length: Math.min(count, Math.floor(MOST_BYTES / Math.max(1, bytes.length))) }, () => bytes))
const joined = (pieces: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(pieces))
const NOTHING = new Uint8Array()
