/**
 * Makes `client-sealed-1.json` from the prose of docs/formats/client-sealed-object.md and sealed-object.md alone, with
 * none of the packages' code: `node make.mjs` writes it, `node make.mjs --check` fails where it is another.
 *
 * A vector has what the store gives (`metadata`, `body`), what the reader has (`reader`: an AES key in hexadecimal or
 * an RSA key as base64 of PKCS#8, and the encryption context), perhaps a `range` (start, and end without it), and
 * `plaintext`, or, where the reader must refuse, `refused` with the number of the rule.
 */
import { constants, createCipheriv, createHash, createPublicKey, hkdfSync, publicEncrypt } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'

const TEXT = 'strongroom/sealed/1'
const LOG2 = 4
const HEADER = 72
const STRIDE = 2 ** LOG2 + 16

const bytesOf = (label, length) => {
  const pieces = []
  for (let i = 0; pieces.length * 32 < length; i++) pieces.push(createHash('sha256').update(`${label} ${i}`).digest())
  return Buffer.concat(pieces).subarray(0, length)
}
const uint32 = (value) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** [C6] */
function streamId(context) {
  const pairs = Object.entries(context).map((pair) => pair.map((text) => Buffer.from(text)))
  pairs.sort(([a], [b]) => Buffer.compare(a, b))
  const fields = pairs.flat().flatMap((bytes) => [uint32(bytes.length), bytes])
  return createHash('sha256')
    .update(Buffer.concat([uint32(pairs.length), ...fields]))
    .digest()
    .subarray(0, 16)
}

/** [C1], which is [S1] to [S5] */
function seal(plaintext, { dataKey, salt, context, partNumber = 1 }) {
  const fixed = Buffer.concat([Buffer.from([1, 1]), uint32(2 ** LOG2), uint32(partNumber)])
  const info = Buffer.concat([Buffer.from('strongroom sealed stream'), fixed, streamId(context)])
  const secret = Buffer.from(hkdfSync('sha512', dataKey, salt, info, 71))
  const out = [Buffer.from('SRSF'), Buffer.from([1, 1, LOG2, 0]), salt, secret.subarray(32, 64)]
  const count = Math.max(1, Math.ceil(plaintext.length / 2 ** LOG2))
  for (let index = 0; index < count; index++) {
    const nonce = Buffer.concat([secret.subarray(64), uint32(index), Buffer.from([index === count - 1 ? 1 : 0])])
    const cipher = createCipheriv('aes-256-gcm', secret.subarray(0, 32), nonce)
    const piece = plaintext.subarray(index * 2 ** LOG2, (index + 1) * 2 ** LOG2)
    out.push(cipher.update(piece), cipher.final(), cipher.getAuthTag())
  }
  return Buffer.concat(out)
}

/** [C5], code 02 */
function wrapAes(key, dataKey, text = TEXT) {
  const iv = bytesOf('wrap iv', 12)
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(text))
  return Buffer.concat([iv, cipher.update(dataKey), cipher.final(), cipher.getAuthTag()])
}

/** [C5], code 22: EME-OAEP (RFC 8017, 7.1.1) by hand, so that its seed can be a known one. */
function wrapRsa(publicKey, dataKey, text = TEXT) {
  const size = publicKey.asymmetricKeyDetails.modulusLength / 8
  const message = Buffer.concat([Buffer.from([32]), dataKey, Buffer.from(text)])
  const data = Buffer.alloc(size - 21)
  createHash('sha1').digest().copy(data)
  data[data.length - message.length - 1] = 1
  message.copy(data, data.length - message.length)
  const seed = bytesOf('oaep seed', 20)
  const masked = xor(data, mask(seed, data.length))
  const block = Buffer.concat([Buffer.from([0]), xor(seed, mask(masked, 20)), masked])
  return publicEncrypt({ key: publicKey, padding: constants.RSA_NO_PADDING }, block)
}

const mask = (seed, length) => {
  const pieces = []
  for (let i = 0; i * 20 < length; i++) pieces.push(createHash('sha1').update(seed).update(uint32(i)).digest())
  return Buffer.concat(pieces).subarray(0, length)
}
const xor = (a, b) => Buffer.from(a.map((byte, i) => byte ^ b[i]))

