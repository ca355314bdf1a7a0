/** Bodies in `aws-chunked`, signed or not, with trailers or without, wherever the wire cuts them. */
import { deepStrictEqual, ok } from 'node:assert'
import { createHash, createHmac } from 'node:crypto'
import { Fault } from '../../packages/server/src/core/fault.ts'
import { ChunkedDecoder } from '../../packages/server/src/signature/chunked-decoder.ts'
import { errorsOf, reading, type Target } from '../target.ts'
import { counted, isCounted } from './counted.ts'

const SEED = {
  signingKey: new Uint8Array(32).fill(7),
  signature: '0'.repeat(64),
  amzDate: '20260101T000000Z',
  scope: '20260101/us-east-1/s3/aws4_request',
}
const CHECKSUM = 'AAAAAA=='
const MODES = [true, false].flatMap((signed) => [true, false].map((trailer) => ({ signed, trailer })))

export const awsChunked: Target = {
  name: 'aws-chunked',
  dictionary: [
    ...['0', '5', '\r\n', '\n', '\r', ';', 'chunk-signature=', 'ffffffffff', '1000000', '-1', '0x5', ' ', ':', 'FFFF'],
    ...[
      '0\r\n',
      '\r\n\r\n',
      'x-amz-checksum-crc32:',
      'x-amz-trailer-signature:',
      '__proto__:x\r\n',
      'constructor:x\r\n',
    ],
  ],
  seeds: () => MODES.flatMap((mode) => [[], [5], [5, 300, 1]].map((sizes) => encoded(sizes, mode))),
  check(input) {
    for (const mode of MODES) {
      const [whole, ...cut] = [input.length, input.length > MOST_CUT ? 7 : 1, 3 + (input.length % 61)].map((size) =>
        decoded(cutInto(input, size), mode),
      )
      for (const { before, ...other } of cut) {
        // Only what was signed comes out, from its beginning and in its order.
        if (mode.signed && before) ok(isCounted(before), 'a chunk came out that nobody has signed')
        const { before: _, ...wanted } = whole!
        deepStrictEqual(other, wanted, 'the cuts of the wire make a difference')
      }
      if (!mode.signed || !whole?.body) continue
      ok(isCounted(whole.body), 'a chunk came out that nobody has signed')
      // Of the trailers it is the checksum that anybody looks at.
      if (mode.trailer) ok(whole.trailers!['x-amz-checksum-crc32'] === CHECKSUM, 'a trailer that nobody has signed')
    }
  },
}

const MOST_CUT = 2048

interface Mode {
  readonly signed: boolean
  readonly trailer: boolean
}

interface Decoded {
  readonly body?: Uint8Array
  readonly trailers?: Readonly<Record<string, string>>
  readonly refused?: string
  /** What came out before the refusal. */
  readonly before?: Uint8Array
}

function decoded(wire: readonly Uint8Array[], { signed, trailer }: Mode): Decoded {
  const decoder = new ChunkedDecoder({ seed: signed ? SEED : undefined, trailer })
  const pieces: Uint8Array[] = []
  let received = 0
  const read = reading(() => {
    for (const piece of wire) {
      received += piece.length
      pieces.push(...decoder.push(piece))
    }
    decoder.end(received)
  }, errorsOf(Fault))
  const body = Buffer.concat(pieces)
  // What stood before a refusal, in the same piece of the wire, is lost with it: how much depends on the cuts.
  return 'value' in read ? { body, trailers: decoder.trailers } : { refused: read.refused, before: body }
}

function cutInto(bytes: Uint8Array, size: number): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size))
  return pieces
}

function encoded(sizes: readonly number[], { signed, trailer }: Mode): Uint8Array {
  const body = counted(sizes.reduce((sum, size) => sum + size, 0))
  let previous = SEED.signature
  const sign = (...lines: readonly string[]) => {
    const text = [lines[0], SEED.amzDate, SEED.scope, previous, ...lines.slice(1)].join('\n')
    previous = createHmac('sha256', SEED.signingKey).update(text).digest('hex')
    return previous
  }
  const pieces: (Uint8Array | string)[] = []
  let at = 0
  for (const size of [...sizes, 0]) {
    const chunk = body.subarray(at, at + size)
    const signature = signed ? `;chunk-signature=${sign('AWS4-HMAC-SHA256-PAYLOAD', sha256(''), sha256(chunk))}` : ''
    pieces.push(`${size.toString(16)}${signature}\r\n`, chunk, size === 0 ? '' : '\r\n')
    at += size
  }
  if (trailer) {
    const line = `x-amz-checksum-crc32:${CHECKSUM}`
    pieces.push(`${line}\r\n`)
    if (signed) pieces.push(`x-amz-trailer-signature:${sign('AWS4-HMAC-SHA256-TRAILER', sha256(`${line}\n`))}\r\n`)
  }
  pieces.push('\r\n')
  return new Uint8Array(Buffer.concat(pieces.map((piece) => Buffer.from(piece))))
}

const sha256 = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex')
