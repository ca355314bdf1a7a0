/**
 * CBOR as Smithy's protocols use it (RFC 8949; Smithy, "RPC v2 CBOR protocol"): maps of texts, lists, texts, bytes, numbers,
 * flags, null, and times as tag 1. Reading is bounded in depth, and a key stands once in a map; clients do send maps and
 * lists of indefinite length, so these are read.
 */
import { type DecodeOptions, decode, encode, Token, Tokenizer, Type } from 'cborg'

/** A double, also where its value is whole: clients of a typed protocol may want the bytes of one. */
export class Double {
  readonly value: number

  constructor(value: number) {
    this.value = value
  }
}

/** `undefined` members are left out, a Date is a time, a {@link Double} a float of 64 bits. */
export const writeCbor = (value: unknown): Uint8Array => encode(value, WRITING)

/** Throws where the bytes are not one value of this kind. */
export function readCbor(bytes: Uint8Array): unknown {
  return decode(bytes, { ...READING, tokenizer: new BoundedTokenizer(bytes, READING) })
}

/** What of a map, a list or a tag is still open. */
interface Open {
  /** Values that it has; a map has two for each of its members. Infinity where a break ends it. */
  readonly size: number
  readonly isMap: boolean
  taken: number
}

/**
 * Counts how deep it is, since the reader above it goes as deep as the bytes tell it to; and sees that breaks stand only
 * where something may end, since that reader takes one for the value of a member.
 */
class BoundedTokenizer extends Tokenizer {
  /** The innermost last. */
  readonly #open: Open[] = []

  override next(): Token {
    const token = super.next()
    const open = this.#open
    if (Type.equals(token.type, Type.break)) {
      const ended = open.pop()
      const mayEnd = ended?.size === Number.POSITIVE_INFINITY && !(ended.isMap && ended.taken % 2 === 1)
      if (!mayEnd) throw new TypeError('a break where nothing ends')
    } else {
      const around = open.at(-1)
      if (around) around.taken++
      const size = valuesIn(token)
      const isMap = Type.equals(token.type, Type.map)
      if (size > 0 && open.push({ size, isMap, taken: 0 }) > MAX_DEPTH) {
        throw new RangeError('the value is nested too deeply')
      }
    }
    for (let last = open.at(-1); last && last.taken === last.size; last = open.at(-1)) open.pop()
    return token
  }
}

function valuesIn({ type, value }: Token): number {
  if (Type.equals(type, Type.array)) return value
  if (Type.equals(type, Type.map)) return 2 * value
  return Type.equals(type, Type.tag) ? 1 : 0
}

const timeOf = (seconds: unknown): Date => {
  const date = new Date(typeof seconds === 'number' ? Math.round(seconds * 1000) : Number.NaN)
  if (Number.isNaN(date.getTime())) throw new TypeError('a time is a number of seconds that a date can tell')
  return date
}

const MAX_DEPTH = 32

const READING: DecodeOptions = {
  allowBigInt: false,
  allowIndefinite: true,
  coerceUndefinedToNull: true,
  rejectDuplicateMapKeys: true,
  tags: { 1: (content) => timeOf(content()) },
}

const float = (value: number) => new Token(Type.float, value)
const WRITING = {
  float64: true,
  ignoreUndefinedProperties: true,
  // In the order of the members.
  mapSorter: () => 0,
  typeEncoders: {
    Date: (date: Date) => [new Token(Type.tag, 1), float(date.getTime() / 1000)],
    Object: (value: unknown) => (value instanceof Double ? [float(value.value)] : null),
  },
}
