/**
 * Makes `sealed-stream-1.json` from the prose of docs/formats/sealed-object.md alone, with none of the package's code:
 * `node make.mjs` writes it, `node make.mjs --check` fails where it is another.
 *
 * A vector has what a reader is given (data key, stream id, part number, sealed bytes) and `plaintext`, or, where the
 * reader must refuse, `refused` with the number of the rule.
 */
import { createCipheriv, createHash, hkdfSync } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'

const HEADER = 72
const TAG = 16

const bytesOf = (label, length) => {
  const pieces = []
  for (let i = 0; pieces.length * 32 < length; i++) pieces.push(createHash('sha256').update(`${label} ${i}`).digest())
  return Buffer.concat(pieces).subarray(0, length)
}

/** [S1] to [S5], with everything that a writer could do wrong left open. */
function seal({ dataKey, salt, streamId, partNumber }, plaintext, log2, { sizes, lastAt } = {}) {
  const segmentBytes = 2 ** log2
  const fixed = Buffer.alloc(10)
  fixed[0] = 1
  fixed[1] = 1
  fixed.writeUInt32BE(segmentBytes, 2)
  fixed.writeUInt32BE(partNumber, 6)
  const info = Buffer.concat([Buffer.from('strongroom sealed stream'), fixed, streamId])
  const secret = Buffer.from(hkdfSync('sha512', dataKey, salt, info, 71))
  const head = Buffer.concat([Buffer.from('SRSF'), Buffer.from([1, 1, log2, 0]), salt, secret.subarray(32, 64)])
  const cut = sizes ?? evenly(plaintext.length, segmentBytes)
  const last = lastAt ?? cut.length - 1
  const out = [head]
  let at = 0
  for (const [index, size] of cut.entries()) {
    const counter = Buffer.alloc(5)
    counter.writeUInt32BE(index)
    counter[4] = index === last ? 1 : 0
    const nonce = Buffer.concat([secret.subarray(64), counter])
    const cipher = createCipheriv('aes-256-gcm', secret.subarray(0, 32), nonce)
    out.push(cipher.update(plaintext.subarray(at, at + size)), cipher.final(), cipher.getAuthTag())
    at += size
  }
  return Buffer.concat(out)
}

function evenly(length, segmentBytes) {
  const sizes = []
  for (let left = length; left > segmentBytes; left -= segmentBytes) sizes.push(segmentBytes)
  return [...sizes, length - sizes.length * segmentBytes]
}

const given = {
  dataKey: bytesOf('data key', 32),
  salt: bytesOf('salt', 32),
  streamId: bytesOf('stream id', 16),
  partNumber: 7,
}
const vector = (name, sealed, outcome, reader = given) => ({
  name,
  dataKey: reader.dataKey.toString('hex'),
  streamId: reader.streamId.toString('hex'),
  partNumber: reader.partNumber,
  sealed: sealed.toString('base64'),
  ...outcome,
})
const accepted = [0, 1, 15, 16, 17, 32, 33, 100].map((size) => {
  const plaintext = bytesOf(`plaintext ${size}`, size)
  const outcome = { plaintext: plaintext.toString('base64') }
  return vector(`${size} bytes in segments of 16`, seal(given, plaintext, 4), outcome)
})
const larger = bytesOf('larger', 1000)
accepted.push(
  vector('1,000 bytes in segments of 256', seal(given, larger, 8), { plaintext: larger.toString('base64') }),
)

const plaintext = bytesOf('plaintext', 40)
const good = seal(given, plaintext, 4)
const changed = (at, to) => {
  const bytes = Buffer.from(good)
  bytes[at] = to(bytes[at])
  return bytes
}
const flip = (at) => changed(at, (byte) => byte ^ 1)
const stride = 16 + TAG
const segment = (index) => good.subarray(HEADER + index * stride, HEADER + (index + 1) * stride)
const withSegments = (...indexes) => Buffer.concat([good.subarray(0, HEADER), ...indexes.map(segment)])
const refused = [
  ['nothing', Buffer.alloc(0), 'S1'],
  ['a header cut short', good.subarray(0, HEADER - 1), 'S1'],
  ['another magic', changed(0, () => 0x73), 'S1'],
  ['version 0', changed(4, () => 0), 'S1'],
  ['version 2', changed(4, () => 2), 'S1'],
  ['another suite', changed(5, () => 2), 'S1'],
  ['segments of 8', changed(6, () => 3), 'S1'],
  ['segments of 2^25', changed(6, () => 25), 'S1'],
  ['another segment size', changed(6, () => 5), 'S6'],
  ['a reserved bit', changed(7, () => 1), 'S1'],
  ['a flipped bit in the salt', flip(8), 'S6'],
  ['a flipped bit in the commitment', flip(40), 'S6'],
  ['a flipped bit in the first segment', flip(HEADER), 'S6'],
  ['a flipped bit in the last tag', flip(good.length - 1), 'S6'],
  ['a header alone', good.subarray(0, HEADER), 'S3'],
  ['a segment without its tag', good.subarray(0, HEADER + 10), 'S3'],
  ['the last segment dropped', withSegments(0, 1), 'S5'],
  ['the first segment dropped', withSegments(1, 2), 'S5'],
  ['segments swapped', withSegments(1, 0, 2), 'S5'],
  ['a segment repeated', withSegments(0, 0, 1, 2), 'S5'],
  ['a byte cut off', good.subarray(0, good.length - 1), 'S6'],
  ['a byte added', Buffer.concat([good, Buffer.from([0])]), 'S6'],
  ['an earlier segment marked as last', seal(given, plaintext, 4, { lastAt: 1 }), 'S5'],
  ['no segment marked as last', seal(given, plaintext, 4, { lastAt: -1 }), 'S5'],
  ['a short segment in the middle', seal(given, plaintext, 4, { sizes: [16, 8, 16] }), 'S2'],
  ['an empty last segment', seal(given, plaintext.subarray(0, 32), 4, { sizes: [16, 16, 0] }), 'S3'],
].map(([name, sealed, rule]) => vector(name, sealed, { refused: rule }))
refused.push(
  vector('another key', good, { refused: 'S6' }, { ...given, dataKey: bytesOf('another', 32) }),
  vector('another stream', good, { refused: 'S4' }, { ...given, streamId: bytesOf('another', 16) }),
  vector('another part', good, { refused: 'S4' }, { ...given, partNumber: 8 }),
)

const path = new URL('sealed-stream-1.json', import.meta.url)
const text = `${JSON.stringify([...accepted, ...refused], undefined, 1)}\n`
if (!process.argv.includes('--check')) writeFileSync(path, text)
else if (readFileSync(path, 'utf8') !== text) {
  console.error('vectors/sealed-stream-1.json is not what the prose gives: run node make.mjs')
  process.exit(1)
}