const json = (value) =>
  JSON.stringify(value).replace(/[^ -~]|=(?=\?)/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** [C2] to [C4] */
const metadataOf = (body, wraps, context) => ({
  'strongroom-sealed': '1',
  'strongroom-header': body.subarray(0, HEADER).toString('base64'),
  'strongroom-keys': json(wraps),
  ...(Object.keys(context).length > 0 && { 'strongroom-context': json(context) }),
})

const { pkcs8, spki } = JSON.parse(readFileSync(new URL('wraps.json', import.meta.url), 'utf8')).rsa
const publicKey = createPublicKey({ key: Buffer.from(spki, 'base64'), format: 'der', type: 'spki' })

const aesKey = bytesOf('wrapping key', 32)
const dataKey = bytesOf('data key', 32)
const salt = bytesOf('salt', 32)
const base64 = (bytes) => bytes.toString('base64')
const aesWrap = { w: '02', k: base64(wrapAes(aesKey, dataKey)) }
const otherAesWrap = { w: '02', k: base64(wrapAes(bytesOf('another wrapping key', 32), dataKey)) }
const rsaWrap = { w: '22', k: base64(wrapRsa(publicKey, dataKey)), m: { key: 'rsa' } }
const context = { tenant: 'blue', purpose: 'naïve 🔑' }
const plaintext = bytesOf('plaintext', 40)

function made({ bytes = plaintext, wraps = [aesWrap], bound = {}, ...sealing } = {}) {
  const body = seal(bytes, { dataKey, salt, context: bound, ...sealing })
  return { metadata: metadataOf(body, wraps, bound), body }
}
const vector = (name, { metadata, body }, outcome, { encryptionContext = {}, range, ...key } = {}) => ({
  name,
  metadata,
  body: base64(body),
  reader: { ...(key.rsa ? { rsa: key.rsa } : { aes: (key.aes ?? aesKey).toString('hex') }), encryptionContext },
  ...(range && { range }),
  ...outcome,
})
const accept = (name, object, bytes = plaintext, reader = {}) =>
  vector(name, object, { plaintext: base64(bytes.subarray(...(reader.range ?? []))) }, reader)
const refuse = (rule, name, object, reader) => vector(name, object, { refused: rule }, reader)

const good = made()
const bound = made({ bound: context })
const withFields = (object, fields) => {
  const entries = Object.entries({ ...object.metadata, ...fields }).filter(([, value]) => value !== undefined)
  return { ...object, metadata: Object.fromEntries(entries) }
}
const withKeys = (keys) => withFields(good, { 'strongroom-keys': typeof keys === 'string' ? keys : json(keys) })
const withBody = (body, object = good) => ({ ...object, body })
const flipped = (bytes, at) => {
  const out = Buffer.from(bytes)
  out[at < 0 ? out.length + at : at] ^= 1
  return out
}
const { body } = good
const segments = (...indexes) =>
  Buffer.concat([
    body.subarray(0, HEADER),
    ...indexes.map((i) => body.subarray(HEADER + i * STRIDE, HEADER + (i + 1) * STRIDE)),
  ])
const other = seal(plaintext, { dataKey, salt: bytesOf('another salt', 32), context: {} })
const headerOfOther = { 'strongroom-header': base64(other.subarray(0, HEADER)) }

const vectors = [
  ...[0, 1, 16, 17, 40].map((size) => {
    const bytes = bytesOf(`plaintext ${size}`, size)
    return accept(`${size} bytes`, made({ bytes }), bytes)
  }),
  accept('names in other letters', {
    ...good,
    metadata: Object.fromEntries(Object.entries(good.metadata).map(([name, value]) => [name.toUpperCase(), value])),
  }),
  accept('an RSA wrap', made({ wraps: [rsaWrap] }), plaintext, { rsa: pkcs8 }),
  accept('the second of two wraps, of another kind', made({ wraps: [rsaWrap, aesWrap] })),
  accept('the second of two wraps of one kind', made({ wraps: [otherAesWrap, aesWrap] })),
  accept('a context', bound, plaintext, { encryptionContext: context }),
  accept('a context that looks encoded', made({ bound: { subject: '=?utf-8?q?a=20b?=' } }), plaintext, {
    encryptionContext: { subject: '=?utf-8?q?a=20b?=' },
  }),
  accept('an empty context that is stored', withFields(good, { 'strongroom-context': '{}' })),
  accept('white space in JSON', withFields(good, { 'strongroom-keys': JSON.stringify([aesWrap], undefined, 2) })),
  accept(
    'a context whose members stand in another order',
    withFields(bound, {
      'strongroom-context': json({ purpose: context.purpose, tenant: context.tenant }),
    }),
    plaintext,
    { encryptionContext: context },
  ),
  accept('user metadata besides', withFields(good, { author: 'somebody' })),
  ...[
    [0, 1],
    [15, 17],
    [16, 32],
    [39, 40],
    [0, 40],
    [20, 40],
  ].map((range) => accept(`bytes ${range[0]} to ${range[1]}`, good, plaintext, { range })),

  refuse('C2', 'no version', withFields(good, { 'strongroom-sealed': undefined })),
  refuse('C2', 'version 2', withFields(good, { 'strongroom-sealed': '2' })),
  refuse('C2', 'version 01', withFields(good, { 'strongroom-sealed': '01' })),
  refuse('C2', 'no header', withFields(good, { 'strongroom-header': undefined })),
  refuse('C2', 'a header of 71 bytes', withFields(good, { 'strongroom-header': base64(body.subarray(0, 71)) })),
  refuse('C2', 'a header of 73 bytes', withFields(good, { 'strongroom-header': base64(body.subarray(0, 73)) })),
  refuse('C2', 'no keys', withFields(good, { 'strongroom-keys': undefined })),
  refuse('C2 mixed', 'a field of format V2', withFields(good, { 'x-amz-key-v2': 'AA==' })),
  refuse('C2 mixed', 'a field of format V3', withFields(good, { 'x-amz-c': '115' })),
  refuse('C3', 'base64 without padding', withKeys([{ ...aesWrap, k: `${aesWrap.k.slice(0, -4)}AA` }])),
  refuse('C3', 'base64 with unused bits', withKeys([{ ...aesWrap, k: 'AB==' }])),
  refuse('C3', 'base64 of URLs', withFields(good, { 'strongroom-header': '-'.repeat(96) })),
  refuse(
    'C3',
    'base64 with a line break',
    withFields(good, { 'strongroom-header': `${base64(body.subarray(0, HEADER))}\n` }),
  ),
  refuse('C3', 'keys that are no JSON', withKeys('[{')),
  refuse('C3', 'a context that is no JSON', withFields(good, { 'strongroom-context': '{' })),
  refuse('C3', 'a context that is an array', withFields(good, { 'strongroom-context': '[]' })),
  refuse('C3', 'a context that holds a number', withFields(good, { 'strongroom-context': '{"a":1}' })),
  refuse('C4', 'keys that are an object', withKeys(aesWrap)),
  refuse('C4', 'no wrap', withKeys([])),
  refuse('C4', 'a wrap that is text', withKeys(['02'])),
  refuse('C4', 'a wrap with another member', withKeys([{ ...aesWrap, x: '1' }])),
  refuse('C4', 'a wrap without its way', withKeys([{ k: aesWrap.k }])),
  refuse('C4', 'a wrap without its key', withKeys([{ w: '02' }])),
  refuse('C4', 'an unknown way of wrapping', withKeys([{ ...aesWrap, w: '99' }])),
  refuse('C4', 'an unknown way of wrapping beside a known one', withKeys([aesWrap, { ...aesWrap, w: '99' }])),
  refuse('C4', 'a description that is text', withKeys([{ ...aesWrap, m: 'text' }])),
  refuse('C4', 'a description that holds a number', withKeys([{ ...aesWrap, m: { a: 1 } }])),
  refuse('C5', 'another AES key', good, { aes: bytesOf('another', 32) }),
  refuse('C5', 'a flipped bit in the wrap', withKeys([{ w: '02', k: base64(flipped(wrapAes(aesKey, dataKey), 20)) }])),
  refuse('C5', 'a wrap cut short', withKeys([{ w: '02', k: base64(wrapAes(aesKey, dataKey).subarray(0, 59)) }])),
  refuse(
    'C5',
    'a wrap that is too long',
    withKeys([{ w: '02', k: base64(Buffer.concat([wrapAes(aesKey, dataKey), Buffer.alloc(1)])) }]),
  ),
  refuse('C5', 'an AES wrap of format V3', withKeys([{ w: '02', k: base64(wrapAes(aesKey, dataKey, '115')) }])),
  refuse('C5', 'an RSA wrap of format V3', withKeys([{ w: '22', k: base64(wrapRsa(publicKey, dataKey, '115')) }]), {
    rsa: pkcs8,
  }),
  refuse(
    'C5',
    'an RSA wrap with something after the text',
    withKeys([{ w: '22', k: base64(wrapRsa(publicKey, dataKey, `${TEXT}0`)) }]),
    { rsa: pkcs8 },
  ),
  refuse('C5 kind', 'a wrap of another kind only', made({ wraps: [rsaWrap] })),
  refuse('C6', 'no context where there is one', bound),
  refuse('C6', 'a context where there is none', good, { encryptionContext: context }),
  refuse('C6', 'a context with another value', bound, { encryptionContext: { ...context, tenant: 'red' } }),
  refuse('C6', 'a context with one name more', bound, { encryptionContext: { ...context, more: '' } }),
  refuse('C6', 'a context with one name less', bound, { encryptionContext: { tenant: 'blue' } }),
  refuse(
    'C7',
    'another context put beside the body',
    withFields(bound, { 'strongroom-context': json({ tenant: 'red' }) }),
    { encryptionContext: { tenant: 'red' } },
  ),
  refuse('C7', 'the context taken away', withFields(bound, { 'strongroom-context': undefined })),
  refuse(
    'C7',
    'a wrap of another data key',
    withKeys([{ w: '02', k: base64(wrapAes(aesKey, bytesOf('another', 32))) }]),
  ),
  refuse('C7', 'another part number', made({ partNumber: 2 })),
  refuse('C7', 'a flipped bit in the salt', withBody(flipped(body, 8))),
  refuse('C7', 'a flipped bit in the commitment', withBody(flipped(body, 40))),
  refuse(
    'C7',
    'a flipped bit in the commitment, for a range',
    withFields(good, { 'strongroom-header': base64(flipped(body.subarray(0, HEADER), 40)) }),
    { range: [0, 1] },
  ),
  refuse('C8', 'nothing', withBody(Buffer.alloc(0))),
  refuse('C8', 'a header alone', withBody(body.subarray(0, HEADER))),
  refuse('C8', 'another magic', withBody(flipped(body, 0))),
  refuse('C8', 'a flipped bit in the first segment', withBody(flipped(body, HEADER))),
  refuse('C8', 'a flipped bit in the last tag', withBody(flipped(body, -1))),
  refuse('C8', 'a byte cut off', withBody(body.subarray(0, -1))),
  refuse('C8', 'a byte added', withBody(Buffer.concat([body, Buffer.alloc(1)]))),
  refuse('C8', 'the last segment dropped', withBody(segments(0, 1))),
  refuse('C8', 'the first segment dropped', withBody(segments(1, 2))),
  refuse('C8', 'segments swapped', withBody(segments(1, 0, 2))),
  refuse('C8', 'a segment repeated', withBody(segments(0, 0, 1, 2))),
  refuse(
    'C8',
    'segments of another stream under the same data key',
    withBody(Buffer.concat([body.subarray(0, HEADER), other.subarray(HEADER)])),
  ),
  refuse('C9', 'a range of a body cut after a whole segment', withBody(segments(0, 1)), { range: [0, 1] }),
  refuse('C9', 'a range with a flipped bit', withBody(flipped(body, HEADER + STRIDE)), { range: [16, 17] }),
  refuse('C9', 'a range of a body whose last segment is changed', withBody(flipped(body, -1)), { range: [0, 1] }),
  refuse('C9', 'a range of swapped segments', withBody(segments(1, 0, 2)), { range: [0, 1] }),
  refuse('C9', 'a range by the header of another stream', withFields(good, headerOfOther), { range: [0, 1] }),
]
// A change elsewhere is none of a range's business, so that it need not be read.
vectors.push(
  accept('a range beside a changed segment', withBody(flipped(body, HEADER + STRIDE)), plaintext, { range: [0, 16] }),
)

const path = new URL('client-sealed-1.json', import.meta.url)
const text = `${JSON.stringify(vectors, undefined, 1)}\n`
if (!process.argv.includes('--check')) writeFileSync(path, text)
else if (readFileSync(path, 'utf8') !== text) {
  console.error('vectors/client-sealed-1.json is not what the prose gives: run node make.mjs')
  process.exit(1)
}
